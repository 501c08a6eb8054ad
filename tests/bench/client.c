/* SPDX-License-Identifier: MIT */
/* client epoll COUNT | sequential COUNT | bulk BYTES
 *
 *   BENCH_BY_HAND=PORT     speak CONNECT by hand to the proxy at that port of 127.0.0.1
 *   BENCH_EXPECTED=KIND    fail unless the far end says that it was reached this way (far.c): a
 *                          contender whose library was not loaded would do well otherwise
 *
 * epoll prints "SECONDS CPU", sequential "SECONDS-PER-CONNECT", bulk "BYTES-PER-SECOND". Only what
 * is named there is timed, not the start of the process. */
#define _GNU_SOURCE
#include "client.h"
#include "bench.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WARM_UP 5
#define DEADLINE 300 /* seconds; torsocks and proxychains stall */

const char by_hand_request[] = "CONNECT " FAR_NAME " HTTP/1.1\r\nHost: " FAR_NAME "\r\n\r\n";
const size_t by_hand_request_length = sizeof by_hand_request - 1;

bool by_hand_granted(const char *text, size_t n)
{
        errno = 0;
        if (n >= 12 && (memcmp(text, "HTTP/1.", 7) != 0 || memcmp(text + 8, " 200", 4) != 0))
                die("the proxy refused");
        return n >= 12 && memmem(text, n, "\r\n\r\n", 4);
}

void check_far_end(const struct client *c, int fd)
{
        struct pollfd pfd = {.fd = fd, .events = POLLIN};
        char answer = 0;

        if (!c->expected)
                return;
        if (send(fd, ASK_WHO, strlen(ASK_WHO), MSG_NOSIGNAL) != (ssize_t)strlen(ASK_WHO) ||
            poll(&pfd, 1, 10000) != 1 || recv(fd, &answer, 1, 0) != 1)
                die("no answer from the far end");
        errno = 0;
        if (answer != c->expected)
                die(answer == 'd' ? "the connection went there directly" : "reached another way");
}

void close_hard(int fd)
{
        const struct linger hard = {.l_onoff = 1};

        setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close(fd);
}

/* A blocking connect, as the program would write it. */
static int connect_one(const struct client *c)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        char reply[4096];
        size_t have = 0;

        if (fd < 0 || connect(fd, (const struct sockaddr *)&c->to, sizeof c->to) < 0)
                die("connect");
        if (!c->by_hand)
                return fd;
        if (send(fd, by_hand_request, by_hand_request_length, MSG_NOSIGNAL) < 0)
                die("send");
        do {
                ssize_t n = recv(fd, reply + have, sizeof reply - have, 0);

                if (n <= 0)
                        die("the proxy's reply");
                have += (size_t)n;
        } while (!by_hand_granted(reply, have));
        return fd;
}

static void run_sequential(const struct client *c, unsigned count)
{
        int64_t spent = 0;

        for (unsigned i = 0; i < count + WARM_UP; i++) {
                int64_t start = now_ns();
                int fd = connect_one(c);

                if (i >= WARM_UP)
                        spent += now_ns() - start;
                if (i == 0)
                        check_far_end(c, fd);
                close_hard(fd);
        }
        printf("%.9f\n", (double)spent / 1e9 / count);
}

static void run_bulk(const struct client *c, unsigned long long bytes)
{
        static char buf[1 << 18];
        int fd = connect_one(c);
        unsigned long long left = bytes;
        char request[64];
        int n = snprintf(request, sizeof request, ASK_FOR_BYTES, bytes);
        int64_t start;

        check_far_end(c, fd);
        start = now_ns();
        if (send(fd, request, (size_t)n, MSG_NOSIGNAL) != n)
                die("send");
        while (left > 0) {
                ssize_t r = recv(fd, buf, sizeof buf, 0);

                if (r <= 0)
                        die("recv");
                left -= (unsigned long long)r;
        }
        printf("%.0f\n", (double)bytes / ((double)(now_ns() - start) / 1e9));
        close_hard(fd);
}

int main(int argc, char **argv)
{
        const char *proxy = getenv("BENCH_BY_HAND"), *expected = getenv("BENCH_EXPECTED");
        unsigned long long number = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
        struct client c = {.expected = expected ? expected[0] : '\0'};

        c.by_hand = proxy != NULL;
        c.to = proxy ? ipv4("127.0.0.1", (uint16_t)strtoul(proxy, NULL, 10))
                     : ipv4(FAR_ADDRESS, FAR_PORT);
        errno = 0;
        if (number == 0)
                die("usage: client epoll|sequential|bulk NUMBER");
        alarm(DEADLINE);
        if (!strcmp(argv[1], "epoll"))
                run_epoll(&c, (unsigned)number);
        else if (!strcmp(argv[1], "sequential"))
                run_sequential(&c, (unsigned)number);
        else if (!strcmp(argv[1], "bulk"))
                run_bulk(&c, number);
        else
                die(argv[1]);
        return 0;
}
