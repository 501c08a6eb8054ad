/* SPDX-License-Identifier: MIT */
/* Sockets of every kind, with every option, by every way of waiting: what the socket was before the
 * handshake it is afterwards. */
#define _GNU_SOURCE
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static int setup(void **state)
{
        (void)state;
        gate_set(GATE_GRANTS, 5);
        return 0;
}

enum way { BLOCKS, POLLS, SELECTS, EPOLLS, ASKS };

static const char *const ways[] = {"blocking", "poll", "select", "epoll", "so_error"};

/* connect() to its end by that way, and its errno. */
static int connect_by(enum way way, int fd, const struct sockaddr_storage *sa, socklen_t len)
{
        struct epoll_event event = {.events = EPOLLOUT};
        struct timeval ten = {10, 0};
        int error = 0, epfd = -1;
        socklen_t n = sizeof error;
        fd_set set;

        if (connect(fd, (const struct sockaddr *)sa, len) < 0)
                error = errno;
        if (way == BLOCKS || error != EINPROGRESS)
                return error;
        switch (way) {
        case BLOCKS:
                break;
        case POLLS:
                assert_true(ready(fd, POLLOUT));
                break;
        case SELECTS:
                FD_ZERO(&set);
                FD_SET(fd, &set);
                assert_int_equal(select(fd + 1, NULL, &set, NULL, &ten), 1);
                break;
        case EPOLLS:
                epfd = epoll_create1(EPOLL_CLOEXEC);
                assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
                assert_int_equal(epoll_wait(epfd, &event, 1, 10000), 1);
                assert_true(event.events & EPOLLOUT);
                close(epfd);
                break;
        case ASKS: /* only where it is not the kernel who is asked: that one does not wait */
                until_up(fd);
                break;
        }
        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n), 0);
        return error;
}

/* ---- options ---- */

