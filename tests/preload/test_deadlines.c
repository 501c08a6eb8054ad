/* SPDX-License-Identifier: MIT */
/* Handshakes whose time is up (HFPROXY_TIMEOUT is a second here): whoever waits ends them, for
 * whatever it waits, but never a copy that a fork made. */
#define _GNU_SOURCE
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND 1000
#define EARLIEST 900 /* clocks are read in different places */
#define LATEST 10000

static int setup(void **state)
{
        (void)state;
        gate_set(GATE_GRANTS, -1);
        return 0;
}

/* ---- every wait, with no limit of its own ---- */

static int wait_poll(int fd, int epfd)
{
        struct pollfd pfd = {.fd = fd, .events = POLLOUT};

        (void)epfd;
        return poll(&pfd, 1, -1) == 1 ? pfd.revents : -1;
}

static int wait_poll_long(int fd, int epfd)
{
        struct pollfd pfd = {.fd = fd, .events = POLLOUT};

        (void)epfd;
        return poll(&pfd, 1, 60000) == 1 ? pfd.revents : -1;
}

static int wait_ppoll(int fd, int epfd)
{
        struct pollfd pfd = {.fd = fd, .events = POLLOUT};

        (void)epfd;
        return ppoll(&pfd, 1, NULL, NULL) == 1 ? pfd.revents : -1;
}

static int wait_select(int fd, int epfd)
{
        fd_set set;

        (void)epfd;
        FD_ZERO(&set);
        FD_SET(fd, &set);
        return select(fd + 1, NULL, &set, NULL, NULL) == 1 ? POLLOUT | POLLERR : -1;
}

static int wait_pselect(int fd, int epfd)
{
        fd_set set;

        (void)epfd;
        FD_ZERO(&set);
        FD_SET(fd, &set);
        return pselect(fd + 1, NULL, &set, NULL, NULL, NULL) == 1 ? POLLOUT | POLLERR : -1;
}

static int wait_epoll(int fd, int epfd)
{
        struct epoll_event event;

        (void)fd;
        return epoll_wait(epfd, &event, 1, -1) == 1 ? (int)event.events : -1;
}

static int wait_epoll_pwait(int fd, int epfd)
{
        struct epoll_event event;

        (void)fd;
        return epoll_pwait(epfd, &event, 1, -1, NULL) == 1 ? (int)event.events : -1;
}

static int wait_epoll_pwait2(int fd, int epfd)
{
        struct epoll_event event;

        (void)fd;
        return epoll_pwait2(epfd, &event, 1, NULL, NULL) == 1 ? (int)event.events : -1;
}

static const struct wait {
        const char *name;
        int (*wait)(int fd, int epfd);
} waits[] = {
        {"poll", wait_poll},
        {"poll_long", wait_poll_long},
        {"ppoll", wait_ppoll},
        {"select", wait_select},
        {"pselect", wait_pselect},
        {"epoll_wait", wait_epoll},
        {"epoll_pwait", wait_epoll_pwait},
        {"epoll_pwait2", wait_epoll_pwait2},
};

static void wait_ends(const struct wait *row, bool tcp_is_up)
{
        struct epoll_event event = {.events = EPOLLOUT};
        int epfd = epoll_create1(EPOLL_CLOEXEC), fd = tcp(SOCK_NONBLOCK);
        int64_t since = now_ms();

        assert_int_equal(tcp_is_up ? begin(fd) : begin_stuck(fd), EINPROGRESS);
        assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
        assert_int_equal(row->wait(fd, epfd) & (POLLOUT | POLLERR), POLLOUT | POLLERR);
        assert_in_range(now_ms() - since, EARLIEST, LATEST);
        assert_int_equal(error_of(fd), ETIMEDOUT);
        assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), -1);
        assert_int_equal(errno, EPIPE);
        if (tcp_is_up)
                until("gone", &gate_now()->gone, 1);
        assert_int_equal(atomic_load(&gate_now()->early), 0);
        close(fd);
        close(epfd);
}

static void ends_a_wait(void **state)
{
        wait_ends(*state, true);
}

static void ends_a_wait_for_tcp(void **state)
{
        wait_ends(*state, false);
}

/* A slow proxy is not a dead one: each byte in time, the whole reply not. */
static void slow_is_late(void **state)
{
        struct pollfd pfd = {.events = POLLOUT};
        int64_t since = now_ms();

        (void)state;
        gate_set(GATE_GRANTS, 3 * SECOND);
        pfd.fd = begun();
        assert_int_equal(poll(&pfd, 1, -1), 1);
        assert_in_range(now_ms() - since, EARLIEST, LATEST);
        assert_int_equal(error_of(pfd.fd), ETIMEDOUT);
        close(pfd.fd);
}

