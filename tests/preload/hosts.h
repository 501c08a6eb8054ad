/* SPDX-License-Identifier: MIT */
/* Names in the small world: what is real comes from its /etc/hosts. There is no name server. */
#pragma once

#include "world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* (The dot at the end stands for an answer to a name that is looked up with one, as below a search
 * suffix.) */
#define HOSTS                                                                                      \
        "127.0.0.1 localhost\n"                                                                    \
        "::1 localhost\n"                                                                          \
        "10.9.9.1 private.example box\n"                                                           \
        "203.0.113.31 exempt.example\n"                                                            \
        "203.0.113.32 public.example\n"                                                            \
        "10.9.9.2 both.example\n203.0.113.33 both.example\n"                                       \
        "203.0.113.34 node.corp.example\n"                                                         \
        "203.0.113.35 api.staging.cluster.example.\n"                                              \
        "203.0.113.36 printer.local\n"                                                             \
        "203.0.113.37 proxy.example\n"                                                             \
        "203.0.113.38 port.example\n"                                                              \
        "2001:db8:10::39 six.corp.example\n"                                                       \
        "2001:db8:10::40 six.example\n"

/* Commands for world_enter(). */
#define HOSTS_SETUP                                                                                \
        "printf '" HOSTS "' >/tmp/hosts.$$ && : >/tmp/resolv.$$ &&"                                \
        "mount --bind /tmp/hosts.$$ /etc/hosts && mount --bind /tmp/resolv.$$ /etc/resolv.conf &&" \
        "rm /tmp/hosts.$$ /tmp/resolv.$$"

#define CLUSTER "search staging.cluster.example cluster.example lab\noptions ndots:3\n"

/* An address that a name gets instead of its own, in tables of what is expected. */
static const char placeholder[] = "placeholder";

static inline void write_file(const char *path, const char *text)
{
        int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
}

static inline void write_resolv_conf(const char *text)
{
        char all[512];

        /* Never nothing: that would mean the name server on this machine, and a silent one at that.
         */
        snprintf(all, sizeof all, "%snameserver 127.0.0.1\noptions attempts:1 timeout:1\n", text);
        write_file("/etc/resolv.conf", all);
}

static inline bool is_placeholder(const char *text)
{
        unsigned second = 0;

        return (sscanf(text, "240.%u.", &second) == 1 && second / 16 == 10) ||
               !strncmp(text, "100::f0a", 8);
}

/* The address TEXT, as it is EXPECTED. */
static inline void expect_address(const char *text, const char *expected)
{
        if (expected == placeholder ? !is_placeholder(text) : strcmp(text, expected) != 0)
                fail_msg("got %s, not %s", text, expected);
}

/* Before each test: the proxy grants, and serves the web's ports alone. */
static inline int names_setup(void **state)
{
        (void)state;
        atomic_store(&world->behaviour, GRANTS);
        write_resolv_conf("");
        if (mode == PRELOADED) {
                setenv("https_proxy", world_proxy_url(world->proxy_port), 1);
                setenv("http_proxy", world_proxy_url(world->proxy_port), 1);
                unsetenv("all_proxy");
                unsetenv("no_proxy");
        }
        return 0;
}

/* A placeholder of NAME, as getaddrinfo() gives it. */
static inline socklen_t look_up(const char *name, int family, uint16_t port,
                                struct sockaddr_storage *ret)
{
        const struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
        struct addrinfo *list;
        char service[8];
        socklen_t len;

        snprintf(service, sizeof service, "%d", port);
        assert_int_equal(getaddrinfo(name, port ? service : NULL, &hints, &list), 0);
        memset(ret, 0, sizeof *ret);
        memcpy(ret, list->ai_addr, list->ai_addrlen);
        len = list->ai_addrlen;
        freeaddrinfo(list);
        return len;
}
