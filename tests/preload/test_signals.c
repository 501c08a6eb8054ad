/* SPDX-License-Identifier: MIT */
/* The masks of ppoll(), pselect() and their like while a handshake is under way. */
#define _GNU_SOURCE
#include "masked.h"

#include <sys/time.h>
#include <unistd.h>

static int setup(void **state)
{
        (void)state;
        gate_set(GATE_GRANTS, -1);
        return 0;
}

static _Atomic(int) handled;

static void count(int sig)
{
        (void)sig;
        atomic_fetch_add(&handled, 1);
}

struct masks {
        sigset_t before, inside;
};

/* SIG is blocked (or not) outside the call and the other way round inside. */
static void set_masks(struct masks *masks, int sig, bool blocked_outside)
{
        const struct sigaction sa = {.sa_handler = count, .sa_flags = SA_RESTART};
        sigset_t set;

        atomic_store(&handled, 0);
        sigaction(sig, &sa, NULL);
        sigemptyset(&set);
        sigaddset(&set, sig);
        sigaddset(&set, SIGRTMIN + 5); /* and one that is blocked in both */
        pthread_sigmask(SIG_SETMASK, NULL, &masks->inside);
        if (!blocked_outside) {
                sigaddset(&masks->inside, sig);
                sigdelset(&set, sig);
        }
        sigaddset(&masks->inside, SIGRTMIN + 5);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        pthread_sigmask(SIG_SETMASK, NULL, &masks->before);
}

static void expect_mask(const sigset_t *expected)
{
        sigset_t now;

        pthread_sigmask(SIG_SETMASK, NULL, &now);
        for (int sig = 1; sig <= 64; sig++)
                if (sigismember(&now, sig) != sigismember(expected, sig))
                        fail_msg("signal %d is %sblocked", sig,
                                 sigismember(&now, sig) ? "" : "not ");
}

static void forget_masks(int sig)
{
        sigset_t none;

        sigemptyset(&none);
        pthread_sigmask(SIG_SETMASK, &none, NULL);
        signal(sig, SIG_DFL);
}

static void finish(int fd, int epfd)
{
        if (mode == PRELOADED) {
                gate_open();
                assert_true(ready(fd, POLLOUT));
                expect_tunnel(fd);
        }
        close(fd);
        close(epfd);
}

/* It waits for a place to come in, and finds it in the call: once. */
static void delivered_inside(void **state)
{
        const struct wait *row = *state;
        int epfd = epoll_create1(EPOLL_CLOEXEC), fd = held(epfd);
        struct masks masks;

        set_masks(&masks, SIGUSR1, true);
        raise(SIGUSR1);
        assert_int_equal(atomic_load(&handled), 0);
        assert_int_equal(row->wait(fd, epfd, &masks.inside), -1);
        assert_int_equal(errno, EINTR);
        assert_int_equal(atomic_load(&handled), 1);
        expect_mask(&masks.before);
        raise(SIGUSR1); /* and blocked again */
        assert_int_equal(atomic_load(&handled), 1);
        assert_int_equal(row->wait(fd, epfd, &masks.inside), -1);
        assert_int_equal(atomic_load(&handled), 2);
        forget_masks(SIGUSR1);
        finish(fd, epfd);
}

/* It comes while the call sleeps. */
static void delivered_meanwhile(void **state)
{
        const struct wait *row = *state;
        int epfd = epoll_create1(EPOLL_CLOEXEC), fd = held(epfd);
        struct sending s = {pthread_self(), SIGUSR1, 1, false};
        struct masks masks;
        pthread_t thread;

        set_masks(&masks, SIGUSR1, true);
        send_soon(&thread, &s);
        assert_int_equal(row->wait(fd, epfd, &masks.inside), -1);
        assert_int_equal(errno, EINTR);
        assert_int_equal(atomic_load(&handled), 1);
        expect_mask(&masks.before);
        pthread_join(thread, NULL);
        forget_masks(SIGUSR1);
        finish(fd, epfd);
}

/* Blocked inside the call, so it does not end it; the call is over before the handler has run, or
 * it runs on the way out. */
static void kept_out(void **state)
{
        const struct wait *row = *state;
        int epfd = epoll_create1(EPOLL_CLOEXEC), fd = held(epfd), r;
        struct sending s = {pthread_self(), SIGUSR1, 3, true};
        struct masks masks;
        pthread_t thread;

        set_masks(&masks, SIGUSR1, false);
        send_soon(&thread, &s);
        if (mode != PRELOADED) { /* nothing will come of that one: its place is taken */
                struct epoll_event event = {.events = EPOLLOUT};

                close(fd);
                fd = begun();
                epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);
        }
        r = row->wait(fd, epfd, &masks.inside);
        assert_int_equal(r, 1);
        expect_mask(&masks.before);
        pthread_join(thread, NULL);
        assert_true(atomic_load(&handled) >= 1);
        forget_masks(SIGUSR1);
        expect_tunnel(fd);
        close(fd);
        close(epfd);
}

/* While the handshake takes many steps and signals come all the time: each handler that ran ended a
 * call with EINTR, and each EINTR had its handler. */
static void every_handler_an_eintr(void **state)
{
        const struct wait *row = *state;
        const struct itimerval tick = {{0, 200}, {0, 200}}, none = {{0, 0}, {0, 0}};
        struct masks masks;
        int interrupted = 0;

        set_masks(&masks, SIGALRM, true);
        setitimer(ITIMER_REAL, &tick, NULL);
        for (int i = 0; i < 30; i++) {
                struct epoll_event event = {.events = EPOLLOUT};
                int epfd = epoll_create1(EPOLL_CLOEXEC), fd, r;

                gate_set(GATE_SLOW, 1);
                fd = tcp(SOCK_NONBLOCK);
                assert_int_equal(begin(fd), EINPROGRESS);
                assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
                while ((r = row->wait(fd, epfd, &masks.inside)) < 0) {
                        assert_int_equal(errno, EINTR);
                        interrupted++;
                }
                assert_int_equal(r, 1);
                expect_mask(&masks.before);
                expect_tunnel(fd);
                close(fd);
                close(epfd);
        }
        setitimer(ITIMER_REAL, &none, NULL);
        assert_int_equal(atomic_load(&handled), interrupted);
        forget_masks(SIGALRM);
        alarm(300);
}

int main(int argc, char **argv)
{
        static struct table t;

        gate_enter(argc, argv);
        TABLE_ADD_AS(&t, "delivered_inside_%s", delivered_inside, waits);
        TABLE_ADD_AS(&t, "delivered_meanwhile_%s", delivered_meanwhile, waits);
        TABLE_ADD_AS(&t, "kept_out_of_%s", kept_out, waits);
        TABLE_ADD_AS(&t, "every_handler_an_eintr_%s", every_handler_an_eintr, waits);
        return table_run_with("signals", &t, setup);
}
