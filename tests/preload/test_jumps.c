/* SPDX-License-Identifier: MIT */
/* Waits that are left by other ways than their end: siglongjmp() out of a handler, and
 * pthread_cancel(). Whoever comes next goes on with the handshake. */
#define _GNU_SOURCE
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static int setup(void **state)
{
        (void)state;
        gate_set(GATE_GRANTS, -1);
        return 0;
}

/* ---- every wait there is, each for ten seconds; 1: the connection stands ---- */

static int wait_poll(int fd, int epfd)
{
        struct pollfd pfd = {.fd = fd, .events = POLLOUT};

        (void)epfd;
        return poll(&pfd, 1, 10000);
}

static int wait_poll_many(int fd, int epfd)
{
        struct pollfd pfds[100]; /* more than are translated on the stack */

        (void)epfd;
        for (size_t i = 0; i < HF_LEN(pfds); i++)
                pfds[i] = (struct pollfd){.fd = i ? -1 : fd, .events = POLLOUT};
        return poll(pfds, HF_LEN(pfds), 10000);
}

static int wait_ppoll(int fd, int epfd)
{
        struct pollfd pfd = {.fd = fd, .events = POLLOUT};
        const struct timespec ten = {10, 0};

        (void)epfd;
        return ppoll(&pfd, 1, &ten, NULL);
}

static int wait_select(int fd, int epfd)
{
        struct timeval ten = {10, 0};
        fd_set set;

        (void)epfd;
        FD_ZERO(&set);
        FD_SET(fd, &set);
        return select(fd + 1, NULL, &set, NULL, &ten);
}

static int wait_pselect(int fd, int epfd)
{
        const struct timespec ten = {10, 0};
        fd_set set;

        (void)epfd;
        FD_ZERO(&set);
        FD_SET(fd, &set);
        return pselect(fd + 1, NULL, &set, NULL, &ten, NULL);
}

static int wait_epoll(int fd, int epfd)
{
        struct epoll_event event;

        (void)fd;
        return epoll_wait(epfd, &event, 1, 10000);
}

static int wait_epoll_pwait(int fd, int epfd)
{
        struct epoll_event event;

        (void)fd;
        return epoll_pwait(epfd, &event, 1, 10000, NULL);
}

static int wait_epoll_pwait2(int fd, int epfd)
{
        const struct timespec ten = {10, 0};
        struct epoll_event event;

        (void)fd;
        return epoll_pwait2(epfd, &event, 1, &ten, NULL);
}

/* The socket blocks: connect() again waits with the first one. */
static int wait_connect(int fd, int epfd)
{
        int r = begin(fd);

        (void)epfd;
        return r == 0 || r == EISCONN ? 1 : -1;
}

static const struct wait {
        const char *name;
        int (*wait)(int fd, int epfd);
} waits[] = {
        {"poll", wait_poll},
        {"poll_many", wait_poll_many},
        {"ppoll", wait_ppoll},
        {"select", wait_select},
        {"pselect", wait_pselect},
        {"epoll_wait", wait_epoll},
        {"epoll_pwait", wait_epoll_pwait},
        {"epoll_pwait2", wait_epoll_pwait2},
        {"connect", wait_connect},
};

/* A socket, begun unless it blocks; registered if that is what is waited for. */
static int start(const struct wait *row, int epfd)
{
        struct epoll_event event = {.events = EPOLLOUT};
        int fd = tcp(row->wait == wait_connect ? 0 : SOCK_NONBLOCK);

        if (row->wait != wait_connect)
                assert_int_equal(mode == PRELOADED ? begin(fd) : begin_stuck(fd), EINPROGRESS);
        if (row->wait == wait_epoll || row->wait == wait_epoll_pwait ||
            row->wait == wait_epoll_pwait2)
                assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
        return fd;
}

/* By the same wait, and a tunnel: where there is one to be had. */
static void goes_on(const struct wait *row, int fd, int epfd)
{
        if (mode == PRELOADED) {
                gate_open();
                assert_int_equal(row->wait(fd, epfd), 1);
                expect_tunnel(fd);
                assert_int_equal(atomic_load(&gate_now()->accepted), 1);
        }
        close(fd);
}

