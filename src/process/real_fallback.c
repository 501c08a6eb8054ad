/* SPDX-License-Identifier: MIT */
/* Where libc's function is not to be had (see real.h): its system call, as libc would make it; what
 * is no system call fails as libc lets it fail. */
#include "real.h"

#include "sys.h"

#include <errno.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

static long result(long r)
{
        if (r >= 0 || r < -4095)
                return r;
        errno = (int)-r;
        return -1;
}

#define CALL(nr, a, b, c, d, e, f)                                                                 \
        result(hf_syscall6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f)))

/* ---- no system calls ---- */

static int unavailable(void)
{
        errno = ENOSYS;
        return -1;
}

int hf_fallback_setenv(const char *name, const char *value, int overwrite)
{
        (void)name, (void)value, (void)overwrite;
        return unavailable();
}

int hf_fallback_unsetenv(const char *name)
{
        (void)name;
        return unavailable();
}

int hf_fallback_putenv(char *entry)
{
        (void)entry;
        return unavailable();
}

int hf_fallback_clearenv(void)
{
        return unavailable();
}

FILE *hf_fallback_fdopen(int fd, const char *mode)
{
        (void)fd, (void)mode;
        unavailable();
        return NULL;
}

/* ---- waits ---- */

int hf_fallback_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
                      const sigset_t *mask)
{
        struct timespec copy = timeout ? *timeout : (struct timespec){0, 0}; /* the kernel writes */

        return (int)CALL(SYS_ppoll, fds, n, timeout ? &copy : NULL, mask, _NSIG / 8, 0);
}

int hf_fallback_poll(struct pollfd *fds, nfds_t n, int timeout)
{
        const struct timespec ts = {timeout / 1000, (long)(timeout % 1000) * 1000000};

        return hf_fallback_ppoll(fds, n, timeout < 0 ? NULL : &ts, NULL);
}

int hf_fallback___poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size)
{
        (void)size;
        return hf_fallback_poll(fds, n, timeout);
}

int hf_fallback___ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
                            const sigset_t *mask, size_t size)
{
        (void)size;
        return hf_fallback_ppoll(fds, n, timeout, mask);
}

static int pselect6(int n, fd_set *r, fd_set *w, fd_set *x, struct timespec *timeout,
                    const sigset_t *mask)
{
        const struct {
                const sigset_t *mask;
                size_t size;
        } packed = {mask, _NSIG / 8};

        return (int)CALL(SYS_pselect6, n, r, w, x, timeout, &packed);
}

int hf_fallback_pselect(int n, fd_set *r, fd_set *w, fd_set *x, const struct timespec *timeout,
                        const sigset_t *mask)
{
        struct timespec copy = timeout ? *timeout : (struct timespec){0, 0};

        return pselect6(n, r, w, x, timeout ? &copy : NULL, mask);
}

/* As Linux does it, the time that is left is written back. */
int hf_fallback_select(int n, fd_set *r, fd_set *w, fd_set *x, struct timeval *timeout)
{
        struct timespec left = {0, 0};
        int got;

        if (timeout)
                left = (struct timespec){timeout->tv_sec, timeout->tv_usec * 1000};
        got = pselect6(n, r, w, x, timeout ? &left : NULL, NULL);
        if (timeout)
                *timeout = (struct timeval){left.tv_sec, left.tv_nsec / 1000};
        return got;
}

int hf_fallback_epoll_create1(int flags)
{
        return (int)CALL(SYS_epoll_create1, flags, 0, 0, 0, 0, 0);
}

int hf_fallback_epoll_create(int size)
{
        if (size > 0)
                return hf_fallback_epoll_create1(0);
        errno = EINVAL;
        return -1;
}

int hf_fallback_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
        return (int)CALL(SYS_epoll_ctl, epfd, op, fd, event, 0, 0);
}

int hf_fallback_epoll_pwait(int epfd, struct epoll_event *events, int n, int timeout,
                            const sigset_t *mask)
{
        return (int)CALL(SYS_epoll_pwait, epfd, events, n, timeout, mask, _NSIG / 8);
}

int hf_fallback_epoll_wait(int epfd, struct epoll_event *events, int n, int timeout)
{
        return hf_fallback_epoll_pwait(epfd, events, n, timeout, NULL);
}

int hf_fallback_epoll_pwait2(int epfd, struct epoll_event *events, int n,
                             const struct timespec *timeout, const sigset_t *mask)
{
        return (int)CALL(SYS_epoll_pwait2, epfd, events, n, timeout, mask, _NSIG / 8);
}

/* ---- sockets ---- */

int hf_fallback_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
        return (int)CALL(SYS_connect, fd, addr, len, 0, 0, 0);
}

int hf_fallback_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
        return (int)CALL(SYS_bind, fd, addr, len, 0, 0, 0);
}

int hf_fallback_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
        return (int)CALL(SYS_getsockopt, fd, level, name, value, len, 0);
}

int hf_fallback_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
        return (int)CALL(SYS_getpeername, fd, addr, len, 0, 0, 0);
}

ssize_t hf_fallback_sendto(int fd, const void *buf, size_t n, int flags,
                           const struct sockaddr *addr, socklen_t len)
{
        return CALL(SYS_sendto, fd, buf, n, flags, addr, len);
}

ssize_t hf_fallback_send(int fd, const void *buf, size_t n, int flags)
{
        return hf_fallback_sendto(fd, buf, n, flags, NULL, 0);
}

