/* SPDX-License-Identifier: MIT */
/* HFPROXY_ONLY: what it names goes through the proxy, everything else goes direct. */
#define _GNU_SOURCE
#include "world.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define ONLY                                                                                       \
        "only.test; 203.0.113.20 hf,10.9.9.0/24 named.internal svc.test:443 box,loop.test,"        \
        "198.51.100.0/24 127.0.0.1"

#define HOSTS                                                                                      \
        "127.0.0.1 localhost loop.test\n"                                                          \
        "10.9.9.1 box\n"                                                                           \
        "10.9.9.3 named.internal printer.internal\n"                                               \
        "10.9.9.4 db.example\n"                                                                    \
        "203.0.113.32 public.example\n"                                                            \
        "203.0.113.33 svc.test\n"                                                                  \
        "203.0.113.35 near near.internal\n"                                                        \
        "203.0.113.34 exempt.only.test\n"

static int setup(void **state)
{
        (void)state;
        atomic_store(&world->behaviour, GRANTS);
        memset(world->request, 0, sizeof world->request);
        if (mode == PRELOADED)
                setenv("no_proxy", "exempt.only.test,10.9.9.200", 1);
        return 0;
}

static const struct row {
        const char *name, *node; /* a name or an address */
        const char *service;     /* of the look-up; NULL: none */
        uint16_t port;
        const char *request; /* what the proxy is asked; NULL: it goes direct */
} rows[] = {
        {"address_not_named", "203.0.113.10", "443", 443, NULL},
        {"address_named", "203.0.113.20", "443", 443, "CONNECT 203.0.113.20:443 HTTP/1.1"},
        {"private_named", "10.9.9.9", "443", 443, "CONNECT 10.9.9.9:443 HTTP/1.1"},
        {"private_named_port_80", "10.9.9.9", "80", 80, "CONNECT 10.9.9.9:80 HTTP/1.1"},
        {"private_not_named", "100.64.7.7", "443", 443, NULL},
        {"private_named_and_exempt", "10.9.9.200", "443", 443, NULL},
        {"loopback_named", "127.0.0.1", "443", 443, NULL},
        {"own_named", "198.51.100.7", "443", 443, NULL},
        {"attached_named", "198.51.100.9", "443", 443, NULL},
        {"name_named", "a.only.test", "443", 443, "CONNECT a.only.test:443 HTTP/1.1"},
        {"name_named_without_service", "a.only.test", NULL, 80, "CONNECT a.only.test:80 HTTP/1.1"},
        {"name_not_named", "public.example", "443", 443, NULL},
        {"name_not_named_without_service", "public.example", NULL, 443, NULL},
        {"name_named_and_exempt", "exempt.only.test", "443", 443, NULL},
        {"hub", "huggingface.co", "443", 443, "CONNECT huggingface.co:443 HTTP/1.1"},
        {"cdn", "cdn-lfs.hf.co", NULL, 443, "CONNECT cdn-lfs.hf.co:443 HTTP/1.1"},
        {"local_domain_named", "named.internal", "443", 443, "CONNECT named.internal:443 HTTP/1.1"},
        {"local_domain_not_named", "printer.internal", NULL, 80, "CONNECT 10.9.9.3:80 HTTP/1.1"},
        {"no_dot_named", "box", "443", 443, "CONNECT box:443 HTTP/1.1"},
        {"named_by_its_address", "db.example", "443", 443, "CONNECT 10.9.9.4:443 HTTP/1.1"},
        {"port_named", "svc.test", NULL, 443, "CONNECT svc.test:443 HTTP/1.1"},
        {"port_not_named", "svc.test", NULL, 80, NULL},
        {"port_not_named_with_service", "svc.test", "80", 80, NULL},
        {"localhost", "localhost", "443", 443, NULL},
};

/* By the word "star". What is local by its name stays so, unless its address is meant. */
#define STAR_ONLY "*,10.9.9.0/24"
static const struct row star_rows[] = {
        {"star_address", "203.0.113.10", "443", 443, "CONNECT 203.0.113.10:443 HTTP/1.1"},
        {"star_name", "a.test", "443", 443, "CONNECT a.test:443 HTTP/1.1"},
        {"star_private_not_named", "100.64.7.7", "443", 443, NULL},
        {"star_private_named", "10.9.9.9", "443", 443, "CONNECT 10.9.9.9:443 HTTP/1.1"},
        {"star_no_dot", "near", "443", 443, NULL},
        {"star_no_dot_private_named", "box", "443", 443, "CONNECT 10.9.9.1:443 HTTP/1.1"},
        {"star_local_domain", "near.internal", "443", 443, NULL},
};

static bool is_known(const char *node)
{
        return node[0] <= '9' || strstr(HOSTS, node);
}

static void connects(void **state)
{
        const struct row *row = *state;
        const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
        unsigned accepted = atomic_load(&world->accepted), served = atomic_load(&world->served);
        bool tunnelled = mode == PRELOADED && row->request;
        struct addrinfo *list;
        struct sockaddr_in in;
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        if (mode != PRELOADED && !is_known(row->node)) {
                assert_int_not_equal(getaddrinfo(row->node, row->service, &hints, &list), 0);
                close(fd);
                return;
        }
        assert_int_equal(getaddrinfo(row->node, row->service, &hints, &list), 0);
        memcpy(&in, list->ai_addr, sizeof in);
        freeaddrinfo(list);
        in.sin_port = htons(row->port);
        if (connect(fd, (struct sockaddr *)&in, sizeof in) < 0)
                fail_msg("%s", strerror(errno));
        expect_echo(fd);
        assert_int_equal(atomic_load(&world->accepted) - accepted, tunnelled);
        assert_int_equal(atomic_load(&world->served) - served, !tunnelled);
        if (tunnelled)
                expect_request(row->request);
        close(fd);
}

int main(int argc, char **argv)
{
        static struct table t;

        bool star = argc > 1 && !strcmp(argv[1], "star");

        setenv("HFPROXY_ONLY", star ? STAR_ONLY : ONLY, 1);
        world_enter(argc, argv,
                    "printf '" HOSTS "' >/tmp/hosts.$$ && : >/tmp/resolv.$$ &&"
                    "mount --bind /tmp/hosts.$$ /etc/hosts && mount --bind /tmp/resolv.$$ "
                    "/etc/resolv.conf &&"
                    "rm /tmp/hosts.$$ /tmp/resolv.$$");
        if (star)
                TABLE_ADD(&t, connects, star_rows);
        else
                TABLE_ADD(&t, connects, rows);
        return table_run_with("only", &t, setup);
}
