/* SPDX-License-Identifier: MIT */
/* connect() on sockets of every kind: what is tunnelled, what is not, and that nothing else about
 * the socket changes. (Tunnels that fail: test_refusals.c.) */
#define _GNU_SOURCE
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define FAR "203.0.113.10" /* looks public */
#define FAR6 "2001:db8:10::7"

static int setup(void **state)
{
        (void)state;
        atomic_store(&world->behaviour, GRANTS);
        atomic_store(&world->released, 0);
        memset(world->request, 0, sizeof world->request);
        if (mode == PRELOADED) {
                setenv("https_proxy", world_proxy_url(world->proxy_port), 1);
                setenv("http_proxy", world_proxy_url(world->proxy_port), 1);
                unsetenv("all_proxy");
                unsetenv("no_proxy");
        }
        return 0;
}

static int tcp(bool v6, bool nonblocking)
{
        int fd = socket(v6 ? AF_INET6 : AF_INET,
                        SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0);

        assert_true(fd >= 0);
        return fd;
}

/* connect() to its end, on either kind of socket, and its errno. A non-blocking one may say
 * EINPROGRESS, as it does without the library. */
static int connect_fully(int fd, const struct sockaddr_storage *sa, socklen_t len)
{
        int r, error;

        errno = 4711;
        r = connect(fd, (const struct sockaddr *)sa, len);
        if (r == 0 && errno != 4711)
                fail_msg("errno was touched in success: %d", errno);
        if (r < 0 && errno == EINPROGRESS && fcntl(fd, F_GETFL) & O_NONBLOCK) {
                socklen_t n = sizeof error;

                assert_true(ready(fd, POLLOUT));
                assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n), 0);
                return error;
        }
        return r < 0 ? errno : 0;
}

/* ---- what works ---- */

static const struct happy {
        const char *name, *addr;
        uint16_t port;
        bool v6, nonblocking;
        enum behaviour behaviour;
        int rcvbuf;
        const char *request;
} happies[] = {
        {"v4_443", FAR, 443, false, false, GRANTS, 0, "CONNECT 203.0.113.10:443 HTTP/1.1"},
        {"v4_80", FAR, 80, false, false, GRANTS, 0, "CONNECT 203.0.113.10:80 HTTP/1.1"},
        {"v4_nonblocking", FAR, 443, false, true, GRANTS, 0, "CONNECT 203.0.113.10:443 HTTP/1.1"},
        {"mapped_is_sent_as_v4", FAR, 443, true, false, GRANTS, 0,
         "CONNECT 203.0.113.10:443 HTTP/1.1"},
        {"mapped_nonblocking", FAR, 443, true, true, GRANTS, 0,
         "CONNECT 203.0.113.10:443 HTTP/1.1"},
        {"byte_by_byte", FAR, 443, false, false, GRANTS_BYTE_BY_BYTE, 0, NULL},
        {"byte_by_byte_nonblocking", FAR, 443, false, true, GRANTS_BYTE_BY_BYTE, 0, NULL},
        {"long_headers", FAR, 443, false, false, GRANTS_LONG_HEADERS, 0, NULL},
        {"long_headers_nonblocking", FAR, 443, false, true, GRANTS_LONG_HEADERS, 0, NULL},
        {"long_headers_small_buffer", FAR, 443, false, false, GRANTS_LONG_HEADERS, 2048, NULL},
        {"small_buffer_byte_by_byte", FAR, 443, false, true, GRANTS_BYTE_BY_BYTE, 1, NULL},
        {"bare_reply", FAR, 443, false, false, GRANTS_BARE, 0, NULL},
        {"interim_reply_first", FAR, 443, false, false, GRANTS_AFTER_100, 0, NULL},
        {"banner_is_not_lost", FAR, 443, false, false, GRANTS_WITH_BANNER, 0, NULL},
        {"banner_is_not_lost_nonblocking", FAR, 443, false, true, GRANTS_WITH_BANNER, 0, NULL},
};

