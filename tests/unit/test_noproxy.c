/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "core/noproxy.h"

#include <time.h>

static const struct match {
        const char *name, *list, *host, *addr;
        uint16_t port;
        bool matches;
} matches[] = {
        {"empty_list_names_nothing", "", "a.com", NULL, 443, false},
        {"star_names_everything", "*", "a.com", NULL, 443, true},
        {"star_names_addresses", "*", NULL, "192.0.2.1", 443, true},
        {"star_counts_anywhere", "b.com, *", "a.com", NULL, 443, true},
        {"star_with_port", "*:443", "a.com", NULL, 443, true},
        {"star_with_other_port", "*:443", "a.com", NULL, 80, false},
        {"two_stars_name_nothing", "**", "a.com", NULL, 443, false},

        {"domain_names_itself", "google.com", "google.com", NULL, 443, true},
        {"domain_names_subdomains", "google.com", "www.google.com", NULL, 443, true},
        {"domain_names_deep_subdomains", "google.com", "a.b.google.com", NULL, 443, true},
        {"domain_ends_at_a_label", "google.com", "notgoogle.com", NULL, 443, false},
        {"domain_is_no_prefix", "google.com", "google.com.evil", NULL, 443, false},
        {"domain_does_not_name_its_parent", "www.google.com", "google.com", NULL, 443, false},
        {"longer_than_the_name", "aaaaaaaaaaaa.google.com", "a.google.com", NULL, 443, false},
        {"leading_dot_names_the_domain", ".google.com", "google.com", NULL, 443, true},
        {"leading_dot_names_subdomains", ".google.com", "www.google.com", NULL, 443, true},
        {"leading_dot_ends_at_a_label", ".google.com", "notgoogle.com", NULL, 443, false},
        {"star_dot_names_the_domain", "*.google.com", "google.com", NULL, 443, true},
        {"star_dot_names_subdomains", "*.google.com", "www.google.com", NULL, 443, true},
        {"star_dot_ends_at_a_label", "*.google.com", "notgoogle.com", NULL, 443, false},
        {"star_without_dot_names_nothing", "*google.com", "google.com", NULL, 443, false},
        {"star_in_the_middle_names_nothing", "a.*.com", "a.b.com", NULL, 443, false},
        {"trailing_dot_in_list", "google.com.", "www.google.com", NULL, 443, true},
        {"trailing_dot_in_name", "google.com", "www.google.com.", NULL, 443, true},
        {"trailing_dot_before_port", "google.com.:443", "google.com", NULL, 443, true},
        {"case_in_list", "GOOGLE.Com", "www.google.com", NULL, 443, true},
        {"case_in_name", "google.com", "WWW.GOOGLE.COM", NULL, 443, true},
        {"dotless_name", "localhost", "localhost", NULL, 80, true},
        {"dotless_name_as_domain", "corp", "git.corp", NULL, 80, true},
        {"underscore_in_name", "my_host", "my_host", NULL, 80, true},
        {"dot_alone_names_nothing", ".", "a.com", NULL, 443, false},
        {"star_dot_alone_names_nothing", "*.", "a.com", NULL, 443, false},
        {"two_dots_name_nothing", "..google.com", "www.google.com", NULL, 443, false},
        {"empty_label_names_nothing", "a..com", "a..com", NULL, 443, false},
        {"name_of_digits", "10", "10", NULL, 443, true},
        {"name_does_not_name_an_address", "localhost", NULL, "127.0.0.1", 443, false},

        {"separates_at_commas", "a.com,b.com", "b.com", NULL, 443, true},
        {"separates_at_semicolons", "a.com;b.com", "a.com", NULL, 443, true},
        {"separates_at_blanks", "a.com b.com\tc.com\nd.com", "c.com", NULL, 443, true},
        {"separates_at_cr", "a.com\r", "a.com", NULL, 443, true},
        {"separates_at_quotes", "\"a.com,b.com\"", "a.com", NULL, 443, true},
        {"skips_empty_entries", ",, ; ,a.com,,", "a.com", NULL, 443, true},
        {"only_separators", ",; ,", "a.com", NULL, 443, false},
        {"last_entry_counts", "x,y,z", "z", NULL, 443, true},

        {"port_matches", "a.com:443", "a.com", NULL, 443, true},
        {"port_matches_subdomains", "a.com:443", "x.a.com", NULL, 443, true},
        {"other_port", "a.com:443", "a.com", NULL, 80, false},
        {"port_when_port_is_unknown", "a.com:443", "a.com", NULL, 0, false},
        {"no_port_when_port_is_unknown", "a.com", "a.com", NULL, 0, true},
        {"dotted_with_port", ".a.com:443", "x.a.com", NULL, 443, true},
        {"port_zero_names_nothing", "a.com:0", "a.com", NULL, 0, false},
        {"port_too_large_names_nothing", "a.com:65979", "a.com", NULL, 443, false},
        {"empty_port_names_nothing", "a.com:", "a.com", NULL, 443, false},
        {"port_with_text_names_nothing", "a.com:443x", "a.com", NULL, 443, false},

        {"ipv4_address", "192.0.2.1", NULL, "192.0.2.1", 443, true},
        {"other_ipv4_address", "192.0.2.1", NULL, "192.0.2.2", 443, false},
        {"ipv4_with_port", "192.0.2.1:443", NULL, "192.0.2.1", 443, true},
        {"ipv4_with_other_port", "192.0.2.1:443", NULL, "192.0.2.1", 80, false},
        {"ipv4_as_host_text", "192.0.2.1", "192.0.2.1", NULL, 443, true},
        {"prefix_and_host_text", "192.0.2.0/24", "192.0.2.1", NULL, 443, true},
        {"address_is_no_suffix", "2.1", NULL, "192.0.2.1", 443, false},
        {"address_is_no_suffix_of_text", "0.2.1", "192.0.2.1", NULL, 443, true},
        {"mistyped_address_names_nothing", "256.0.2.1", "256.0.2.1", NULL, 443, false},
        {"octal_address_names_nothing", "010.0.0.1", NULL, "10.0.0.1", 443, false},
        {"name_and_address_by_name", "a.com", "a.com", "192.0.2.1", 443, true},
        {"name_and_address_by_address", "192.0.2.0/24", "a.com", "192.0.2.1", 443, true},

        {"ipv4_prefix", "10.0.0.0/8", NULL, "10.255.0.1", 443, true},
        {"ipv4_prefix_out", "10.0.0.0/8", NULL, "11.0.0.1", 443, false},
        {"ipv4_prefix_ignores_host_bits", "10.1.2.3/8", NULL, "10.9.9.9", 443, true},
        {"ipv4_prefix_of_partial_byte", "172.16.0.0/12", NULL, "172.31.255.255", 443, true},
        {"ipv4_prefix_of_partial_byte_out", "172.16.0.0/12", NULL, "172.32.0.0", 443, false},
        {"ipv4_prefix_zero", "0.0.0.0/0", NULL, "203.0.113.1", 443, true},
        {"ipv4_prefix_zero_and_ipv6", "0.0.0.0/0", NULL, "2001:db8::1", 443, false},
        {"ipv4_prefix_32", "192.0.2.1/32", NULL, "192.0.2.1", 443, true},
        {"ipv4_prefix_33_names_nothing", "192.0.2.1/33", NULL, "192.0.2.1", 443, false},
        {"ipv4_prefix_empty_names_nothing", "192.0.2.1/", NULL, "192.0.2.1", 443, false},
        {"ipv4_prefix_negative_names_nothing", "192.0.2.1/-1", NULL, "192.0.2.1", 443, false},
        {"ipv4_netmask_names_nothing", "10.0.0.0/255.0.0.0", NULL, "10.0.0.0", 443, false},
        {"ipv4_prefix_with_port", "10.0.0.0/8:443", NULL, "10.1.1.1", 443, true},
        {"ipv4_prefix_with_other_port", "10.0.0.0/8:443", NULL, "10.1.1.1", 80, false},
        {"prefix_of_a_name_names_nothing", "a.com/8", "a.com", NULL, 443, false},

        {"star_net_8", "10.*", NULL, "10.1.2.3", 443, true},
        {"star_net_8_out", "10.*", NULL, "11.1.2.3", 443, false},
        {"star_net_16", "192.168.*", NULL, "192.168.7.7", 443, true},
        {"star_net_16_out", "192.168.*", NULL, "192.169.7.7", 443, false},
        {"star_net_24", "192.0.2.*", NULL, "192.0.2.200", 443, true},
        {"star_net_written_out", "10.*.*.*", NULL, "10.1.2.3", 443, true},
        {"star_net_with_port", "10.*:443", NULL, "10.1.2.3", 80, false},
        {"star_net_too_long_names_nothing", "10.1.2.3.*", NULL, "10.1.2.3", 443, false},
        {"star_net_of_five_parts_names_nothing", "10.*.*.*.*", NULL, "10.1.2.3", 443, false},
        {"star_net_256_names_nothing", "256.*", NULL, "0.1.2.3", 443, false},
        {"star_net_with_hole_names_nothing", "10.*.2", NULL, "10.2.2.3", 443, false},
        {"star_net_with_trailing_dot_names_nothing", "10.*.", NULL, "10.1.2.3", 443, false},

        {"ipv6_bare", "::1", NULL, "::1", 443, true},
        {"ipv6_in_brackets", "[::1]", NULL, "::1", 443, true},
        {"ipv6_spelled_out", "0:0:0:0:0:0:0:1", NULL, "::1", 443, true},
        {"ipv6_upper_case", "2001:DB8::A", NULL, "2001:db8::a", 443, true},
        {"ipv6_other", "::1", NULL, "::2", 443, false},
        {"ipv6_with_port", "[::1]:443", NULL, "::1", 443, true},
        {"ipv6_with_other_port", "[::1]:443", NULL, "::1", 80, false},
        {"ipv6_bare_has_no_port", "2001:db8::1:443", NULL, "2001:db8::1", 443, false},
        {"ipv6_prefix", "fd00::/8", NULL, "fd12::1", 443, true},
        {"ipv6_prefix_out", "fd00::/8", NULL, "fe12::1", 443, false},
        {"ipv6_prefix_in_brackets", "[fd00::]/8", NULL, "fd12::1", 443, true},
        {"ipv6_prefix_with_port", "[fd00::]/8:443", NULL, "fd12::1", 443, true},
        {"ipv6_prefix_with_other_port", "[fd00::]/8:443", NULL, "fd12::1", 80, false},
        {"ipv6_prefix_zero", "::/0", NULL, "2001:db8::1", 443, true},
        {"ipv6_prefix_zero_and_ipv4", "::/0", NULL, "192.0.2.1", 443, false},
        {"ipv6_prefix_65_in", "2001:db8::/65", NULL, "2001:db8::7fff:0:0:0", 443, true},
        {"ipv6_prefix_65_out", "2001:db8::/65", NULL, "2001:db8::8000:0:0:0", 443, false},
        {"ipv6_prefix_68_in", "2001:db8::/68", NULL, "2001:db8::0fff:0:0:0", 443, true},
        {"ipv6_prefix_68_out", "2001:db8::/68", NULL, "2001:db8::1000:0:0:0", 443, false},
        {"ipv6_prefix_71_in", "2001:db8::/71", NULL, "2001:db8::01ff:0:0:0", 443, true},
        {"ipv6_prefix_71_out", "2001:db8::/71", NULL, "2001:db8::0200:0:0:0", 443, false},
        {"ipv6_prefix_72_in", "2001:db8::/72", NULL, "2001:db8::00ff:0:0:0", 443, true},
        {"ipv6_prefix_72_out", "2001:db8::/72", NULL, "2001:db8::0100:0:0:0", 443, false},
        {"ipv6_prefix_128", "::2/128", NULL, "::3", 443, false},
        {"ipv6_prefix_129_names_nothing", "::1/129", NULL, "::1", 443, false},
        {"ipv6_open_bracket_names_nothing", "[::1", NULL, "::1", 443, false},
        {"ipv6_text_behind_bracket_names_nothing", "[::1]x", NULL, "::1", 443, false},
        {"ipv6_prefix_inside_brackets_names_nothing", "[fd00::/8]", NULL, "fd00::", 443, false},
        {"ipv4_in_brackets_names_nothing", "[192.0.2.1]", NULL, "192.0.2.1", 443, false},
        {"name_in_brackets_names_nothing", "[a.com]", "a.com", NULL, 443, false},
        {"zone_names_nothing", "fe80::1%eth0", NULL, "fe80::1", 443, false},
        {"mapped_entry_names_ipv4", "::ffff:192.0.2.1", NULL, "192.0.2.1", 443, true},
        {"ipv4_entry_names_mapped", "192.0.2.1", NULL, "::ffff:192.0.2.1", 443, true},
        {"mapped_prefix_names_ipv4", "::ffff:10.0.0.0/104", NULL, "10.1.2.3", 443, true},
        {"mapped_prefix_out", "::ffff:10.0.0.0/104", NULL, "11.1.2.3", 443, false},
        {"mapped_prefix_96_names_all_ipv4", "::ffff:0:0/96", NULL, "203.0.113.1", 443, true},
        {"mapped_prefix_below_96_names_nothing", "::ffff:0:0/95", NULL, "203.0.113.1", 443, false},

        {"url_names_its_host", "https://a.com", "a.com", NULL, 80, true},
        {"url_names_subdomains", "https://a.com", "x.a.com", NULL, 443, true},
        {"url_with_port", "https://a.com:8443", "a.com", NULL, 8443, true},
        {"url_with_other_port", "https://a.com:8443", "a.com", NULL, 443, false},
        {"url_with_path", "http://a.com/x/y", "a.com", NULL, 80, true},
        {"url_with_star_dot", "all://*.a.com", "x.a.com", NULL, 80, true},
        {"url_with_address", "http://192.0.2.1/", NULL, "192.0.2.1", 80, true},
        {"url_with_ipv6", "http://[::1]:80/", NULL, "::1", 80, true},
        {"url_path_is_no_prefix", "http://192.0.2.1/8", NULL, "192.0.2.2", 80, false},
        {"url_with_bare_ipv6_names_nothing", "http://::1", NULL, "::1", 80, false},
        {"url_without_host_names_nothing", "https://", "a.com", NULL, 443, false},
        {"url_with_user_names_nothing", "https://u@a.com", "a.com", NULL, 443, false},
};

