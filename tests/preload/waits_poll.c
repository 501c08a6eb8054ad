/* SPDX-License-Identifier: MIT */
/* Ways that need no set: connect() that blocks, poll, select and their relatives, and no wait at
 * all. */
#define _GNU_SOURCE
#include "waits.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/time.h>
#include <unistd.h>

/* ---- the calls ---- */

static int by_poll(struct pollfd *pfd, int ms)
{
        return poll(pfd, 1, ms);
}

static int by_ppoll(struct pollfd *pfd, int ms)
{
        const struct timespec ts = in_ms(ms);
        sigset_t set;

        sigemptyset(&set);
        return ppoll(pfd, 1, ms < 0 ? NULL : &ts, &set);
}

static int select_as_poll(struct pollfd *pfd, int ms, bool p)
{
        struct timeval tv = {ms / 1000, ms % 1000 * 1000};
        const struct timespec ts = in_ms(ms);
        fd_set r, w, x;
        int n;

        FD_ZERO(&r);
        FD_ZERO(&w);
        FD_ZERO(&x);
        FD_SET(pfd->fd, &x); /* as programs do; nothing exceptional is to come */
        if (pfd->events & POLLIN)
                FD_SET(pfd->fd, &r);
        if (pfd->events & POLLOUT)
                FD_SET(pfd->fd, &w);
        n = p ? pselect(pfd->fd + 1, &r, &w, &x, ms < 0 ? NULL : &ts, NULL)
              : select(pfd->fd + 1, &r, &w, &x, ms < 0 ? NULL : &tv);
        pfd->revents = 0;
        if (n < 0)
                return n;
        if (FD_ISSET(pfd->fd, &r))
                pfd->revents |= POLLIN;
        if (FD_ISSET(pfd->fd, &w))
                pfd->revents |= POLLOUT;
        if (FD_ISSET(pfd->fd, &x))
                pfd->revents |= POLLPRI;
        if (n != __builtin_popcount((unsigned)pfd->revents))
                return -2;
        return n > 0;
}

static int by_select(struct pollfd *pfd, int ms)
{
        return select_as_poll(pfd, ms, false);
}

static int by_pselect(struct pollfd *pfd, int ms)
{
        return select_as_poll(pfd, ms, true);
}

/* ---- how they are used ---- */

static void wait_for(struct cell *c, int ms)
{
        struct pollfd pfd = {.fd = c->fds[0], .events = wanted(c)};

        begin(c, 0);
        assert_int_equal(c->way->poll(&pfd, ms), 1);
        expect_events(c, pfd.revents, pfd.events);
        expect_so_error(c, 0);
}

void wait_once(struct cell *c)
{
        wait_for(c, PATIENCE);
}

void wait_for_ever(struct cell *c)
{
        wait_for(c, -1);
}

void wait_shortly(struct cell *c)
{
        struct pollfd pfd = {.fd = c->fds[0], .events = wanted(c)};
        int64_t start = now_ms();
        int r;

        begin(c, 0);
        for (int i = 0; (r = c->way->poll(&pfd, i & 1)) == 0; i++) {
                assert_int_equal(pfd.revents, 0);
                left(start);
                came_by(c);
        }
        assert_int_equal(r, 1);
        expect_events(c, pfd.revents, pfd.events);
        expect_so_error(c, 0);
}

static _Atomic(int) signals;

static void on_signal(int sig)
{
        (void)sig;
        atomic_fetch_add(&signals, 1);
}

void signals_start(void)
{
        struct sigaction sa = {.sa_handler = on_signal};
        struct itimerval tick = {{0, 5000}, {0, 5000}};

        atomic_store(&signals, 0);
        sigaction(SIGALRM, &sa, NULL);
        setitimer(ITIMER_REAL, &tick, NULL);
}

int signals_stop(void)
{
        struct itimerval none = {{0, 0}, {0, 0}};

        setitimer(ITIMER_REAL, &none, NULL);
        signal(SIGALRM, SIG_DFL);
        alarm(300);
        return atomic_load(&signals);
}

/* A late outcome comes after the first EINTR only. */
void wait_interrupted(struct cell *c)
{
        struct pollfd pfd = {.fd = c->fds[0], .events = wanted(c)};
        int r, n;

        signals_start();
        begin(c, 0);
        while ((r = c->way->poll(&pfd, PATIENCE)) < 0 && errno == EINTR)
                atomic_store(&world->released, 1);
        n = signals_stop();
        assert_int_equal(r, 1);
        if (c->outcome->is & IS_LATE)
                assert_true(n > 0);
        expect_events(c, pfd.revents, pfd.events);
        expect_so_error(c, 0);
}

