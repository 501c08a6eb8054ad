/* SPDX-License-Identifier: MIT */
/* A proxy that comes to its end at a given byte: of the request that it reads, or of its reply.
 * Which byte, and which end, the test has noted under the number of the client's port. */
#define _GNU_SOURCE
#include "server.h"
#include "world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define OK_LINE "HTTP/1.1 200 Connection established\r\n\r\n"

const char *const script_reply[] = {
        [GRANTS_ALWAYS] = OK_LINE,
        [AT_REQUEST] = "",
        [AT_OK] = OK_LINE,
        [AT_OK_WITH_FIELDS] = "HTTP/1.1 102 Processing\r\nA: b\r\n\r\n"
                              "HTTP/1.0 200\r\nVia: x\r\nContent-Length: 5\r\n folded\r\n\r\n",
        [AT_403] = "HTTP/1.1 403 Forbidden\r\nA: b\r\n\r\n",
        [AT_407] = "HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n",
};

static struct script script_of(int fd)
{
        struct sockaddr_in6 sa;
        socklen_t len = sizeof sa;

        if (getpeername(fd, (struct sockaddr *)&sa, &len) < 0)
                return (struct script){.what = THEN_CLOSES, .side = AT_REQUEST};
        return atomic_load(&world->script[ntohs(sa.sin6_port)]);
}

/* Of the request in TEXT: N bytes more at most, or up to its end. False if the client went away. */
static bool read_more(int fd, char *text, size_t *have, size_t n)
{
        while (*have < n && !strstr(text, "\r\n\r\n")) {
                ssize_t r = recv(fd, text + *have, n - *have, 0);

                if (r <= 0)
                        return false;
                *have += (size_t)r;
                text[*have] = '\0';
        }
        return true;
}

/* All that came so far, or with FLAGS 0 all that ever comes, must be one request or its beginning.
 */
static void check_rest(int fd, char *text, size_t have, size_t size, int flags)
{
        const char *end;
        ssize_t n;

        do {
                n = recv(fd, text + have, size - 1 - have, flags);
                have += n > 0 ? (size_t)n : 0;
                text[have] = '\0';
        } while (n > 0 && flags == 0 && have < size - 1);
        end = strstr(text, "\r\n\r\n");
        if (end)
                atomic_fetch_add(&world->early_bytes, (unsigned)(text + have - (end + 4)));
        if (strncmp(text, "CONNECT ", have < 8 ? have : 8) != 0)
                atomic_fetch_add(&world->early_bytes, 1);
}

/* A reply that grants, as far as AT: what comes next may be the program's. */
static bool is_granted(struct script s)
{
        return (s.side == AT_OK || s.side == AT_OK_WITH_FIELDS) &&
               s.at == strlen(script_reply[s.side]);
}

static void come_to_the_end(int fd, struct script s, char *text, size_t have, size_t size)
{
        if (s.what == THEN_GARBAGE) {
                put(fd, "\x01", 1);
                shutdown(fd, SHUT_WR);
        }
        if (s.what == THEN_RESETS)
                reset_on_close(fd);
        if (s.what == THEN_STALLS || s.what == THEN_GARBAGE) {
                if (is_granted(s))
                        echo(fd);
                else
                        check_rest(fd, text, have, size, 0);
        } else if (!is_granted(s)) { /* what is closed over unread bytes is reset */
                check_rest(fd, text, have, size, MSG_PEEK | MSG_DONTWAIT);
        }
}

void serve_script(int fd)
{
        struct script s = script_of(fd);
        const char *reply = script_reply[s.side];
        char text[4096] = "";
        size_t have = 0;

        if (!read_more(fd, text, &have, s.side == AT_REQUEST ? s.at : sizeof text - 1))
                return;
        if (s.side == AT_REQUEST) {
                come_to_the_end(fd, s, text, have, sizeof text);
                return;
        }
        atomic_fetch_add(&world->asked, 1);
        check_rest(fd, text, have, sizeof text, MSG_PEEK | MSG_DONTWAIT);
        if (s.side == GRANTS_ALWAYS) {
                put_text(fd, reply);
                echo(fd);
                return;
        }
        if (s.what == THEN_PAUSES) {
                char whole[512];
                size_t n = (size_t)snprintf(whole, sizeof whole, "%s" BANNER, reply);

                put(fd, whole, s.at);
                await_acknowledged(fd);
                put(fd, whole + s.at, n - s.at);
                echo(fd);
                return;
        }
        put(fd, reply, s.at);
        come_to_the_end(fd, s, text, have, sizeof text);
}
