/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "core/socks.h"

#include <errno.h>

#define NO_USER                                                                                    \
        {                                                                                          \
                NULL, 0                                                                            \
        }
#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A250 A50 A50 A50 A50 A50

/* What a proxy says first, up to the point at which the request leaves. */
#define OPEN "\x05\x00"
#define LOGIN "\x05\x02"
#define WELCOME "\x01\x00"

static const struct row {
        const char *name;
        enum hf_socks_version version;
        struct hf_span host; /* an address where `literal` says so */
        bool literal;
        uint16_t port;
        struct hf_span user, pass;
        struct hf_span replies; /* all of the proxy's, one behind the other */
        struct hf_span sent;    /* all that it gets; absent: init gives `result` */
        int result;
        size_t rest;           /* bytes behind the replies, not to be used */
        struct hf_span target; /* for the log; absent: not looked at */
} rows[] = {
#define NAME5                                                                                      \
        "\x05\x01\x00\x03\x08"                                                                     \
        "cas.test\x01\xbb"
#define HI5 "\x05\x01\x00"
#define GRANT "\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38"
        /* ---- SOCKS5, what is sent ---- */
        {"asks_for_a_name", HF_SOCKS5, BYTES("cas.test"), false, 443, NO_USER, NO_USER,
         BYTES(OPEN GRANT), BYTES(HI5 NAME5), 1, 0, BYTES("cas.test:443")},
        {"asks_for_ipv4", HF_SOCKS5, BYTES("192.0.2.1"), true, 80, NO_USER, NO_USER,
         BYTES(OPEN GRANT), BYTES(HI5 "\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x50"), 1, 0,
         BYTES("192.0.2.1:80")},
        {"asks_for_ipv6", HF_SOCKS5, BYTES("2001:db8::1"), true, 65535, NO_USER, NO_USER,
         BYTES(OPEN GRANT),
         BYTES(HI5 "\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\xff\xff"), 1, 0,
         BYTES("[2001:db8::1]:65535")},
        {"asks_for_v4_mapped_as_ipv4", HF_SOCKS5, BYTES("::ffff:192.0.2.1"), true, 80, NO_USER,
         NO_USER, BYTES(OPEN GRANT), BYTES(HI5 "\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x50"), 1, 0,
         BYTES("192.0.2.1:80")},
        {"asks_for_a_literal_as_an_address", HF_SOCKS5, BYTES("2001:db8::1"), false, 1, NO_USER,
         NO_USER, BYTES(OPEN GRANT),
         BYTES(HI5 "\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x01"), 1, 0,
         BYTES("[2001:db8::1]:1")},
        {"asks_for_255_bytes", HF_SOCKS5, BYTES(A250 ".test"), false, 443, NO_USER, NO_USER,
         BYTES(OPEN GRANT), BYTES(HI5 "\x05\x01\x00\x03\xff" A250 ".test\x01\xbb"), 1, 0,
         BYTES(A250 ".test:443")},

        /* ---- log-in ---- */
        {"offers_both_and_takes_none", HF_SOCKS5, BYTES("cas.test"), false, 443, BYTES("u"),
         BYTES("p"), BYTES(OPEN GRANT), BYTES("\x05\x02\x00\x02" NAME5), 1, 0, NO_USER},
        {"logs_in", HF_SOCKS5, BYTES("cas.test"), false, 443, BYTES("user"), BYTES("p@ss"),
         BYTES(LOGIN WELCOME GRANT),
         BYTES("\x05\x02\x00\x02"
               "\x01\x04user\x04p@ss" NAME5),
         1, 0, NO_USER},
        {"logs_in_without_password", HF_SOCKS5, BYTES("cas.test"), false, 443, BYTES("user"),
         BYTES(""), BYTES(LOGIN WELCOME GRANT),
         BYTES("\x05\x02\x00\x02"
               "\x01\x04user\x00" NAME5),
         1, 0, NO_USER},
        {"logs_in_without_user", HF_SOCKS5, BYTES("cas.test"), false, 443, BYTES(""), BYTES("pass"),
         BYTES(LOGIN WELCOME GRANT),
         BYTES("\x05\x02\x00\x02"
               "\x01\x00\x04pass" NAME5),
         1, 0, NO_USER},
        {"logs_in_with_any_bytes", HF_SOCKS5, BYTES("cas.test"), false, 443, BYTES("\xc3\xa4\0\r"),
         BYTES("\n:@\xff"), BYTES(LOGIN WELCOME GRANT),
         BYTES("\x05\x02\x00\x02"
               "\x01\x04\xc3\xa4\0\r\x04\n:@\xff" NAME5),
         1, 0, NO_USER},
        {"logs_in_with_255_bytes", HF_SOCKS5, BYTES("cas.test"), false, 443, BYTES(A250 "uuuuu"),
         BYTES("ppppp" A250), BYTES(LOGIN WELCOME GRANT),
         BYTES("\x05\x02\x00\x02"
               "\x01\xff" A250 "uuuuu\xff"
               "ppppp" A250 NAME5),
         1, 0, NO_USER},
        {"logs_in_where_the_version_is_5", HF_SOCKS5, BYTES("cas.test"), false, 443, BYTES("u"),
         BYTES("p"), BYTES(LOGIN "\x05\x00" GRANT),
         BYTES("\x05\x02\x00\x02"
               "\x01\x01u\x01p" NAME5),
         1, 0, NO_USER},
#define LOGS_IN "\x05\x02\x00\x02\x01\x01u\x01p"
        {"wrong_password", HF_SOCKS5, BYTES("cas.test"), false, 443, BYTES("u"), BYTES("p"),
         BYTES(LOGIN "\x01\x01"), BYTES(LOGS_IN), -EACCES, 0, BYTES("cas.test:443")},
        {"wrong_password_255", HF_SOCKS5, BYTES("cas.test"), false, 443, BYTES("u"), BYTES("p"),
         BYTES(LOGIN "\x01\xff"), BYTES(LOGS_IN), -EACCES, 0, NO_USER},
        {"not_a_login_reply", HF_SOCKS5, BYTES("cas.test"), false, 443, BYTES("u"), BYTES("p"),
         BYTES(LOGIN "H"), BYTES(LOGS_IN), -ECONNREFUSED, 0, NO_USER},
        {"waits_for_the_login_reply", HF_SOCKS5, BYTES("cas.test"), false, 443, BYTES("u"),
         BYTES("p"), BYTES(LOGIN "\x01"), BYTES(LOGS_IN), 0, 0, NO_USER},
        {"rejects_user_of_256_bytes", HF_SOCKS5, BYTES("cas.test"), false, 443,
         BYTES(A250 "uuuuuu"), BYTES("p"), BYTES(""), NO_USER, -EINVAL, 0, NO_USER},
        {"rejects_password_of_256_bytes", HF_SOCKS5, BYTES("cas.test"), false, 443, BYTES("u"),
         BYTES(A250 "pppppp"), BYTES(""), NO_USER, -EINVAL, 0, NO_USER},

/* ---- SOCKS5, what comes ---- */
#define ASKED(replies_, result_, rest_)                                                            \
        HF_SOCKS5, BYTES("cas.test"), false, 443, NO_USER, NO_USER, BYTES(replies_),               \
                BYTES(HI5 NAME5), result_, rest_, NO_USER
        {"takes_an_ipv4_address", ASKED(OPEN "\x05\0\0\x01"
                                             "addr12SSH",
                                        1, 3)},
        {"takes_an_ipv6_address", ASKED(OPEN "\x05\0\0\x04"
                                             "addr567890123456po\x05\x00",
                                        1, 2)},
        {"takes_a_name", ASKED(OPEN "\x05\0\0\x03\x04nameporest", 1, 4)},
        {"takes_an_empty_name", ASKED(OPEN "\x05\0\0\x03\0po\0", 1, 1)},
        {"takes_a_name_of_255_bytes", ASKED(OPEN "\x05\0\0\x03\xff" A250 "nnnnnpo220 hello", 1, 9)},
        {"takes_any_reserved_byte", ASKED(OPEN "\x05\0\xff\x01"
                                               "addrpo",
                                          1, 0)},
        {"waits_for_the_reply", ASKED(OPEN, 0, 0)},
        {"waits_for_its_code", ASKED(OPEN "\x05", 0, 0)},
        {"waits_for_its_type", ASKED(OPEN "\x05\0\0", 0, 0)},
        {"waits_for_its_address", ASKED(OPEN "\x05\0\0\x01", 0, 0)},
        {"waits_for_its_last_byte", ASKED(OPEN "\x05\0\0\x01"
                                               "addrp",
                                          0, 0)},
        {"waits_for_its_length", ASKED(OPEN "\x05\0\0\x03", 0, 0)},
        {"waits_for_its_name", ASKED(OPEN "\x05\0\0\x03\x02np", 0, 0)},
        {"reply_1", ASKED(OPEN "\x05\x01\0\x01\0\0\0\0\0\0", -ECONNREFUSED, 0)},
        {"reply_2", ASKED(OPEN "\x05\x02\0\x01\0\0\0\0\0\0", -EACCES, 0)},
        {"reply_3", ASKED(OPEN "\x05\x03\0\x01\0\0\0\0\0\0", -ENETUNREACH, 0)},
        {"reply_4", ASKED(OPEN "\x05\x04\0\x01\0\0\0\0\0\0", -EHOSTUNREACH, 0)},
        {"reply_5", ASKED(OPEN "\x05\x05\0\x01\0\0\0\0\0\0", -ECONNREFUSED, 0)},
        {"reply_6", ASKED(OPEN "\x05\x06\0\x01\0\0\0\0\0\0", -ETIMEDOUT, 0)},
        {"reply_7", ASKED(OPEN "\x05\x07\0\x01\0\0\0\0\0\0", -EOPNOTSUPP, 0)},
        {"reply_8", ASKED(OPEN "\x05\x08\0\x01\0\0\0\0\0\0", -EAFNOSUPPORT, 0)},
        {"reply_9", ASKED(OPEN "\x05\x09\0\x01\0\0\0\0\0\0", -ECONNREFUSED, 0)},
        {"reply_255", ASKED(OPEN "\x05\xff", -ECONNREFUSED, 0)},
        {"a_refusal_at_its_code", ASKED(OPEN "\x05\x02", -EACCES, 0)},
        {"not_socks4_behind_socks5", ASKED(OPEN "\x04\0\0\x01", -ECONNREFUSED, 0)},
        {"not_an_unknown_type", ASKED(OPEN "\x05\0\0\x02", -ECONNREFUSED, 0)},
        {"not_type_0", ASKED(OPEN "\x05\0\0\0", -ECONNREFUSED, 0)},

/* ---- the answer to the greeting ---- */
#define GREETED(replies_, result_)                                                                 \
        HF_SOCKS5, BYTES("cas.test"), false, 443, NO_USER, NO_USER, BYTES(replies_), BYTES(HI5),   \
                result_, 0, NO_USER
        {"no_acceptable_method", GREETED("\x05\xff", -EACCES)},
        {"not_a_method_that_was_not_offered", GREETED("\x05\x02", -ECONNREFUSED)},
        {"not_gssapi", GREETED("\x05\x01", -ECONNREFUSED)},
        {"not_a_private_method", GREETED("\x05\x80", -ECONNREFUSED)},
        {"not_socks4", GREETED("\x04\x00", -ECONNREFUSED)},
        {"not_a_socks4_refusal", GREETED("\0\x5b\0\0\0\0\0\0", -ECONNREFUSED)},
        {"not_http", GREETED("HTTP/1.1 400 Bad Request\r\n\r\n", -ECONNREFUSED)},
        {"not_ssh", GREETED("SSH-2.0-OpenSSH_9.2\r\n", -ECONNREFUSED)},
        {"not_tls", GREETED("\x15\x03\x01\x00\x02\x02\x46", -ECONNREFUSED)},
        {"waits_for_the_greeting", GREETED("", 0)},
        {"waits_for_the_method", GREETED("\x05", 0)},
        {"no_acceptable_method_with_a_login", HF_SOCKS5, BYTES("cas.test"), false, 443, BYTES("u"),
         BYTES("p"), BYTES("\x05\xff"), BYTES("\x05\x02\x00\x02"), -EACCES, 0, NO_USER},

/* ---- SOCKS4a ---- */
#define NAME4(user) "\x04\x01\x01\xbb\0\0\0\x01" user "\0cas.test\0"
#define GRANT4 "\0\x5a\x01\xbb\x7f\0\0\x01"
        {"socks4_asks_for_a_name", HF_SOCKS4, BYTES("cas.test"), false, 443, NO_USER, NO_USER,
         BYTES(GRANT4), BYTES(NAME4("")), 1, 0, BYTES("cas.test:443")},
        {"socks4_sends_its_user", HF_SOCKS4, BYTES("cas.test"), false, 443, BYTES("us er"),
         BYTES("unused"), BYTES(GRANT4 "SSH"), BYTES(NAME4("us er")), 1, 3, BYTES("cas.test:443")},
        {"socks4_asks_for_ipv4", HF_SOCKS4, BYTES("192.0.2.1"), true, 80, BYTES("u"), BYTES(""),
         BYTES(GRANT4), BYTES("\x04\x01\x00\x50\xc0\0\x02\x01u\0"), 1, 0, BYTES("192.0.2.1:80")},
        {"socks4_asks_for_a_literal_as_ipv4", HF_SOCKS4, BYTES("192.0.2.1"), false, 80, NO_USER,
         NO_USER, BYTES(GRANT4), BYTES("\x04\x01\x00\x50\xc0\0\x02\x01\0"), 1, 0,
         BYTES("192.0.2.1:80")},
        {"socks4_asks_for_255_bytes", HF_SOCKS4, BYTES(A250 ".test"), false, 443, BYTES("u"),
         BYTES(""), BYTES(GRANT4), BYTES("\x04\x01\x01\xbb\0\0\0\x01u\0" A250 ".test\0"), 1, 0,
         BYTES(A250 ".test:443")},
        {"socks4_has_no_ipv6", HF_SOCKS4, BYTES("2001:db8::1"), true, 80, NO_USER, NO_USER,
         BYTES(""), NO_USER, -EAFNOSUPPORT, 0, NO_USER},
        {"socks4_has_no_address_that_means_a_name", HF_SOCKS4, BYTES("0.0.0.7"), true, 80, NO_USER,
         NO_USER, BYTES(""), NO_USER, -EINVAL, 0, NO_USER},
        {"socks4_rejects_nul_in_user", HF_SOCKS4, BYTES("cas.test"), false, 80, BYTES("u\0x"),
         NO_USER, BYTES(""), NO_USER, -EINVAL, 0, NO_USER},
        {"socks4_rejects_user_of_256_bytes", HF_SOCKS4, BYTES("cas.test"), false, 80,
         BYTES(A250 "uuuuuu"), NO_USER, BYTES(""), NO_USER, -EINVAL, 0, NO_USER},
        {"socks4_ignores_a_long_password", HF_SOCKS4, BYTES("cas.test"), false, 443, BYTES("u"),
         BYTES(A250 "pppppp"), BYTES(GRANT4), BYTES(NAME4("u")), 1, 0, NO_USER},
#define ASKED4(replies_, result_)                                                                  \
        HF_SOCKS4, BYTES("cas.test"), false, 443, NO_USER, NO_USER, BYTES(replies_),               \
                BYTES(NAME4("")), result_, 0, NO_USER
        {"socks4_reply_91", ASKED4("\0\x5b\0\0\0\0\0\0", -ECONNREFUSED)},
        {"socks4_reply_92", ASKED4("\0\x5c\0\0\0\0\0\0", -EACCES)},
        {"socks4_reply_93", ASKED4("\0\x5d\0\0\0\0\0\0", -EACCES)},
        {"socks4_a_refusal_at_its_code", ASKED4("\0\x5c", -EACCES)},
        {"socks4_not_reply_89", ASKED4("\0\x59\0\0\0\0\0\0", -ECONNREFUSED)},
        {"socks4_not_reply_94", ASKED4("\0\x5e\0\0\0\0\0\0", -ECONNREFUSED)},
        {"socks4_not_reply_0", ASKED4("\0\0\0\0\0\0\0\0", -ECONNREFUSED)},
        {"socks4_not_version_4", ASKED4("\x04\x5a", -ECONNREFUSED)},
        {"socks4_not_socks5", ASKED4("\x05\xff", -ECONNREFUSED)},
        {"socks4_not_http", ASKED4("HTTP/1.1 400 x\r\n\r\n", -ECONNREFUSED)},
        {"socks4_waits_for_its_reply", ASKED4("", 0)},
        {"socks4_waits_for_its_code", ASKED4("\0", 0)},
        {"socks4_waits_for_its_last_byte", ASKED4("\0\x5a\x01\xbb\x7f\0\0", 0)},
};

