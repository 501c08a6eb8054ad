/* SPDX-License-Identifier: MIT */
/* Placeholders at datagram sockets and at bind(): the name's real address is what counts there. */
#define _GNU_SOURCE
#include "count.h"
#include "hosts.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/uio.h>

/* A datagram socket at LITERAL, and its port. */
static int receiver(const char *literal, uint16_t *ret_port)
{
        bool v6 = strchr(literal, ':');
        int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, literal, 0, v6);
        struct sockaddr_in in;

        assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
        memcpy(&in, &sa, sizeof in);
        *ret_port = ntohs(in.sin_port);
        return fd;
}

static ssize_t by_sendto(int fd, const struct sockaddr_storage *sa, socklen_t len, const char *text)
{
        return sendto(fd, text, strlen(text), 0, (const struct sockaddr *)sa, len);
}

static ssize_t by_sendmsg(int fd, const struct sockaddr_storage *sa, socklen_t len,
                          const char *text)
{
        struct iovec iov = {(char *)(uintptr_t)text, strlen(text)};
        struct sockaddr_storage before = *sa;
        struct msghdr msg = {
                .msg_name = &before, .msg_namelen = len, .msg_iov = &iov, .msg_iovlen = 1};
        ssize_t r = sendmsg(fd, &msg, 0);

        /* nothing of the program's was written to */
        assert_memory_equal(&before, sa, sizeof before);
        assert_ptr_equal(msg.msg_name, &before);
        assert_int_equal(msg.msg_namelen, len);
        return r;
}

static ssize_t by_sendmmsg(int fd, const struct sockaddr_storage *sa, socklen_t len,
                           const char *text)
{
        struct iovec iov = {(char *)(uintptr_t)text, strlen(text)};
        struct sockaddr_storage before = *sa;
        struct mmsghdr msgs[1] = {{.msg_hdr = {.msg_name = &before,
                                               .msg_namelen = len,
                                               .msg_iov = &iov,
                                               .msg_iovlen = 1}}};
        int r = sendmmsg(fd, msgs, 1, 0);

        assert_memory_equal(&before, sa, sizeof before);
        return r < 0 ? r : (ssize_t)msgs[0].msg_len;
}

static ssize_t by_connect(int fd, const struct sockaddr_storage *sa, socklen_t len,
                          const char *text)
{
        if (connect(fd, (const struct sockaddr *)sa, len) < 0)
                return -1;
        return send(fd, text, strlen(text), 0);
}

static ssize_t (*const ways[])(int, const struct sockaddr_storage *, socklen_t,
                               const char *) = {by_sendto, by_sendmsg, by_sendmmsg, by_connect};

static const struct row {
        const char *name, *node, *literal;
        int family;  /* of the look-up */
        bool mapped; /* a socket of AF_INET6 and the placeholder of AF_INET */
        int error;   /* expected */
} rows[] = {
        {"ipv4", "public.example", "203.0.113.32", AF_INET, false, 0},
        {"ipv6", "six.example", "2001:db8:10::40", AF_INET6, false, 0},
        {"ipv4_at_ipv6", "public.example", "203.0.113.32", AF_INET, true, 0},
        {"ipv6_placeholder_of_an_ipv4_name", "public.example", "203.0.113.32", AF_INET6, false, 0},
        {"unknown", "cas.example.test", "203.0.113.32", AF_INET, false, EHOSTUNREACH},
        {"unknown_ipv6", "cas.example.test", "203.0.113.32", AF_INET6, false, EHOSTUNREACH},
};

static void sends(void **state)
{
        const struct row *row = *state;
        struct sockaddr_storage sa;
        char text[INET_ADDRSTRLEN];
        uint16_t port;
        int far = receiver(row->literal, &port);
        socklen_t len = look_up(row->node, row->family, 0, &sa);
        struct sockaddr_in in;

        memcpy(&in, &sa, sizeof in);
        in.sin_port = htons(port); /* at the same place in both families */
        memcpy(&sa, &in, sizeof in);
        if (row->mapped)
                len = address(&sa, inet_ntop(AF_INET, &in.sin_addr, text, sizeof text), port, true);
        for (size_t i = 0; i < HF_LEN(ways); i++) {
                int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
                ssize_t r;

                errno = 4711;
                r = ways[i](fd, &sa, len, "datagram");
                if (row->error) {
                        assert_int_equal(r, -1);
                        assert_int_equal(errno, row->error);
                } else {
                        if (r != 8)
                                fail_msg("way %zu: %s", i, strerror(errno));
                        assert_int_equal(errno, 4711);
                        assert_true(ready(far, POLLIN));
                        expect_read(far, "datagram");
                }
                close(fd);
        }
        close(far);
}

static socklen_t at_port(struct sockaddr_storage *sa, const char *node, uint16_t port)
{
        socklen_t len = look_up(node, AF_INET, 0, sa);
        struct sockaddr_in in;

        memcpy(&in, sa, sizeof in);
        in.sin_port = htons(port);
        memcpy(sa, &in, sizeof in);
        return len;
}

