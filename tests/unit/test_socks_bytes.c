/* SPDX-License-Identifier: MIT */
/* Every value of every byte that a SOCKS proxy sends: behind replies that are right so far, each of
 * the 256 is tried in each place. */
#include "table.h"

#include "core/socks.h"

#include <errno.h>

#define OPEN "\x05\x00"
#define LOGIN "\x05\x02"
#define WELCOME "\x01\x00"

/* What a byte means. */
struct meaning {
        uint8_t byte;
        int result;
        enum hf_socks_refusal refusal;
};
/* clang-format off */
#define GOES_ON(byte) {byte, 0, HF_SOCKS_NONE}
#define REPLY(byte, error) {byte, error, HF_SOCKS_REPLY}
#define METHOD(byte, error) {byte, error, HF_SOCKS_METHOD}
#define ANYTHING {0, 0, HF_SOCKS_NONE}
#define IS_THE_LAST {0, 1, HF_SOCKS_NONE}
#define IS_WRONG {0, -ECONNREFUSED, HF_SOCKS_NONE}
#define ANY_REPLY {0, -ECONNREFUSED, HF_SOCKS_REPLY}
#define ANY_LOGIN {0, -EACCES, HF_SOCKS_LOGIN}
#define BUT(...) {__VA_ARGS__, IS_THE_LAST}
#define NOTHING {IS_THE_LAST}

static const struct place {
        const char *name;
        enum hf_socks_version version;
        bool user;
        struct hf_span before;    /* all of the proxy's, one behind the other */
        struct meaning others;    /* of what is not named (its byte says nothing) */
        struct meaning named[10]; /* up to the first that IS_THE_LAST */
} places[] = {
        {"greeting_version", HF_SOCKS5, true, BYTES(""), IS_WRONG, BUT(GOES_ON(5))},
        {"method", HF_SOCKS5, true, BYTES("\x05"), IS_WRONG,
         BUT(GOES_ON(0), GOES_ON(2), METHOD(0xff, -EACCES))},
        {"method_without_user", HF_SOCKS5, false, BYTES("\x05"), IS_WRONG,
         BUT(GOES_ON(0), METHOD(0xff, -EACCES))},
        {"login_version", HF_SOCKS5, true, BYTES(LOGIN), IS_WRONG, BUT(GOES_ON(1), GOES_ON(5))},
        {"login_status", HF_SOCKS5, true, BYTES(LOGIN "\x01"), ANY_LOGIN, BUT(GOES_ON(0))},
        {"reply_version", HF_SOCKS5, false, BYTES(OPEN), IS_WRONG, BUT(GOES_ON(5))},
        {"reply_version_with_login", HF_SOCKS5, true, BYTES(LOGIN WELCOME), IS_WRONG,
         BUT(GOES_ON(5))},
#define CODES5                                                                                     \
        BUT(GOES_ON(0), REPLY(1, -ECONNREFUSED), REPLY(2, -EACCES), REPLY(3, -ENETUNREACH),        \
            REPLY(4, -EHOSTUNREACH), REPLY(5, -ECONNREFUSED), REPLY(6, -ETIMEDOUT),                \
            REPLY(7, -EOPNOTSUPP), REPLY(8, -EAFNOSUPPORT))
        {"reply_code", HF_SOCKS5, false, BYTES(OPEN "\x05"), ANY_REPLY, CODES5},
        {"reply_code_with_login", HF_SOCKS5, true, BYTES(LOGIN WELCOME "\x05"), ANY_REPLY, CODES5},
        {"reply_reserved", HF_SOCKS5, false, BYTES(OPEN "\x05\0"), ANYTHING, NOTHING},
        {"reply_type", HF_SOCKS5, false, BYTES(OPEN "\x05\0\0"), IS_WRONG,
         BUT(GOES_ON(1), GOES_ON(3), GOES_ON(4))},
        {"ipv4_first", HF_SOCKS5, false, BYTES(OPEN "\x05\0\0\x01"), ANYTHING, NOTHING},
        {"ipv4_last", HF_SOCKS5, false, BYTES(OPEN "\x05\0\0\x01" "addrp"), IS_THE_LAST, NOTHING},
        {"ipv6_first", HF_SOCKS5, false, BYTES(OPEN "\x05\0\0\x04"), ANYTHING, NOTHING},
        {"ipv6_last", HF_SOCKS5, false, BYTES(OPEN "\x05\0\0\x04" "addr567890123456p"), IS_THE_LAST,
         NOTHING},
        {"name_length", HF_SOCKS5, false, BYTES(OPEN "\x05\0\0\x03"), ANYTHING, NOTHING},
        {"name_first", HF_SOCKS5, false, BYTES(OPEN "\x05\0\0\x03\x01"), ANYTHING, NOTHING},
        {"name_last", HF_SOCKS5, false, BYTES(OPEN "\x05\0\0\x03\x01np"), IS_THE_LAST, NOTHING},

        {"socks4_version", HF_SOCKS4, true, BYTES(""), IS_WRONG, BUT(GOES_ON(0))},
        {"socks4_code", HF_SOCKS4, true, BYTES("\0"), IS_WRONG,
         BUT(GOES_ON(90), REPLY(91, -ECONNREFUSED), REPLY(92, -EACCES), REPLY(93, -EACCES))},
        {"socks4_port_1", HF_SOCKS4, true, BYTES("\0\x5a"), ANYTHING, NOTHING},
        {"socks4_port_2", HF_SOCKS4, true, BYTES("\0\x5ap"), ANYTHING, NOTHING},
        {"socks4_address_1", HF_SOCKS4, true, BYTES("\0\x5apo"), ANYTHING, NOTHING},
        {"socks4_address_2", HF_SOCKS4, true, BYTES("\0\x5apo1"), ANYTHING, NOTHING},
        {"socks4_address_3", HF_SOCKS4, true, BYTES("\0\x5apo12"), ANYTHING, NOTHING},
        {"socks4_last", HF_SOCKS4, true, BYTES("\0\x5apo123"), IS_THE_LAST, NOTHING},
};
/* clang-format on */

