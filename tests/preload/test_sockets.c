/* SPDX-License-Identifier: MIT */
/* What a program asks a socket while its handshake is under way and afterwards: SO_ERROR, connect()
 * again, getpeername(). */
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

static int stuck(void)
{
        int fd = tcp(SOCK_NONBLOCK);

        assert_int_equal(begin_stuck(fd), EINPROGRESS);
        return fd;
}

/* ---- SO_ERROR ---- */

static void error_while_tcp_is_down(void **state)
{
        int fd = stuck();
        struct pollfd pfd = {.fd = fd, .events = POLLOUT};

        (void)state;
        assert_int_equal(error_of(fd), 0);
        assert_int_equal(poll(&pfd, 1, 0), 0);
        assert_int_equal(error_of(fd), 0);
        assert_int_equal(begin(fd), EALREADY);
        assert_int_equal(error_of(fd), 0);
        close(fd);
}

static void error_after_success(void **state)
{
        int fd = begun();

        (void)state;
        gate_open();
        assert_true(ready(fd, POLLOUT));
        assert_int_equal(error_of(fd), 0);
        assert_int_equal(error_of(fd), 0);
        expect_tunnel(fd);
        close(fd);
}

/* A program whose waits we do not see asks when its own wait has told it that TCP is up. */
static void error_finishes_the_handshake(void **state)
{
        (void)state;
        for (int how = 0; how < 3; how++) {
                int fd, epfd = epoll_create1(EPOLL_CLOEXEC);
                struct epoll_event event = {.events = EPOLLOUT};
                struct pollfd pfd;

                gate_set(GATE_GRANTS, 20);
                fd = begun();
                pfd = (struct pollfd){.fd = fd, .events = POLLOUT};
                if (how == 1)
                        poll(&pfd, 1, 0);
                if (how == 2)
                        assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
                assert_int_equal(error_of(fd), 0);
                assert_int_equal(raw_poll(fd, POLLOUT, 0, &pfd.revents), 1);
                assert_int_equal(pfd.revents, POLLOUT);
                if (how == 2) { /* the registration is the caller's own again */
                        assert_int_equal(epoll_wait(epfd, &event, 1, 10000), 1);
                        assert_int_equal(event.events, EPOLLOUT);
                }
                expect_tunnel(fd);
                close(fd);
                close(epfd);
        }
}

static void error_finishes_a_refusal(void **state)
{
        int fd;

        (void)state;
        gate_set(GATE_403, 20);
        fd = begun();
        assert_int_equal(error_of(fd), EACCES);
        assert_int_equal(error_of(fd), 0);
        close(fd);
}

/* Odd questions are answered as on a socket on which nothing is pending. */
static void odd_questions(void **state)
{
        int fd = stuck(), error = 4711, type = 0;
        socklen_t len = sizeof type;

        (void)state;
        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len), 0);
        assert_int_equal(type, SOCK_STREAM);
        len = 0;
        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
        assert_int_equal(error, 4711);
        assert_int_equal(len, 0);
        len = 1;
        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
        assert_int_equal(len, 1);
        assert_int_equal(error & 0xff, 0);
        len = sizeof error;
        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, NULL, &len), -1);
        assert_int_equal(errno, EFAULT);
        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, NULL), -1);
        assert_int_equal(errno, EFAULT);
        assert_int_equal(ioctl(fd, FIONBIO, NULL), -1);
        assert_int_equal(errno, EFAULT);
        assert_int_equal(getsockopt(fd, SOL_SOCKET, 9999, &error, &len), -1);
        assert_int_equal(errno, ENOPROTOOPT);
        assert_int_equal(begin(fd), EALREADY);
        close(fd);
}

/* ---- connect() again ---- */

static void again_while_tcp_is_down(void **state)
{
        int fd = stuck();

        (void)state;
        assert_int_equal(begin(fd), EALREADY);
        assert_int_equal(begin(fd), EALREADY);
        close(fd);
}

static const struct wait {
        const char *name;
        int how; /* 0: poll, 1: epoll, 2: SO_ERROR, 3: nothing but connect() */
} waits[] = {{"again_after_poll", 0},
             {"again_after_epoll", 1},
             {"again_after_so_error", 2},
             {"again_and_again", 3}};

