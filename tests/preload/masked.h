/* SPDX-License-Identifier: MIT */
/* The waits that take a mask; each until FD is writable, ten seconds at most. */
#pragma once

#include "gate.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <errno.h>
#include <time.h>

static int wait_ppoll(int fd, int epfd, const sigset_t *mask)
{
        struct pollfd pfd = {.fd = fd, .events = POLLOUT};
        const struct timespec ten = {10, 0};

        (void)epfd;
        return ppoll(&pfd, 1, &ten, mask);
}

static int wait_ppoll_for_ever(int fd, int epfd, const sigset_t *mask)
{
        struct pollfd pfd = {.fd = fd, .events = POLLOUT};

        (void)epfd;
        return ppoll(&pfd, 1, NULL, mask);
}

static int wait_pselect(int fd, int epfd, const sigset_t *mask)
{
        const struct timespec ten = {10, 0};
        fd_set set;

        (void)epfd;
        FD_ZERO(&set);
        FD_SET(fd, &set);
        return pselect(fd + 1, NULL, &set, NULL, &ten, mask);
}

static int wait_epoll_pwait(int fd, int epfd, const sigset_t *mask)
{
        struct epoll_event event;

        (void)fd;
        return epoll_pwait(epfd, &event, 1, 10000, mask);
}

static int wait_epoll_pwait2(int fd, int epfd, const sigset_t *mask)
{
        const struct timespec ten = {10, 0};
        struct epoll_event event;

        (void)fd;
        return epoll_pwait2(epfd, &event, 1, &ten, mask);
}

static const struct wait {
        const char *name;
        int (*wait)(int fd, int epfd, const sigset_t *mask);
} waits[] = {
        {"ppoll", wait_ppoll},
        {"ppoll_for_ever", wait_ppoll_for_ever},
        {"pselect", wait_pselect},
        {"epoll_pwait", wait_epoll_pwait},
        {"epoll_pwait2", wait_epoll_pwait2},
};

/* For which the kernel waits, proxy or no proxy. */
static int held(int epfd)
{
        struct epoll_event event = {.events = EPOLLOUT};
        int fd;

        if (mode == PRELOADED) {
                fd = begun();
        } else {
                fd = tcp(SOCK_NONBLOCK);
                assert_int_equal(begin_stuck(fd), EINPROGRESS);
        }
        assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
        return fd;
}

/* A signal, or some, from another thread after a while. */
struct sending {
        pthread_t to;
        int sig, times;
        bool opens; /* the gate, afterwards */
};

static void *send_later(void *arg)
{
        const struct sending *s = arg;

        for (int i = 0; i < s->times; i++) {
                raw_call(SYS_ppoll, 0, 0, (long)&(struct timespec){0, 30000000}, 0, 0);
                pthread_kill(s->to, s->sig);
        }
        if (s->opens)
                gate_open();
        return NULL;
}

static void send_soon(pthread_t *ret_thread, struct sending *s)
{
        sigset_t all, old;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        assert_int_equal(pthread_create(ret_thread, NULL, send_later, s), 0);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
}
