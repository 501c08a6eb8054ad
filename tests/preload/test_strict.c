/* SPDX-License-Identifier: MIT */
/* HFPROXY_TUNNEL=strict: what cannot be tunnelled does not leave. (Run by "noproxy" with no proxy
 * at all; the control, without the library, shows that it would leave.) */
#define _GNU_SOURCE
#include "calls.h"
#include "world.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <resolv.h>
#include <sys/un.h>
#include <sys/syscall.h>

#define FAR "203.0.113.10"
#define NEAR "10.9.9.9"
#define OWN "198.51.100.7"
#define NAME_SERVER "203.0.113.53"
#define WORD "word\n"

static int name_server = -1; /* a socket there: nothing may ever come */

static int setup(void **state)
{
        (void)state;
        atomic_store(&world->behaviour, GRANTS);
        memset(world->request, 0, sizeof world->request);
        if (mode == PRELOADED) {
                setenv("https_proxy", world_proxy_url(world->proxy_port), 1);
                setenv("http_proxy", world_proxy_url(world->proxy_port), 1);
        }
        unsetenv("all_proxy");
        unsetenv("no_proxy");
        return 0;
}

static bool is_strict(void)
{
        return mode != CONTROL;
}

/* What an attempt came to: 0, or its errno. */
static int outcome(long r)
{
        return r < 0 ? errno : 0;
}

/* ---- TCP ---- */

enum { DIRECT, BLOCKED, TUNNELLED };

static const struct row {
        const char *name, *addr;
        uint16_t port;
        const char *variable, *value;
        int expected, without_proxy;
} rows[] = {
        {"public", FAR, 443, NULL, NULL, TUNNELLED, BLOCKED},
        {"public_v6", "2001:db8:10::7", 443, NULL, NULL, TUNNELLED, BLOCKED},
        {"port_without_proxy", FAR, 9000, NULL, NULL, BLOCKED, BLOCKED},
        {"port_zero", FAR, 0, NULL, NULL, BLOCKED, BLOCKED},
        {"private", NEAR, 443, NULL, NULL, BLOCKED, BLOCKED},
        {"carrier_nat", "100.64.7.7", 443, NULL, NULL, BLOCKED, BLOCKED},
        {"metadata", "169.254.7.7", 80, NULL, NULL, BLOCKED, BLOCKED},
        {"attached", "198.51.100.9", 443, NULL, NULL, BLOCKED, BLOCKED},
        {"placeholder_of_nobody", "240.160.1.1", 443, NULL, NULL, BLOCKED, BLOCKED},
        {"loopback", "127.0.0.1", 443, NULL, NULL, DIRECT, DIRECT},
        {"loopback_v6", "::1", 443, NULL, NULL, DIRECT, DIRECT},
        {"loopback_closed", "127.0.0.1", 9000, NULL, NULL, DIRECT, DIRECT},
        {"unspecified", "0.0.0.0", 443, NULL, NULL, DIRECT, DIRECT},
        {"own", OWN, 443, NULL, NULL, DIRECT, DIRECT},
        {"exempt_private", NEAR, 443, "no_proxy", "10.9.0.0/16", DIRECT, DIRECT},
        {"exempt_port", FAR, 9000, "no_proxy", FAR ":9000", DIRECT, DIRECT},
        {"exempt_other_port", FAR, 9000, "no_proxy", FAR ":9001", BLOCKED, BLOCKED},
        {"exempt_attached", "198.51.100.9", 443, "no_proxy", "198.51.100.0/24", DIRECT, DIRECT},
        {"exempt_everything", FAR, 9000, "no_proxy", "*", DIRECT, DIRECT},
        {"tls_proxy", FAR, 443, "https_proxy", "https://127.0.0.1:1", BLOCKED, BLOCKED},
        {"unreadable_proxy", FAR, 443, "https_proxy", "http://[nonsense", BLOCKED, BLOCKED},
};

static int connect_fully(int fd, const char *addr, uint16_t port, bool v6)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, addr, port, v6), n = sizeof(int);
        int error = outcome(connect(fd, (struct sockaddr *)&sa, len));

        if (error == EINPROGRESS) {
                assert_true(ready(fd, POLLOUT));
                assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n), 0);
        }
        return error;
}

static void expect_outcome(int expected, int error)
{
        if (expected == DIRECT && (error == 0 || error == ECONNREFUSED))
                return;
        if (error != (expected == BLOCKED ? ENETUNREACH : 0))
                fail_msg("%s", strerror(error));
}

