/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "core/url_list.h"

static const struct row {
        const char *name;
        const char *text;
        const char *expect[5]; /* what is taken off, one by one; NULL at once: cannot be read */
} rows[] = {
        {"takes_one", "http://a:1", {"http://a:1"}},
        {"takes_two", "http://a:1,socks5h://b:2", {"http://a:1", "socks5h://b:2"}},
        {"takes_two_without_schemes", "a:1,b:2", {"a:1", "b:2"}},
        {"takes_three", "a,b,c", {"a", "b", "c"}},
        {"takes_no_notice_of_blanks", " a:1 , http://b:2\r", {"a:1 ", "http://b:2"}},
        {"takes_addresses", "http://[::1]:1,127.0.0.1:2", {"http://[::1]:1", "127.0.0.1:2"}},
        {"ends_with_a_comma", "a:1,", {"a:1"}},
        {"leaves_a_comma_in_a_password", "http://u:x,y@a:1", {"http://u:x,y@a:1"}},
        {"leaves_it_before_another",
         "http://u:x,y@a:1,http://u:,@b:2",
         {"http://u:x,y@a:1", "http://u:,@b:2"}},
        {"splits_before_a_scheme_whatever_else_it_reads_as",
         "http://a:1,http://u:p@b:2",
         {"http://a:1", "http://u:p@b:2"}},
        {"takes_a_user_without_scheme_for_one", "a:1,u:p@b:2", {"a:1,u:p@b:2"}},
        {"rejects_nothing", "", {0}},
        {"rejects_blanks", " \t", {0}},
        {"rejects_a_comma", ",", {0}},
        {"rejects_an_empty_first", ",a:1", {0}},
        {"rejects_a_bad_first", "ftp://a,b:1", {0}},
        {"rejects_a_bad_last", "a:1,ftp://b", {0}},
        {"rejects_a_bad_port", "a:1,b:99999", {0}},
};

static void check_row(void **state)
{
        const struct row *row = *state;
        struct guard g;
        struct hf_span rest = guard_make(&g, hf_span(row->text)), one;
        struct hf_url url;

        assert_int_equal(hf_url_list_check(rest), row->expect[0] != NULL);
        for (size_t i = 0; row->expect[i]; i++) {
                assert_int_equal(hf_url_list_next(&rest, &one, &url), 1);
                if (!hf_span_eq(one, hf_span(row->expect[i])))
                        fail_msg("took \"%.*s\", not \"%s\"", (int)one.n, one.s, row->expect[i]);
        }
        if (row->expect[0])
                assert_int_equal(hf_url_list_next(&rest, &one, &url), 0);
        guard_free(&g);
}

int main(void)
{
        struct table t = {0};

        TABLE_ADD(&t, check_row, rows);
        return table_run("url_list", &t);
}
