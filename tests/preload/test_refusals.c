/* SPDX-License-Identifier: MIT */
/* A proxy that refuses, by everything that its protocol has for it, that talks nonsense, or that is
 * not there: which errno the program gets, and what is left of its socket. */
#define _GNU_SOURCE
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

static int setup(void **state)
{
        (void)state;
        atomic_store(&world->behaviour, GRANTS);
        if (mode == PRELOADED)
                setenv("https_proxy", world_proxy_url(world->proxy_port), 1);
        return 0;
}

/* ---- how a program connects, to the end ---- */

static int wait_by_poll(int fd)
{
        return ready(fd, POLLOUT);
}

static int wait_by_epoll(int fd)
{
        struct epoll_event event = {.events = EPOLLOUT, .data.fd = fd};
        int epfd = epoll_create1(EPOLL_CLOEXEC), r;

        assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
        r = epoll_wait(epfd, &event, 1, 20000);
        close(epfd);
        return r;
}

static const struct way {
        const char *name;
        int flags;
        int (*wait)(int fd); /* 1: it is over */
} ways[] = {
        {"blocking", 0, NULL},
        {"poll", SOCK_NONBLOCK, wait_by_poll},
        {"epoll", SOCK_NONBLOCK, wait_by_epoll},
};

/* The errno of a connect() to FAR and PORT. */
static int connect_to(int fd, const struct way *way, uint16_t port)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, port, false);
        int r = connect(fd, (struct sockaddr *)&sa, len) < 0 ? errno : 0;

        if (!way->flags)
                return r;
        assert_int_equal(r, EINPROGRESS);
        assert_int_equal(way->wait(fd), 1);
        return error_of(fd);
}

/* As after a failed connect without us: nothing to read, nothing to send to, and poll says so. */
static void expect_dead(int fd)
{
        struct pollfd pfd = {.fd = fd, .events = POLLIN | POLLOUT};
        char byte;

        assert_int_equal(error_of(fd), 0);
        assert_int_equal(poll(&pfd, 1, 0), 1);
        assert_int_equal(pfd.revents & (POLLOUT | POLLHUP | POLLERR), POLLOUT | POLLHUP);
        assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), -1);
        assert_int_equal(errno, EPIPE);
        assert_true(recv(fd, &byte, 1, MSG_DONTWAIT) <= 0);
}

/* ---- what is refused ---- */

struct refusal {
        const char *name;
        enum behaviour behaviour;
        int error;
};

static const struct refusal http[] = {
        {"refused_403", REFUSES_403, EACCES},
        {"refused_404", REFUSES_404, EACCES},
        {"refused_407_ntlm", REFUSES_407_NTLM, EACCES},
        {"refused_407_basic", REFUSES_407_BASIC, EACCES},
        {"refused_502", REFUSES_502, EHOSTUNREACH},
        {"refused_503", REFUSES_503, EHOSTUNREACH},
        {"refused_504", REFUSES_504, ETIMEDOUT},
        {"too_long", TALKS_TOO_LONG, ECONNREFUSED},
};

static const struct refusal socks5[] = {
        {"refused_1", REFUSES_1, ECONNREFUSED},
        {"refused_2", REFUSES_403, EACCES},
        {"refused_2_and_closed", REFUSES_404, EACCES},
        {"refused_3", REFUSES_3, ENETUNREACH},
        {"refused_4", REFUSES_502, EHOSTUNREACH},
        {"refused_5", REFUSES_5, ECONNREFUSED},
        {"refused_6", REFUSES_504, ETIMEDOUT},
        {"refused_7", REFUSES_7, EOPNOTSUPP},
        {"refused_8", REFUSES_8, EAFNOSUPPORT},
        {"no_method", REFUSES_407_NTLM, EACCES},
        {"wrong_password", REFUSES_407_BASIC, EACCES},
        {"unknown_type", TALKS_TOO_LONG, ECONNREFUSED},
};

static const struct refusal socks4[] = {
        {"refused_91", REFUSES_502, ECONNREFUSED},      {"refused_92", REFUSES_403, EACCES},
        {"refused_92_and_closed", REFUSES_404, EACCES}, {"refused_93", REFUSES_407_BASIC, EACCES},
        {"refused_94", TALKS_TOO_LONG, ECONNREFUSED},
};