static void check_match(void **state)
{
        const struct match *row = *state;
        struct guard g, g2;
        struct hf_span list = guard_make(&g, hf_span(row->list));
        struct hf_span host = guard_make(&g2, hf_span(row->host));
        struct hf_addr addr;
        struct hf_dest dest = {.port = row->port};

        if (row->host)
                dest.name = host;
        if (row->addr) {
                assert_true(hf_addr_parse(hf_span(row->addr), &addr));
                dest.addr = &addr;
        }
        assert_int_equal(hf_noproxy_match(list, &dest), row->matches);
        guard_free(&g);
        guard_free(&g2);
}

static const struct mend_row {
        const char *name, *list, *mended;
} mends[] = {
        {"mends_nothing", "", ""},
        {"mends_separators_only", " ,; ", ""},
        {"keeps_a_clean_list", "localhost,127.0.0.1,.a.com", "localhost,127.0.0.1,.a.com"},
        {"keeps_star", "*", "*"},
        {"keeps_star_in_list", "a.com,*", "a.com,*"},
        {"keeps_case", "A.com", "A.com"},
        {"mends_blanks", "a.com  b.com\tc.com", "a.com,b.com,c.com"},
        {"mends_comma_and_blank", "a.com, b.com", "a.com,b.com"},
        {"mends_semicolons", "a.com;b.com;", "a.com,b.com"},
        {"mends_empty_entries", ",a.com,,b.com,", "a.com,b.com"},
        {"mends_cr", "a.com\r\n", "a.com"},
        {"mends_quotes", "\"a.com,b.com\"", "a.com,b.com"},
        {"mends_brackets", "[::1]", "::1"},
        {"mends_star_dot", "*.a.com", ".a.com"},
        {"mends_star_dot_with_port", "*.a.com:80", ".a.com:80"},
        {"mends_trailing_dot", "a.com.", "a.com"},
        {"mends_trailing_dot_before_port", ".a.com.:80", ".a.com:80"},
        {"mends_trailing_dot_behind_star", "*.a.com.", ".a.com"},
        {"keeps_bare_ipv6", "::1,2001:DB8::1", "::1,2001:DB8::1"},
        {"leaves_out_ipv6_prefix", "a,fd00::/8,b", "a,b"},
        {"leaves_out_ipv6_prefix_in_brackets", "[fd00::]/8,b", "b"},
        {"leaves_out_mapped_prefix", "::ffff:10.0.0.0/104", ""},
        {"leaves_out_ipv6_with_port", "a,[::1]:80", "a"},
        {"leaves_out_broken_brackets", "[::1,a,::1],[a.com]", "a"},
        {"leaves_out_bad_port", "a.com:x,a.com:99999,b", "b"},
        {"leaves_out_user", "u@a.com,@,b", "b"},
        {"leaves_out_zone", "fe80::1%eth0", ""},
        {"leaves_out_bad_url", "https://,https://[x,https://a:b", ""},
        {"leaves_out_control_characters", "a\x01.com,b\x7f,c", "c"},
        {"leaves_out_other_than_ascii", "\xc3\xa4.com,\xff,c", "c"},
        {"keeps_url", "https://a.com:8443/x", "https://a.com:8443/x"},
        {"keeps_url_with_ipv6", "https://[::1]:80", "https://[::1]:80"},
        {"keeps_ipv4_prefix", "10.0.0.0/8", "10.0.0.0/8"},
        {"keeps_star_net", "10.*", "10.*"},
        {"keeps_port", "a.com:80,10.1.1.1:80", "a.com:80,10.1.1.1:80"},
        {"keeps_what_harms_nobody", "*a.com,256.1.1.1,a..b", "*a.com,256.1.1.1,a..b"},
};