/* Not by SOCKS4. */
static const struct happy happies_v6[] = {
        {"v6_443", FAR6, 443, true, false, GRANTS, 0, "CONNECT [2001:db8:10::7]:443 HTTP/1.1"},
        {"v6_nonblocking", FAR6, 443, true, true, GRANTS, 0,
         "CONNECT [2001:db8:10::7]:443 HTTP/1.1"},
};

static void connects(void **state)
{
        const struct happy *row = *state;
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, row->addr, row->port, row->v6);
        int fd = tcp(row->v6, row->nonblocking);
        unsigned accepted = atomic_load(&world->accepted), served = atomic_load(&world->served);

        atomic_store(&world->behaviour, row->behaviour);
        if (row->rcvbuf)
                setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &row->rcvbuf, sizeof row->rcvbuf);
        assert_int_equal(connect_fully(fd, &sa, len), 0);
        if (mode == PRELOADED && row->behaviour == GRANTS_WITH_BANNER)
                expect_read(fd, BANNER);
        expect_echo(fd);
        if (mode == PRELOADED) {
                assert_int_equal(atomic_load(&world->accepted), accepted + 1);
                assert_int_equal(atomic_load(&world->served), served);
                if (row->request)
                        expect_request(row->request);
        } else {
                assert_int_equal(atomic_load(&world->accepted), accepted);
                assert_int_equal(atomic_load(&world->served), served + 1);
        }
        /* Where connect() said EINPROGRESS it says 0 once; where it said 0, never again. */
        if (row->nonblocking)
                assert_int_equal(connect_fully(fd, &sa, len), 0);
        assert_int_equal(connect_fully(fd, &sa, len), EISCONN);
        close(fd);
}

/* What SOCKS4 has no room for is refused before anybody is asked, and leaves the socket as it was:
 * a program that has an IPv4 address as well goes on to that. */
static void has_no_ipv6(void **state)
{
        struct sockaddr_storage sa;
        unsigned accepted = atomic_load(&world->accepted), served = atomic_load(&world->served);

        (void)state;
        for (int nonblocking = 0; nonblocking < 2; nonblocking++) {
                int fd = tcp(true, nonblocking);
                socklen_t len = address(&sa, FAR6, 443, true);

                assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), -1);
                assert_int_equal(errno, EAFNOSUPPORT);
                assert_int_equal(atomic_load(&world->accepted), accepted);
                assert_int_equal(atomic_load(&world->served), served);
                len = address(&sa, FAR, 443, true);
                assert_int_equal(connect_fully(fd, &sa, len), 0);
                expect_echo(fd);
                expect_request("CONNECT 203.0.113.10:443 HTTP/1.1");
                assert_int_equal(atomic_load(&world->accepted), ++accepted);
                close(fd);
        }
}

/* A socket that connected directly, behind the program's back so far: the kernel says 0 to any
 * connect(), once. No CONNECT may go to that server. */
static void already_connected_elsewhere(void **state)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, "127.0.0.1", 443, false);
        int fd = tcp(false, true);

        (void)state;
        assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), -1);
        assert_int_equal(errno, EINPROGRESS);
        assert_true(ready(fd, POLLOUT));
        len = address(&sa, FAR, 443, false);
        assert_int_equal(connect_fully(fd, &sa, len), 0);
        expect_echo(fd);
        close(fd);
}

/* ---- by name ---- */

static const struct named {
        const char *name, *node, *service;
        int family;
        const char *request;
} named[] = {
        {"name_443", "cas.example.test", "443", AF_UNSPEC, "CONNECT cas.example.test:443 HTTP/1.1"},
        {"name_80", "cas.example.test", "http", AF_UNSPEC, "CONNECT cas.example.test:80 HTTP/1.1"},
        {"name_v6", "cas.example.test", "443", AF_INET6, "CONNECT cas.example.test:443 HTTP/1.1"},
        {"name_is_folded", "CAS.Example.TEST", "443", AF_INET,
         "CONNECT cas.example.test:443 HTTP/1.1"},
        {"trailing_dot_is_cut", "cas.example.test.", "443", AF_INET,
         "CONNECT cas.example.test:443 HTTP/1.1"},
        {"name_with_underscore", "a_b.example.test", "443", AF_INET,
         "CONNECT a_b.example.test:443 HTTP/1.1"},
};

