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

void refuse_with(int fd, const void *reply, size_t n, const char *page)
{
        put(fd, reply, n);
        put_text(fd, page);
        if (!*page)
                shutdown(fd, SHUT_WR);
        drain(fd);
}

static void answer(int fd, const char *bytes, size_t n, bool slowly)
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

        answer(fd, login ? "\x05\x02" : "\x05\x00", 2, slowly);
        if (login && !read_login(fd))
                return false;
        if (login)
                answer(fd, "\x01\x00", 2, slowly);
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

static void refuse(int fd, char code, const char *page)
{
        char reply[] = SOCKS_NO;

        reply[1] = code;
        refuse_with(fd, reply, sizeof reply - 1, page);
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

static void put_long_name(int fd)
{
        char reply[5 + 255 + 2] = "\x05\0\0\x03\xff";

        memset(reply + 5, 'n', sizeof reply - 5);
        put(fd, reply, sizeof reply);
}

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
        if (b == GRANTS_WHEN_RELEASED || b == REFUSES_WHEN_RELEASED || b == RESETS_WHEN_RELEASED)
                wait_for_release(fd);
        count_early_bytes(fd);
        switch (b) {
        case GRANTS:
        case GRANTS_WHEN_RELEASED:
        case GRANTS_AFTER_100:
                PUT_BYTES(fd, SOCKS_GRANT);
                break;
        case GRANTS_WITH_BANNER:
                PUT_BYTES(fd, SOCKS_GRANT BANNER);
                break;
        case GRANTS_BYTE_BY_BYTE:
                put_slowly(fd, SOCKS_GRANT, sizeof SOCKS_GRANT - 1);
                break;
        case GRANTS_LONG_HEADERS:
                put_long_name(fd);
                break;
        case GRANTS_BARE:
                PUT_BYTES(fd, "\x05\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x04\x38");
                break;
        case REFUSES_403:
        case REFUSES_WHEN_RELEASED:
                refuse(fd, 2, "");
                return;
        case REFUSES_404: /* and closes at once */
                PUT_BYTES(fd, SOCKS_NO);
                return;
        case REFUSES_502:
        case REFUSES_503:
                refuse(fd, 4, "");
                return;
        case REFUSES_504:
                refuse(fd, 6, "");
                return;
        case REFUSES_1:
        case REFUSES_3:
        case REFUSES_5:
        case REFUSES_7:
        case REFUSES_8:
                refuse(fd,
                       b == REFUSES_1   ? 1
                       : b == REFUSES_3 ? 3
                       : b == REFUSES_5 ? 5
                       : b == REFUSES_7 ? 7
                                        : 8,
                       "");
                return;
        case REFUSES_BODY: /* stays open: the page must not be readable */
                refuse(fd, 2, "<h1>No</h1>");
                return;
        case TALKS_GARBAGE:
                put_text(fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
                shutdown(fd, SHUT_WR);
                drain(fd);
                return;
        case TALKS_SSH:
                put_text(fd, "SSH-2.0-OpenSSH_9.2\r\n");
                drain(fd);
                return;
        case TALKS_TOO_LONG:
                PUT_BYTES(fd, "\x05\0\0\x02\0\0\0\0\0\0");
                drain(fd);
                return;
        case CLOSES_MIDWAY:
                PUT_BYTES(fd, "\x05\0\0\x01\x7f");
                return;
        case RESETS_MIDWAY:
                PUT_BYTES(fd, "\x05\0\0\x01\x7f");
                reset_on_close(fd);
                return;
        case RESETS:
        case RESETS_WHEN_RELEASED:
                reset_on_close(fd);
                return;
        case HANGS:
                drain(fd);
                return;
        case REFUSES_407_NTLM:
        case REFUSES_407_BASIC:
        case SCRIPTED:
        case CLOSES:
        case CLOSES_AT_ONCE:
                return;
        }
        echo(fd);
}
