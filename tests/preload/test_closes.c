/* SPDX-License-Identifier: MIT */
/* Descriptors closed while their handshake is under way, by every way there is, and their numbers
 * used again for something else. */
#define _GNU_SOURCE
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

int own_close(int fd) __asm__("__close");

static int setup(void **state)
{
        (void)state;
        gate_set(GATE_GRANTS, -1);
        return 0;
}

#define HIGH 700 /* a number that nobody has */

static void close_each(const int *fds, size_t n)
{
        for (size_t i = 0; i < n; i++)
                assert_int_equal(close(fds[i]), 0);
}

static void own_close_each(const int *fds, size_t n)
{
        for (size_t i = 0; i < n; i++)
                assert_int_equal(own_close(fds[i]), 0);
}

static void close_by_range(const int *fds, size_t n)
{
        assert_int_equal(close_range((unsigned)fds[0], (unsigned)fds[n - 1], 0), 0);
}

static void close_by_dup2(const int *fds, size_t n)
{
        for (size_t i = 0; i < n; i++)
                assert_int_equal(dup2(STDERR_FILENO, fds[i]), fds[i]);
}

static void close_by_dup3(const int *fds, size_t n)
{
        for (size_t i = 0; i < n; i++)
                assert_int_equal(dup3(STDERR_FILENO, fds[i], O_CLOEXEC), fds[i]);
}

static void close_unseen(const int *fds, size_t n)
{
        for (size_t i = 0; i < n; i++)
                assert_int_equal(raw_call(SYS_close, fds[i], 0, 0, 0, 0), 0);
}

static void close_from(const int *fds, size_t n)
{
        (void)n;
        closefrom(fds[0]);
}

static const struct closing {
        const char *name;
        void (*close)(const int *fds, size_t n);
} closings[] = {
        {"close", close_each},        {"__close", own_close_each},  {"close_range", close_by_range},
        {"dup2_over", close_by_dup2}, {"dup3_over", close_by_dup3}, {"raw_close", close_unseen},
        {"closefrom", close_from},
};

#define N 5

/* The proxy sees it at once, and the numbers are whatever the program makes of them next: a pipe, a
 * connection to a local server, another tunnel. */
static void closed_while_pending(void **state)
{
        const struct closing *row = *state;
        struct epoll_event event = {.events = EPOLLOUT | EPOLLIN, .data.fd = 1};
        int fds[N], ends[2], local, again, epfd;
        struct sockaddr_storage sa;
        char buf[8];

        epfd = fcntl(epoll_create1(EPOLL_CLOEXEC), F_DUPFD_CLOEXEC, 10); /* below what is closed */
        for (int i = 0; i < N; i++) {
                int fd = begun();

                fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, i ? fds[i - 1] + 1 : 100);
                close(fd);
                assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fds[i], &event), 0);
        }
        if (mode == PRELOADED)
                until("asked", &gate_now()->asked, N);
        row->close(fds, N);
        if (mode == PRELOADED)
                until("gone", &gate_now()->gone, N);
        assert_int_equal(epoll_wait(epfd, &event, 1, 0), 0);

        /* whatever dup2() put there is closed unseen, too */
        for (int i = 0; i < N; i++)
                raw_call(SYS_close, fds[i], 0, 0, 0, 0);
        assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
        assert_int_equal(raw_call(SYS_dup3, ends[0], fds[0], 0, 0, 0), fds[0]);
        assert_int_equal(raw_call(SYS_dup3, ends[1], fds[1], 0, 0, 0), fds[1]);
        assert_int_equal(read(fds[0], buf, sizeof buf), -1);
        assert_int_equal(errno, EAGAIN);
        assert_true(ready(fds[1], POLLOUT));
        assert_int_equal(write(fds[1], "pipe", 4), 4);
        assert_true(ready(fds[0], POLLIN));
        assert_int_equal(read(fds[0], buf, sizeof buf), 4);
        assert_memory_equal(buf, "pipe", 4);

        local = tcp(SOCK_NONBLOCK);
        assert_int_equal(raw_call(SYS_dup3, local, fds[2], 0, 0, 0), fds[2]);
        close(local);
        connect(fds[2], (struct sockaddr *)&sa, address(&sa, "127.0.0.1", 443, false));
        assert_true(ready(fds[2], POLLOUT));
        expect_echo(fds[2]);

        gate_set(GATE_GRANTS, 10);
        again = tcp(SOCK_NONBLOCK);
        assert_int_equal(raw_call(SYS_dup3, again, fds[3], 0, 0, 0), fds[3]);
        close(again);
        assert_int_equal(send(fds[3], "x", 1, MSG_NOSIGNAL),
                         -1); /* not connected, says the kernel */
        assert_int_equal(errno, EPIPE);
        event.data.u64 = 77;
        assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fds[3], &event), 0);
        assert_int_equal(begin(fds[3]), EINPROGRESS);
        do
                assert_int_equal(epoll_wait(epfd, &event, 1, 10000), 1);
        while (event.events & EPOLLHUP);
        assert_true(event.data.u64 == 77 && event.events == EPOLLOUT);
        expect_tunnel(fds[3]);
        for (int i = 0; i < 4; i++)
                close(fds[i]);
        close(ends[0]);
        close(ends[1]);
        close(epfd);
}

/* With a duplicate left nothing is closed. */
static void closed_but_for_a_duplicate(void **state)
{
        int fd = begun(), other = fcntl(fd, F_DUPFD_CLOEXEC, HIGH);

        (void)state;
        assert_int_equal(close_range((unsigned)fd, HIGH - 1, 0), 0);
        gate_open();
        assert_true(ready(other, POLLOUT));
        expect_tunnel(other);
        assert_int_equal(atomic_load(&gate_now()->gone), 0);
        close(other);
}

static void close_range_that_closes_nothing(void **state)
{
        int fd = begun();

        (void)state;
        assert_int_equal(fcntl(fd, F_SETFD, 0), 0);
        assert_int_equal(close_range((unsigned)fd, ~0U, CLOSE_RANGE_CLOEXEC), 0);
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        assert_int_equal(close_range((unsigned)fd, (unsigned)fd - 1, 0), -1);
        assert_int_equal(errno, EINVAL);
        assert_int_equal(close_range((unsigned)fd, ~0U, 1U << 30), -1);
        assert_int_equal(errno, EINVAL);
        gate_open();
        assert_true(ready(fd, POLLOUT));
        expect_tunnel(fd);
        close(fd);
}

/* close() of what is none. */
static void closed_twice(void **state)
{
        int fd = begun();

        (void)state;
        assert_int_equal(close(fd), 0);
        assert_int_equal(close(fd), -1);
        assert_int_equal(errno, EBADF);
        assert_int_equal(close(-1), -1);
        assert_int_equal(errno, EBADF);
        if (mode == PRELOADED)
                until("gone", &gate_now()->gone, 1);
}

int main(int argc, char **argv)
{
        static struct table t;

        gate_enter(argc, argv);
        TABLE_ADD_AS(&t, "closed_by_%s", closed_while_pending, closings);
        table_add(&t, "closed_but_for_a_duplicate", closed_but_for_a_duplicate, NULL);
        table_add(&t, "close_range_that_closes_nothing", close_range_that_closes_nothing, NULL);
        table_add(&t, "closed_twice", closed_twice, NULL);
        return table_run_with("closes", &t, setup);
}