/* Every message of a list to its own address, up to the first that fails. */
static void many_messages(void **state)
{
        struct sockaddr_storage sa[4];
        struct iovec iov = {(char[]){"datagram"}, 8};
        struct mmsghdr msgs[4] = {0};
        uint16_t port;
        int far = receiver("203.0.113.32", &port), fd = socket(AF_INET, SOCK_DGRAM, 0);

        (void)state;
        for (size_t i = 0; i < 4; i++)
                msgs[i].msg_hdr = (struct msghdr){.msg_name = &sa[i],
                                                  .msg_namelen = sizeof(struct sockaddr_in),
                                                  .msg_iov = &iov,
                                                  .msg_iovlen = 1};
        address(&sa[0], "203.0.113.32", port, false);
        at_port(&sa[1], "public.example", port);
        at_port(&sa[2], "cas.example.test", port);
        at_port(&sa[3], "public.example", port);
        errno = 4711;
        assert_int_equal(sendmmsg(fd, msgs, 4, 0), 2);
        assert_int_equal(errno, 4711);
        assert_int_equal(msgs[0].msg_len, 8);
        assert_int_equal(msgs[1].msg_len, 8);
        assert_int_equal(msgs[2].msg_len, 0);
        expect_read(far, "datagram");
        expect_read(far, "datagram");
        assert_int_equal(recv(far, (char[8]){0}, 8, MSG_DONTWAIT), -1);
        assert_int_equal(sendmmsg(fd, msgs + 2, 2, 0), -1);
        assert_int_equal(errno, EHOSTUNREACH);
        close(fd);
        close(far);
}

/* No look-up for each: the second time /etc/hosts says something else, and nobody looks. */
static void remembers_for_a_minute(void **state)
{
        struct sockaddr_storage sa;
        uint16_t port;
        int far = receiver("203.0.113.51", &port), fd = socket(AF_INET, SOCK_DGRAM, 0);
        socklen_t len = at_port(&sa, "minute.example", port);

        (void)state;
        write_file("/etc/hosts", HOSTS "203.0.113.51 minute.example\n");
        assert_int_equal(by_sendto(fd, &sa, len, "datagram"), 8);
        write_file("/etc/hosts", HOSTS "203.0.113.52 minute.example\n");
        assert_int_equal(by_sendto(fd, &sa, len, "datagram"), 8);
        expect_read(far, "datagram");
        expect_read(far, "datagram");
        write_file("/etc/hosts", HOSTS);
        close(fd);
        close(far);
}

/* An address of ours that was never handed out is the kernel's. */
static void foreign_placeholder_is_left_alone(void **state)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, "240.170.1.2", 443, false);

        (void)state;
        for (size_t i = 0; i < HF_LEN(ways); i++) {
                int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

                assert_int_equal(ways[i](fd, &sa, len, "datagram"), -1);
                assert_int_equal(errno, ENETUNREACH);
                close(fd);
        }
}

/* As without the library, placeholders handed out or not. */
static void bad_arguments(void **state)
{
        char *gone = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        struct sockaddr *bad = (struct sockaddr *)(void *)(gone + 100);
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, "203.0.113.32", 443, false);
        struct iovec iov = {(char[]){"x"}, 1};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        (void)state;
        if (mode == PRELOADED)
                look_up("cas.example.test", AF_INET, 443, &(struct sockaddr_storage){0});
        for (int i = 0; i < 2; i++) {
                struct sockaddr *at = i ? bad : (struct sockaddr *)(uintptr_t)1;

                assert_int_equal(sendto(fd, "x", 1, 0, at, 16), -1);
                assert_int_equal(errno, EFAULT);
                msg.msg_name = at;
                msg.msg_namelen = 16;
                assert_int_equal(sendmsg(fd, &msg, 0), -1);
                assert_int_equal(errno, EFAULT);
                assert_int_equal(sendmsg(fd, (struct msghdr *)(void *)at, 0), -1);
                assert_int_equal(errno, EFAULT);
                assert_int_equal(sendmmsg(fd, (struct mmsghdr *)(void *)at, 1, 0), -1);
                assert_int_equal(errno, EFAULT);
                assert_int_equal(bind(fd, at, 16), -1);
                assert_int_equal(errno, EFAULT);
        }
        assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&sa, 3), -1);
        assert_int_equal(errno, EINVAL);
        assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&sa, 4711), -1);
        assert_int_equal(errno, EINVAL);
        assert_int_equal(sendto(fd, "x", 1, 0, NULL, 0), -1);
        assert_int_equal(errno, EDESTADDRREQ);
        assert_int_equal(bind(fd, (struct sockaddr *)&sa, 3), -1);
        assert_int_equal(errno, EINVAL);
        assert_int_equal(bind(-1, (struct sockaddr *)&sa, len), -1);
        assert_int_equal(errno, EBADF);
        assert_int_equal(sendto(-1, "x", 1, 0, (struct sockaddr *)&sa, len), -1);
        assert_int_equal(errno, EBADF);
        close(fd);
        munmap(gone, 4096);
}

