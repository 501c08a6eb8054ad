/* SPDX-License-Identifier: MIT */
#include "offsets_right.h"

#include <errno.h>

#define HTTP_PLAIN "CONNECT 203.0.113.10:443 HTTP/1.1\r\nHost: 203.0.113.10:443\r\n\r\n"
#define HTTP_LOGIN "Proxy-Authorization: Basic dTpwQHNz\r\n"
#define SOCKS5_CONNECT "\x05\x01\x00\x01\xcb\x00\x71\x0a\x01\xbb"
#define SOCKS5_PLAIN "\x05\x01\x00" SOCKS5_CONNECT
#define SOCKS5_REQUEST                                                                             \
        "\x05\x02\x00\x02"                                                                         \
        "\x01\x01u\x04p@ss" SOCKS5_CONNECT
#define SOCKS4_PLAIN "\x04\x01\x01\xbb\xcb\x00\x71\x0a\0"
#define SOCKS4_REQUEST "\x04\x01\x01\xbb\0\0\0\x01u\0" FAR_NAME "\0"

size_t right_request_length(enum script_side side)
{
        bool plain = script_is_plain(side);

        switch (world->protocol) {
        case HTTP:
                return strlen(HTTP_PLAIN) + (plain ? 0 : strlen(HTTP_LOGIN));
        case SOCKS4:
                return (plain ? sizeof SOCKS4_PLAIN : sizeof SOCKS4_REQUEST) - 1;
        case SOCKS5:
                return (plain ? sizeof SOCKS5_PLAIN : sizeof SOCKS5_REQUEST) - 1;
        }
        return 0;
}

struct right {
        int decides; /* so many bytes, and the proxy has said it all */
        int error;
        /* What a GARBAGE in the place of each byte before that comes to: r ECONNREFUSED, a EACCES,
         * g it is as good as any there, and the last; . as good as any, and what closes there is
         * ECONNRESET */
        const char *garbage;
};

/* HTTP/1.x NNN and the blank behind are nothing but what they are; then anything goes until the
 * line ends. In FIELDS there is an interim reply of 33 bytes before. */
static const struct right http[] = {
        [AT_OK] = {39, 0, "rrrrrrrrrrrrr.........................."},
        [AT_OK_WITH_FIELDS] = {85, 0,
                               "rrrrrrrrrrrrr...................."
                               "rrrrrrrrrrrrr......................................."},
        [AT_403] = {24, EACCES, "rrrrrrrrrrrrr..........."},
        [AT_407] = {58, EACCES, "rrrrrrrrrrrrr............................................."},
        [AT_502] = {26, EHOSTUNREACH, "rrrrrrrrrrrrr............."},
};

static const struct right socks5[] = {
        [AT_OK] = {14, 0, "rrrarr.r.....g"},
        [AT_OK_WITH_FIELDS] = {13, 0, "rrrr.r......g"},
        [AT_403] = {6, EACCES, "rrrarr"},
        [AT_407] = {4, EACCES, "rrra"},
        [AT_502] = {6, EHOSTUNREACH, "rrrarr"},
        [AT_NO_METHOD] = {2, EACCES, "rr"},
        [AT_OK_NAME] = {15, 0, "rrrarr.r......g"},
        [AT_OK_V6] = {26, 0, "rrrarr.r.................g"},
        [AT_OK_PLAIN] = {12, 0, "rrrr.r.....g"},
        [AT_OK_PLAIN_V6] = {24, 0, "rrrr.r.................g"},
};

static const struct right socks4[] = {
        [AT_OK] = {8, 0, "rr.....g"},       [AT_OK_WITH_FIELDS] = {8, 0, "rr.....g"},
        [AT_403] = {2, ECONNREFUSED, "rr"}, [AT_407] = {2, EACCES, "rr"},
        [AT_502] = {2, EACCES, "rr"},
};

int right_error(struct script s, int *ret_also)
{
        const struct right *rights = world->protocol == HTTP     ? http
                                     : world->protocol == SOCKS5 ? socks5
                                                                 : socks4;
        const struct right *right = &rights[s.side];

        *ret_also = -1;
        if (s.what == THEN_PAUSES)
                return 0;
        if (script_is_request((enum script_side)s.side)) {
                if (s.what == THEN_STALLS)
                        return ETIMEDOUT;
                return s.what == THEN_GARBAGE ? ECONNREFUSED : ECONNRESET;
        }
        assert_int_equal(strlen(right->garbage), right->decides);
        if (s.at >= right->decides) {
                /* Whole, and taken back at once: which of both is seen first is open. */
                if (s.what == THEN_RESETS && right->error == 0)
                        *ret_also = ECONNRESET;
                return right->error;
        }
        if (s.what == THEN_STALLS)
                return ETIMEDOUT;
        if (s.what != THEN_GARBAGE)
                return ECONNRESET;
        switch (right->garbage[s.at]) {
        case 'r':
                return ECONNREFUSED;
        case 'a':
                return EACCES;
        case 'g':
                return 0;
        default:
                return ECONNRESET;
        }
}
