/* SPDX-License-Identifier: MIT */
/* poll() and select(): a wait shows what is there, all of it, and nothing of a handshake. */
#define _GNU_SOURCE
#include "model.h"

#include <poll.h>
#include <sys/select.h>

int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size);

enum { NAMED = 9, LONG = 300 };

static const short asked_for[] = {POLLOUT,
                                  POLLIN,
                                  POLLIN | POLLOUT,
                                  POLLIN | POLLOUT | POLLRDHUP,
                                  0,
                                  POLLRDNORM | POLLWRNORM,
                                  POLLRDHUP};

/* Something is due: a wait of any length must come back. Nothing is: one of none, or hardly any. */
static int length(bool due, unsigned how)
{
        return due ? (how & 1 ? LONG : 0) : (how & 7) == 7 ? 1 : 0;
}

static int poll_by(unsigned how, struct pollfd *fds, nfds_t n, int ms)
{
        const struct timespec ts = {ms / 1000, ms % 1000 * 1000000L};

        switch (how % 3) {
        case 0:
                return poll(fds, n, ms);
        case 1:
                return ppoll(fds, n, &ts, NULL);
        default:
                return __poll_chk(fds, n, ms, n * sizeof *fds);
        }
}

/* A: which of the first eight handles; B: events; C: how. */
bool op_poll(const struct op *op)
{
        struct pollfd fds[NAMED];
        short wanted[NAMED];
        unsigned named[NAMED];
        int n = 0, expected = 0, got;

        for (unsigned i = 0; i < 8; i++) {
                struct sock *s = sock_at(i);

                if (!(op->a >> i & 1) || !s || s->phase == LOST)
                        continue;
                named[n] = i;
                fds[n] = (struct pollfd){fd_at(i), asked_for[(op->b + i) % HF_LEN(asked_for)], 99};
                n++;
        }
        if (n == 0)
                return false;
        if (op->c & 8) { /* one of them twice */
                named[n] = named[0];
                fds[n++] = (struct pollfd){fds[0].fd, POLLIN | POLLOUT, 99};
        }
        for (int i = 0; i < n; i++) {
                struct sock *s = sock_at(named[i]);

                wanted[i] = (short)(model_mask(s) & (fds[i].events | POLLERR | POLLHUP));
                expected += wanted[i] != 0;
        }
        got = poll_by(op->c, fds, (nfds_t)n, length(expected > 0, op->c >> 4));
        for (int i = 0; i < n; i++) {
                struct sock *s = sock_at(named[i]);

                EXPECT(fds[i].revents == wanted[i], "poll shows %#x of %#x on handle %u, not %#x",
                       (unsigned)fds[i].revents, (unsigned)fds[i].events, named[i],
                       (unsigned)wanted[i]);
                s->waited |= s->phase == PENDING;
                model_look(s);
        }
        expect_result("poll", got, expected);
        return true;
}

#define SHOWS_READ (POLLIN | POLLRDNORM | POLLHUP | POLLERR)
#define SHOWS_WRITE (POLLOUT | POLLWRNORM | POLLERR)

