/* SPDX-License-Identifier: MIT */
/* To whom a tunnelled socket is connected, as getpeername() has it; and sockets that connect by the
 * way, in sendto() and its like. */
#define _GNU_SOURCE
#include "beside.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>

#define FAR6 "2001:db8:10::7"

static int setup(void **state)
{
        (void)state;
        atomic_store(&world->behaviour, GRANTS);
        atomic_store(&world->released, 0);
        return 0;
}

static void expect_name(int fd, const struct sockaddr_storage *wanted, socklen_t wanted_len)
{
        struct sockaddr_storage sa;
        socklen_t len = sizeof sa;

        memset(&sa, 'u', sizeof sa);
        assert_int_equal(getpeername(fd, (struct sockaddr *)&sa, &len), 0);
        assert_int_equal(len, wanted_len);
        assert_memory_equal(&sa, wanted, wanted_len);
}

static int error_of(int fd)
{
        int error = -1;
        socklen_t len = sizeof error;

        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
        return error;
}

/* ---- getpeername() ---- */

static const struct peer {
        const char *name, *addr;
        uint16_t port;
        bool v6, nonblocking;
} peers[] = {
        {"v4", FAR, 443, false, false},
        {"v4_nonblocking", FAR, 80, false, true},
        {"v6", FAR6, 443, true, false},
        {"v6_nonblocking", FAR6, 80, true, true},
        {"mapped", FAR, 443, true, false},
        {"mapped_nonblocking", FAR, 80, true, true},
        {"direct", "127.0.0.1", 443, false, false},
        {"direct_v6", "::1", 443, true, false},
        {"direct_no_proxy_for_port", FAR, 8080, false, false},
};

static void is_who_was_asked_for(void **state)
{
        const struct peer *row = *state;
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, row->addr, row->port, row->v6);
        int copy,
                fd = socket(row->v6 ? AF_INET6 : AF_INET,
                            SOCK_STREAM | SOCK_CLOEXEC | (row->nonblocking ? SOCK_NONBLOCK : 0), 0);

        assert_int_equal(connect_to(fd, row->addr, row->port, row->v6),
                         row->nonblocking ? EINPROGRESS : 0);
        assert_true(ready(fd, POLLOUT));
        expect_name(fd, &sa, len);
        expect_echo(fd);
        copy = dup(fd);
        close(fd);
        expect_name(copy, &sa, len);
        close(copy);
}

/* What else there is in an address comes back as the kernel has it. */
static void odd_addresses(void **state)
{
        struct sockaddr_storage sa, asked;
        socklen_t len;
        int fd;

        (void)state;
        len = address(&sa, FAR, 443, false);
        asked = sa;
        memset(((struct sockaddr_in *)&asked)->sin_zero, 'z', 8);
        fd = tcp(0);
        assert_int_equal(connect(fd, (struct sockaddr *)&asked, sizeof asked), 0);
        expect_name(fd, &sa, len);
        close(fd);

        len = address(&sa, FAR6, 443, true);
        asked = sa;
        ((struct sockaddr_in6 *)&asked)->sin6_scope_id = 77;
        fd = socket(AF_INET6, SOCK_STREAM, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&asked, sizeof asked), 0);
        expect_name(fd, &sa, len);
        close(fd);
}

static void not_before_it_is_connected(void **state)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, 443, false);
        int fd = tcp(SOCK_NONBLOCK);

        (void)state;
        assert_int_equal(connect_stuck(fd), EINPROGRESS);
        assert_true(is_stuck(fd));
        close(fd);
        if (mode != PRELOADED)
                return;
        fd = tcp(SOCK_NONBLOCK);
        atomic_store(&world->behaviour, GRANTS_WHEN_RELEASED);
        assert_int_equal(connect_to(fd, FAR, 443, false), EINPROGRESS);
        assert_true(is_stuck(fd));
        atomic_store(&world->released, 1);
        assert_true(ready(fd, POLLOUT));
        expect_name(fd, &sa, len);
        close(fd);
}

