/* SPDX-License-Identifier: MIT */
/* After many connects of every outcome the table is empty again: a call is one system call. */
#define _GNU_SOURCE
#include "count.h"
#include "outcomes.h"

#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/uio.h>

static int one_end, epoll_set, tunnel;

static void calls_poll(void *arg)
{
        struct pollfd pfd = {.fd = *(int *)arg, .events = POLLIN};

        poll(&pfd, 1, 1);
}

static void calls_ppoll(void *arg)
{
        struct pollfd pfd = {.fd = *(int *)arg, .events = POLLIN};
        const struct timespec ts = {0, 1000000};

        ppoll(&pfd, 1, &ts, NULL);
}

static void calls_select(void *arg)
{
        struct timeval tv = {0, 1000};
        fd_set set;

        FD_ZERO(&set);
        FD_SET(*(int *)arg, &set);
        select(*(int *)arg + 1, &set, NULL, NULL, &tv);
}

static void calls_epoll_wait(void *arg)
{
        struct epoll_event event;

        (void)arg;
        epoll_wait(epoll_set, &event, 1, 1);
}

static void calls_epoll_ctl(void *arg)
{
        struct epoll_event event = {.events = EPOLLIN};

        epoll_ctl(epoll_set, EPOLL_CTL_MOD, *(int *)arg, &event);
}

static void calls_send(void *arg)
{
        send(*(int *)arg, "x", 1, MSG_NOSIGNAL);
}

static void calls_write(void *arg)
{
        if (write(*(int *)arg, "x", 1) != 1)
                return;
}

static void calls_writev(void *arg)
{
        const struct iovec iov = {(char[]){"x"}, 1};

        if (writev(*(int *)arg, &iov, 1) != 1)
                return;
}

static void calls_recv(void *arg)
{
        char byte;

        recv(*(int *)arg, &byte, 1, MSG_DONTWAIT);
}

static void calls_getsockopt(void *arg)
{
        error_of(*(int *)arg);
}

static void calls_fcntl(void *arg)
{
        fcntl(*(int *)arg, F_SETFL, O_NONBLOCK);
}

static void calls_ioctl(void *arg)
{
        int on = 1;

        ioctl(*(int *)arg, FIONBIO, &on);
}

static void calls_dup(void *arg)
{
        raw_call(SYS_gettid, 0, 0, 0, 0, 0); /* one each */
        *(int *)arg = dup(*(int *)arg);
}

static void calls_close(void *arg)
{
        close(*(int *)arg);
}

static const struct counting {
        const char *name;
        void (*call)(void *arg);
        int n;
} countings[] = {
        {"poll", calls_poll, 1},
        {"ppoll", calls_ppoll, 1},
        {"select", calls_select, 1},
        {"epoll_wait", calls_epoll_wait, 1},
        {"epoll_ctl", calls_epoll_ctl, 1},
        {"send", calls_send, 1},
        {"write", calls_write, 1},
        {"writev", calls_writev, 1},
        {"recv", calls_recv, 1},
        {"getsockopt", calls_getsockopt, 1},
        {"fcntl", calls_fcntl, 1},
        {"ioctl", calls_ioctl, 1},
        {"dup", calls_dup, 2},
        {"close", calls_close, 1},
};

static void count_or_skip(void (*call)(void *), int *fd, struct counted *counted)
{
        if (count_calls(call, fd, counted))
                return;
        print_message("# %s: the system calls cannot be counted here\n", strerror(errno));
        skip();
}

static void one_call_each(void **state)
{
        const struct counting *row = *state;
        struct counted counted;
        int fds[2], fd;

        if (one_end == 0) {
                connect_many(1500);
                assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
                one_end = fds[0];
                epoll_set = epoll_create1(EPOLL_CLOEXEC);
                struct epoll_event event = {.events = EPOLLIN};
                assert_int_equal(epoll_ctl(epoll_set, EPOLL_CTL_ADD, one_end, &event), 0);
                gate_set(GATE_GRANTS, 0);
                tunnel = begun();
                assert_true(ready(tunnel, POLLOUT));
        }
        /* On a local socket, and on one with a tunnel, whose number has been many things. */
        for (int i = 0; i < 2; i++) {
                bool is_wait = row->call == calls_epoll_ctl || row->call == calls_epoll_wait;

                fd = i && !is_wait ? fcntl(tunnel, F_DUPFD_CLOEXEC, 0) : dup(one_end);
                int arg = is_wait ? one_end : fd;

                count_or_skip(row->call, &arg, &counted);
                if (counted.n != row->n)
                        fail_msg("%d system calls: %ld %ld %ld %ld", counted.n, counted.calls[0],
                                 counted.calls[1], counted.calls[2], counted.calls[3]);
                if (arg != fd && !is_wait)
                        close(arg);
                if (row->call != calls_close)
                        close(fd);
        }
}

/* With a handshake under way there are more: the counting is not blind. */
static void more_with_one_pending(void **state)
{
        struct counted counted;
        int fds[2], fd;

        (void)state;
        gate_set(GATE_GRANTS, -1);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        fd = begun();
        count_or_skip(calls_poll, &fds[0], &counted);
        assert_true(counted.n > 1);
        count_or_skip(calls_getsockopt, &fds[0], &counted);
        assert_int_equal(counted.n, 1); /* of another socket: no */
        close(fd);
        count_or_skip(calls_poll, &fds[0], &counted);
        assert_int_equal(counted.n, 1);
        close(fds[0]);
        close(fds[1]);
}

int main(int argc, char **argv)
{
        static struct table t;

        outcomes_enter(argc, argv);
        TABLE_ADD_AS(&t, "one_system_call_for_%s", one_call_each, countings);
        if (mode == PRELOADED)
                table_add(&t, "more_with_one_pending", more_with_one_pending, NULL);
        return table_run("counts", &t);
}