ssize_t hf_fallback_sendmsg(int fd, const struct msghdr *msg, int flags)
{
        return CALL(SYS_sendmsg, fd, msg, flags, 0, 0, 0);
}

int hf_fallback_sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
        return (int)CALL(SYS_sendmmsg, fd, msgs, n, flags, 0, 0);
}

ssize_t hf_fallback_recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *addr,
                             socklen_t *len)
{
        return CALL(SYS_recvfrom, fd, buf, n, flags, addr, len);
}

ssize_t hf_fallback_recv(int fd, void *buf, size_t n, int flags)
{
        return hf_fallback_recvfrom(fd, buf, n, flags, NULL, NULL);
}

ssize_t hf_fallback___recvfrom_chk(int fd, void *buf, size_t n, size_t size, int flags,
                                   struct sockaddr *addr, socklen_t *len)
{
        (void)size;
        return hf_fallback_recvfrom(fd, buf, n, flags, addr, len);
}

ssize_t hf_fallback___recv_chk(int fd, void *buf, size_t n, size_t size, int flags)
{
        (void)size;
        return hf_fallback_recv(fd, buf, n, flags);
}

ssize_t hf_fallback_recvmsg(int fd, struct msghdr *msg, int flags)
{
        return CALL(SYS_recvmsg, fd, msg, flags, 0, 0, 0);
}

int hf_fallback_recvmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags,
                         struct timespec *timeout)
{
        return (int)CALL(SYS_recvmmsg, fd, msgs, n, flags, timeout, 0);
}

/* ---- files ---- */

ssize_t hf_fallback_read(int fd, void *buf, size_t n)
{
        return CALL(SYS_read, fd, buf, n, 0, 0, 0);
}

ssize_t hf_fallback___read_chk(int fd, void *buf, size_t n, size_t size)
{
        (void)size;
        return hf_fallback_read(fd, buf, n);
}

ssize_t hf_fallback_readv(int fd, const struct iovec *iov, int n)
{
        return CALL(SYS_readv, fd, iov, n, 0, 0, 0);
}

/* (The offset travels in two halves, of which 64-bit kernels read the first only.) */
ssize_t hf_fallback_preadv2(int fd, const struct iovec *iov, int n, off_t offset, int flags)
{
        return CALL(SYS_preadv2, fd, iov, n, offset, 0, flags);
}

ssize_t hf_fallback_preadv64v2(int fd, const struct iovec *iov, int n, off_t offset, int flags)
{
        return hf_fallback_preadv2(fd, iov, n, offset, flags);
}

ssize_t hf_fallback_write(int fd, const void *buf, size_t n)
{
        return CALL(SYS_write, fd, buf, n, 0, 0, 0);
}

ssize_t hf_fallback_writev(int fd, const struct iovec *iov, int n)
{
        return CALL(SYS_writev, fd, iov, n, 0, 0, 0);
}

ssize_t hf_fallback_pwritev2(int fd, const struct iovec *iov, int n, off_t offset, int flags)
{
        return CALL(SYS_pwritev2, fd, iov, n, offset, 0, flags);
}

ssize_t hf_fallback_pwritev64v2(int fd, const struct iovec *iov, int n, off_t offset, int flags)
{
        return hf_fallback_pwritev2(fd, iov, n, offset, flags);
}

ssize_t hf_fallback_sendfile(int out, int in, off_t *offset, size_t n)
{
        return CALL(SYS_sendfile, out, in, offset, n, 0, 0);
}

ssize_t hf_fallback_sendfile64(int out, int in, off_t *offset, size_t n)
{
        return hf_fallback_sendfile(out, in, offset, n);
}

ssize_t hf_fallback_splice(int in, off_t *in_at, int out, off_t *out_at, size_t n, unsigned flags)
{
        return CALL(SYS_splice, in, in_at, out, out_at, n, flags);
}

/* ---- descriptors ---- */

int hf_fallback_close(int fd)
{
        return (int)CALL(SYS_close, fd, 0, 0, 0, 0, 0);
}

int hf_fallback_close_range(unsigned first, unsigned last, int flags)
{
        return (int)CALL(SYS_close_range, first, last, flags, 0, 0, 0);
}

int hf_fallback_closefrom(int first)
{
        return (int)CALL(SYS_close_range, first < 0 ? 0 : first, -1U, 0, 0, 0, 0);
}

int hf_fallback_dup(int fd)
{
        return (int)CALL(SYS_dup, fd, 0, 0, 0, 0, 0);
}

int hf_fallback_dup3(int fd, int to, int flags)
{
        return (int)CALL(SYS_dup3, fd, to, flags, 0, 0, 0);
}

int hf_fallback_fcntl(int fd, int cmd, long arg)
{
        return (int)CALL(SYS_fcntl, fd, cmd, arg, 0, 0, 0);
}

/* dup3() takes no equal pair; dup2() only looks whether it is open. */
int hf_fallback_dup2(int fd, int to)
{
        if (fd == to)
                return hf_fallback_fcntl(fd, 3 /* F_GETFL */, 0) < 0 ? -1 : to;
        return hf_fallback_dup3(fd, to, 0);
}

int hf_fallback_fcntl64(int fd, int cmd, long arg)
{
        return hf_fallback_fcntl(fd, cmd, arg);
}

int hf_fallback_ioctl(int fd, unsigned long request, long arg)
{
        return (int)CALL(SYS_ioctl, fd, request, arg, 0, 0, 0);
}

long hf_fallback_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
        return CALL(nr, a, b, c, d, e, f);
}