static void connects(void **state)
{
        const struct row *row = *state;
        int expected = mode == PRELOADED ? row->expected : row->without_proxy;
        bool v6 = strchr(row->addr, ':');

        if (row->variable && (mode == PRELOADED || !strcmp(row->variable, "no_proxy")))
                setenv(row->variable, row->value, 1);
        if (mode == CONTROL && row->port == 443 && strcmp(row->name, "placeholder_of_nobody") != 0)
                expected = TUNNELLED; /* there is a server everywhere */
        else if (mode == CONTROL)
                return;
        for (int flags = 0; flags <= SOCK_NONBLOCK; flags += SOCK_NONBLOCK) {
                int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | flags, 0);

                expect_outcome(expected, connect_fully(fd, row->addr, row->port, v6));
                close(fd);
                if (v6)
                        continue;
                fd = socket(AF_INET6, SOCK_STREAM | flags, 0);
                expect_outcome(expected, connect_fully(fd, row->addr, row->port, true));
                close(fd);
        }
}

/* all_proxy does not stand in for a variable that cannot be read, nor do clients find it there. */
static void unreadable_proxy_is_not_replaced(void **state)
{
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        (void)state;
        setenv("all_proxy", world_proxy_url(world->proxy_port), 1);
        setenv("https_proxy", "http://[nonsense", 1);
        unsetenv("HTTPS_PROXY");
        assert_int_equal(connect_fully(fd, FAR, 443, false), ENETUNREACH);
        assert_int_equal(connect_fully(fd, FAR, 9000, false), 0);
        assert_string_equal(getenv("https_proxy"), "http://[nonsense");
        close(fd);
}

/* The kernel's own words about sockets that are in use. */
static void sockets_in_use(void **state)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, "127.0.0.1", 443, false);
        int fd = socket(AF_INET, SOCK_STREAM, 0), local[2];

        (void)state;
        assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
        assert_int_equal(connect_fully(fd, NEAR, 443, false), EISCONN);
        address(&sa, NEAR, 443, false);
        /* (the address is not looked at) */
        assert_int_equal(sendto(fd, WORD, 5, 0, (struct sockaddr *)&sa, len), 5);
        expect_read(fd, WORD);
        close(fd);
        assert_int_equal(connect_fully(fd, NEAR, 443, false), EBADF);
        assert_int_equal(outcome(sendto(fd, WORD, 5, 0, (struct sockaddr *)&sa, len)), EBADF);

        fd = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(outcome(sendto(fd, WORD, 5, MSG_NOSIGNAL, (struct sockaddr *)&sa, len)),
                         EPIPE);
        assert_int_equal(outcome(sendto(fd, WORD, 5, 0, (void *)8, len)), EFAULT);
        assert_int_equal(outcome(sendmsg(fd, (void *)8, 0)), EFAULT);
        close(fd);

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, local), 0);
        assert_int_equal(write(local[0], WORD, 5), 5);
        assert_int_equal(connect_fully(local[0], NEAR, 443, false), EINVAL);
        close(local[0]);
        close(local[1]);
}

/* Who called us gets an answer: it is only what begins here that must not leave. */
static void accepted_connections(void **state)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, 0, false);
        int listener = socket(AF_INET, SOCK_STREAM, 0), caller = socket(AF_INET, SOCK_STREAM, 0);
        int served;

        (void)state;
        assert_int_equal(bind(listener, (struct sockaddr *)&sa, len), 0);
        assert_int_equal(listen(listener, 1), 0);
        assert_int_equal(getsockname(listener, (struct sockaddr *)&sa, &len), 0);
        setenv("no_proxy", FAR, 1);
        assert_int_equal(connect(caller, (struct sockaddr *)&sa, len), 0);
        unsetenv("no_proxy");
        served = accept(listener, NULL, NULL);
        assert_int_equal(send(served, WORD, 5, 0), 5);
        expect_read(caller, WORD);
        close(served);
        close(caller);
        close(listener);
}

/* ---- what connects by the way ---- */

static ssize_t fast_sendto(int fd, struct sockaddr_storage *sa, socklen_t len)
{
        return sendto(fd, WORD, 5, MSG_FASTOPEN, (struct sockaddr *)sa, len);
}

