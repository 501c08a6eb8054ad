/* SPDX-License-Identifier: MIT */
/* getaddrinfo(): which names get a placeholder, which are really looked up, and where connect()
 * goes with either. */
#define _GNU_SOURCE
#include "nameserver.h"

#include <poll.h>

static const struct row {
        const char *name, *node, *service;
        int family, socktype, flags;
        const char *resolv_conf, *variable, *value;
        const char *expected; /* an address, `placeholder`, or NULL: fails */
        const char *real;     /* without the library */
} rows[] = {
        {"a_public_name", "cas.example.test", "443", AF_UNSPEC, SOCK_STREAM, 0, "", 0, 0,
         placeholder, NULL},
        {"any_socket_type", "cas.example.test", "443", AF_UNSPEC, 0, 0, "", 0, 0, placeholder,
         NULL},
        {"only_ipv4", "cas.example.test", "443", AF_INET, SOCK_STREAM, 0, "", 0, 0, placeholder,
         NULL},
        {"only_ipv6", "cas.example.test", "443", AF_INET6, SOCK_STREAM, 0, "", 0, 0, placeholder,
         NULL},
        {"ipv6_or_mapped", "cas.example.test", "443", AF_INET6, SOCK_STREAM, AI_V4MAPPED | AI_ALL,
         "", 0, 0, placeholder, NULL},
        {"without_service", "cas.example.test", NULL, AF_UNSPEC, SOCK_STREAM, 0, "", 0, 0,
         placeholder, NULL},
        {"service_by_name", "cas.example.test", "https", AF_UNSPEC, SOCK_STREAM, 0, "", 0, 0,
         placeholder, NULL},
        {"service_zero", "cas.example.test", "0", AF_UNSPEC, SOCK_STREAM, 0, "", 0, 0, placeholder,
         NULL},
        {"service_without_proxy", "cas.example.test", "9000", AF_UNSPEC, SOCK_STREAM, 0, "", 0, 0,
         NULL, NULL},
        {"service_by_name_without_proxy", "public.example", "ssh", AF_UNSPEC, SOCK_STREAM, 0, "", 0,
         0, "203.0.113.32", "203.0.113.32"},
        {"service_that_is_none", "cas.example.test", "no-such-service", AF_UNSPEC, SOCK_STREAM, 0,
         "", 0, 0, NULL, NULL},
        {"service_out_of_range", "cas.example.test", "65536443", AF_UNSPEC, SOCK_STREAM, 0, "", 0,
         0, NULL, NULL},
        {"addrconfig", "cas.example.test", "443", AF_UNSPEC, SOCK_STREAM, AI_ADDRCONFIG, "", 0, 0,
         placeholder, NULL},
        {"addrconfig_only_ipv6", "cas.example.test", "443", AF_INET6, SOCK_STREAM, AI_ADDRCONFIG,
         "", 0, 0, placeholder, NULL},
        {"datagram", "public.example", "443", AF_UNSPEC, SOCK_DGRAM, 0, "", 0, 0, "203.0.113.32",
         "203.0.113.32"},
        {"datagram_without_service", "public.example", NULL, AF_INET, SOCK_DGRAM, 0, "", 0, 0,
         placeholder, "203.0.113.32"},
        {"datagram_without_service_unknown", "cas.example.test", NULL, AF_INET, SOCK_DGRAM, 0, "",
         0, 0, placeholder, NULL},
        {"datagram_without_service_private", "near.example.test", NULL, AF_INET, SOCK_DGRAM, 0, "",
         0, 0, "10.9.9.9", "10.9.9.9"},
        {"datagram_without_service_exempt", "far.example.test", NULL, AF_INET, SOCK_DGRAM, 0, "",
         "no_proxy", "203.0.113.60", "203.0.113.60", "203.0.113.60"},
        {"stream_private_by_dns", "near.example.test", NULL, AF_INET, SOCK_STREAM, 0, "", 0, 0,
         placeholder, "10.9.9.9"},
        {"raw", "public.example", NULL, AF_INET, SOCK_RAW, 0, "", 0, 0, "203.0.113.32",
         "203.0.113.32"},
        {"numeric_host_flag", "cas.example.test", "443", AF_UNSPEC, SOCK_STREAM, AI_NUMERICHOST, "",
         0, 0, NULL, NULL},
        {"passive", "public.example", "443", AF_UNSPEC, SOCK_STREAM, AI_PASSIVE, "", 0, 0,
         placeholder, "203.0.113.32"},
        {"passive_unknown", "cas.example.test", "443", AF_UNSPEC, SOCK_STREAM, AI_PASSIVE, "", 0, 0,
         placeholder, NULL},
        {"passive_private", "near.example.test", "443", AF_INET, SOCK_STREAM, AI_PASSIVE, "", 0, 0,
         "10.9.9.9", "10.9.9.9"},
        {"passive_datagram", "public.example", NULL, AF_INET, SOCK_DGRAM, AI_PASSIVE, "", 0, 0,
         "203.0.113.32", "203.0.113.32"},
        {"no_host", NULL, "443", AF_INET, SOCK_STREAM, 0, "", 0, 0, "127.0.0.1", "127.0.0.1"},
        {"literal", "203.0.113.10", "443", AF_UNSPEC, SOCK_STREAM, 0, "", 0, 0, "203.0.113.10",
         "203.0.113.10"},
        {"literal_ipv6", "2001:db8:10::7", "443", AF_UNSPEC, SOCK_STREAM, 0, "", 0, 0,
         "2001:db8:10::7", "2001:db8:10::7"},
        {"literal_short", "127.1", "443", AF_UNSPEC, SOCK_STREAM, 0, "", 0, 0, "127.0.0.1",
         "127.0.0.1"},
        {"literal_hex", "0xcb.0.0x71.10", "443", AF_UNSPEC, SOCK_STREAM, 0, "", 0, 0,
         "203.0.113.10", "203.0.113.10"},
        {"localhost", "localhost", "443", AF_INET, SOCK_STREAM, 0, "", 0, 0, "127.0.0.1",
         "127.0.0.1"},
        {"localhost_upper_case", "LocalHost", "443", AF_INET, SOCK_STREAM, 0, "", 0, 0, "127.0.0.1",
         "127.0.0.1"},
        {"no_dot", "box", "443", AF_UNSPEC, SOCK_STREAM, 0, "", 0, 0, "10.9.9.1", "10.9.9.1"},
        {"no_dot_unknown", "nobox", "443", AF_UNSPEC, SOCK_STREAM, 0, "", 0, 0, NULL, NULL},
        {"proxy_itself", "proxy.example", "443", AF_UNSPEC, SOCK_STREAM, 0, "", "https_proxy",
         "http://proxy.example:3128", "203.0.113.37", "203.0.113.37"},
        {"proxy_itself_at_its_port", "proxy.example", "3128", AF_UNSPEC, SOCK_STREAM, 0, "",
         "https_proxy", "http://proxy.example:3128", "203.0.113.37", "203.0.113.37"},
        {"proxy_itself_absolute", "box.", "3128", AF_UNSPEC, SOCK_STREAM, 0, "", "https_proxy",
         "http://box:3128", "10.9.9.1", NULL},
        {"no_proxy_name", "exempt.example", "443", AF_UNSPEC, SOCK_STREAM, 0, "", "no_proxy",
         ".exempt.example", "203.0.113.31", "203.0.113.31"},
        {"no_proxy_name_unknown", "a.exempt.example", "443", AF_UNSPEC, SOCK_STREAM, 0, "",
         "no_proxy", "exempt.example", NULL, NULL},
        {"no_proxy_port", "port.example", "443", AF_UNSPEC, SOCK_STREAM, 0, "", "no_proxy",
         "port.example:443", "203.0.113.38", "203.0.113.38"},
        {"no_proxy_port_of_another_service", "port.example", "80", AF_UNSPEC, SOCK_STREAM, 0, "",
         "no_proxy", "port.example:443", placeholder, "203.0.113.38"},
        {"no_proxy_port_without_service", "port.example", NULL, AF_UNSPEC, SOCK_STREAM, 0, "",
         "no_proxy", "port.example:443", placeholder, "203.0.113.38"},
        {"no_proxy_star", "public.example", "443", AF_UNSPEC, SOCK_STREAM, 0, "", "no_proxy", "*",
         "203.0.113.32", "203.0.113.32"},
        {"pinned_private", "private.example", "443", AF_UNSPEC, SOCK_STREAM, 0, "", 0, 0,
         "10.9.9.1", "10.9.9.1"},
        {"pinned_public_goes_by_name", "public.example", "443", AF_UNSPEC, SOCK_STREAM, 0, "", 0, 0,
         placeholder, "203.0.113.32"},
        {"pinned_to_exempt_address", "public.example", "443", AF_UNSPEC, SOCK_STREAM, 0, "",
         "no_proxy", "203.0.113.32", "203.0.113.32", "203.0.113.32"},
        {"below_search_suffix", "node.corp.example", "443", AF_UNSPEC, SOCK_STREAM, 0,
         "search lab corp.example\n", 0, 0, "203.0.113.34", "203.0.113.34"},
        {"below_search_suffix_ipv6", "six.corp.example", "443", AF_UNSPEC, SOCK_STREAM, 0,
         "search corp.example\n", 0, 0, "2001:db8:10::39", "2001:db8:10::39"},
        {"below_domain", "node.corp.example", "443", AF_UNSPEC, SOCK_STREAM, 0,
         "domain corp.example\n", 0, 0, "203.0.113.34", "203.0.113.34"},
        {"below_search_suffix_unknown", "nonode.corp.example", "443", AF_UNSPEC, SOCK_STREAM, 0,
         "search corp.example\n", 0, 0, placeholder, NULL},
        {"below_suffix_of_one_label", "node.corp.example", "443", AF_UNSPEC, SOCK_STREAM, 0,
         "search example\n", 0, 0, placeholder, "203.0.113.34"},
        {"not_at_a_label", "node.corp.example", "443", AF_UNSPEC, SOCK_STREAM, 0,
         "search orp.example\n", 0, 0, placeholder, "203.0.113.34"},
        {"local_domain", "printer.local", "443", AF_UNSPEC, SOCK_STREAM, 0, "", 0, 0,
         "203.0.113.36", "203.0.113.36"},
        {"local_domain_unknown", "noprinter.local", "443", AF_UNSPEC, SOCK_STREAM, 0, "", 0, 0,
         placeholder, NULL},
        {"few_dots", "api.staging", "443", AF_UNSPEC, SOCK_STREAM, 0, CLUSTER, 0, 0, "203.0.113.35",
         NULL},
        {"few_dots_unknown", "huggingface.test", "443", AF_UNSPEC, SOCK_STREAM, 0, CLUSTER, 0, 0,
         placeholder, NULL},
        {"few_dots_but_absolute", "api.staging.", "443", AF_UNSPEC, SOCK_STREAM, 0, CLUSTER, 0, 0,
         placeholder, NULL},
        {"few_dots_not_so_few", "a.b.api.staging", "443", AF_UNSPEC, SOCK_STREAM, 0, CLUSTER, 0, 0,
         placeholder, NULL},
        {"odd_bytes", "exa mple.test", "443", AF_UNSPEC, SOCK_STREAM, 0, "", 0, 0, NULL, NULL},
        {"empty_label", "a..example.test", "443", AF_UNSPEC, SOCK_STREAM, 0, "", 0, 0, NULL, NULL},
        {"not_ascii",
         "b\xc3\xbc"
         "cher.test",
         "443", AF_UNSPEC, SOCK_STREAM, 0, "", 0, 0, NULL, NULL},
        {"label_of_64_bytes",
         "a234567890123456789012345678901234567890123456789012345678901234.test", "443", AF_UNSPEC,
         SOCK_STREAM, 0, "", 0, 0, NULL, NULL},
        {"label_of_63_bytes",
         "a23456789012345678901234567890123456789012345678901234567890123.test", "443", AF_UNSPEC,
         SOCK_STREAM, 0, "", 0, 0, placeholder, NULL},
        {"empty_name", "", "443", AF_UNSPEC, SOCK_STREAM, 0, "", 0, 0, NULL, NULL},
        {"dot", ".", "443", AF_UNSPEC, SOCK_STREAM, 0, "", 0, 0, NULL, NULL},
        {"socks_proxy_only", "public.example", "443", AF_UNSPEC, SOCK_STREAM, 0, "", "https_proxy",
         "socks5://127.0.0.1:1", placeholder, "203.0.113.32"},
};

