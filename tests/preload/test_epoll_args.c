/* SPDX-License-Identifier: MIT */
/* epoll_wait() and epoll_ctl() in all their forms, as far as their arguments and results go, and
 * libc's syscall() itself; beside a connection that is under way the whole time, in the same set or
 * not. All must be as without the library. (What becomes of connections: test_waits.c.) */
#define _GNU_SOURCE
#include "process/sys.h" /* (before `mode`) */

#include "beside.h"
#include "ticks.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

static int silent[2], loud[2]; /* pipes: nothing to read, and something */
static char *wall;             /* what begins here is out of reach */

#define EXPECT_ERROR(call, error)                                                                  \
        do {                                                                                       \
                errno = 0;                                                                         \
                int got_ = (int)(call), errno_ = errno;                                            \
                if (got_ != -1 || errno_ != (error))                                               \
                        fail_msg("line %d: %d, %s", __LINE__, got_, strerror(errno_));             \
        } while (0)

/* ---- how to call them: negative milliseconds are for ever ---- */

struct way {
        const char *name;
        int (*wait)(int epfd, struct epoll_event *events, int max, int ms, const sigset_t *mask);
        bool masks;
};

#define WAY(name, call)                                                                            \
        static int name(int epfd, struct epoll_event *events, int max, int ms,                     \
                        const sigset_t *mask)                                                      \
        {                                                                                          \
                const struct timespec limit = {ms / 1000, ms % 1000 * 1000000L},                   \
                                      *ts = ms < 0 ? NULL : &limit;                                \
                                                                                                   \
                (void)ts, (void)mask;                                                              \
                return (int)call;                                                                  \
        }
WAY(way_wait, epoll_wait(epfd, events, max, ms))
WAY(way_nr_wait, syscall(SYS_epoll_wait, epfd, events, max, ms))
WAY(way_pwait, epoll_pwait(epfd, events, max, ms, mask))
WAY(way_nr_pwait, syscall(SYS_epoll_pwait, epfd, events, max, ms, mask, 8L))
WAY(way_pwait2, epoll_pwait2(epfd, events, max, ts, mask))
WAY(way_nr_pwait2, syscall(SYS_epoll_pwait2, epfd, events, max, ts, mask, 8L))

static const struct way ways[] = {
        {"epoll_wait", way_wait, false},    {"SYS_epoll_wait", way_nr_wait, false},
        {"epoll_pwait", way_pwait, true},   {"SYS_epoll_pwait", way_nr_pwait, true},
        {"epoll_pwait2", way_pwait2, true}, {"SYS_epoll_pwait2", way_nr_pwait2, true},
};

static int nr_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
        return (int)syscall(SYS_epoll_ctl, epfd, op, fd, event);
}

static const struct ctl {
        const char *name;
        int (*ctl)(int epfd, int op, int fd, struct epoll_event *event);
} ctls[] = {{"epoll_ctl", epoll_ctl}, {"SYS_epoll_ctl", nr_ctl}};

static void add(int epfd, int fd, uint32_t events)
{
        struct epoll_event event = {.events = events, .data.u64 = 0x100000000U + (unsigned)fd};

        assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
}

static int set_of(int fd, bool with)
{
        int epfd = epoll_create1(EPOLL_CLOEXEC);

        add(epfd, fd, EPOLLIN);
        if (with)
                add(epfd, beside, EPOLLIN | EPOLLOUT);
        return epfd;
}

/* ---- what they give ---- */

static void is_ready(void **state)
{
        static const int times[] = {0, 1, 5000, INT_MAX, -1};
        const struct way *way = *state;

        for (int with = 0; with < 2; with++) {
                int epfd = set_of(loud[0], with);

                for (size_t i = 0; i < HF_LEN(times) * 20; i++) {
                        struct epoll_event events[3];

                        memset(events, 0x7f, sizeof events);
                        errno = UNTOUCHED;
                        assert_int_equal(way->wait(epfd, events, 3, times[i / 20], NULL), 1);
                        assert_int_equal(errno, UNTOUCHED);
                        assert_int_equal(events[0].events, EPOLLIN);
                        assert_int_equal(events[0].data.u64, 0x100000000U + (unsigned)loud[0]);
                }
                close(epfd);
        }
}