static void check_mend(void **state)
{
        const struct mend_row *row = *state;
        struct guard g;
        char buf[256], again[256];
        struct hf_out out = hf_out_write(buf, sizeof buf);

        hf_noproxy_put_mended(&out, guard_make(&g, hf_span(row->list)));
        expect_text(buf, &out, row->mended);
        out = hf_out_write(again, sizeof again);
        hf_noproxy_put_mended(&out, hf_span(row->mended));
        expect_text(again, &out, row->mended);
        guard_free(&g);
}

static const struct has_row {
        const char *name, *list, *entry;
        bool has;
} hass[] = {
        {"has_an_entry", "a,localhost,b", "localhost", true},
        {"has_it_in_other_case", "a,LOCALHOST", "localhost", true},
        {"has_it_behind_blanks", "a, localhost", "localhost", true},
        {"has_it_in_brackets", "[::1]", "::1", true},
        {"has_it_without_brackets", "::1", "[::1]", true},
        {"has_it_with_a_star", "*.a.com", ".a.com", true},
        {"has_no_part", "localhost.localdomain", "localhost", false},
        {"has_no_domain_of_it", "a.com", "x.a.com", false},
        {"has_no_star_for_it", "*", "localhost", false},
        {"has_no_prefix_for_it", "127.0.0.0/8", "127.0.0.1", false},
        {"has_it_with_port_only", "localhost:80", "localhost", false},
        {"has_port", "localhost:80", "localhost:80", true},
        {"has_nothing_in_an_empty_list", "", "localhost", false},
        {"has_no_empty_entry", "a,,b", "", false},
        {"has_nothing_that_is_left_out", "fd00::/8", "fd00::/8", false},
};