/* ---- calls that bring it to an end ---- */

static int ask_error(int fd)
{
        return error_of(fd);
}

static int ask_send(int fd)
{
        return send(fd, "x", 1, MSG_NOSIGNAL) < 0 ? errno : 0;
}

static int ask_recv(int fd)
{
        char byte;

        return recv(fd, &byte, 1, 0) < 0 ? errno : 0;
}

static int ask_connect(int fd)
{
        int r;

        while ((r = begin(fd)) == EALREADY)
                ;
        return r;
}

static int ask_write_blocking(int fd)
{
        fcntl(fd, F_SETFL, 0);
        return write(fd, "x", 1) < 0 ? errno : 0;
}

static const struct asking {
        const char *name;
        int (*ask)(int fd);
} askings[] = {
        {"getsockopt", ask_error},
        {"send", ask_send},
        {"recv", ask_recv},
        {"connect", ask_connect},
        {"unblocking", ask_write_blocking},
};

static void ends_a_call(void **state)
{
        const struct asking *row = *state;
        int64_t since = now_ms();
        int fd = begun();

        assert_int_equal(row->ask(fd), ETIMEDOUT);
        assert_in_range(now_ms() - since, EARLIEST, LATEST);
        assert_int_equal(error_of(fd), 0);
        until("gone", &gate_now()->gone, 1);
        assert_int_equal(atomic_load(&gate_now()->early), 0);
        close(fd);
}

/* ---- waits for something else ---- */

static int other_poll(int fd, int epfd, int ms)
{
        struct pollfd pfd = {.fd = fd, .events = POLLIN};

        (void)epfd;
        return poll(&pfd, 1, ms);
}

static int other_nothing(int fd, int epfd, int ms)
{
        (void)fd;
        (void)epfd;
        return poll(NULL, 0, ms);
}

static int other_select(int fd, int epfd, int ms)
{
        struct timeval tv = {ms / 1000, ms % 1000 * 1000};
        fd_set set;

        (void)epfd;
        FD_ZERO(&set);
        FD_SET(fd, &set);
        return select(fd + 1, &set, NULL, NULL, &tv);
}

static int other_epoll(int fd, int epfd, int ms)
{
        struct epoll_event event;

        (void)fd;
        return epoll_wait(epfd, &event, 1, ms);
}

static const struct other {
        const char *name;
        int (*wait)(int fd, int epfd, int ms);
} others[] = {
        {"poll", other_poll},
        {"sleep", other_nothing},
        {"select", other_select},
        {"epoll", other_epoll},
};

/* The handshake ends in that wait, though it does not name it, and the wait is not cut short. */
static void ends_beside_a_wait(void **state)
{
        const struct other *row = *state;
        struct epoll_event event = {.events = EPOLLIN};
        int epfd = epoll_create1(EPOLL_CLOEXEC), ends[2], fd;
        int64_t since;

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, ends[0], &event), 0);
        fd = begun();
        since = now_ms();
        assert_int_equal(row->wait(ends[0], epfd, SECOND / 10), 0);
        assert_in_range(now_ms() - since, SECOND / 10, LATEST);
        since = now_ms();
        assert_int_equal(row->wait(ends[0], epfd, 2 * SECOND), 0);
        assert_in_range(now_ms() - since, 2 * SECOND, LATEST);
        if (mode == PRELOADED) {
                until("gone", &gate_now()->gone, 1);
                assert_int_equal(error_of(fd), ETIMEDOUT);
        }
        close(fd);
        close(ends[0]);
        close(ends[1]);
        close(epfd);
}

/* ---- a wait that began before ---- */

static const struct sleeper {
        const char *name;
        uint32_t events;
        bool before;    /* registered before connect() */
        bool by_number; /* it sleeps in syscall() */
} sleepers[] = {
        {"in", EPOLLIN, false, false},
        {"out", EPOLLOUT, false, false},
        {"edge", EPOLLIN | EPOLLOUT | EPOLLET, false, false},
        {"in_before", EPOLLIN, true, false},
        {"edge_before", EPOLLIN | EPOLLOUT | EPOLLET, true, false},
        {"by_number", EPOLLIN, false, true},
};

static _Atomic(int) sleeping_on;

struct sleep {
        int epfd;
        bool by_number;
};

/* Waits once, without a limit. */
static void *sleep_once(void *arg)
{
        static struct epoll_event event;
        const struct sleep *how = arg;
        int n;

        atomic_store(&sleeping_on, how->epfd);
        if (how->by_number)
                n = (int)syscall(SYS_epoll_pwait, how->epfd, &event, 1, -1, NULL, 0);
        else
                n = epoll_wait(how->epfd, &event, 1, -1);
        return n == 1 ? &event : NULL;
}