static void connects_by_name(void **state)
{
        const struct named *row = *state;
        const struct addrinfo hints = {.ai_family = row->family, .ai_socktype = SOCK_STREAM};
        struct addrinfo *list;
        struct sockaddr_storage sa;
        int fd;

        if (mode != PRELOADED) {
                assert_int_not_equal(getaddrinfo(row->node, row->service, &hints, &list), 0);
                return;
        }
        assert_int_equal(getaddrinfo(row->node, row->service, &hints, &list), 0);
        memcpy(&sa, list->ai_addr, list->ai_addrlen);
        fd = tcp(list->ai_family == AF_INET6, false);
        assert_int_equal(connect_fully(fd, &sa, list->ai_addrlen), 0);
        freeaddrinfo(list);
        expect_echo(fd);
        expect_request(row->request);
        close(fd);
}

/* Java's way: one kind of socket for both families. */
static void connects_by_name_on_a_mapped_address(void **state)
{
        const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
        struct addrinfo *list;
        struct sockaddr_storage sa;
        char text[INET_ADDRSTRLEN];
        socklen_t len;
        int fd;

        (void)state;
        assert_int_equal(getaddrinfo("cas.example.test", NULL, &hints, &list), 0);
        assert_int_equal(getnameinfo(list->ai_addr, list->ai_addrlen, text, sizeof text, NULL, 0,
                                     NI_NUMERICHOST),
                         0);
        freeaddrinfo(list);
        len = address(&sa, text, 443, true);
        fd = tcp(true, false);
        assert_int_equal(connect_fully(fd, &sa, len), 0);
        expect_echo(fd);
        expect_request("CONNECT cas.example.test:443 HTTP/1.1");
        close(fd);
}

/* ---- where the proxy is ---- */

/* A proxy of two addresses, the first of them useless (see main()). */
static const struct second {
        const char *name, *host;
        bool v6, nonblocking;
        int at_least; /* milliseconds */
} seconds[] = {
        {"second_address_after_refusal", "both.test", true, false, 0},
        {"second_address_after_refusal_nonblocking", "both.test", true, true, 0},
        {"second_address_for_want_of_family", "both.test", false, false, 0},
        {"second_address_after_silence", "slow.test", false, false, 900},
        {"second_address_after_silence_nonblocking", "slow.test", true, true, 900},
};

static void second_address(void **state)
{
        const struct second *row = *state;
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, 443, row->v6);
        char url[64];
        int fd = tcp(row->v6, row->nonblocking);
        int64_t since = now_ms();

        snprintf(url, sizeof url, "%s://u:p%%40ss@%s:%d", world_scheme(), row->host,
                 row->at_least ? world->full_port : world->proxy_port);
        setenv("https_proxy", url, 1);
        assert_int_equal(connect_fully(fd, &sa, len), 0);
        assert_in_range(now_ms() - since, row->at_least, row->at_least + 10000);
        expect_echo(fd);
        close(fd);
}

static void proxy_on_ipv6(void **state)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, 443, true);
        char url[64];
        int fd = tcp(true, false);

        (void)state;
        snprintf(url, sizeof url, "%s://u:p%%40ss@[::1]:%d", world_scheme(), world->proxy6_port);
        setenv("https_proxy", url, 1);
        assert_int_equal(connect_fully(fd, &sa, len), 0);
        expect_echo(fd);
        expect_request("CONNECT 203.0.113.10:443 HTTP/1.1");
        close(fd);
        /* an IPv4 socket has no way there */
        fd = tcp(false, false);
        len = address(&sa, FAR, 443, false);
        assert_int_equal(connect_fully(fd, &sa, len), ENETUNREACH);
        close(fd);
}

/* A protocol of several turns: what comes is answered when it comes, and not when poll() looks
 * again by itself (after 50 ms a turn): the quickest of many says so on a busy machine, too. */
