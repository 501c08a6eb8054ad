/* SPDX-License-Identifier: MIT */
/* What reads from a socket. */
#include "data.h"

#include "process/real.h"

#define NOWAIT_RWF 8U /* RWF_NOWAIT */

HF_EXPORT ssize_t __recv(int fd, void *buf, size_t n, int flags);
HF_EXPORT int recvmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags,
                       struct timespec *timeout);
HF_EXPORT ssize_t read(int fd, void *buf, size_t n);
HF_EXPORT ssize_t __read(int fd, void *buf, size_t n);
HF_EXPORT ssize_t preadv2(int fd, const struct iovec *iov, int n, off_t offset, int flags);
HF_EXPORT ssize_t preadv64v2(int fd, const struct iovec *iov, int n, off_t offset, int flags);
HF_EXPORT ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags);
HF_EXPORT ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t size, int flags,
                                 struct sockaddr *addr, socklen_t *len);
HF_EXPORT ssize_t __read_chk(int fd, void *buf, size_t n, size_t size);

/* (The error queue holds no data, and who reads it never waits.) */
static bool refused(int fd, int flags)
{
        return !(flags & MSG_ERRQUEUE) && hf_data_refused(fd, flags & MSG_DONTWAIT);
}

HF_EXPORT ssize_t recv(int fd, void *buf, size_t n, int flags)
{
        return refused(fd, flags) ? -1 : hf_real_recv(fd, buf, n, flags);
}

ssize_t __recv(int fd, void *buf, size_t n, int flags) __attribute__((alias("recv")));

HF_EXPORT ssize_t recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *addr,
                           socklen_t *len)
{
        if (refused(fd, flags))
                return -1;
        return hf_real_recvfrom(fd, buf, n, flags, addr, len);
}

HF_EXPORT ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
        return refused(fd, flags) ? -1 : hf_real_recvmsg(fd, msg, flags);
}

int recvmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags, struct timespec *timeout)
{
        if (n > 0 && refused(fd, flags))
                return -1;
        return hf_real_recvmmsg(fd, msgs, n, flags, timeout);
}

/* No bytes from a socket are 0, at once and in any state. (No bytes *to* one are not.) */
ssize_t read(int fd, void *buf, size_t n)
{
        return n > 0 && hf_data_refused(fd, false) ? -1 : hf_real_read(fd, buf, n);
}

ssize_t __read(int fd, void *buf, size_t n) __attribute__((alias("read")));

HF_EXPORT ssize_t readv(int fd, const struct iovec *iov, int n)
{
        return hf_data_refused(fd, false) ? -1 : hf_real_readv(fd, iov, n);
}

/* With an offset it is no call for a socket, as the kernel will say. */
ssize_t preadv2(int fd, const struct iovec *iov, int n, off_t offset, int flags)
{
        if (offset == -1 && hf_data_refused(fd, (unsigned)flags & NOWAIT_RWF))
                return -1;
        return hf_real_preadv2(fd, iov, n, offset, flags);
}

ssize_t preadv64v2(int fd, const struct iovec *iov, int n, off_t offset, int flags)
{
        if (offset == -1 && hf_data_refused(fd, (unsigned)flags & NOWAIT_RWF))
                return -1;
        return hf_real_preadv64v2(fd, iov, n, offset, flags);
}

/* ---- what fortified programs call: libc's own ends the program when SIZE is too small ---- */

ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags)
{
        if (n > size)
                return hf_real___recv_chk(fd, buf, n, size, flags);
        return refused(fd, flags) ? -1 : hf_real_recv(fd, buf, n, flags);
}

ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t size, int flags, struct sockaddr *addr,
                       socklen_t *len)
{
        if (n > size)
                return hf_real___recvfrom_chk(fd, buf, n, size, flags, addr, len);
        if (refused(fd, flags))
                return -1;
        return hf_real_recvfrom(fd, buf, n, flags, addr, len);
}

ssize_t __read_chk(int fd, void *buf, size_t n, size_t size)
{
        if (n > size)
                return hf_real___read_chk(fd, buf, n, size);
        return n > 0 && hf_data_refused(fd, false) ? -1 : hf_real_read(fd, buf, n);
}