static void times_out(void **state)
{
        const struct way *way = *state;

        for (int with = 0; with < 2; with++) {
                int epfd = set_of(silent[0], with);
                struct epoll_event events[3];
                int64_t since = now_ms();

                errno = UNTOUCHED;
                assert_int_equal(way->wait(epfd, events, 3, 0, NULL), 0);
                assert_int_equal(way->wait(epfd, events, 3, 130, NULL), 0);
                assert_in_range(now_ms() - since, 129, 10000);
                assert_int_equal(errno, UNTOUCHED);
                close(epfd);
        }
}

/* Two are ready, and there is room for one. */
static void takes_turns(void **state)
{
        const struct way *way = *state;
        struct epoll_event event;
        bool seen[2] = {false, false};
        int epfd = set_of(loud[0], true);

        add(epfd, loud[1], EPOLLOUT);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(way->wait(epfd, &event, 1, 5000, NULL), 1);
                seen[(int)event.data.u64 == loud[1]] = true;
        }
        assert_true(seen[0] && seen[1]);
        close(epfd);
}

static void edge_and_oneshot(void **state)
{
        const struct way *way = *state;
        struct epoll_event events[4];
        int epfd = epoll_create1(EPOLL_CLOEXEC);

        add(epfd, loud[0], EPOLLIN | EPOLLET);
        add(epfd, loud[1], EPOLLOUT | EPOLLONESHOT);
        add(epfd, beside, EPOLLIN | EPOLLOUT | EPOLLET);
        assert_int_equal(way->wait(epfd, events, 4, 5000, NULL), 2);
        assert_int_equal(way->wait(epfd, events, 4, 60, NULL), 0);
        events[0] = (struct epoll_event){EPOLLOUT, {.u32 = 7}};
        assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_MOD, loud[1], &events[0]), 0);
        assert_int_equal(way->wait(epfd, events, 4, 5000, NULL), 1);
        assert_int_equal(events[0].data.u32, 7);
        close(epfd);
}

/* ---- signals ---- */

static void is_interrupted(void **state)
{
        static const int times[] = {5000, INT_MAX, -1, INT_MIN};
        const struct way *way = *state;

        for (int with = 0; with < 2; with++) {
                int epfd = set_of(silent[0], with);
                struct epoll_event events[3];

                for (size_t i = 0; i < HF_LEN(times); i++) {
                        int got;

                        atomic_store(&handled, 0);
                        tick(60);
                        got = way->wait(epfd, events, 3, times[i], NULL);
                        tick(0);
                        assert_int_equal(got, -1);
                        assert_int_equal(errno, EINTR);
                        assert_int_equal(atomic_load(&handled), 1);
                }
                close(epfd);
        }
}

/* A signal that is blocked but for the mask of the call. (epoll looks for one only before it
 * sleeps.) */
static void goes_by_its_mask(void **state)
{
        const struct way *way = *state;
        struct sigaction sa = {.sa_handler = on_signal}, old;
        struct epoll_event events[3];
        sigset_t usr1, before, after, open;

        sigemptyset(&usr1);
        sigaddset(&usr1, SIGUSR1);
        sigprocmask(SIG_BLOCK, &usr1, &before);
        open = before;
        sigdelset(&open, SIGUSR1);
        sigaction(SIGUSR1, &sa, &old);
        for (int with = 0; with < 2 && way->masks; with++) {
                int quiet = set_of(silent[0], with), noisy = set_of(loud[0], with);

                atomic_store(&handled, 0);
                raise(SIGUSR1);
                assert_int_equal(way->wait(quiet, events, 3, 60, NULL), 0);
                assert_int_equal(way->wait(noisy, events, 3, 60, &open), 1);
                assert_int_equal(way->wait(quiet, events, 3, 0, &open), 0);
                assert_int_equal(atomic_load(&handled), 0);
                EXPECT_ERROR(way->wait(quiet, events, 3, 5000, &open), EINTR);
                assert_int_equal(atomic_load(&handled), 1);
                assert_int_equal(way->wait(quiet, events, 3, 60, &open), 0);
                sigprocmask(SIG_SETMASK, NULL, &after);
                assert_int_equal(sigismember(&after, SIGUSR1), 1);
                EXPECT_ERROR(way->wait(quiet, events, 3, 0, (void *)wall), EFAULT);
                EXPECT_ERROR(way->wait(noisy, events, 3, -1, (void *)(wall - 4)), EFAULT);
                close(quiet);
                close(noisy);
        }
        sigaction(SIGUSR1, &old, NULL);
        sigprocmask(SIG_SETMASK, &before, NULL);
}

/* ---- arguments that are wrong ---- */

