/* SPDX-License-Identifier: MIT */
/* gethostbyname() and its sisters, gethostbyaddr() and its own: what each name gets, and that all
 * of them say the same. */
#define _GNU_SOURCE
#include "nameserver.h"

#define ROOM 1024

/* The four ways of asking; each gives 0 or h_errno. */

static int by_name(const char *node, int family, struct hostent *ret, char *buf, size_t size)
{
        struct hostent *found;

        (void)buf, (void)size;
        if (family != AF_INET)
                return -1; /* no such way */
        found = gethostbyname(node);
        if (found)
                *ret = *found;
        return found ? 0 : h_errno;
}

static int by_name2(const char *node, int family, struct hostent *ret, char *buf, size_t size)
{
        struct hostent *found = gethostbyname2(node, family);

        (void)buf, (void)size;
        if (found)
                *ret = *found;
        return found ? 0 : h_errno;
}

static int by_name_r(const char *node, int family, struct hostent *ret, char *buf, size_t size)
{
        struct hostent *found = (struct hostent *)buf;
        int error = 4711, r;

        if (family != AF_INET)
                return -1;
        r = gethostbyname_r(node, ret, buf, size, &found, &error);
        assert_true(r == 0 ? !found || found == ret : !found);
        return found ? 0 : error;
}

static int by_name2_r(const char *node, int family, struct hostent *ret, char *buf, size_t size)
{
        struct hostent *found = (struct hostent *)buf;
        int error = 4711, r;

        r = gethostbyname2_r(node, family, ret, buf, size, &found, &error);
        assert_true(r == 0 ? !found || found == ret : !found);
        return found ? 0 : error;
}

static int (*const ways[])(const char *, int, struct hostent *, char *,
                           size_t) = {by_name, by_name2, by_name_r, by_name2_r};

static const struct row {
        const char *name, *node;
        int family;
        const char *resolv_conf, *variable, *value;
        const char *expected; /* an address, `placeholder`, or NULL: fails */
        const char *real;     /* without the library */
} rows[] = {
        {"private_is_given_as_it_is", "private.example", AF_INET, "", 0, 0, "10.9.9.1", "10.9.9.1"},
        {"one_of_two_private", "both.example", AF_INET, "", 0, 0, "10.9.9.2", "10.9.9.2"},
        {"public_becomes_a_placeholder", "public.example", AF_INET, "", 0, 0, placeholder,
         "203.0.113.32"},
        {"public_ipv6", "six.example", AF_INET6, "", 0, 0, placeholder, "2001:db8:10::40"},
        {"private_by_dns_is_given_as_it_is", "near.example.test", AF_INET, "", 0, 0, "10.9.9.9",
         "10.9.9.9"},
        {"public_by_dns_becomes_a_placeholder", "far.example.test", AF_INET, "", 0, 0, placeholder,
         "203.0.113.60"},
        {"exempt_address_by_dns", "far.example.test", AF_INET, "", "no_proxy", "203.0.113.60",
         "203.0.113.60", "203.0.113.60"},
        {"unknown_becomes_a_placeholder", "cas.example.test", AF_INET, "", 0, 0, placeholder, NULL},
        {"unknown_ipv6", "cas.example.test", AF_INET6, "", 0, 0, placeholder, NULL},
        {"trailing_dot", "cas.example.test.", AF_INET, "", 0, 0, placeholder, NULL},
        {"literal", "203.0.113.10", AF_INET, "", 0, 0, "203.0.113.10", "203.0.113.10"},
        {"literal_ipv6", "2001:db8:10::7", AF_INET6, "", 0, 0, "2001:db8:10::7", "2001:db8:10::7"},
        {"localhost", "localhost", AF_INET, "", 0, 0, "127.0.0.1", "127.0.0.1"},
        {"no_dot", "box", AF_INET, "", 0, 0, "10.9.9.1", "10.9.9.1"},
        {"no_dot_unknown", "nobox", AF_INET, "", 0, 0, NULL, NULL},
        {"proxy_itself", "proxy.example", AF_INET, "", "https_proxy", "http://proxy.example:3128",
         "203.0.113.37", "203.0.113.37"},
        {"no_proxy_name", "exempt.example", AF_INET, "", "no_proxy", ".exempt.example",
         "203.0.113.31", "203.0.113.31"},
        {"no_proxy_name_unknown", "a.exempt.example", AF_INET, "", "no_proxy", "exempt.example",
         NULL, NULL},
        {"no_proxy_address", "public.example", AF_INET, "", "no_proxy", "203.0.113.32",
         "203.0.113.32", "203.0.113.32"},
        {"below_search_suffix", "node.corp.example", AF_INET, "search lab corp.example\n", 0, 0,
         "203.0.113.34", "203.0.113.34"},
        {"below_search_suffix_ipv6", "six.corp.example", AF_INET6, "search corp.example\n", 0, 0,
         "2001:db8:10::39", "2001:db8:10::39"},
        {"local_domain_unknown", "noprinter.local", AF_INET, "", 0, 0, placeholder, NULL},
        {"few_dots", "api.staging", AF_INET, CLUSTER, 0, 0, "203.0.113.35", NULL},
        {"few_dots_unknown", "huggingface.test", AF_INET, CLUSTER, 0, 0, placeholder, NULL},
        {"odd_bytes", "exa mple.test", AF_INET, "", 0, 0, NULL, NULL},
        {"empty_name", "", AF_INET, "", 0, 0, NULL, NULL},
        {"odd_family", "cas.example.test", AF_UNIX, "", 0, 0, NULL, NULL},
};

