/* SPDX-License-Identifier: MIT */
/* Bytes, numbered. */
#define _GNU_SOURCE
#include "model.h"

#include <sys/uio.h>

enum { MOST = 700 };

/* What a call that moves data gives before anything can move; false: data can move. */
static bool refused(struct sock *s, long *ret_result)
{
        switch ((enum phase)s->phase) {
        case PENDING:
                *ret_result = -EAGAIN;
                return true;
        case FAILED:
                *ret_result = -s->error;
                model_told(s, false);
                return true;
        case IDLE:
        case DEAD:
        case LOST:
        case UP:
                break;
        }
        return false;
}

static long write_error(struct sock *s)
{
        int error = s->error;

        s->error = 0;
        return error ? -error : -EPIPE;
}

static long send_by(unsigned how, int fd, unsigned char *text, size_t n)
{
        struct iovec iov[2] = {{text, n / 2}, {text + n / 2, n - n / 2}};
        struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

        switch (how % 6) {
        case 0:
                return send(fd, text, n, MSG_NOSIGNAL);
        case 1:
                return write(fd, text, n);
        case 2:
                return writev(fd, iov, 2);
        case 3:
                return sendmsg(fd, &msg, MSG_NOSIGNAL);
        case 4:
                return send(fd, text, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        default:
                return sendto(fd, text, n, MSG_NOSIGNAL, NULL, 0);
        }
}

static long recv_by(unsigned how, int fd, unsigned char *text, size_t n)
{
        struct iovec iov[2] = {{text, n / 2}, {text + n / 2, n - n / 2}};
        struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
        long r;

        switch (how % 7) {
        case 0:
                return recv(fd, text, n, 0);
        case 1:
                return read(fd, text, n);
        case 2:
                return readv(fd, iov, 2);
        case 3:
                return recvmsg(fd, &msg, 0);
        case 4:
                return recv(fd, text, n, MSG_DONTWAIT);
        case 5:
                r = recv(fd, text, n, MSG_PEEK);
                return r < 0 ? r : recv(fd, text, n, 0);
        default:
                return recvfrom(fd, text, n, 0, NULL, NULL);
        }
}

/* Before and after a call that may have to wait for the handshake. */
static bool begin_call(struct sock *s, unsigned action)
{
        bool finishes = model_finishes(s);

        if (finishes)
                far_help(s, (enum action)(action % ACTIONS));
        return finishes;
}

static void end_call(bool finishes)
{
        int saved = errno;

        if (finishes) {
                far_help_end();
                far_settle();
                model_update();
        }
        errno = saved;
}

/* B: how; C: how many bytes, and what the far end does meanwhile. */
bool op_send(const struct op *op)
{
        struct sock *s = sock_at(op->a);
        unsigned char text[MOST];
        size_t n = op->c * 2U + 1;
        long r, result;
        bool finishes;

        if (!s || s->phase == LOST || (s->blocking && s->phase == PENDING))
                return false;
        for (size_t i = 0; i < n; i++)
                text[i] = model_byte(s->number, 0, (s->phase == UP ? s->tx : 0) + i);
        finishes = begin_call(s, op->c);
        r = send_by(op->b, fd_at(op->a), text, n);
        end_call(finishes);
        if (s->phase == LOST) /* another process began it, and this one may not end it */
                return true;
        if (!refused(s, &result)) {
                /* Whoever was reset while the call was on its way has sent into the void. */
                if (s->phase == UP && finishes && s->reset && r == (long)n)
                        result = (long)n;
                else if (s->phase == UP && !s->reset && !s->shut)
                        result = (long)n;
                else
                        result = write_error(s);
        }
        expect_result("send", r, result);
        if (r > 0)
                s->tx += (size_t)r;
        return true;
}

bool op_recv(const struct op *op)
{
        struct sock *s = sock_at(op->a);
        unsigned char text[MOST];
        size_t n = op->c * 2U + 1, there;
        long r, result;
        bool finishes;

        if (!s || s->phase == LOST || (s->blocking && s->phase == PENDING))
                return false;
        if (s->blocking && s->phase == UP && op->b % 7 != 4 && !model_readable(s) && !s->far.fin &&
            !s->reset)
                return false; /* it would wait */
        finishes = begin_call(s, op->c);
        /* (A banner comes with the reply or not at all: far_help().) */
        r = recv_by(op->b, fd_at(op->a), text, n);
        end_call(finishes);
        if (s->phase == LOST) /* another process began it, and this one may not end it */
                return true;
        if (!refused(s, &result)) {
                there = s->phase == UP ? model_readable(s) : 0;
                if (there > 0)
                        result = (long)(n < there ? n : there);
                else if (s->phase == DEAD || (s->phase == UP && s->far.fin))
                        result = 0;
                else if (s->phase == IDLE)
                        result = -ENOTCONN;
                else if (s->error)
                        result = write_error(s);
                else
                        result = s->reset ? 0 : -EAGAIN;
        }
        expect_result("recv", r, result);
        for (long i = 0; i < r; i++) {
                unsigned char wanted = model_byte(s->number, 1, s->rx + (size_t)i);

                EXPECT(text[i] == wanted, "byte %zu that came is %d, not %d", s->rx + (size_t)i,
                       text[i], wanted);
        }
        if (r > 0)
                s->rx += (size_t)r;
        return true;
}