static void bad_waits(void **state)
{
        const struct way *way = *state;
        struct epoll_event events[2];

        for (int with = 0; with < 2; with++) {
                int epfd = set_of(loud[0], with);

                for (int ms = -1; ms < 2; ms++) {
                        EXPECT_ERROR(way->wait(-1, events, 2, ms, NULL), EBADF);
                        EXPECT_ERROR(way->wait(1 << 20, events, 2, ms, NULL), EBADF);
                        EXPECT_ERROR(way->wait(loud[0], events, 2, ms, NULL), EINVAL);
                        EXPECT_ERROR(way->wait(beside, events, 2, ms, NULL), EINVAL);
                        EXPECT_ERROR(way->wait(epfd, events, 0, ms, NULL), EINVAL);
                        EXPECT_ERROR(way->wait(epfd, events, -1, ms, NULL), EINVAL);
                        EXPECT_ERROR(way->wait(epfd, events, INT_MAX, ms, NULL), EINVAL);
                        EXPECT_ERROR(way->wait(epfd, (void *)wall, 1, ms, NULL), EFAULT);
                        EXPECT_ERROR(way->wait(epfd, (void *)(wall - 8), 1, ms, NULL), EFAULT);
                        EXPECT_ERROR(way->wait(epfd, NULL, 1, ms, NULL), EFAULT);
                        assert_int_equal(
                                way->wait(epfd, (void *)(wall - sizeof *events), 2, ms, NULL), 1);
                }
                close(epfd);
        }
}

static void bad_times(void **state)
{
        const struct timespec bad[] = {{-1, 0},       {0, -1},         {LONG_MIN, 0},
                                       {0, LONG_MAX}, {0, 1000000000}, {-1, 999999999}},
                              endless = {LONG_MAX, 999999999};
        struct epoll_event event;
        sigset_t none;
        int epfd = set_of(loud[0], true), empty = epoll_create1(EPOLL_CLOEXEC);

        (void)state;
        sigemptyset(&none);
        for (size_t i = 0; i < HF_LEN(bad); i++) {
                EXPECT_ERROR(epoll_pwait2(epfd, &event, 1, &bad[i], NULL), EINVAL);
                EXPECT_ERROR(syscall(SYS_epoll_pwait2, epfd, &event, 1, &bad[i], NULL, 8L), EINVAL);
        }
        EXPECT_ERROR(epoll_pwait2(epfd, &event, 1, (void *)wall, NULL), EFAULT);
        EXPECT_ERROR(syscall(SYS_epoll_pwait2, epfd, &event, 1, wall - 8, NULL, 8L), EFAULT);
        EXPECT_ERROR(syscall(SYS_epoll_pwait2, epfd, &event, 1, NULL, &none, 4L), EINVAL);
        EXPECT_ERROR(syscall(SYS_epoll_pwait, epfd, &event, 1, 0, &none, 128L), EINVAL);
        assert_int_equal(syscall(SYS_epoll_pwait, epfd, &event, 1, 0, NULL, 128L), 1);
        assert_int_equal(epoll_pwait2(epfd, &event, 1, &endless, NULL), 1);
        tick(60);
        EXPECT_ERROR(epoll_pwait2(empty, &event, 1, &endless, NULL), EINTR);
        tick(0);

        /* Less than a millisecond is no spin, and not nothing. */
        for (int64_t since = now_ms(), n = 0; now_ms() - since < 60; n++) {
                const struct timespec short_time = {0, 200000};

                assert_int_equal(epoll_pwait2(empty, &event, 1, &short_time, NULL), 0);
                assert_true(n < 300);
        }
        close(epfd);
        close(empty);
}