static void every_turn_is_taken_at_once(void **state)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, 443, false);
        int64_t quickest = INT64_MAX;

        (void)state;
        for (int i = 0; i < 40; i++) {
                int fd = tcp(false, true);
                int64_t since = now_ms(), took;

                assert_int_equal(connect_fully(fd, &sa, len), 0);
                took = now_ms() - since;
                quickest = took < quickest ? took : quickest;
                close(fd);
        }
        assert_in_range(quickest, 0, 49);
}

static void proxy_name_without_address(void **state)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, 443, false);
        int fd = tcp(false, false);

        (void)state;
        setenv("https_proxy", "http://nowhere.test:3128", 1);
        assert_int_equal(connect_fully(fd, &sa, len), EHOSTUNREACH);
        close(fd);
}

/* An IPv6 address that every protocol can go to: by SOCKS4 that of a name. */
static socklen_t far_v6(struct sockaddr_storage *sa)
{
        const struct addrinfo hints = {.ai_family = AF_INET6, .ai_socktype = SOCK_STREAM};
        struct addrinfo *list;

        if (world->protocol != SOCKS4)
                return address(sa, FAR6, 443, true);
        assert_int_equal(getaddrinfo("cas.example.test", "443", &hints, &list), 0);
        memcpy(sa, list->ai_addr, list->ai_addrlen);
        freeaddrinfo(list);
        return sizeof(struct sockaddr_in6);
}

static void v6only_socket(void **state)
{
        struct sockaddr_storage sa, any = {.ss_family = AF_INET6};
        socklen_t len = far_v6(&sa);
        int on = 1, off = -1, fd = tcp(true, false);
        socklen_t n = sizeof off;

        (void)state;
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
        if (mode == PRELOADED) {
                /* refused: the option is back */
                atomic_store(&world->behaviour, REFUSES_403);
                assert_int_equal(connect_fully(fd, &sa, len), EACCES);
                assert_int_equal(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, &n), 0);
                assert_int_equal(off, 1);
                atomic_store(&world->behaviour, GRANTS);
        }
        assert_int_equal(connect_fully(fd, &sa, len), 0);
        expect_echo(fd);
        close(fd);

        fd = tcp(true, false);
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
        assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(struct sockaddr_in6)), 0);
        assert_int_equal(connect_fully(fd, &sa, len), mode == PRELOADED ? ENETUNREACH : 0);
        if (mode != PRELOADED)
                expect_echo(fd); /* the server has counted it before the next case begins */
        close(fd);
}

static void fast_open_is_switched_off(void **state)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, 443, false);
        int on = 1, fd = tcp(false, false);

        (void)state;
        setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on);
        setenv("https_proxy", world_proxy_url(world->dead_port), 1);
        assert_int_equal(connect_fully(fd, &sa, len), ECONNREFUSED);
        socklen_t n = sizeof on;
        on = 0;
        assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, &n), 0);
        assert_int_equal(on, 1);
        setenv("https_proxy", world_proxy_url(world->proxy_port), 1);
        assert_int_equal(connect_fully(fd, &sa, len), 0);
        expect_echo(fd);
        close(fd);
}

static void multipath_tcp(void **state)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, 443, false);
        int fd = socket(AF_INET, SOCK_STREAM, 262);

        (void)state;
        if (fd < 0) {
                assert_true(errno == EPROTONOSUPPORT || errno == ENOPROTOOPT || errno == EINVAL);
                return;
        }
        unsigned accepted = atomic_load(&world->accepted);
        assert_int_equal(connect_fully(fd, &sa, len), 0);
        expect_echo(fd);
        assert_int_equal(atomic_load(&world->accepted), accepted + (mode == PRELOADED));
        close(fd);
}

/* ---- what goes direct ---- */

