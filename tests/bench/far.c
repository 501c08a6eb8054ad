/* SPDX-License-Identifier: MIT */
/* The other side of every row of the benchmark: proxies, and the far end of their tunnels in the
 * same place, so that nothing is relayed and no second hop is measured.
 *
 *   far KIND[:DELAY]...      KIND: direct  a server at FAR_NAME, no handshake
 *                                  http    CONNECT
 *                                  socks   SOCKS5
 *                            DELAY before the handshake's last reply:
 *                                  MS      that many milliseconds
 *                                  hold=N  until N requests are in, then all at once
 *                                  never
 *
 * Prints the ports in that order on one line and serves until it is killed: one thread, one epoll
 * set, constant work a connection, so that 10,000 of them cost the client and not this. */
#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum state {
        LISTENS,  /* not a connection */
        GREETING, /* SOCKS: the methods are still to come */
        REQUEST,
        WAITS, /* the request is in; in its listener's queue */
        OPEN,  /* the tunnel stands: commands */
};

struct conn {
        struct listener *from;
        enum state state;
        int next, prev; /* in the queue: fds; 0: none */
        int64_t due;
        unsigned long long owed; /* bytes that were asked for and not sent yet */
        bool wants_out;
        size_t have;
        char text[512];
};

struct listener {
        char kind; /* its first letter */
        int64_t delay;
        unsigned hold, waiting;
        int head, tail; /* those that wait, oldest first: each queue has one delay */
};

static struct conn *conns; /* by fd */
static size_t conns_size;
static int epfd;
static char filler[1 << 20];

static const char granted[] = "HTTP/1.1 200 Connection established\r\n\r\n";
static const char socks_method[] = "\x05";
static const char socks_granted[] = "\x05\0\0\x01\0\0\0\0\0";

static void enqueue(int fd)
{
        struct conn *c = &conns[fd];
        struct listener *l = c->from;

        c->state = WAITS;
        c->due = l->delay == INT64_MAX ? INT64_MAX : now_ns() + l->delay;
        c->next = 0;
        c->prev = l->tail;
        *(l->tail ? &conns[l->tail].next : &l->head) = fd;
        l->tail = fd;
        l->waiting++;
}

static void dequeue(int fd)
{
        struct conn *c = &conns[fd];
        struct listener *l = c->from;

        *(c->prev ? &conns[c->prev].next : &l->head) = c->next;
        *(c->next ? &conns[c->next].prev : &l->tail) = c->prev;
        l->waiting--;
}

static void drop(int fd)
{
        if (conns[fd].state == WAITS)
                dequeue(fd);
        close(fd);
}

/* False if the connection is lost. All that is sent here fits an empty socket buffer. */
static bool put(int fd, const char *bytes, size_t n)
{
        return send(fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n;
}

static void grant(int fd)
{
        bool socks = conns[fd].from->kind == 's';

        dequeue(fd);
        conns[fd].state = OPEN;
        /* a string's final NUL is part of what SOCKS sends */
        if (!put(fd, socks ? socks_granted : granted,
                 socks ? sizeof socks_granted : sizeof granted - 1))
                drop(fd);
}

static void wait_or_grant(int fd)
{
        struct listener *l = conns[fd].from;

        enqueue(fd);
        if (l->hold && l->waiting == l->hold) {
                while (l->head)
                        grant(l->head);
        } else if (!l->hold && l->delay == 0) {
                grant(fd);
        }
}

static bool send_owed(int fd)
{
        struct conn *c = &conns[fd];
        struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

        while (c->owed > 0) {
                size_t n = c->owed < sizeof filler ? (size_t)c->owed : sizeof filler;
                ssize_t r = send(fd, filler, n, MSG_NOSIGNAL | MSG_DONTWAIT);

                if (r < 0 && errno != EAGAIN)
                        return false;
                if (r < 0)
                        break;
                c->owed -= (unsigned long long)r;
        }
        if (c->wants_out == (c->owed > 0))
                return true;
        c->wants_out = c->owed > 0;
        ev.events = EPOLLIN | (c->wants_out ? EPOLLOUT : 0);
        return epoll_ctl(epfd, EPOLL_CTL_MOD, fd, &ev) == 0;
}

/* The length of a SOCKS5 request, 0 while it cannot be told:
 *   05 01 00 01 ADDR(4) PORT(2) | 05 01 00 03 LEN NAME(LEN) PORT(2) | 05 01 00 04 ADDR(16) PORT(2)
 */
static size_t socks_length(const struct conn *c)
{
        if (c->have < 5)
                return 0;
        switch (c->text[3]) {
        case 1:
                return 10;
        case 3:
                return 7 + (unsigned char)c->text[4];
        default:
                return 22;
        }
}

/* False: to be dropped. Handshakes come one message at a time: nothing is pipelined here. */
static bool take(int fd)
{
        struct conn *c = &conns[fd];
        unsigned long long n;

        switch (c->state) {
        case GREETING:
                if (c->have < 2 || c->have < 2 + (size_t)(unsigned char)c->text[1])
                        return true;
                c->have = 0;
                c->state = REQUEST;
                return put(fd, socks_method, 2);
        case REQUEST:
                if (c->from->kind == 's' ? c->have < 5 || c->have < socks_length(c)
                                         : !strstr(c->text, "\r\n\r\n"))
                        return true;
                c->have = 0;
                wait_or_grant(fd);
                return true;
        case OPEN:
                if (!strchr(c->text, '\n'))
                        return true;
                c->have = 0;
                if (!strcmp(c->text, ASK_WHO))
                        return put(fd, &c->from->kind, 1);
                if (sscanf(c->text, ASK_FOR_BYTES, &n) != 1)
                        return false;
                c->owed += n;
                return send_owed(fd);
        case WAITS: /* bytes before the tunnel stands: not from a sane client */
        case LISTENS:
                break;
        }
        return false;
}

static void serve(int fd, uint32_t events)
{
        struct conn *c = &conns[fd];

        if (events & EPOLLOUT && !send_owed(fd)) {
                drop(fd);
                return;
        }
        if (events & ~(uint32_t)EPOLLOUT) {
                ssize_t n = recv(fd, c->text + c->have, sizeof c->text - 1 - c->have, MSG_DONTWAIT);

                if (n < 0 && errno == EAGAIN)
                        return;
                if (n > 0) {
                        c->have += (size_t)n;
                        c->text[c->have] = '\0';
                }
                if (n <= 0 || !take(fd))
                        drop(fd);
        }
}

static void accept_all(int listening)
{
        struct listener *l = conns[listening].from;
        int fd, on = 1;

        while ((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
                struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

                if ((size_t)fd >= conns_size)
                        die("too many connections");
                conns[fd] = (struct conn){.from = l};
                conns[fd].state = l->kind == 'd' ? OPEN : l->kind == 's' ? GREETING : REQUEST;
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) < 0)
                        die("epoll_ctl");
        }
}

