/* SPDX-License-Identifier: MIT */
#include "table.h"

static void counts_without_writing(void **state)
{
        struct hf_out out = hf_out_count();

        (void)state;
        hf_out_put(&out, HF_SPAN("abc"));
        hf_out_char(&out, 'd');
        assert_int_equal(out.len, 4);
}

static void writes_no_nul(void **state)
{
        char buf[4] = {'-', '-', '-', '-'};
        struct hf_out out = hf_out_write(buf, sizeof buf);

        (void)state;
        hf_out_put(&out, HF_SPAN("abc"));
        assert_memory_equal(buf, "abc-", 4);
}

static void counts_what_does_not_fit(void **state)
{
        struct guard g;
        struct hf_span room = guard_make(&g, HF_SPAN("----"));
        struct hf_out out = hf_out_write(g.map + (room.s - g.map), room.n);

        (void)state;
        hf_out_put(&out, HF_SPAN("abc"));
        hf_out_put(&out, HF_SPAN("defg"));
        hf_out_put(&out, HF_SPAN("h"));
        assert_int_equal(out.len, 8);
        assert_memory_equal(room.s, "abcd", 4);
        guard_free(&g);
}

static void puts_nothing_for_an_absent_span(void **state)
{
        char buf[4];
        struct hf_out out = hf_out_write(buf, sizeof buf);

        (void)state;
        hf_out_put(&out, (struct hf_span){NULL, 0});
        assert_int_equal(out.len, 0);
        assert_int_equal(out.hash, hf_hash(HF_SPAN("")));
}

static const struct compare {
        const char *name, *with, *first, *second;
        bool same;
} compares[] = {
        {"matches_equal_text_in_pieces", "abcdef", "abc", "def", true},
        {"matches_two_empty_texts", "", "", "", true},
        {"differs_in_the_first_piece", "abcdef", "abX", "def", false},
        {"differs_in_the_last_byte", "abcdef", "abc", "deX", false},
        {"differs_when_shorter", "abcdef", "abc", "de", false},
        {"differs_when_longer", "abcdef", "abc", "defg", false},
        {"differs_when_longer_by_a_whole_piece", "abc", "abc", "d", false},
        {"differs_from_an_empty_text", "", "a", "", false},
};

static void check_compare(void **state)
{
        const struct compare *row = *state;
        struct guard g;
        struct hf_out out = hf_out_compare(guard_make(&g, hf_span(row->with)));

        hf_out_put(&out, hf_span(row->first));
        hf_out_put(&out, hf_span(row->second));
        assert_int_equal(hf_out_matched(&out), row->same);
        guard_free(&g);
}

static const struct uint_row {
        const char *name;
        unsigned long value;
        const char *text;
} uints[] = {
        {"writes_zero", 0, "0"},
        {"writes_nine", 9, "9"},
        {"writes_ten", 10, "10"},
        {"writes_the_largest_port", 65535, "65535"},
        {"writes_the_largest_number", 18446744073709551615UL, "18446744073709551615"},
};

static void check_uint(void **state)
{
        const struct uint_row *row = *state;
        char buf[32];
        struct hf_out out = hf_out_write(buf, sizeof buf);

        hf_out_uint(&out, row->value);
        expect_text(buf, &out, row->text);
}

static void writes_sixteen_hex_digits(void **state)
{
        char buf[32];
        struct hf_out out = hf_out_write(buf, sizeof buf);

        (void)state;
        hf_out_hex64(&out, 0x0123456789abcdefU);
        hf_out_hex64(&out, 0);
        expect_text(buf, &out, "0123456789abcdef0000000000000000");
}

static void hash_is_fnv_1a(void **state)
{
        (void)state;
        /* the test vectors of draft-eastlake-fnv */
        assert_int_equal(hf_hash(HF_SPAN("")), 0xcbf29ce484222325U);
        assert_int_equal(hf_hash(HF_SPAN("a")), 0xaf63dc4c8601ec8cU);
        assert_int_equal(hf_hash(HF_SPAN("foobar")), 0x85944171f73967e8U);
}

static void hash_does_not_depend_on_pieces(void **state)
{
        struct hf_out out = hf_out_count();

        (void)state;
        hf_out_put(&out, HF_SPAN("foo"));
        hf_out_put(&out, HF_SPAN(""));
        hf_out_put(&out, HF_SPAN("bar"));
        assert_int_equal(out.hash, hf_hash(HF_SPAN("foobar")));
}

static void hash_counts_bytes_beyond_the_buffer(void **state)
{
        char buf[2];
        struct hf_out out = hf_out_write(buf, sizeof buf);

        (void)state;
        hf_out_put(&out, HF_SPAN("foobar"));
        assert_int_equal(out.hash, hf_hash(HF_SPAN("foobar")));
}

int main(void)
{
        struct table t = {0};

        table_add(&t, "counts_without_writing", counts_without_writing, NULL);
        table_add(&t, "writes_no_nul", writes_no_nul, NULL);
        table_add(&t, "counts_what_does_not_fit", counts_what_does_not_fit, NULL);
        table_add(&t, "puts_nothing_for_an_absent_span", puts_nothing_for_an_absent_span, NULL);
        TABLE_ADD(&t, check_compare, compares);
        TABLE_ADD(&t, check_uint, uints);
        table_add(&t, "writes_sixteen_hex_digits", writes_sixteen_hex_digits, NULL);
        table_add(&t, "hash_is_fnv_1a", hash_is_fnv_1a, NULL);
        table_add(&t, "hash_does_not_depend_on_pieces", hash_does_not_depend_on_pieces, NULL);
        table_add(&t, "hash_counts_bytes_beyond_the_buffer", hash_counts_bytes_beyond_the_buffer,
                  NULL);
        return table_run("out", &t);
}