static const struct option {
        const char *name;
        int level, option;
        enum { NUMBER, TIME, LINGERING } kind;
        int value;
} options[] = {
        {"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, NUMBER, 1},
        {"TCP_NODELAY_off", IPPROTO_TCP, TCP_NODELAY, NUMBER, 0},
        {"TCP_CORK", IPPROTO_TCP, TCP_CORK, NUMBER, 1},
        {"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, NUMBER, 77},
        {"TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, NUMBER, 54321},
        {"TCP_NOTSENT_LOWAT", IPPROTO_TCP, TCP_NOTSENT_LOWAT, NUMBER, 16384},
        {"TCP_SYNCNT", IPPROTO_TCP, TCP_SYNCNT, NUMBER, 3},
        {"TCP_FASTOPEN_CONNECT", IPPROTO_TCP, TCP_FASTOPEN_CONNECT, NUMBER, 1},
        {"SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, NUMBER, 30000},
        {"SO_RCVBUF_small", SOL_SOCKET, SO_RCVBUF, NUMBER, 1},
        {"SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, NUMBER, 30000},
        {"SO_SNDBUF_small", SOL_SOCKET, SO_SNDBUF, NUMBER, 1},
        {"SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, NUMBER, 100},
        {"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, NUMBER, 1},
        {"SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE, NUMBER, 1},
        {"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, NUMBER, 1},
        {"SO_PRIORITY", SOL_SOCKET, SO_PRIORITY, NUMBER, 4},
        {"SO_BUSY_POLL", SOL_SOCKET, SO_BUSY_POLL, NUMBER, 50},
        {"SO_LINGER", SOL_SOCKET, SO_LINGER, LINGERING, 7},
        {"SO_LINGER_hard", SOL_SOCKET, SO_LINGER, LINGERING, 0},
        {"SO_SNDTIMEO", SOL_SOCKET, SO_SNDTIMEO, TIME, 7654321},
        {"SO_RCVTIMEO", SOL_SOCKET, SO_RCVTIMEO, TIME, 1234567},
        {"IP_TOS", IPPROTO_IP, IP_TOS, NUMBER, 0x10},
        {"IP_TTL", IPPROTO_IP, IP_TTL, NUMBER, 33},
};

struct row {
        const struct option *option; /* NULL: all at their defaults */
        enum way way;
        enum gate_script script;
        char name[64];
};

static void set_option(int fd, const struct option *o)
{
        const struct linger linger = {1, o->value};
        const struct timeval tv = {o->value / 1000000, o->value % 1000000};
        const void *value = o->kind == LINGERING ? (const void *)&linger
                            : o->kind == TIME    ? (const void *)&tv
                                                 : (const void *)&o->value;
        socklen_t len = o->kind == LINGERING ? sizeof linger
                        : o->kind == TIME    ? sizeof tv
                                             : sizeof o->value;

        if (setsockopt(fd, o->level, o->option, value, len) < 0)
                print_message("# %s: %s\n", o->name, strerror(errno)); /* same before and after */
}

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif

/* All of them, one after the other. */
struct looks {
        struct stat st;
        int flags, fd_flags, locks;
        unsigned char options[HF_LEN(options)][16];
};

static void look(int fd, struct looks *looks)
{
        socklen_t n = sizeof looks->locks;

        memset(looks, 0, sizeof *looks);
        assert_int_equal(fstat(fd, &looks->st), 0);
        looks->flags = fcntl(fd, F_GETFL);
        looks->fd_flags = fcntl(fd, F_GETFD);
        getsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, &looks->locks, &n); /* not on old kernels */
        for (size_t i = 0; i < HF_LEN(options); i++) {
                socklen_t len = sizeof looks->options[i];

                assert_int_equal(getsockopt(fd, options[i].level, options[i].option,
                                            looks->options[i], &len),
                                 0);
        }
}

/* The kernel itself changes the sizes of buffers, unless the program has set them.
 * TCP_FASTOPEN_CONNECT has to be off for the tunnel, and cannot be set on a connected socket. */
static bool is_free(const struct option *o, const struct row *row)
{
        const struct option *set = row->option;
        bool is_size = o->level == SOL_SOCKET && (o->option == SO_RCVBUF || o->option == SO_SNDBUF);

        if (o->level == IPPROTO_TCP && o->option == TCP_FASTOPEN_CONNECT)
                return mode == PRELOADED && row->script != GATE_403;
        return is_size && (!set || set->level != o->level || set->option != o->option);
}

static void expect_same(const struct looks *before, const struct looks *after,
                        const struct row *row)
{
        assert_true(before->st.st_ino == after->st.st_ino);
        assert_true(before->st.st_dev == after->st.st_dev);
        assert_true(before->st.st_mode == after->st.st_mode);
        assert_int_equal(before->flags, after->flags);
        assert_int_equal(before->fd_flags, after->fd_flags);
        assert_int_equal(before->locks, after->locks);
        for (size_t i = 0; i < HF_LEN(options); i++)
                if (!is_free(&options[i], row) &&
                    memcmp(before->options[i], after->options[i], sizeof before->options[i]) != 0)
                        fail_msg("%s was %d and is %d", options[i].name,
                                 *(const int *)before->options[i], *(const int *)after->options[i]);
}

/* SO_RCVLOWAT holds reads back as the kernel does: not before, not after. */
static void expect_lowat(int fd)
{
        char buf[128] = {0};
        struct pollfd pfd = {.fd = fd, .events = POLLIN};

        assert_int_equal(send(fd, buf, 50, MSG_NOSIGNAL), 50);
        assert_int_equal(poll(&pfd, 1, 50), 0);
        assert_int_equal(send(fd, buf, 50, MSG_NOSIGNAL), 50);
        assert_true(ready(fd, POLLIN));
        assert_int_equal(recv(fd, buf, sizeof buf, MSG_DONTWAIT), 100);
}

static void stays_as_it_was(void **state)
{
        const struct row *row = *state;
        struct sockaddr_storage sa;
        socklen_t len = address(
                &sa, FAR, row->script == GATE_403 && mode != PRELOADED ? world->dead_port : 443,
                false);
        int fd = tcp(row->way == BLOCKS ? 0 : SOCK_NONBLOCK), next;
        struct looks before, after;

        gate_set(row->script, row->script == GATE_SLOW ? 0 : 5);
        if (row->option)
                set_option(fd, row->option);
        else
                assert_int_equal(fcntl(fd, F_SETFD, 0), 0);
        look(fd, &before);
        assert_int_equal(connect_by(row->way, fd, &sa, len), row->script != GATE_403 ? 0
                                                             : mode == PRELOADED     ? EACCES
                                                                                 : ECONNREFUSED);
        look(fd, &after);
        expect_same(&before, &after, row);
        if (row->script != GATE_403 && row->option && row->option->option == SO_RCVLOWAT &&
            row->option->level == SOL_SOCKET)
                expect_lowat(fd);
        else if (row->script != GATE_403)
                expect_tunnel(fd);

        /* no descriptor was left over */
        next = dup(fd);
        assert_int_equal(next, fd + 1);
        close(next);
        close(fd);
}

/* ---- families ---- */

static const struct family {
        const char *name, *addr;
        int family, protocol, v6only;
} families[] = {
        {"v4", FAR, AF_INET, 0, -1},
        {"v6", "2001:db8:10::7", AF_INET6, 0, -1},
        {"v6_not_only", "2001:db8:10::7", AF_INET6, 0, 0},
        {"v6only", "2001:db8:10::7", AF_INET6, 0, 1},
        {"mapped", FAR, AF_INET6, 0, 0},
        {"multipath", FAR, AF_INET, 262, -1},
        {"multipath_v6", "2001:db8:10::7", AF_INET6, 262, -1},
};

struct family_row {
        const struct family *family;
        enum way way;
        char name[64];
};

static void family(void **state)
{
        const struct family_row *row = *state;
        const struct family *f = row->family;
        struct sockaddr_storage sa, got;
        socklen_t len = address(&sa, f->addr, 443, f->family == AF_INET6), n = sizeof got;
        int fd = socket(f->family, SOCK_STREAM | (row->way == BLOCKS ? 0 : SOCK_NONBLOCK),
                        f->protocol);

        if (fd < 0 && f->protocol) {
                assert_true(errno == EPROTONOSUPPORT || errno == ENOPROTOOPT || errno == EINVAL);
                return;
        }
        if (f->v6only >= 0)
                assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &f->v6only, sizeof(int)),
                                 0);
        assert_int_equal(connect_by(row->way, fd, &sa, len), 0);
        assert_int_equal(getpeername(fd, (struct sockaddr *)&got, &n), 0);
        assert_int_equal(n, len);
        assert_memory_equal(&got, &sa, len);
        expect_tunnel(fd);
        close(fd);
}

/* ---- several addresses of the proxy ---- */

static const struct several {
        const char *name, *host;
        int error;
} severals[] = {
        {"second_address", "second.test", 0},
        {"third_address", "third.test", 0},
        {"no_address", "none.test", ECONNREFUSED},
};

struct several_row {
        const struct several *several;
        enum way way;
        char name[64];
};

static void several(void **state)
{
        const struct several_row *row = *state;
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, 443, false);
        int fd = tcp(row->way == BLOCKS ? 0 : SOCK_NONBLOCK);
        char url[64];

        snprintf(url, sizeof url, "%s://u:p%%40ss@%s:%d", world_scheme(), row->several->host,
                 gate->port);
        setenv("https_proxy", url, 1);
        assert_int_equal(connect_by(row->way, fd, &sa, len), row->several->error);
        if (!row->several->error)
                expect_tunnel(fd);
        close(fd);
}

/* ---- all of it ---- */

static struct table t;

static void add_looks(const struct option *option, enum gate_script script)
{
        static struct row rows[512];
        static size_t n;

        for (enum way way = BLOCKS; way <= ASKS; way++) {
                struct row *row = &rows[n++];

                if (way == ASKS && mode != PRELOADED)
                        continue;
                *row = (struct row){option, way, script, ""};
                snprintf(row->name, sizeof row->name, "%s%s_%s", option ? option->name : "defaults",
                         script == GATE_403    ? "_refused"
                         : script == GATE_SLOW ? "_slowly"
                                               : "",
                         ways[way]);
                table_add(&t, row->name, stays_as_it_was, row);
        }
}

int main(int argc, char **argv)
{
        static struct family_row family_rows[HF_LEN(families)][HF_LEN(ways)];
        static struct several_row several_rows[HF_LEN(severals)][HF_LEN(ways)];

        setenv("HFPROXY_TIMEOUT", "20", 0);
        world_enter(argc, argv,
                    "printf '127.0.0.1 localhost\\n127.0.0.3 second.test third.test none.test\\n"
                    "127.0.0.4 third.test none.test\\n127.0.0.1 second.test third.test\\n' "
                    ">/tmp/hosts.$$ &&"
                    "mount --bind /tmp/hosts.$$ /etc/hosts && rm /tmp/hosts.$$ &&"
                    "mount --bind /dev/null /etc/resolv.conf");
        gate_start();
        signal(SIGPIPE, SIG_IGN);
        add_looks(NULL, GATE_GRANTS);
        add_looks(NULL, GATE_SLOW);
        add_looks(NULL, GATE_403);
        for (size_t i = 0; i < HF_LEN(options); i++)
                add_looks(&options[i], GATE_GRANTS);
        for (size_t i = 0; i < HF_LEN(options); i++) {
                if (!strncmp(options[i].name, "SO_RCV", 6) ||
                    !strncmp(options[i].name, "SO_SND", 6))
                        add_looks(&options[i], GATE_SLOW);
                add_looks(&options[i], GATE_403);
        }
        for (size_t i = 0; i < HF_LEN(families); i++) {
                for (enum way way = BLOCKS; way <= ASKS; way++) {
                        struct family_row *row = &family_rows[i][way];

                        if (way == ASKS && mode != PRELOADED)
                                continue;
                        *row = (struct family_row){&families[i], way, ""};
                        snprintf(row->name, sizeof row->name, "%s_%s", families[i].name, ways[way]);
                        table_add(&t, row->name, family, row);
                }
        }
        for (size_t i = 0; mode == PRELOADED && i < HF_LEN(severals); i++) {
                for (enum way way = BLOCKS; way <= ASKS; way++) {
                        struct several_row *row = &several_rows[i][way];

                        *row = (struct several_row){&severals[i], way, ""};
                        snprintf(row->name, sizeof row->name, "%s_%s", severals[i].name, ways[way]);
                        table_add(&t, row->name, several, row);
                }
        }
        return table_run_with("looks", &t, setup);
}
