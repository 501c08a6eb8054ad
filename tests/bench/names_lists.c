/* SPDX-License-Identifier: MIT */
/* The same calls with a short no_proxy and with long ones. (Of 8,000 entries is what fits into an
 * environment; a longer one a program can only set itself.) */
#define _GNU_SOURCE
#include "names.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static const unsigned sizes[] = {5, 8000, 100000};

#define SIZES (sizeof sizes / sizeof sizes[0])
#define ROUNDS 10 /* of lists, in turn: what the machine does meanwhile meets all of them */
#define CONNECTS 20

/* Names, addresses and prefixes in turn, none of which is asked for; 15 bytes each on average. A
 * different list for each VARIANT. */
static char *make_list(unsigned n, unsigned variant)
{
        static char list[100000 * 24];
        char *at = list;

        for (unsigned i = 0; i < n; i++) {
                unsigned high = i >> 8 & 255, low = i & 255;

                switch (i % 3) {
                case 0:
                        at += sprintf(at, "%sh%u-%u.test", i ? "," : "", i, variant % 10);
                        break;
                case 1:
                        at += sprintf(at, ",11.%u.%u.%u", i >> 16, high, low);
                        break;
                case 2:
                        at += sprintf(at, ",12.%u.%u.0/24", i >> 16 << 4 | high >> 4, low);
                        break;
                }
        }
        return list;
}

/* What a call takes of this process's CPU: of the proxy that it waits for nothing is to be seen. */
static int64_t cpu_ns(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
        return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Nanoseconds, and how many of them. */
struct times {
        int64_t all[ROUNDS * CONNECTS];
        size_t n;
};

static int compare(const void *a, const void *b)
{
        const int64_t *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

static void print_sized(const char *what, unsigned size, struct times *times)
{
        char row[32];

        qsort(times->all, times->n, sizeof times->all[0], compare);
        snprintf(row, sizeof row, "%s_%u", what, size);
        print_row(row, (double)times->all[times->n / 2] / 1e3);
}

static void look_ups(struct times *times, unsigned count)
{
        int64_t begin = cpu_ns();

        for (unsigned i = 0; i < count; i++)
                look_up("one.names.test");
        times->all[times->n++] = (cpu_ns() - begin) / count;
}

static void connects(struct times *times)
{
        const struct sockaddr_in to = ipv4(FAR_ADDRESS, FAR_PORT);
        const struct linger hard = {.l_onoff = 1};

        for (unsigned i = 0; i < CONNECTS; i++) {
                int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                int64_t begin = cpu_ns();

                if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) < 0)
                        die("connect");
                times->all[times->n++] = cpu_ns() - begin;
                setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
                close(fd);
        }
}

static void getenvs(struct times *times, unsigned count)
{
        int64_t begin = cpu_ns();

        for (unsigned i = 0; i < count; i++)
                if (getenv("ALL_PROXY"))
                        die("ALL_PROXY");
        times->all[times->n++] = (cpu_ns() - begin) / count;
}

void run_lists(unsigned count)
{
        static struct times look[SIZES], connected[SIZES], get[SIZES], set[SIZES], warm_up;

        look_ups(&warm_up, 10);
        connects(&warm_up);
        for (unsigned round = 0; round < ROUNDS; round++)
                for (unsigned i = 0; i < SIZES; i++) {
                        setenv("no_proxy", make_list(sizes[i], 0), 1);
                        getenv("ALL_PROXY"); /* the first one after a change computes */
                        look_ups(&look[i], count / ROUNDS);
                        connects(&connected[i]);
                        getenvs(&get[i], count);
                }
        for (unsigned variant = 1; variant < 4; variant++)
                for (unsigned i = 0; i < SIZES; i++) {
                        const char *list = make_list(sizes[i], variant);
                        int64_t begin = cpu_ns();

                        setenv("no_proxy", list, 1);
                        set[i].all[set[i].n++] = cpu_ns() - begin;
                }
        for (unsigned i = 0; i < SIZES; i++) {
                print_sized("look_up", sizes[i], &look[i]);
                print_sized("connect", sizes[i], &connected[i]);
                print_sized("getenv", sizes[i], &get[i]);
                print_sized("setenv", sizes[i], &set[i]);
        }
}

/* ---- the start of a program ---- */

/* The list is put past the library, which would have us start with what it made of it. */
static char **with_list(const char *list)
{
        static char *with[256];
        static char *entry;
        size_t n = 0;

        free(entry);
        if (asprintf(&entry, "no_proxy=%s", list) < 0)
                die("memory");
        for (char **e = environ; *e && n < 254; e++)
                if (strncasecmp(*e, "no_proxy=", 9) != 0 && strncmp(*e, "HFPROXY_STATE=", 14) != 0)
                        with[n++] = *e;
        with[n++] = entry;
        with[n] = NULL;
        return with;
}

/* Its CPU time, from its fork to its end. */
static int64_t start(const char *self, char **with)
{
        char *const argv[] = {(char *)(uintptr_t)self, (char *)(uintptr_t) "nothing", NULL};
        struct rusage usage;
        int status;
        pid_t pid;

        errno = posix_spawn(&pid, self, NULL, NULL, argv, with);
        if (errno || wait4(pid, &status, 0, &usage) != pid || status != 0)
                die("a program that does nothing");
        return (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
               (int64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

void run_starts(unsigned count, const char *self)
{
        static const unsigned lengths[] = {5, 3800, 8000};
        static struct times took[3];

        for (unsigned i = 0; i < count && i < ROUNDS * CONNECTS; i++)
                for (unsigned k = 0; k < 3; k++)
                        took[k].all[took[k].n++] = start(self, with_list(make_list(lengths[k], 0)));
        for (unsigned k = 0; k < 3; k++)
                print_sized("start", lengths[k], &took[k]);
}