static void start(struct hf_socks *m, enum hf_socks_version version, bool user)
{
        const struct hf_span none = {NULL, 0};

        assert_int_equal(hf_socks_init(m, version, HF_SPAN("cas.test"), NULL, 443,
                                       user ? HF_SPAN("u") : none, user ? HF_SPAN("p") : none),
                         0);
}

/* All that is ours to send. */
static void send_all(struct hf_socks *m)
{
        struct iovec iov[4];
        size_t sent = 0;
        int n;

        while ((n = hf_socks_output(m, sent, iov)) > 0) {
                sent = 0;
                for (int i = 0; i < n; i++)
                        sent += iov[i].iov_len;
        }
}

/* All of TEXT, with our messages in between; what came of it. *USED bytes were taken. */
static int hear(struct hf_socks *m, struct hf_span text, size_t *used)
{
        struct guard g;
        const char *at = guard_make(&g, text).s;
        int r = 0;

        *used = 0;
        while (r == 0 && *used < text.n) {
                size_t n = 0;

                send_all(m);
                r = hf_socks_input(m, at + *used, text.n - *used, &n);
                *used += n;
                assert_true(r != 0 || n > 0);
        }
        guard_free(&g);
        return r;
}

static const struct meaning *meaning_of(const struct place *place, uint8_t byte)
{
        for (const struct meaning *m = place->named; m->result != 1; m++)
                if (m->byte == byte)
                        return m;
        return &place->others;
}

/* As the last byte that came; what decides, with more behind it in the same segment, too. */
static void every_byte(void **state)
{
        const struct place *place = *state;
        char text[64];

        memcpy(text, place->before.s, place->before.n);
        for (int byte = 0; byte < 256; byte++) {
                const struct meaning *right = meaning_of(place, (uint8_t)byte);
                size_t n = place->before.n + 1, used;
                struct hf_socks m;
                int r;

                text[n - 1] = (char)byte;
                start(&m, place->version, place->user);
                r = hear(&m, (struct hf_span){text, n}, &used);
                if (r != right->result)
                        fail_msg("byte %d: %d, not %d", byte, r, right->result);
                if (r >= 0)
                        assert_int_equal(used, n);
                assert_int_equal(m.refusal, right->refusal);
                if (m.refusal)
                        assert_int_equal(m.code, byte);
                if (r == 0)
                        continue;
                memcpy(text + n, "\x05\0\0\x5a", 4);
                start(&m, place->version, place->user);
                assert_int_equal(hear(&m, (struct hf_span){text, n + 4}, &used), r);
                if (r > 0)
                        assert_int_equal(used, n);
        }
}

/* A name is as long as it says: not a byte less is taken, nor one more. */
static void names_of_every_length(void **state)
{
        char text[7 + 255 + 2 + 1] = OPEN "\x05\0\0\x03";

        (void)state;
        for (size_t length = 0; length < 256; length++) {
                size_t whole = 7 + length + 2, used;
                struct hf_socks m;

                text[6] = (char)length;
                memset(text + 7, 'n', length + 3);
                start(&m, HF_SOCKS5, false);
                assert_int_equal(hear(&m, (struct hf_span){text, whole - 1}, &used), 0);
                start(&m, HF_SOCKS5, false);
                assert_int_equal(hear(&m, (struct hf_span){text, whole + 1}, &used), 1);
                assert_int_equal(used, whole);
        }
}

int main(void)
{
        static struct table t;

        TABLE_ADD(&t, every_byte, places);
        table_add(&t, "names_of_every_length", names_of_every_length, NULL);
        return table_run("socks_bytes", &t);
}
