/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "core/url.h"

#include <errno.h>

#define TEXT_MAX 4096

/* The text, its mended form (NULL: no proxy URL), and "user:pass" as it is sent. */
static const struct row {
        const char *name;
        struct hf_span text;
        const char *mended, *credentials;
} rows[] = {
        {"keeps_a_plain_url", BYTES("http://proxy:3128"), "http://proxy:3128", ""},
        {"writes_port_80_for_http", BYTES("http://proxy"), "http://proxy:80", ""},
        {"writes_port_443_for_https", BYTES("https://proxy"), "https://proxy:443", ""},
        {"writes_port_1080_for_socks5", BYTES("socks5://proxy"), "socks5://proxy:1080", ""},
        {"writes_port_1080_for_socks5h", BYTES("socks5h://proxy"), "socks5h://proxy:1080", ""},
        {"writes_port_1080_for_socks4", BYTES("socks4://proxy"), "socks4://proxy:1080", ""},
        {"writes_port_1080_for_socks4a", BYTES("socks4a://proxy"), "socks4a://proxy:1080", ""},
        {"reads_socks_as_socks5h", BYTES("socks://proxy:7891"), "socks5h://proxy:7891", ""},
        {"reads_upper_case_scheme", BYTES("HTTP://Proxy:1"), "http://Proxy:1", ""},
        {"reads_upper_case_socks", BYTES("SOCKS://proxy:1"), "socks5h://proxy:1", ""},
        {"keeps_a_tail", BYTES("http://proxy:1/path?q#f"), "http://proxy:1/path?q#f", ""},
        {"keeps_a_slash", BYTES("http://proxy:1/"), "http://proxy:1/", ""},
        {"puts_the_port_before_a_slash", BYTES("http://proxy/"), "http://proxy:80/", ""},
        {"puts_the_port_before_a_query", BYTES("http://proxy?a"), "http://proxy:80?a", ""},

        {"adds_http_to_host_and_port", BYTES("proxy:3128"), "http://proxy:3128", ""},
        {"adds_http_to_a_host", BYTES("proxy.example.com"), "http://proxy.example.com:80", ""},
        {"adds_http_to_an_address", BYTES("192.0.2.1:3128"), "http://192.0.2.1:3128", ""},
        {"adds_http_to_slashes", BYTES("//proxy:1"), "http://proxy:1", ""},
        {"adds_http_to_a_user", BYTES("u:p@proxy:1"), "http://u:p@proxy:1", "u:p"},
        {"adds_http_to_brackets", BYTES("[::1]:8080"), "http://[::1]:8080", ""},
        {"trims_double_quotes", BYTES("\"http://p:1\""), "http://p:1", ""},
        {"trims_single_quotes", BYTES("'http://p:1'"), "http://p:1", ""},
        {"trims_nested_quotes", BYTES("\"'http://p:1'\""), "http://p:1", ""},
        {"trims_blanks", BYTES("  http://p:1\t "), "http://p:1", ""},
        {"trims_cr", BYTES("http://p:1\r"), "http://p:1", ""},
        {"trims_crlf", BYTES("http://p:1\r\n"), "http://p:1", ""},
        {"trims_quotes_before_cr", BYTES("\"http://p:1\"\r"), "http://p:1", ""},
        {"trims_cr_inside_quotes", BYTES("\"http://p:1\r\""), "http://p:1", ""},
        {"trims_blanks_inside_quotes", BYTES("' http://p:1 '"), "http://p:1", ""},
        {"trims_quotes_without_scheme", BYTES("\"p:1\""), "http://p:1", ""},
        {"rejects_unequal_quotes", BYTES("\"http://p:1'"), NULL, NULL},
        {"rejects_one_quote_before", BYTES("\"http://p:1"), NULL, NULL},
        {"rejects_one_quote_behind", BYTES("http://p:1\""), NULL, NULL},

        {"keeps_user_and_password", BYTES("http://u:p@h:1"), "http://u:p@h:1", "u:p"},
        {"keeps_a_user_alone", BYTES("http://user@host"), "http://user@host:80", "user:"},
        {"keeps_an_empty_password", BYTES("http://u:@h:1"), "http://u:@h:1", "u:"},
        {"keeps_an_empty_user", BYTES("http://:p@h:1"), "http://:p@h:1", ":p"},
        {"drops_an_at_sign_alone", BYTES("http://@h:1"), "http://h:1", ""},
        {"mends_an_active_directory_password", BYTES("CORP\\user:p@ss#w/rd@host"),
         "http://CORP%5Cuser:p%40ss%23w%2Frd@host:80", "CORP\\user:p@ss#w/rd"},
        {"mends_it_behind_a_scheme", BYTES("http://CORP\\user:p@ss#w/rd@host:8080"),
         "http://CORP%5Cuser:p%40ss%23w%2Frd@host:8080", "CORP\\user:p@ss#w/rd"},
        {"splits_at_the_last_at_sign", BYTES("http://u@example.com:p@h:1"),
         "http://u%40example.com:p@h:1", "u@example.com:p"},
        {"splits_the_user_at_the_first_colon", BYTES("http://u:p:q@h:1"), "http://u:p%3Aq@h:1",
         "u:p:q"},
        {"mends_a_question_mark", BYTES("http://u:p?q@h:1"), "http://u:p%3Fq@h:1", "u:p?q"},
        {"mends_slashes_like_a_scheme", BYTES("http://u:a://b@h:1"), "http://u:a%3A%2F%2Fb@h:1",
         "u:a://b"},
        {"mends_such_a_password_without_scheme", BYTES("u:a://b@h:1"), "http://u:a%3A%2F%2Fb@h:1",
         "u:a://b"},
        {"mends_brackets", BYTES("http://u:[p]@h:1"), "http://u:%5Bp%5D@h:1", "u:[p]"},
        {"mends_quotes_in_a_password", BYTES("http://u:\"p\"@h:1"), "http://u:%22p%22@h:1",
         "u:\"p\""},
        {"mends_utf8", BYTES("http://u:p\xc3\xa4@h:1"), "http://u:p%C3%A4@h:1", "u:p\xc3\xa4"},
        {"mends_bytes_that_are_no_utf8", BYTES("http://u:\xff@h:1"), "http://u:%FF@h:1", "u:\xff"},
        {"keeps_sub_delims", BYTES("http://u:!$&'()*+,;=@h:1"), "http://u:!$&'()*+,;=@h:1",
         "u:!$&'()*+,;="},
        {"keeps_unreserved", BYTES("http://u:-._~@h:1"), "http://u:-._~@h:1", "u:-._~"},
        {"keeps_an_escape", BYTES("http://u:p%40ss@h:1"), "http://u:p%40ss@h:1", "u:p@ss"},
        {"keeps_a_lower_case_escape", BYTES("http://u:%2f%C3%a4@h:1"), "http://u:%2f%C3%a4@h:1",
         "u:/\xc3\xa4"},
        {"mends_a_percent_alone", BYTES("http://u:100%@h:1"), "http://u:100%25@h:1", "u:100%"},
        {"mends_a_percent_before_one_digit", BYTES("http://u:%4@h:1"), "http://u:%254@h:1", "u:%4"},
        {"mends_a_percent_before_no_hex", BYTES("http://u:%zz@h:1"), "http://u:%25zz@h:1", "u:%zz"},
        {"mends_a_percent_before_an_escape", BYTES("http://u:%%41@h:1"), "http://u:%25%41@h:1",
         "u:%A"},
        {"decodes_once", BYTES("http://u:%2541@h:1"), "http://u:%2541@h:1", "u:%41"},
        {"decodes_a_plus_as_itself", BYTES("http://u:a+b@h:1"), "http://u:a+b@h:1", "u:a+b"},
        {"decodes_an_escaped_user", BYTES("http://CORP%5Cu:p@h:1"), "http://CORP%5Cu:p@h:1",
         "CORP\\u:p"},
        {"does_not_escape_across_user_and_password", BYTES("http://u%4:1@h:1"),
         "http://u%254:1@h:1", "u%4:1"},
        {"reads_at_sign_in_a_path_as_users_end", BYTES("http://u:1/x@h"), "http://u:1%2Fx@h:80",
         "u:1/x"},

        {"reads_ipv6", BYTES("http://[::1]:8080"), "http://[::1]:8080", ""},
        {"reads_ipv6_without_port", BYTES("http://[2001:db8::1]"), "http://[2001:db8::1]:80", ""},
        {"reads_ipv6_with_user", BYTES("socks5://u:p@[::1]:1"), "socks5://u:p@[::1]:1", "u:p"},
        {"reads_ipv6_with_tail", BYTES("http://[::1]/x"), "http://[::1]:80/x", ""},
        {"rejects_zone_id", BYTES("http://[fe80::1%eth0]:1"), NULL, NULL},
        {"rejects_escaped_zone_id", BYTES("http://[fe80::1%25eth0]:1"), NULL, NULL},
        {"rejects_ipv4_in_brackets", BYTES("http://[192.0.2.1]:1"), NULL, NULL},
        {"rejects_name_in_brackets", BYTES("http://[proxy]:1"), NULL, NULL},
        {"rejects_empty_brackets", BYTES("http://[]:1"), NULL, NULL},
        {"rejects_open_bracket", BYTES("http://[::1"), NULL, NULL},
        {"rejects_close_bracket", BYTES("http://::1]"), NULL, NULL},
        {"rejects_text_behind_bracket", BYTES("http://[::1]x:1"), NULL, NULL},
        {"rejects_ipv6_without_brackets", BYTES("http://::1:8080"), NULL, NULL},
        {"rejects_bare_ipv6", BYTES("::1"), NULL, NULL},

        {"reads_port_one", BYTES("http://h:1"), "http://h:1", ""},
        {"reads_the_largest_port", BYTES("http://h:65535"), "http://h:65535", ""},
        {"drops_leading_zeros_of_a_port", BYTES("http://h:0080"), "http://h:80", ""},
        {"reads_an_empty_port_as_default", BYTES("http://h:"), "http://h:80", ""},
        {"rejects_an_empty_port_without_scheme", BYTES("h:"), NULL, NULL},
        {"rejects_port_zero", BYTES("http://h:0"), NULL, NULL},
        {"rejects_port_zero_in_long", BYTES("http://h:00000"), NULL, NULL},
        {"rejects_port_65536", BYTES("http://h:65536"), NULL, NULL},
        {"rejects_a_port_that_wraps", BYTES("http://h:4294967376"), NULL, NULL},
        {"rejects_a_port_that_wraps_64_bits", BYTES("http://h:18446744073709551696"), NULL, NULL},
        {"rejects_negative_port", BYTES("http://h:-1"), NULL, NULL},
        {"rejects_signed_port", BYTES("http://h:+80"), NULL, NULL},
        {"rejects_hex_port", BYTES("http://h:0x50"), NULL, NULL},
        {"rejects_port_with_text", BYTES("http://h:80a"), NULL, NULL},
        {"rejects_two_ports", BYTES("http://h:80:80"), NULL, NULL},
        {"rejects_service_name", BYTES("http://h:http"), NULL, NULL},

        {"rejects_absent", {NULL, 0}, NULL, NULL},
        {"rejects_empty", BYTES(""), NULL, NULL},
        {"rejects_blanks_only", BYTES(" \t\r\n"), NULL, NULL},
        {"rejects_quotes_only", BYTES("\"\""), NULL, NULL},
        {"rejects_one_quote_only", BYTES("\""), NULL, NULL},
        {"rejects_unknown_scheme", BYTES("ftp://proxy:1"), NULL, NULL},
        {"rejects_socks6", BYTES("socks6://proxy:1"), NULL, NULL},
        {"rejects_scheme_alone", BYTES("http://"), NULL, NULL},
        {"rejects_slashes_alone", BYTES("//"), NULL, NULL},
        {"rejects_three_slashes", BYTES("http:///proxy"), NULL, NULL},
        {"rejects_one_slash", BYTES("http:/proxy:1"), NULL, NULL},
        {"rejects_two_schemes", BYTES("http://http://proxy:1"), NULL, NULL},
        {"rejects_empty_scheme", BYTES("://proxy:1"), NULL, NULL},
        {"rejects_user_without_host", BYTES("http://u:p@"), NULL, NULL},
        {"rejects_port_without_host", BYTES("http://:80"), NULL, NULL},
        {"rejects_blank_in_host", BYTES("http://pro xy:1"), NULL, NULL},
        {"encodes_blank_in_password", BYTES("http://u:p w@h:1"), "http://u:p%20w@h:1", "u:p w"},
        {"rejects_tab_in_password", BYTES("http://u:p\tw@h:1"), NULL, NULL},
        {"rejects_blank_in_tail", BYTES("http://h:1/a b"), NULL, NULL},
        {"rejects_newline_in_host", BYTES("http://h\nx:1"), NULL, NULL},
        {"rejects_crlf_in_password", BYTES("http://u:p\r\nX: y@h:1"), NULL, NULL},
        {"rejects_del", BYTES("http://h\x7f:1"), NULL, NULL},
        {"rejects_del_in_password", BYTES("http://u:\x7f@h:1"), NULL, NULL},
        {"rejects_del_in_tail", BYTES("http://h:1/\x7f"), NULL, NULL},
        {"rejects_nul", BYTES("http://h:1\0"), NULL, NULL},
        {"rejects_nul_in_password", BYTES("http://u:\0p@h:1"), NULL, NULL},
        {"rejects_an_escaped_nul_in_password", BYTES("http://u:a%00b@h:1"), NULL, NULL},
        {"rejects_an_escaped_nul_without_scheme", BYTES("u:%00@h:1"), NULL, NULL},
        {"rejects_an_escaped_nul_in_user", BYTES("http://%00:p@h:1"), NULL, NULL},
        {"rejects_an_escaped_newline_in_user", BYTES("http://u%0A@h:1"), NULL, NULL},
        {"rejects_an_escaped_cr_in_password", BYTES("http://u:%0d@h:1"), NULL, NULL},
        {"rejects_an_escaped_tab_in_password", BYTES("https://u:%09@h:1"), NULL, NULL},
        {"rejects_the_last_escaped_control", BYTES("http://u:%1f@h:1"), NULL, NULL},
        {"rejects_an_escaped_del", BYTES("http://u:%7F@h:1"), NULL, NULL},
        {"reads_an_escaped_blank", BYTES("http://u:%20@h:1"), "http://u:%20@h:1", "u: "},
        {"reads_what_only_looks_like_an_escaped_nul", BYTES("http://u:%2500@h:1"),
         "http://u:%2500@h:1", "u:%00"},
        {"reads_an_escaped_c1_control", BYTES("http://u:%80@h:1"), "http://u:%80@h:1", "u:\x80"},
        {"reads_an_escaped_nul_in_a_tail", BYTES("http://h:1/%00"), "http://h:1/%00", ""},
        {"reads_escaped_controls_for_socks", BYTES("socks5h://u%0A:%0d%7f@h:1"),
         "socks5h://u%0A:%0d%7f@h:1", "u\n:\r\x7f"},
        {"rejects_escape_in_host", BYTES("http://h%41:1"), NULL, NULL},
        {"rejects_utf8_in_host", BYTES("http://h\xc3\xa4:1"), NULL, NULL},
        {"rejects_backslash_in_host", BYTES("http:\\\\proxy:1"), NULL, NULL},
        {"rejects_star", BYTES("*"), NULL, NULL},
        {"rejects_comma_list", BYTES("http://a:1,http://b:1"), NULL, NULL},
        {"rejects_a_mistyped_address", BYTES("http://256.1.1.1:1"), NULL, NULL},
        {"rejects_an_octal_address", BYTES("http://010.0.0.1:1"), NULL, NULL},
        {"reads_five_numbers_as_a_name", BYTES("http://1.2.3.4.5:1"), "http://1.2.3.4.5:1", ""},
        {"reads_one_number_as_a_name", BYTES("http://1:1"), "http://1:1", ""},
        {"rejects_dot", BYTES("http://.:1"), NULL, NULL},
        {"rejects_empty_label", BYTES("http://a..b:1"), NULL, NULL},
        {"rejects_leading_dot", BYTES("http://.a:1"), NULL, NULL},
        {"keeps_a_trailing_dot", BYTES("http://proxy.example.:1"), "http://proxy.example.:1", ""},
        {"reads_underscores", BYTES("http://my_proxy-1:1"), "http://my_proxy-1:1", ""},
        {"rejects_unset_shell_variables", BYTES("http://:@:"), NULL, NULL},
};