static void expect_entry(const struct hostent *entry, const struct row *row, const char *expected)
{
        char text[INET6_ADDRSTRLEN];

        assert_int_equal(entry->h_addrtype, row->family);
        assert_int_equal(entry->h_length, row->family == AF_INET ? 4 : 16);
        assert_non_null(entry->h_addr_list[0]);
        inet_ntop(row->family, entry->h_addr_list[0], text, sizeof text);
        expect_address(text, expected);
        if (expected != placeholder)
                return;
        assert_null(entry->h_addr_list[1]);
        assert_null(entry->h_aliases[0]);
        assert_memory_equal(entry->h_name, row->node, strlen(entry->h_name));
        assert_true(strlen(row->node + strlen(entry->h_name)) <= 1); /* the dot at the end */
}

static void asks(void **state)
{
        const struct row *row = *state;
        const char *expected = mode == PRELOADED ? row->expected : row->real;
        bool possible = false;

        write_resolv_conf(row->resolv_conf);
        if (row->variable && mode == PRELOADED)
                setenv(row->variable, row->value, 1);
        for (size_t i = 0; i < HF_LEN(ways); i++) {
                char buf[ROOM];
                struct hostent entry = {0};
                int r;

                errno = 4711;
                h_errno = 4712;
                r = ways[i](row->node, row->family, &entry, buf, sizeof buf);
                if (r == -1 && errno == 4711)
                        continue;
                possible = true;
                if ((r == 0) != (expected != NULL))
                        fail_msg("way %zu: %d", i, r);
                if (r != 0)
                        continue;
                if (expected == placeholder) {
                        assert_int_equal(errno, 4711);
                        /* (The real look-up that found nothing has left its own word there.) */
                        assert_true(i >= 2 || h_errno == 0);
                }
                expect_entry(&entry, row, expected);
        }
        assert_true(possible);
}

/* ---- the caller's buffer ---- */

