/* SPDX-License-Identifier: MIT */
/* What a program does with a socket, but for moving data and waiting. */
#define _GNU_SOURCE
#include "model.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

bool op_open(const struct op *op)
{
        int handle = free_handle(), fd;
        unsigned i = 0;

        while (i < SOCKS && model.socks[i].handles)
                i++;
        if (handle < 0 || i == SOCKS)
                return false;
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (op->b < 7 ? SOCK_NONBLOCK : 0), 0);
        EXPECT(fd >= 0 && fd < 256, "socket gave %d: %s", fd, strerror(errno));
        model.socks[i] = (struct sock){.blocking = op->b == 7, .far.fd = -1};
        far_hurry(fd); /* or the far end would have to wait for acknowledgements */
        model_give((unsigned)handle, fd, i);
        return true;
}

static long connect_it(const struct op *op, const struct sock *s)
{
        struct sockaddr_in sa;

        far_address(&sa, s);
        return connect(fd_at(op->a), (struct sockaddr *)&sa, sizeof sa);
}

/* A far end of before is done with. */
static void start(struct sock *s, enum way way)
{
        if (s->far.fd >= 0)
                far_close(s, true);
        s->far = (struct far){.fd = -1};
        way = far_way(way);
        s->way = (uint8_t)way;
        s->number = model.connections++;
        s->held = way == TO_TUN || way == TO_TUN_DEAD;
        s->greeted = s->settled = s->waited = s->shut = s->reset = s->edgy = s->foreign = false;
        s->error = 0;
        s->looked = 0;
        s->since = now_ms();
        far_choose(way);
        if (known.oneshots && tunnelled())
                model_fuzz(s);
}

/* B: the way. */
bool op_connect(const struct op *op)
{
        struct sock *s = sock_at(op->a);

        if (!s || s->phase != IDLE || s->blocking)
                return false;
        start(s, op->b < 4 ? TO_LO : op->b < 8 ? TO_TUN : op->b == 8 ? TO_LO_DEAD : TO_TUN_DEAD);
        expect_result("connect", connect_it(op, s), -EINPROGRESS);
        s->begun = now_ms();
        s->phase = PENDING;
        far_known(s);
        return true;
}

/* B: the way; C: what comes of it. */
bool op_connect_blocking(const struct op *op)
{
        struct sock *s = sock_at(op->a);
        enum action action = tunnelled() || op->c % ACTIONS == GRANT_AND_SPEAK
                                     ? (enum action)(op->c % ACTIONS)
                                     : GRANT;
        long r;

        if (!s || s->phase != IDLE || !s->blocking)
                return false;
        start(s, op->b < 4 ? TO_LO : op->b < 8 ? TO_TUN : TO_LO_DEAD);
        s->phase = PENDING;
        if (s->way == TO_LO_DEAD) {
                expect_result("blocking connect", connect_it(op, s), -ECONNREFUSED);
                s->phase = IDLE;
                model_edge(s, UINT32_MAX);
                return true;
        }
        far_help(s, action);
        r = connect_it(op, s);
        far_help_end();
        while (r == 0 && !far_accepted(s))
                ;
        far_settle();
        model_update();
        EXPECT(s->phase == UP || s->phase == FAILED, "blocking connect came back too early");
        expect_result("blocking connect", r, s->phase == UP ? 0 : -s->error);
        if (s->phase == FAILED)
                model_told(s, true);
        s->settled = true;
        return true;
}

/* connect() on a socket that was connecting, or is connected. */
bool op_again(const struct op *op)
{
        struct sock *s = sock_at(op->a);
        int error;

        if (!s || s->phase == IDLE || s->phase == LOST || (s->phase == PENDING && s->blocking))
                return false;
        error = s->error ? s->error : ECONNABORTED;
        switch ((enum phase)s->phase) {
        case PENDING:
                expect_result("connect again", connect_it(op, s), -EALREADY);
                return true;
        case FAILED:
        case DEAD:
                expect_result("connect after a failure", connect_it(op, s), -error);
                model_told(s, true);
                if (!tunnelled())
                        model_edge(s, EPOLLERR);
                return true;
        case UP:
                if (model_is_closed(s) && !s->settled) {
                        expect_result("connect after a reset", connect_it(op, s), -error);
                        s->phase = IDLE;
                        s->error = 0;
                        model_edge(s, EPOLLERR); /* as the kernel disconnects it */
                        return true;
                }
                expect_result("connect again", connect_it(op, s), s->settled ? -EISCONN : 0);
                s->settled = true;
                return true;
        case IDLE:
        case LOST:
                break;
        }
        return false;
}

/* C: what the far end does meanwhile, where the call waits for the handshake. */
bool op_so_error(const struct op *op)
{
        struct sock *s = sock_at(op->a);
        int error = -1;
        socklen_t len = sizeof error;
        bool finishes;

        if (!s || s->phase == LOST)
                return false;
        /* (It does not matter here whether a wait was seen.) */
        finishes = tunnelled() && s->phase == PENDING && model_is_up(s);
        if (finishes)
                far_help(s, (enum action)(op->c % ACTIONS));
        expect_result("getsockopt", getsockopt(fd_at(op->a), SOL_SOCKET, SO_ERROR, &error, &len),
                      0);
        if (finishes) {
                far_help_end();
                far_settle();
                model_update();
        }
        if (s->phase == LOST) /* another process began it */
                return true;
        EXPECT(error == s->error && len == sizeof error, "SO_ERROR is %d, not %d", error, s->error);
        EXPECT(!finishes || s->phase != PENDING, "SO_ERROR came back too early");
        if (s->phase == FAILED)
                model_told(s, false);
        s->error = 0;
        return true;
}