static ssize_t fast_sendmsg(int fd, struct sockaddr_storage *sa, socklen_t len)
{
        struct iovec iov = {(void *)(uintptr_t)WORD, 5};
        struct msghdr msg = {.msg_name = sa, .msg_namelen = len, .msg_iov = &iov, .msg_iovlen = 1};

        return sendmsg(fd, &msg, MSG_FASTOPEN);
}

static ssize_t fast_sendmmsg(int fd, struct sockaddr_storage *sa, socklen_t len)
{
        struct iovec iov = {(void *)(uintptr_t)WORD, 5};
        struct mmsghdr msg = {
                {.msg_name = sa, .msg_namelen = len, .msg_iov = &iov, .msg_iovlen = 1}, 0};

        return sendmmsg(fd, &msg, 1, MSG_FASTOPEN);
}

static ssize_t fast_sendto_by_number(int fd, struct sockaddr_storage *sa, socklen_t len)
{
        return syscall(SYS_sendto, fd, WORD, 5, MSG_FASTOPEN, sa, len);
}

static ssize_t connect_by_number(int fd, struct sockaddr_storage *sa, socklen_t len)
{
        return syscall(SYS_connect, fd, sa, len);
}

static const struct opening {
        const char *name;
        ssize_t (*begin)(int fd, struct sockaddr_storage *sa, socklen_t len);
} openings[] = {
        {"fastopen_sendto", fast_sendto},
        {"fastopen_sendmsg", fast_sendmsg},
        {"fastopen_sendmmsg", fast_sendmmsg},
        {"fastopen_sendto_by_number", fast_sendto_by_number},
        {"connect_by_number", connect_by_number},
};

static void opens(void **state)
{
        const struct opening *row = *state;
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, NEAR, 443, false);
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        assert_int_equal(outcome(row->begin(fd, &sa, len)), is_strict() ? ENETUNREACH : 0);
        close(fd);
        len = address(&sa, "127.0.0.1", 443, false);
        fd = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(outcome(row->begin(fd, &sa, len)), 0);
        close(fd);
}

/* ---- datagrams ---- */

/* A socket that takes what comes to ADDR, and that address with its port. */
static int receiver(const char *addr, struct sockaddr_storage *sa, socklen_t *len)
{
        int fd = socket(strchr(addr, ':') ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        int on = 1;

        *len = address(sa, addr, 0, strchr(addr, ':'));
        if (sa->ss_family == AF_INET6)
                setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on);
        assert_int_equal(bind(fd, (struct sockaddr *)sa, *len), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)sa, len), 0);
        return fd;
}

/* It has got something; takes it all. */
static bool got(int fd)
{
        bool any = false;
        char buf[64];

        while (recv(fd, buf, sizeof buf, MSG_DONTWAIT) >= 0)
                any = true;
        return any;
}

static ssize_t by_number_sendto(int fd, char *buf, size_t n)
{
        return syscall(SYS_sendto, fd, buf, n, 0, NULL, 0);
}

static ssize_t by_number_sendmsg(int fd, char *buf, size_t n)
{
        struct iovec iov = {buf, n};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

        return syscall(SYS_sendmsg, fd, &msg, 0);
}

static ssize_t by_number_sendmmsg(int fd, char *buf, size_t n)
{
        struct iovec iov = {buf, n};
        struct mmsghdr msg = {.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}};
        long r = syscall(SYS_sendmmsg, fd, &msg, 1, 0);

        return r < 0 ? r : (ssize_t)msg.msg_len;
}

static ssize_t by_number_write(int fd, char *buf, size_t n)
{
        return syscall(SYS_write, fd, buf, n);
}

static ssize_t by_number_writev(int fd, char *buf, size_t n)
{
        struct iovec iov = {buf, n};

        return syscall(SYS_writev, fd, &iov, 1);
}

static ssize_t by_number_sendfile(int fd, char *buf, size_t n)
{
        int file = file_of(buf, n);
        off_t at = 0;
        ssize_t r = syscall(SYS_sendfile, fd, file, &at, n);

        close(file);
        return r;
}

static ssize_t by_number_splice(int fd, char *buf, size_t n)
{
        int ends[2];
        ssize_t r = -1;

        if (pipe(ends) < 0)
                return -1;
        if (write(ends[1], buf, n) == (ssize_t)n)
                r = syscall(SYS_splice, ends[0], NULL, fd, NULL, n, 0);
        close(ends[0]);
        close(ends[1]);
        return r;
}