static void put_address(char *text, size_t size, const struct addrinfo *ai)
{
        assert_int_equal(getnameinfo(ai->ai_addr, ai->ai_addrlen, text, (socklen_t)size, NULL, 0,
                                     NI_NUMERICHOST),
                         0);
}

static void looks_up(void **state)
{
        const struct row *row = *state;
        const struct addrinfo hints = {
                .ai_family = row->family, .ai_socktype = row->socktype, .ai_flags = row->flags};
        const char *expected = mode == PRELOADED ? row->expected : row->real;
        struct addrinfo *list = NULL;
        char text[INET6_ADDRSTRLEN];
        int r;

        write_resolv_conf(row->resolv_conf);
        if (row->variable && mode == PRELOADED)
                setenv(row->variable, row->value, 1);
        errno = 4711;
        r = getaddrinfo(row->node, row->service, &hints, &list);
        if (!expected) {
                if (r == 0) {
                        put_address(text, sizeof text, list);
                        fail_msg("it has the address %s", text);
                }
                return;
        }
        if (r != 0)
                fail_msg("%s", gai_strerror(r));
        if (expected == placeholder)
                assert_int_equal(errno, 4711);
        put_address(text, sizeof text, list);
        expect_address(text, expected);
        if (expected == placeholder) {
                const struct addrinfo *ai = list;
                struct sockaddr_in in;

                assert_int_equal(list->ai_family, row->family == AF_INET6 ? AF_INET6 : AF_INET);
                /* one address, for each type of socket that was asked for */
                for (int n = row->socktype ? 1 : 3; n > 0; n--, ai = ai->ai_next) {
                        assert_non_null(ai);
                        assert_memory_equal(ai->ai_addr, list->ai_addr, ai->ai_addrlen);
                }
                assert_null(ai);
                memcpy(&in, list->ai_addr, sizeof in);
                assert_int_equal(ntohs(in.sin_port), !row->service ? 0
                                                     : !strcmp(row->service, "https")
                                                             ? 443
                                                             : atoi(row->service));
        }
        freeaddrinfo(list);
}

