/* SPDX-License-Identifier: MIT */
/* Ways that call by number: through libc's syscall(), which is hooked, and by an instruction of
 * their own, which nobody can hook. */
#define _GNU_SOURCE
#include "waits.h"

#include "process/sys.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- libc's syscall() ---- */

static int number_connect(int fd, const struct sockaddr *to, socklen_t len)
{
        return (int)syscall(SYS_connect, fd, to, len);
}

static int number_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
        return (int)syscall(SYS_epoll_ctl, epfd, op, fd, event);
}

static int number_ppoll(struct pollfd *pfd, int ms)
{
        struct timespec ts = in_ms(ms);

        return (int)syscall(SYS_ppoll, pfd, 1, ms < 0 ? NULL : &ts, NULL, 8);
}

static int number_epoll_pwait(int epfd, struct epoll_event *events, int n, int ms)
{
        return (int)syscall(SYS_epoll_pwait, epfd, events, n, ms, NULL, 8);
}

static int number_epoll_pwait2(int epfd, struct epoll_event *events, int n, int ms)
{
        const struct timespec ts = in_ms(ms);

        return (int)syscall(SYS_epoll_pwait2, epfd, events, n, ms < 0 ? NULL : &ts, NULL, 8);
}

/* The kernel's own sets are bitmaps of longs, as libc's. */
static int number_pselect6(struct pollfd *pfd, int ms)
{
        struct timespec ts = in_ms(ms);
        fd_set r, w;
        int n;

        FD_ZERO(&r);
        FD_ZERO(&w);
        if (pfd->events & POLLIN)
                FD_SET(pfd->fd, &r);
        if (pfd->events & POLLOUT)
                FD_SET(pfd->fd, &w);
        n = (int)syscall(SYS_pselect6, pfd->fd + 1, &r, &w, NULL, ms < 0 ? NULL : &ts, NULL);
        pfd->revents = 0;
        if (n > 0)
                pfd->revents = (short)((FD_ISSET(pfd->fd, &r) ? POLLIN : 0) |
                                       (FD_ISSET(pfd->fd, &w) ? POLLOUT : 0));
        return n > 0 ? 1 : n;
}

#ifdef SYS_poll
static int number_poll(struct pollfd *pfd, int ms)
{
        return (int)syscall(SYS_poll, pfd, 1, ms);
}

static int number_select(struct pollfd *pfd, int ms)
{
        struct timeval tv = {ms / 1000, ms % 1000 * 1000};
        fd_set w;
        int n;

        FD_ZERO(&w);
        FD_SET(pfd->fd, &w);
        n = (int)syscall(SYS_select, pfd->fd + 1, NULL, &w, NULL, ms < 0 ? NULL : &tv);
        pfd->revents = n > 0 && FD_ISSET(pfd->fd, &w) ? POLLOUT : 0;
        return n;
}

static int number_epoll_wait(int epfd, struct epoll_event *events, int n, int ms)
{
        return (int)syscall(SYS_epoll_wait, epfd, events, n, ms);
}
#else
#define number_poll number_ppoll
#define number_select number_pselect6
#define number_epoll_wait number_epoll_pwait
#endif

static void wait_by_number(struct cell *c)
{
        struct pollfd pfd = {.fd = c->fds[0], .events = wanted(c)};

        begin_by(c, 0, number_connect);
        assert_int_equal(c->way->poll(&pfd, PATIENCE), 1);
        expect_events(c, pfd.revents, pfd.events);
        expect_so_error(c, 0);
}

static void block_by_number(struct cell *c)
{
        begin_by(c, 0, number_connect);
}

static void epoll_by_number(struct cell *c)
{
        epoll_once_by(c, number_ctl, number_connect);
}

/* ---- an instruction ---- */

static int raw_ppoll(struct pollfd *pfd, int ms)
{
        struct timespec ts = in_ms(ms);

        return (int)hf_syscall6(SYS_ppoll, (long)pfd, 1, (long)&ts, 0, 8, 0);
}

static int raw_epoll_pwait(int epfd, struct epoll_event *events, int n, int ms)
{
        return (int)hf_syscall6(SYS_epoll_pwait, epfd, (long)events, n, ms, 0, 8);
}

static int raw_epoll_pwait2(int epfd, struct epoll_event *events, int n, int ms)
{
        struct timespec ts = in_ms(ms);

        return (int)hf_syscall6(SYS_epoll_pwait2, epfd, (long)events, n, (long)&ts, 0, 8);
}

/* TCP to the proxy is up, says the kernel; SO_ERROR then tells the truth. */
static void raw_wait(struct cell *c)
{
        struct pollfd pfd = {.fd = c->fds[0], .events = POLLOUT};

        begin(c, 0);
        assert_int_equal(c->way->poll(&pfd, patience(c)), 1);
        expect_so_error(c, 0);
}

/* One call that moves data, at last: 0, or the errno; -EAGAIN: not yet. */
static int try_to_send(struct cell *c)
{
        ssize_t n = send(c->fds[0], EARLY, strlen(EARLY), MSG_NOSIGNAL);

        if (n < 0)
                return errno == EAGAIN ? -EAGAIN : errno;
        assert_int_equal(n, strlen(EARLY));
        c->sent_early = true;
        return 0;
}

