/* SPDX-License-Identifier: MIT */
/* One connection of the process that stays under way the whole time, on a non-blocking socket:
 * behind a proxy that does not answer, or without one in a full queue. Nothing that a test does
 * elsewhere may come out otherwise, or change it. */
#pragma once

#include "world.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAR "203.0.113.10" /* looks public */
#define UNTOUCHED 4711     /* what errno was before */

/* The sanitizers look at some arguments themselves, before any library does. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LOOKED_AT 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LOOKED_AT 1
#endif
#endif
#ifndef LOOKED_AT
#define LOOKED_AT 0
#endif

static int beside = -1;

static inline int connect_to(int fd, const char *literal, uint16_t port, bool v6)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, literal, port, v6);

        return connect(fd, (struct sockaddr *)&sa, len) < 0 ? errno : 0;
}

static inline int connect_stuck(int fd)
{
        unsigned accepted = atomic_load(&world->accepted);
        int64_t until = now_ms() + 10000;
        int r;

        if (mode != PRELOADED)
                return connect_to(fd, "127.0.0.1", world->full_port, false);
        atomic_store(&world->behaviour, HANGS);
        r = connect_to(fd, FAR, 443, false);
        while (atomic_load(&world->accepted) == accepted && now_ms() < until)
                ; /* it hangs for good, whatever the next ones do */
        return r;
}

static inline int tcp(int flags)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

        assert_true(fd >= 0);
        return fd;
}

static inline bool is_stuck(int fd)
{
        struct sockaddr_storage sa;
        socklen_t len = sizeof sa;

        return getpeername(fd, (struct sockaddr *)&sa, &len) < 0 && errno == ENOTCONN;
}

/* For a group's setup. A tunnel was there before, too. */
static inline int beside_begin(void **state)
{
        int fd = tcp(0);

        (void)state;
        atomic_store(&world->behaviour, GRANTS);
        assert_int_equal(connect_to(fd, FAR, 443, false), 0);
        close(fd);
        beside = tcp(SOCK_NONBLOCK);
        assert_int_equal(connect_stuck(beside), EINPROGRESS);
        return 0;
}

/* For a test's teardown. */
static inline int beside_goes_on(void **state)
{
        (void)state;
        assert_true(is_stuck(beside));
        return 0;
}

/* A page, and behind it one that cannot be read or written. */
static inline char *page_and_none(void)
{
        char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        assert_true(p != MAP_FAILED);
        assert_int_equal(mprotect(p + 4096, 4096, PROT_NONE), 0);
        return p;
}

/* How a child that does DO ends: its wait status. */
static inline int status_of_child(void (*act)(void *), void *arg)
{
        pid_t pid = fork();
        int status;

        if (pid == 0) {
                alarm(20);
                act(arg);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return status;
}