static void check(void **state)
{
        const struct row *row = *state;
        const struct hf_url before = {.port = 7};
        struct hf_url url = before;
        struct guard g = {0}, g2;
        struct hf_span text = row->text;
        char buf[256], again[256];
        struct hf_out out = hf_out_write(buf, sizeof buf);

        if (text.s)
                text = guard_make(&g, text);
        assert_int_equal(hf_url_parse(text, &url), row->mended ? 0 : -EINVAL);
        if (!row->mended) {
                assert_memory_equal(&url, &before, sizeof url);
        } else {
                hf_url_put(&out, &url);
                expect_text(buf, &out, row->mended);
                out = hf_out_write(buf, sizeof buf);
                hf_url_put_credentials(&out, &url);
                expect_text(buf, &out, row->credentials);

                text = guard_make(&g2, hf_span(row->mended));
                assert_int_equal(hf_url_parse(text, &url), 0);
                out = hf_out_write(again, sizeof again);
                hf_url_put(&out, &url);
                expect_text(again, &out, row->mended);
                guard_free(&g2);
        }
        if (row->text.s)
                guard_free(&g);
}

static void gives_the_parts(void **state)
{
        struct hf_url url;

        (void)state;
        assert_int_equal(hf_url_parse(HF_SPAN("'socks4a://us:er:pa@ss@[::1]:8/t'"), &url), 0);
        assert_int_equal(url.scheme, HF_SCHEME_SOCKS4A);
        assert_true(hf_span_eq(url.user, HF_SPAN("us")));
        assert_true(hf_span_eq(url.pass, HF_SPAN("er:pa@ss")));
        assert_true(hf_span_eq(url.host, HF_SPAN("::1")));
        assert_true(url.host_is_v6);
        assert_int_equal(url.port, 8);
        assert_true(hf_span_eq(url.tail, HF_SPAN("/t")));
}