/* ---- what is wrong with the question ---- */

static const struct code {
        const char *name, *node, *service;
        int family, socktype, protocol, flags, code;
} codes[] = {
        {"code_bad_flags", "cas.example.test", "443", 0, SOCK_STREAM, 0, 0x4000000, EAI_BADFLAGS},
        {"code_family", "cas.example.test", "443", 4711, SOCK_STREAM, 0, 0, EAI_FAMILY},
        {"code_socket_type", "cas.example.test", "443", 0, 77, 0, 0, EAI_SOCKTYPE},
        {"code_protocol", "cas.example.test", "443", 0, SOCK_STREAM, 17, 0, EAI_SOCKTYPE},
        {"code_service", "cas.example.test", "no-such-service", 0, SOCK_STREAM, 0, 0, EAI_SERVICE},
        {"code_service_of_any_type", "cas.example.test", "no-such-service", 0, 0, 0, 0,
         EAI_SERVICE},
        {"code_service_not_numeric", "cas.example.test", "https", 0, SOCK_STREAM, 0, AI_NUMERICSERV,
         EAI_NONAME},
        {"code_host_not_numeric", "cas.example.test", "443", 0, SOCK_STREAM, 0, AI_NUMERICHOST,
         EAI_NONAME},
        {"code_nothing_asked_for", NULL, NULL, 0, SOCK_STREAM, 0, 0, EAI_NONAME},
        {"code_canonical_name_of_nothing", NULL, "443", 0, SOCK_STREAM, 0, AI_CANONNAME,
         EAI_BADFLAGS},
};