static void not_when_it_failed(void **state)
{
        int fd = tcp(0);

        (void)state;
        atomic_store(&world->behaviour, REFUSES_403);
        assert_int_equal(connect_to(fd, FAR, mode == PRELOADED ? 443 : world->dead_port, false),
                         mode == PRELOADED ? EACCES : ECONNREFUSED);
        assert_true(is_stuck(fd));
        close(fd);
        fd = tcp(SOCK_NONBLOCK);
        assert_int_equal(connect_to(fd, FAR, mode == PRELOADED ? 443 : world->dead_port, false),
                         EINPROGRESS);
        assert_true(ready(fd, POLLERR));
        assert_true(is_stuck(fd));
        close(fd);
}

/* The same socket, connected elsewhere: what was remembered of it is void. */
static void another_connection_of_the_socket(void **state)
{
        const struct sockaddr none = {.sa_family = AF_UNSPEC};
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, "127.0.0.1", 443, false);
        int fd = tcp(0);

        (void)state;
        assert_int_equal(connect_to(fd, FAR, 443, false), 0);
        assert_int_equal(connect(fd, &none, sizeof none), 0);
        assert_true(is_stuck(fd));
        assert_int_equal(connect_to(fd, "127.0.0.1", 443, false), 0);
        expect_name(fd, &sa, len);
        assert_int_equal(connect(fd, &none, sizeof none), 0);
        len = address(&sa, "203.0.113.99", 80, false);
        assert_int_equal(connect_to(fd, "203.0.113.99", 80, false), 0);
        expect_name(fd, &sa, len);
        close(fd);
}

static void the_proxy_itself(void **state)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, "127.0.0.1", world->proxy_port, false);
        int fd = tcp(0);

        (void)state;
        assert_int_equal(connect_to(fd, "127.0.0.1", world->proxy_port, false), 0);
        expect_name(fd, &sa, len);
        close(fd);
}

static void by_name(void **state)
{
        const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
        struct addrinfo *list;
        int fd = tcp(0);

        (void)state;
        assert_int_equal(getaddrinfo("cas.example.test", "443", &hints, &list), 0);
        assert_int_equal(connect(fd, list->ai_addr, list->ai_addrlen), 0);
        expect_name(fd, (struct sockaddr_storage *)list->ai_addr, list->ai_addrlen);
        freeaddrinfo(list);
        close(fd);
}

static void ask_in_child(void *arg)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, 443, false);

        expect_name(*(int *)arg, &sa, len);
        _exit(7); /* a failed assertion would not come here */
}

static void in_a_child(void **state)
{
        int fd = tcp(0), status;

        (void)state;
        assert_int_equal(connect_to(fd, FAR, 443, false), 0);
        status = status_of_child(ask_in_child, &fd);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 7);
        close(fd);
}

static _Atomic(unsigned) wrong;

static void *connect_and_ask(void *arg)
{
        (void)arg;
        for (int i = 0; i < 40; i++) {
                struct sockaddr_storage sa, got;
                socklen_t len = address(&sa, FAR, 443, false), got_len = sizeof got;
                int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

                if (connect(fd, (struct sockaddr *)&sa, len) != 0 ||
                    getpeername(fd, (struct sockaddr *)&got, &got_len) != 0 || got_len != len ||
                    memcmp(&got, &sa, len) != 0)
                        atomic_fetch_add(&wrong, 1);
                close(fd);
        }
        return NULL;
}

static void in_sixteen_threads(void **state)
{
        pthread_t threads[16];

        (void)state;
        atomic_store(&wrong, 0);
        for (size_t i = 0; i < HF_LEN(threads); i++)
                assert_int_equal(pthread_create(&threads[i], NULL, connect_and_ask, NULL), 0);
        for (size_t i = 0; i < HF_LEN(threads); i++)
                pthread_join(threads[i], NULL);
        /* (Another socket may have taken the place; not more often than now and then.) */
        assert_in_range(atomic_load(&wrong), 0, 6);
}

