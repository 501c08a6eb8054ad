/* SPDX-License-Identifier: MIT */
/* The world's proxy as one of SOCKS5 (RFC 1928, RFC 1929), with user "u" and password "p@ss". */
#define _GNU_SOURCE
#include "server.h"

#include <arpa/inet.h>
#include <sys/socket.h>

size_t message_length(enum protocol protocol, int i, const char *text, size_t have)
{
        const unsigned char *p = (const unsigned char *)text;

        if (protocol == HTTP) {
                const char *end = memmem(text, have, "\r\n\r\n", 4);

                return end ? (size_t)(end + 4 - text) : 0;
        }
        if (protocol == SOCKS4) {
                const char *end = have > 8 ? memchr(text + 8, '\0', have - 8) : NULL;
                bool by_name = have > 8 && !p[4] && !p[5] && !p[6] && p[7];

                if (end && by_name)
                        end = memchr(end + 1, '\0', have - (size_t)(end + 1 - text));
                return end ? (size_t)(end + 1 - text) : 0;
        }
        if (i == 0) /* version, methods */
                return have < 2 ? 0 : 2U + p[1];
        if (have > 0 && p[0] == 1) /* user, password */
                return have < 2 || have < 3U + p[1] ? 0 : 3U + p[1] + p[2 + p[1]];
        if (have < 5)
                return 0;
        return 4U + (p[3] == 1 ? 4 : p[3] == 4 ? 16 : 1U + p[4]) + 2;
}

bool read_message(int fd, enum protocol protocol, int i, char text[SOCKS_MESSAGE_MAX])
{
        size_t have = 0, length;

        do {
                if (have == SOCKS_MESSAGE_MAX || recv(fd, text + have, 1, 0) != 1)
                        return false;
                have++;
                length = message_length(protocol, i, text, have);
        } while (have != length);
        return text[0] == (i == 1 ? 1 : (char)protocol);
}

void put_request(char *request, size_t size, const char *target, const char port[2])
{
        const unsigned char *p = (const unsigned char *)port;

        snprintf(request, size,
                 "CONNECT %s:%d HTTP/1.1\r\nProxy-Authorization: Basic dTpwQHNz\r\n\r\n", target,
                 p[0] << 8 | p[1]);
}

static void say(int fd, const char *bytes, size_t n, bool slowly)
{
        if (slowly)
                put_slowly(fd, bytes, n);
        else
                put(fd, bytes, n);
}

bool socks_read_greeting(int fd)
{
        char text[SOCKS_MESSAGE_MAX];

        return read_message(fd, SOCKS5, 0, text) && !memcmp(text, "\x05\x02\x00\x02", 4);
}

static bool read_login(int fd)
{
        char text[SOCKS_MESSAGE_MAX];

        return read_message(fd, SOCKS5, 1, text) && !memcmp(text, "\x01\x01u\x04p@ss", 8);
}

bool socks_read_request(int fd, bool login, bool slowly, char *request, size_t size)
{
        char text[SOCKS_MESSAGE_MAX], literal[INET6_ADDRSTRLEN], target[300];
        const unsigned char *p = (const unsigned char *)text;

        say(fd, login ? "\x05\x02" : "\x05\x00", 2, slowly);
        if (login && !read_login(fd))
                return false;
        if (login)
                say(fd, "\x01\x00", 2, slowly);
        if (!read_message(fd, SOCKS5, 2, text) || memcmp(text, "\x05\x01\x00", 3) != 0)
                return false;
        if (text[3] == 3)
                snprintf(target, sizeof target, "%.*s", p[4], text + 5);
        else
                snprintf(target, sizeof target, text[3] == 4 ? "[%s]" : "%s",
                         inet_ntop(text[3] == 4 ? AF_INET6 : AF_INET, text + 4, literal,
                                   sizeof literal));
        put_request(request, size, target, text + message_length(SOCKS5, 2, text, 5) - 2);
        return true;
}

/* What its log-in has against the client. */
static void refuse_login(int fd, bool any)
{
        put(fd, any ? "\x05\xff" : "\x05\x02", 2);
        if (!any && read_login(fd))
                put(fd, "\x01\x01", 2);
        shutdown(fd, SHUT_WR);
        drain(fd);
}

#define TEN "nnnnnnnnnn"
#define FIFTY TEN TEN TEN TEN TEN
#define NO(code) BYTES("\x05" code "\0\x01\0\0\0\0\0\0")

static const struct hf_span replies[] = {
        [GRANTS] = BYTES(SOCKS_GRANT),
        [GRANTS_WHEN_RELEASED] = BYTES(SOCKS_GRANT),
        [GRANTS_AFTER_100] = BYTES(SOCKS_GRANT),
        [GRANTS_WITH_BANNER] = BYTES(SOCKS_GRANT BANNER),
        [GRANTS_BYTE_BY_BYTE] = BYTES(SOCKS_GRANT),
        [GRANTS_LONG_HEADERS] = BYTES("\x05\0\0\x03\xff" FIFTY FIFTY FIFTY FIFTY FIFTY "nnnnn"
                                      "nn"),
        [GRANTS_BARE] = BYTES("\x05\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x04\x38"),
        [REFUSES_403] = NO("\x02"),
        [REFUSES_WHEN_RELEASED] = NO("\x02"),
        [REFUSES_404] = NO("\x02"),
        [REFUSES_502] = NO("\x04"),
        [REFUSES_503] = NO("\x04"),
        [REFUSES_504] = NO("\x06"),
        [REFUSES_1] = NO("\x01"),
        [REFUSES_3] = NO("\x03"),
        [REFUSES_5] = NO("\x05"),
        [REFUSES_7] = NO("\x07"),
        [REFUSES_8] = NO("\x08"),
        [REFUSES_BODY] = BYTES(SOCKS_NO "<h1>No</h1>"),
        [TALKS_GARBAGE] = BYTES("HTTP/1.1 400 Bad Request\r\n\r\n"),
        [TALKS_SSH] = BYTES("SSH-2.0-OpenSSH_9.2\r\n"),
        [TALKS_TOO_LONG] = BYTES("\x05\0\0\x02\0\0\0\0\0\0"),
        [CLOSES_MIDWAY] = BYTES("\x05\0\0\x01\x7f"),
        [RESETS_MIDWAY] = BYTES("\x05\0\0\x01\x7f"),
        [SCRIPTED] = {NULL, 0},
};

void serve_socks(int fd, enum behaviour b)
{
        char request[512];

        if (!socks_read_greeting(fd))
                return;
        if (b == REFUSES_407_NTLM || b == REFUSES_407_BASIC) {
                refuse_login(fd, b == REFUSES_407_NTLM);
                return;
        }
        if (!socks_read_request(fd, b != GRANTS_AFTER_100, b == GRANTS_BYTE_BY_BYTE, request,
                                sizeof request))
                return;
        note_request(request);
        answer(fd, b, replies[b]);
}