static const struct call numbers[] = {
        {"sendto_by_number", true, by_number_sendto},
        {"sendmsg_by_number", true, by_number_sendmsg},
        {"sendmmsg_by_number", true, by_number_sendmmsg},
        {"write_by_number", true, by_number_write},
        {"writev_by_number", true, by_number_writev},
        {"sendfile_by_number", true, by_number_sendfile},
        {"splice_by_number", true, by_number_splice},
};

static const struct place {
        const char *addr;
        bool open;
} places[] = {{FAR, false},        {NEAR, false}, {"2001:db8:10::7", false},
              {"127.0.0.1", true}, {"::1", true}, {OWN, true}};

/* connect() sends nothing, and programs learn their own address by it. */
static void sends_to_its_peer(void **state)
{
        const struct call *call = *state;

        for (size_t i = 0; i < HF_LEN(places); i++) {
                bool refused = is_strict() && !places[i].open;
                struct sockaddr_storage sa, name;
                socklen_t len, name_len = sizeof name;
                int to = receiver(places[i].addr, &sa, &len);
                int fd = socket(sa.ss_family, SOCK_DGRAM, 0);
                char word[] = WORD;

                assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
                assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &name_len), 0);
                errno = 0;
                if (refused) {
                        assert_int_equal(call->move(fd, word, 5), -1);
                        assert_int_equal(errno, ENETUNREACH);
                } else {
                        assert_int_equal(call->move(fd, word, 5), 5);
                }
                assert_int_equal(got(to), !refused);
                close(fd);
                close(to);
        }
}

static void sends_to_an_address(void **state)
{
        (void)state;
        for (size_t i = 0; i < HF_LEN(places); i++) {
                int expected = is_strict() && !places[i].open ? ENETUNREACH : 0;
                struct sockaddr_storage sa;
                socklen_t len;
                int to = receiver(places[i].addr, &sa, &len);
                int fd = socket(sa.ss_family, SOCK_DGRAM, 0);
                struct iovec iov = {(void *)(uintptr_t)WORD, 5};
                struct msghdr msg = {
                        .msg_name = &sa, .msg_namelen = len, .msg_iov = &iov, .msg_iovlen = 1};
                struct mmsghdr one = {msg, 0};

                assert_int_equal(outcome(sendto(fd, WORD, 5, 0, (void *)&sa, len)), expected);
                assert_int_equal(outcome(sendmsg(fd, &msg, 0)), expected);
                assert_int_equal(outcome(sendmmsg(fd, &one, 1, 0)), expected);
                assert_int_equal(outcome(syscall(SYS_sendto, fd, WORD, 5, 0, &sa, len)), expected);
                assert_int_equal(outcome(syscall(SYS_sendmsg, fd, &msg, 0)), expected);
                assert_int_equal(outcome(syscall(SYS_sendmmsg, fd, &one, 1, 0)), expected);
                assert_int_equal(got(to), !expected);
                close(fd);
                close(to);
        }
}

/* The other ways to write the same address. */
static void sends_in_disguise(void **state)
{
        struct sockaddr_storage sa, mapped;
        socklen_t len;
        int to = receiver(FAR, &sa, &len), expected = is_strict() ? ENETUNREACH : 0;
        int v4 = socket(AF_INET, SOCK_DGRAM, 0), v6 = socket(AF_INET6, SOCK_DGRAM, 0);
        uint16_t port = ntohs(((struct sockaddr_in *)&sa)->sin_port);

        (void)state;
        assert_int_equal(outcome(sendto(v6, WORD, 5, 0, (void *)&sa, len)), expected);
        address(&mapped, FAR, port, true);
        assert_int_equal(
                outcome(sendto(v6, WORD, 5, 0, (void *)&mapped, sizeof(struct sockaddr_in6))),
                expected);
        /* to the kernel, on this kind of socket, the same as AF_INET */
        sa.ss_family = AF_UNSPEC;
        assert_int_equal(outcome(sendto(v4, WORD, 5, 0, (void *)&sa, len)), expected);
        assert_int_equal(got(to), !expected);
        close(to);
        /* and on this kind no address at all: the peer */
        to = receiver("2001:db8:10::7", &mapped, &len);
        assert_int_equal(connect(v6, (void *)&mapped, len), 0);
        ((struct sockaddr_in *)&sa)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        assert_int_equal(outcome(sendto(v6, WORD, 5, 0, (void *)&sa, sizeof(struct sockaddr_in))),
                         expected);
        assert_int_equal(got(to), !expected);
        close(v4);
        close(v6);
        close(to);
}