/* ---- connect() that blocks ---- */

static void blocking(struct cell *c)
{
        begin(c, 0);
}

static void blocking_with_a_limit(struct cell *c)
{
        const struct timeval tv = {PATIENCE / 1000, 0};

        setsockopt(c->fds[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
        begin(c, 0);
}

/* POSIX: it goes on, and poll() says when it is over. */
static void blocking_interrupted(struct cell *c)
{
        struct pollfd pfd = {.fd = c->fds[0], .events = POLLOUT};
        int r;

        signals_start();
        r = connect(c->fds[0], (struct sockaddr *)&c->to, c->len) < 0 ? errno : 0;
        signals_stop();
        assert_int_equal(r, EINTR);
        atomic_store(&world->released, 1);
        assert_int_equal(poll(&pfd, 1, PATIENCE), 1);
        expect_events(c, pfd.revents, pfd.events);
        expect_so_error(c, 0);
}

/* ---- poll() in company ---- */

/* Among 600 entries, most of them void, and named twice. */
static void poll_among_others(struct cell *c)
{
        static struct pollfd pfds[600];
        int fds[2];

        assert_int_equal(pipe(fds), 0);
        for (size_t i = 0; i < HF_LEN(pfds); i++)
                pfds[i] = (struct pollfd){.fd = i % 3 ? -1 : fds[0], .events = POLLIN};
        pfds[7] = (struct pollfd){.fd = c->fds[0], .events = POLLOUT};
        pfds[599] = (struct pollfd){.fd = c->fds[0], .events = POLLIN | POLLOUT, .revents = 0x7f};
        begin(c, 0);
        assert_int_equal(poll(pfds, HF_LEN(pfds), PATIENCE), 2);
        close(fds[0]);
        close(fds[1]);
        expect_events(c, pfds[7].revents, POLLOUT);
        expect_events(c, pfds[599].revents, POLLIN | POLLOUT);
        for (size_t i = 0; i < HF_LEN(pfds); i++)
                if (i != 7 && i != 599)
                        assert_int_equal(pfds[i].revents, 0);
        expect_so_error(c, 0);
}

/* The other end of a pipe is ready: that is told at once, and nothing of the socket. */
static void poll_beside_a_ready_one(struct cell *c)
{
        struct pollfd pfds[2] = {{.fd = c->fds[0], .events = POLLOUT}, {.events = POLLIN}};
        int fds[2], r;

        assert_int_equal(pipe(fds), 0);
        assert_int_equal(write(fds[1], "x", 1), 1);
        pfds[1].fd = fds[0];
        begin(c, 0);
        r = poll(pfds, 2, PATIENCE);
        close(fds[0]);
        close(fds[1]);
        assert_int_equal(pfds[1].revents, POLLIN);
        if (r == 1) {
                assert_int_equal(pfds[0].revents, 0);
                assert_int_equal(poll(pfds, 1, PATIENCE), 1);
        }
        expect_events(c, pfds[0].revents, POLLOUT);
        expect_so_error(c, 0);
}

/* Only what cannot be masked. */
static void poll_for_nothing(struct cell *c)
{
        struct pollfd pfd = {.fd = c->fds[0]};

        begin(c, 0);
        assert_int_equal(poll(&pfd, 1, PATIENCE), 1);
        expect_events(c, pfd.revents, 0);
        expect_so_error(c, 0);
}

static void poll_a_duplicate(struct cell *c)
{
        struct pollfd pfd = {.events = POLLOUT};
        int r;

        begin(c, 0);
        pfd.fd = fcntl(c->fds[0], F_DUPFD_CLOEXEC, 100);
        r = poll(&pfd, 1, PATIENCE);
        close(pfd.fd);
        assert_int_equal(r, 1);
        expect_events(c, pfd.revents, POLLOUT);
        expect_so_error(c, 0);
}

static void poll_several(struct cell *c)
{
        struct pollfd pfds[WAITS_SOCKETS];
        int64_t start = now_ms();
        int waiting = c->n;

        for (int i = 0; i < c->n; i++) {
                begin(c, i);
                pfds[i] = (struct pollfd){.fd = c->fds[i], .events = POLLOUT};
        }
        while (waiting > 0) {
                assert_true(poll(pfds, (nfds_t)c->n, left(start)) > 0);
                for (int i = 0; i < c->n; i++) {
                        if (pfds[i].fd < 0 || !pfds[i].revents)
                                continue;
                        expect_events(c, pfds[i].revents, POLLOUT);
                        expect_so_error(c, i);
                        pfds[i].fd = -1;
                        waiting--;
                }
        }
}

struct waiter {
        pthread_t thread;
        poll_fn *poll;
        struct pollfd pfd;
        int r;
};

static void *wait_in_thread(void *arg)
{
        struct waiter *w = arg;

        w->r = w->poll(&w->pfd, PATIENCE);
        return NULL;
}

/* Both are told. */
static void two_threads(struct cell *c)
{
        struct waiter waiters[2] = {{.poll = c->way->poll}, {.poll = c->way->poll}};

        begin(c, 0);
        for (int i = 0; i < 2; i++) {
                waiters[i].pfd = (struct pollfd){.fd = c->fds[0], .events = wanted(c)};
                pthread_create(&waiters[i].thread, NULL, wait_in_thread, &waiters[i]);
        }
        for (int i = 0; i < 2; i++)
                pthread_join(waiters[i].thread, NULL);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(waiters[i].r, 1);
                expect_events(c, waiters[i].pfd.revents, wanted(c));
        }
        expect_so_error(c, 0);
}

#define BOTH (POLLIN | POLLOUT)

const struct way poll_ways[] = {
        {"blocking", blocking, .is = BLOCKS | ASKS_AGAIN},
        {"blocking_with_a_limit", blocking_with_a_limit, .is = BLOCKS | ASKS_AGAIN},
        {"blocking_interrupted", blocking_interrupted, .is = BLOCKS | LATE_ONLY | RELEASES},
        {"poll", wait_once, .poll = by_poll},
        {"poll_both", wait_once, .poll = by_poll, .wants = BOTH | POLLRDHUP},
        {"poll_in", wait_once, .poll = by_poll, .wants = POLLIN, .is = READS_ONLY},
        {"poll_for_ever", wait_for_ever, .poll = by_poll},
        {"poll_shortly", wait_shortly, .poll = by_poll},
        {"poll_interrupted", wait_interrupted, .poll = by_poll, .is = RELEASES},
        {"poll_two_threads", two_threads, .poll = by_poll},
        {"poll_among_others", poll_among_others, .is = 0},
        {"poll_beside_a_ready_one", poll_beside_a_ready_one, .is = 0},
        {"poll_for_nothing", poll_for_nothing, .is = ERRORS_ONLY},
        {"poll_a_duplicate", poll_a_duplicate, .is = 0},
        {"poll_several", poll_several, .sockets = 8},
        {"ppoll", wait_once, .poll = by_ppoll},
        {"ppoll_both", wait_once, .poll = by_ppoll, .wants = BOTH},
        {"ppoll_for_ever", wait_for_ever, .poll = by_ppoll},
        {"ppoll_shortly", wait_shortly, .poll = by_ppoll},
        {"poll_chk", wait_once, .poll = chk_poll},
        {"poll_chk_shortly", wait_shortly, .poll = chk_poll},
        {"ppoll_chk", wait_once, .poll = chk_ppoll},
        {"ppoll_chk_for_ever", wait_for_ever, .poll = chk_ppoll},
        {"select", wait_once, .poll = by_select, .is = SELECTS},
        {"select_both", wait_once, .poll = by_select, .wants = BOTH, .is = SELECTS},
        {"select_in", wait_once, .poll = by_select, .wants = POLLIN, .is = SELECTS | READS_ONLY},
        {"select_for_ever", wait_for_ever, .poll = by_select, .is = SELECTS},
        {"select_shortly", wait_shortly, .poll = by_select, .is = SELECTS},
        {"select_interrupted", wait_interrupted, .poll = by_select, .is = SELECTS | RELEASES},
        {"select_two_threads", two_threads, .poll = by_select, .is = SELECTS},
        {"pselect", wait_once, .poll = by_pselect, .is = SELECTS},
        {"pselect_both", wait_once, .poll = by_pselect, .wants = BOTH, .is = SELECTS},
        {"pselect_for_ever", wait_for_ever, .poll = by_pselect, .is = SELECTS},
        {"pselect_shortly", wait_shortly, .poll = by_pselect, .is = SELECTS},
        {0},
};
