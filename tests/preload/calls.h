/* SPDX-License-Identifier: MIT */
/* Every call that moves data on a socket, in one shape: the bytes moved, or -1 with errno. */
#pragma once

#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* What programs built with _FORTIFY_SOURCE call, and names that glibc has beside the usual ones. */
ssize_t __read_chk(int fd, void *buf, size_t n, size_t size);
ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags);
ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t size, int flags, struct sockaddr *addr,
                       socklen_t *len);
ssize_t __send(int fd, const void *buf, size_t n, int flags);
ssize_t __write(int fd, const void *buf, size_t n);
ssize_t __read(int fd, void *buf, size_t n);

/* Meson has us built with 64-bit offsets, by which the headers turn these into their namesakes. */
ssize_t plain_preadv2(int fd, const struct iovec *iov, int n, off_t at,
                      int flags) __asm__("preadv2");
ssize_t plain_pwritev2(int fd, const struct iovec *iov, int n, off_t at,
                       int flags) __asm__("pwritev2");
ssize_t plain_sendfile(int out, int in, off_t *at, size_t n) __asm__("sendfile");

struct call {
        const char *name;
        bool writes;
        ssize_t (*move)(int fd, char *buf, size_t n);
};

#define HALVES(buf, n)                                                                             \
        {                                                                                          \
                {(buf), (n) / 2},                                                                  \
                {                                                                                  \
                        (buf) + (n) / 2, (n) - (n) / 2                                             \
                }                                                                                  \
        }

static ssize_t by_send(int fd, char *buf, size_t n)
{
        return send(fd, buf, n, MSG_NOSIGNAL);
}

static ssize_t by_sendto(int fd, char *buf, size_t n)
{
        return sendto(fd, buf, n, MSG_NOSIGNAL, NULL, 0);
}

static ssize_t by_sendmsg(int fd, char *buf, size_t n)
{
        struct iovec iov[2] = HALVES(buf, n);
        struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

        return sendmsg(fd, &msg, MSG_NOSIGNAL);
}

/* A message for each half. */
static ssize_t by_sendmmsg(int fd, char *buf, size_t n)
{
        struct iovec iov[2] = HALVES(buf, n);
        struct mmsghdr msgs[2] = {{.msg_hdr = {.msg_iov = iov, .msg_iovlen = 1}},
                                  {.msg_hdr = {.msg_iov = iov + 1, .msg_iovlen = 1}}};
        int r = sendmmsg(fd, msgs, 2, MSG_NOSIGNAL);

        return r < 0 ? r : (ssize_t)msgs[0].msg_len + (r > 1 ? (ssize_t)msgs[1].msg_len : 0);
}

static ssize_t by_write(int fd, char *buf, size_t n)
{
        return write(fd, buf, n);
}

static ssize_t by_writev(int fd, char *buf, size_t n)
{
        struct iovec iov[2] = HALVES(buf, n);

        return writev(fd, iov, 2);
}

static ssize_t by_pwritev2(int fd, char *buf, size_t n)
{
        struct iovec iov[2] = HALVES(buf, n);

        return plain_pwritev2(fd, iov, 2, -1, 0);
}

static ssize_t by_pwritev64v2(int fd, char *buf, size_t n)
{
        struct iovec iov[2] = HALVES(buf, n);

        return pwritev64v2(fd, iov, 2, -1, 0);
}

static int file_of(const char *buf, size_t n)
{
        int file = memfd_create("words", MFD_CLOEXEC);

        return pwrite(file, buf, n, 0) == (ssize_t)n ? file : -1;
}

static ssize_t by_sendfile(int fd, char *buf, size_t n)
{
        int file = file_of(buf, n);
        off_t at = 0;
        ssize_t r = plain_sendfile(fd, file, &at, n);

        close(file);
        return r;
}

static ssize_t by_sendfile64(int fd, char *buf, size_t n)
{
        int file = file_of(buf, n);
        ssize_t r = sendfile64(fd, file, NULL, n);

        close(file);
        return r;
}

static ssize_t by_splice_out(int fd, char *buf, size_t n)
{
        int ends[2];
        ssize_t r = -1;

        if (pipe(ends) < 0)
                return -1;
        if (write(ends[1], buf, n) == (ssize_t)n)
                r = splice(ends[0], NULL, fd, NULL, n, 0);
        close(ends[0]);
        close(ends[1]);
        return r;
}