static const struct exempt {
        const char *name, *addr;
        uint16_t port;
        bool v6;
        const char *variable, *value; /* set before */
} exempts[] = {
        {"direct_loopback", "127.0.0.1", 443, false, NULL, NULL},
        {"direct_loopback_net", "127.3.2.1", 443, false, NULL, NULL},
        {"direct_loopback_v6", "::1", 443, true, NULL, NULL},
        {"direct_loopback_mapped", "127.0.0.1", 443, true, NULL, NULL},
        {"direct_unspecified", "0.0.0.0", 443, false, NULL, NULL},
        {"direct_unspecified_v6", "::", 443, true, NULL, NULL},
        {"direct_private", "10.9.9.9", 443, false, NULL, NULL},
        {"direct_private_mapped", "10.9.9.9", 443, true, NULL, NULL},
        {"direct_linklocal", "169.254.7.7", 80, false, NULL, NULL},
        {"direct_carrier_nat", "100.64.7.7", 443, false, NULL, NULL},
        {"direct_own_address", "198.51.100.7", 443, false, NULL, NULL},
        {"direct_attached_network", "198.51.100.99", 443, false, NULL, NULL},
        {"direct_no_proxy_address", FAR, 443, false, "no_proxy", "a.test,203.0.113.10"},
        {"direct_no_proxy_address_mapped", FAR, 443, true, "no_proxy", "203.0.113.10"},
        {"direct_no_proxy_prefix", FAR, 443, false, "no_proxy", "203.0.113.0/28"},
        {"direct_no_proxy_port", FAR, 443, false, "no_proxy", "203.0.113.10:443"},
        {"direct_no_proxy_v6", "2001:db8:10::7", 443, true, "no_proxy", "2001:db8:10::/64"},
        {"direct_no_proxy_star", FAR, 443, false, "no_proxy", "*"},
        {"direct_port_without_proxy", FAR, 8080, false, NULL, NULL},
        {"direct_tls_proxy", FAR, 443, false, "https_proxy", "https://127.0.0.1:1"},
        {"direct_proxy_itself", FAR, 9000, false, "all_proxy", "http://203.0.113.10:9000"},
};

static void goes_direct(void **state)
{
        const struct exempt *row = *state;
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, row->addr, row->port, row->v6);
        unsigned accepted = atomic_load(&world->accepted), served = atomic_load(&world->served);
        int fd = tcp(row->v6, false);

        if (row->variable && mode == PRELOADED)
                setenv(row->variable, row->value, 1);
        assert_int_equal(connect_fully(fd, &sa, len), 0);
        expect_echo(fd);
        assert_int_equal(atomic_load(&world->accepted), accepted);
        assert_int_equal(atomic_load(&world->served), served + 1);
        close(fd);
}

/* With the same list, what it does not name is tunnelled: the rows above do not pass because
 * all_proxy or no_proxy switched something off altogether. */
static const struct exempt tunnelled[] = {
        {"tunnelled_beside_no_proxy", FAR, 443, false, "no_proxy", "203.0.113.11,203.0.113.16/28"},
        {"tunnelled_beside_no_proxy_port", FAR, 443, false, "no_proxy", "203.0.113.10:444"},
        {"tunnelled_by_all_proxy", FAR, 9443, false, "all_proxy", ""},
        {"tunnelled_private_lookalike", "203.0.113.254", 443, false, NULL, NULL},
};

static void goes_through(void **state)
{
        const struct exempt *row = *state;
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, row->addr, row->port, row->v6);
        unsigned accepted = atomic_load(&world->accepted);
        int fd = tcp(row->v6, false);

        if (mode == PRELOADED && row->variable)
                setenv(row->variable, *row->value ? row->value : world_proxy_url(world->proxy_port),
                       1);
        assert_int_equal(connect_fully(fd, &sa, len), 0);
        expect_echo(fd);
        assert_int_equal(atomic_load(&world->accepted), accepted + (mode == PRELOADED));
        close(fd);
}

