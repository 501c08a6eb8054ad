/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "core/http_connect.h"

#include <errno.h>

#define AUTH "Proxy-Authorization: Basic dTpw\r\n"

static const struct request {
        const char *name;
        struct hf_span host;
        uint16_t port;
        struct hf_span auth;
        const char *text; /* NULL: -EINVAL */
} requests[] = {
        {"asks_for_a_name", BYTES("huggingface.co"), 443, BYTES(""),
         "CONNECT huggingface.co:443 HTTP/1.1\r\nHost: huggingface.co:443\r\n\r\n"},
        {"asks_without_auth_when_absent",
         BYTES("h"),
         1,
         {NULL, 0},
         "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n"},
        {"asks_with_auth", BYTES("h"), 65535, BYTES(AUTH),
         "CONNECT h:65535 HTTP/1.1\r\nHost: h:65535\r\n" AUTH "\r\n"},
        {"asks_for_ipv4", BYTES("192.0.2.1"), 80, BYTES(""),
         "CONNECT 192.0.2.1:80 HTTP/1.1\r\nHost: 192.0.2.1:80\r\n\r\n"},
        {"asks_for_ipv6_in_brackets", BYTES("2001:db8::1"), 443, BYTES(""),
         "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n"},
        {"asks_for_underscores", BYTES("a_b-c.d"), 443, BYTES(""),
         "CONNECT a_b-c.d:443 HTTP/1.1\r\nHost: a_b-c.d:443\r\n\r\n"},
        {"rejects_empty_host", BYTES(""), 443, BYTES(""), NULL},
        {"rejects_absent_host", {NULL, 0}, 443, BYTES(""), NULL},
        {"rejects_port_zero", BYTES("h"), 0, BYTES(""), NULL},
        {"rejects_cr_in_host", BYTES("h\rx"), 443, BYTES(""), NULL},
        {"rejects_lf_in_host", BYTES("h\nx"), 443, BYTES(""), NULL},
        {"rejects_crlf_at_the_end", BYTES("h\r\n"), 443, BYTES(""), NULL},
        {"rejects_nul_in_host", BYTES("h\0x"), 443, BYTES(""), NULL},
        {"rejects_nul_at_the_end", BYTES("h\0"), 443, BYTES(""), NULL},
        {"rejects_blank_in_host", BYTES("h x"), 443, BYTES(""), NULL},
        {"rejects_tab_in_host", BYTES("h\tx"), 443, BYTES(""), NULL},
        {"rejects_slash_in_host", BYTES("h/x"), 443, BYTES(""), NULL},
        {"rejects_at_sign_in_host", BYTES("u@h"), 443, BYTES(""), NULL},
        {"rejects_port_in_host", BYTES("h:80"), 443, BYTES(""), NULL},
        {"rejects_brackets_in_host", BYTES("[::1]"), 443, BYTES(""), NULL},
        {"rejects_zone_in_host", BYTES("fe80::1%1"), 443, BYTES(""), NULL},
        {"rejects_crlf_in_ipv6", BYTES("::1\r\n"), 443, BYTES(""), NULL},
        {"rejects_utf8_in_host", BYTES("h\xc3\xa4"), 443, BYTES(""), NULL},
};

/* Sends the request in steps of STEP bytes through output(); the text, or a failed test. */
static void send_in_steps(struct hf_http_connect *m, size_t first, size_t step, char *buf,
                          size_t size, size_t *ret_len)
{
        struct iovec iov[3];
        size_t sent = 0, len = 0;
        int n;

        while ((n = hf_http_connect_output(m, sent, iov)) > 0) {
                size_t want = len == 0 && first > 0 ? first : step;

                sent = 0;
                for (int i = 0; i < n && sent < want; i++) {
                        size_t part = iov[i].iov_len;

                        assert_true(part > 0);
                        if (part > want - sent)
                                part = want - sent;
                        assert_true(len + part <= size);
                        memcpy(buf + len, iov[i].iov_base, part);
                        len += part;
                        sent += part;
                }
        }
        assert_int_equal(n, 0);
        assert_int_equal(hf_http_connect_output(m, 0, iov), 0);
        *ret_len = len;
}