static int try_to_read(struct cell *c)
{
        char buf[sizeof BANNER];
        ssize_t n = read(c->fds[0], buf, strlen(BANNER));

        if (n < 0)
                return errno == EAGAIN ? -EAGAIN : errno;
        assert_int_equal(n, strlen(BANNER));
        assert_memory_equal(buf, BANNER, strlen(BANNER));
        c->took_banner = true;
        return 0;
}

/* Nobody asks for SO_ERROR: whoever is told that the socket is writable writes. */
static void raw_wait_and_move(struct cell *c)
{
        struct pollfd pfd = {.fd = c->fds[0], .events = wanted(c)};
        int64_t start = now_ms();
        int r;

        begin(c, 0);
        do {
                if (c->way->poll(&pfd, patience(c)) != 1 && !(c->outcome->is & TIMES_OUT))
                        fail_msg("no event any more");
                left(start);
                r = wanted(c) & POLLIN ? try_to_read(c) : try_to_send(c);
        } while (r == -EAGAIN);
        expect_error(c, 0, r);
}

static void raw_epoll_and_move(struct cell *c)
{
        struct epoll_event ev;
        int64_t start = now_ms();
        int r;

        if (c->way->is & BEFORE)
                epoll_add(epoll_new(c), c->fds[0], (uint32_t)wanted(c) | epoll_flags(c->way), 9);
        begin(c, 0);
        if (!(c->way->is & BEFORE))
                epoll_add(epoll_new(c), c->fds[0], (uint32_t)wanted(c) | epoll_flags(c->way), 9);
        do {
                if (c->way->epoll(c->epfd, &ev, 1, patience(c)) == 1)
                        assert_true(ev.data.u64 == 9);
                else if (!(c->outcome->is & TIMES_OUT))
                        fail_msg("no event any more");
                left(start);
                r = wanted(c) & POLLIN ? try_to_read(c) : try_to_send(c);
        } while (r == -EAGAIN);
        expect_error(c, 0, r);
}

#define BOTH (POLLIN | POLLOUT)

const struct way number_ways[] = {
        {"number_blocking", block_by_number, .is = BLOCKS | ASKS_AGAIN},
        {"number_poll", wait_by_number, .poll = number_poll},
        {"number_poll_shortly", wait_shortly, .poll = number_poll},
        {"number_ppoll", wait_by_number, .poll = number_ppoll, .wants = BOTH},
        {"number_select", wait_by_number, .poll = number_select, .is = SELECTS},
        {"number_pselect6", wait_by_number, .poll = number_pselect6, .wants = BOTH, .is = SELECTS},
        {"number_epoll_wait", epoll_by_number, .epoll = number_epoll_wait},
        {"number_epoll_wait_edge_both", epoll_by_number, .epoll = number_epoll_wait, .is = EDGE,
         .wants = BOTH},
        {"number_epoll_pwait", epoll_by_number, .epoll = number_epoll_pwait, .is = ONESHOT},
        {"number_epoll_pwait2", epoll_by_number, .epoll = number_epoll_pwait2, .is = EDGE | BEFORE,
         .wants = BOTH},
        {0},
};

const struct way raw_ways[] = {
        {"raw_ppoll", raw_wait, .poll = raw_ppoll, .is = UNSEEN},
        {"raw_ppoll_and_send", raw_wait_and_move, .poll = raw_ppoll, .is = UNSEEN},
        {"raw_ppoll_and_read", raw_wait_and_move, .poll = raw_ppoll, .is = UNSEEN | READS_ONLY,
         .wants = POLLIN},
        {"raw_epoll_level", epoll_once, .epoll = raw_epoll_pwait, .is = UNSEEN},
        {"raw_epoll_level_both", epoll_once, .epoll = raw_epoll_pwait, .is = UNSEEN, .wants = BOTH},
        {"raw_epoll_edge_both", epoll_once, .epoll = raw_epoll_pwait, .is = UNSEEN | EDGE,
         .wants = BOTH},
        {"raw_epoll_oneshot_both", epoll_once, .epoll = raw_epoll_pwait, .is = UNSEEN | ONESHOT,
         .wants = BOTH},
        {"raw_epoll_exclusive", epoll_once, .epoll = raw_epoll_pwait, .is = UNSEEN | EXCLUSIVE},
        {"raw_epoll_before_edge_both", epoll_once, .epoll = raw_epoll_pwait2,
         .is = UNSEEN | EDGE | BEFORE, .wants = BOTH},
        {"raw_epoll_pwait2", epoll_once, .epoll = raw_epoll_pwait2, .is = UNSEEN},
        {"raw_epoll_and_send", raw_epoll_and_move, .epoll = raw_epoll_pwait, .is = UNSEEN},
        {"raw_epoll_edge_and_send", raw_epoll_and_move, .epoll = raw_epoll_pwait,
         .is = UNSEEN | EDGE, .wants = POLLOUT},
        {"raw_epoll_before_edge_and_send", raw_epoll_and_move, .epoll = raw_epoll_pwait2,
         .is = UNSEEN | EDGE | BEFORE},
        {"raw_epoll_edge_and_read", raw_epoll_and_move, .epoll = raw_epoll_pwait,
         .is = UNSEEN | EDGE | READS_ONLY, .wants = POLLIN},
        {0},
};