static ssize_t by_own_send(int fd, char *buf, size_t n)
{
        return __send(fd, buf, n, MSG_NOSIGNAL);
}

static ssize_t by_own_write(int fd, char *buf, size_t n)
{
        return __write(fd, buf, n);
}

static ssize_t by_recv(int fd, char *buf, size_t n)
{
        return recv(fd, buf, n, 0);
}

static ssize_t by_recvfrom(int fd, char *buf, size_t n)
{
        return recvfrom(fd, buf, n, 0, NULL, NULL);
}

static ssize_t by_recvmsg(int fd, char *buf, size_t n)
{
        struct iovec iov[2] = HALVES(buf, n);
        struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

        return recvmsg(fd, &msg, 0);
}

static ssize_t by_recvmmsg(int fd, char *buf, size_t n)
{
        struct iovec iov[2] = HALVES(buf, n);
        struct mmsghdr msg = {.msg_hdr = {.msg_iov = iov, .msg_iovlen = 2}};
        int r = recvmmsg(fd, &msg, 1, 0, NULL);

        return r < 0 ? r : (ssize_t)msg.msg_len;
}

static ssize_t by_read(int fd, char *buf, size_t n)
{
        return read(fd, buf, n);
}

static ssize_t by_readv(int fd, char *buf, size_t n)
{
        struct iovec iov[2] = HALVES(buf, n);

        return readv(fd, iov, 2);
}

static ssize_t by_preadv2(int fd, char *buf, size_t n)
{
        struct iovec iov[2] = HALVES(buf, n);

        return plain_preadv2(fd, iov, 2, -1, 0);
}

static ssize_t by_preadv64v2(int fd, char *buf, size_t n)
{
        struct iovec iov[2] = HALVES(buf, n);

        return preadv64v2(fd, iov, 2, -1, 0);
}

static ssize_t by_splice_in(int fd, char *buf, size_t n)
{
        int ends[2];
        ssize_t r;

        if (pipe(ends) < 0)
                return -1;
        r = splice(fd, NULL, ends[1], NULL, n, 0);
        if (r > 0)
                r = read(ends[0], buf, n);
        close(ends[0]);
        close(ends[1]);
        return r;
}

static ssize_t by_read_chk(int fd, char *buf, size_t n)
{
        return __read_chk(fd, buf, n, n);
}

static ssize_t by_recv_chk(int fd, char *buf, size_t n)
{
        return __recv_chk(fd, buf, n, n, 0);
}

static ssize_t by_recvfrom_chk(int fd, char *buf, size_t n)
{
        return __recvfrom_chk(fd, buf, n, n, 0, NULL, NULL);
}

static ssize_t by_own_read(int fd, char *buf, size_t n)
{
        return __read(fd, buf, n);
}

static ssize_t by_peek(int fd, char *buf, size_t n)
{
        ssize_t r = recv(fd, buf, n, MSG_PEEK);

        return r < 0 ? r : recv(fd, buf, n, 0);
}

static const struct call calls[] = {
        {"send", true, by_send},
        {"sendto", true, by_sendto},
        {"sendmsg", true, by_sendmsg},
        {"sendmmsg", true, by_sendmmsg},
        {"write", true, by_write},
        {"writev", true, by_writev},
        {"pwritev2", true, by_pwritev2},
        {"pwritev64v2", true, by_pwritev64v2},
        {"sendfile", true, by_sendfile},
        {"sendfile64", true, by_sendfile64},
        {"splice_out", true, by_splice_out},
        {"__send", true, by_own_send},
        {"__write", true, by_own_write},
        {"recv", false, by_recv},
        {"recvfrom", false, by_recvfrom},
        {"recvmsg", false, by_recvmsg},
        {"recvmmsg", false, by_recvmmsg},
        {"read", false, by_read},
        {"readv", false, by_readv},
        {"preadv2", false, by_preadv2},
        {"preadv64v2", false, by_preadv64v2},
        {"splice_in", false, by_splice_in},
        {"__read_chk", false, by_read_chk},
        {"__recv_chk", false, by_recv_chk},
        {"__recvfrom_chk", false, by_recvfrom_chk},
        {"__read", false, by_own_read},
        {"recv_peek", false, by_peek},
};
