/* SPDX-License-Identifier: MIT */
/* Ways of programs that use no waiting call at all: they try again and again. */
#define _GNU_SOURCE
#include "waits.h"

#include <sys/uio.h>
#include <unistd.h>

/* ---- moving data ---- */

static ssize_t by_send(int fd)
{
        return send(fd, EARLY, strlen(EARLY), MSG_NOSIGNAL);
}

static ssize_t by_send_dontwait(int fd)
{
        return send(fd, EARLY, strlen(EARLY), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static ssize_t by_write(int fd)
{
        return write(fd, EARLY, strlen(EARLY));
}

static ssize_t by_sendmsg(int fd)
{
        struct iovec iov[2] = {{(void *)(uintptr_t)EARLY, 3},
                               {(void *)(uintptr_t)(EARLY + 3), strlen(EARLY) - 3}};
        const struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

        return sendmsg(fd, &msg, MSG_NOSIGNAL);
}

static ssize_t by_recv(int fd)
{
        char buf[64];

        return recv(fd, buf, strlen(BANNER), 0);
}

static ssize_t by_read(int fd)
{
        char buf[64];

        return read(fd, buf, strlen(BANNER));
}

static ssize_t by_chk_recv(int fd)
{
        char buf[64];

        return chk_recv(fd, buf, strlen(BANNER));
}

static ssize_t by_chk_read(int fd)
{
        char buf[64];

        return chk_read(fd, buf, strlen(BANNER));
}

static void try_again(struct cell *c, ssize_t (*move)(int fd), size_t n)
{
        int64_t start = now_ms();
        ssize_t r;

        while ((r = move(c->fds[0])) < 0 && errno == EAGAIN) {
                left(start);
                came_by(c);
        }
        expect_error(c, 0, r < 0 ? errno : 0);
        if (r >= 0)
                assert_int_equal(r, n);
}

static void send_at_once(struct cell *c)
{
        begin(c, 0);
        try_again(c, c->way->move, strlen(EARLY));
        c->sent_early = !c->error;
}

static void read_at_once(struct cell *c)
{
        begin(c, 0);
        try_again(c, c->way->move, strlen(BANNER));
        c->took_banner = !c->error;
}

/* ---- asking ---- */

/* The oldest way of all. */
static void connect_again(struct cell *c)
{
        int64_t start = now_ms();
        int r;

        begin(c, 0);
        do {
                left(start);
                came_by(c);
                r = connect(c->fds[0], (struct sockaddr *)&c->to, c->len);
        } while (r < 0 && errno == EALREADY);
        expect_error(c, 0, r < 0 ? errno : 0);
}

/* Until it is not 0; one that stands is found by sending. */
static void so_error_again(struct cell *c)
{
        int64_t start = now_ms();
        int error = 0;
        socklen_t len = sizeof error;

        begin(c, 0);
        do {
                left(start);
                came_by(c);
                assert_int_equal(getsockopt(c->fds[0], SOL_SOCKET, SO_ERROR, &error, &len), 0);
        } while (c->error && error == 0);
        expect_error(c, 0, error);
        if (!c->error) {
                try_again(c, by_send, strlen(EARLY));
                c->sent_early = true;
        }
}

const struct way hasty_ways[] = {
        {"send_at_once", send_at_once, .move = by_send},
        {"send_dontwait_at_once", send_at_once, .move = by_send_dontwait},
        {"write_at_once", send_at_once, .move = by_write},
        {"sendmsg_at_once", send_at_once, .move = by_sendmsg},
        {"recv_at_once", read_at_once, .move = by_recv, .is = READS_ONLY},
        {"recv_chk_at_once", read_at_once, .move = by_chk_recv, .is = READS_ONLY},
        {"read_at_once", read_at_once, .move = by_read, .is = READS_ONLY},
        {"read_chk_at_once", read_at_once, .move = by_chk_read, .is = READS_ONLY},
        {"connect_again", connect_again, .is = ASKS_AGAIN},
        {"so_error_again", so_error_again, .is = 0},
        {0},
};
