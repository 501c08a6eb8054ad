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

#define NO(code) BYTES("\0" code "\0\0\0\0\0\0")

static const struct hf_span replies[] = {
        [GRANTS] = BYTES(SOCKS4_GRANT),
        [GRANTS_WHEN_RELEASED] = BYTES(SOCKS4_GRANT),
        [GRANTS_WITH_BANNER] = BYTES(SOCKS4_GRANT BANNER),
        [GRANTS_BYTE_BY_BYTE] = BYTES(SOCKS4_GRANT),
        /* What is behind the code means nothing, and some put there what they like. */
        [GRANTS_LONG_HEADERS] = BYTES("\0\x5a\xff\xff\xff\xff\xff\xff"),
        [GRANTS_BARE] = BYTES("\0\x5a\0\0\0\0\0\0"),
        [GRANTS_AFTER_100] = BYTES("\0\x5a\0\x5a\0\x5b\0\x5c"),
        [REFUSES_403] = NO("\x5c"),
        [REFUSES_WHEN_RELEASED] = NO("\x5c"),
        [REFUSES_404] = NO("\x5c"),
        [REFUSES_407_NTLM] = NO("\x5d"),
        [REFUSES_407_BASIC] = NO("\x5d"),
        [REFUSES_502] = NO("\x5b"),
        [REFUSES_503] = NO("\x5b"),
        [REFUSES_504] = NO("\x5b"),
        [REFUSES_1] = NO("\x5b"),
        [REFUSES_3] = NO("\x5b"),
        [REFUSES_5] = NO("\x5b"),
        [REFUSES_7] = NO("\x5b"),
        [REFUSES_8] = NO("\x5b"),
        [REFUSES_BODY] = BYTES(SOCKS4_NO "<h1>No</h1>"),
        [TALKS_GARBAGE] = BYTES("\x05\xff not SOCKS4 at all"),
        [TALKS_SSH] = BYTES("SSH-2.0-OpenSSH_9.2\r\n"),
        [TALKS_TOO_LONG] = NO("\x5e"),
        [CLOSES_MIDWAY] = BYTES("\0\x5a\x04\x38\x7f"),
        [RESETS_MIDWAY] = BYTES("\0\x5a\x04\x38\x7f"),
        [SCRIPTED] = {NULL, 0},
};

void serve_socks4(int fd, enum behaviour b)
{
        char request[512];

        if (!socks4_read_request(fd, request, sizeof request))
                return;
        note_request(request);
        answer(fd, b, replies[b]);
}
