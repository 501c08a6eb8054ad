/* SPDX-License-Identifier: MIT */
/* Connects of every outcome, by the thousand. HFPROXY_TIMEOUT is SECONDS. */
#pragma once

#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SECONDS 3
#define BATCH 50
#define PATIENTS 500 /* at once, when they wait until the time is up */

static void outcomes_enter(int argc, char **argv)
{
        const struct rlimit many = {4096, 4096};
        const char seconds[] = {'0' + SECONDS, '\0'};

        setenv("HFPROXY_TIMEOUT", seconds, 0);
        world_enter(argc, argv, NULL);
        setrlimit(RLIMIT_NOFILE, &many);
        gate_start();
        signal(SIGPIPE, SIG_IGN);
}

static int refused(int fd)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, mode == PRELOADED ? 443 : world->dead_port, false);

        return connect(fd, (struct sockaddr *)&sa, len) < 0 ? errno : 0;
}

static void raw_close(int fd)
{
        assert_int_equal(raw_call(SYS_close, fd, 0, 0, 0, 0), 0);
}

static void polled(int fd)
{
        assert_int_equal(begin(fd), EINPROGRESS);
        assert_true(ready(fd, POLLOUT));
        expect_echo(fd);
        close(fd);
}

static void polled_and_raw_closed(int fd)
{
        assert_int_equal(begin(fd), EINPROGRESS);
        assert_true(ready(fd, POLLOUT));
        raw_close(fd);
}

static void epolled(int fd)
{
        struct epoll_event event = {.events = EPOLLOUT, .data.fd = fd};
        int epfd = epoll_create1(EPOLL_CLOEXEC);

        if (fd & 1)
                epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);
        assert_int_equal(begin(fd), EINPROGRESS);
        if (!(fd & 1))
                epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);
        do
                assert_int_equal(epoll_wait(epfd, &event, 1, 10000), 1);
        while (event.events & EPOLLHUP);
        expect_echo(fd);
        close(fd);
        close(epfd);
}

static void never_waited(int fd)
{
        assert_int_equal(begin(fd), EINPROGRESS);
        until_up(fd);
        expect_echo(fd);
        close(fd);
}

static void blocked(int fd)
{
        fcntl(fd, F_SETFL, 0);
        assert_int_equal(begin(fd), 0);
        expect_echo(fd);
        close(fd);
}

static void asked_why(int fd)
{
        assert_int_equal(refused(fd), EINPROGRESS);
        assert_true(ready(fd, POLLOUT));
        assert_int_not_equal(error_of(fd), 0);
        close(fd);
}

static void never_asked_why(int fd)
{
        assert_int_equal(refused(fd), EINPROGRESS);
        assert_true(ready(fd, POLLOUT));
        close(fd);
}

static void never_asked_why_and_raw_closed(int fd)
{
        assert_int_equal(refused(fd), EINPROGRESS);
        assert_true(ready(fd, POLLOUT));
        raw_close(fd);
}

static void refused_and_blocked(int fd)
{
        fcntl(fd, F_SETFL, 0);
        assert_int_not_equal(refused(fd), 0);
        close(fd);
}

static void closed(int fd)
{
        begin(fd);
        close(fd);
}

static void raw_closed(int fd)
{
        begin(fd);
        raw_close(fd);
}

static void registered_and_raw_closed(int fd)
{
        struct epoll_event event = {.events = EPOLLOUT, .data.fd = fd};
        int epfd = epoll_create1(EPOLL_CLOEXEC);

        begin(fd);
        epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);
        raw_close(fd);
        raw_close(epfd);
}

static void duplicated(int fd)
{
        int other = dup(fd), third;

        begin(fd);
        third = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        close(fd);
        close(third);
        close(other);
}

static void duplicated_and_polled(int fd)
{
        int other;

        assert_int_equal(begin(fd), EINPROGRESS);
        other = dup(fd);
        close(fd);
        assert_true(ready(other, POLLOUT));
        expect_echo(other);
        close(other);
}

static void ranged(int fd)
{
        begin(fd);
        close_range((unsigned)fd, (unsigned)fd, 0);
}

static void disconnected(int fd)
{
        const struct sockaddr none = {.sa_family = AF_UNSPEC};

        begin(fd);
        assert_int_equal(connect(fd, &none, sizeof none), 0);
        close(fd);
}

static const struct outcome {
        enum gate_script script;
        int delay;
        bool dead; /* no proxy at all */
        void (*run)(int fd);
} outcomes[] = {
        {GATE_GRANTS, 0, false, polled},       {GATE_BANNER, 0, false, polled_and_raw_closed},
        {GATE_GRANTS, 0, false, epolled},      {GATE_GRANTS, 0, false, never_waited},
        {GATE_SLOW, 0, false, blocked},        {GATE_403, 0, false, asked_why},
        {GATE_403, 0, false, never_asked_why}, {GATE_403, 0, false, never_asked_why_and_raw_closed},
        {GATE_RESETS, 0, false, asked_why},    {GATE_RESETS, 0, false, refused_and_blocked},
        {GATE_GRANTS, 0, true, asked_why},     {GATE_GRANTS, -1, false, closed},
        {GATE_GRANTS, -1, false, raw_closed},  {GATE_GRANTS, -1, false, registered_and_raw_closed},
        {GATE_GRANTS, -1, false, duplicated},  {GATE_GRANTS, 0, false, duplicated_and_polled},
        {GATE_GRANTS, -1, false, ranged},      {GATE_GRANTS, -1, false, disconnected},
};

static void run_batch(const struct outcome *o)
{
        gate_set(o->script, o->delay);
        if (o->dead && mode == PRELOADED)
                setenv("https_proxy", world_proxy_url(world->dead_port), 1);
        for (int i = 0; i < BATCH; i++)
                o->run(tcp(SOCK_NONBLOCK));
}

static void time_out(void)
{
        static struct pollfd pfds[PATIENTS];
        int left = mode == PRELOADED ? PATIENTS : 0;

        gate_set(GATE_GRANTS, -1);
        for (int i = 0; i < PATIENTS; i++) {
                pfds[i] = (struct pollfd){.fd = tcp(SOCK_NONBLOCK), .events = POLLOUT};
                assert_int_equal(begin(pfds[i].fd), EINPROGRESS);
        }
        while (left > 0) {
                assert_true(poll(pfds, PATIENTS, 20000) > 0);
                for (int i = 0; i < PATIENTS; i++) {
                        if (pfds[i].fd < 0 || !pfds[i].revents)
                                continue;
                        assert_int_equal(error_of(pfds[i].fd), ETIMEDOUT);
                        close(pfds[i].fd);
                        pfds[i].fd = -1;
                        left--;
                }
        }
        for (int i = 0; i < PATIENTS; i++)
                if (pfds[i].fd >= 0)
                        close(pfds[i].fd);
}

/* About N connects. */
static void connect_many(int n)
{
        for (int done = 0; done < n - 2 * PATIENTS;)
                for (size_t i = 0; i < HF_LEN(outcomes); i++, done += BATCH)
                        run_batch(&outcomes[i]);
        time_out();
        time_out();
        /* whatever was left to its deadline is over now */
        raw_call(SYS_ppoll, 0, 0, (long)&(struct timespec){SECONDS, 200000000}, 0, 0);
        poll(NULL, 0, 1);
        poll(NULL, 0, 1);
}