static void bad_registrations(void **state)
{
        const struct ctl *c = *state;
        struct epoll_event event = {EPOLLIN, {.u32 = 1}};
        int epfd = epoll_create1(EPOLL_CLOEXEC),
            file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        const int fds[] = {silent[0], beside};

        assert_int_equal(c->ctl(epfd, EPOLL_CTL_ADD, silent[1], &event), 0);
        for (size_t i = 0; i < HF_LEN(fds); i++) {
                int fd = fds[i];

                errno = UNTOUCHED;
                assert_int_equal(c->ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
                assert_int_equal(c->ctl(epfd, EPOLL_CTL_MOD, fd, &event), 0);
                assert_int_equal(errno, UNTOUCHED);
                EXPECT_ERROR(c->ctl(epfd, EPOLL_CTL_ADD, fd, &event), EEXIST);
                EXPECT_ERROR(c->ctl(epfd, EPOLL_CTL_MOD, fd, NULL), EFAULT);
                EXPECT_ERROR(c->ctl(epfd, EPOLL_CTL_MOD, fd, (void *)(wall - 4)), EFAULT);
                EXPECT_ERROR(c->ctl(epfd, EPOLL_CTL_ADD, fd, (void *)wall), EFAULT);
                EXPECT_ERROR(c->ctl(epfd, 0, fd, &event), EINVAL);
                EXPECT_ERROR(c->ctl(epfd, 4, fd, &event), EINVAL);
                EXPECT_ERROR(c->ctl(epfd, 4, fd, NULL), EFAULT);
                EXPECT_ERROR(c->ctl(-1, EPOLL_CTL_ADD, fd, &event), EBADF);
                EXPECT_ERROR(c->ctl(-1, EPOLL_CTL_DEL, fd, NULL), EBADF);
                EXPECT_ERROR(c->ctl(fd, EPOLL_CTL_ADD, fd, &event), EINVAL);
                EXPECT_ERROR(c->ctl(file, EPOLL_CTL_ADD, fd, &event), EINVAL);
                EXPECT_ERROR(c->ctl(fd, EPOLL_CTL_MOD, silent[1], &event), EINVAL);
                event.events = EPOLLIN | EPOLLEXCLUSIVE;
                EXPECT_ERROR(c->ctl(epfd, EPOLL_CTL_MOD, fd, &event), EINVAL);
                event.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT;
                EXPECT_ERROR(c->ctl(epfd, EPOLL_CTL_ADD, fd, &event), EINVAL);
                event.events = EPOLLIN;
                errno = UNTOUCHED;
                assert_int_equal(c->ctl(epfd, EPOLL_CTL_DEL, fd, (void *)wall), 0);
                assert_int_equal(errno, UNTOUCHED);
                EXPECT_ERROR(c->ctl(epfd, EPOLL_CTL_DEL, fd, NULL), ENOENT);
                EXPECT_ERROR(c->ctl(epfd, EPOLL_CTL_MOD, fd, &event), ENOENT);
        }
        EXPECT_ERROR(c->ctl(epfd, EPOLL_CTL_ADD, -1, &event), EBADF);
        EXPECT_ERROR(c->ctl(epfd, EPOLL_CTL_ADD, 1 << 20, &event), EBADF);
        EXPECT_ERROR(c->ctl(epfd, EPOLL_CTL_ADD, INT_MAX, &event), EBADF);
        EXPECT_ERROR(c->ctl(epfd, EPOLL_CTL_ADD, file, &event), EPERM);
        EXPECT_ERROR(c->ctl(epfd, EPOLL_CTL_ADD, epfd, &event), EINVAL);
        close(file);
        close(epfd);
}

/* ---- syscall() itself ---- */

static void numbers_pass(void **state)
{
        static _Atomic(uint32_t) word;
        const struct timespec soon = {0, 0};
        const long page = sysconf(_SC_PAGESIZE);
        int file = memfd_create("pages", MFD_CLOEXEC), status;
        const char *p;
        long pid;

        (void)state;
        errno = UNTOUCHED;
        assert_int_equal(syscall(SYS_getpid), getpid());
        assert_int_equal(errno, UNTOUCHED);
        EXPECT_ERROR(syscall(9999L), ENOSYS);
        EXPECT_ERROR(syscall(-1L, 1L, 2L, 3L, 4L, 5L, 6L), ENOSYS);
        EXPECT_ERROR(syscall(-3L), ENOSYS);
        EXPECT_ERROR(syscall(LONG_MAX), ENOSYS);
        EXPECT_ERROR(syscall(SYS_close, -1L), EBADF);

        /* The sixth counts, all 64 bits of it. */
        assert_int_equal(ftruncate(file, 3 * page), 0);
        assert_int_equal(pwrite(file, "third", 5, 2 * page), 5);
        p = (const char *)syscall(SYS_mmap, NULL, page, PROT_READ, MAP_SHARED, file, 2 * page);
        assert_memory_equal(p, "third", 5);
        munmap((void *)(uintptr_t)p, (size_t)page);
        EXPECT_ERROR(syscall(SYS_mmap, NULL, page, PROT_READ, MAP_SHARED, file, -page), EOVERFLOW);
        EXPECT_ERROR(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &soon, NULL, 0), EINVAL);
        EXPECT_ERROR(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &soon, NULL, 1), ETIMEDOUT);
        close(file);

        /* One that returns twice. */
        pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0L);
        if (pid == 0)
                _exit(getppid() > 0 ? 7 : 8);
        assert_int_equal(waitpid((pid_t)pid, &status, 0), pid);
        assert_int_equal(WEXITSTATUS(status), 7);
}

