/* SPDX-License-Identifier: MIT */
/* What makes, ends and changes descriptors. (<fcntl.h> would give fcntl() another name.) */
#include "hook.h"

#include "process/config.h"
#include "process/interest.h"
#include "process/pending.h"
#include "process/real.h"
#include "process/strict.h"
#include "process/sys.h"
#include "process/twins.h"

#include <stdarg.h>

/* Of <fcntl.h>, <sys/ioctl.h> and <linux/close_range.h>, the same on both machines. */
#define DUPFD 0
#define GETFD 1
#define GETFL 3
#define SETFL 4
#define DUPFD_CLOEXEC 1030
#define NONBLOCK 04000
#define CLOEXEC 02000000
#define SET_NONBLOCKING 0x5421 /* FIONBIO */
#define RANGE_UNSHARE 2
#define STDIO_LAST 2 /* STDERR_FILENO */

HF_EXPORT int close(int fd);
HF_EXPORT int __close(int fd);
HF_EXPORT int close_range(unsigned first, unsigned last, int flags);
HF_EXPORT void closefrom(int first);
HF_EXPORT int dup(int fd);
HF_EXPORT int dup2(int fd, int to);
HF_EXPORT int __dup2(int fd, int to);
HF_EXPORT int dup3(int fd, int to, int flags);
HF_EXPORT int fcntl(int fd, int cmd, ...);
HF_EXPORT int __fcntl(int fd, int cmd, ...);
HF_EXPORT int fcntl64(int fd, int cmd, ...);
HF_EXPORT int ioctl(int fd, unsigned long request, ...);

/* ---- ends ---- */

int close(int fd)
{
        /* (While nothing is pending, notes may go stale: whoever uses one asks the kernel.) */
        if (hf_pending_any()) {
                if (hf_pending_maybe(fd))
                        hf_pending_close(fd);
                hf_interest_forget(fd);
        }
        return hf_real_close(fd);
}

int __close(int fd) __attribute__((alias("close")));

/* With CLOSE_RANGE_CLOEXEC nothing is closed yet; with CLOSE_RANGE_UNSHARE it is, for this
 * thread. */
int close_range(unsigned first, unsigned last, int flags)
{
        if (hf_pending_any() && first <= last && !(flags & ~RANGE_UNSHARE))
                hf_pending_close_range(first, last);
        if (hf_interest_any() && first <= last && !(flags & ~RANGE_UNSHARE))
                hf_interest_forget_range(first, last);
        return hf_real_close_range(first, last, flags);
}

void closefrom(int first)
{
        if (hf_pending_any())
                hf_pending_close_range(first < 0 ? 0 : (unsigned)first, UINT32_MAX);
        if (hf_interest_any())
                hf_interest_forget_range(first < 0 ? 0 : (unsigned)first, UINT32_MAX);
        hf_real_closefrom(first);
}

/* ---- duplicates ---- */

/* FROM has got the duplicate TO, or -1. */
static int duplicated(int from, int to, bool chosen)
{
        if (to >= 0 && hf_interest_any())
                hf_interest_forget(to);
        if (to >= 0 && hf_config())
                hf_twins_dup(from, to, chosen);
        if (to >= 0 && hf_pending_maybe(from))
                hf_pending_dup(from, to);
        return to;
}

int dup(int fd)
{
        return duplicated(fd, hf_real_dup(fd), false);
}

/* TO, which may be pending, is closed by the way, unless the call fails. */
__attribute__((noinline)) static void replacing(int from, int to)
{
        if (from != to && hf_syscall3(SYS_fcntl, from, GETFD, 0) >= 0)
                hf_pending_close(to);
}

static int replaced(int from, int to)
{
        return from != to ? duplicated(from, to, true) : to;
}

/* Under `strict`: what stdio writes goes by no hook, so a socket whose packets must not leave
 * becomes none of its streams (a shell's `>/dev/udp/…` makes it descriptor 1). */
static bool stdio_refused(int fd)
{
        return hf_strict() && hf_strict_refuses(fd, NULL, 0, false);
}

int dup2(int fd, int to)
{
        if ((unsigned)to <= STDIO_LAST && stdio_refused(fd))
                return hf_sys(-ENETUNREACH);
        if (hf_pending_maybe(to))
                replacing(fd, to);
        return replaced(fd, hf_real_dup2(fd, to));
}

int __dup2(int fd, int to) __attribute__((alias("dup2")));

int dup3(int fd, int to, int flags)
{
        if ((unsigned)to <= STDIO_LAST && stdio_refused(fd))
                return hf_sys(-ENETUNREACH);
        if (hf_pending_maybe(to) && !(flags & ~CLOEXEC))
                replacing(fd, to);
        return replaced(fd, hf_real_dup3(fd, to, flags));
}

/* ---- flags ---- */

/* FD, which may be pending, is going to block: whatever stdio, or somebody else whom we do not see,
 * then writes must not meet a handshake. */
__attribute__((noinline)) static void clearing_nonblock(int fd)
{
        long flags = hf_syscall3(SYS_fcntl, fd, GETFL, 0);

        if (flags >= 0 && flags & NONBLOCK)
                hf_pending_finish(fd);
}

static void before_fcntl(int fd, int cmd, long arg)
{
        if (cmd == SETFL && !(arg & NONBLOCK) && hf_pending_maybe(fd))
                clearing_nonblock(fd);
}

static int after_fcntl(int fd, int cmd, int result)
{
        return cmd == DUPFD || cmd == DUPFD_CLOEXEC ? duplicated(fd, result, false) : result;
}

/* Variadic: whatever there is is passed on, a pointer, an int with something above it, or what
 * happened to be there. */
#define REST(arg, last)                                                                            \
        do {                                                                                       \
                va_list ap;                                                                        \
                va_start(ap, last);                                                                \
                (arg) = va_arg(ap, long);                                                          \
                va_end(ap);                                                                        \
        } while (0)

int fcntl(int fd, int cmd, ...)
{
        long arg;

        REST(arg, cmd);
        before_fcntl(fd, cmd, arg);
        return after_fcntl(fd, cmd, hf_real_fcntl(fd, cmd, arg));
}

int __fcntl(int fd, int cmd, ...) __attribute__((alias("fcntl")));

int fcntl64(int fd, int cmd, ...)
{
        long arg;

        REST(arg, cmd);
        before_fcntl(fd, cmd, arg);
        return after_fcntl(fd, cmd, hf_real_fcntl64(fd, cmd, arg));
}

static bool is_zero(const int *p)
{
        int value = 1;

        if (hf_sys_readable(p, sizeof value))
                memcpy(&value, p, sizeof value);
        return value == 0;
}

/* (musl's REQUEST is an int; the kernel takes 32 bits of it.) */
int ioctl(int fd, unsigned long request, ...)
{
        long arg;

        REST(arg, request);
        if ((uint32_t)request == SET_NONBLOCKING && hf_pending_maybe(fd) &&
            is_zero((const int *)arg))
                clearing_nonblock(fd);
        return hf_real_ioctl(fd, request, arg);
}

/* stdio reads and writes by no hook. */
HF_EXPORT FILE *fdopen(int fd, const char *mode)
{
        if (stdio_refused(fd)) {
                errno = ENETUNREACH;
                return NULL;
        }
        if (hf_pending_maybe(fd))
                hf_pending_finish(fd);
        return hf_real_fdopen(fd, mode);
}