static int start(struct hf_socks *m, const struct row *row)
{
        struct hf_addr addr = {0};

        if (!row->literal)
                return hf_socks_init(m, row->version, row->host, NULL, row->port, row->user,
                                     row->pass);
        assert_true(hf_addr_parse(row->host, &addr));
        return hf_socks_init(m, row->version, (struct hf_span){NULL, 0}, &addr, row->port,
                             row->user, row->pass);
}

/* All that is ours to send now, in pieces of STEP bytes, behind what BUF holds. */
static size_t send_in_steps(struct hf_socks *m, size_t step, char *buf, size_t len, size_t size)
{
        struct iovec iov[4];
        size_t sent = 0;
        int n;

        while ((n = hf_socks_output(m, sent, iov)) > 0) {
                sent = 0;
                for (int i = 0; i < n && sent < step; i++) {
                        size_t part = iov[i].iov_len;

                        assert_true(part > 0);
                        if (part > step - sent)
                                part = step - sent;
                        assert_true(len + part <= size);
                        memcpy(buf + len, iov[i].iov_base, part);
                        len += part;
                        sent += part;
                }
        }
        assert_int_equal(hf_socks_output(m, 0, iov), 0);
        return len;
}

/* One conversation: we send STEP bytes at a time, and the proxy's come so many at a time. */
static void converse(const struct row *row, size_t step)
{
        char buf[1200];
        struct hf_socks m;
        struct guard g;
        struct hf_span left = guard_make(&g, row->replies);
        size_t len;
        int r;

        assert_int_equal(start(&m, row), 0);
        len = send_in_steps(&m, step, buf, 0, sizeof buf);
        do {
                size_t n = left.n < step ? left.n : step, used = SIZE_MAX;
                struct guard end;
                const char *piece = guard_make(&end, (struct hf_span){left.s, n}).s;

                r = hf_socks_input(&m, piece, n, &used);
                guard_free(&end);
                if (r < 0) {
                        assert_true(used == SIZE_MAX); /* untouched */
                        break;
                }
                assert_true(used <= n);
                left.s += used;
                left.n -= used;
                if (r == 0) {
                        size_t before = len;

                        len = send_in_steps(&m, step, buf, len, sizeof buf);
                        assert_true(used == n || len > before);
                }
        } while (r == 0 && left.n > 0);
        guard_free(&g);

        assert_int_equal(r, row->result);
        if (r >= 0)
                assert_int_equal(left.n, row->rest);
        if (len != row->sent.n || memcmp(buf, row->sent.s, len) != 0)
                fail_msg("%zu bytes were sent, not %zu, or other ones", len, row->sent.n);
        if (row->target.s) {
                char text[HF_HOST_MAX + 10];
                struct hf_out out = hf_out_write(text, sizeof text);

                hf_socks_put_target(&out, &m);
                expect_text(text, &out, row->target.s);
        }
}

