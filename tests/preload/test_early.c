/* SPDX-License-Identifier: MIT */
/* Data before the tunnel stands: every call that moves some, in programs that wait, that only
 * registered, and that do neither. No byte reaches the proxy outside the tunnel, none of the
 * handshake reaches the program, none is lost or comes twice. */
#define _GNU_SOURCE
#include "gate.h"
#include "calls.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>

static int setup(void **state)
{
        const struct call *const *row = *state;

        /* one that reads is spoken to first */
        gate_set(row && !(*row)->writes ? GATE_BANNER : GATE_GRANTS, -1);
        return 0;
}

/* ---- what a call gives ---- */

static void expect_again(const struct call *call, int fd)
{
        char buf[64] = "early";
        ssize_t r;

        errno = 0;
        r = call->move(fd, buf, 5);
        if (r != -1 || errno != EAGAIN)
                fail_msg("%zd, %s, not EAGAIN", r, strerror(errno));
}

static void expect_moved(const struct call *call, int fd)
{
        const char *text = call->writes ? "words" : BANNER;
        char buf[64];
        ssize_t r;

        memset(buf, 0, sizeof buf);
        if (call->writes)
                memcpy(buf, text, strlen(text));
        errno = 0;
        r = call->move(fd, buf, call->writes ? strlen(text) : sizeof buf);
        if (r != (ssize_t)strlen(text))
                fail_msg("%zd, %s, not %zu bytes", r, strerror(errno), strlen(text));
        if (call->writes)
                expect_read(fd, text);
        else
                assert_memory_equal(buf, text, strlen(text));
}

/* After the wait. */
static void expect_works(const struct call *call, int fd)
{
        if (!call->writes) {
                /* without a proxy the server has to be asked for its words */
                if (mode != PRELOADED)
                        assert_int_equal(
                                raw_call(SYS_sendto, fd, (long)BANNER, strlen(BANNER), 0, 0),
                                strlen(BANNER));
                assert_true(ready(fd, POLLIN));
        }
        expect_moved(call, fd);
        expect_tunnel(fd);
}

/* A socket whose handshake is under way, or without a proxy one for which the kernel waits. */
static int held(void)
{
        int fd;

        if (mode == PRELOADED)
                return begun();
        fd = tcp(SOCK_NONBLOCK);
        assert_int_equal(begin_stuck(fd), EINPROGRESS);
        return fd;
}

/* It may go on; without a proxy another one takes its place, at its number. */
static void let_go(int fd)
{
        if (mode == PRELOADED) {
                gate_open();
                return;
        }
        int other = begun();

        assert_int_equal(dup2(other, fd), fd);
        close(other);
}

/* ---- programs ---- */

/* TCP itself is not up. */
static void not_up(const struct call *call)
{
        int fd = tcp(SOCK_NONBLOCK);
        struct pollfd pfd = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP};

        assert_int_equal(begin_stuck(fd), EINPROGRESS);
        expect_again(call, fd);
        assert_int_equal(poll(&pfd, 1, 0), 0);
        expect_again(call, fd);
        close(fd);
}

static void polls(const struct call *call)
{
        int fd = held();
        struct pollfd pfd = {.fd = fd, .events = POLLIN | POLLOUT};

        assert_int_equal(poll(&pfd, 1, 0), 0);
        expect_again(call, fd);
        expect_again(call, fd);
        let_go(fd);
        assert_true(ready(fd, POLLOUT));
        expect_works(call, fd);
        close(fd);
}

static void selects(const struct call *call)
{
        struct timeval none = {0, 0}, ten = {10, 0};
        int fd = held();
        fd_set set;

        FD_ZERO(&set);
        FD_SET(fd, &set);
        assert_int_equal(select(fd + 1, NULL, &set, NULL, &none), 0);
        expect_again(call, fd);
        let_go(fd);
        FD_SET(fd, &set);
        assert_int_equal(select(fd + 1, NULL, &set, NULL, &ten), 1);
        expect_works(call, fd);
        close(fd);
}

static void registers(const struct call *call, bool before, uint32_t how)
{
        struct epoll_event event = {.events = EPOLLOUT | EPOLLIN | how,
                                    .data.u64 = 0xfeedface12345678},
                           got;
        int epfd = epoll_create1(EPOLL_CLOEXEC), fd = tcp(SOCK_NONBLOCK);

        if (before)
                assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
        assert_int_equal(mode == PRELOADED ? begin(fd) : begin_stuck(fd), EINPROGRESS);
        if (mode == PRELOADED)
                until_up(fd);
        if (!before)
                assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
        expect_again(call, fd);
        expect_again(call, fd);
        if (mode == PRELOADED) {
                gate_open();
        } else { /* the one that takes its place has to be registered, too */
                close(fd);
                fd = begun();
                assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
        }
        do { /* some kernels tell POLLHUP of a socket before connect */
                assert_int_equal(epoll_wait(epfd, &got, 1, 10000), 1);
                assert_true(got.data.u64 == event.data.u64);
        } while (!(got.events & EPOLLOUT));
        assert_int_equal(got.events & ~(uint32_t)(EPOLLOUT | EPOLLIN), 0);
        expect_works(call, fd);
        close(fd);
        close(epfd);
}