bool op_select(const struct op *op)
{
        fd_set sets[3], wanted[3];
        int n = 0, expected = 0, ms, got;
        bool due = false;

        for (int i = 0; i < 3; i++) {
                FD_ZERO(&sets[i]);
                FD_ZERO(&wanted[i]);
        }
        for (unsigned i = 0; i < 8; i++) {
                struct sock *s = sock_at(i);
                unsigned ask = (op->b + i) % 4;
                short mask;

                if (!(op->a >> i & 1) || !s || s->phase == LOST)
                        continue;
                if (fd_at(i) >= n)
                        n = fd_at(i) + 1;
                mask = model_mask(s);
                if (ask != 1) {
                        FD_SET(fd_at(i), &sets[0]);
                        if (mask & SHOWS_READ)
                                FD_SET(fd_at(i), &wanted[0]);
                        due |= mask & SHOWS_READ;
                }
                if (ask != 0) {
                        FD_SET(fd_at(i), &sets[1]);
                        if (mask & SHOWS_WRITE)
                                FD_SET(fd_at(i), &wanted[1]);
                        due |= mask & SHOWS_WRITE;
                }
                if (ask == 3)
                        FD_SET(fd_at(i), &sets[2]);
                s->waited |= s->phase == PENDING;
                model_look(s);
        }
        if (n == 0)
                return false;
        for (int fd = 0; fd < n; fd++)
                expected += !!FD_ISSET(fd, &wanted[0]) + !!FD_ISSET(fd, &wanted[1]);
        ms = length(due, op->c >> 4);
        if (op->c & 1) {
                const struct timespec ts = {ms / 1000, ms % 1000 * 1000000L};

                got = pselect(n, &sets[0], &sets[1], &sets[2], &ts, NULL);
        } else {
                struct timeval tv = {ms / 1000, ms % 1000 * 1000L};

                got = select(n, &sets[0], &sets[1], &sets[2], &tv);
        }
        for (int fd = 0; fd < n; fd++)
                for (int i = 0; i < 3; i++)
                        EXPECT(!FD_ISSET(fd, &sets[i]) == !FD_ISSET(fd, &wanted[i]),
                               "select %s %d in its set %d",
                               FD_ISSET(fd, &sets[i]) ? "has" : "lacks", fd, i);
        expect_result("select", got, expected);
        return true;
}

/* ---- time ---- */

/* The handshake's time is up while the program waits for something else to happen. A: a handle; C:
 * how it waits. */
bool op_expire(const struct op *op)
{
        struct sock *s = sock_at(op->a);
        int fd = fd_at(op->a), error = 0;
        int64_t last = 0;
        struct pollfd pfd = {.fd = fd, .events = POLLOUT};
        socklen_t len = sizeof error;
        char byte;

        if (!with_timeouts || !tunnelled() || !s || s->phase != PENDING || s->foreign)
                return false;
        for (unsigned i = 0; i < SOCKS; i++) /* the last one to begin */
                if (model.socks[i].handles && model.socks[i].phase == PENDING &&
                    (model.socks[i].since > s->since || model.socks[i].foreign))
                        return false;
        if ((op->c % 4 == 2 && !model_is_up(s)) || (op->c % 4 == 3 && !model_finishes(s)))
                return false;
        note_expired();
        switch (op->c % 4) {
        case 0:
                expect_result("poll until the time is up", poll(&pfd, 1, 60 * TIMEOUT_MS), 1);
                EXPECT(pfd.revents == (POLLOUT | POLLERR | POLLHUP), "it shows %#x",
                       (unsigned)pfd.revents);
                break;
        case 1:
                pfd.events = POLLIN | POLLRDHUP;
                expect_result("ppoll until the time is up", ppoll(&pfd, 1, NULL, NULL), 1);
                EXPECT(pfd.revents == (POLLIN | POLLRDHUP | POLLERR | POLLHUP), "it shows %#x",
                       (unsigned)pfd.revents);
                break;
        case 2:
                expect_result("getsockopt", getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
                EXPECT(error == ETIMEDOUT, "SO_ERROR is %d", error);
                break;
        default:
                expect_result("recv", recv(fd, &byte, 1, 0), -ETIMEDOUT);
                break;
        }
        for (unsigned i = 0; i < SOCKS; i++)
                if (model.socks[i].handles && model.socks[i].phase == PENDING &&
                    model.socks[i].begun > last)
                        last = model.socks[i].begun;
        while (now_ms() < last + TIMEOUT_MS + 2) /* for those that began with it */
                ;
        for (unsigned i = 0; i < HANDLES; i++) { /* those of which nobody has looked yet */
                const struct op looks = {.a = (uint8_t)i};

                if (sock_at(i) && sock_at(i)->phase == PENDING && sock_at(i) != s)
                        op_peer(&looks);
        }
        for (unsigned i = 0; i < SOCKS; i++)
                if (model.socks[i].handles && model.socks[i].phase == PENDING) {
                        model.socks[i].phase = FAILED;
                        model.socks[i].error = ETIMEDOUT;
                        model_edge(&model.socks[i], UINT32_MAX);
                }
        if (op->c % 4 > 1)
                model_told(s, false);
        return true;
}