static void parts_that_are_not_there_are_absent(void **state)
{
        struct hf_url url;

        (void)state;
        assert_int_equal(hf_url_parse(HF_SPAN("http://h"), &url), 0);
        assert_null(url.user.s);
        assert_null(url.pass.s);
        assert_false(url.host_is_v6);
        assert_int_equal(url.tail.n, 0);
        assert_int_equal(hf_url_parse(HF_SPAN("http://u@h"), &url), 0);
        assert_non_null(url.user.s);
        assert_null(url.pass.s);
}

static const struct public_row {
        const char *name, *text, *public;
} publics[] = {
        {"public_form_has_no_password", "http://u:secret@h:1/secret", "http://h:1"},
        {"public_form_has_no_user", "secret@h", "http://h:80"},
        {"public_form_of_ipv6", "socks://u:p@[::1]", "socks5h://[::1]:1080"},
};

static void check_public(void **state)
{
        const struct public_row *row = *state;
        struct hf_url url;
        char buf[64];
        struct hf_out out = hf_out_write(buf, sizeof buf);

        assert_int_equal(hf_url_parse(hf_span(row->text), &url), 0);
        hf_url_put_public(&out, &url);
        expect_text(buf, &out, row->public);
}

static const struct quotable {
        const char *name, *text, *quotable;
} quotables[] = {
        {"quotes_a_word", "maybe", "maybe"},
        {"quotes_a_path_with_an_at_sign", "/home/u@corp.test/ca.pem", "/home/u@corp.test/ca.pem"},
        {"quotes_a_colon_behind_the_at_sign", "a@b:1", "a@b:1"},
        {"quotes_a_url_without_user", "http://h:1", "http://h:1"},
        {"quotes_no_login", "http://u:s3cret@h:1/x", "h:1/x"},
        {"quotes_no_user", "http://s3cret@h", "h"},
        {"quotes_no_login_without_scheme", "u:s3cret@h", "h"},
        {"quotes_no_at_sign_of_a_login", "http://u:s3@cr@et@h", "h"},
        {"quotes_no_login_of_a_list", "a.test,http://u:s3cret@b.test,c.test", "b.test,c.test"},
        {"quotes_nothing_where_no_host_is", "http://u:s3cret@", ""},
        {"quotes_nothing_of_nothing", "", ""},
};

