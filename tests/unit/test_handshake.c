/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "core/handshake.h"

#include <errno.h>

#define AUTH "Proxy-Authorization: Basic dTpw\r\n"
#define LONG                                                                                       \
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                         \
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                         \
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                         \
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* A proxy of a scheme, and the first message that it gets for a name or an address. */
static const struct row {
        const char *name;
        enum hf_scheme scheme;
        const char *host, *addr;
        struct hf_span auth, user, pass;
        struct hf_span first; /* absent: init gives `result` */
        int result;
        const char *target;
} rows[] = {
        {"http_by_name",
         HF_SCHEME_HTTP,
         "cas.test",
         NULL,
         BYTES(AUTH),
         {NULL, 0},
         {NULL, 0},
         BYTES("CONNECT cas.test:443 HTTP/1.1\r\nHost: cas.test:443\r\n" AUTH "\r\n"),
         0,
         "cas.test:443"},
        {"http_by_address",
         HF_SCHEME_HTTP,
         NULL,
         "2001:db8::1",
         BYTES(""),
         {NULL, 0},
         {NULL, 0},
         BYTES("CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n"),
         0,
         "[2001:db8::1]:443"},
        {"name_before_address",
         HF_SCHEME_HTTP,
         "h",
         "192.0.2.1",
         BYTES(""),
         {NULL, 0},
         {NULL, 0},
         BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n"),
         0,
         "h:443"},
        {"socks5",
         HF_SCHEME_SOCKS5,
         "h",
         NULL,
         BYTES(""),
         {NULL, 0},
         {NULL, 0},
         BYTES("\x05\x01\x00"),
         0,
         "h:443"},
        {"socks5h",
         HF_SCHEME_SOCKS5H,
         "h",
         NULL,
         BYTES(""),
         {NULL, 0},
         {NULL, 0},
         BYTES("\x05\x01\x00"),
         0,
         "h:443"},
        {"socks5h_by_address",
         HF_SCHEME_SOCKS5H,
         NULL,
         "2001:db8::1",
         BYTES(""),
         {NULL, 0},
         {NULL, 0},
         BYTES("\x05\x01\x00"),
         0,
         "[2001:db8::1]:443"},
        {"socks5_with_user", HF_SCHEME_SOCKS5, "h", NULL, BYTES(""), BYTES("u"), BYTES("p"),
         BYTES("\x05\x02\x00\x02"), 0, "h:443"},
        {"socks4_sends_names_too", HF_SCHEME_SOCKS4, "h", NULL, BYTES(""), BYTES("u"), BYTES(""),
         BYTES("\x04\x01\x01\xbb\0\0\0\x01u\0h\0"), 0, "h:443"},
        {"socks4a",
         HF_SCHEME_SOCKS4A,
         "h",
         NULL,
         BYTES(""),
         {NULL, 0},
         {NULL, 0},
         BYTES("\x04\x01\x01\xbb\0\0\0\x01\0h\0"),
         0,
         "h:443"},
        {"socks4a_by_address",
         HF_SCHEME_SOCKS4A,
         NULL,
         "192.0.2.1",
         BYTES(""),
         {NULL, 0},
         {NULL, 0},
         BYTES("\x04\x01\x01\xbb\xc0\0\x02\x01\0"),
         0,
         "192.0.2.1:443"},
        {"socks4a_not_by_ipv6",
         HF_SCHEME_SOCKS4A,
         NULL,
         "2001:db8::1",
         BYTES(""),
         {NULL, 0},
         {NULL, 0},
         {NULL, 0},
         -EAFNOSUPPORT,
         NULL},
        {"https_is_not_spoken",
         HF_SCHEME_HTTPS,
         "h",
         NULL,
         BYTES(AUTH),
         {NULL, 0},
         {NULL, 0},
         {NULL, 0},
         -EPROTONOSUPPORT,
         NULL},
        {"http_bad_host",
         HF_SCHEME_HTTP,
         "h\r",
         NULL,
         BYTES(""),
         {NULL, 0},
         {NULL, 0},
         {NULL, 0},
         -EINVAL,
         NULL},
        {"socks5h_bad_host",
         HF_SCHEME_SOCKS5H,
         "h\r",
         NULL,
         BYTES(""),
         {NULL, 0},
         {NULL, 0},
         {NULL, 0},
         -EINVAL,
         NULL},
        {"http_no_host",
         HF_SCHEME_HTTP,
         NULL,
         NULL,
         BYTES(""),
         {NULL, 0},
         {NULL, 0},
         {NULL, 0},
         -EINVAL,
         NULL},
        {"socks5h_no_host",
         HF_SCHEME_SOCKS5H,
         NULL,
         NULL,
         BYTES(""),
         {NULL, 0},
         {NULL, 0},
         {NULL, 0},
         -EINVAL,
         NULL},
        {"socks5h_user_too_long",
         HF_SCHEME_SOCKS5H,
         "h",
         NULL,
         BYTES(""),
         BYTES(LONG),
         BYTES("p"),
         {NULL, 0},
         -EINVAL,
         NULL},
        {"socks5h_password_too_long",
         HF_SCHEME_SOCKS5H,
         "h",
         NULL,
         BYTES(""),
         BYTES("u"),
         BYTES(LONG),
         {NULL, 0},
         -EINVAL,
         NULL},
};