static void check_request(void **state)
{
        const struct request *row = *state;
        struct guard g;
        struct hf_span host = guard_make(&g, row->host);
        struct hf_http_connect m;
        char buf[1024];
        size_t total, len;

        if (!row->host.s)
                host = row->host;
        if (!row->text) {
                assert_int_equal(hf_http_connect_init(&m, host, row->port, row->auth), -EINVAL);
                guard_free(&g);
                return;
        }
        total = strlen(row->text);
        /* at once, byte by byte, and cut in two at every offset */
        for (size_t cut = 0; cut <= total; cut++) {
                assert_int_equal(hf_http_connect_init(&m, host, row->port, row->auth), 0);
                send_in_steps(&m, cut, cut == 0 ? 1 : total, buf, sizeof buf, &len);
                assert_int_equal(len, total);
                assert_memory_equal(buf, row->text, len);
        }
        guard_free(&g);
}

static void asks_for_the_longest_host(void **state)
{
        struct hf_http_connect m;
        char host[256], buf[1024];
        size_t len;

        (void)state;
        memset(host, 'a', sizeof host);
        assert_int_equal(hf_http_connect_init(&m, (struct hf_span){host, 256}, 443, HF_SPAN("")),
                         -EINVAL);
        assert_int_equal(hf_http_connect_init(&m, (struct hf_span){host, 255}, 65535, HF_SPAN("")),
                         0);
        send_in_steps(&m, 0, 1, buf, sizeof buf, &len);
        assert_int_equal(len, 2 * (255 + 6) + strlen("CONNECT  HTTP/1.1\r\nHost: \r\n\r\n"));
}