static void has_code(void **state)
{
        const struct code *row = *state;
        const struct addrinfo hints = {.ai_family = row->family,
                                       .ai_socktype = row->socktype,
                                       .ai_protocol = row->protocol,
                                       .ai_flags = row->flags};
        struct addrinfo *list = (struct addrinfo *)&list;
        int r = getaddrinfo(row->node, row->service, &hints, &list);

        if (r != row->code)
                fail_msg("%d %s, not %d", r, r ? gai_strerror(r) : "", row->code);
        assert_ptr_equal(list, &list); /* it is left alone */
}

/* ---- canonical names ---- */

static const struct canon {
        const char *name, *node;
        int family;
        const char *expected;
} canons[] = {
        {"canonical_name", "cas.example.test", AF_UNSPEC, "cas.example.test"},
        {"canonical_name_short", "a.bc", AF_UNSPEC, "a.bc"},
        {"canonical_name_trailing_dot", "cas.example.test.", AF_INET, "cas.example.test"},
        {"canonical_name_ipv6", "cas.example.test", AF_INET6, "cas.example.test"},
        {"canonical_name_long",
         "a23456789012345678901234567890.b23456789012345678901234567890."
         "c2345678901234567890123456789."
         "d23456789012345678901234567890.e23456789012345678901234567890.test",
         AF_INET, NULL},
        {"canonical_name_long_ipv6",
         "a23456789012345678901234567890.b23456789012345678901234567890."
         "c2345678901234567890123456789."
         "d23456789012345678901234567890.e23456789012345678901234567890.test",
         AF_INET6, NULL},
};

