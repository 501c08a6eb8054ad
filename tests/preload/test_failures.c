/* SPDX-License-Identifier: MIT */
/* Handshakes that fail: who is told, how often, and what is left of the socket. */
#define _GNU_SOURCE
#include "gate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int setup(void **state)
{
        (void)state;
        gate_set(GATE_GRANTS, -1);
        return 0;
}

/* connect() that fails: at the proxy, or without one at a port where nobody listens. */
static int fail_with(void)
{
        return mode == PRELOADED ? EACCES : ECONNREFUSED;
}

static int begin_refused(int fd)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, mode == PRELOADED ? 443 : world->dead_port, false);

        return connect(fd, (struct sockaddr *)&sa, len) < 0 ? errno : 0;
}

static int ask_error(int fd)
{
        return error_of(fd);
}

static int ask_connect(int fd)
{
        return begin_refused(fd);
}

static int ask_send(int fd)
{
        return send(fd, "x", 1, MSG_NOSIGNAL) < 0 ? errno : 0;
}

static int ask_write(int fd)
{
        return write(fd, "x", 1) < 0 ? errno : 0;
}

static int ask_recv(int fd)
{
        char byte;

        return recv(fd, &byte, 1, 0) < 0 ? errno : 0;
}

static int ask_read(int fd)
{
        char byte;

        return read(fd, &byte, 1) < 0 ? errno : 0;
}

static const struct asking {
        const char *name;
        int (*ask)(int fd);
} askings[] = {
        {"getsockopt", ask_error}, {"connect", ask_connect}, {"send", ask_send},
        {"write", ask_write},      {"recv", ask_recv},       {"read", ask_read},
};

/* The failure is reported once, with its errno, to whoever asks first; then the socket is dead, and
 * a connect() begins anew. */
static void fails_once(void **state)
{
        const struct asking *row = *state;
        int fd = tcp(SOCK_NONBLOCK), r;
        struct pollfd pfd = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP};
        char byte;

        gate_set(GATE_403, 10);
        assert_int_equal(begin_refused(fd), EINPROGRESS);
        assert_true(ready(fd, POLLOUT));
        assert_int_equal(poll(&pfd, 1, 0), 1); /* asking poll() takes nothing away */
        assert_int_equal(poll(&pfd, 1, 0), 1);
        assert_int_equal(pfd.revents, POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
        assert_int_equal(row->ask(fd), fail_with());
        assert_int_equal(poll(&pfd, 1, 0), 1);
        assert_int_equal(pfd.revents & (POLLOUT | POLLHUP | POLLERR), POLLOUT | POLLHUP);
        assert_int_equal(error_of(fd), 0);
        assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), -1);
        assert_int_equal(errno, EPIPE);
        assert_true(recv(fd, &byte, 1, 0) <= 0);
        assert_int_equal(atomic_load(&gate_now()->early), 0);

        gate_set(GATE_GRANTS, 10);
        r = begin(fd);
        if (mode != PRELOADED &&
            r == ECONNABORTED) /* the kernel's way to say once that it failed */
                r = begin(fd);
        assert_int_equal(r, EINPROGRESS);
        assert_true(ready(fd, POLLOUT));
        assert_int_equal(error_of(fd), 0);
        expect_tunnel(fd);
        close(fd);
}

/* Nobody waited; the call itself finds out. */
static void fails_in_the_call(void **state)
{
        const struct asking *row = *state;
        int fd, r;
        int64_t give_up = now_ms() + 10000;

        gate_set(GATE_403, 10);
        fd = begun();
        do /* connect() takes a step and never waits */
                r = row->ask(fd);
        while (r == EALREADY && now_ms() < give_up);
        assert_int_equal(r, EACCES);
        assert_int_equal(error_of(fd), 0);
        assert_int_equal(ask_send(fd), EPIPE);
        close(fd);
}

/* A page that the proxy sent behind its refusal is not readable by any means. */
static void no_page_is_left(void **state)
{
        char buf[256];
        int fd, unread = -1;

        (void)state;
        gate_set(GATE_403, 10);
        fd = begun();
        assert_true(ready(fd, POLLOUT));
        assert_int_equal(ioctl(fd, FIONREAD, &unread), 0);
        assert_int_equal(unread, 0);
        assert_true(raw_call(SYS_read, fd, (long)buf, sizeof buf, 0, 0) <= 0);
        close(fd);
}

static void peer_after_failure(void **state)
{
        struct sockaddr_storage got;
        socklen_t len = sizeof got;
        int fd = tcp(SOCK_NONBLOCK);

        (void)state;
        gate_set(GATE_403, 0);
        assert_int_equal(begin_refused(fd), EINPROGRESS);
        assert_true(ready(fd, POLLOUT));
        for (int i = 0; i < 2; i++) {
                assert_int_equal(getpeername(fd, (struct sockaddr *)&got, &len), -1);
                assert_int_equal(errno, ENOTCONN);
                assert_int_equal(error_of(fd), i ? 0 : fail_with());
        }
        close(fd);
}

int main(int argc, char **argv)
{
        static struct table t;

        gate_enter(argc, argv);
        TABLE_ADD_AS(&t, "fails_once_by_%s", fails_once, askings);
        table_add(&t, "peer_after_failure", peer_after_failure, NULL);
        if (mode == PRELOADED) {
                TABLE_ADD_AS(&t, "fails_in_%s", fails_in_the_call, askings);
                table_add(&t, "no_page_is_left", no_page_is_left, NULL);
        }
        return table_run_with("failures", &t, setup);
}