static void of_many_at_once(void **state)
{
        struct sockaddr_storage sa, got;
        int fds[200], others = 0;

        (void)state;
        for (size_t i = 0; i < HF_LEN(fds); i++) {
                fds[i] = tcp(0);
                assert_int_equal(connect_to(fds[i], FAR, i & 1 ? 443 : 80, false), 0);
        }
        for (size_t i = 0; i < HF_LEN(fds); i++) {
                socklen_t len = address(&sa, FAR, i & 1 ? 443 : 80, false), got_len = sizeof got;

                assert_int_equal(getpeername(fds[i], (struct sockaddr *)&got, &got_len), 0);
                others += got_len != len || memcmp(&got, &sa, len) != 0;
                close(fds[i]);
        }
        assert_in_range(others, 0, 20); /* (some have lost their place to others) */
}

/* ---- the implicit connect ---- */

#define WORD "a word\r\n"

static ssize_t fastopen(int how, int fd, const struct sockaddr_storage *sa, socklen_t len)
{
        struct iovec iov[2] = {{WORD, strlen(WORD)}, {"more", 4}};
        struct mmsghdr msgs[2] = {{.msg_hdr = {.msg_iov = iov, .msg_iovlen = 1}},
                                  {.msg_hdr = {.msg_iov = iov + 1, .msg_iovlen = 1}}};
        int r;

        msgs[0].msg_hdr.msg_name = (void *)(uintptr_t)sa;
        msgs[0].msg_hdr.msg_namelen = len;
        switch (how) {
        case 0:
                return sendto(fd, WORD, strlen(WORD), MSG_FASTOPEN | MSG_NOSIGNAL,
                              (const struct sockaddr *)sa, len);
        case 1:
                return sendmsg(fd, &msgs[0].msg_hdr, MSG_FASTOPEN | MSG_NOSIGNAL);
        default:
                /* The second one would connect again: the kernel sends the first. */
                r = sendmmsg(fd, msgs, 2, MSG_FASTOPEN | MSG_NOSIGNAL);
                assert_true(r <= 1);
                return r == 1 ? (ssize_t)msgs[0].msg_len : r;
        }
}

static const struct first {
        const char *name;
        int how;
        const char *addr;
        uint16_t port;
        bool tunnelled;
} firsts[] = {
        {"by_sendto", 0, FAR, 443, true},
        {"by_sendmsg", 1, FAR, 443, true},
        {"by_sendmmsg", 2, FAR, 443, true},
        {"by_sendto_direct", 0, "127.0.0.1", 443, false},
        {"by_sendmsg_direct", 1, FAR, 8080, false},
        {"by_sendmmsg_direct", 2, "10.9.9.9", 443, false},
};

static void connects_and_sends(void **state)
{
        const struct first *row = *state;
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, row->addr, row->port, false);
        unsigned accepted = atomic_load(&world->accepted);
        int fd = tcp(0);

        errno = UNTOUCHED;
        assert_int_equal(fastopen(row->how, fd, &sa, len), strlen(WORD));
        assert_int_equal(errno, UNTOUCHED);
        expect_read(fd, WORD);
        expect_name(fd, &sa, len);
        expect_echo(fd);
        assert_int_equal(atomic_load(&world->accepted),
                         accepted + (row->tunnelled && mode == PRELOADED));
        assert_int_equal(fastopen(row->how, fd, &sa, len), -1);
        assert_int_equal(errno, EISCONN);
        close(fd);
}

static void connects_and_says_so(void **state)
{
        const struct first *row = *state;
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, row->addr, row->port, false);
        unsigned accepted = atomic_load(&world->accepted);
        int fd = tcp(SOCK_NONBLOCK);

        assert_int_equal(fastopen(row->how, fd, &sa, len), -1);
        assert_int_equal(errno, EINPROGRESS);
        assert_true(ready(fd, POLLOUT));
        assert_int_equal(error_of(fd), 0);
        expect_name(fd, &sa, len);
        expect_echo(fd);
        assert_int_equal(atomic_load(&world->accepted),
                         accepted + (row->tunnelled && mode == PRELOADED));
        close(fd);
}

static void connects_and_is_refused(void **state)
{
        const struct first *row = *state;
        const int error = mode == PRELOADED && row->tunnelled ? EACCES : ECONNREFUSED;
        struct sockaddr_storage sa;
        socklen_t len =
                address(&sa, row->addr, error == EACCES ? row->port : world->dead_port, false);
        int fd = tcp(0);

        atomic_store(&world->behaviour, REFUSES_403);
        assert_int_equal(fastopen(row->how, fd, &sa, len), -1);
        assert_int_equal(errno, error);
        assert_int_equal(error_of(fd), 0);
        atomic_store(&world->behaviour, GRANTS);
        len = address(&sa, row->addr, row->port, false);
        assert_int_equal(fastopen(row->how, fd, &sa, len), strlen(WORD));
        expect_read(fd, WORD);
        close(fd);
}

