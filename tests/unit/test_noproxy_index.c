/* SPDX-License-Identifier: MIT */
/* The index of a list says what the list says, and says it quickly however long it is. */
#include "table.h"

#include "core/noproxy_index.h"

#include <time.h>

#define MANY 100000

static double seconds(void)
{
        struct timespec now;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct hf_noproxy_slot *make(struct hf_noproxy_index *index, struct hf_span list)
{
        size_t n = hf_noproxy_index_slots(list);
        struct hf_noproxy_slot *slots = calloc(n, sizeof *slots);

        assert_non_null(slots);
        assert_true(hf_noproxy_index_make(index, list, slots, n));
        return slots;
}

/* ---- what it says ---- */

static void says_what_the_list_says(void **state)
{
        static const char *const pieces[] = {"a.com",       "A.Com",
                                             "b",           ".",
                                             "*",           "*.",
                                             "10",          "10.0.0.0",
                                             "/8",          "/0",
                                             ":80",         ":443",
                                             ":",           ",",
                                             ",",           ",",
                                             ",",           ",",
                                             " ",           "[",
                                             "]",           "::1",
                                             "[::1]",       "fd00::",
                                             "::/0",        "/9",
                                             "/65",         "/128",
                                             "0",           "-",
                                             "::ffff:",     "10.1.1.1",
                                             "https://",    "256",
                                             "10.*",        "10.1.0.0/",
                                             "16",          "x.",
                                             "\xc3\xa4",    "hf",
                                             "10.0.0.0/8,", "fd00::/8,",
                                             "x.a.com:80,", "a.com:443,",
                                             "*:80,",       "[fd00::1]:443,"};
        static const char *const hosts[] = {"a.com", "x.a.com",  "y.x.A.com", "b",  "x.b",
                                            "a",     "a.com.",   "a.com..",   "10", "10.1.1.1",
                                            "com",   "xa.com",   ".a.com",    "",   "\xc3\xa4",
                                            "hf",    "x..a.com", "fd00::1",   ".",  "a.co"};
        static const char *const addrs[] = {"10.0.0.0", "10.1.1.1", "::1",         "fd00::",
                                            "fd00::1",  "8.8.8.8",  "2001:db8::1", "10.128.0.1"};
        static const uint16_t ports[] = {0, 80, 443, 8080};
        unsigned listed = 0;
        uint64_t seed = 11;

        (void)state;
        for (int i = 0; i < 200000; i++) {
                char text[160];
                struct hf_span list = random_text(&seed, pieces, HF_LEN(pieces), 24, text, 160);
                struct hf_noproxy_index index;
                struct hf_noproxy_slot *slots = make(&index, list);

                for (int j = 0; j < 4; j++) {
                        struct hf_dest dest = {.port = ports[random_below(&seed, HF_LEN(ports))]};
                        uint32_t with = random_below(&seed, 4);
                        struct hf_addr addr;
                        bool expected;

                        if (with < 2)
                                dest.name = hf_span(hosts[random_below(&seed, HF_LEN(hosts))]);
                        if (with > 0) {
                                const char *a = addrs[random_below(&seed, HF_LEN(addrs))];

                                assert_true(hf_addr_parse(hf_span(a), &addr));
                                dest.addr = &addr;
                        }
                        expected = hf_noproxy_match(list, &dest);
                        listed += expected;
                        if (hf_noproxy_index_match(&index, &dest) != expected)
                                fail_msg("\"%.*s\" and \"%.*s\" at port %d: not %d", (int)list.n,
                                         list.s, (int)dest.name.n, dest.name.s ? dest.name.s : "",
                                         dest.port, expected);
                }
                free(slots);
        }
        assert_in_range(listed, 50000, 700000); /* or this test compares next to nothing */
}

static void absent_list_names_nothing(void **state)
{
        struct hf_dest dest = {.name = HF_SPAN("a.com"), .port = 443};
        struct hf_noproxy_index index;
        struct hf_noproxy_slot *slots = make(&index, (struct hf_span){0});

        (void)state;
        assert_false(hf_noproxy_index_match(&index, &dest));
        free(slots);
}

/* The list was a shorter one when the slots were counted. */
static void too_few_slots(void **state)
{
        struct hf_noproxy_slot slots[4] = {{0, 0}};
        struct hf_noproxy_index index;

        (void)state;
        assert_int_equal(hf_noproxy_index_slots(HF_SPAN("a,b")), 4);
        assert_int_equal(hf_noproxy_index_slots(HF_SPAN("a,b,c")), 8);
        assert_true(hf_noproxy_index_make(&index, HF_SPAN("a,b"), slots, 4));
        assert_false(hf_noproxy_index_make(&index, HF_SPAN("a,b,c"), slots, 4));
        assert_false(hf_noproxy_index_make(&index, HF_SPAN("a"), slots, 0));
}

/* ---- how long it takes ---- */

/* Entry number I, of 32 bytes at most. */
typedef void put_entry(struct hf_out *out, size_t i);

static void put_name(struct hf_out *out, size_t i)
{
        hf_out_put(out, HF_SPAN("h"));
        hf_out_uint(out, i);
        hf_out_put(out, HF_SPAN(".example.com"));
}

static void put_quad(struct hf_out *out, size_t i)
{
        for (int part = 0; part < 4; part++) {
                if (part > 0)
                        hf_out_char(out, '.');
                hf_out_uint(out, part == 0 ? 11 : i >> (8 * (3 - part)) & 255);
        }
}

static void put_prefix(struct hf_out *out, size_t i)
{
        put_quad(out, i << 6);
        hf_out_char(out, '/');
        hf_out_uint(out, 12 + i % 17);
}

static void put_v6(struct hf_out *out, size_t i)
{
        struct hf_addr addr = {6, {0x20, 0x01, 0x0d, 0xb8}};

        addr.bytes[13] = (uint8_t)(i >> 16);
        addr.bytes[14] = (uint8_t)(i >> 8);
        addr.bytes[15] = (uint8_t)i;
        hf_addr_put(out, &addr);
        hf_out_char(out, '/');
        hf_out_uint(out, 33 + i % 96);
}

static void put_mixed(struct hf_out *out, size_t i)
{
        static put_entry *const all[] = {put_name, put_quad, put_prefix, put_v6};

        all[i % HF_LEN(all)](out, i);
}

static void put_the_same(struct hf_out *out, size_t i)
{
        (void)i;
        put_name(out, 0);
}

static void put_a_port(struct hf_out *out, size_t i)
{
        put_name(out, 0);
        hf_out_char(out, ':');
        hf_out_uint(out, 1000 + i % 64000);
}

static const struct kind {
        const char *name;
        put_entry *put;
} kinds[] = {
        {"many_names", put_name},
        {"many_addresses", put_quad},
        {"many_prefixes", put_prefix},
        {"many_v6_prefixes", put_v6},
        {"many_of_all_kinds", put_mixed},
        {"many_equal_ones", put_the_same},
        {"many_ports_of_one_name", put_a_port},
};

/* Read through, this list takes some milliseconds for each; a hundred thousand of them, minutes. */
static void many(void **state)
{
        const struct kind *row = *state;
        char *list = malloc(MANY * 40);
        struct hf_out out = hf_out_write(list, MANY * 40);
        struct hf_noproxy_index index;
        struct hf_noproxy_slot *slots;
        const struct hf_addr far = {4, {203, 0, 113, 9}};
        size_t listed = 0;
        double start;

        assert_non_null(list);
        for (size_t i = 0; i < MANY; i++) {
                if (i > 0)
                        hf_out_char(&out, ',');
                row->put(&out, i);
        }
        assert_true(out.len < MANY * 40);
        start = seconds();
        slots = make(&index, (struct hf_span){list, out.len});
        for (size_t i = 0; i < MANY; i++) {
                struct hf_dest dest = {.name = HF_SPAN("transfer.xethub.hf.co"), .addr = &far};

                dest.port = (uint16_t)(1000 + i % 64000);
                assert_false(hf_noproxy_index_match(&index, &dest));
                dest.name = HF_SPAN("x.h0.example.com");
                listed += hf_noproxy_index_match(&index, &dest);
        }
        assert_true(listed == 0 || listed == MANY);
        assert_int_equal(listed == 0,
                         row->put == put_quad || row->put == put_prefix || row->put == put_v6);
        /* Each entry is found by itself. */
        for (size_t i = 0; i < MANY; i += 97) {
                char text[64];
                struct hf_out one = hf_out_write(text, sizeof text);
                struct hf_span span = {text, 0}, end;
                struct hf_dest dest = {.port = (uint16_t)(1000 + i % 64000)};
                struct hf_addr addr;

                row->put(&one, i);
                span.n = one.len;
                end = (struct hf_span){text, 0};
                while (end.n < span.n && text[end.n] != '/')
                        end.n++;
                if (row->put == put_a_port)
                        end.n = sizeof "h0.example.com" - 1;
                if (hf_addr_parse(end, &addr))
                        dest.addr = &addr;
                else
                        dest.name = end;
                assert_true(hf_noproxy_index_match(&index, &dest));
        }
        assert_true(seconds() - start < 5); /* 0.1 s without sanitizers */
        free(slots);
        free(list);
}

int main(void)
{
        static struct table t;

        table_add(&t, "says_what_the_list_says", says_what_the_list_says, NULL);
        table_add(&t, "absent_list_names_nothing", absent_list_names_nothing, NULL);
        table_add(&t, "too_few_slots", too_few_slots, NULL);
        TABLE_ADD(&t, many, kinds);
        return table_run("noproxy_index", &t);
}