/* A list that no exec would carry: what its last entry names is direct, the rest is tunnelled. */
static void no_proxy_of_100000_entries(void **state)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, 443, false);
        size_t size = 100000 * 11;
        char *list = malloc(size + 32);

        (void)state;
        assert_non_null(list);
        for (int i = 0; i < 100000; i++)
                snprintf(list + 11 * i, 12, "h%05d.tst,", i);
        for (int exempt = 0; exempt < 2; exempt++) {
                unsigned accepted = atomic_load(&world->accepted);
                int fd = tcp(false, false);

                snprintf(list + size, 32, "%s", exempt ? "203.0.113.0/28" : "198.18.0.1");
                setenv("no_proxy", list, 1);
                assert_int_equal(connect_fully(fd, &sa, len), 0);
                expect_echo(fd);
                assert_int_equal(atomic_load(&world->accepted), accepted + !exempt);
                close(fd);
        }
        free(list);
}

/* A tunnel lasts as long as the variables that asked for it; HFPROXY_URL is read at start only. */
static void cleared_environment_ends_the_tunnel(void **state)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, 443, false);
        unsigned accepted = atomic_load(&world->accepted);
        pid_t pid = fork();
        int status;

        (void)state;
        if (pid == 0) {
                clearenv();
                int error = connect_fully(tcp(false, false), &sa, len);

                setenv("HFPROXY_URL", world_proxy_url(world->proxy_port), 1);
                error |= connect_fully(tcp(false, false), &sa, len);
                _exit(error || atomic_load(&world->accepted) != accepted);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

/* ---- arguments that the kernel rejects ---- */

enum kind { MINUS_ONE, CLOSED, A_FILE, TCP4, TCP6, UDP4, UNIX, CONNECTED, LISTENING, CONNECTING };
enum shape { V4, V6, NULLS, UNMAPPED, PAGE_END, LOCAL, NO_FAMILY };

static const struct bad {
        const char *name;
        enum kind kind;
        enum shape shape;
        int len; /* -1: the right one */
} bads[] = {
        {"bad_fd", MINUS_ONE, V4, -1},
        {"closed_fd", CLOSED, V4, -1},
        {"not_a_socket", A_FILE, V4, -1},
        {"null_address", TCP4, NULLS, 16},
        {"null_address_no_length", TCP4, NULLS, 0},
        {"unmapped_address", TCP4, UNMAPPED, 16},
        {"address_over_a_page_end", TCP4, PAGE_END, 17},
        {"address_at_a_page_end", TCP4, PAGE_END, -1},
        {"no_length", TCP4, V4, 0},
        {"length_one", TCP4, V4, 1},
        {"length_of_family", TCP4, V4, 2},
        {"length_short", TCP4, V4, 15},
        {"length_short_v6", TCP6, V6, 23},
        {"length_old_v6", TCP6, V6, 24},
        {"length_too_long", TCP4, V4, 129},
        {"length_negative", TCP4, V4, -7},
        {"length_largest", TCP4, V4, 128},
        {"v4_address_on_v6_socket", TCP6, V4, -1},
        {"v6_address_on_v4_socket", TCP4, V6, -1},
        {"local_address_on_tcp", TCP4, LOCAL, -1},
        {"no_family_on_fresh", TCP4, NO_FAMILY, -1},
        {"no_family_on_connected", CONNECTED, NO_FAMILY, -1},
        {"datagram_socket", UDP4, V4, -1},
        {"local_socket", UNIX, V4, -1},
        {"connected_socket", CONNECTED, V4, -1},
        {"listening_socket", LISTENING, V4, -1},
        {"connecting_socket", CONNECTING, V4, -1},
};

static int make_fd(enum kind kind)
{
        struct sockaddr_storage sa;
        socklen_t len;
        int fd = -1;

        switch (kind) {
        case MINUS_ONE:
                return -1;
        case CLOSED:
                return 1000;
        case A_FILE:
                return open("/dev/null", O_RDONLY);
        case UDP4:
                return socket(AF_INET, SOCK_DGRAM, 0);
        case UNIX:
                return socket(AF_UNIX, SOCK_STREAM, 0);
        case TCP4:
        case TCP6:
                return tcp(kind == TCP6, false);
        case CONNECTED:
                fd = tcp(false, false);
                len = address(&sa, "127.0.0.1", 443, false);
                assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
                return fd;
        case LISTENING:
                fd = tcp(false, false);
                assert_int_equal(listen(fd, 1), 0);
                return fd;
        case CONNECTING:
                fd = tcp(false, true);
                len = address(&sa, "127.0.0.1", world->full_port, false);
                assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), -1);
                assert_int_equal(errno, EINPROGRESS);
                return fd;
        }
        return fd;
}