/* ---- siglongjmp() ---- */

static sigjmp_buf out;
static _Atomic(int) jumps;

/* Only from inside a wait whose connection is at the proxy (or cannot come to be). */
static void jump(int sig)
{
        (void)sig;
        if (mode == PRELOADED && atomic_load(&gate_now()->asked) == 0)
                return;
        atomic_fetch_add(&jumps, 1);
        siglongjmp(out, 1);
}

static void tick(suseconds_t us)
{
        const struct itimerval it = {{0, us}, {0, us}};

        setitimer(ITIMER_REAL, &it, NULL);
        if (us == 0)
                alarm(300);
}

static int connect_stuck_or_far(int fd, int epfd)
{
        (void)epfd;
        return mode == PRELOADED ? begin(fd) : begin_stuck(fd);
}

/* ThreadSanitizer runs no handler while a thread is in connect(). */
static bool is_untold(const struct wait *row)
{
#ifdef __SANITIZE_THREAD__
        return row->wait == wait_connect;
#else
        (void)row;
        return false;
#endif
}

static void left_by_a_jump(void **state)
{
        const struct wait *row = *state;

        if (is_untold(row))
                skip();

        const struct sigaction sa = {.sa_handler = jump, .sa_flags = SA_RESTART};
        int epfd = epoll_create1(EPOLL_CLOEXEC), fd = start(row, epfd);
        int (*wait)(int fd, int epfd) =
                row->wait == wait_connect ? connect_stuck_or_far : row->wait;

        atomic_store(&jumps, 0);
        sigaction(SIGALRM, &sa, NULL);
        sigsetjmp(out, 1);
        tick(5000);
        while (atomic_load(&jumps) < 3)
                wait(fd, epfd);
        tick(0);
        signal(SIGALRM, SIG_DFL);
        goes_on(row, fd, epfd);
        close(epfd);
}

/* At any moment of a handshake of many steps. The handler jumps only while a wait is in progress.
 */
static volatile sig_atomic_t in_wait;

static void jump_always(int sig)
{
        (void)sig;
        if (in_wait) {
                in_wait = 0;
                atomic_fetch_add(&jumps, 1);
                siglongjmp(out, 1);
        }
}

static void left_at_any_moment(void **state)
{
        const struct wait *row = *state;
        const struct sigaction sa = {.sa_handler = jump_always, .sa_flags = SA_RESTART};

        if (is_untold(row))
                skip();
        atomic_store(&jumps, 0);
        sigaction(SIGALRM, &sa, NULL);
        for (volatile int i = 0; i < 40; i++) {
                volatile int epfd = epoll_create1(EPOLL_CLOEXEC), fd, r = 0;
                volatile int64_t give_up;

                gate_set(GATE_SLOW, 1);
                fd = start(row, epfd);
                give_up = now_ms() + 60000; /* for what hangs */
                tick(100 + 37 * i);
                while (r != 1 && now_ms() < give_up) {
                        if (sigsetjmp(out, 1) != 0)
                                continue;
                        in_wait = 1;
                        r = row->wait(fd, epfd);
                        in_wait = 0;
                }
                tick(0);
                if (r != 1)
                        fail_msg("round %d, after %d jumps: nothing comes", i, atomic_load(&jumps));
                expect_tunnel(fd);
                assert_int_equal(atomic_load(&gate_now()->accepted), 1);
                close(fd);
                close(epfd);
        }
        signal(SIGALRM, SIG_DFL);
}

/* ---- pthread_cancel() ---- */

struct waiter {
        const struct wait *row;
        int fd, epfd;
        _Atomic(bool) there;
};

static void *waits_to_be_cancelled(void *arg)
{
        struct waiter *w = arg;

        atomic_store(&w->there, true);
        if (w->row->wait == wait_connect)
                connect_stuck_or_far(w->fd, w->epfd);
        else
                w->row->wait(w->fd, w->epfd);
        return NULL;
}