static void check_quotable(void **state)
{
        const struct quotable *row = *state;
        struct guard g;
        struct hf_span text = hf_url_quotable(guard_make(&g, hf_span(row->text)));

        assert_true(hf_span_eq(text, hf_span(row->quotable)));
        guard_free(&g);
}

static const struct decode {
        const char *name, *text, *decoded;
} decodes[] = {
        {"decodes_an_escape_at_the_end", "a%41", "aA"},
        {"keeps_half_an_escape_at_the_end", "a%4", "a%4"},
        {"keeps_a_percent_at_the_end", "a%", "a%"},
        {"decodes_nothing", "", ""},
};

static void check_decode(void **state)
{
        const struct decode *row = *state;
        struct guard g;
        char buf[64];
        struct hf_out out = hf_out_write(buf, sizeof buf);

        hf_url_put_decoded(&out, guard_make(&g, hf_span(row->text)));
        expect_text(buf, &out, row->decoded);
        guard_free(&g);
}

static const struct length {
        const char *name;
        size_t label, host;
        int result;
} lengths[] = {
        {"reads_a_label_of_63", 63, 63, 0},
        {"rejects_a_label_of_64", 64, 64, -EINVAL},
        {"reads_a_host_of_253", 49, 253, 0},
        {"rejects_a_host_of_254", 49, 254, -EINVAL},
};