static void again(void **state)
{
        const struct wait *row = *state;
        struct epoll_event event = {.events = EPOLLOUT};
        int epfd = epoll_create1(EPOLL_CLOEXEC), fd = tcp(SOCK_NONBLOCK), r;
        int64_t give_up = now_ms() + 10000;

        if (row->how == 1)
                assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
        assert_int_equal(begin(fd), EINPROGRESS);
        until_up(fd);
        if (mode == PRELOADED)
                assert_int_equal(begin(fd), EALREADY);
        gate_open();
        switch (row->how) {
        case 0:
                assert_true(ready(fd, POLLOUT));
                break;
        case 1:
                do
                        assert_int_equal(epoll_wait(epfd, &event, 1, 10000), 1);
                while (event.events & EPOLLHUP);
                break;
        case 2:
                if (mode != PRELOADED)
                        assert_true(ready(fd, POLLOUT));
                assert_int_equal(error_of(fd), 0);
                break;
        default:
                while ((r = begin(fd)) == EALREADY && now_ms() < give_up)
                        ;
                assert_int_equal(r, 0);
        }
        if (row->how != 3)
                assert_int_equal(begin(fd), 0);
        assert_int_equal(begin(fd), EISCONN);
        assert_int_equal(begin(fd), EISCONN);
        expect_tunnel(fd);
        assert_int_equal(atomic_load(&gate_now()->accepted), mode == PRELOADED);
        close(fd);
        close(epfd);
}

/* Another address the second time: still the same handshake. */
static void again_elsewhere(void **state)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, "203.0.113.99", 80, false);
        int fd = stuck();

        (void)state;
        assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), -1);
        assert_int_equal(errno, EALREADY);
        close(fd);
}

/* ---- getpeername() ---- */

static const struct peer {
        const char *name, *addr;
        uint16_t port;
        bool v6;
} peers[] = {
        {"peer_v4", FAR, 443, false},
        {"peer_v4_80", "203.0.113.77", 80, false},
        {"peer_v6", "2001:db8:10::7", 443, true},
        {"peer_mapped", FAR, 443, true},
};

static void peer(void **state)
{
        const struct peer *row = *state;
        struct sockaddr_storage sa, got, half;
        socklen_t len = address(&sa, row->addr, row->port, row->v6), n = sizeof got;
        int fd = socket(row->v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                        0),
            other;

        assert_int_equal(getpeername(fd, (struct sockaddr *)&got, &n), -1);
        assert_int_equal(errno, ENOTCONN);
        assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), -1);
        assert_int_equal(errno, EINPROGRESS);
        until_up(fd);
        if (mode == PRELOADED) {
                assert_int_equal(getpeername(fd, (struct sockaddr *)&got, &n), -1);
                assert_int_equal(errno, ENOTCONN);
        }
        gate_open();
        assert_true(ready(fd, POLLOUT));
        other = dup(fd);
        for (int i = 0; i < 2; i++) {
                memset(&got, 0, sizeof got);
                n = sizeof got;
                assert_int_equal(getpeername(i ? other : fd, (struct sockaddr *)&got, &n), 0);
                assert_int_equal(n, len);
                assert_memory_equal(&got, &sa, len);
        }
        /* no room for all of it */
        memset(&half, 0xee, sizeof half);
        n = 5;
        assert_int_equal(getpeername(fd, (struct sockaddr *)&half, &n), 0);
        assert_int_equal(n, len);
        assert_memory_equal(&half, &sa, 5);
        assert_int_equal(((unsigned char *)&half)[5], 0xee);
        n = sizeof got;
        assert_int_equal(getpeername(fd, NULL, &n), -1);
        assert_int_equal(errno, EFAULT);
        assert_int_equal(getpeername(fd, NULL, NULL), -1);
        assert_int_equal(errno, EFAULT);
        expect_tunnel(fd);
        close(other);
        close(fd);
}

static void peer_while_tcp_is_down(void **state)
{
        struct sockaddr_storage got;
        socklen_t len = sizeof got;
        int fd = stuck();

        (void)state;
        assert_int_equal(getpeername(fd, (struct sockaddr *)&got, &len), -1);
        assert_int_equal(errno, ENOTCONN);
        close(fd);
}

int main(int argc, char **argv)
{
        static struct table t;

        gate_enter(argc, argv);
        table_add(&t, "error_while_tcp_is_down", error_while_tcp_is_down, NULL);
        table_add(&t, "error_after_success", error_after_success, NULL);
        table_add(&t, "odd_questions", odd_questions, NULL);
        table_add(&t, "again_while_tcp_is_down", again_while_tcp_is_down, NULL);
        table_add(&t, "again_elsewhere", again_elsewhere, NULL);
        TABLE_ADD(&t, again, waits);
        TABLE_ADD(&t, peer, peers);
        table_add(&t, "peer_while_tcp_is_down", peer_while_tcp_is_down, NULL);
        if (mode == PRELOADED) {
                table_add(&t, "error_finishes_the_handshake", error_finishes_the_handshake, NULL);
                table_add(&t, "error_finishes_a_refusal", error_finishes_a_refusal, NULL);
        }
        return table_run_with("sockets", &t, setup);
}
