/* SPDX-License-Identifier: MIT */
/* Duplicates of a socket whose handshake is under way. */
#define _GNU_SOURCE
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int plain_fcntl(int fd, int cmd, ...) __asm__("fcntl");
int large_fcntl(int fd, int cmd, ...) __asm__("fcntl64");
int own_dup2(int fd, int to) __asm__("__dup2");

static int setup(void **state)
{
        (void)state;
        gate_set(GATE_GRANTS, -1);
        return 0;
}

/* ---- duplicates ---- */

#define HIGH 700 /* a number that nobody has */

static int by_dup(int fd)
{
        return dup(fd);
}

static int by_dup2(int fd)
{
        return dup2(fd, HIGH);
}

static int by_own_dup2(int fd)
{
        return own_dup2(fd, HIGH);
}

/* Onto the number of another socket, which is closed thereby. */
static int by_dup2_over(int fd)
{
        int other = tcp(0);

        return dup2(fd, other);
}

static int by_dup3(int fd)
{
        return dup3(fd, HIGH, O_CLOEXEC);
}

static int by_fcntl(int fd)
{
        return plain_fcntl(fd, F_DUPFD, 40);
}

static int by_fcntl_cloexec(int fd)
{
        return plain_fcntl(fd, F_DUPFD_CLOEXEC, 40);
}

static int by_fcntl64(int fd)
{
        return large_fcntl(fd, F_DUPFD, 40);
}

/* Through another duplicate that is gone again. */
static int by_dup_of_dup(int fd)
{
        int middle = dup(fd), last = fcntl(middle, F_DUPFD, 60);

        close(middle);
        return last;
}

static const struct duplication {
        const char *name;
        int (*dup)(int fd);
        bool cloexec;
} duplications[] = {
        {"dup", by_dup, false},
        {"dup2", by_dup2, false},
        {"__dup2", by_own_dup2, false},
        {"dup2_over_another", by_dup2_over, false},
        {"dup3", by_dup3, true},
        {"F_DUPFD", by_fcntl, false},
        {"F_DUPFD_CLOEXEC", by_fcntl_cloexec, true},
        {"F_DUPFD_fcntl64", by_fcntl64, false},
        {"dup_of_dup", by_dup_of_dup, false},
};

static const struct going_on {
        const char *name;
        bool original; /* goes on with it, rather than with the duplicate */
        enum { POLLS, EPOLLS, EPOLLED, ASKS } how;
} going_ons[] = {
        {"and_the_duplicate_polls", false, POLLS},
        {"and_the_original_polls", true, POLLS},
        {"and_the_duplicate_epolls", false, EPOLLS},
        {"and_the_original_epolls", true, EPOLLS},
        {"and_the_registration_stays", true, EPOLLED},
        {"and_the_registration_outlives", false, EPOLLED},
        {"and_the_duplicate_asks", false, ASKS},
        {"and_the_original_asks", true, ASKS},
};

struct row {
        const struct duplication *duplication;
        const struct going_on *going_on;
        char name[64];
};

static void duplicated(void **state)
{
        const struct row *row = *state;
        struct epoll_event event = {.events = EPOLLOUT, .data.u64 = 0xabcdef0123456789};
        int epfd = epoll_create1(EPOLL_CLOEXEC), fd = begun(), other, keep, error = -1;
        socklen_t len = sizeof error;

        if (row->going_on->how == EPOLLED)
                assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
        other = row->duplication->dup(fd);
        assert_true(other >= 0 && other != fd);
        assert_int_equal(fcntl(other, F_GETFD), row->duplication->cloexec ? FD_CLOEXEC : 0);
        keep = row->going_on->original ? fd : other;
        assert_int_equal(close(row->going_on->original ? other : fd), 0);
        if (row->going_on->how == EPOLLS)
                assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, keep, &event), 0);
        if (mode == PRELOADED)
                assert_int_equal(begin(keep), EALREADY);
        gate_open();
        switch (row->going_on->how) {
        case POLLS:
                assert_true(ready(keep, POLLOUT));
                break;
        case EPOLLS:
                assert_int_equal(epoll_wait(epfd, &event, 1, 10000), 1);
                assert_true(event.data.u64 == 0xabcdef0123456789);
                break;
        case EPOLLED:
                /* The socket lives on by its duplicate, and the registration with it: the kernel
                 * tells of it under a number that is closed. */
                if (row->going_on->original || mode != PRELOADED)
                        assert_int_equal(epoll_wait(epfd, &event, 1, 10000), 1);
                else
                        epoll_wait(epfd, &event, 1, 0); /* may tell nothing, but nothing else */
                assert_true(event.data.u64 == 0xabcdef0123456789);
                assert_true(ready(keep, POLLOUT));
                break;
        case ASKS:
                assert_int_equal(getsockopt(keep, SOL_SOCKET, SO_ERROR, &error, &len), 0);
                assert_int_equal(error, 0);
                break;
        }
        expect_tunnel(keep);
        close(keep);
        close(epfd);
        if (mode == PRELOADED)
                until("gone", &gate_now()->gone, 1);
}

/* Both go on, in turn. */
static void both_are_used(void **state)
{
        int fd = begun(), other = dup(fd);
        struct pollfd pfds[2] = {{.fd = fd, .events = POLLOUT}, {.fd = other, .events = POLLOUT}};

        (void)state;
        if (mode == PRELOADED)
                assert_int_equal(poll(pfds, 2, 0), 0);
        gate_open();
        assert_true(ready(fd, POLLOUT));
        assert_int_equal(poll(pfds, 2, 10000), 2);
        expect_tunnel(other);
        close(other);
        expect_tunnel(fd);
        close(fd);
}

/* dup() that fails, or that does nothing. */
static void odd_duplicates(void **state)
{
        int fd = begun();

        (void)state;
        assert_int_equal(dup2(fd, fd), fd);
        assert_int_equal(dup3(fd, fd, 0), -1);
        assert_int_equal(errno, EINVAL);
        assert_int_equal(fcntl(fd, F_DUPFD, -1), -1);
        assert_int_equal(errno, EINVAL);
        assert_int_equal(dup2(fd, -1), -1);
        assert_int_equal(errno, EBADF);
        assert_int_equal(dup2(HIGH, fd), -1); /* nothing was closed */
        assert_int_equal(errno, EBADF);
        gate_open();
        assert_true(ready(fd, POLLOUT));
        expect_tunnel(fd);
        close(fd);
}

int main(int argc, char **argv)
{
        static struct row rows[HF_LEN(duplications)][HF_LEN(going_ons)];
        static struct table t;

        gate_enter(argc, argv);
        for (size_t i = 0; i < HF_LEN(duplications); i++) {
                for (size_t j = 0; j < HF_LEN(going_ons); j++) {
                        struct row *row = &rows[i][j];

                        row->duplication = &duplications[i];
                        row->going_on = &going_ons[j];
                        snprintf(row->name, sizeof row->name, "%s_%s", duplications[i].name,
                                 going_ons[j].name);
                        table_add(&t, row->name, duplicated, row);
                }
        }
        table_add(&t, "both_are_used", both_are_used, NULL);
        table_add(&t, "odd_duplicates", odd_duplicates, NULL);
        return table_run_with("dups", &t, setup);
}