static void check_length(void **state)
{
        const struct length *row = *state;
        struct hf_url url;
        char host[256];

        for (size_t i = 0; i < row->host; i++)
                host[i] = (i + 1) % (row->label + 1) ? 'a' : '.';
        assert_int_equal(hf_url_parse((struct hf_span){host, row->host}, &url), row->result);
}

static void reads_a_password_of_a_mebibyte(void **state)
{
        size_t n = 1024 * 1024;
        char *text = malloc(n);
        struct hf_url url;
        struct hf_out out = hf_out_count();

        (void)state;
        assert_non_null(text);
        memset(text, '@', n);
        memcpy(text, "http://u:", 9);
        memcpy(text + n - 4, "@h:1", 4);
        assert_int_equal(hf_url_parse((struct hf_span){text, n}, &url), 0);
        assert_int_equal(url.pass.n, n - 13);
        hf_url_put(&out, &url);
        assert_int_equal(out.len, 13 + 3 * (n - 13));
        free(text);
}

/* Over random damage: what is mended reads back as the same proxy with the same credentials, and
 * mending it again changes nothing. */
static void mending_is_idempotent(void **state)
{
        static const char *const pieces[] = {
                "http://",  "socks://", "SOCKS5://", "//", "/", "h",   "proxy", "u",
                "p",        ":",        "@",         "@",  "#", "?",   "\\",    "%",
                "%4",       "%41",      "41",        "[",  "]", "::1", "[::1]", "1",
                "8080",     ":80",      "\"",        "'",  " ", "\r",  "\n",    ".",
                "\xc3\xa4", "://",      "-",         "0"};
        uint64_t seed = 1;
        unsigned good = 0;

        (void)state;
        for (int i = 0; i < 1000000; i++) {
                char text[128], mended[512], again[512], sent[512];
                struct hf_span span = random_text(&seed, pieces, HF_LEN(pieces), 9, text, 128);
                struct hf_out out = hf_out_write(mended, sizeof mended);
                struct hf_out creds = hf_out_write(sent, sizeof sent);
                struct hf_out creds2;
                struct hf_url url, url2;

                if (hf_url_parse(span, &url) < 0)
                        continue;
                good++;
                hf_url_put(&out, &url);
                hf_url_put_credentials(&creds, &url);
                assert_true(out.len <= sizeof mended && creds.len <= sizeof sent);
                creds2 = hf_out_compare((struct hf_span){sent, creds.len});
                span = (struct hf_span){mended, out.len};
                if (hf_url_parse(span, &url2) < 0)
                        fail_msg("does not read back: %.*s", (int)span.n, span.s);
                assert_int_equal(url.scheme, url2.scheme);
                assert_int_equal(url.port, url2.port);
                assert_true(hf_span_eq(url.host, url2.host));
                assert_true(hf_span_eq(url.tail, url2.tail));
                hf_url_put_credentials(&creds2, &url2);
                if (!hf_out_matched(&creds2))
                        fail_msg("other credentials in %.*s", (int)span.n, span.s);
                out = hf_out_write(again, sizeof again);
                hf_url_put(&out, &url2);
                if (!hf_span_eq(span, (struct hf_span){again, out.len}))
                        fail_msg("mended twice: %.*s", (int)span.n, span.s);
        }
        assert_true(good > 10000);
}