/* Those before the first that must not. */
static void sends_several(void **state)
{
        struct sockaddr_storage near, far;
        socklen_t len;
        int local = receiver("127.0.0.1", &near, &len), to = receiver(FAR, &far, &len);
        int fd = socket(AF_INET, SOCK_DGRAM, 0);
        struct iovec iov = {(void *)(uintptr_t)WORD, 5};
        struct mmsghdr msgs[3];

        (void)state;
        for (int i = 0; i < 3; i++)
                msgs[i].msg_hdr = (struct msghdr){.msg_name = i == 1 ? &far : &near,
                                                  .msg_namelen = len,
                                                  .msg_iov = &iov,
                                                  .msg_iovlen = 1};
        assert_int_equal(sendmmsg(fd, msgs, 3, 0), is_strict() ? 1 : 3);
        assert_true(got(local));
        assert_int_equal(got(to), !is_strict());
        close(fd);
        close(local);
        close(to);
}

static void no_proxy_opens_datagrams(void **state)
{
        struct sockaddr_storage sa;
        socklen_t len;
        int to = receiver(FAR, &sa, &len), fd = socket(AF_INET, SOCK_DGRAM, 0);

        (void)state;
        setenv("no_proxy", "203.0.113.0/28", 1);
        assert_int_equal(sendto(fd, WORD, 5, 0, (struct sockaddr *)&sa, len), 5);
        assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
        assert_int_equal(write(fd, WORD, 5), 5);
        assert_true(got(to));
        unsetenv("no_proxy");
        assert_int_equal(outcome(write(fd, WORD, 5)), is_strict() ? ENETUNREACH : 0);
        close(fd);
        close(to);
}

/* What stdio writes, no hook sees. */
static void stdio_streams(void **state)
{
        struct sockaddr_storage sa;
        socklen_t len;
        int to = receiver(FAR, &sa, &len), fd = socket(AF_INET, SOCK_DGRAM, 0);
        int expected = is_strict() ? ENETUNREACH : 0, saved = dup(0);
        FILE *file;

        (void)state;
        assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
        file = fdopen(fd, "w");
        assert_int_equal(file ? 0 : errno, expected);
        if (file) {
                fputs(WORD, file);
                assert_int_equal(fflush(file), 0);
        }
        assert_int_equal(outcome(dup2(fd, 0)), expected);
        assert_int_equal(outcome(dup3(fd, 0, 0)), expected);
        dup2(saved, 0);
        assert_int_equal(got(to), !expected);
        close(saved);
        close(fd);
        close(to);
}

/* ---- other protocols ---- */

static void raw_sockets(void **state)
{
        struct icmphdr echo = {.type = ICMP_ECHO};
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, 0, false);
        int expected = is_strict() ? ENETUNREACH : 0;
        int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(outcome(sendto(fd, &echo, sizeof echo, 0, (void *)&sa, len)), expected);
        assert_int_equal(outcome(connect(fd, (void *)&sa, len)), expected);
        len = address(&sa, "127.0.0.1", 0, false);
        assert_int_equal(outcome(sendto(fd, &echo, sizeof echo, 0, (void *)&sa, len)), 0);
        assert_int_equal(outcome(connect(fd, (void *)&sa, len)), 0);
        close(fd);
}

static void packet_sockets(void **state)
{
        struct sockaddr_ll sa = {.sll_family = AF_PACKET,
                                 .sll_protocol = htons(0x88b5 /* of nobody */),
                                 .sll_ifindex = (int)if_nametoindex("lo")};
        int fd = socket(AF_PACKET, SOCK_DGRAM, 0), expected = is_strict() ? ENETUNREACH : 0;

        (void)state;
        assert_true(fd >= 0);
        if (!is_strict())
                assert_int_equal(sendto(fd, WORD, 5, 0, (void *)&sa, sizeof sa), 5);
        else
                assert_int_equal(outcome(sendto(fd, WORD, 5, 0, (void *)&sa, sizeof sa)), expected);
        assert_int_equal(bind(fd, (void *)&sa, sizeof sa), 0);
        assert_int_equal(outcome(send(fd, WORD, 5, 0)), expected);
        close(fd);
}

static void sctp(void **state)
{
        int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);

        (void)state;
        if (fd < 0)
                return; /* this kernel has none */
        if (is_strict())
                assert_int_equal(connect_fully(fd, FAR, 443, false), ENETUNREACH);
        close(fd);
}