static void check_row(void **state)
{
        const struct row *row = *state;
        size_t longest = row->replies.n > row->sent.n ? row->replies.n : row->sent.n;
        struct hf_socks m;

        if (!row->sent.s) {
                assert_int_equal(start(&m, row), row->result);
                return;
        }
        /* byte by byte first, at last the whole at once; so every cut is met */
        for (size_t step = 1; step <= longest; step++)
                converse(row, step);
}

/* Names that no host has never reach a proxy. */
static const struct bad_host {
        const char *name;
        struct hf_span host;
        uint16_t port;
} bad_hosts[] = {
        {"rejects_empty_host", BYTES(""), 443},
        {"rejects_absent_host", {NULL, 0}, 443},
        {"rejects_port_zero", BYTES("h"), 0},
        {"rejects_cr_in_host", BYTES("h\rx"), 443},
        {"rejects_lf_at_the_end", BYTES("h\n"), 443},
        {"rejects_nul_in_host", BYTES("h\0x"), 443},
        {"rejects_nul_at_the_end", BYTES("h\0"), 443},
        {"rejects_blank_in_host", BYTES("h x"), 443},
        {"rejects_slash_in_host", BYTES("h/x"), 443},
        {"rejects_brackets_in_host", BYTES("[::1]"), 443},
        {"rejects_zone_in_host", BYTES("fe80::1%1"), 443},
        {"rejects_utf8_in_host", BYTES("h\xc3\xa4"), 443},
        {"rejects_256_bytes", BYTES(A250 "aaaaaa"), 443},
};