static void registers_after(const struct call *call)
{
        registers(call, false, 0);
}

static void registers_before(const struct call *call)
{
        registers(call, true, 0);
}

static void registers_edge(const struct call *call)
{
        registers(call, false, EPOLLET);
}

/* No waiting call at all, or one that we do not see: the call brings the handshake to its end. */
static void never_waits(const struct call *call)
{
        int fd;

        gate_set(call->writes ? GATE_GRANTS : GATE_BANNER, 20);
        fd = begun();
        expect_moved(call, fd);
        expect_tunnel(fd);
        close(fd);
}

/* The same, with a reply that comes in many pieces. */
static void never_waits_slowly(const struct call *call)
{
        int fd;

        gate_set(GATE_SLOW, 0);
        fd = begun();
        if (call->writes) {
                expect_moved(call, fd);
        } else { /* nobody says anything */
                expect_again(call, fd);
                assert_int_equal(send(fd, BANNER, strlen(BANNER), 0), strlen(BANNER));
                assert_true(ready(fd, POLLIN));
                expect_moved(call, fd);
        }
        expect_tunnel(fd);
        close(fd);
}

/* On a socket that blocks connect() has done it all: the calls just work. */
static void blocks(const struct call *call)
{
        int fd = tcp(0);

        gate_set(call->writes ? GATE_GRANTS : GATE_BANNER, 0);
        assert_int_equal(begin(fd), 0);
        expect_works(call, fd);
        close(fd);
}

/* ---- a program that writes all the time, by one call after the other ---- */

#define STREAM (2 << 20)

static unsigned char byte_at(size_t at)
{
        return (unsigned char)(at * 31 + at / 251);
}

static void streams(void **state)
{
        size_t sent = 0, got = 0, turn = 0;
        bool tried[HF_LEN(calls)] = {false};
        char buf[5003];
        int fd;

        (void)state;
        gate_set(GATE_SLOW, 5);
        fd = tcp(SOCK_NONBLOCK);
        assert_int_equal(begin(fd), EINPROGRESS);
        while (got < STREAM) {
                const struct call *call = &calls[turn++ % HF_LEN(calls)];
                struct pollfd pfd = {.fd = fd,
                                     .events = (short)(POLLIN | (sent < STREAM ? POLLOUT : 0))};
                size_t n = call->writes && STREAM - sent < sizeof buf ? STREAM - sent : sizeof buf;
                ssize_t r;

                if (call->writes && sent == STREAM)
                        continue;
                for (size_t i = 0; call->writes && i < n; i++)
                        buf[i] = (char)byte_at(sent + i);
                r = call->move(fd, buf, n);
                tried[call - calls] = true;
                if (r < 0 && errno == EAGAIN) {
                        assert_int_equal(poll(&pfd, 1, 10000), 1);
                        continue;
                }
                if (r <= 0)
                        fail_msg("%s: %zd, %s after %zu and %zu bytes", call->name, r,
                                 strerror(errno), sent, got);
                for (ssize_t i = 0; !call->writes && i < r; i++)
                        if ((unsigned char)buf[i] != byte_at(got + (size_t)i))
                                fail_msg("%s: byte %zu is another", call->name, got + (size_t)i);
                *(call->writes ? &sent : &got) += (size_t)r;
        }
        for (size_t i = 0; i < HF_LEN(tried); i++)
                assert_true(tried[i]);
        expect_tunnel(fd);
        close(fd);
}

/* ---- every program with every call ---- */

static const struct program {
        const char *name;
        void (*run)(const struct call *call);
        enum mode last; /* in which it says something */
} programs[] = {
        {"not_up", not_up, CONTROL},
        {"polls", polls, CONTROL},
        {"selects", selects, CONTROL},
        {"registers", registers_after, CONTROL},
        {"registers_before", registers_before, CONTROL},
        {"registers_edge", registers_edge, CONTROL},
        {"never_waits", never_waits, PRELOADED},
        {"never_waits_slowly", never_waits_slowly, PRELOADED},
        {"blocks", blocks, CONTROL},
};

struct row {
        const struct call *call; /* first: setup() looks */
        const struct program *program;
        char name[48];
};

static void runs(void **state)
{
        const struct row *row = *state;

        row->program->run(row->call);
}

int main(int argc, char **argv)
{
        static struct row rows[HF_LEN(programs)][HF_LEN(calls)];
        static struct table t;

        gate_enter(argc, argv);
        for (size_t i = 0; i < HF_LEN(programs); i++) {
                for (size_t j = 0; j < HF_LEN(calls); j++) {
                        struct row *row = &rows[i][j];

                        if (mode > programs[i].last)
                                continue;
                        row->call = &calls[j];
                        row->program = &programs[i];
                        snprintf(row->name, sizeof row->name, "%s_%s", programs[i].name,
                                 calls[j].name);
                        table_add(&t, row->name, runs, row);
                }
        }
        table_add(&t, "streams", streams, NULL);
        return table_run_with("early", &t, setup);
}