static void connect_by_number(void **state)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, 443, false);
        int fd = tcp(0);

        (void)state;
        EXPECT_ERROR(syscall(SYS_connect, -1, &sa, len), EBADF);
        EXPECT_ERROR(syscall(SYS_connect, silent[0], &sa, len), ENOTSOCK);
        EXPECT_ERROR(syscall(SYS_connect, fd, wall, len), EFAULT);
        EXPECT_ERROR(syscall(SYS_connect, fd, &sa, 1), EINVAL);
        EXPECT_ERROR(syscall(SYS_connect, fd, &sa, 1000), EINVAL);
        EXPECT_ERROR(syscall(SYS_connect, beside, &sa, len), EALREADY);
        atomic_store(&world->behaviour, GRANTS);
        errno = UNTOUCHED;
        assert_int_equal(syscall(SYS_connect, fd, &sa, len), 0);
        assert_int_equal(errno, UNTOUCHED);
        expect_echo(fd);
        EXPECT_ERROR(syscall(SYS_connect, fd, &sa, len), EISCONN);
        sa.ss_family = AF_UNSPEC;
        assert_int_equal(syscall(SYS_connect, fd, &sa, len), 0);
        close(fd);
}

/* What syscall() makes of a set-up that is wrong in any case. 425 is SYS_io_uring_setup. */
static int io_uring_error(void)
{
        errno = 0;
        return syscall(425L, 8, NULL) == -1 ? errno : 0;
}

/* Settings are read at start. */
static void ask_again(void *allowed)
{
        char *argv[] = {(char *)(uintptr_t) "preload-epoll_args", NULL};

        setenv("HFPROXY_IO_URING", allowed, 1);
        execv("/proc/self/exe", argv);
}

static void io_uring(void **state)
{
        static char allow[] = "allow", refuse[] = "refuse";
        int kernels = (int)-hf_syscall3(425, 8, 0, 0), error = mode == PRELOADED ? ENOSYS : kernels;

        (void)state;
        assert_int_not_equal(kernels, ENOSYS);
        assert_int_equal(io_uring_error(), error);
        assert_int_equal(WEXITSTATUS(status_of_child(ask_again, allow)), kernels);
        assert_int_equal(WEXITSTATUS(status_of_child(ask_again, refuse)), error);
}

static struct table t;

int main(int argc, char **argv)
{
        static const struct {
                const char *name;
                CMUnitTestFunction test;
        } by_way[] = {{"is_ready", is_ready},
                      {"times_out", times_out},
                      {"takes_turns", takes_turns},
                      {"edge_and_oneshot", edge_and_oneshot},
                      {"is_interrupted", is_interrupted},
                      {"goes_by_its_mask", goes_by_its_mask},
                      {"bad_waits", bad_waits}};
        static char names[HF_LEN(by_way)][HF_LEN(ways)][48];

        setenv("HFPROXY_TIMEOUT", "200", 0);
        world_enter(argc, argv, NULL);
        if (getenv("HFPROXY_IO_URING"))
                return io_uring_error();
        wall = page_and_none() + 4096;
        if (pipe2(silent, O_CLOEXEC) < 0 || pipe2(loud, O_CLOEXEC) < 0 ||
            write(loud[1], "word", 4) != 4)
                return 1;
        for (size_t i = 0; i < HF_LEN(by_way); i++) {
                for (size_t j = 0; j < HF_LEN(ways); j++) {
                        snprintf(names[i][j], sizeof names[i][j], "%s.%s", ways[j].name,
                                 by_way[i].name);
                        table_add(&t, names[i][j], by_way[i].test, &ways[j]);
                }
        }
        TABLE_ADD(&t, bad_registrations, ctls);
        table_add(&t, "bad_times", bad_times, NULL);
        table_add(&t, "numbers_pass", numbers_pass, NULL);
        table_add(&t, "connect_by_number", connect_by_number, NULL);
        table_add(&t, "io_uring", io_uring, NULL);
        for (size_t i = 0; i < t.n; i++)
                t.cases[i].teardown_func = beside_goes_on;
        return _cmocka_run_group_tests("epoll_args", t.cases, t.n, beside_begin, NULL);
}