static void check_bad_host(void **state)
{
        const struct bad_host *row = *state;
        const struct hf_span none = {NULL, 0};
        struct hf_socks m;

        assert_int_equal(hf_socks_init(&m, HF_SOCKS5, row->host, NULL, row->port, none, none),
                         -EINVAL);
        assert_int_equal(hf_socks_init(&m, HF_SOCKS4, row->host, NULL, row->port, none, none),
                         -EINVAL);
}

/* A proxy that answers before it was asked: the stream would be out of step ever after. */
static const struct hasty {
        const char *name;
        struct hf_span user;
        struct hf_span replies; /* one a message; the last comes before it is out */
        size_t unsent;          /* bytes of that */
        int result;
} hasties[] = {
        {"refuses_a_method_before_the_greeting", NO_USER, BYTES(OPEN), 1, -ECONNREFUSED},
        {"refuses_a_grant_before_the_request", NO_USER, BYTES(OPEN GRANT), 1, -ECONNREFUSED},
        {"refuses_a_welcome_before_the_login", BYTES("u"), BYTES(LOGIN WELCOME), 1, -ECONNREFUSED},
        {"hears_a_refusal_before_the_request", NO_USER, BYTES(OPEN "\x05\x02"), 1, -EACCES},
        {"hears_a_refusal_before_the_greeting", NO_USER, BYTES("\x05\xff"), 3, -EACCES},
};