/* ---- names ---- */

#define HOSTS                                                                                      \
        "127.0.0.1 localhost\n"                                                                    \
        "10.9.9.1 box box.example\n"                                                               \
        "203.0.113.31 exempt.example\n"                                                            \
        "203.0.113.37 proxy.example\n"                                                             \
        "2001:db8:10::39 six.example\n"

static const char placeholder[] = "placeholder";

static const struct name {
        const char *name, *node, *service; /* no node: our own name */
        int family, flags;
        const char *no_proxy;
        const char *expected, *without_proxy; /* an address, `placeholder`, or NULL: EAI_FAIL */
} names[] = {
        {"public_name", "cas.test", "443", AF_UNSPEC, 0, NULL, placeholder, NULL},
        {"name_without_service", "cas.test", NULL, AF_UNSPEC, 0, NULL, placeholder, NULL},
        {"port_without_proxy_by_name", "cas.test", "9000", AF_UNSPEC, 0, NULL, NULL, NULL},
        {"local_domain", "printer.local", "443", AF_UNSPEC, 0, NULL, placeholder, NULL},
        {"below_search_suffix", "a.corp.test", "443", AF_UNSPEC, 0, NULL, placeholder, NULL},
        {"no_dot", "nobox", "443", AF_UNSPEC, 0, NULL, placeholder, NULL},
        {"no_dot_port_without_proxy", "nobox", "9000", AF_UNSPEC, 0, NULL, NULL, NULL},
        {"no_dot_in_hosts", "box", "443", AF_UNSPEC, 0, NULL, "10.9.9.1", "10.9.9.1"},
        {"in_hosts", "box.example", "9000", AF_INET, 0, NULL, "10.9.9.1", "10.9.9.1"},
        {"in_hosts_of_another_family", "box.example", "9000", AF_INET6, 0, NULL, NULL, NULL},
        {"in_hosts_with_ipv6", "six.example", "9000", AF_UNSPEC, 0, NULL, "2001:db8:10::39",
         "2001:db8:10::39"},
        {"exempt_in_hosts", "exempt.example", "443", AF_UNSPEC, 0, "exempt.example", "203.0.113.31",
         "203.0.113.31"},
        {"exempt_elsewhere", "a.exempt.example", "443", AF_UNSPEC, 0, "exempt.example", NULL, NULL},
        {"passive", "cas.test", "443", AF_UNSPEC, AI_PASSIVE, NULL, placeholder, NULL},
        {"odd_bytes", "ex_\x01.test", "443", AF_UNSPEC, 0, NULL, NULL, NULL},
        {"looks_like_a_number", "fade.1", "443", AF_UNSPEC, 0, NULL, NULL, NULL},
        {"localhost", "localhost", "443", AF_INET, 0, NULL, "127.0.0.1", "127.0.0.1"},
        {"localhost_not_in_hosts", "localhost", "443", AF_INET6, 0, NULL, "::1", "::1"},
        {"own_name", NULL, "9000", AF_INET, AI_CANONNAME, NULL, OWN, OWN},
        {"address", FAR, "9000", AF_UNSPEC, 0, NULL, FAR, FAR},
        {"short_address", "127.1", "9000", AF_UNSPEC, 0, NULL, "127.0.0.1", "127.0.0.1"},
        {"scoped_address", "fe80::1%lo", "9000", AF_UNSPEC, 0, NULL, "fe80::1%lo", "fe80::1%lo"},
};

static void looks_up(void **state)
{
        const struct name *row = *state;
        const char *expected = mode == PRELOADED ? row->expected : row->without_proxy;
        const struct addrinfo hints = {
                .ai_family = row->family, .ai_socktype = SOCK_STREAM, .ai_flags = row->flags};
        const char *node = row->node;
        struct addrinfo *list;
        char text[128], host[65];
        int r;

        if (mode == CONTROL)
                return;
        if (!node) {
                assert_int_equal(gethostname(host, sizeof host), 0);
                node = host;
        }
        if (row->no_proxy)
                setenv("no_proxy", row->no_proxy, 1);
        r = getaddrinfo(node, row->service, &hints, &list);
        assert_false(got(name_server));
        if (!expected) {
                if (r != EAI_FAIL)
                        fail_msg("%s", r ? gai_strerror(r) : "found");
                return;
        }
        if (r)
                fail_msg("%s", gai_strerror(r));
        if (row->flags & AI_CANONNAME)
                assert_string_equal(list->ai_canonname, node);
        r = getnameinfo(list->ai_addr, list->ai_addrlen, text, sizeof text, NULL, 0,
                        NI_NUMERICHOST);
        assert_int_equal(r, 0);
        freeaddrinfo(list);
        if (expected == placeholder)
                assert_memory_equal(text, "240.1", 5);
        else
                assert_string_equal(text, expected);
}