/* The library's answer beside the kernel's own, for two descriptors in the same state. */
static void answers_as_the_kernel(void **state)
{
        const struct bad *row = *state;
        static char buf[256];
        struct sockaddr_storage sa = {0};
        socklen_t len = address(&sa, FAR, 443, false);
        char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        const void *addr = buf;
        long ours, kernels;
        int our_errno, fd;

        assert_int_equal(munmap(pages + 4096, 4096), 0);
        switch (row->shape) {
        case V4:
                break;
        case V6:
                len = address(&sa, "2001:db8:10::7", 443, true);
                break;
        case NULLS:
                addr = NULL;
                break;
        case UNMAPPED:
                addr = pages + 4096;
                break;
        case PAGE_END:
                memcpy(pages + 4096 - len, &sa, len);
                addr = pages + 4096 - len;
                break;
        case LOCAL:
                sa.ss_family = AF_UNIX;
                len = sizeof(struct sockaddr_un);
                break;
        case NO_FAMILY:
                sa.ss_family = AF_UNSPEC;
                break;
        }
        memcpy(buf, &sa, sizeof sa);
        if (row->len != -1)
                len = (socklen_t)row->len;

        fd = make_fd(row->kind);
        errno = 0;
        ours = connect(fd, addr, len);
        our_errno = errno;
        close(fd);
        fd = make_fd(row->kind);
        errno = 0;
        kernels = syscall(SYS_connect, fd, addr, len);
        if (ours != kernels || our_errno != errno)
                fail_msg("connect: %ld, %s; the kernel: %ld, %s", ours, strerror(our_errno),
                         kernels, strerror(errno));
        close(fd);
        munmap(pages, 4096);
}

/* ---- what stays as it was ---- */

struct looks {
        struct stat st;
        int flags, fd_flags, options[12];
        struct timeval sndtimeo, rcvtimeo;
};

static void look(int fd, struct looks *looks)
{
        static const int options[][2] = {
                {SOL_SOCKET, SO_SNDBUF},     {SOL_SOCKET, SO_RCVBUF},
                {SOL_SOCKET, SO_KEEPALIVE},  {IPPROTO_TCP, TCP_NODELAY},
                {IPPROTO_TCP, TCP_KEEPIDLE}, {SOL_SOCKET, SO_RCVLOWAT},
                {SOL_SOCKET, SO_LINGER},     {IPPROTO_TCP, TCP_USER_TIMEOUT},
                {IPPROTO_IP, IP_TOS},        {SOL_SOCKET, SO_PRIORITY},
                {SOL_SOCKET, SO_REUSEADDR},  {IPPROTO_TCP, TCP_CORK},
        };
        socklen_t len;

        memset(looks, 0, sizeof *looks);
        assert_int_equal(fstat(fd, &looks->st), 0);
        looks->flags = fcntl(fd, F_GETFL);
        looks->fd_flags = fcntl(fd, F_GETFD);
        for (size_t i = 0; i < HF_LEN(options); i++) {
                len = sizeof looks->options[i];
                assert_int_equal(
                        getsockopt(fd, options[i][0], options[i][1], &looks->options[i], &len), 0);
        }
        len = sizeof looks->sndtimeo;
        getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &looks->sndtimeo, &len);
        len = sizeof looks->rcvtimeo;
        getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &looks->rcvtimeo, &len);
}

static const struct same {
        const char *name;
        bool nonblocking;
        enum behaviour behaviour;
        long sndtimeo_us;
} sames[] = {
        {"socket_unchanged", false, GRANTS, 0},
        {"socket_unchanged_nonblocking", true, GRANTS, 0},
        {"socket_unchanged_sndtimeo", false, GRANTS, 3210000},
        {"socket_unchanged_odd_sndtimeo", false, GRANTS, 1234567},
        {"socket_unchanged_refused", false, REFUSES_403, 0},
        {"socket_unchanged_refused_nonblocking", true, REFUSES_403, 1500000},
};