static void check_hasty(void **state)
{
        const struct hasty *row = *state;
        struct hf_span left = row->replies;
        struct hf_socks m;
        struct iovec iov[4];
        size_t used, total;
        int r = 0;

        assert_int_equal(
                hf_socks_init(&m, HF_SOCKS5, HF_SPAN("h"), NULL, 443, row->user, HF_SPAN("p")), 0);
        while (r == 0 && left.n > 0) {
                bool last = left.n == 2 || left.n == sizeof GRANT - 1;

                total = 0;
                for (int i = 0, n = hf_socks_output(&m, 0, iov); i < n; i++)
                        total += iov[i].iov_len;
                hf_socks_output(&m, total - (last ? row->unsent : 0), iov);
                used = 0;
                r = hf_socks_input(&m, left.s, left.n, &used);
                left.s += used;
                left.n -= used;
        }
        assert_int_equal(r, row->result);
}

static void an_answer_is_final(void **state)
{
        const struct hf_span none = {NULL, 0};
        struct iovec iov[4];
        struct hf_socks m;
        size_t used = 99;

        (void)state;
        assert_int_equal(hf_socks_init(&m, HF_SOCKS4, HF_SPAN("h"), NULL, 1, none, none), 0);
        assert_int_equal(hf_socks_output(&m, 0, iov), 2);
        assert_int_equal(hf_socks_output(&m, 11, iov), 0);
        assert_int_equal(hf_socks_input(&m, GRANT4, 8, &used), 1);
        assert_int_equal(hf_socks_input(&m, "\0\x5b", 2, &used), 1);
        assert_int_equal(used, 0);
        assert_int_equal(hf_socks_init(&m, HF_SOCKS4, HF_SPAN("h"), NULL, 1, none, none), 0);
        assert_int_equal(hf_socks_output(&m, 11, iov), 0);
        assert_int_equal(hf_socks_input(&m, "\0\x5c", 2, &used), -EACCES);
        assert_int_equal(hf_socks_input(&m, GRANT4, 8, &used), -EACCES);
}