static bool ready_now(int fd)
{
        struct pollfd pfd = {.fd = fd, .events = POLLIN | POLLOUT};

        return poll(&pfd, 1, 0) != 0;
}

/* Once more while it is under way, and to no address at all. */
static void while_pending(void **state)
{
        const struct sockaddr_storage none = {.ss_family = AF_UNSPEC};
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, 443, false);
        int fresh = tcp(0);

        (void)state;
        assert_false(ready_now(beside));
        for (int how = 0; how < 3; how++) {
                assert_int_equal(fastopen(how, beside, &sa, len), -1);
                assert_int_equal(errno, EALREADY);
                /* (EAGAIN on one that is waited for, as for any data.) */
                assert_int_equal(fastopen(how, beside, &none, sizeof(struct sockaddr_in)), -1);
                if (mode != PRELOADED)
                        assert_int_equal(errno, EOPNOTSUPP);
                assert_int_equal(fastopen(how, fresh, &none, sizeof(struct sockaddr_in)), -1);
                assert_int_equal(errno, EOPNOTSUPP);
        }
        close(fresh);
}

/* MSG_FASTOPEN says nothing to other sockets. */
static void datagrams(void **state)
{
        int to = socket(AF_INET, SOCK_DGRAM, 0), fd = socket(AF_INET, SOCK_DGRAM, 0);
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, 443, false);
        char buf[32] = "";

        (void)state;
        assert_int_equal(bind(to, (struct sockaddr *)&sa, len), 0);
        for (int how = 0; how < 2; how++) {
                assert_int_equal(fastopen(how, fd, &sa, len), strlen(WORD));
                assert_int_equal(recv(to, buf, sizeof buf, 0), strlen(WORD));
        }
        close(fd);
        close(to);
}

static struct table t;

int main(int argc, char **argv)
{
        static char names[3][HF_LEN(firsts)][40];

        setenv("HFPROXY_TIMEOUT", "200", 0);
        world_enter(argc, argv, NULL);
        TABLE_ADD(&t, is_who_was_asked_for, peers);
        table_add(&t, "odd_addresses", odd_addresses, NULL);
        table_add(&t, "not_before_it_is_connected", not_before_it_is_connected, NULL);
        table_add(&t, "not_when_it_failed", not_when_it_failed, NULL);
        table_add(&t, "another_connection_of_the_socket", another_connection_of_the_socket, NULL);
        table_add(&t, "the_proxy_itself", the_proxy_itself, NULL);
        if (mode == PRELOADED)
                table_add(&t, "by_name", by_name, NULL);
        table_add(&t, "in_a_child", in_a_child, NULL);
        table_add(&t, "of_many_at_once", of_many_at_once, NULL);
        table_add(&t, "in_sixteen_threads", in_sixteen_threads, NULL);
        for (size_t i = 0; i < HF_LEN(firsts); i++) {
                snprintf(names[0][i], sizeof names[0][i], "connects_%s", firsts[i].name);
                table_add(&t, names[0][i], connects_and_sends, &firsts[i]);
                snprintf(names[1][i], sizeof names[1][i], "nonblocking_%s", firsts[i].name);
                table_add(&t, names[1][i], connects_and_says_so, &firsts[i]);
                snprintf(names[2][i], sizeof names[2][i], "refused_%s", firsts[i].name);
                table_add(&t, names[2][i], connects_and_is_refused, &firsts[i]);
        }
        table_add(&t, "while_pending", while_pending, NULL);
        table_add(&t, "datagrams", datagrams, NULL);
        for (size_t i = 0; i < t.n; i++) {
                t.cases[i].setup_func = setup;
                t.cases[i].teardown_func = beside_goes_on;
        }
        return _cmocka_run_group_tests("peer", t.cases, t.n, beside_begin, NULL);
}