static void too_small_a_buffer(const char *node, int family)
{
        char buf[ROOM + 1], *end;
        struct hostent entry, *found;
        int error, r;

        for (size_t shift = 0; shift < 9; shift++) {
                size_t size = 0;

                for (r = ERANGE; r == ERANGE; size++) {
                        assert_true(size < ROOM - 16);
                        memset(buf, 'x', sizeof buf);
                        end = buf + shift + size;
                        found = &entry;
                        errno = error = 0;
                        r = gethostbyname2_r(node, family, &entry, buf + shift, size, &found,
                                             &error);
                        assert_true(r == 0 || r == ERANGE);
                        if (r == ERANGE) {
                                assert_null(found);
                                assert_int_equal(error, NETDB_INTERNAL);
                                assert_int_equal(errno, ERANGE);
                        }
                        for (char *p = end; p < buf + sizeof buf; p++)
                                assert_int_equal(*p, 'x');
                }
                assert_ptr_equal(found, &entry);
                if (mode == PRELOADED && strcmp(node, "private.example") &&
                    strcmp(node, "near.example.test"))
                        assert_int_equal(error, 0); /* (libc's own success can say 1) */
                assert_true(entry.h_name >= buf + shift && entry.h_name < end);
                assert_true((char *)entry.h_addr_list >= buf + shift);
                assert_int_equal((uintptr_t)entry.h_addr_list % sizeof(char *), 0);
                assert_string_equal(entry.h_name, node);
                if (!strcmp(node, "near.example.test"))
                        assert_memory_equal(entry.h_addr_list[0], ((char[]){10, 9, 9, 9}), 4);
        }
}

static void every_size_of_buffer(void **state)
{
        (void)state;
        if (mode == PRELOADED) {
                too_small_a_buffer("cas.example.test", AF_INET);
                too_small_a_buffer("cas.example.test", AF_INET6);
                too_small_a_buffer("public.example", AF_INET);
        }
        too_small_a_buffer("private.example", AF_INET);
        too_small_a_buffer("near.example.test", AF_INET);
}

/* ---- back ---- */

static void address_has_its_name_again(void **state)
{
        char buf[ROOM], addr[16];
        struct hostent *found, entry;
        int error = 1;

        (void)state;
        for (int family = AF_INET; family; family = family == AF_INET ? AF_INET6 : 0) {
                socklen_t len = family == AF_INET ? 4 : 16;

                memcpy(addr, gethostbyname2("CAS.example.test", family)->h_addr_list[0], len);
                h_errno = 4712;
                found = gethostbyaddr(addr, len, family);
                assert_non_null(found);
                assert_int_equal(h_errno, 0);
                assert_string_equal(found->h_name, "cas.example.test");
                assert_int_equal(found->h_addrtype, family);
                assert_int_equal(found->h_length, len);
                assert_memory_equal(found->h_addr_list[0], addr, len);
                assert_null(found->h_addr_list[1]);
                assert_null(found->h_aliases[0]);
                assert_int_equal(
                        gethostbyaddr_r(addr, len, family, &entry, buf, ROOM, &found, &error), 0);
                assert_ptr_equal(found, &entry);
                assert_int_equal(error, 0);
                assert_string_equal(entry.h_name, "cas.example.test");
                assert_int_equal(gethostbyaddr_r(addr, len, family, &entry, buf, 8, &found, &error),
                                 ERANGE);
                assert_null(found);
                assert_int_equal(error, NETDB_INTERNAL);
        }
}

static void mapped_address_has_its_name_too(void **state)
{
        unsigned char addr[16] = {[10] = 0xff, [11] = 0xff};
        struct hostent *found;

        (void)state;
        memcpy(addr + 12, gethostbyname("cas.example.test")->h_addr_list[0], 4);
        found = gethostbyaddr(addr, 16, AF_INET6);
        assert_non_null(found);
        assert_string_equal(found->h_name, "cas.example.test");
        assert_int_equal(found->h_length, 16);
        assert_memory_equal(found->h_addr_list[0], addr, 16);
}

