/* SPDX-License-Identifier: MIT */
/* syscall(): what we stand in front of under its libc name, we do under its number, too; by the
 * kernel's conventions. All the rest goes on untouched, and so does what the kernel must reject: a
 * list of what may pass would break every program that knows a newer kernel than we do.
 *
 * Six longs are taken, however many were given, as libc's own does: those beyond are read and
 * never used. (A function with seven parameters could jump on without a frame, but the seventh
 * lies in the caller's frame, which a compiler would then write to.) */
#include "connect.h"
#include "exec.h"
#include "wait.h"

#include "process/config.h"
#include "process/interest.h"
#include "process/log.h"
#include "process/strict.h"

#include <stdarg.h>

HF_EXPORT long syscall(long nr, ...);

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif
#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif

/* aarch64 never had these: numbers that no call has. */
#ifdef SYS_poll
#define NR_POLL SYS_poll
#define NR_SELECT SYS_select
#define NR_EPOLL_WAIT SYS_epoll_wait
#else
#define NR_POLL (-3)
#define NR_SELECT (-4)
#define NR_EPOLL_WAIT (-5)
#endif

#define POINTER(type, arg) ((type *)(uintptr_t)(arg))

struct args {
        long nr, a, b, c, d, e, f;
};

static long pass(const struct args *x)
{
        return hf_real_syscall(x->nr, x->a, x->b, x->c, x->d, x->e, x->f);
}

/* Two words of the caller: a time-out, or what pselect6 has as its sixth. */
static bool take(long at, void *words)
{
        if (hf_wait_readable(POINTER(void, at), 16) < 16)
                return false;
        memcpy(words, POINTER(void, at), 16);
        return true;
}

static bool take_timespec(long at, int64_t *ret_ns)
{
        struct timespec ts;

        return at ? take(at, &ts) && hf_wait_timespec(&ts, ret_ns) : hf_wait_timespec(NULL, ret_ns);
}

/* Unlike libc's functions, ppoll and pselect6 by number write back the time that is left. */
static void put_timespec(long at, const struct hf_wait_how *how)
{
        int64_t left = hf_wait_left(how);
        const struct timespec ts = {left / HF_NS_PER_S, left % HF_NS_PER_S};

        if (at && how->length != HF_FOREVER)
                hf_wait_put(POINTER(void, at), &ts);
}

/* A mask counts if it is as long as the kernel's. */
static bool take_mask(long at, long size, struct hf_wait_how *how)
{
        how->mask = POINTER(const sigset_t, at);
        return !at || size == _NSIG / 8;
}

/* ---- while something is pending ---- */

static long by_poll(const struct args *x)
{
        struct hf_wait_how how = {.length = hf_wait_ms((int)x->c), .by_number = true};

        return hf_wait_poll(POINTER(struct pollfd, x->a), (unsigned)x->b, &how);
}

static long by_ppoll(const struct args *x)
{
        struct hf_wait_how how = {.by_number = true};
        long got;

        if (!take_mask(x->d, x->e, &how) || !take_timespec(x->c, &how.length))
                return pass(x);
        got = hf_wait_poll(POINTER(struct pollfd, x->a), (unsigned)x->b, &how);
        put_timespec(x->c, &how);
        return got;
}

static long wait_select(const struct args *x, struct hf_wait_how *how)
{
        return hf_wait_select((int)x->a, POINTER(fd_set, x->b), POINTER(fd_set, x->c),
                              POINTER(fd_set, x->d), how);
}

static long by_select(const struct args *x)
{
        struct hf_wait_how how = {.by_number = true};
        struct timeval *timeout = POINTER(struct timeval, x->e);
        long got;

        if (!hf_wait_take_timeval(timeout, &how))
                return pass(x);
        got = wait_select(x, &how);
        hf_wait_put_timeval(timeout, &how);
        return got;
}

static long by_pselect6(const struct args *x)
{
        struct hf_wait_how how = {.by_number = true};
        long packed[2] = {0, 0}; /* the mask's address and its size */
        long got;

        if ((x->f && !take(x->f, packed)) || !take_mask(packed[0], packed[1], &how) ||
            !take_timespec(x->e, &how.length))
                return pass(x);
        got = wait_select(x, &how);
        put_timespec(x->e, &how);
        return got;
}

/* ---- at any time ---- */

/* Something may begin while it sleeps. MASKED, NS_PRECISE: which of the three it is. */
static long by_epoll(const struct args *x, bool masked, bool ns_precise)
{
        struct hf_wait_how how = {.length = hf_wait_ms((int)x->d), .by_number = true};
        long got = 0;

        if (!hf_pending_any()) {
                hf_wait_sleeps((int)x->a);
                got = pass(x);
                if (got <= 0 || !hf_interest_any())
                        return got;
        }
        if ((masked && !take_mask(x->e, x->f, &how)) ||
            (ns_precise && !take_timespec(x->d, &how.length)))
                return pass(x);
        return hf_wait_epoll((int)x->a, POINTER(struct epoll_event, x->b), (int)x->c, (int)got,
                             ns_precise, &how);
}

