/* SPDX-License-Identifier: MIT */
/* A proxy that comes to its end at a given byte: of the request that it reads, or of its reply.
 * Which byte, and which end, the test has noted under the number of the client's port. */
#define _GNU_SOURCE
#include "server.h"
#include "world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* What the proxy says to each message of the client's: one by HTTP and SOCKS4, by SOCKS5 two or
 * three (the greeting, a log-in if it is asked for, the request). */
struct reply {
        const char *bytes;
        uint8_t pieces[4]; /* their lengths */
};

#define ONE(literal)                                                                               \
        {                                                                                          \
                literal,                                                                           \
                {                                                                                  \
                        sizeof(literal) - 1                                                        \
                }                                                                                  \
        }
#define OK_LINE "HTTP/1.1 200 Connection established\r\n\r\n"
#define REST4 "\x04\x38\x7f\0\0\x01"

#define LOGIN "\x05\x02\x01\0"
#define GRANT_NAME "\x05\0\0\x03\x04name\x04\x38"
#define GRANT_V6 "\x05\0\0\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x04\x38"

static const struct reply replies[][SCRIPT_SIDES] = {
        [HTTP] =
                {
                        [GRANTS_ALWAYS] = ONE(OK_LINE),
                        [AT_REQUEST] = ONE(OK_LINE),
                        [AT_REQUEST_PLAIN] = ONE(OK_LINE),
                        [AT_OK] = ONE(OK_LINE),
                        [AT_OK_WITH_FIELDS] = ONE(
                                "HTTP/1.1 102 Processing\r\nA: b\r\n\r\n"
                                "HTTP/1.0 200\r\nVia: x\r\nContent-Length: 5\r\n folded\r\n\r\n"),
                        [AT_403] = ONE("HTTP/1.1 403 Forbidden\r\nA: b\r\n\r\n"),
                        [AT_407] = ONE("HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic "
                                       "realm=\"x\"\r\n\r\n"),
                        [AT_502] = ONE("HTTP/1.1 502 Bad Gateway\r\n\r\n"),
                },
        [SOCKS4] =
                {
                        [GRANTS_ALWAYS] = ONE(SOCKS4_GRANT),
                        [AT_REQUEST] = ONE(SOCKS4_GRANT),
                        [AT_REQUEST_PLAIN] = ONE(SOCKS4_GRANT),
                        [AT_OK] = ONE(SOCKS4_GRANT),
                        [AT_OK_WITH_FIELDS] = ONE("\0\x5a\0\0\0\0\0\0"),
                        [AT_403] = ONE("\0\x5b" REST4),
                        [AT_407] = ONE("\0\x5d" REST4),
                        [AT_502] = ONE("\0\x5c" REST4),
                },
        [SOCKS5] =
                {
                        [GRANTS_ALWAYS] = {LOGIN SOCKS_GRANT, {2, 2, 10}},
                        [AT_REQUEST] = {LOGIN SOCKS_GRANT, {2, 2, 10}},
                        [AT_REQUEST_PLAIN] = {"\x05\0" SOCKS_GRANT, {2, 10}},
                        [AT_OK] = {LOGIN SOCKS_GRANT, {2, 2, 10}},
                        [AT_OK_WITH_FIELDS] = {"\x05\0" GRANT_NAME, {2, 11}},
                        [AT_403] = {LOGIN SOCKS_NO, {2, 2, 10}},
                        [AT_407] = {"\x05\x02\x01\x01", {2, 2}},
                        [AT_502] = {LOGIN "\x05\x04\0\x01\0\0\0\0\0\0", {2, 2, 10}},
                        [AT_NO_METHOD] = {"\x05\xff", {2}},
                        [AT_OK_NAME] = {LOGIN GRANT_NAME, {2, 2, 11}},
                        [AT_OK_V6] = {LOGIN GRANT_V6, {2, 2, 22}},
                        [AT_OK_PLAIN] = {"\x05\0" SOCKS_GRANT, {2, 10}},
                        [AT_OK_PLAIN_V6] = {"\x05\0" GRANT_V6, {2, 22}},
                },
};

static const struct reply *reply_of(enum script_side side)
{
        return &replies[world->protocol][side];
}

size_t script_length(enum script_side side)
{
        size_t n = 0;

        for (int i = 0; reply_of(side)->pieces[i]; i++)
                n += reply_of(side)->pieces[i];
        return n;
}

bool script_is_request(enum script_side side)
{
        return side == AT_REQUEST || side == AT_REQUEST_PLAIN;
}

bool script_grants(enum script_side side)
{
        return side == AT_OK || side == AT_OK_WITH_FIELDS || side >= AT_OK_NAME;
}

bool script_is_plain(enum script_side side)
{
        return side == AT_REQUEST_PLAIN || side == AT_OK_PLAIN || side == AT_OK_PLAIN_V6;
}

