/* SPDX-License-Identifier: MIT */
/* System calls without libc: no errno, no cancellation point, no hook of ours or of anybody
 * else's, nothing to resolve. For what this library does on its own account: steps of a
 * handshake, the log, looks at the machine. Each returns what the kernel returns: a result, or
 * -errno. (Alone of all, a program's own call is made by libc's function: see real.h.) */
#pragma once

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#if defined(__x86_64__)
static inline long hf_syscall6(long nr, long a, long b, long c, long d, long e, long f)
{
        register long r10 __asm__("r10") = d;
        register long r8 __asm__("r8") = e;
        register long r9 __asm__("r9") = f;
        long ret;

        __asm__ volatile("syscall"
                         : "=a"(ret)
                         : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                         : "rcx", "r11", "memory");
        return ret;
}
#elif defined(__aarch64__)
static inline long hf_syscall6(long nr, long a, long b, long c, long d, long e, long f)
{
        register long x8 __asm__("x8") = nr;
        register long x0 __asm__("x0") = a;
        register long x1 __asm__("x1") = b;
        register long x2 __asm__("x2") = c;
        register long x3 __asm__("x3") = d;
        register long x4 __asm__("x4") = e;
        register long x5 __asm__("x5") = f;

        __asm__ volatile("svc 0"
                         : "+r"(x0)
                         : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                         : "memory");
        return x0;
}
#else
#error "hfproxy knows the system call conventions of x86-64 and aarch64 only"
#endif

/* Linux 3.19, which a libc's headers may be older than. */
#ifndef SYS_execveat
#ifdef __x86_64__
#define SYS_execveat 322
#else
#define SYS_execveat 281
#endif
#endif

#define hf_syscall3(nr, a, b, c) hf_syscall6(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)

static inline int hf_sys_close(int fd)
{
        return (int)hf_syscall3(SYS_close, fd, 0, 0);
}

static inline long hf_sys_read(int fd, void *buf, size_t n)
{
        return hf_syscall3(SYS_read, fd, buf, n);
}

static inline long hf_sys_write(int fd, const void *buf, size_t n)
{
        return hf_syscall3(SYS_write, fd, buf, n);
}

static inline int hf_sys_open(const char *path, int flags, unsigned permissions)
{
        return (int)hf_syscall6(SYS_openat, -100 /* AT_FDCWD */, (long)path, flags,
                                (long)permissions, 0, 0);
}

static inline int hf_sys_socket(int domain, int type, int protocol)
{
        return (int)hf_syscall3(SYS_socket, domain, type, protocol);
}

static inline int hf_sys_connect(int fd, const void *addr, socklen_t len)
{
        return (int)hf_syscall3(SYS_connect, fd, addr, len);
}

static inline long hf_sys_sendmsg(int fd, const struct msghdr *msg, int flags)
{
        return hf_syscall3(SYS_sendmsg, fd, msg, flags);
}

static inline long hf_sys_recv(int fd, void *buf, size_t n, int flags)
{
        return hf_syscall6(SYS_recvfrom, fd, (long)buf, (long)n, flags, 0, 0);
}

static inline int hf_sys_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
        return (int)hf_syscall6(SYS_getsockopt, fd, level, name, (long)value, (long)len, 0);
}

static inline int hf_sys_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
        return (int)hf_syscall6(SYS_setsockopt, fd, level, name, (long)value, (long)len, 0);
}

static inline int hf_sys_getpid(void)
{
        return (int)hf_syscall3(SYS_getpid, 0, 0, 0);
}

/* poll(2) with a time-out in milliseconds, -1 for none; the signal mask stays as it is. */
static inline int hf_sys_poll(struct pollfd *fds, unsigned n, int ms)
{
        struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};

        return (int)hf_syscall6(SYS_ppoll, (long)fds, n, ms < 0 ? 0 : (long)&ts, 0, _NSIG / 8, 0);
}

/* SIZE bytes of zeroed memory that cost nothing until they are touched; NULL: none to be had. */
void *hf_sys_map(size_t size);

/* What *PLACE points to: at the first call SIZE fresh bytes, for all callers the same ones. */
void *hf_sys_map_first(_Atomic(void *) *place, size_t size);
static inline void *hf_sys_map_once(_Atomic(void *) *place, size_t size)
{
        void *mapped = atomic_load_explicit(place, memory_order_acquire);

        if (!mapped)
                mapped = hf_sys_map_first(place, size);
        return mapped;
}

static inline void hf_sys_unmap(void *p, size_t size)
{
        hf_syscall3(SYS_munmap, p, size, 0);
}

/* The kernel's stat is libc's on both machines; libc's fstat() is a symbol of 2.33. */
struct stat;
int hf_sys_fstat(int fd, struct stat *ret_st);

/* CLOCK_MONOTONIC, in milliseconds and nanoseconds. */
int64_t hf_sys_now(void);
int64_t hf_sys_now_ns(void);

/* Can N bytes at P be read? No fault, no signal, nothing changed: the kernel is asked (it copies a
 * signal set in before it rejects the nonsense that comes with it). So connect() with a bad
 * pointer gets the kernel's EFAULT and not a crash inside this library. */
bool hf_sys_readable(const void *p, size_t n);

/* The same of the eight bytes at AT (a multiple of eight), always asked of the kernel. */
bool hf_sys_word_readable(uintptr_t at);