static void has_canonical_name(void **state)
{
        const struct canon *row = *state;
        const struct addrinfo hints = {.ai_family = row->family,
                                       .ai_socktype = SOCK_STREAM,
                                       .ai_flags = AI_CANONNAME | AI_ADDRCONFIG};
        const char *expected = row->expected ? row->expected : row->node;
        struct addrinfo *list;
        char text[INET6_ADDRSTRLEN];

        assert_int_equal(getaddrinfo(row->node, NULL, &hints, &list), 0);
        assert_non_null(list->ai_canonname);
        assert_string_equal(list->ai_canonname, expected);
        put_address(text, sizeof text, list);
        assert_true(is_placeholder(text));
        freeaddrinfo(list); /* AddressSanitizer and valgrind see whose it is */
}

static void name_has_one_placeholder(void **state)
{
        struct addrinfo *a, *b, *c;

        (void)state;
        assert_int_equal(getaddrinfo("one.example.test", "443", NULL, &a), 0);
        assert_int_equal(getaddrinfo("ONE.example.test.", "443", NULL, &b), 0);
        assert_int_equal(getaddrinfo("two.example.test", "443", NULL, &c), 0);
        assert_memory_equal(a->ai_addr, b->ai_addr, a->ai_addrlen);
        assert_memory_not_equal(a->ai_addr, c->ai_addr, a->ai_addrlen);
        freeaddrinfo(a);
        freeaddrinfo(b);
        freeaddrinfo(c);
}

/* ---- where connect() goes with what a look-up gave ---- */

static int connect_to(const char *node, const char *lookup_service, uint16_t port, int type)
{
        const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
        struct sockaddr_storage sa = {0};
        struct addrinfo *list;
        struct sockaddr_in in;
        socklen_t len;
        int fd;

        assert_int_equal(getaddrinfo(node, lookup_service, &hints, &list), 0);
        len = list->ai_addrlen;
        memcpy(&sa, list->ai_addr, len);
        freeaddrinfo(list);
        memcpy(&in, &sa, sizeof in);
        in.sin_port = htons(port); /* at the same place in both families */
        memcpy(&sa, &in, sizeof in);
        fd = socket(sa.ss_family, type | SOCK_CLOEXEC, 0);
        errno = 0;
        if (connect(fd, (struct sockaddr *)&sa, len) < 0) {
                close(fd);
                return -errno;
        }
        return fd;
}

static const struct way {
        const char *name, *node, *lookup_service;
        uint16_t port;
        const char *resolv_conf, *variable, *value;
        bool tunnelled;
} ways[] = {
        {"way_of_a_placeholder_443", "public.example", NULL, 443, "", 0, 0, true},
        {"way_of_a_placeholder_80", "public.example", NULL, 80, "", 0, 0, true},
        {"way_of_a_port_without_proxy", "public.example", NULL, 9000, "", 0, 0, false},
        {"way_of_a_dotless_name", "box", NULL, 443, "", 0, 0, false},
        {"way_of_no_proxy", "exempt.example", NULL, 443, "", "no_proxy", "exempt.example", false},
        {"way_of_no_proxy_with_port", "port.example", NULL, 443, "", "no_proxy", "port.example:443",
         false},
        {"way_of_no_proxy_with_other_port", "port.example", NULL, 80, "", "no_proxy",
         "port.example:443", true},
        {"way_of_a_search_suffix", "node.corp.example", "443", 443, "search corp.example\n", 0, 0,
         false},
        {"way_of_few_dots", "api.staging", NULL, 443, CLUSTER, 0, 0, false},
        {"way_of_all_proxy", "public.example", NULL, 9443, "", "all_proxy", "", true},
        {"way_of_all_proxy_unknown", "cas.example.test", NULL, 9443, "", "all_proxy", "", true},
        {"way_of_all_proxy_and_no_proxy_address", "public.example", NULL, 9443, "", "no_proxy",
         "203.0.113.32:9443", false},
};