static struct script script_of(int fd)
{
        struct sockaddr_in6 sa;
        socklen_t len = sizeof sa;

        if (getpeername(fd, (struct sockaddr *)&sa, &len) < 0)
                return (struct script){.what = THEN_CLOSES, .side = AT_REQUEST};
        return atomic_load(&world->script[ntohs(sa.sin6_port)]);
}

/* A message of the client's, as far as it was read. */
struct message {
        int number;
        size_t have;
        char text[4096];
};

/* N bytes more at most, or up to its end. False if the client went away. */
static bool read_more(int fd, struct message *m, size_t n)
{
        while (m->have < n && !message_length(world->protocol, m->number, m->text, m->have)) {
                ssize_t r = recv(fd, m->text + m->have, n - m->have, 0);

                if (r <= 0)
                        return false;
                m->have += (size_t)r;
        }
        return true;
}

/* All that came so far, or with FLAGS 0 all that ever comes, must be one message or its beginning.
 */
static void check_rest(int fd, struct message *m, int flags)
{
        size_t have = m->have, length;
        ssize_t n;

        do {
                n = recv(fd, m->text + have, sizeof m->text - have, flags);
                have += n > 0 ? (size_t)n : 0;
        } while (n > 0 && flags == 0 && have < sizeof m->text);
        length = message_length(world->protocol, m->number, m->text, have);
        if (length && have > length)
                atomic_fetch_add(&world->early_bytes, (unsigned)(have - length));
        if (world->protocol == HTTP
                    ? strncmp(m->text, "CONNECT ", have < 8 ? have : 8) != 0
                    : have > 0 && m->text[0] != 1 && m->text[0] != (char)world->protocol)
                atomic_fetch_add(&world->early_bytes, 1);
}

/* A reply that grants, as far as AT: what comes next may be the program's. */
static bool is_granted(struct script s)
{
        return script_grants((enum script_side)s.side) &&
               s.at == script_length((enum script_side)s.side);
}

static void come_to_the_end(int fd, struct script s, struct message *m)
{
        if (s.what == THEN_GARBAGE) {
                put(fd, GARBAGE, 1);
                shutdown(fd, SHUT_WR);
        }
        if (s.what == THEN_RESETS)
                reset_on_close(fd);
        if (s.what == THEN_STALLS || s.what == THEN_GARBAGE) {
                if (is_granted(s))
                        echo(fd);
                else
                        check_rest(fd, m, 0);
        } else if (!is_granted(s)) { /* what is closed over unread bytes is reset */
                check_rest(fd, m, MSG_PEEK | MSG_DONTWAIT);
        }
}

/* The N bytes of a piece; the pause comes before byte AT of it, if that is one. */
static void put_in_two(int fd, const char *bytes, size_t n, size_t at)
{
        if (at > n)
                at = n;
        put(fd, bytes, at);
        await_acknowledged(fd);
        put(fd, bytes + at, n - at);
}

static void put_last(int fd, struct script s, const char *bytes, size_t n, size_t at)
{
        char whole[512];

        if (s.what != THEN_PAUSES || s.side == GRANTS_ALWAYS) {
                put(fd, bytes, n);
                return;
        }
        memcpy(whole, bytes, n);
        memcpy(whole + n, BANNER, strlen(BANNER));
        put_in_two(fd, whole, n + strlen(BANNER), at);
}

void serve_script(int fd)
{
        struct script s = script_of(fd);
        const struct reply *reply = reply_of((enum script_side)s.side);
        const char *bytes = reply->bytes;
        bool reads = script_is_request((enum script_side)s.side);
        bool ends = s.side != GRANTS_ALWAYS && s.what != THEN_PAUSES;
        size_t left = s.at; /* bytes to the end: of the client's, or ours */

        for (int i = 0; reply->pieces[i]; i++) {
                struct message m = {.number = i};
                size_t n = reply->pieces[i];
                bool last = !reply->pieces[i + 1];

                if (!read_more(fd, &m, reads && left < sizeof m.text ? left : sizeof m.text))
                        return;
                if (reads) {
                        left -= m.have;
                        if (left == 0) {
                                come_to_the_end(fd, s, &m);
                                return;
                        }
                        put(fd, bytes, n);
                        bytes += n;
                        continue;
                }
                if (last)
                        atomic_fetch_add(&world->asked, 1);
                check_rest(fd, &m, MSG_PEEK | MSG_DONTWAIT);
                if (ends && (last || left < n)) {
                        put(fd, bytes, left);
                        come_to_the_end(fd, s, &m);
                        return;
                }
                if (last)
                        put_last(fd, s, bytes, n, left);
                else if (s.what == THEN_PAUSES)
                        put_in_two(fd, bytes, n, left);
                else
                        put(fd, bytes, n);
                bytes += n;
                left -= left < n ? left : n;
        }
        echo(fd);
}
