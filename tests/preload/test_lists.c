/* SPDX-License-Identifier: MIT */
/* HFPROXY_URL=a,b: the first that takes a TCP connection serves, and is remembered. The variable is
 * read once, at start, so each row is a process of its own. */
#define _GNU_SOURCE
#include "world.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAR "203.0.113.10"
#define FAR6 "2001:db8:10::7"
#define WAITED_MS 900
#define OURS "http://u:p%40ss@127.0.0.1:"

enum {
        SILENT_FIRST = 1 << 0, /* the first connect waits a second for the first proxy, later ones
                                * do not */
        TO_IPV6 = 1 << 1,
};

static const struct row {
        const char *name;
        const char *list;  /* P: the port of the proxy, D: of none, F: of one that is silent */
        int error;         /* of each connect */
        unsigned accepted; /* connections at the proxy, of each connect */
        int is;
} rows[] = {
        {"one", OURS "P", 0, 1, 0},
        {"first_serves", OURS "P," OURS "D", 0, 1, 0},
        {"second_serves", OURS "D," OURS "P", 0, 1, 0},
        {"blanks_around_commas", OURS "D , " OURS "P", 0, 1, 0},
        {"third_serves", OURS "D," OURS "D," OURS "P", 0, 1, 0},
        {"of_different_schemes", "socks5h://127.0.0.1:D,socks4a://127.0.0.1:D," OURS "P", 0, 1, 0},
        {"second_by_name", OURS "D,http://u:p%40ss@localhost:P", 0, 1, 0},
        {"first_has_no_address", "http://nowhere.test:P," OURS "P", 0, 1, 0},
        {"bad_entry", "gopher://127.0.0.1:P," OURS "P", 0, 1, 0},
        {"tls_is_not_spoken", "https://u:x@127.0.0.1:P," OURS "D," OURS "P", 0, 1, 0},
        {"silent_first", OURS "F," OURS "P", 0, 1, SILENT_FIRST},
        {"none_serves", OURS "D," OURS "D", ECONNREFUSED, 0, 0},
        {"ipv6", OURS "D," OURS "P", 0, 1, TO_IPV6},
        {"ipv6_not_by_socks4", "socks4a://127.0.0.1:P," OURS "P", 0, 1, TO_IPV6},
        {"ipv6_not_by_a_later_socks4", OURS "D,socks4a://127.0.0.1:P," OURS "P", 0, 1, TO_IPV6},
        {"ipv6_by_none", "socks4a://127.0.0.1:P,socks4://127.0.0.1:P", EAFNOSUPPORT, 0, TO_IPV6},
};

static int so_error(int fd)
{
        int error = -1;
        socklen_t len = sizeof error;

        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ? errno : error;
}

/* One connect; its errno. */
static int connect_once(bool v6, bool nonblocking, int64_t *ret_took)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, v6 ? FAR6 : FAR, 443, v6);
        int fd = socket(v6 ? AF_INET6 : AF_INET,
                        SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0);
        int64_t since = now_ms();
        int r = connect(fd, (struct sockaddr *)&sa, len) < 0 ? errno : 0;

        if (r == EINPROGRESS && nonblocking)
                r = ready(fd, POLLOUT) ? so_error(fd) : EAGAIN;
        *ret_took = now_ms() - since;
        if (r == 0)
                expect_echo(fd);
        close(fd);
        return r;
}

/* In a process of its own: 0, or what is wrong. */
static int inner(const struct row *row, bool nonblocking)
{
        unsigned accepted = atomic_load(&world->accepted), n = 0;
        int64_t took;

        do { /* more than two only where the machine itself needs a second for one */
                if (connect_once(row->is & TO_IPV6, nonblocking, &took) != row->error)
                        return 1;
                if (n++ == 0 && row->is & SILENT_FIRST && took < WAITED_MS)
                        return 2;
                if (n > 20)
                        return 3;
        } while (n < 2 || (row->is & SILENT_FIRST && took >= WAITED_MS));
        if (row->error == 0)
                expect_request(row->is & TO_IPV6 ? "CONNECT [" FAR6 "]:443 HTTP/1.1"
                                                 : "CONNECT " FAR ":443 HTTP/1.1");
        return atomic_load(&world->accepted) - accepted == n * row->accepted ? 0 : 4;
}

static void compose(const char *list, char *buf, size_t size)
{
        struct hf_out out = hf_out_write(buf, size - 1);

        for (; *list; list++) {
                uint16_t port = *list == 'P'   ? world->proxy_port
                                : *list == 'D' ? world->dead_port
                                : *list == 'F' ? world->full_port
                                               : 0;

                if (port)
                        hf_out_uint(&out, port);
                else
                        hf_out_char(&out, *list);
        }
        buf[out.len] = '\0';
}

static void run(const struct row *row, const char *how)
{
        char url[512], number[16];
        int status;
        pid_t pid;

        compose(row->list, url, sizeof url);
        snprintf(number, sizeof number, "%d", (int)(row - rows));
        pid = fork();
        if (pid == 0) {
                setenv("HFPROXY_URL", url, 1);
                execl("/proc/self/exe", "lists", how, number, (char *)NULL);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

static void blocking(void **state)
{
        run(*state, "blocking");
}

static void nonblocking(void **state)
{
        run(*state, "nonblocking");
}

/* test_lists [(blocking|nonblocking) ROW] */
int main(int argc, char **argv)
{
        static struct table t;
        static char names[HF_LEN(rows)][64];

        setenv("HFPROXY_TIMEOUT", "20", 1);
        world_enter(argc, argv, NULL);
        atomic_store(&world->behaviour, GRANTS);
        if (argc == 3)
                return inner(&rows[atoi(argv[2])], argv[1][0] == 'n');
        TABLE_ADD(&t, blocking, rows);
        for (size_t i = 0; i < HF_LEN(rows); i++) {
                snprintf(names[i], sizeof names[i], "%s_nonblocking", rows[i].name);
                table_add(&t, names[i], nonblocking, &rows[i]);
        }
        return table_run("lists", &t);
}
