/* SPDX-License-Identifier: MIT */
/* Connects by the way of a first write: MSG_FASTOPEN, TCP_FASTOPEN_CONNECT. */
#define _GNU_SOURCE
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int setup(void **state)
{
        (void)state;
        gate_set(GATE_GRANTS, 20);
        return 0;
}

static ssize_t open_by_sendto(int fd, const struct sockaddr_storage *sa, socklen_t len,
                              const char *text)
{
        return sendto(fd, text, strlen(text), MSG_FASTOPEN | MSG_NOSIGNAL, (const void *)sa, len);
}

static ssize_t open_by_sendmsg(int fd, const struct sockaddr_storage *sa, socklen_t len,
                               const char *text)
{
        struct iovec iov[2] = {{(void *)(uintptr_t)text, 1},
                               {(void *)(uintptr_t)(text + 1), strlen(text) - 1}};
        struct msghdr msg = {.msg_name = (void *)(uintptr_t)sa,
                             .msg_namelen = len,
                             .msg_iov = iov,
                             .msg_iovlen = 2};

        return sendmsg(fd, &msg, MSG_FASTOPEN | MSG_NOSIGNAL);
}

static ssize_t open_by_sendmmsg(int fd, const struct sockaddr_storage *sa, socklen_t len,
                                const char *text)
{
        struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};
        struct mmsghdr m = {.msg_hdr = {.msg_name = (void *)(uintptr_t)sa,
                                        .msg_namelen = len,
                                        .msg_iov = &iov,
                                        .msg_iovlen = 1}};
        int r = sendmmsg(fd, &m, 1, MSG_FASTOPEN | MSG_NOSIGNAL);

        return r == 1 ? (ssize_t)m.msg_len : r;
}

static const struct opening {
        const char *name;
        ssize_t (*open)(int fd, const struct sockaddr_storage *sa, socklen_t len, const char *text);
        int flags;
} openings[] = {
        {"fastopen_sendto", open_by_sendto, 0},
        {"fastopen_sendmsg", open_by_sendmsg, 0},
        {"fastopen_sendmmsg", open_by_sendmmsg, 0},
        {"fastopen_sendto_nonblocking", open_by_sendto, SOCK_NONBLOCK},
        {"fastopen_sendmsg_nonblocking", open_by_sendmsg, SOCK_NONBLOCK},
        {"fastopen_sendmmsg_nonblocking", open_by_sendmmsg, SOCK_NONBLOCK},
};

static void fast_open(void **state)
{
        const struct opening *row = *state;
        unsigned served = atomic_load(&world->served);
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, 443, false);
        int fd = tcp(row->flags);
        ssize_t r = row->open(fd, &sa, len, "fast open\n");

        if (row->flags) {
                assert_int_equal(r, -1);
                assert_int_equal(errno, EINPROGRESS);
                if (mode == PRELOADED) {
                        assert_int_equal(row->open(fd, &sa, len, "fast open\n"), -1);
                        assert_int_equal(errno, EALREADY);
                }
                assert_true(ready(fd, POLLOUT));
        } else {
                assert_int_equal(r, 10);
                expect_read(fd, "fast open\n");
        }
        expect_tunnel(fd);
        if (mode == PRELOADED)
                assert_int_equal(atomic_load(&world->served), served);
        close(fd);
}

static void fast_open_refused(void **state)
{
        const struct opening *row = *state;
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, world->dead_port, false);
        int fd = tcp(row->flags), error;
        socklen_t n = sizeof error;

        gate_set(GATE_403, 5);
        if (mode == PRELOADED)
                len = address(&sa, FAR, 443, false);
        assert_int_equal(row->open(fd, &sa, len, "fast open\n"), -1);
        error = errno;
        if (error == EINPROGRESS) {
                assert_true(row->flags != 0);
                assert_true(ready(fd, POLLOUT));
                assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n), 0);
        }
        assert_int_equal(error, mode == PRELOADED ? EACCES : ECONNREFUSED);
        assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), -1);
        assert_int_equal(errno, EPIPE);
        assert_int_equal(atomic_load(&gate_now()->early), 0);
        close(fd);
}

/* connect() does nothing at first, says the option: with the kernel's it may return 0, and the
 * first write begins. Through the proxy it is an ordinary connect(). */
static void fast_open_connect(void **state)
{
        (void)state;
        for (int flags = 0; flags <= SOCK_NONBLOCK; flags += SOCK_NONBLOCK) {
                int fd = tcp(flags), on = 1, r;

                gate_set(GATE_GRANTS, 20);
                setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on);
                r = begin(fd);
                if (mode == PRELOADED)
                        assert_int_equal(r, flags ? EINPROGRESS : 0);
                else if (r != 0 && !(flags && r == EINPROGRESS))
                        fail_msg("%s", strerror(r));
                assert_true(ready(fd, POLLOUT));
                expect_tunnel(fd);
                close(fd);
        }
}

int main(int argc, char **argv)
{
        static struct table t;

        gate_enter(argc, argv);
        TABLE_ADD(&t, fast_open, openings);
        TABLE_ADD_AS(&t, "refused_%s", fast_open_refused, openings);
        table_add(&t, "fast_open_connect", fast_open_connect, NULL);
        return table_run_with("fastopen", &t, setup);
}