static void check_row(void **state)
{
        const struct row *row = *state;
        const struct hf_proxy proxy = {
                .scheme = row->scheme, .auth = row->auth, .user = row->user, .pass = row->pass};
        char text[HF_HANDSHAKE_TARGET_MAX], sent[512];
        struct iovec iov[HF_HANDSHAKE_IOV];
        struct hf_out out = hf_out_write(text, sizeof text), all = hf_out_write(sent, sizeof sent);
        struct hf_handshake m;
        struct hf_addr addr;
        const struct hf_dest dest = {hf_span(row->host), row->addr ? &addr : NULL, 443};
        int n;

        if (row->addr)
                assert_true(hf_addr_parse(hf_span(row->addr), &addr));
        assert_int_equal(hf_handshake_init(&m, &proxy, &dest), row->result);
        assert_int_equal(hf_handshake_can_log_in(&proxy),
                         row->user.n < sizeof LONG - 1 && row->pass.n < sizeof LONG - 1);
        assert_int_equal(hf_handshake_can_carry(&proxy, &dest), row->result != -EAFNOSUPPORT);
        if (row->result < 0)
                return;
        n = hf_handshake_output(&m, 0, iov);
        for (int i = 0; i < n; i++)
                hf_out_put(&all, (struct hf_span){iov[i].iov_base, iov[i].iov_len});
        assert_int_equal(all.len, row->first.n);
        assert_memory_equal(sent, row->first.s, all.len);
        assert_int_equal(hf_handshake_output(&m, all.len, iov), 0);
        hf_handshake_put_target(&out, &m);
        expect_text(text, &out, row->target);
        assert_int_equal(hf_handshake_said(&m), 0);
}

/* To the end, and what the proxy said. */
static const struct end {
        const char *name;
        enum hf_scheme scheme;
        struct hf_span replies;
        int result, said;
        size_t rest;
} ends[] = {
        {"http_grants", HF_SCHEME_HTTP, BYTES("HTTP/1.1 200 OK\r\n\r\nSSH"), 1, 200, 3},
        {"http_refuses", HF_SCHEME_HTTP, BYTES("HTTP/1.1 502 No\r\n"), -EHOSTUNREACH, 502, 0},
        {"socks5_grants", HF_SCHEME_SOCKS5H, BYTES("\x05\0\x05\0\0\x01\0\0\0\0\0\0SSH"), 1, 0, 3},
        {"socks5_refuses", HF_SCHEME_SOCKS5H, BYTES("\x05\0\x05\x04"), -EHOSTUNREACH, 4, 0},
        {"socks5_refuses_the_greeting", HF_SCHEME_SOCKS5H, BYTES("\x05\xff"), -EACCES, 255, 0},
        {"socks5_talks_garbage", HF_SCHEME_SOCKS5H, BYTES("HTTP/1.1 400"), -ECONNREFUSED, 0, 0},
        {"socks4a_grants", HF_SCHEME_SOCKS4A, BYTES("\0\x5a\0\0\0\0\0\0SSH"), 1, 0, 3},
        {"socks4a_refuses", HF_SCHEME_SOCKS4A, BYTES("\0\x5d"), -EACCES, 93, 0},
};

static void check_end(void **state)
{
        const struct end *row = *state;
        const struct hf_proxy proxy = {.scheme = row->scheme};
        const struct hf_dest dest = {HF_SPAN("cas.test"), NULL, 443};
        struct iovec iov[HF_HANDSHAKE_IOV];
        struct hf_span left = row->replies;
        struct hf_handshake m;
        int r = 0;

        assert_int_equal(hf_handshake_init(&m, &proxy, &dest), 0);
        while (r == 0 && left.n > 0) {
                size_t used = 0, total = 0;

                for (int i = 0, n = hf_handshake_output(&m, 0, iov); i < n; i++)
                        total += iov[i].iov_len;
                assert_int_equal(hf_handshake_output(&m, total, iov), 0);
                r = hf_handshake_input(&m, left.s, left.n, &used);
                left.s += used;
                left.n -= used;
        }
        assert_int_equal(r, row->result);
        assert_int_equal(hf_handshake_said(&m), row->said);
        if (r > 0)
                assert_int_equal(left.n, row->rest);
}

int main(void)
{
        static struct table t;

        TABLE_ADD(&t, check_row, rows);
        TABLE_ADD(&t, check_end, ends);
        return table_run("handshake", &t);
}