static void left_by_cancellation(void **state)
{
        const struct wait *row = *state;

        for (int i = 0; i < 5; i++) {
                struct waiter w = {.row = row, .epfd = epoll_create1(EPOLL_CLOEXEC)};
                pthread_t thread;
                void *result;

                gate_set(GATE_GRANTS, -1);
                w.fd = start(row, w.epfd);
                assert_int_equal(pthread_create(&thread, NULL, waits_to_be_cancelled, &w), 0);
                while (!atomic_load(&w.there))
                        ;
                /* Sometimes at once, sometimes when the request is there. */
                if (mode == PRELOADED && i & 1)
                        until("asked", &gate_now()->asked, 1);
                assert_int_equal(pthread_cancel(thread), 0);
                pthread_join(thread, &result);
                assert_ptr_equal(result, PTHREAD_CANCELED);
                goes_on(row, w.fd, w.epfd);
                close(w.epfd);
        }
}

/* With the cancel type asynchronous nothing is promised; with cancellation disabled nothing
 * happens. */
static void *waits_undisturbed(void *arg) /* cancellation is disabled */
{
        struct waiter *w = arg;
        int old;

        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
        atomic_store(&w->there, true);
        return w->row->wait(w->fd, w->epfd) == 1 ? NULL : arg;
}

static void not_left_without_leave(void **state)
{
        const struct wait *row = *state;
        struct waiter w = {.row = row, .epfd = epoll_create1(EPOLL_CLOEXEC)};
        pthread_t thread;
        void *result;

        w.fd = start(row, w.epfd);
        assert_int_equal(pthread_create(&thread, NULL, waits_undisturbed, &w), 0);
        while (!atomic_load(&w.there))
                ;
        assert_int_equal(pthread_cancel(thread), 0);
        until("asked", &gate_now()->asked, 1);
        gate_open();
        pthread_join(thread, &result);
        assert_null(result);
        expect_tunnel(w.fd);
        close(w.fd);
        close(w.epfd);
}

/* Cancelled while it waits for something else, with handshakes beside. */
static void left_beside_handshakes(void **state)
{
        const struct wait *row = *state;
        struct waiter w = {.row = row, .epfd = epoll_create1(EPOLL_CLOEXEC)};
        struct epoll_event event = {.events = EPOLLIN};
        int ends[2], pending = begun();
        pthread_t thread;
        void *result;

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        while (write(ends[1], (char[4096]){0}, 4096) == 4096 &&
               fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0)
                ; /* full: not writable */
        w.fd = ends[1];
        event.events = EPOLLOUT;
        assert_int_equal(epoll_ctl(w.epfd, EPOLL_CTL_ADD, w.fd, &event), 0);
        assert_int_equal(pthread_create(&thread, NULL, waits_to_be_cancelled, &w), 0);
        while (!atomic_load(&w.there))
                ;
        assert_int_equal(pthread_cancel(thread), 0);
        pthread_join(thread, &result);
        assert_ptr_equal(result, PTHREAD_CANCELED);
        gate_open();
        assert_true(ready(pending, POLLOUT));
        expect_tunnel(pending);
        close(pending);
        close(ends[0]);
        close(ends[1]);
        close(w.epfd);
}

int main(int argc, char **argv)
{
        static struct table t;

        gate_enter(argc, argv);
        TABLE_ADD_AS(&t, "left_by_a_jump_%s", left_by_a_jump, waits);
        if (mode == PRELOADED) {
                TABLE_ADD_AS(&t, "left_at_any_moment_%s", left_at_any_moment, waits);
                TABLE_ADD_AS(&t, "not_left_without_leave_%s", not_left_without_leave, waits);
        }
        /* AddressSanitizer takes the frames that pthread_cancel() leaves for live ones. */
#ifndef __SANITIZE_ADDRESS__
        TABLE_ADD_AS(&t, "left_by_cancellation_%s", left_by_cancellation, waits);
        TABLE_ADD_AS(&t, "left_beside_handshakes_%s", left_beside_handshakes, waits);
        t.n--; /* not connect */
#else
        (void)left_by_cancellation;
        (void)left_beside_handshakes;
#endif
        return table_run_with("jumps", &t, setup);
}
