/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "core/local.h"

/* TEXT before a page that nobody may read, until the next call. */
static struct hf_span guarded(struct hf_span text)
{
        static struct guard guard;

        if (guard.map)
                guard_free(&guard);
        return guard_make(&guard, text);
}

static const struct resolv {
        const char *name, *text, *search;
        unsigned ndots;
} resolvs[] = {
        {"nothing", "", NULL, 1},
        {"search_line", "nameserver 10.0.0.1\nsearch a.test b.test\n", "a.test b.test", 1},
        {"domain_line", "domain corp.test\n", "corp.test", 1},
        {"domain_takes_one_word", "domain corp.test other.test\n", "corp.test", 1},
        {"last_search_counts", "search a.test\nsearch b.test\n", "b.test", 1},
        {"last_of_domain_and_search", "search a.test\ndomain b.test\n", "b.test", 1},
        {"no_newline_at_the_end", "search a.test", "a.test", 1},
        {"carriage_returns", "search a.test\r\noptions ndots:4\r\n", "a.test", 4},
        {"tabs", "search\ta.test\tb.test\noptions\tndots:5", "a.test\tb.test", 5},
        {"comments", "# search a.test\n; search b.test\n", NULL, 1},
        {"ndots_among_options", "options timeout:1 ndots:2 rotate\n", NULL, 2},
        {"ndots_zero", "options ndots:0\n", NULL, 0},
        {"ndots_too_large", "options ndots:99\n", NULL, 15},
        {"ndots_no_number", "options ndots:x ndots: ndots\n", NULL, 1},
        {"last_ndots_counts", "options ndots:2\noptions ndots:3\n", NULL, 3},
        {"word_that_begins_alike", "searching a.test\noptionsx ndots:4\n", NULL, 1},
        {"empty_search", "search\n", "", 1},
        {"blank_lines", "\n\n   \nsearch a.test\n\n", "a.test", 1},
};

static void check_resolv(void **state)
{
        const struct resolv *row = *state;
        struct hf_span text = guarded(hf_span(row->text)), search;

        search = hf_resolv_search(text);
        if (!row->search)
                assert_null(search.s);
        else if (!hf_span_eq(search, hf_span(row->search)))
                fail_msg("\"%.*s\", not \"%s\"", (int)search.n, search.s, row->search);
        assert_int_equal(hf_resolv_ndots(text), row->ndots);
}

static const struct local {
        const char *name, *search, *host;
        bool local;
} locals[] = {
        {"public_name", "corp.test", "huggingface.test", false},
        {"below_a_suffix", "lab corp.test", "db.corp.test", true},
        {"far_below_a_suffix", "corp.test", "a.b.c.corp.test", true},
        {"suffix_any_case", "Corp.TEST", "db.cORP.test", true},
        {"suffix_with_dots_at_its_ends", ".corp.test.", "db.corp.test", true},
        {"suffix_itself", "corp.test", "corp.test", true},
        {"suffix_not_at_a_label", "corp.test", "xcorp.test", false},
        {"suffix_of_one_label", "test", "db.test", false},
        {"no_suffix", NULL, "db.corp.test", false},
        {"under_local", "", "printer.local", true},
        {"under_internal", "", "metadata.google.internal", true},
        {"under_svc", "", "api.ns.svc", true},
        {"under_cluster_local", "", "api.ns.svc.cluster.local", true},
        {"under_lan", "", "nas.LAN", true},
        {"under_home_arpa", "", "nas.home.arpa", true},
        {"under_localhost", "", "app.localhost", true},
        {"not_under_arpa", "", "nas.arpa", false},
        {"not_at_a_label", "", "a.xlocal", false},
        {"domain_inside", "", "a.local.test", false},
        {"domain_alone", "", "local", false},
        {"only_a_dot_before", "", ".local", false},
};

static void check_local(void **state)
{
        const struct local *row = *state;

        assert_int_equal(hf_local_name(hf_span(row->search), guarded(hf_span(row->host))),
                         row->local);
}