/* To the port of a proxy it is tunnelled by name; to no other does it go at all. */
static void placeholders(void **state)
{
        const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
        struct addrinfo *list;
        struct sockaddr_in in;
        int fd = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);

        (void)state;
        assert_int_equal(getaddrinfo("squid", NULL, &hints, &list), 0);
        memcpy(&in, list->ai_addr, sizeof in);
        freeaddrinfo(list);
        in.sin_port = htons(9000);
        assert_int_equal(outcome(connect(fd, (struct sockaddr *)&in, sizeof in)), ENETUNREACH);
        in.sin_port = htons(443);
        assert_int_equal(outcome(connect(udp, (struct sockaddr *)&in, sizeof in)), ENETUNREACH);
        assert_int_equal(outcome(sendto(udp, WORD, 5, 0, (struct sockaddr *)&in, sizeof in)),
                         ENETUNREACH);
        assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof in), 0);
        expect_echo(fd);
        expect_request("CONNECT squid:443 HTTP/1.1");
        assert_false(got(name_server));
        close(fd);
        close(udp);
}

/* Another port with a proxy: elsewhere the name would be looked up first. */
static void other_port_by_name(void **state)
{
        const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
        struct addrinfo *list;
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        (void)state;
        setenv("all_proxy", world_proxy_url(world->proxy_port), 1);
        assert_int_equal(getaddrinfo("files.test", "443", &hints, &list), 0);
        ((struct sockaddr_in *)(void *)list->ai_addr)->sin_port = htons(9443);
        connect(fd, list->ai_addr, list->ai_addrlen);
        freeaddrinfo(list);
        expect_request("CONNECT files.test:9443 HTTP/1.1");
        assert_false(got(name_server));
        close(fd);
}

static int try_res_query(void)
{
        unsigned char answer[512];

        return res_query("cas.test", 1, 1, answer, sizeof answer);
}

static int try_res_search(void)
{
        unsigned char answer[512];

        return res_search("cas.test", 1, 1, answer, sizeof answer);
}

static int try_res_querydomain(void)
{
        unsigned char answer[512];

        return res_querydomain("cas", "test", 1, 1, answer, sizeof answer);
}

static int make_question(unsigned char *question, int size)
{
        int n = res_mkquery(QUERY, "cas.test", 1, 1, NULL, 0, NULL, question, size);

        assert_true(n > 0);
        return n;
}

static int try_res_send(void)
{
        unsigned char question[512], answer[512];
        int n = make_question(question, sizeof question);

        return res_send(question, n, answer, sizeof answer);
}

static struct __res_state state_of_own;

static int try_res_nquery(void)
{
        unsigned char answer[512];

        return res_nquery(&state_of_own, "cas.test", 1, 1, answer, sizeof answer);
}

static int try_res_nsearch(void)
{
        unsigned char answer[512];

        return res_nsearch(&state_of_own, "cas.test", 1, 1, answer, sizeof answer);
}

static int try_res_nquerydomain(void)
{
        unsigned char answer[512];

        return res_nquerydomain(&state_of_own, "cas", "test", 1, 1, answer, sizeof answer);
}

static int try_res_nsend(void)
{
        unsigned char question[512], answer[512];
        int n = make_question(question, sizeof question);

        return res_nsend(&state_of_own, question, n, answer, sizeof answer);
}

/* What programs call that were built with an older glibc. (A newer one has it for them alone.) */
static int try_old_res_query(void)
{
        int (*ask)(const char *name, int class, int type, unsigned char *answer, int len);
        void *at = dlsym(RTLD_DEFAULT, "__res_query");
        unsigned char answer[512];

        assert_non_null(at);
        memcpy(&ask, &at, sizeof ask);
        return ask("cas.test", 1, 1, answer, sizeof answer);
}

static const struct resolver {
        const char *name;
        int (*ask)(void);
        bool own_state;
} resolvers[] = {
        {"res_query", try_res_query, false},
        {"res_search", try_res_search, false},
        {"res_querydomain", try_res_querydomain, false},
        {"res_send", try_res_send, false},
        {"res_nquery", try_res_nquery, true},
        {"res_nsearch", try_res_nsearch, true},
        {"res_nquerydomain", try_res_nquerydomain, true},
        {"res_nsend", try_res_nsend, true},
        {"__res_query", try_old_res_query, false},
};

