/* SPDX-License-Identifier: MIT */
/* An event loop that opens many connections at once. Preloaded or direct, it does what every such
 * program does: connect, wait for EPOLLOUT, ask SO_ERROR. By hand it goes on with the request, and
 * waits for the reply on the same registration. */
#define _GNU_SOURCE
#include "bench.h"
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define EVENTS 256

struct pending {
        int fd;
        bool asked;
        size_t have;
        char reply[256];
};

static double cpu_seconds(void)
{
        struct rusage u;

        getrusage(RUSAGE_SELF, &u);
        return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
               (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void start(const struct client *c, int epfd, struct pending *p)
{
        struct epoll_event ev = {.events = EPOLLOUT, .data.ptr = p};

        p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (p->fd < 0)
                die("socket");
        if (connect(p->fd, (const struct sockaddr *)&c->to, sizeof c->to) < 0 &&
            errno != EINPROGRESS)
                die("connect");
        if (epoll_ctl(epfd, EPOLL_CTL_ADD, p->fd, &ev) < 0)
                die("epoll_ctl");
}

static void check_connected(int fd)
{
        int error = 0;
        socklen_t len = sizeof error;

        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0)
                return;
        errno = error ? error : errno;
        die("a connection");
}

/* Goes on after an event; true once connected. */
static bool go_on(const struct client *c, int epfd, struct pending *p)
{
        struct epoll_event ev = {.events = EPOLLIN, .data.ptr = p};
        ssize_t n;

        if (!p->asked) {
                check_connected(p->fd);
                if (!c->by_hand) {
                        if (epoll_ctl(epfd, EPOLL_CTL_MOD, p->fd, &ev) < 0)
                                die("epoll_ctl");
                        return true;
                }
                if (send(p->fd, by_hand_request, by_hand_request_length, MSG_NOSIGNAL) < 0)
                        die("send");
                if (epoll_ctl(epfd, EPOLL_CTL_MOD, p->fd, &ev) < 0)
                        die("epoll_ctl");
                p->asked = true;
                return false;
        }
        n = recv(p->fd, p->reply + p->have, sizeof p->reply - p->have, 0);
        if (n <= 0)
                die("the proxy's reply");
        p->have += (size_t)n;
        return by_hand_granted(p->reply, p->have);
}

void run_epoll(const struct client *c, unsigned count)
{
        struct pending *all = calloc(count, sizeof *all);
        struct epoll_event events[EVENTS];
        int epfd = epoll_create1(EPOLL_CLOEXEC);
        double cpu = cpu_seconds();
        int64_t since = now_ns();
        unsigned left = count;

        if (!all || epfd < 0)
                die("start");
        for (unsigned i = 0; i < count; i++)
                start(c, epfd, &all[i]);
        while (left > 0) {
                int n = epoll_wait(epfd, events, EVENTS, -1);

                if (n < 0)
                        die("epoll_wait");
                for (int i = 0; i < n; i++)
                        left -= go_on(c, epfd, events[i].data.ptr);
        }
        since = now_ns() - since;
        cpu = cpu_seconds() - cpu;
        check_far_end(c, all[0].fd);
        check_far_end(c, all[count - 1].fd);
        printf("%.9f %.9f\n", (double)since / 1e9, cpu);
        for (unsigned i = 0; i < count; i++)
                close_hard(all[i].fd);
        free(all);
}