static void check_has(void **state)
{
        const struct has_row *row = *state;
        struct guard g, g2;

        assert_int_equal(hf_noproxy_has(guard_make(&g, hf_span(row->list)),
                                        guard_make(&g2, hf_span(row->entry))),
                         row->has);
        guard_free(&g);
        guard_free(&g2);
}

static void absent_list_names_nothing(void **state)
{
        struct hf_dest dest = {.name = HF_SPAN("a.com"), .port = 443};
        struct hf_span absent = {NULL, 0};
        struct hf_out out = hf_out_count();

        (void)state;
        assert_false(hf_noproxy_match(absent, &dest));
        assert_false(hf_noproxy_has(absent, HF_SPAN("a")));
        hf_noproxy_put_mended(&out, absent);
        assert_int_equal(out.len, 0);
}

static void nothing_known_matches_star_only(void **state)
{
        struct hf_dest dest = {.port = 443};

        (void)state;
        assert_false(hf_noproxy_match(HF_SPAN("a.com,0.0.0.0/0,::/0,."), &dest));
        assert_true(hf_noproxy_match(HF_SPAN("*"), &dest));
}

static void gives_entries_in_order(void **state)
{
        struct hf_span rest = HF_SPAN(" a,b; c "), entry = {0};

        (void)state;
        assert_true(hf_noproxy_next(&rest, &entry) && hf_span_eq(entry, HF_SPAN("a")));
        assert_true(hf_noproxy_next(&rest, &entry) && hf_span_eq(entry, HF_SPAN("b")));
        assert_true(hf_noproxy_next(&rest, &entry) && hf_span_eq(entry, HF_SPAN("c")));
        assert_false(hf_noproxy_next(&rest, &entry));
        assert_true(hf_span_eq(entry, HF_SPAN("c"))); /* untouched */
}