/* Of every protocol. */
static const struct refusal common[] = {
        {"refused_with_a_page", REFUSES_BODY, EACCES},
        {"garbage", TALKS_GARBAGE, ECONNREFUSED},
        {"another_protocol", TALKS_SSH, ECONNREFUSED},
        {"closed", CLOSES, ECONNRESET},
        {"closed_at_once", CLOSES_AT_ONCE, ECONNRESET},
        {"closed_midway", CLOSES_MIDWAY, ECONNRESET},
        {"reset", RESETS, ECONNRESET},
        {"reset_midway", RESETS_MIDWAY, ECONNRESET},
        {"silent", HANGS, ETIMEDOUT},
};

struct row {
        const struct refusal *refusal;
        const struct way *way;
        char name[64];
};

static void is_refused(void **state)
{
        const struct row *row = *state;
        int fd = tcp(row->way->flags), flags = fcntl(fd, F_GETFL);
        int64_t since = now_ms();

        atomic_store(&world->behaviour, row->refusal->behaviour);
        assert_int_equal(connect_to(fd, row->way, 443), row->refusal->error);
        if (row->refusal->behaviour == HANGS)
                assert_in_range(now_ms() - since, 1900, 20000);
        expect_dead(fd);
        assert_int_equal(fcntl(fd, F_GETFL), flags);

        /* and it can be connected again */
        atomic_store(&world->behaviour, GRANTS);
        assert_int_equal(connect_to(fd, row->way, 443), 0);
        expect_echo(fd);
        close(fd);
}

/* ---- nobody there ---- */

static void dead_proxy(void **state)
{
        (void)state;
        for (size_t i = 0; i < HF_LEN(ways); i++) {
                int fd = tcp(ways[i].flags);

                setenv("https_proxy", world_proxy_url(world->dead_port), 1);
                assert_int_equal(connect_to(fd, &ways[i], 443), ECONNREFUSED);
                expect_dead(fd);
                setenv("https_proxy", world_proxy_url(world->proxy_port), 1);
                assert_int_equal(connect_to(fd, &ways[i], 443), 0);
                expect_echo(fd);
                close(fd);
        }
}

static void proxy_that_takes_no_connection(void **state)
{
        int64_t since = now_ms();
        int fd = tcp(0);

        (void)state;
        setenv("https_proxy", world_proxy_url(world->full_port), 1);
        assert_int_equal(connect_to(fd, &ways[0], 443), ETIMEDOUT);
        assert_in_range(now_ms() - since, 1900, 20000);
        expect_dead(fd);
        close(fd);
}

/* The same without the library, to a port where nobody listens: the control of expect_dead(). */
static void closed_port_leaves_a_dead_socket(void **state)
{
        int fd = tcp(0);

        (void)state;
        assert_int_equal(connect_to(fd, &ways[0], world->dead_port), ECONNREFUSED);
        expect_dead(fd);
        assert_int_equal(connect_to(fd, &ways[0], 443), 0);
        expect_echo(fd);
        close(fd);
}

static void add(struct table *t, const struct refusal *refusals, size_t n)
{
        static struct row rows[128];

        for (size_t i = 0; i < n; i++) {
                for (size_t j = 0; j < HF_LEN(ways); j++) {
                        struct row *row = &rows[t->n];

                        if (t->n == HF_LEN(rows))
                                abort();
                        *row = (struct row){.refusal = &refusals[i], .way = &ways[j]};
                        snprintf(row->name, sizeof row->name, "%s.%s", refusals[i].name,
                                 ways[j].name);
                        table_add(t, row->name, is_refused, row);
                }
        }
}

int main(int argc, char **argv)
{
        static struct table t;

        world_enter(argc, argv, NULL);
        table_add(&t, "closed_port_leaves_a_dead_socket", closed_port_leaves_a_dead_socket, NULL);
        if (mode == PRELOADED) {
                switch (world->protocol) {
                case HTTP:
                        add(&t, http, HF_LEN(http));
                        break;
                case SOCKS4:
                        add(&t, socks4, HF_LEN(socks4));
                        break;
                case SOCKS5:
                        add(&t, socks5, HF_LEN(socks5));
                        break;
                }
                add(&t, common, HF_LEN(common));
                table_add(&t, "dead_proxy", dead_proxy, NULL);
                table_add(&t, "proxy_that_takes_no_connection", proxy_that_takes_no_connection,
                          NULL);
        }
        return table_run_with("refusals", &t, setup);
}