static void stays_as_it_was(void **state)
{
        const struct same *row = *state;
        const struct timeval tv = {row->sndtimeo_us / 1000000, row->sndtimeo_us % 1000000};
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, 443, false);
        int fd = tcp(false, row->nonblocking), on = 1, size = 65536, next, error;
        struct looks before, after;

        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        atomic_store(&world->behaviour, row->behaviour);
        look(fd, &before);
        error = connect_fully(fd, &sa, len);
        assert_int_equal(error, mode == PRELOADED && row->behaviour != GRANTS ? EACCES : 0);
        look(fd, &after);
        assert_memory_equal(&before.st.st_ino, &after.st.st_ino, sizeof before.st.st_ino);
        assert_int_equal(before.flags, after.flags);
        assert_int_equal(before.fd_flags, after.fd_flags);
        for (size_t i = 0; i < HF_LEN(before.options); i++)
                if (before.options[i] != after.options[i])
                        fail_msg("option %zu was %d and is %d", i, before.options[i],
                                 after.options[i]);
        assert_memory_equal(&before.sndtimeo, &after.sndtimeo, sizeof before.sndtimeo);
        assert_memory_equal(&before.rcvtimeo, &after.rcvtimeo, sizeof before.rcvtimeo);

        /* no descriptor was left over */
        next = dup(fd);
        assert_int_equal(next, fd + 1);
        close(next);
        close(fd);
}

int main(int argc, char **argv)
{
        static struct table t;

        setenv("HFPROXY_TIMEOUT", "20", 0);
        world_enter(argc, argv,
                    "printf '127.0.0.1 localhost both.test\\n::1 localhost ip6-localhost\\n"
                    "2001:db8:10::99 both.test\\n127.0.0.2 slow.test\\n127.0.0.1 slow.test\\n' "
                    ">/tmp/hosts.$$ &&"
                    "mount --bind /tmp/hosts.$$ /etc/hosts && rm /tmp/hosts.$$ &&"
                    "mount --bind /dev/null /etc/resolv.conf;"
                    /* fast open without a cookie, so that connect() does nothing at first */
                    "echo 5 >/proc/sys/net/ipv4/tcp_fastopen");
        TABLE_ADD(&t, connects, happies);
        if (world->protocol == SOCKS4)
                table_add(&t, "has_no_ipv6", has_no_ipv6, NULL);
        else
                TABLE_ADD(&t, connects, happies_v6);
        table_add(&t, "already_connected_elsewhere", already_connected_elsewhere, NULL);
        TABLE_ADD(&t, connects_by_name, named);
        table_add(&t, "v6only_socket", v6only_socket, NULL);
        table_add(&t, "multipath_tcp", multipath_tcp, NULL);
        TABLE_ADD(&t, goes_direct, exempts);
        TABLE_ADD(&t, goes_through, tunnelled);
        TABLE_ADD(&t, answers_as_the_kernel, bads);
        TABLE_ADD(&t, stays_as_it_was, sames);
        if (mode == PRELOADED) {
                TABLE_ADD(&t, second_address, seconds);
                table_add(&t, "name_on_a_mapped_address", connects_by_name_on_a_mapped_address,
                          NULL);
                table_add(&t, "every_turn_is_taken_at_once", every_turn_is_taken_at_once, NULL);
                table_add(&t, "proxy_on_ipv6", proxy_on_ipv6, NULL);
                table_add(&t, "no_proxy_of_100000_entries", no_proxy_of_100000_entries, NULL);
                table_add(&t, "cleared_environment_ends_the_tunnel",
                          cleared_environment_ends_the_tunnel, NULL);
                table_add(&t, "proxy_name_without_address", proxy_name_without_address, NULL);
                table_add(&t, "fast_open_is_switched_off", fast_open_is_switched_off, NULL);
        }
        return table_run_with("connect", &t, setup);
}
