/* SPDX-License-Identifier: MIT */
/* What calls.def names: the sockets, and the work before and after a block. All of it but the call
 * that is timed goes through the library, too, if it is loaded: the same for both sides. */
#define _GNU_SOURCE
#include "calls.h"
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

/* Small enough that BATCH messages fit a socket's buffer, and a listener's queue. */
#define BATCH 64
#define SIZE 16

#define SA(address) ((struct sockaddr *)(address))
#define FD(i) ((unsigned)fds[i])

int __poll_chk(struct pollfd *set, nfds_t n, int timeout, size_t size);
ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags);
ssize_t __read_chk(int fd, void *buf, size_t n, size_t size);

static int near, distant; /* a pair of sockets; the calls work on the near one */
static int ready;         /* another socket, with something to read, never read */
static int udp, tcp;      /* not connected */
static int peer;          /* connected by TCP */
static int file, pipe_end, pipe_filler, epfd, spare, unix_listener;
static int fds[BATCH];
static struct sockaddr_un un = {.sun_family = AF_UNIX};
static struct sockaddr_in discard, refused, named, any_port;
static char text[SIZE] = "0123456789abcde";
static struct iovec iov = {text, SIZE};
static struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
static struct msghdr addressed = {
        .msg_name = &discard, .msg_namelen = sizeof discard, .msg_iov = &iov, .msg_iovlen = 1};
static struct mmsghdr msgs[1] = {{.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}}};
static struct pollfd pfd;
static struct epoll_event interest = {.events = EPOLLIN}, events[8];
static const struct timespec zero;
static int number, off;
static char name[NI_MAXSERV];

/* Arguments that a call changes, as they must be before the next. */
static fd_set *set_make(void)
{
        static fd_set set;

        FD_SET(ready, &set);
        return &set;
}

static struct timeval *tv_make(void)
{
        static struct timeval tv;

        tv = (struct timeval){0};
        return &tv;
}

static off_t *offset_make(void)
{
        static off_t offset;

        offset = 0;
        return &offset;
}

static socklen_t *len_make(size_t n)
{
        static socklen_t len;

        len = (socklen_t)n;
        return &len;
}

static void fill(unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                if (send(distant, text, SIZE, 0) != SIZE)
                        die("fill");
}

static void fill_pipe(unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                if (write(pipe_filler, text, SIZE) != SIZE)
                        die("fill_pipe");
}

static void drain(unsigned n)
{
        static char buf[BATCH * SIZE];

        for (size_t left = n * SIZE; left > 0;) {
                ssize_t r = recv(distant, buf, sizeof buf, MSG_DONTWAIT);

                if (r <= 0)
                        die("drain");
                left -= (size_t)r;
        }
}

static void make_fds(unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                if ((fds[i] = dup(near)) < 0)
                        die("dup");
}

static void close_fds(unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                close(fds[i]);
}

static void unix_make(unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                if ((fds[i] = socket(AF_UNIX, SOCK_STREAM, 0)) < 0)
                        die("socket");
}

static void udp_make(unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                if ((fds[i] = socket(AF_INET, SOCK_DGRAM, 0)) < 0)
                        die("socket");
}

static void unix_clean(unsigned n)
{
        close_fds(n);
        for (unsigned i = 0; i < n; i++)
                close(accept(unix_listener, NULL, NULL));
}

static int checked(int fd)
{
        if (fd < 0)
                die("preparing the sockets");
        return fd;
}

/* A socket bound to a port of its own on loopback, whose address goes to RET_SA. */
static int bind_one(int type, struct sockaddr_in *ret_sa)
{
        int fd = checked(socket(AF_INET, type, 0));
        socklen_t len = sizeof *ret_sa;

        *ret_sa = ipv4("127.0.0.1", 0);
        checked(bind(fd, SA(ret_sa), sizeof *ret_sa));
        checked(getsockname(fd, SA(ret_sa), &len));
        return fd;
}

void calls_prepare(void)
{
        struct sockaddr_in sa;
        struct addrinfo *list;
        int pair[2], pipes[2], listener;

        checked(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
        near = pair[0];
        distant = pair[1];
        checked(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
        ready = pair[0];
        checked((int)send(pair[1], text, SIZE, 0));
        checked(pipe(pipes));
        pipe_end = pipes[0];
        pipe_filler = pipes[1];
        spare = checked(dup(near));
        file = checked(memfd_create("hooks", MFD_CLOEXEC));
        checked((int)write(file, text, SIZE));
        epfd = checked(epoll_create1(EPOLL_CLOEXEC));
        interest.data.fd = ready;
        checked(epoll_ctl(epfd, EPOLL_CTL_ADD, ready, &interest));
        pfd = (struct pollfd){.fd = ready, .events = POLLIN};

        bind_one(SOCK_DGRAM, &discard);
        bind_one(SOCK_STREAM, &refused); /* does not listen */
        udp = checked(socket(AF_INET, SOCK_DGRAM, 0));
        tcp = checked(socket(AF_INET, SOCK_STREAM, 0));
        listener = bind_one(SOCK_STREAM, &sa);
        checked(listen(listener, 1));
        peer = checked(socket(AF_INET, SOCK_STREAM, 0));
        checked(connect(peer, SA(&sa), sizeof sa));

        /* with the library, a placeholder: from now on every address may be one */
        if (getaddrinfo("names.test", "443", NULL, &list) == 0)
                freeaddrinfo(list);
        any_port = ipv4("127.0.0.1", 0);

        /* a name in the abstract namespace, which is this network namespace's own */
        snprintf(un.sun_path + 1, sizeof un.sun_path - 1, "hfbench-%d", (int)getpid());
        unix_listener = checked(socket(AF_UNIX, SOCK_STREAM, 0));
        checked(bind(unix_listener, SA(&un), sizeof un));
        checked(listen(unix_listener, 2 * BATCH));
}

#define CALL(name, function, count, before, success, after)                                        \
        static void run_##name(any_fn fn, unsigned n)                                              \
        {                                                                                          \
                __typeof__(&function) call = (__typeof__(&function))fn;                            \
                                                                                                   \
                for (unsigned i = 0; i < n; i++)                                                   \
                        if (!__extension__(success))                                               \
                                die(#name);                                                        \
        }
#include "calls.def"
#undef CALL

#define CALL(name, function, count, before, success, after)                                        \
        {#name, #function, count, before, run_##name, after},
const struct call calls[] = {
#include "calls.def"
};
#undef CALL

const size_t calls_length = sizeof calls / sizeof *calls;
