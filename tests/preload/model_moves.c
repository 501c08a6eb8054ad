/* SPDX-License-Identifier: MIT */
/* What the far end does, and what it checks: the program's bytes reach it in order, and not one
 * before its reply. */
#define _GNU_SOURCE
#include "model.h"

#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>

static long raw(long nr, long a, long b, long c, long d)
{
        return raw_call(nr, a, b, c, d, 0);
}

/* ---- what it says ---- */

static unsigned char byte_at(const struct sock *s, size_t i)
{
        const struct reply *reply = reply_of(s);
        size_t head = reply ? reply->length : 0;

        return i < head ? (unsigned char)reply->text[i] : model_byte(s->number, 1, i - head);
}

void far_say(struct sock *s, size_t n)
{
        unsigned char text[2048];
        long r;

        for (size_t i = 0; i < n; i++)
                text[i] = byte_at(s, s->far.sent + i);
        r = raw_call(SYS_sendto, s->far.fd, (long)text, (long)n, MSG_NOSIGNAL, 0);
        if (r > 0)
                s->far.sent += (size_t)r;
        if (s->phase == UP)
                model_edge(s, EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND);
}

void far_fin(struct sock *s)
{
        raw(SYS_shutdown, s->far.fd, SHUT_WR, 0, 0);
        s->far.fin = true;
        if (s->phase == UP)
                model_edge(s, UINT32_MAX);
}

static uint64_t client_sent(const struct sock *s);

void far_close(struct sock *s, bool reset)
{
        const struct linger hard = {.l_onoff = 1};
        int unread = 0;

        s->far.sent_at_end = client_sent(s);
        raw(SYS_ioctl, s->far.fd, FIONREAD, (long)&unread, 0);
        if (reset)
                raw_call(SYS_setsockopt, s->far.fd, SOL_SOCKET, SO_LINGER, (long)&hard,
                         sizeof hard);
        raw(SYS_close, s->far.fd, 0, 0, 0);
        s->far.fd = -1;
        s->far.gone = true;
        if (reset || unread > 0) {
                s->far.reset = true; /* what is closed over unread bytes is reset */
        } else if (!s->far.fin) {
                s->far.fin = true;
                if (s->phase == UP)
                        model_edge(s, UINT32_MAX);
        }
}

/* ---- what it hears ---- */

static size_t request_of(const struct sock *s, char *text, size_t size)
{
        struct sockaddr_in sa;
        char target[32];

        if (!tunnelled())
                return 0;
        far_address(&sa, s);
        if (world->protocol == SOCKS4) {
                memcpy(text, "\x04\x01", 2);
                memcpy(text + 2, &sa.sin_port, 2);
                memcpy(text + 4, &sa.sin_addr, 4);
                memcpy(text + 8, "u", 2);
                return 10;
        }
        snprintf(target, sizeof target, "203.0.113.%d:%d", (int)(ntohl(sa.sin_addr.s_addr) & 255),
                 ntohs(sa.sin_port));
        return (size_t)snprintf(text, size,
                                "CONNECT %s HTTP/1.1\r\nHost: %s\r\n"
                                "Proxy-Authorization: Basic dTpwQHNz\r\n\r\n",
                                target, target);
}

static uint64_t client_sent(const struct sock *s)
{
        char text[256];

        return s->phase == UP ? request_of(s, text, sizeof text) + s->tx
               : s->greeted   ? request_of(s, text, sizeof text)
                              : 0;
}

static void expect_next(struct sock *s, const unsigned char *bytes, size_t n)
{
        char request[256];
        size_t head = request_of(s, request, sizeof request);
        size_t most = head + (s->phase == UP || s->phase == LOST ? s->tx : 0);

        EXPECT(s->far.got + n <= most, "the far end of connection %d got %zu bytes, not %zu",
               s->number, s->far.got + n, most);
        for (size_t i = 0; i < n; i++, s->far.got++) {
                unsigned char wanted = s->far.got < head
                                               ? (unsigned char)request[s->far.got]
                                               : model_byte(s->number, 0, s->far.got - head);

                EXPECT(bytes[i] == wanted, "byte %zu at the far end of connection %d is %d, not %d",
                       s->far.got, s->number, bytes[i], wanted);
        }
}

/* How it ended: 1 nothing more yet, 0 closed, negative reset. */
static long read_all(struct sock *s)
{
        unsigned char bytes[4096];
        long r;

        while ((r = raw_call(SYS_recvfrom, s->far.fd, (long)bytes, sizeof bytes, MSG_DONTWAIT, 0)) >
               0)
                expect_next(s, bytes, (size_t)r);
        return r == -EAGAIN ? 1 : r;
}

void far_read(struct sock *s)
{
        long end = read_all(s);

        EXPECT(end == 1 || s->shut || s->phase == FAILED || s->phase == IDLE || s->phase == DEAD ||
                       s->phase == LOST,
               "the far end of connection %d was told that it is over", s->number);
        EXPECT(s->phase == LOST || s->far.got >= client_sent(s) || end < 0,
               "the far end of connection %d got %zu bytes of %zu", s->number, s->far.got,
               (size_t)client_sent(s));
}