/* ---- bind() ---- */

static const struct binding {
        const char *name, *node, *literal;
        int family, type, error;
} bindings[] = {
        {"bind_stream", "public.example", "203.0.113.32", AF_INET, SOCK_STREAM, 0},
        {"bind_datagram", "public.example", "203.0.113.32", AF_INET, SOCK_DGRAM, 0},
        {"bind_ipv6", "six.example", "2001:db8:10::40", AF_INET6, SOCK_STREAM, 0},
        {"bind_unknown", "cas.example.test", NULL, AF_INET, SOCK_STREAM, EADDRNOTAVAIL},
        {"bind_elsewhere", "elsewhere.example", NULL, AF_INET, SOCK_STREAM, EADDRNOTAVAIL},
        {"bind_to_the_second_address", "roams.example", "203.0.113.54", AF_INET, SOCK_STREAM, 0},
};

static void binds(void **state)
{
        const struct binding *row = *state;
        struct sockaddr_storage sa, bound = {0};
        socklen_t len = look_up(row->node, row->family, 0, &sa), n = sizeof bound;
        char text[INET6_ADDRSTRLEN];
        int fd = socket(row->family, row->type | SOCK_CLOEXEC, 0);

        write_file("/etc/hosts", HOSTS "192.0.2.77 elsewhere.example\n"
                                       "192.0.2.78 roams.example\n203.0.113.54 roams.example\n");
        errno = 4711;
        if (row->error) {
                assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), -1);
                assert_int_equal(errno, row->error);
        } else {
                assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
                assert_int_equal(errno, 4711);
                assert_int_equal(getsockname(fd, (struct sockaddr *)&bound, &n), 0);
                assert_int_equal(getnameinfo((struct sockaddr *)&bound, n, text, sizeof text, NULL,
                                             0, NI_NUMERICHOST),
                                 0);
                assert_string_equal(text, row->literal);
        }
        write_file("/etc/hosts", HOSTS);
        close(fd);
}

/* ---- what it costs others ---- */

static struct sockaddr_storage discard;
static socklen_t discard_len;

static void calls_sendto(void *arg)
{
        by_sendto(*(int *)arg, &discard, discard_len, "x");
}

static void calls_sendmsg(void *arg)
{
        struct iovec iov = {(char[]){"x"}, 1};
        struct msghdr msg = {
                .msg_name = &discard, .msg_namelen = discard_len, .msg_iov = &iov, .msg_iovlen = 1};

        sendmsg(*(int *)arg, &msg, 0);
}

static void calls_sendmmsg(void *arg)
{
        struct iovec iov = {(char[]){"x"}, 1};
        struct mmsghdr msgs[1] = {{.msg_hdr = {.msg_name = &discard,
                                               .msg_namelen = discard_len,
                                               .msg_iov = &iov,
                                               .msg_iovlen = 1}}};

        sendmmsg(*(int *)arg, msgs, 1, 0);
}

static void calls_bind(void *arg)
{
        bind(*(int *)arg, (struct sockaddr *)&discard, discard_len);
}

static const struct counting {
        const char *name;
        void (*call)(void *arg);
} countings[] = {
        {"count_sendto", calls_sendto},
        {"count_sendmsg", calls_sendmsg},
        {"count_sendmmsg", calls_sendmmsg},
        {"count_bind", calls_bind},
};

static void is_one_system_call(void **state)
{
        const struct counting *row = *state;
        struct counted counted;
        uint16_t port;
        int far = receiver("203.0.113.32", &port), fd = socket(AF_INET, SOCK_DGRAM, 0);

        if (mode == PRELOADED)
                look_up("cas.example.test", AF_INET, 443, &(struct sockaddr_storage){0});
        discard_len = address(&discard, "203.0.113.32", port, false);
        row->call(&fd);
        if (!count_calls(row->call, &fd, &counted)) {
                print_message("# nobody may trace here: %s\n", strerror(errno));
                skip();
        }
        assert_int_equal(counted.n, 1);
        close(fd);
        close(far);
}

int main(int argc, char **argv)
{
        static struct table t;

        /* (A local IPv6 address that is on no interface can be reached but not bound.) */
        world_enter(argc, argv, HOSTS_SETUP " && echo 1 >/proc/sys/net/ipv6/ip_nonlocal_bind");
        TABLE_ADD(&t, is_one_system_call, countings);
        table_add(&t, "bad_arguments", bad_arguments, NULL);
        table_add(&t, "foreign_placeholder_is_left_alone", foreign_placeholder_is_left_alone, NULL);
        if (mode == PRELOADED) {
                TABLE_ADD(&t, sends, rows);
                table_add(&t, "many_messages", many_messages, NULL);
                table_add(&t, "remembers_for_a_minute", remembers_for_a_minute, NULL);
                TABLE_ADD(&t, binds, bindings);
        }
        return table_run_with("datagram", &t, names_setup);
}
