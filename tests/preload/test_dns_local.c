/* SPDX-License-Identifier: MIT */
/* HFPROXY_DNS=local: every name is really looked up, and connections are tunnelled by address. */
#define _GNU_SOURCE
#include "hosts.h"

static const struct row {
        const char *name, *node, *resolv_conf, *no_proxy;
        const char *address; /* NULL: there is none */
        bool tunnelled;
} rows[] = {
        {"public_name", "public.example", "", "", "203.0.113.32", true},
        {"unknown_name", "cas.example.test", "", "", NULL, true},
        {"private_name", "private.example", "", "", "10.9.9.1", false},
        {"no_dot", "box", "", "", "10.9.9.1", false},
        {"exempt_name", "exempt.example", "", "exempt.example", "203.0.113.31", false},
        {"exempt_address", "port.example", "", "203.0.113.38", "203.0.113.38", false},
        {"local_name", "node.corp.example", "search corp.example\n", "", "203.0.113.34", false},
};

static void looks_up(void **state)
{
        const struct row *row = *state;
        const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
        unsigned accepted = atomic_load(&world->accepted);
        struct addrinfo *list;
        struct hostent *entry;
        char text[INET_ADDRSTRLEN], wanted[64];
        int fd;

        write_resolv_conf(row->resolv_conf);
        if (mode == PRELOADED)
                setenv("no_proxy", row->no_proxy, 1);
        entry = gethostbyname(row->node);
        if (!row->address) {
                assert_null(entry);
                assert_int_not_equal(getaddrinfo(row->node, "443", &hints, &list), 0);
                return;
        }
        assert_non_null(entry);
        inet_ntop(AF_INET, entry->h_addr_list[0], text, sizeof text);
        assert_string_equal(text, row->address);

        assert_int_equal(getaddrinfo(row->node, "443", &hints, &list), 0);
        assert_int_equal(getnameinfo(list->ai_addr, list->ai_addrlen, text, sizeof text, NULL, 0,
                                     NI_NUMERICHOST),
                         0);
        assert_string_equal(text, row->address);
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, list->ai_addr, list->ai_addrlen), 0);
        freeaddrinfo(list);
        expect_echo(fd);
        close(fd);
        if (mode != PRELOADED)
                return;
        assert_int_equal(atomic_load(&world->accepted), accepted + row->tunnelled);
        snprintf(wanted, sizeof wanted, "CONNECT %s:443 HTTP/1.1", row->address);
        if (row->tunnelled)
                expect_request(wanted);
}

int main(int argc, char **argv)
{
        static struct table t;

        setenv("HFPROXY_DNS", "local", 1);
        world_enter(argc, argv, HOSTS_SETUP);
        TABLE_ADD(&t, looks_up, rows);
        return table_run_with("dns_local", &t, names_setup);
}