/* Nothing was pending when a thread went to sleep on a set; another thread connects, and registers
 * with that set. Nobody else waits: the sleeper has to see to it that the time is kept. */
static void ends_a_sleep(void **state)
{
        const struct sleeper *row = *state;
        int epfd = epoll_create1(EPOLL_CLOEXEC), ends[2];
        struct sleep how = {epfd, row->by_number};

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        for (int times = 0; times < 3; times++) {
                struct epoll_event event = {.events = row->events, .data.u64 = 4711},
                                   other = {.events = EPOLLIN, .data.u64 = 1};
                int fd = tcp(SOCK_NONBLOCK);
                pthread_t thread;
                void *got;

                epoll_ctl(epfd, EPOLL_CTL_ADD, ends[0], &other);
                if (row->before) { /* an unconnected socket is not quiet: its event is taken first
                                    */
                        event.events |= EPOLLET;
                        assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
                        assert_int_equal(epoll_wait(epfd, &other, 1, 0), 1);
                }
                atomic_store(&sleeping_on, -1);
                assert_int_equal(pthread_create(&thread, NULL, sleep_once, &how), 0);
                while (atomic_load(&sleeping_on) != epfd || !others_asleep())
                        sched_yield();
                assert_int_equal(begin(fd), EINPROGRESS);
                if (!row->before)
                        assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
                assert_int_equal(pthread_join(thread, &got), 0);
                assert_non_null(got);
                assert_int_equal(((struct epoll_event *)got)->data.u64, 4711);
                assert_true(((struct epoll_event *)got)->events & EPOLLERR);
                assert_int_equal(error_of(fd), ETIMEDOUT);
                close(fd);
        }
        close(ends[0]);
        close(ends[1]);
        close(epfd);
}

/* ---- forks ---- */

/* The parent has its tunnel long since when the child's copy of the record is due. (Where the
 * machine itself took so long that the parent's own time was up, that says nothing, and is done
 * again.) */
static void copy_is_due(void **state)
{
        const struct other *row = *state;
        int late = 0;

        for (int names = 0; names < 2; names++) {
                int64_t since = now_ms();
                int told[2], fd, status;
                bool in_time;
                pid_t pid;
                char byte = 0;

                gate_set(GATE_BANNER, -1);
                assert_int_equal(pipe2(told, O_CLOEXEC), 0);
                fd = begun();
                pid = fork();
                if (pid == 0) {
                        int epfd = epoll_create1(EPOLL_CLOEXEC), ends[2];
                        struct epoll_event event = {.events = EPOLLIN};
                        struct pollfd pfd = {.fd = fd, .events = POLLIN | POLLOUT};

                        close(told[0]);
                        if (pipe2(ends, O_CLOEXEC) < 0 ||
                            epoll_ctl(epfd, EPOLL_CTL_ADD, ends[0], &event) < 0)
                                _exit(1);
                        if (row->wait(ends[0], epfd, 2 * SECOND) != 0)
                                _exit(2);
                        if (names) /* whatever that says */
                                poll(&pfd, 1, 100);
                        _exit(write(told[1], "d", 1) != 1);
                }
                close(told[1]);
                gate_open();
                assert_true(ready(fd, POLLOUT));
                in_time = now_ms() - since < SECOND;
                assert_int_equal(read(told[0], &byte, 1), 1);
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_int_equal(status, 0);
                if (in_time && mode == PRELOADED)
                        expect_read(fd, BANNER);
                if (in_time)
                        expect_tunnel(fd);
                close(fd);
                close(told[0]);
                if (!in_time) {
                        assert_true(++late < 20);
                        names--;
                }
        }
}

int main(int argc, char **argv)
{
        static struct table t;

        setenv("HFPROXY_TIMEOUT", "1", 0);
        world_enter(argc, argv, NULL);
        gate_start();
        signal(SIGPIPE, SIG_IGN);
        if (mode == PRELOADED) {
                TABLE_ADD_AS(&t, "ends_%s", ends_a_wait, waits);
                TABLE_ADD_AS(&t, "ends_%s_for_tcp", ends_a_wait_for_tcp, waits);
                TABLE_ADD_AS(&t, "ends_in_%s", ends_a_call, askings);
                table_add(&t, "slow_is_late", slow_is_late, NULL);
                TABLE_ADD_AS(&t, "ends_a_sleep_%s", ends_a_sleep, sleepers);
        }
        TABLE_ADD_AS(&t, "ends_beside_%s", ends_beside_a_wait, others);
        TABLE_ADD_AS(&t, "copy_is_due_in_%s", copy_is_due, others);
        return table_run_with("deadlines", &t, setup);
}