bool op_peer(const struct op *op)
{
        struct sock *s = sock_at(op->a);
        struct sockaddr_in sa = {0}, wanted;
        socklen_t len = sizeof sa;
        long r;

        if (!s || s->phase == LOST)
                return false;
        r = getpeername(fd_at(op->a), (struct sockaddr *)&sa, &len);
        if (s->phase != UP || model_is_closed(s)) {
                expect_result("getpeername", r, -ENOTCONN);
                return true;
        }
        far_address(&wanted, s);
        expect_result("getpeername", r, 0);
        EXPECT(sa.sin_addr.s_addr == wanted.sin_addr.s_addr && sa.sin_port == wanted.sin_port,
               "getpeername gives another address");
        return true;
}

bool op_shutdown(const struct op *op)
{
        struct sock *s = sock_at(op->a);

        if (!s || s->phase != UP || s->shut || model_is_closed(s))
                return false;
        expect_result("shutdown", shutdown(fd_at(op->a), SHUT_WR), 0);
        s->shut = s->settled = s->edgy = true;
        model_edge(s, UINT32_MAX);
        return true;
}

/* ---- flags ---- */

/* C: as above; B: how. */
bool op_block(const struct op *op)
{
        struct sock *s = sock_at(op->a);
        bool finishes;
        int off = 0, fd = fd_at(op->a);

        if (!s || s->blocking || s->phase == LOST)
                return false;
        if (!tunnelled() && s->phase == PENDING)
                return false;
        finishes = s->phase == PENDING;
        if (finishes && s->way > TO_TUN)
                return false;
        if (finishes)
                far_help(s, (enum action)(op->c % ACTIONS));
        if (op->b & 1)
                expect_result("ioctl", ioctl(fd, FIONBIO, &off), 0);
        else
                expect_result("fcntl", fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK), 0);
        s->blocking = true;
        if (!finishes)
                return true;
        far_help_end();
        far_settle();
        model_update();
        EXPECT(s->phase != PENDING, "O_NONBLOCK was cleared before the end");
        return true;
}

bool op_unblock(const struct op *op)
{
        struct sock *s = sock_at(op->a);
        int on = 1, fd = fd_at(op->a);

        if (!s || !s->blocking)
                return false;
        if (op->b & 1)
                expect_result("ioctl", ioctl(fd, FIONBIO, &on), 0);
        else
                expect_result("fcntl", fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
        s->blocking = false;
        return true;
}

/* ---- descriptors ---- */

/* B: how; C: a handle to be replaced. */
bool op_dup(const struct op *op)
{
        struct sock *s = sock_at(op->a);
        unsigned sock = (unsigned)(s - model.socks);
        int fd = fd_at(op->a), to, handle = free_handle();
        bool replaces = op->b < 2 && op->c != op->a && sock_at(op->c);

        if (!s || s->handles >= ALIASES || (!replaces && handle < 0))
                return false;
        if (replaces && sock_at(op->c) == s) /* its registrations would survive that */
                return false;
        switch (replaces ? op->b : op->b % 4 + 2) {
        case 0:
                to = dup2(fd, fd_at(op->c));
                break;
        case 1:
                to = dup3(fd, fd_at(op->c), O_CLOEXEC);
                break;
        case 2:
                to = dup(fd);
                break;
        case 3:
                to = fcntl(fd, F_DUPFD, 0);
                break;
        default:
                to = fcntl(fd, F_DUPFD_CLOEXEC, 3);
                break;
        }
        EXPECT(to >= 0 && to < 256, "a duplicate is %d: %s", to, strerror(errno));
        if (replaces) {
                EXPECT(to == fd_at(op->c), "dup2 gave %d, not %d", to, fd_at(op->c));
                s->handles++; /* it may be the same socket's */
                model_close_handle(op->c);
                s->handles--;
                handle = op->c;
        }
        model_give((unsigned)handle, to, sock);
        return true;
}

bool op_close(const struct op *op)
{
        if (!sock_at(op->a))
                return false;
        expect_result("close", close(fd_at(op->a)), 0);
        model_close_handle(op->a);
        return true;
}

static bool is_set(int fd)
{
        for (unsigned i = 0; i < SETS; i++)
                if (model.sets[i].fd == fd)
                        return true;
        return false;
}

static int handle_of(int fd)
{
        for (int i = 0; i < HANDLES; i++)
                if (model.handles[i].fd == fd)
                        return i;
        return -1;
}

/* From A's descriptor on, B more of them at most: as long as they are sockets of ours. */
bool op_close_range(const struct op *op)
{
        int first = fd_at(op->a), last = first;

        if (!sock_at(op->a))
                return false;
        while (last - first < op->b && handle_of(last + 1) >= 0 && !is_set(last + 1))
                last++;
        expect_result("close_range", close_range((unsigned)first, (unsigned)last, 0), 0);
        for (int fd = first; fd <= last; fd++)
                model_close_handle((unsigned)handle_of(fd));
        return true;
}