/* Grants what is due; milliseconds to the next, rounded up. */
static int turn(struct listener *listeners, int count)
{
        int64_t next = INT64_MAX, now = now_ns();

        for (int i = 0; i < count; i++) {
                struct listener *l = &listeners[i];

                while (l->head && conns[l->head].due <= now)
                        grant(l->head);
                if (l->head && conns[l->head].due < next)
                        next = conns[l->head].due;
        }
        return next == INT64_MAX ? -1 : (int)((next - now + 999999) / 1000000);
}

static uint16_t listen_for(struct listener *l, const char *spec)
{
        struct sockaddr_in sa =
                ipv4(spec[0] == 'd' ? FAR_ADDRESS : "127.0.0.1", spec[0] == 'd' ? FAR_PORT : 0);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
        struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
        const char *delay = strchr(spec, ':');
        socklen_t len = sizeof sa;

        if (!strchr("dhs", spec[0]))
                die(spec);
        l->kind = spec[0];
        if (delay && sscanf(delay, ":hold=%u", &l->hold) == 1)
                l->delay = INT64_MAX;
        else if (delay && !strcmp(delay, ":never"))
                l->delay = INT64_MAX;
        else if (delay)
                l->delay = strtol(delay + 1, NULL, 10) * (int64_t)1000000;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(fd, (struct sockaddr *)&sa, sizeof sa) < 0 || listen(fd, 65535) < 0 ||
            getsockname(fd, (struct sockaddr *)&sa, &len) < 0 ||
            epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) < 0)
                die(spec);
        conns[fd].from = l;
        return ntohs(sa.sin_port);
}

int main(int argc, char **argv)
{
        struct listener *listeners = calloc((size_t)argc, sizeof *listeners);
        struct epoll_event events[512];
        struct rlimit files;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!listeners || getrlimit(RLIMIT_NOFILE, &files) < 0)
                die("start");
        conns_size = files.rlim_cur;
        conns = calloc(conns_size, sizeof *conns);
        epfd = epoll_create1(EPOLL_CLOEXEC);
        if (!conns || epfd < 0)
                die("start");
        for (int i = 1; i < argc; i++)
                printf("%d%c", listen_for(&listeners[i - 1], argv[i]), i + 1 < argc ? ' ' : '\n');
        if (fflush(stdout) != 0)
                die("stdout");
        for (;;) {
                int n = epoll_wait(epfd, events, 512, turn(listeners, argc - 1));

                for (int i = 0; i < n; i++) {
                        int fd = events[i].data.fd;

                        if (conns[fd].state == LISTENS)
                                accept_all(fd);
                        else
                                serve(fd, events[i].events);
                }
        }
}
