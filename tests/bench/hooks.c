/* SPDX-License-Identifier: MIT */
/* hooks [PAIRS]: what each interposed function costs, preloaded, against libc's own in the same
 * process: blocks of calls, one side after the other, the order swapped each time; the median of
 * the ratios of all pairs, so that neither drift nor an interruption counts. A line a function:
 *
 *   NAME  NANOSECONDS-IN-LIBC  LIBC/LIBC  HOOK/LIBC  HOOK/LIBC-WITH-A-CONNECTION-PENDING
 *
 * LIBC/LIBC is measured like the others and is 1 but for noise. The pending connection goes to
 * FAR_NAME by the proxy of https_proxy, which should never answer; "-" if connect() did not leave
 * one pending. HFPROXY_TIMEOUT must be longer than one function takes. */
#define _GNU_SOURCE
#include "bench.h"
#include "calls.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ENTRIES 25
#define PAIRS_MAX 10000

extern char **environ;

/* ENTRIES of them, the last one ours, the library's own among them. */
static void make_environ(void)
{
        static char padding[ENTRIES][32], *entries[ENTRIES + 1];
        int n = 0;

        for (; n < ENTRIES - 1 && environ[n]; n++)
                entries[n] = environ[n];
        for (; n < ENTRIES - 1; n++) {
                snprintf(padding[n], sizeof padding[n], "PADDING_%d=some value", n);
                entries[n] = padding[n];
        }
        entries[n] = strcpy(padding[n], "HFBENCH_LAST=1");
        environ = entries;
}

static any_fn find(void *handle, const char *symbol)
{
        void *found = dlsym(handle, symbol);
        any_fn fn;

        _Static_assert(sizeof fn == sizeof found, "POSIX says so");
        memcpy(&fn, &found, sizeof fn);
        return fn;
}

static double time_block(const struct call *c, any_fn fn)
{
        int64_t start, end;

        if (c->before)
                c->before(c->count);
        start = now_ns();
        c->run(fn, c->count);
        end = now_ns();
        if (c->after)
                c->after(c->count);
        return (double)(end - start) / c->count;
}

static int compare(const void *a, const void *b)
{
        const double *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

static double median(double *values, unsigned n)
{
        qsort(values, n, sizeof *values, compare);
        return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

/* FN's time over that of BASE, whose nanoseconds go to RET_BASE. */
static double measure(const struct call *c, any_fn fn, any_fn base, unsigned pairs,
                      double *ret_base)
{
        static double ratios[PAIRS_MAX], bases[PAIRS_MAX];

        time_block(c, fn);
        time_block(c, base);
        for (unsigned i = 0; i < pairs; i++) {
                double first = time_block(c, i % 2 ? base : fn);
                double second = time_block(c, i % 2 ? fn : base);

                bases[i] = i % 2 ? first : second;
                ratios[i] = (i % 2 ? second : first) / bases[i];
        }
        *ret_base = median(bases, pairs);
        return median(ratios, pairs);
}

/* A connection that is being made and stays so, watched by a set of its own, or -1. */
static int start_pending(void)
{
        static int epfd = -1;
        struct sockaddr_in far = ipv4(FAR_ADDRESS, FAR_PORT);
        struct epoll_event ev = {.events = EPOLLOUT};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        if (epfd < 0)
                epfd = epoll_create1(EPOLL_CLOEXEC);
        if (connect(fd, (struct sockaddr *)&far, sizeof far) == 0 || errno != EINPROGRESS ||
            epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) < 0) {
                close(fd);
                return -1;
        }
        return fd;
}

static void stop_pending(int fd, const char *name)
{
        struct sockaddr_in sa;
        socklen_t len = sizeof sa;

        if (getpeername(fd, (struct sockaddr *)&sa, &len) == 0 || errno != ENOTCONN)
                fprintf(stderr, "hooks: the pending connection was not pending to the end: %s\n",
                        name);
        close(fd);
}

int main(int argc, char **argv)
{
        unsigned pairs = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 301;
        void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
        bool can_pend = getenv("https_proxy") != NULL;

        errno = 0;
        if (!libc || pairs == 0 || pairs > PAIRS_MAX)
                die("usage: hooks [PAIRS], on glibc");
        make_environ();
        calls_prepare();
        for (size_t i = 0; i < calls_length; i++) {
                const struct call *c = &calls[i];
                any_fn hook = find(RTLD_DEFAULT, c->symbol), own = find(libc, c->symbol);
                double base, same, idle, pending = 0;
                int fd;

                if (!hook || !own)
                        continue; /* this libc is too old */
                same = measure(c, own, own, pairs, &base);
                idle = measure(c, hook, own, pairs, &base);
                fd = can_pend ? start_pending() : -1;
                can_pend = fd >= 0;
                if (can_pend) {
                        double unused;

                        pending = measure(c, hook, own, pairs, &unused);
                        stop_pending(fd, c->name);
                }
                printf("%-20s %8.1f %7.3f %7.3f ", c->name, base, same, idle);
                if (can_pend)
                        printf("%7.3f\n", pending);
                else
                        printf("%7s\n", "-");
        }
        return 0;
}