/* A reply, what is made of it, and how many of its bytes belong to it. */
static const struct reply {
        const char *name;
        struct hf_span text;
        int result;
        size_t rest; /* bytes behind the reply, not to be used */
        uint16_t status;
        const char *schemes;
} replies[] = {
        {"takes_200", BYTES("HTTP/1.1 200 Connection established\r\n\r\n"), 1, 0, 200, ""},
        {"takes_http_1_0", BYTES("HTTP/1.0 200 OK\r\n\r\n"), 1, 0, 200, ""},
        {"takes_no_reason", BYTES("HTTP/1.1 200\r\n\r\n"), 1, 0, 200, ""},
        {"takes_empty_reason", BYTES("HTTP/1.1 200 \r\n\r\n"), 1, 0, 200, ""},
        {"takes_bare_lf", BYTES("HTTP/1.1 200 OK\nA: b\n\n"), 1, 0, 200, ""},
        {"takes_no_reason_and_bare_lf", BYTES("HTTP/1.1 200\n\n"), 1, 0, 200, ""},
        {"takes_mixed_line_ends", BYTES("HTTP/1.1 200 OK\nA: b\r\n\n"), 1, 0, 200, ""},
        {"takes_any_2xx", BYTES("HTTP/1.1 299 x\r\n\r\n"), 1, 0, 299, ""},
        {"takes_204", BYTES("HTTP/1.1 204 No Content\r\n\r\n"), 1, 0, 204, ""},
        {"takes_headers", BYTES("HTTP/1.1 200 OK\r\nVia: x\r\nDate: y\r\n\r\n"), 1, 0, 200, ""},
        {"takes_folded_headers", BYTES("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\td\r\n\r\n"), 1, 0, 200,
         ""},
        {"takes_a_blank_folded_line", BYTES("HTTP/1.1 200 OK\r\nA: b\r\n \r\n\r\nX"), 1, 1, 200,
         ""},
        {"takes_bytes_in_reason", BYTES("HTTP/1.1 200 \xff\x01\r\n\r\n"), 1, 0, 200, ""},
        {"takes_headers_without_colon", BYTES("HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"), 1, 0, 200,
         ""},
        {"takes_a_bare_cr_as_content", BYTES("HTTP/1.1 200 OK\r\n\rA\r\n\r\n"), 1, 0, 200, ""},
        {"takes_cr_cr_lf_for_every_line_end", BYTES("HTTP/1.1 200 OK\r\r\nA: b\r\r\n\r\r\nX"), 1, 1,
         200, ""},
        {"takes_two_blanks_before_status", BYTES("HTTP/1.1  200 OK\r\n\r\n"), 1, 0, 200, ""},
        {"leaves_what_follows", BYTES("HTTP/1.1 200 OK\r\n\r\nSSH-2.0"), 1, 7, 200, ""},
        {"leaves_an_empty_line_that_follows", BYTES("HTTP/1.1 200 OK\r\n\r\n\r\n"), 1, 2, 200, ""},
        {"leaves_a_lf_that_follows", BYTES("HTTP/1.1 200 OK\n\n\n"), 1, 1, 200, ""},
        {"leaves_a_body_that_is_none", BYTES("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"), 1,
         3, 200, ""},
        {"leaves_chunks_that_are_none",
         BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 1, 5, 200, ""},
        {"skips_100", BYTES("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nX"), 1, 1, 200,
         ""},
        {"skips_several_1xx",
         BYTES("HTTP/1.1 100\r\n\r\nHTTP/1.1 103 x\r\nLink: y\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), 1,
         0, 200, ""},
        {"skips_100_before_a_refusal", BYTES("HTTP/1.1 100\r\n\r\nHTTP/1.1 403 No\r\n\r\n"),
         -EACCES, 0, 403, ""},
        {"waits_after_100", BYTES("HTTP/1.1 100 Continue\r\n\r\n"), 0, 0, 0, ""},
        {"waits_for_nothing_yet", BYTES(""), 0, 0, 0, ""},
        {"waits_for_the_empty_line", BYTES("HTTP/1.1 200 OK\r\n"), 0, 0, 200, ""},
        {"waits_for_the_last_lf", BYTES("HTTP/1.1 200 OK\r\n\r"), 0, 0, 200, ""},
        {"waits_for_the_status", BYTES("HTTP/1."), 0, 0, 0, ""},

        {"refuses_403", BYTES("HTTP/1.1 403 Forbidden\r\n\r\n"), -EACCES, 0, 403, ""},
        {"refuses_403_at_its_first_line", BYTES("HTTP/1.1 403 Forbidden\r\n"), -EACCES, 0, 403, ""},
        {"refuses_404", BYTES("HTTP/1.1 404 x\r\n\r\n"), -EACCES, 0, 404, ""},
        {"refuses_a_redirect", BYTES("HTTP/1.1 302 x\r\nLocation: y\r\n\r\n"), -EACCES, 0, 302, ""},
        {"refuses_500", BYTES("HTTP/1.1 500 x\r\n\r\n"), -EACCES, 0, 500, ""},
        {"refuses_999", BYTES("HTTP/1.1 999 x\r\n\r\n"), -EACCES, 0, 999, ""},
        {"host_unreachable_at_502", BYTES("HTTP/1.1 502 x\r\n\r\n"), -EHOSTUNREACH, 0, 502, ""},
        {"host_unreachable_at_503", BYTES("HTTP/1.1 503 x\r\n\r\n"), -EHOSTUNREACH, 0, 503, ""},
        {"timed_out_at_504", BYTES("HTTP/1.1 504 x\r\n\r\n"), -ETIMEDOUT, 0, 504, ""},

        {"not_http_2", BYTES("HTTP/2 200\r\n\r\n"), -ECONNREFUSED, 0, 0, ""},
        {"not_http_2_0", BYTES("HTTP/2.0 200 OK\r\n\r\n"), -ECONNREFUSED, 0, 0, ""},
        {"not_http_1_2", BYTES("HTTP/1.2 200 OK\r\n\r\n"), -ECONNREFUSED, 0, 0, ""},
        {"not_http_1_10", BYTES("HTTP/1.10 200 OK\r\n\r\n"), -ECONNREFUSED, 0, 0, ""},
        {"not_lower_case", BYTES("http/1.1 200 OK\r\n\r\n"), -ECONNREFUSED, 0, 0, ""},
        {"not_without_blank", BYTES("HTTP/1.1200 OK\r\n\r\n"), -ECONNREFUSED, 0, 0, ""},
        {"not_without_status", BYTES("HTTP/1.1\r\n\r\n"), -ECONNREFUSED, 0, 0, ""},
        {"not_a_short_status", BYTES("HTTP/1.1 20 OK\r\n\r\n"), -ECONNREFUSED, 0, 20, ""},
        {"not_a_long_status", BYTES("HTTP/1.1 2000 OK\r\n\r\n"), -ECONNREFUSED, 0, 200, ""},
        {"not_a_status_that_wraps", BYTES("HTTP/1.1 65736 OK\r\n\r\n"), -ECONNREFUSED, 0, 657, ""},
        {"not_a_status_below_100", BYTES("HTTP/1.1 099 OK\r\n\r\n"), -ECONNREFUSED, 0, 99, ""},
        {"not_a_negative_status", BYTES("HTTP/1.1 -20 OK\r\n\r\n"), -ECONNREFUSED, 0, 0, ""},
        {"not_text_behind_status", BYTES("HTTP/1.1 200OK\r\n\r\n"), -ECONNREFUSED, 0, 200, ""},
        {"not_an_empty_line_first", BYTES("\r\nHTTP/1.1 200 OK\r\n\r\n"), -ECONNREFUSED, 0, 0, ""},
        {"not_an_ssh_banner", BYTES("SSH-2.0-OpenSSH_9.2\r\n"), -ECONNREFUSED, 0, 0, ""},
        {"not_a_tls_alert", BYTES("\x15\x03\x01\x00\x02\x02\x46"), -ECONNREFUSED, 0, 0, ""},
        {"not_a_socks_reply", BYTES("\x05\xff"), -ECONNREFUSED, 0, 0, ""},
        {"not_a_nul", BYTES("\0"), -ECONNREFUSED, 0, 0, ""},
        {"not_html", BYTES("<html>"), -ECONNREFUSED, 0, 0, ""},
        {"not_garbage_behind_100", BYTES("HTTP/1.1 100\r\n\r\nx"), -ECONNREFUSED, 0, 0, ""},

#define REPLY_407(fields) BYTES("HTTP/1.1 407 x\r\n" fields "\r\n"), -EACCES, 0, 407
        {"schemes_of_nothing", REPLY_407(""), ""},
        {"schemes_of_one", REPLY_407("Proxy-Authenticate: Basic realm=\"r\"\r\n"), "Basic"},
        {"schemes_without_parameters", REPLY_407("Proxy-Authenticate: Negotiate\r\n"), "Negotiate"},
        {"schemes_of_several_lines",
         REPLY_407("Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n"
                   "Proxy-Authenticate: Basic realm=\"x\"\r\n"),
         "Negotiate, NTLM, Basic"},
        {"schemes_of_a_list", REPLY_407("Proxy-Authenticate: Negotiate, NTLM,Basic realm=x\r\n"),
         "Negotiate, NTLM, Basic"},
        {"schemes_among_parameters",
         REPLY_407("Proxy-Authenticate: Digest realm=\"a\", nonce=\"b\", qop=auth, Basic "
                   "realm=\"c\"\r\n"),
         "Digest, Basic"},
        {"schemes_with_blanks_at_equals",
         REPLY_407("Proxy-Authenticate: Digest realm = \"a\" , nonce = b , NTLM\r\n"),
         "Digest, NTLM"},
        {"schemes_with_commas_in_quotes",
         REPLY_407("Proxy-Authenticate: Basic realm=\"a, Bearer x, b\", NTLM\r\n"), "Basic, NTLM"},
        {"schemes_with_escaped_quotes",
         REPLY_407("Proxy-Authenticate: Basic realm=\"a\\\", Bearer, \\\\\", NTLM\r\n"),
         "Basic, NTLM"},
        {"schemes_with_open_quotes", REPLY_407("Proxy-Authenticate: Basic realm=\"a, b\r\n"),
         "Basic"},
        {"schemes_with_tokens", REPLY_407("Proxy-Authenticate: NTLM TlRMTVNTUAAC+/==, Basic\r\n"),
         "NTLM, Basic"},
        {"schemes_once",
         REPLY_407("Proxy-Authenticate: Basic\r\nProxy-Authenticate: BASIC, NTLM, "
                   "Basic\r\n"),
         "Basic, NTLM"},
        {"schemes_in_any_case", REPLY_407("pROXY-aUTHENTICATE: nTLM\r\n"), "nTLM"},
        {"schemes_without_blank", REPLY_407("Proxy-Authenticate:Basic\r\n"), "Basic"},
        {"schemes_with_many_blanks", REPLY_407("Proxy-Authenticate: \t  Basic  \r\n"), "Basic"},
        {"schemes_at_bare_lf", REPLY_407("Proxy-Authenticate: Basic\nA: b\n"), "Basic"},
        {"schemes_in_folded_lines",
         REPLY_407("Proxy-Authenticate: Digest realm=\"a\",\r\n nonce=\"b\",\r\n\tNTLM\r\n"),
         "Digest, NTLM"},
        {"schemes_in_folded_first_line", REPLY_407("Proxy-Authenticate:\r\n Basic\r\n"), "Basic"},
        {"schemes_with_quotes_folded",
         REPLY_407("Proxy-Authenticate: Basic realm=\"a,\r\n Bearer\", NTLM\r\n"), "Basic, NTLM"},
        {"schemes_of_empty_elements", REPLY_407("Proxy-Authenticate: ,, Basic ,,NTLM,\r\n"),
         "Basic, NTLM"},
        {"schemes_not_of_an_empty_field", REPLY_407("Proxy-Authenticate:\r\nA: b\r\n"), ""},
        {"schemes_not_of_www_authenticate", REPLY_407("WWW-Authenticate: Basic\r\n"), ""},
        {"schemes_not_of_longer_names", REPLY_407("X-Proxy-Authenticate: Basic\r\n"), ""},
        {"schemes_not_of_shorter_names", REPLY_407("Proxy-Auth: Basic\r\n"), ""},
        {"schemes_not_of_names_alike",
         REPLY_407("Proxy-Authenticate: NTLM\r\nProxy-Auth: x\r\nProxy-Authenticate\r\n"), "NTLM"},
        {"schemes_not_of_folded_names", REPLY_407("A: b\r\n Proxy-Authenticate: Basic\r\n"), ""},
        {"schemes_not_of_broken_names", REPLY_407("Proxy-Auth\r\n enticate: Basic\r\n"), ""},
        {"schemes_not_unprintable", REPLY_407("Proxy-Authenticate: B\x1b[1m, N\xff, NTLM\r\n"),
         "NTLM"},
        {"schemes_not_too_long",
         REPLY_407("Proxy-Authenticate: "
                   "Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, "
                   "NTLM\r\n"),
         "NTLM"},
        {"schemes_not_too_many",
         REPLY_407("Proxy-Authenticate: Aaaaaaaaaaaaaaaaaaaa, Bbbbbbbbbbbbbbbbbbbb, "
                   "Cccccccccccccccccccc, NTLM\r\n"),
         "Aaaaaaaaaaaaaaaaaaaa, Bbbbbbbbbbbbbbbbbbbb, NTLM"},
        {"schemes_before_the_end_of_407", BYTES("HTTP/1.1 407 x\r\nProxy-Authenticate: NTLM\r\nA"),
         0, 0, 407, "NTLM"},
        {"schemes_not_of_403", BYTES("HTTP/1.1 403 x\r\nProxy-Authenticate: NTLM\r\n\r\n"), -EACCES,
         0, 403, ""},
        {"schemes_not_of_200", BYTES("HTTP/1.1 200 x\r\nProxy-Authenticate: NTLM\r\n\r\n"), 1, 0,
         200, ""},
};

/* Feeds TEXT in pieces of up to STEP bytes, each at the end of readable memory, and checks that
 * nothing beyond the reply is used. */
static int feed(struct hf_http_connect *m, struct hf_span text, size_t step, size_t *ret_used)
{
        size_t used = 0, room = text.n < step ? text.n : step;
        struct guard g;
        const char *end = guard_make(&g, (struct hf_span){text.s, room}).s + room;
        int r = 0;

        assert_int_equal(hf_http_connect_init(m, HF_SPAN("h"), 443, HF_SPAN("")), 0);
        do {
                size_t n = text.n - used < room ? text.n - used : room, took = SIZE_MAX;
                char *piece = g.map + (end - g.map) - n;

                if (n > 0)
                        memcpy(piece, text.s + used, n);
                r = hf_http_connect_input(m, piece, n, &took);
                if (r < 0) {
                        assert_true(took == SIZE_MAX); /* untouched */
                        break;
                }
                assert_true(r == 0 ? took == n : took <= n);
                used += took;
        } while (r == 0 && used < text.n);
        guard_free(&g);
        *ret_used = used;
        return r;
}

static void check_reply(void **state)
{
        const struct reply *row = *state;
        struct hf_http_connect m;
        size_t used;

        /* byte by byte first, at last the whole at once; so every cut is met */
        for (size_t step = 1; step <= row->text.n + 1; step++) {
                assert_int_equal(feed(&m, row->text, step, &used), row->result);
                assert_int_equal(m.status, row->status);
                assert_string_equal(m.schemes, row->schemes);
                if (row->result >= 0)
                        assert_int_equal(used, row->text.n - row->rest);
        }
}

static void an_answer_is_final(void **state)
{
        struct hf_http_connect m;
        size_t used;

        (void)state;
        assert_int_equal(feed(&m, HF_SPAN("HTTP/1.1 200 OK\r\n\r\n"), 99, &used), 1);
        used = 99;
        assert_int_equal(hf_http_connect_input(&m, "data", 4, &used), 1);
        assert_int_equal(used, 0);
        assert_int_equal(feed(&m, HF_SPAN("HTTP/1.1 502 x\r\n"), 99, &used), -EHOSTUNREACH);
        assert_int_equal(hf_http_connect_input(&m, "\r\n", 2, &used), -EHOSTUNREACH);
        assert_int_equal(feed(&m, HF_SPAN("x"), 99, &used), -ECONNREFUSED);
        assert_int_equal(hf_http_connect_input(&m, "HTTP/1.1 200\r\n\r\n", 16, &used),
                         -ECONNREFUSED);
}

static const struct size_row {
        const char *name;
        size_t total;
        bool line, fits; /* one long header line, or many short ones */
} sizes[] = {
        {"takes_64_kib_in_one_line", HF_HTTP_REPLY_MAX, true, true},
        {"takes_64_kib_in_many_lines", HF_HTTP_REPLY_MAX, false, true},
        {"refuses_64_kib_and_a_byte_in_one_line", HF_HTTP_REPLY_MAX + 1, true, false},
        {"refuses_64_kib_and_a_byte_in_many_lines", HF_HTTP_REPLY_MAX + 1, false, false},
        {"refuses_a_mebibyte", 1024 * 1024, false, false},
};

static void check_size(void **state)
{
        const struct size_row *row = *state;
        static const char start[] = "HTTP/1.1 200 OK\r\n";
        char *text = malloc(row->total + 4);
        struct hf_http_connect m;
        size_t used;

        assert_non_null(text);
        for (size_t i = 0; i < row->total; i++)
                text[i] = row->line || i % 8 ? 'a' : '\n';
        memcpy(text, start, sizeof start - 1);
        text[sizeof start - 1] = 'a';
        memcpy(text + row->total - 5, "a\r\n\r\n", 5);
        memcpy(text + row->total, "DATA", 4);
        for (size_t step = 1; step < 2 * row->total; step = step * 7 + 1) {
                int r = feed(&m, (struct hf_span){text, row->total + 4}, step, &used);

                assert_int_equal(r, row->fits ? 1 : -ECONNREFUSED);
                if (row->fits)
                        assert_int_equal(used, row->total);
        }
        free(text);
}

static void refuses_endless_1xx(void **state)
{
        static const char one[] = "HTTP/1.1 100 Continue\r\n\r\n";
        struct hf_http_connect m;
        size_t used, fed = 0;
        int r = 0;

        (void)state;
        assert_int_equal(hf_http_connect_init(&m, HF_SPAN("h"), 443, HF_SPAN("")), 0);
        while (r == 0 && fed < 1024 * 1024) {
                r = hf_http_connect_input(&m, one, sizeof one - 1, &used);
                fed += sizeof one - 1;
        }
        assert_int_equal(r, -ECONNREFUSED);
        assert_true(fed < HF_HTTP_REPLY_MAX + sizeof one);
}

int main(void)
{
        static struct table t;

        TABLE_ADD(&t, check_request, requests);
        TABLE_ADD(&t, check_reply, replies);
        TABLE_ADD(&t, check_size, sizes);
        table_add(&t, "asks_for_the_longest_host", asks_for_the_longest_host, NULL);
        table_add(&t, "an_answer_is_final", an_answer_is_final, NULL);
        table_add(&t, "refuses_endless_1xx", refuses_endless_1xx, NULL);
        return table_run("http_connect", &t);
}