static const struct hosts {
        const char *name, *text, *host, *addrs[3];
} hosts[] = {
        {"hosts_empty", "", "a.test", {NULL}},
        {"hosts_first_name", "192.0.2.1 a.test b.test\n", "a.test", {"192.0.2.1"}},
        {"hosts_second_name", "192.0.2.1\ta.test\tb.test\n", "b.test", {"192.0.2.1"}},
        {"hosts_any_case", "192.0.2.1 A.Test\n", "a.tEST", {"192.0.2.1"}},
        {"hosts_both_families",
         "192.0.2.1 a.test\n2001:db8::1 a.test\n",
         "a.test",
         {"192.0.2.1", "2001:db8::1"}},
        {"hosts_not_the_address", "192.0.2.1 a.test\n", "192.0.2.1", {NULL}},
        {"hosts_longer_name", "192.0.2.1 a.test.example\n", "a.test", {NULL}},
        {"hosts_comment_line", "# 192.0.2.1 a.test\n", "a.test", {NULL}},
        {"hosts_comment_behind", "192.0.2.1 b.test # a.test\n", "a.test", {NULL}},
        {"hosts_comment_in_a_word", "192.0.2.1 a.test#x\n", "a.test", {"192.0.2.1"}},
        {"hosts_bad_address", "192.0.2 a.test\n192.0.2.2 a.test", "a.test", {"192.0.2.2"}},
        {"hosts_no_newline", "192.0.2.1 a.test", "a.test", {"192.0.2.1"}},
        {"hosts_carriage_return", "192.0.2.1 a.test\r\n", "a.test", {"192.0.2.1"}},
        {"hosts_dot_at_the_end", "192.0.2.1 a.test.\n", "a.test", {"192.0.2.1"}},
        {"hosts_address_alone", "192.0.2.1\n", "a.test", {NULL}},
        {"hosts_nul_bytes", "192.0.2.1 a.test\n\n \n", "a.test", {"192.0.2.1"}},
};

static void check_hosts(void **state)
{
        const struct hosts *row = *state;
        struct hf_span rest = guarded(hf_span(row->text));
        struct hf_addr addr, wanted;

        for (size_t i = 0; row->addrs[i]; i++) {
                assert_true(hf_addr_parse(hf_span(row->addrs[i]), &wanted));
                assert_true(hf_hosts_next(&rest, hf_span(row->host), &addr));
                assert_true(hf_addr_eq(&addr, &wanted));
        }
        assert_false(hf_hosts_next(&rest, hf_span(row->host), &addr));
}

static void hosts_by_address(void **state)
{
        const struct hf_span text =
                guarded(HF_SPAN("192.0.2.1 a.test\n# 192.0.2.2 b.test\n192.0.2.3\n"
                                "192.0.2.4 #c.test\n::ffff:192.0.2.5 d.test\n2001:db8::1\te.test"));
        static const struct {
                const char *addr;
                bool has;
        } rows[] = {{"192.0.2.1", true},   {"192.0.2.2", false}, {"192.0.2.3", false},
                    {"192.0.2.4", false},  {"192.0.2.5", true},  {"2001:db8::1", true},
                    {"2001:db8::2", false}};

        (void)state;
        for (size_t i = 0; i < HF_LEN(rows); i++) {
                struct hf_addr addr;

                assert_true(hf_addr_parse(hf_span(rows[i].addr), &addr));
                if (hf_hosts_has(text, &addr) != rows[i].has)
                        fail_msg("%s", rows[i].addr);
        }
}

static void random_bytes_do_no_harm(void **state)
{
        static const char *const pieces[] = {"search ", "domain",    "options ", "ndots:", "7",
                                             "\n",      " ",         "#",        "a.test", ".",
                                             "\t",      "192.0.2.1", "\xff",     "::1",    "\r"};
        uint64_t seed = 11;

        (void)state;
        for (int i = 0; i < 20000; i++) {
                char buf[512];
                struct hf_span text =
                        random_text(&seed, pieces, HF_LEN(pieces), 30, buf, sizeof buf);
                struct hf_span rest = text = guarded(text);
                struct hf_addr addr;

                assert_true(hf_resolv_ndots(text) <= 15);
                hf_local_name(hf_resolv_search(text), HF_SPAN("x.a.test"));
                while (hf_hosts_next(&rest, HF_SPAN("a.test"), &addr))
                        assert_true(addr.family == 4 || addr.family == 6);
        }
}

int main(void)
{
        static struct table t;

        TABLE_ADD(&t, check_resolv, resolvs);
        TABLE_ADD(&t, check_local, locals);
        TABLE_ADD(&t, check_hosts, hosts);
        table_add(&t, "hosts_by_address", hosts_by_address, NULL);
        table_add(&t, "random_bytes_do_no_harm", random_bytes_do_no_harm, NULL);
        return table_run("local", &t);
}