void far_leave(struct sock *s)
{
        int64_t until = now_ms() + 3000;
        uint64_t sent = s->phase == LOST ? 0 : client_sent(s);
        long end;

        if (s->far.port && !s->far.gone && !model.over && (s->greeted || s->phase == UP)) {
                while (!far_accepted(s))
                        EXPECT(now_ms() < until, "connection %d did not arrive", s->number);
                while ((end = read_all(s)) == 1) {
                        far_accepted(s); /* carries packets */
                        EXPECT(model.is_child || now_ms() < until,
                               "the far end of connection %d is not told that it is closed",
                               s->number);
                        if (model.is_child) /* the parent has it, too */
                                break;
                        sched_yield();
                }
                EXPECT(s->far.got >= sent || s->phase != UP,
                       "the far end of connection %d got %zu bytes in all, not %zu", s->number,
                       s->far.got, (size_t)sent);
        }
        far_drop(s);
        if (s->far.fd >= 0)
                far_close(s, true);
        *s = (struct sock){.far.fd = -1};
}

/* ---- another thread of it, for calls that wait ---- */

static struct {
        pthread_t thread;
        struct sock *sock;
        enum action action;
        _Atomic(bool) end;
} helper;

static const struct reply *choose(struct sock *s, bool refuses)
{
        if (tunnelled() && !s->far.reply)
                s->far.reply = refuses ? 6 : 1;
        return reply_of(s);
}

static void act(struct sock *s, enum action action)
{
        const struct reply *reply = choose(s, action == REFUSE);
        size_t whole = reply ? reply->length : 0;

        if (tunnelled() && (action == CLOSE || action == RESET)) {
                far_close(s, action == RESET);
                return;
        }
        if (action == GRANT_AND_SPEAK && (!reply || !reply->error))
                whole += 5;
        if (whole > s->far.sent)
                far_say(s, whole - s->far.sent);
}

static void *help(void *unused)
{
        unsigned turns = 0;
        bool done = false;

        (void)unused;
        while (!atomic_load(&helper.end)) {
                /* (Not at once: a call that does not wait for us should be seen not to.) */
                if (far_accepted(helper.sock) && !done && turns++ >= 50) {
                        act(helper.sock, helper.action);
                        done = true;
                }
                sched_yield();
        }
        return NULL;
}

void far_help(struct sock *s, enum action action)
{
        helper.sock = s;
        helper.action = action;
        atomic_store(&helper.end, false);
        far_release(s);
        if (pthread_create(&helper.thread, NULL, help, NULL) != 0)
                model_fail("no thread");
}

void far_help_end(void)
{
        atomic_store(&helper.end, true);
        pthread_join(helper.thread, NULL);
}

/* ---- operations ---- */

/* Its socket, if it has a far end that can do something. (Who has just sent the request does not
 * look for a reply in the same step, as there can be none: so none comes before it.) */
static struct sock *far_at(const struct op *op)
{
        struct sock *s = sock_at(op->a);

        if (!s || !s->far.port || s->held || s->way > TO_TUN || !far_accepted(s))
                return NULL;
        return tunnelled() && s->phase == PENDING && !s->greeted ? NULL : s;
}

bool op_release(const struct op *op)
{
        struct sock *s = sock_at(op->a);

        if (!s || !s->held || s->phase != PENDING)
                return false;
        far_release(s);
        return true;
}

/* B: which; C: how many bytes of it now. All, and more, the more often. */
bool op_reply(const struct op *op)
{
        struct sock *s = far_at(op);
        const struct reply *reply;
        size_t left, n;

        if (!s || s->far.fin || !tunnelled() || s->phase == LOST)
                return false;
        if (!s->far.reply)
                s->far.reply = (uint8_t)(op->b % reply_count + 1);
        reply = reply_of(s);
        if (s->far.sent >= reply->length)
                return false;
        left = reply->length - s->far.sent;
        n = op->c < 16 ? (size_t)op->c * op->c + 1 : left;
        if (op->c >= 24 && !reply->error)
                n = left + op->c;
        else if (n > left)
                n = left;
        far_say(s, n);
        return true;
}

bool op_say(const struct op *op)
{
        struct sock *s = far_at(op);

        if (!s || s->far.fin || s->phase != UP || s->reset)
                return false;
        far_say(s, op->c * 3U + 1);
        return true;
}

/* Part of a reply and the end behind it take two steps, and so may show one look later. */
static bool may_end(const struct sock *s)
{
        return s->phase != PENDING || !tunnelled() || s->looked == s->far.sent;
}

bool op_fin(const struct op *op)
{
        struct sock *s = far_at(op);

        if (!s || !may_end(s) || s->far.fin || s->phase == FAILED || s->phase == IDLE ||
            s->phase == DEAD || s->phase == LOST)
                return false;
        far_fin(s);
        return true;
}

static bool end(const struct op *op, bool reset)
{
        struct sock *s = far_at(op);

        if (!s || s->phase == LOST || !may_end(s))
                return false;
        if (reset || op->b & 1) /* what is closed over unread bytes is reset */
                far_read(s);
        far_close(s, reset);
        return true;
}

bool op_gone(const struct op *op)
{
        return end(op, false);
}

bool op_reset(const struct op *op)
{
        return end(op, true);
}

bool op_read(const struct op *op)
{
        struct sock *s = far_at(op);

        if (!s || s->reset)
                return false;
        far_read(s);
        return true;
}