/* Entries joined by '|', those that cannot be read in '<>'. */
static const struct list_row {
        const char *name;
        struct hf_span text;
        const char *entries;
} lists[] = {
        {"list_of_one", BYTES("http://a:1"), "http://a:1"},
        {"list_of_two", BYTES("http://a:1,socks5h://b:2"), "http://a:1|socks5h://b:2"},
        {"list_with_blanks", BYTES(" a:1 ,  b:2 , c:3 "), "a:1|b:2|c:3"},
        {"list_without_ports", BYTES("a,b"), "a|b"},
        {"list_with_empty_entries", BYTES(",a:1,,b:2,"), "a:1|b:2"},
        {"list_in_quotes", BYTES("\"http://a:1,http://b:2\"\r"), "http://a:1|http://b:2"},
        {"list_with_users", BYTES("http://u:p@a:1,http://v:q@b:2"),
         "http://u:p@a:1|http://v:q@b:2"},
        {"list_with_comma_in_password", BYTES("http://u:p,q@a:1,http://v:x,y@b:2"),
         "http://u:p,q@a:1|http://v:x,y@b:2"},
        {"no_list_but_a_password", BYTES("u:1,p@a:1"), "u:1,p@a:1"},
        {"list_with_a_bad_entry", BYTES("gopher://a:1,http://b:2"), "<gopher://a:1>|http://b:2"},
        {"list_with_a_bad_entry_amid", BYTES("a:1,b:0,c:3"), "a:1|<b:0>|c:3"},
        {"list_of_bad_ones", BYTES("a:0,b:0"), "<a:0>|<b:0>"},
        {"list_with_a_bad_entry_of_a_user", BYTES("ftp://u:p,q@a:1,http://b:2"),
         "<ftp://u:p,q@a:1>|http://b:2"},
        {"no_list_but_a_bad_password", BYTES("http://u:p,q,r@a:99999"), "<http://u:p,q,r@a:99999>"},
        {"no_list_but_a_bad_host", BYTES("http://u:1,q@a b"), "<http://u:1,q@a b>"},
        {"list_behind_a_bad_entry_of_a_user", BYTES("http://u:p,q@a:0,b:2"),
         "<http://u:p,q@a:0>|b:2"},
        {"list_of_nothing", BYTES(" , "), ""},
        {"list_empty", BYTES(""), ""},
};