static double seconds(void)
{
        struct timespec now;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void reads_100000_entries_quickly(void **state)
{
        size_t size = 4 * 1024 * 1024, n = 100000;
        char *list = malloc(size);
        struct hf_out out = hf_out_write(list, size), mended = hf_out_count();
        struct hf_dest first = {.name = HF_SPAN("host0.example.com"), .port = 443};
        struct hf_dest last = {.name = HF_SPAN("x.host99999.example.com"), .port = 443};
        struct hf_dest none = {.name = HF_SPAN("huggingface.co"), .port = 443};
        double start;

        (void)state;
        assert_non_null(list);
        for (size_t i = 0; i < n; i++) {
                hf_out_put(&out, HF_SPAN("host"));
                hf_out_uint(&out, i);
                hf_out_put(&out, HF_SPAN(".example.com,"));
        }
        start = seconds();
        assert_true(hf_noproxy_match((struct hf_span){list, out.len}, &first));
        assert_true(hf_noproxy_match((struct hf_span){list, out.len}, &last));
        assert_false(hf_noproxy_match((struct hf_span){list, out.len}, &none));
        hf_noproxy_put_mended(&mended, (struct hf_span){list, out.len});
        assert_int_equal(mended.len, out.len - 1);
        assert_true(seconds() - start < 2); /* 0.1 s without sanitizers */
        free(list);
}

/* Over random lists: mending twice is mending once; and where nothing had to be left out, the
 * mended list names what the list named. */
static void mending_is_idempotent_and_keeps_meaning(void **state)
{
        static const char *const pieces[] = {
                "a.com",    "b",        ".",      "*",   "*.",      "10", "10.0.0.0", "/8",
                ":80",      ":",        ",",      ",",   " ",       ";",  "[",        "]",
                "::1",      "[::1]",    "fd00::", "/",   "0",       "-",  "%",        "\"",
                "https://", "\xc3\xa4", "@",      "256", "192.168", "a"};
        static const char *const hosts[] = {"a.com", "x.a.com", "b", "a", "10", "x.b"};
        static const char *const addrs[] = {"10.0.0.0", "10.1.1.1", "::1", "fd00::", "192.168.1.1"};
        uint64_t seed = 5;

        (void)state;
        for (int i = 0; i < 300000; i++) {
                char text[128], mended[256], again[256];
                struct hf_span list = random_text(&seed, pieces, HF_LEN(pieces), 9, text, 128);
                struct hf_span after, entry, rest = list;
                struct hf_out out = hf_out_write(mended, sizeof mended);
                size_t before_n = 0, after_n = 0;
                struct hf_addr addr;
                struct hf_dest dest = {.port = random_below(&seed, 2) ? 80 : 443};

                hf_noproxy_put_mended(&out, list);
                assert_true(out.len <= list.n);
                after = (struct hf_span){mended, out.len};
                out = hf_out_write(again, sizeof again);
                hf_noproxy_put_mended(&out, after);
                if (!hf_span_eq(after, (struct hf_span){again, out.len}))
                        fail_msg("\"%.*s\" is not mended", (int)after.n, after.s);

                while (hf_noproxy_next(&rest, &entry))
                        before_n++;
                rest = after;
                while (hf_noproxy_next(&rest, &entry)) {
                        after_n++;
                        assert_true(hf_noproxy_has(list, entry) && hf_noproxy_has(after, entry));
                }
                assert_true(after_n <= before_n);
                if (random_below(&seed, 2)) {
                        dest.name = hf_span(hosts[random_below(&seed, HF_LEN(hosts))]);
                } else {
                        const char *a = addrs[random_below(&seed, HF_LEN(addrs))];

                        assert_true(hf_addr_parse(hf_span(a), &addr));
                        dest.addr = &addr;
                }
                if (hf_noproxy_match(after, &dest) && !hf_noproxy_match(list, &dest))
                        fail_msg("\"%.*s\" names more", (int)list.n, list.s);
                if (after_n == before_n && !hf_noproxy_match(after, &dest) &&
                    hf_noproxy_match(list, &dest))
                        fail_msg("\"%.*s\" names less", (int)list.n, list.s);
        }
}

int main(void)
{
        static struct table t;

        TABLE_ADD(&t, check_match, matches);
        TABLE_ADD(&t, check_mend, mends);
        TABLE_ADD(&t, check_has, hass);
        table_add(&t, "absent_list_names_nothing", absent_list_names_nothing, NULL);
        table_add(&t, "nothing_known_matches_star_only", nothing_known_matches_star_only, NULL);
        table_add(&t, "gives_entries_in_order", gives_entries_in_order, NULL);
        table_add(&t, "reads_100000_entries_quickly", reads_100000_entries_quickly, NULL);
        table_add(&t, "mending_is_idempotent_and_keeps_meaning",
                  mending_is_idempotent_and_keeps_meaning, NULL);
        return table_run("noproxy", &t);
}