static void other_addresses_are_libcs(void **state)
{
        static const unsigned char private[] = {10, 9, 9, 1}, unknown[] = {240, 170, 1, 2};
        char buf[ROOM];
        struct hostent *found, entry;
        int error;

        (void)state;
        found = gethostbyaddr(private, 4, AF_INET);
        assert_non_null(found);
        assert_string_equal(found->h_name, "private.example");
        assert_int_equal(gethostbyaddr_r(private, 4, AF_INET, &entry, buf, ROOM, &found, &error),
                         0);
        assert_ptr_equal(found, &entry);
        assert_string_equal(found->h_name, "private.example");
        assert_null(gethostbyaddr(unknown, 4, AF_INET));
        assert_null(gethostbyaddr(private, 3, AF_INET));
        assert_null(gethostbyaddr(private, 4, AF_UNIX));
}

/* ---- what was learned by the way ---- */

static int connect_to(const struct hostent *entry, uint16_t port)
{
        struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        memcpy(&sa.sin_addr, entry->h_addr_list[0], 4);
        if (connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0)
                fail_msg("connect: %s", strerror(errno));
        return fd;
}

static const struct way {
        const char *name, *node, *no_proxy, *resolv_conf;
        uint16_t port;
        bool tunnelled;
} roads[] = {
        {"way_of_a_placeholder", "cas.example.test", "", "", 443, true},
        {"way_of_a_public_name", "public.example", "", "", 443, true},
        {"way_of_a_public_name_without_proxy", "public.example", "", "", 9000, false},
        {"way_of_an_exempt_name", "exempt.example", "exempt.example", "", 443, false},
        {"way_of_a_local_name", "node.corp.example", "", "search corp.example\n", 443, false},
};

static void goes_its_way(void **state)
{
        const struct way *row = *state;
        unsigned accepted = atomic_load(&world->accepted);
        char wanted[128];
        int fd;

        write_resolv_conf(row->resolv_conf);
        setenv("no_proxy", row->no_proxy, 1);
        fd = connect_to(gethostbyname(row->node), row->port);
        expect_echo(fd);
        close(fd);
        assert_int_equal(atomic_load(&world->accepted), accepted + row->tunnelled);
        snprintf(wanted, sizeof wanted, "CONNECT %s:%d HTTP/1.1", row->node, row->port);
        if (row->tunnelled)
                expect_request(wanted);
}

/* The address of the proxy's own name is not tunnelled through itself. */
static void proxy_by_name_is_learned(void **state)
{
        unsigned accepted = atomic_load(&world->accepted);
        int fd;

        (void)state;
        setenv("https_proxy", "http://proxy.example:443", 1);
        fd = connect_to(gethostbyname("proxy.example"), 443);
        expect_echo(fd);
        close(fd);
        assert_int_equal(atomic_load(&world->accepted), accepted);
}

/* All say the same about a name. */
static void one_name_one_address(void **state)
{
        struct sockaddr_storage sa;
        struct sockaddr_in in;

        (void)state;
        look_up("one.example.test", AF_INET, 443, &sa);
        memcpy(&in, &sa, sizeof in);
        assert_memory_equal(gethostbyname("One.example.test")->h_addr_list[0], &in.sin_addr, 4);
}

int main(int argc, char **argv)
{
        static struct table t;

        world_enter(argc, argv, HOSTS_SETUP);
        nameserver_start();
        TABLE_ADD(&t, asks, rows);
        table_add(&t, "every_size_of_buffer", every_size_of_buffer, NULL);
        table_add(&t, "other_addresses_are_libcs", other_addresses_are_libcs, NULL);
        if (mode == PRELOADED) {
                table_add(&t, "address_has_its_name_again", address_has_its_name_again, NULL);
                table_add(&t, "mapped_address_has_its_name_too", mapped_address_has_its_name_too,
                          NULL);
                TABLE_ADD(&t, goes_its_way, roads);
                table_add(&t, "proxy_by_name_is_learned", proxy_by_name_is_learned, NULL);
                table_add(&t, "one_name_one_address", one_name_one_address, NULL);
        }
        return table_run_with("hostent", &t, names_setup);
}
