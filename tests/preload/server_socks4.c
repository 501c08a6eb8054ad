/* SPDX-License-Identifier: MIT */
/* The world's proxy as one of SOCKS4a, with user "u". (The protocol has no password, so nothing of
 * the URL's may come.) */
#define _GNU_SOURCE
#include "server.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#define USER_AT 8

bool socks4_read_request(int fd, char *request, size_t size)
{
        static const char none[] = {0, 0, 0, 1}, user[] = "u";
        char text[SOCKS_MESSAGE_MAX], literal[INET_ADDRSTRLEN];
        bool by_name;

        if (!read_message(fd, SOCKS4, 0, text) || memcmp(text, "\x04\x01", 2) != 0 ||
            memcmp(text + USER_AT, user, sizeof user) != 0)
                return false;
        by_name = !memcmp(text + 4, none, sizeof none);
        if (!by_name && !memcmp(text + 4, none, 3))
                return false;
        put_request(request, size,
                    by_name ? text + USER_AT + sizeof user
                            : inet_ntop(AF_INET, text + 4, literal, sizeof literal),
                    text + 2);
        return true;
}

static void refuse(int fd, char code, const char *page)
{
        char reply[] = SOCKS4_NO;

        reply[1] = code;
        refuse_with(fd, reply, sizeof reply - 1, page);
}

void serve_socks4(int fd, enum behaviour b)
{
        static const char garbage[] = "\x05\xff not SOCKS4 at all";
        char request[512];

        if (!socks4_read_request(fd, request, sizeof request))
                return;
        note_request(request);
        if (b == GRANTS_WHEN_RELEASED || b == REFUSES_WHEN_RELEASED || b == RESETS_WHEN_RELEASED)
                wait_for_release(fd);
        count_early_bytes(fd);
        switch (b) {
        case GRANTS:
        case GRANTS_WHEN_RELEASED:
                PUT_BYTES(fd, SOCKS4_GRANT);
                break;
        case GRANTS_WITH_BANNER:
                PUT_BYTES(fd, SOCKS4_GRANT BANNER);
                break;
        case GRANTS_BYTE_BY_BYTE:
                put_slowly(fd, SOCKS4_GRANT, sizeof SOCKS4_GRANT - 1);
                break;
        /* What is behind the code means nothing, and some put there what they like. */
        case GRANTS_LONG_HEADERS:
                PUT_BYTES(fd, "\0\x5a\xff\xff\xff\xff\xff\xff");
                break;
        case GRANTS_BARE:
                PUT_BYTES(fd, "\0\x5a\0\0\0\0\0\0");
                break;
        case GRANTS_AFTER_100:
                PUT_BYTES(fd, "\0\x5a\0\x5a\0\x5b\0\x5c");
                break;
        case REFUSES_403:
        case REFUSES_WHEN_RELEASED:
                refuse(fd, 92, "");
                return;
        case REFUSES_404: /* and closes at once */
                PUT_BYTES(fd, SOCKS4_NO);
                return;
        case REFUSES_407_NTLM:
        case REFUSES_407_BASIC:
                refuse(fd, 93, "");
                return;
        case REFUSES_502:
        case REFUSES_503:
        case REFUSES_504:
        case REFUSES_1:
        case REFUSES_3:
        case REFUSES_5:
        case REFUSES_7:
        case REFUSES_8:
                refuse(fd, 91, "");
                return;
        case REFUSES_BODY: /* stays open: the page must not be readable */
                refuse(fd, 92, "<h1>No</h1>");
                return;
        case TALKS_GARBAGE:
                refuse_with(fd, garbage, sizeof garbage - 1, "");
                return;
        case TALKS_SSH:
                put_text(fd, "SSH-2.0-OpenSSH_9.2\r\n");
                drain(fd);
                return;
        case TALKS_TOO_LONG:
                PUT_BYTES(fd, "\0\x5e\0\0\0\0\0\0");
                drain(fd);
                return;
        case CLOSES_MIDWAY:
                PUT_BYTES(fd, "\0\x5a\x04\x38\x7f");
                return;
        case RESETS_MIDWAY:
                PUT_BYTES(fd, "\0\x5a\x04\x38\x7f");
                reset_on_close(fd);
                return;
        case RESETS:
        case RESETS_WHEN_RELEASED:
                reset_on_close(fd);
                return;
        case HANGS:
                drain(fd);
                return;
        case SCRIPTED:
        case CLOSES:
        case CLOSES_AT_ONCE:
                return;
        }
        echo(fd);
}