static void asks_a_name_server(void **state)
{
        const struct resolver *row = *state;

        if (mode == CONTROL && row->ask == try_old_res_query)
                return;
        if (row->own_state) {
                memset(&state_of_own, 0, sizeof state_of_own);
                assert_int_equal(res_ninit(&state_of_own), 0);
        }
        h_errno = 0;
        assert_int_equal(row->ask(), -1);
        if (is_strict()) {
                assert_int_equal(h_errno, NO_RECOVERY);
                assert_int_equal(errno, ENETUNREACH);
                if (row->own_state)
                        assert_int_equal(state_of_own.res_h_errno, NO_RECOVERY);
        }
        assert_int_equal(got(name_server), !is_strict());
        if (row->own_state)
                res_nclose(&state_of_own);
}

/* The one exception. */
static void proxys_own_name(void **state)
{
        const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
        struct addrinfo *list;
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        (void)state;
        setenv("https_proxy", "http://elsewhere.example:3128", 1);
        assert_int_not_equal(getaddrinfo("elsewhere.example", "3128", &hints, &list), 0);
        assert_true(got(name_server));
        assert_int_equal(connect_fully(fd, FAR, 443, false), EHOSTUNREACH);
        assert_true(got(name_server));
        close(fd);
}

/* Whatever HFPROXY_IO_URING says (see main()). */
static void io_uring(void **state)
{
        char params[256] = {0};

        (void)state;
        assert_int_equal(outcome(syscall(425 /* io_uring_setup */, 4, params)), ENOSYS);
}

static void open_name_server(void)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, NAME_SERVER, 53, false);

        name_server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (bind(name_server, (struct sockaddr *)&sa, len) < 0)
                abort();
}

int main(int argc, char **argv)
{
        static struct table t;

        setenv("HFPROXY_TUNNEL", "strict", 1);
        setenv("HFPROXY_IO_URING", "allow", 1);
        world_enter(argc, argv,
                    "printf '" HOSTS "' >/tmp/hosts.$$ &&"
                    "printf 'search corp.test\nnameserver " NAME_SERVER
                    "\noptions timeout:1 attempts:1\n' >/tmp/resolv.$$ &&"
                    "mount --bind /tmp/hosts.$$ /etc/hosts && mount --bind /tmp/resolv.$$ "
                    "/etc/resolv.conf &&"
                    "rm /tmp/hosts.$$ /tmp/resolv.$$");
        open_name_server();
        TABLE_ADD(&t, connects, rows);
        table_add(&t, "sockets_in_use", sockets_in_use, NULL);
        table_add(&t, "accepted_connections", accepted_connections, NULL);
        TABLE_ADD(&t, opens, openings);
        for (size_t i = 0; i < HF_LEN(calls); i++)
                if (calls[i].writes)
                        table_add(&t, calls[i].name, sends_to_its_peer, &calls[i]);
        TABLE_ADD(&t, sends_to_its_peer, numbers);
        table_add(&t, "sends_to_an_address", sends_to_an_address, NULL);
        table_add(&t, "sends_in_disguise", sends_in_disguise, NULL);
        table_add(&t, "sends_several", sends_several, NULL);
        table_add(&t, "no_proxy_opens_datagrams", no_proxy_opens_datagrams, NULL);
        table_add(&t, "stdio_streams", stdio_streams, NULL);
        table_add(&t, "raw_sockets", raw_sockets, NULL);
        table_add(&t, "packet_sockets", packet_sockets, NULL);
        table_add(&t, "sctp", sctp, NULL);
        TABLE_ADD(&t, looks_up, names);
        TABLE_ADD(&t, asks_a_name_server, resolvers);
        if (mode == PRELOADED) {
                table_add(&t, "unreadable_proxy_is_not_replaced", unreadable_proxy_is_not_replaced,
                          NULL);
                table_add(&t, "placeholders", placeholders, NULL);
                table_add(&t, "other_port_by_name", other_port_by_name, NULL);
                table_add(&t, "proxys_own_name", proxys_own_name, NULL);
        }
        if (mode != CONTROL)
                table_add(&t, "io_uring", io_uring, NULL);
        return table_run_with("strict", &t, setup);
}