static void goes_its_way(void **state)
{
        const struct way *row = *state;
        unsigned accepted = atomic_load(&world->accepted);
        char wanted[128];
        int fd;

        write_resolv_conf(row->resolv_conf);
        setenv("all_proxy", row->port == 9443 ? world_proxy_url(world->proxy_port) : "", 1);
        if (row->variable && *row->value)
                setenv(row->variable, row->value, 1);
        fd = connect_to(row->node, row->lookup_service, row->port, SOCK_STREAM);
        if (fd < 0)
                fail_msg("%s", strerror(-fd));
        expect_echo(fd);
        close(fd);
        assert_int_equal(atomic_load(&world->accepted), accepted + row->tunnelled);
        snprintf(wanted, sizeof wanted, "CONNECT %s:%d HTTP/1.1", row->node, row->port);
        if (row->tunnelled)
                expect_request(wanted);
}

static void datagram_socket_gets_the_real_address(void **state)
{
        struct sockaddr_in peer = {0};
        socklen_t len = sizeof peer;
        int fd;

        (void)state;
        fd = connect_to("public.example", NULL, 443, SOCK_DGRAM);
        assert_true(fd >= 0);
        assert_int_equal(getpeername(fd, (struct sockaddr *)&peer, &len), 0);
        assert_int_equal(ntohl(peer.sin_addr.s_addr), 0xcb007120); /* 203.0.113.32 */
        close(fd);
}

static void port_without_proxy_and_without_address(void **state)
{
        (void)state;
        if (mode == PRELOADED)
                assert_int_equal(connect_to("cas.example.test", NULL, 9000, SOCK_STREAM),
                                 -EHOSTUNREACH);
}

/* The program unset its proxy between the look-up and the connect. */
static void placeholder_outlives_the_proxy(void **state)
{
        const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
        unsigned accepted = atomic_load(&world->accepted);
        struct addrinfo *list;
        int fd;

        (void)state;
        assert_int_equal(getaddrinfo("public.example", "443", &hints, &list), 0);
        unsetenv("https_proxy");
        unsetenv("http_proxy");
        unsetenv("HTTPS_PROXY");
        unsetenv("HTTP_PROXY");
        fd = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(fd, list->ai_addr, list->ai_addrlen), 0);
        freeaddrinfo(list);
        expect_echo(fd);
        assert_int_equal(atomic_load(&world->accepted), accepted);
        close(fd);
}

/* One of our addresses that this process never handed out is the kernel's. */
static void foreign_placeholder_is_left_alone(void **state)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, "240.170.1.2", 443, false);
        unsigned accepted = atomic_load(&world->accepted);
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        (void)state;
        assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), -1);
        assert_int_equal(errno, ENETUNREACH);
        assert_int_equal(atomic_load(&world->accepted), accepted);
        close(fd);
}

static void endpoint_port_counts_for_its_host(void **state)
{
        unsigned accepted = atomic_load(&world->accepted);
        int fd;

        (void)state;
        setenv("HF_ENDPOINT", "https://public.example:9000", 1);
        fd = connect_to("public.example", NULL, 9000, SOCK_STREAM);
        assert_true(fd >= 0);
        expect_echo(fd);
        close(fd);
        assert_int_equal(atomic_load(&world->accepted), accepted + 1);
        fd = connect_to("both.example", NULL, 9000, SOCK_STREAM);
        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(atomic_load(&world->accepted), accepted + 1);
        unsetenv("HF_ENDPOINT");
}

int main(int argc, char **argv)
{
        static struct table t;

        world_enter(argc, argv, HOSTS_SETUP);
        nameserver_start();
        TABLE_ADD(&t, looks_up, rows);
        TABLE_ADD(&t, has_code, codes);
        if (mode == PRELOADED) {
                TABLE_ADD(&t, has_canonical_name, canons);
                TABLE_ADD(&t, goes_its_way, ways);
                table_add(&t, "name_has_one_placeholder", name_has_one_placeholder, NULL);
                table_add(&t, "datagram_socket_gets_the_real_address",
                          datagram_socket_gets_the_real_address, NULL);
                table_add(&t, "port_without_proxy_and_without_address",
                          port_without_proxy_and_without_address, NULL);
                table_add(&t, "placeholder_outlives_the_proxy", placeholder_outlives_the_proxy,
                          NULL);
                table_add(&t, "endpoint_port_counts_for_its_host",
                          endpoint_port_counts_for_its_host, NULL);
        }
        table_add(&t, "foreign_placeholder_is_left_alone", foreign_placeholder_is_left_alone, NULL);
        return table_run_with("getaddrinfo", &t, names_setup);
}
