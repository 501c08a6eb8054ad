/* SPDX-License-Identifier: MIT */
/* Handshakes under way in a process that forks: exactly one of parent and child goes on with each,
 * whichever it is. (Deadlines in copies: test_deadlines.c.) */
#define _GNU_SOURCE
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

static int setup(void **state)
{
        (void)state;
        gate_set(GATE_GRANTS, -1);
        return 0;
}

static void expect_exit(pid_t pid)
{
        int status;

        assert_true(pid > 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (status != 0)
                fail_msg("the child: %s %d", WIFEXITED(status) ? "status" : "signal",
                         WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

/* ---- the ways to bring a handshake to its end; 0, or what went wrong ---- */

static int echoes(int fd)
{
        char buf[8];

        if (send(fd, "forked\n", 7, MSG_NOSIGNAL) != 7)
                return 20;
        if (!ready(fd, POLLIN))
                return 21;
        return recv(fd, buf, 7, MSG_WAITALL) == 7 && !memcmp(buf, "forked\n", 7) ? 0 : 22;
}

static int by_poll(int fd)
{
        return ready(fd, POLLOUT) ? echoes(fd) : 10;
}

static int by_select(int fd)
{
        struct timeval ten = {10, 0};
        fd_set set;

        FD_ZERO(&set);
        FD_SET(fd, &set);
        return select(fd + 1, NULL, &set, NULL, &ten) == 1 ? echoes(fd) : 11;
}

static int by_epoll(int fd)
{
        struct epoll_event event = {.events = EPOLLOUT, .data.u64 = 42};
        int epfd = epoll_create1(EPOLL_CLOEXEC), r;

        if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) < 0)
                return 12;
        event.data.u64 = 0;
        r = epoll_wait(epfd, &event, 1, 10000);
        close(epfd);
        return r == 1 && event.data.u64 == 42 ? echoes(fd) : 13;
}

static int by_asking(int fd)
{
        int error = -1;
        socklen_t len = sizeof error;

        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0 ? echoes(fd)
                                                                                     : 14;
}

static int by_sending(int fd)
{
        return echoes(fd);
}

static int by_unblocking(int fd)
{
        return fcntl(fd, F_SETFL, 0) == 0 ? echoes(fd) : 15;
}

static const struct way {
        const char *name;
        int (*go_on)(int fd);
} ways[] = {
        {"poll", by_poll},       {"select", by_select}, {"epoll", by_epoll},
        {"so_error", by_asking}, {"send", by_sending},  {"unblocking", by_unblocking},
};

/* ---- parent and child ---- */

/* The child looks, sees nothing, and closes its copy or just ends. */
static void parent_goes_on(void **state)
{
        const struct way *row = *state;

        for (int closes = 0; closes < 3; closes++) {
                pid_t pid;
                int fd;

                gate_set(GATE_GRANTS, -1);
                fd = begun();
                pid = fork();
                if (pid == 0) {
                        struct pollfd pfd = {.fd = fd, .events = POLLOUT};
                        int r = closes == 2 ? 0 : poll(&pfd, 1, 0);

                        if (closes)
                                close(fd);
                        _exit(r > 0 && mode == PRELOADED);
                }
                expect_exit(pid);
                if (mode == PRELOADED)
                        until("asked", &gate_now()->asked, 1);
                assert_int_equal(atomic_load(&gate_now()->gone), 0);
                gate_open();
                assert_int_equal(row->go_on(fd), 0);
                expect_tunnel(fd);
                close(fd);
        }
}

/* The parent closes its copy, and the child goes on: the parent is told when to. */
static void child_goes_on(void **state)
{
        const struct way *row = *state;
        int told[2], fd = begun();
        pid_t pid;
        char byte;

        assert_int_equal(pipe2(told, O_CLOEXEC), 0);
        pid = fork();
        if (pid == 0) {
                close(told[1]);
                _exit(read(told[0], &byte, 1) == 0 ? row->go_on(fd) : 1);
        }
        close(fd);
        close(told[0]);
        gate_open();
        close(told[1]);
        expect_exit(pid);
        assert_int_equal(atomic_load(&gate_now()->early), 0);
        if (mode == PRELOADED) {
                assert_int_equal(atomic_load(&gate_now()->granted), 1);
                until("gone", &gate_now()->gone, 1);
        }
}

static void grandchild_goes_on(void **state)
{
        const struct way *row = *state;
        int told[2], ended[2], fd = begun();
        pid_t pid;
        char byte = 1;

        assert_int_equal(pipe2(told, O_CLOEXEC), 0);
        assert_int_equal(pipe2(ended, O_CLOEXEC), 0);
        pid = fork();
        if (pid == 0) {
                if (fork() != 0)
                        _exit(0);
                close(told[1]);
                byte = read(told[0], &byte, 1) == 0 ? (char)row->go_on(fd) : 1;
                _exit(write(ended[1], &byte, 1) != 1);
        }
        expect_exit(pid);
        close(fd);
        gate_open();
        close(told[0]);
        close(told[1]);
        close(ended[1]);
        assert_int_equal(read(ended[0], &byte, 1), 1);
        assert_int_equal(byte, 0);
        close(ended[0]);
        assert_int_equal(atomic_load(&gate_now()->early), 0);
}

/* Two sockets, of which each process takes one. */
static void each_takes_one(void **state)
{
        const struct way *row = *state;
        int mine = begun(), its = begun();
        pid_t pid = fork();

        if (pid == 0) {
                close(mine);
                gate_open();
                _exit(row->go_on(its));
        }
        close(its);
        gate_open();
        assert_int_equal(row->go_on(mine), 0);
        expect_exit(pid);
        assert_int_equal(row->go_on(mine), 0); /* the child's end changed nothing */
        assert_int_equal(atomic_load(&gate_now()->early), 0);
        close(mine);
}

/* Registered before the fork, in a set that both share. */
static void registered_before_the_fork(void **state)
{
        struct epoll_event event = {.events = EPOLLOUT, .data.u64 = 0x1122334455667788};
        int epfd = epoll_create1(EPOLL_CLOEXEC), fd = begun();
        pid_t pid;

        (void)state;
        assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
        pid = fork();
        if (pid == 0) {
                if (mode == PRELOADED && epoll_wait(epfd, &event, 1, 0) != 0)
                        _exit(1);
                close(epfd);
                close(fd);
                _exit(0);
        }
        expect_exit(pid);
        gate_open();
        event.data.u64 = 0;
        assert_int_equal(epoll_wait(epfd, &event, 1, 10000), 1);
        assert_true(event.data.u64 == 0x1122334455667788);
        expect_tunnel(fd);
        close(fd);
        close(epfd);
}

/* A child has nothing to do with its parent's handshakes and makes its own. */
static void child_connects_for_itself(void **state)
{
        int fds[10];
        pid_t pid;

        (void)state;
        for (size_t i = 0; i < HF_LEN(fds); i++)
                fds[i] = begun();
        pid = fork();
        if (pid == 0) {
                for (size_t i = 0; i < HF_LEN(fds); i += 2)
                        close(fds[i]);
                gate_open();
                for (int i = 0; i < 10; i++) {
                        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

                        if (begin(fd) != EINPROGRESS || by_poll(fd) != 0)
                                _exit(1);
                        close(fd);
                }
                _exit(0);
        }
        expect_exit(pid);
        for (size_t i = 0; i < HF_LEN(fds); i++) {
                assert_int_equal(by_poll(fds[i]), 0);
                close(fds[i]);
        }
        assert_int_equal(atomic_load(&gate_now()->early), 0);
}

/* ---- a fork in a process with threads that are in the middle of it ---- */

static _Atomic(bool) stop;

static void *connect_until_told(void *arg)
{
        intptr_t failed = 0;

        (void)arg;
        while (!atomic_load(&stop)) {
                int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

                if (begin(fd) != EINPROGRESS || by_poll(fd) != 0)
                        failed++;
                close(fd);
        }
        return (void *)failed;
}

static void forks_beside_eight_threads(void **state)
{
        pthread_t threads[8];

        (void)state;
        gate_set(GATE_SLOW, 0);
        atomic_store(&stop, false);
        for (size_t i = 0; i < HF_LEN(threads); i++)
                assert_int_equal(pthread_create(&threads[i], NULL, connect_until_told, NULL), 0);
        for (int i = 0; i < 30; i++) {
                pid_t pid = fork();

                if (pid == 0) {
                        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

                        alarm(20);
                        _exit(begin(fd) != EINPROGRESS ? 1 : by_poll(fd));
                }
                expect_exit(pid);
        }
        atomic_store(&stop, true);
        for (size_t i = 0; i < HF_LEN(threads); i++) {
                void *failed;

                pthread_join(threads[i], &failed);
                assert_null(failed);
        }
}

int main(int argc, char **argv)
{
        static struct table t;

        gate_enter(argc, argv);
        TABLE_ADD_AS(&t, "parent_goes_on_by_%s", parent_goes_on, ways);
        TABLE_ADD_AS(&t, "child_goes_on_by_%s", child_goes_on, ways);
        TABLE_ADD_AS(&t, "grandchild_goes_on_by_%s", grandchild_goes_on, ways);
        TABLE_ADD_AS(&t, "each_takes_one_by_%s", each_takes_one, ways);
        table_add(&t, "registered_before_the_fork", registered_before_the_fork, NULL);
        table_add(&t, "child_connects_for_itself", child_connects_for_itself, NULL);
        table_add(&t, "forks_beside_eight_threads", forks_beside_eight_threads, NULL);
        return table_run_with("forks", &t, setup);
}