static long by_connect(const struct args *x)
{
        int r;

        return hf_connect_tunnelled((int)x->a, POINTER(const struct sockaddr, x->b),
                                    (socklen_t)x->c, false, &r)
                       ? r
                       : pass(x);
}

static int exec_with(const void *call, char *const *envp)
{
        struct args x = *(const struct args *)call;

        *(x.nr == SYS_execve ? &x.c : &x.d) = (long)envp;
        return (int)pass(&x);
}

static long by_exec(const struct args *x)
{
        long envp = x->nr == SYS_execve ? x->c : x->d;

        return hf_exec(POINTER(char *const, envp), exec_with, x);
}

static long by_io_uring_setup(const struct args *x)
{
        const struct hf_config *config = hf_config();

        if (!config || (config->io_uring_allowed && !config->rules.strict))
                return pass(x);
        hf_log_once(HF_ONCE_IO_URING, HF_LOG_INFO,
                    "io_uring is refused (ENOSYS), as no library sees what goes through it; "
                    "HFPROXY_IO_URING=allow for a program that cannot do without");
        return hf_sys(-ENOSYS);
}

/* Under `strict`: may not be sent. (A connect() by the way of one is refused unless it is open.) */
static bool refuses(const struct args *x)
{
        const void *at = POINTER(const void, x->b);
        unsigned n = (unsigned)x->c;

        switch (x->nr) {
        case SYS_sendto:
                return hf_strict_refuses((int)x->a, POINTER(const struct sockaddr, x->e),
                                         (socklen_t)x->f, x->d & MSG_FASTOPEN);
        case SYS_sendmsg:
                return hf_strict_refuses_msg((int)x->a, at, (int)x->c);
        case SYS_sendmmsg:
                n = n < HF_MESSAGES_MAX ? n : HF_MESSAGES_MAX;
                return hf_strict_count_open((int)x->a, at, n, (int)x->d) < n;
        case SYS_splice:
                return hf_strict_refuses((int)x->c, NULL, 0, false);
        default: /* the descriptor comes first */
                return hf_strict_refuses((int)x->a, NULL, 0, false);
        }
}

HF_NOINLINE static long send_strictly(const struct args *x)
{
        return refuses(x) ? hf_sys(-ENETUNREACH) : pass(x);
}

HF_NOINLINE static long translate(const struct args *x)
{
        switch (x->nr) {
        case SYS_connect:
                return by_connect(x);
        case SYS_execve:
        case SYS_execveat:
                return by_exec(x);
        case SYS_io_uring_setup:
                return by_io_uring_setup(x);
        case SYS_epoll_ctl:
                return hf_wait_epoll_ctl((int)x->a, (int)x->b, (int)x->c,
                                         POINTER(struct epoll_event, x->d));
        case NR_EPOLL_WAIT:
                return by_epoll(x, false, false);
        case SYS_epoll_pwait:
                return by_epoll(x, true, false);
        case SYS_epoll_pwait2:
                return by_epoll(x, true, true);
        default:
                break;
        }
        if (!hf_pending_any())
                return pass(x);
        switch (x->nr) {
        case NR_POLL:
                return by_poll(x);
        case SYS_ppoll:
                return by_ppoll(x);
        case NR_SELECT:
                return by_select(x);
        default:
                return by_pselect6(x);
        }
}

__attribute__((no_sanitize("address"))) long syscall(long nr, ...)
{
        long a, b, c, d, e, f;
        va_list ap;

        va_start(ap, nr);
        a = va_arg(ap, long);
        b = va_arg(ap, long);
        c = va_arg(ap, long);
        d = va_arg(ap, long);
        e = va_arg(ap, long);
        f = va_arg(ap, long);
        va_end(ap);
        switch (nr) {
        case SYS_connect:
        case SYS_execve:
        case SYS_execveat:
        case SYS_io_uring_setup:
        case SYS_epoll_ctl:
        case NR_EPOLL_WAIT:
        case SYS_epoll_pwait:
        case SYS_epoll_pwait2:
        case NR_POLL:
        case SYS_ppoll:
        case NR_SELECT:
        case SYS_pselect6:
                return translate(&(const struct args){nr, a, b, c, d, e, f});
        case SYS_sendto:
        case SYS_sendmsg:
        case SYS_sendmmsg:
        case SYS_write:
        case SYS_writev:
        case SYS_pwritev2:
        case SYS_sendfile:
        case SYS_splice:
                if (hf_strict())
                        return send_strictly(&(const struct args){nr, a, b, c, d, e, f});
                return hf_real_syscall(nr, a, b, c, d, e, f);
        default:
                return hf_real_syscall(nr, a, b, c, d, e, f);
        }
}