static const struct text_row {
        const char *name;
        enum hf_socks_version version;
        uint8_t code;
        const char *text;
} texts[] = {
        {"says_1", HF_SOCKS5, 1, "it failed there, no more is said"},
        {"says_2", HF_SOCKS5, 2, "its rules do not allow it"},
        {"says_3", HF_SOCKS5, 3, "the network cannot be reached from there"},
        {"says_4", HF_SOCKS5, 4, "the host cannot be reached from there, or has no address"},
        {"says_5", HF_SOCKS5, 5, "the host refuses the connection"},
        {"says_6", HF_SOCKS5, 6, "the host did not answer in time"},
        {"says_7", HF_SOCKS5, 7, "it does not know CONNECT"},
        {"says_8", HF_SOCKS5, 8, "it does not know that kind of address"},
        {"says_9", HF_SOCKS5, 9, "a reply that no standard has"},
        {"says_0", HF_SOCKS5, 0, "a reply that no standard has"},
        {"says_91", HF_SOCKS4, 91, "it is refused, or failed there"},
        {"says_92", HF_SOCKS4, 92, "it asked this machine's identd, and there is none"},
        {"says_93", HF_SOCKS4, 93, "this machine's identd names another user"},
        {"says_94", HF_SOCKS4, 94, "a reply that no standard has"},
        {"says_90", HF_SOCKS4, 90, "a reply that no standard has"},
};

static void check_text(void **state)
{
        const struct text_row *row = *state;
        const struct hf_socks m = {.version = (uint8_t)row->version, .code = row->code};

        assert_string_equal(hf_socks_reply_text(&m), row->text);
}

int main(void)
{
        static struct table t;

        TABLE_ADD(&t, check_row, rows);
        TABLE_ADD(&t, check_bad_host, bad_hosts);
        TABLE_ADD(&t, check_hasty, hasties);
        TABLE_ADD(&t, check_text, texts);
        table_add(&t, "an_answer_is_final", an_answer_is_final, NULL);
        return table_run("socks", &t);
}