static void check_list(void **state)
{
        const struct list_row *row = *state;
        char buf[256];
        struct hf_out out = hf_out_write(buf, sizeof buf);
        struct guard g;
        struct hf_span list = hf_url_list(guard_make(&g, row->text)), entry;
        struct hf_url url;

        while (hf_url_list_next(&list, &entry)) {
                bool bad = hf_url_parse(entry, &url) < 0;

                hf_out_put(&out, out.len ? HF_SPAN("|") : HF_SPAN(""));
                hf_out_put(&out, bad ? HF_SPAN("<") : HF_SPAN(""));
                hf_out_put(&out, entry);
                hf_out_put(&out, bad ? HF_SPAN(">") : HF_SPAN(""));
        }
        guard_free(&g);
        expect_text(buf, &out, row->entries);
}

int main(void)
{
        static struct table t;

        TABLE_ADD(&t, check, rows);
        TABLE_ADD(&t, check_public, publics);
        TABLE_ADD(&t, check_quotable, quotables);
        TABLE_ADD(&t, check_decode, decodes);
        TABLE_ADD(&t, check_length, lengths);
        table_add(&t, "gives_the_parts", gives_the_parts, NULL);
        table_add(&t, "parts_that_are_not_there_are_absent", parts_that_are_not_there_are_absent,
                  NULL);
        table_add(&t, "reads_a_password_of_a_mebibyte", reads_a_password_of_a_mebibyte, NULL);
        table_add(&t, "mending_is_idempotent", mending_is_idempotent, NULL);
        TABLE_ADD(&t, check_list, lists);
        return table_run("url", &t);
}
