/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "core/state.h"

/* A text with one record: flags, what we wrote, what stood there before. */
static struct hf_out put_one(char *buf, size_t size, unsigned flags, const char *value,
                             const char *before)
{
        struct hf_out out = hf_out_write(buf, size - 1);

        hf_state_put_head(&out);
        hf_state_put_record(&out, HF_VAR_https_proxy, flags, value, before);
        hf_state_put_record(&out, HF_VAR_no_proxy, 0, "other", NULL);
        hf_state_put_tail(&out);
        assert_true(out.len < size);
        buf[out.len] = '\0';
        return out;
}

static const struct row {
        const char *name;
        unsigned flags;
        const char *value, *before;
} rows[] = {
        {"carries_a_twin", 0, "http://p:1", NULL},
        {"carries_a_mended_value", 0, "http://p:80", "p"},
        {"carries_an_empty_value", 0, "http://p:80", ""},
        {"carries_what_was_taken_away", 0, NULL, "p"},
        {"carries_newest", HF_STATE_NEWEST, "http://p:80", "p"},
        {"carries_newest_unset", HF_STATE_NEWEST, NULL, NULL},
        {"carries_upper", HF_STATE_UPPER, "b", "a"},
        {"carries_both_flags", HF_STATE_UPPER | HF_STATE_NEWEST, "b", "a"},
        {"carries_same", HF_STATE_NEWEST, "p", "p"},
        {"carries_hidden", HF_STATE_HIDDEN, "http://p:80", "p"},
        {"carries_hidden_with_the_text_that_is_handed_on", HF_STATE_HIDDEN, "p", "p"},
        {"carries_hidden_that_was_not_set", HF_STATE_HIDDEN | HF_STATE_NEWEST, "p", NULL},
        {"carries_separators", 0, "x", "a;b%3b:c=#d/%"},
        {"carries_controls", 0, "x", "a\r\n\t\x01\x7f"},
        {"carries_any_bytes", 0, "x", "\xff\xfe\xc3\xa9"},
};

static void check_row(void **state)
{
        const struct row *row = *state;
        char buf[1024], plain[256];
        struct hf_record r = {0};
        struct hf_out out = hf_out_write(plain, sizeof plain);

        put_one(buf, sizeof buf, row->flags, row->value, row->before);
        for (const char *c = buf; *c; c++)
                assert_true(*c >= 0x20 && *c < 0x7f);

        struct hf_span records = hf_state_check(buf);
        assert_non_null(records.s);
        assert_true(hf_state_find(records, HF_VAR_https_proxy, &r));
        assert_int_equal(r.was_set, row->value != NULL);
        if (row->value)
                assert_true(r.hash == hf_hash(hf_span(row->value)));
        assert_int_equal(r.flags & ~(unsigned)HF_STATE_SAME, row->flags);
        if (r.flags & HF_STATE_SAME) {
                assert_string_equal(row->value, row->before);
                assert_null(r.before.s);
        } else {
                assert_int_equal(r.before.s != NULL, row->before != NULL);
                hf_state_put_decoded(&out, r.before);
                if (row->before)
                        expect_text(plain, &out, row->before);
        }
        assert_int_equal(hf_state_hides(records), (row->flags & HF_STATE_HIDDEN) != 0);
        assert_true(hf_state_find(records, HF_VAR_no_proxy, &r));
        assert_false(hf_state_find(records, HF_VAR_http_proxy, &r));
}

static void rejects_every_damaged_byte(void **state)
{
        char buf[1024];
        struct hf_out out = put_one(buf, sizeof buf, 0, "http://p:80", "p");

        (void)state;
        for (size_t i = 0; i < out.len; i++) {
                char was = buf[i];

                buf[i] = (char)(was ^ 1);
                assert_null(hf_state_check(buf).s);
                buf[i] = was;
        }
        assert_non_null(hf_state_check(buf).s);
}

static void rejects_every_cut(void **state)
{
        char buf[1024];
        struct hf_out out = put_one(buf, sizeof buf, 0, "http://p:80", "p");

        (void)state;
        for (size_t n = 0; n < out.len; n++) {
                char was = buf[n];

                buf[n] = '\0';
                assert_null(hf_state_check(buf).s);
                buf[n] = was;
        }
}

static void rejects_nothing_at_all(void **state)
{
        (void)state;
        assert_null(hf_state_check(NULL).s);
        assert_null(hf_state_check("").s);
        assert_null(hf_state_check("1;").s);
        assert_null(hf_state_check("2;#0123456789abcdef").s);
}

/* A record that the hash covers but that makes no sense: another version of ourselves wrote it. */
static void rejects_strange_records(void **state)
{
        static const char *const bodies[] = {"https_proxy/", "https_proxy/x", "https_proxy/=12",
                                             "https_proxy/=0123456789abcdeg", "https_proxy/-x"};

        (void)state;
        for (size_t i = 0; i < HF_LEN(bodies); i++) {
                struct hf_record r;

                assert_false(hf_state_find(hf_span(bodies[i]), HF_VAR_https_proxy, &r));
        }
}

int main(void)
{
        struct table t = {0};

        TABLE_ADD(&t, check_row, rows);
        table_add(&t, "rejects_every_damaged_byte", rejects_every_damaged_byte, NULL);
        table_add(&t, "rejects_every_cut", rejects_every_cut, NULL);
        table_add(&t, "rejects_nothing_at_all", rejects_nothing_at_all, NULL);
        table_add(&t, "rejects_strange_records", rejects_strange_records, NULL);
        return table_run("state", &t);
}
