/* SPDX-License-Identifier: MIT */
/* poll() and select() in all their forms, as far as their arguments and results go: on descriptors
 * that are ready or not, beside a connection that is under way the whole time, in the same call or
 * not. All must be as without the library. (What becomes of connections: test_waits.c.) */
#define _GNU_SOURCE
#include "beside.h"
#include "ticks.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

int __poll(struct pollfd *fds, nfds_t n, int timeout);
int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask,
                size_t size);
int __select(int n, fd_set *r, fd_set *w, fd_set *x, struct timeval *timeout);

static int silent[2], loud[2]; /* pipes: nothing to read, and something */
static char *wall;             /* what begins here is out of reach */

static const struct timespec *in_ms(int ms, struct timespec *ts)
{
        *ts = (struct timespec){ms / 1000, ms % 1000 * 1000000L};
        return ms < 0 ? NULL : ts;
}

/* ---- how to call them ---- */

/* NULL timeout is for ever. WRITES_BACK: the time that is left. */
struct way {
        const char *name;
        int (*poll)(struct pollfd *fds, nfds_t n, struct timespec *timeout, const sigset_t *mask);
        int (*select)(int n, fd_set *r, fd_set *w, fd_set *x, struct timespec *timeout,
                      const sigset_t *mask);
        bool precise, masks, by_number, writes_back;
};

static int to_ms(const struct timespec *ts)
{
        return !ts                    ? -1
               : ts->tv_sec > 1000000 ? INT_MAX
                                      : (int)(ts->tv_sec * 1000 + ts->tv_nsec / 1000000);
}

#define POLL_WAY(name, call)                                                                       \
        static int name(struct pollfd *fds, nfds_t n, struct timespec *ts, const sigset_t *mask)   \
        {                                                                                          \
                (void)mask;                                                                        \
                return (int)call;                                                                  \
        }
POLL_WAY(way_poll, poll(fds, n, to_ms(ts)))
POLL_WAY(way_own_poll, __poll(fds, n, to_ms(ts)))
POLL_WAY(way_poll_chk, __poll_chk(fds, n, to_ms(ts), n * sizeof *fds))
POLL_WAY(way_nr_poll, syscall(SYS_poll, fds, n, to_ms(ts)))
POLL_WAY(way_ppoll, ppoll(fds, n, ts, mask))
POLL_WAY(way_ppoll_chk, __ppoll_chk(fds, n, ts, mask, n * sizeof *fds))
POLL_WAY(way_nr_ppoll, syscall(SYS_ppoll, fds, n, ts, mask, 8L))

static int with_timeval(int (*call)(int n, fd_set *r, fd_set *w, fd_set *x, struct timeval *tv),
                        int n, fd_set *r, fd_set *w, fd_set *x, struct timespec *ts)
{
        struct timeval tv;
        int got;

        if (!ts)
                return call(n, r, w, x, NULL);
        tv = (struct timeval){ts->tv_sec, ts->tv_nsec < 0 ? -1 : ts->tv_nsec / 1000};
        got = call(n, r, w, x, &tv);
        *ts = (struct timespec){tv.tv_sec, tv.tv_usec * 1000};
        return got;
}

static int nr_select(int n, fd_set *r, fd_set *w, fd_set *x, struct timeval *tv)
{
        return (int)syscall(SYS_select, n, r, w, x, tv);
}

#define SELECT_WAY(name, call)                                                                     \
        static int name(int n, fd_set *r, fd_set *w, fd_set *x, struct timespec *ts,               \
                        const sigset_t *mask)                                                      \
        {                                                                                          \
                const struct {                                                                     \
                        const sigset_t *mask;                                                      \
                        size_t size;                                                               \
                } packed = {mask, 8};                                                              \
                                                                                                   \
                (void)packed;                                                                      \
                return (int)call;                                                                  \
        }
SELECT_WAY(way_select, with_timeval(select, n, r, w, x, ts))
SELECT_WAY(way_own_select, with_timeval(__select, n, r, w, x, ts))
SELECT_WAY(way_nr_select, with_timeval(nr_select, n, r, w, x, ts))
SELECT_WAY(way_pselect, pselect(n, r, w, x, ts, mask))
SELECT_WAY(way_nr_pselect6, syscall(SYS_pselect6, n, r, w, x, ts, mask ? &packed : NULL))

static const struct way ways[] = {
        {.name = "poll", .poll = way_poll},
        {.name = "__poll", .poll = way_own_poll},
        {.name = "__poll_chk", .poll = way_poll_chk},
        {.name = "SYS_poll", .poll = way_nr_poll, .by_number = true},
        {.name = "ppoll", .poll = way_ppoll, .precise = true, .masks = true},
        {.name = "__ppoll_chk", .poll = way_ppoll_chk, .precise = true, .masks = true},
        {.name = "SYS_ppoll",
         .poll = way_nr_ppoll,
         .precise = true,
         .masks = true,
         .by_number = true,
         .writes_back = true},
        {.name = "select", .select = way_select, .writes_back = true},
        {.name = "__select", .select = way_own_select, .writes_back = true},
        {.name = "SYS_select", .select = way_nr_select, .by_number = true, .writes_back = true},
        {.name = "pselect", .select = way_pselect, .precise = true, .masks = true},
        {.name = "SYS_pselect6",
         .select = way_nr_pselect6,
         .precise = true,
         .masks = true,
         .by_number = true,
         .writes_back = true},
};

/* One call that names the reading end of PIPE, and `beside` if WITH. */
struct call {
        const struct way *way;
        int *pipe;
        bool with;
        bool shown; /* the pipe was */
};

static int wait_for(struct call *call, struct timespec *ts, const sigset_t *mask)
{
        struct pollfd fds[3] = {{call->pipe[0], POLLIN, 0x7f},
                                {-1, POLLIN | POLLOUT, 0x7f},
                                {call->with ? beside : -7, POLLIN | POLLOUT, 0x7f}};
        fd_set r, w, x, before;
        int got, n = (call->pipe[0] > beside ? call->pipe[0] : beside) + 1;

        if (call->way->poll) {
                got = call->way->poll(fds, 3, ts, mask);
                call->shown = fds[0].revents == POLLIN;
                if (fds[1].revents != (got < 0 && errno != EINTR ? 0x7f : 0))
                        fail_msg("%x of no descriptor", fds[1].revents);
                assert_int_equal(fds[2].revents, fds[1].revents);
                if (got >= 0 || errno == EINTR)
                        assert_int_equal(fds[0].revents, got > 0 ? POLLIN : 0);
                return got;
        }
        FD_ZERO(&r);
        FD_SET(call->pipe[0], &r);
        if (call->with)
                FD_SET(beside, &r);
        x = w = before = r;
        FD_CLR(call->pipe[0], &w);
        got = call->way->select(n, &r, &w, &x, ts, mask);
        call->shown = got > 0 && FD_ISSET(call->pipe[0], &r);
        if (got < 0) {
                assert_memory_equal(&r, &before, sizeof r);
                assert_memory_equal(&x, &before, sizeof x);
        } else {
                FD_ZERO(&before);
                assert_memory_equal(&w, &before, sizeof w);
                assert_memory_equal(&x, &before, sizeof w);
                assert_false(FD_ISSET(beside, &r));
        }
        return got;
}

/* Both with and without `beside` in the call. */
static void each(const struct way *way, void (*check)(struct call *call))
{
        for (int i = 0; i < 2; i++) {
                struct call call = {.way = way, .with = i};

                check(&call);
        }
}

/* ---- what they give ---- */

static void check_ready(struct call *call)
{
        static const int times[] = {0, 1, 5000, INT_MAX, -1};

        call->pipe = loud;
        for (size_t i = 0; i < HF_LEN(times) * 20; i++) {
                struct timespec ts, *timeout = (void *)(uintptr_t)in_ms(times[i / 20], &ts);

                errno = UNTOUCHED;
                assert_int_equal(wait_for(call, timeout, NULL), 1);
                assert_int_equal(errno, UNTOUCHED);
                assert_true(call->shown);
        }
}

static void is_ready(void **state)
{
        each(*state, check_ready);
}

static void check_nothing(struct call *call)
{
        struct timespec ts = {0, 0};
        int64_t since;

        call->pipe = silent;
        errno = UNTOUCHED;
        assert_int_equal(wait_for(call, &ts, NULL), 0);
        since = now_ms();
        in_ms(130, &ts);
        assert_int_equal(wait_for(call, &ts, NULL), 0);
        assert_in_range(now_ms() - since, 129, 10000);
        assert_int_equal(errno, UNTOUCHED);
        if (call->way->writes_back)
                assert_true(ts.tv_sec == 0 && ts.tv_nsec == 0);
        else
                assert_true(ts.tv_sec == 0 && ts.tv_nsec == 130000000);
}

static void times_out(void **state)
{
        each(*state, check_nothing);
}

static void check_left(struct call *call)
{
        struct timespec ts = {7, 999999999};

        call->pipe = loud;
        assert_int_equal(wait_for(call, &ts, NULL), 1);
        if (call->way->writes_back)
                assert_in_range(ts.tv_sec * 1000 + ts.tv_nsec / 1000000, 5000, 7999);
        else
                assert_true(ts.tv_sec == 7 && ts.tv_nsec == 999999999);
}

static void writes_what_is_left(void **state)
{
        each(*state, check_left);
}

/* ---- signals ---- */

static void check_interrupted(struct call *call)
{
        struct timespec times[] = {
                {5, 0}, {INT_MAX / 1000, 0}, {LONG_MAX, 0}, {LONG_MAX, 999999999}};

        call->pipe = silent;
        for (size_t i = 0; i <= HF_LEN(times); i++) {
                int got;

                atomic_store(&handled, 0);
                tick(60);
                got = wait_for(call, i < HF_LEN(times) ? &times[i] : NULL, NULL);
                tick(0);
                assert_int_equal(got, -1);
                assert_int_equal(errno, EINTR);
                assert_int_equal(atomic_load(&handled), 1);
        }
        if (call->way->writes_back)
                assert_in_range(times[0].tv_sec * 1000 + times[0].tv_nsec / 1000000, 3000, 4960);
        else
                assert_int_equal(times[0].tv_sec, 5);
}

static void is_interrupted(void **state)
{
        each(*state, check_interrupted);
}

/* A signal that is blocked but for the mask of the call. */
static void check_mask(struct call *call)
{
        struct sigaction sa = {.sa_handler = on_signal}, old;
        sigset_t usr1, before, after, open;
        struct timespec ts;

        sigemptyset(&usr1);
        sigaddset(&usr1, SIGUSR1);
        sigprocmask(SIG_BLOCK, &usr1, &before);
        open = before;
        sigdelset(&open, SIGUSR1);
        sigaction(SIGUSR1, &sa, &old);
        atomic_store(&handled, 0);
        raise(SIGUSR1);

        /* Not without the mask, nor when there is something to tell. */
        call->pipe = silent;
        assert_int_equal(wait_for(call, (in_ms(60, &ts), &ts), NULL), 0);
        assert_int_equal(atomic_load(&handled), 0);
        call->pipe = loud;
        assert_int_equal(wait_for(call, (in_ms(60, &ts), &ts), &open), 1);
        assert_int_equal(atomic_load(&handled), 0);

        /* Even if it would not wait. */
        call->pipe = silent;
        for (int i = 1; i <= 2; i++) {
                assert_int_equal(wait_for(call, (in_ms(i == 1 ? 0 : 5000, &ts), &ts), &open), -1);
                assert_int_equal(errno, EINTR);
                assert_int_equal(atomic_load(&handled), i);
                raise(SIGUSR1);
        }
        /* It comes while the call sleeps. */
        assert_int_equal(wait_for(call, &(struct timespec){0, 0}, &open), -1);
        sigaddset(&open, SIGUSR1);
        assert_int_equal(wait_for(call, (in_ms(60, &ts), &ts), &open), 0);
        sigprocmask(SIG_SETMASK, NULL, &after);
        assert_int_equal(sigismember(&after, SIGUSR1), 1);
        assert_int_equal(sigismember(&after, SIGALRM), 0);
        sigaction(SIGUSR1, &old, NULL);
        sigprocmask(SIG_SETMASK, &before, NULL);
}

static void goes_by_its_mask(void **state)
{
        const struct way *way = *state;

        if (way->masks)
                each(way, check_mask);
}

static sigjmp_buf out;

static void jump_out(int sig)
{
        siglongjmp(out, sig);
}

/* select()'s sets are as they were. */
static void is_left_by_a_jump(void **state)
{
        const struct way *way = *state;
        struct sigaction sa = {.sa_handler = jump_out};
        static fd_set sets[3], before;

        if (!way->select)
                return;
        FD_ZERO(&before);
        FD_SET(silent[0], &before);
        FD_SET(beside, &before);
        for (int i = 0; i < 3; i++)
                sets[i] = before;
        if (sigsetjmp(out, 1) == 0) {
                struct timespec ts = {5, 0};

                tick(60);
                sigaction(SIGALRM, &sa, NULL);
                way->select(FD_SETSIZE, sets, sets + 1, sets + 2, &ts, NULL);
                fail();
        }
        tick(0);
        for (int i = 0; i < 3; i++)
                assert_memory_equal(&sets[i], &before, sizeof before);
}

/* ---- arguments that are wrong ---- */

#define EXPECT_ERROR(call, error)                                                                  \
        do {                                                                                       \
                errno = 0;                                                                         \
                int got_ = (int)(call), errno_ = errno;                                            \
                if (got_ != -1 || errno_ != (error))                                               \
                        fail_msg("line %d: %d, %s", __LINE__, got_, strerror(errno_));             \
        } while (0)

static void bad_times(void **state)
{
        const struct timespec bad[] = {{-1, 0},         {0, -1},         {-1, 999999999},
                                       {LONG_MIN, 0},   {0, 1000000000}, {0, LONG_MAX},
                                       {-1, 2000000000}};
        const struct way *way = *state;

        for (size_t i = 0; i < HF_LEN(bad) && (way->precise || way->select); i++) {
                struct timespec ts = bad[i];
                struct call call = {.way = way, .pipe = loud, .with = i % 2};

                /* (glibc takes 32 bits of the microseconds.) */
                if (!way->precise && !way->by_number && ts.tv_nsec == LONG_MAX)
                        continue;
                /* Microseconds beyond a second count; in libc not against a negative one. */
                if (!way->precise && ts.tv_nsec >= 1000000000 && (ts.tv_sec >= 0 || way->by_number))
                        assert_int_equal(wait_for(&call, &ts, NULL), 1);
                else
                        EXPECT_ERROR(wait_for(&call, &ts, NULL), EINVAL);
        }
}

/* AddressSanitizer has a poll() and a ppoll() of its own, which read what they are given. */
static bool asan_reads(const struct way *way)
{
#ifdef __SANITIZE_ADDRESS__
        return way->poll && !way->by_number;
#else
        (void)way;
        return false;
#endif
}

static void bad_masks(void **state)
{
        const struct way *way = *state;
        struct call call = {.way = way, .pipe = loud};

        for (int i = 0; i < 2 && way->masks && !asan_reads(way); i++, call.with = true) {
                EXPECT_ERROR(wait_for(&call, NULL, (void *)wall), EFAULT);
                EXPECT_ERROR(wait_for(&call, NULL, (void *)(wall - 4)), EFAULT);
        }
}

static void bad_numbers(void **state)
{
        const struct way *way = *state;
        struct timespec ts = {0, 0}, some = {0, 70000000};
        struct rlimit limit;
        fd_set r, before;

        getrlimit(RLIMIT_NOFILE, &limit);
        if (asan_reads(way))
                return;
        if (way->poll) {
                EXPECT_ERROR(way->poll(NULL, limit.rlim_cur + 1, &ts, NULL), EINVAL);
                EXPECT_ERROR(way->poll((void *)wall, UINT_MAX, &ts, NULL), EINVAL);
                EXPECT_ERROR(way->poll((void *)wall, 1, &ts, NULL), EFAULT);
                EXPECT_ERROR(way->poll(NULL, 1, NULL, NULL), EFAULT);
                assert_int_equal(way->poll(NULL, 0, &ts, NULL), 0);
                assert_int_equal(way->poll(NULL, 0, &some, NULL), 0);
                assert_int_equal(way->poll((void *)wall, 0, &some, NULL), 0);
                return;
        }
        FD_ZERO(&r);
        FD_SET(silent[0], &r);
        FD_SET(beside, &r);
        before = r;
        EXPECT_ERROR(way->select(-1, &r, NULL, NULL, &ts, NULL), EINVAL);
        EXPECT_ERROR(way->select(INT_MIN, &r, NULL, NULL, NULL, NULL), EINVAL);
        EXPECT_ERROR(way->select(1, (void *)wall, NULL, NULL, &ts, NULL), EFAULT);
        EXPECT_ERROR(way->select(1, &r, (void *)wall, NULL, NULL, NULL), EFAULT);
        EXPECT_ERROR(way->select(1, &r, NULL, (void *)8, NULL, NULL), EFAULT);
        assert_int_equal(way->select(0, &r, &r, &r, &ts, NULL), 0);
        assert_int_equal(way->select(0, (void *)wall, NULL, NULL, &some, NULL), 0);
        assert_int_equal(way->select(0, NULL, NULL, NULL, &some, NULL), 0);
        assert_int_equal(way->select(1000, NULL, NULL, NULL, &some, NULL), 0);
        assert_memory_equal(&r, &before, sizeof r);
}

/* An open one and a closed one. */
static void closed_descriptor(void **state)
{
        const struct way *way = *state;
        int closed = dup(silent[0]), got;
        struct timespec ts = {5, 0};

        close(closed);
        for (int with = 0; with < 2; with++) {
                struct pollfd fds[3] = {
                        {silent[0], POLLIN, 1}, {closed, 0, 1}, {with ? beside : -1, POLLOUT, 1}};
                fd_set r, before;

                if (way->poll) {
                        assert_int_equal(way->poll(fds, 3, &ts, NULL), 1);
                        assert_int_equal(fds[0].revents, 0);
                        assert_int_equal(fds[1].revents, POLLNVAL);
                        assert_int_equal(fds[2].revents, 0);
                        continue;
                }
                FD_ZERO(&r);
                FD_SET(silent[0], &r);
                FD_SET(closed, &r);
                if (with)
                        FD_SET(beside, &r);
                before = r;
                EXPECT_ERROR(way->select(closed + 1, &r, NULL, NULL, &ts, NULL), EBADF);
                assert_memory_equal(&r, &before, sizeof r);
                /* Beyond N it does not matter. */
                got = way->select(closed, NULL, &r, NULL, &(struct timespec){0, 70000000}, NULL);
                assert_int_equal(got, 0);
                FD_ZERO(&before);
                assert_memory_equal(&r, &before, sizeof r);
        }
}

/* At the edge of memory, and where it cannot be written. */
static void edges(void **state)
{
        const struct way *way = *state;
        struct pollfd *fds = (struct pollfd *)(void *)wall - 3;
        struct timespec ts = {0, 70000000}, none = {0, 0};
        fd_set *set = (fd_set *)(void *)(wall - sizeof *set);

        for (int with = 0; with < 2 && !asan_reads(way); with++) {
                const int fd[] = {silent[0], with ? beside : -1};

                if (way->poll) {
                        fds[0] = fds[2] = (struct pollfd){fd[0], POLLIN, 3};
                        fds[1] = (struct pollfd){fd[1], POLLOUT, 3};
                        assert_int_equal(way->poll(fds, 3, &ts, NULL), 0);
                        assert_int_equal(fds[2].revents, 0);
                        EXPECT_ERROR(way->poll(fds, 4, &ts, NULL), EFAULT);
                        mprotect(wall - 4096, 4096, PROT_READ);
                        EXPECT_ERROR(way->poll(fds, 3, &none, NULL), EFAULT);
                } else {
                        FD_ZERO(set);
                        FD_SET(fd[0], set);
                        if (with)
                                FD_SET(fd[1], set);
                        EXPECT_ERROR(way->select(FD_SETSIZE, (void *)(wall - 8), NULL, (void *)wall,
                                                 &none, NULL),
                                     EFAULT);
                        mprotect(wall - 4096, 4096, PROT_READ);
                        EXPECT_ERROR(way->select(FD_SETSIZE, set, NULL, NULL, &none, NULL), EFAULT);
                        EXPECT_ERROR(way->select(FD_SETSIZE, NULL, set, NULL, &ts, NULL), EFAULT);
                        assert_true(FD_ISSET(fd[0], set));
                }
                mprotect(wall - 4096, 4096, PROT_READ | PROT_WRITE);
        }
}

/* The kernel reads a set no further than this process has descriptors, however large N is. */
static void short_sets(void **state)
{
        const struct way *way = *state;
        FILE *status = fopen("/proc/self/status", "re");
        struct timespec ts = {0, 70000000};
        char line[256], *set;
        long size = 0;

        while (fgets(line, sizeof line, status))
                if (!strncmp(line, "FDSize:", 7))
                        size = atol(line + 7) / 8;
        fclose(status);
        set = wall - size;
        if (!way->select)
                return;
        for (int with = 0; with < 2; with++) {
                memset(set, 0, (size_t)size);
                FD_SET(silent[0], (fd_set *)(void *)set);
                FD_SET(loud[1], (fd_set *)(void *)set);
                if (with)
                        FD_SET(beside, (fd_set *)(void *)set);
                assert_int_equal(way->select(1 << 20, NULL, (void *)set, NULL, &ts, NULL), 1);
                assert_true(FD_ISSET(loud[1], (fd_set *)(void *)set));
                assert_false(FD_ISSET(beside, (fd_set *)(void *)set));
        }
}

/* ---- many ---- */

enum { MANY = 2000 };

static void many(void **state)
{
        static struct pollfd fds[MANY];
        static unsigned long sets[3][64], kept[64];
        const struct way *way = *state;
        int high = fcntl(loud[0], F_DUPFD_CLOEXEC, MANY), got;
        int high_beside = fcntl(beside, F_DUPFD_CLOEXEC, MANY + 100);

        assert_int_equal(high, MANY);
        for (int with = 0; with < 2; with++) {
                struct timespec ts = {0, 70000000}, longer = {5, 0};

                for (int i = 0; i < MANY; i++)
                        fds[i] = (struct pollfd){i % 7 && with ? beside : silent[0], POLLIN, 1};
                memset(sets, 0, sizeof sets);
                FD_SET(silent[0], (fd_set *)(void *)sets[0]);
                if (with) {
                        FD_SET(beside, (fd_set *)(void *)sets[0]);
                        sets[0][high_beside / 64] |= 1UL << high_beside % 64;
                }
                memcpy(sets[1], sets[0], sizeof sets[0]);
                memcpy(kept, sets[0], sizeof kept);
                got = way->poll ? way->poll(fds, MANY, &ts, NULL)
                                : way->select(4096, (void *)sets[0], NULL, NULL, &ts, NULL);
                assert_int_equal(got, 0);
                for (int i = 0; i < MANY; i++)
                        assert_int_equal(fds[i].revents, way->poll ? 0 : 1);
                for (int i = 0; i < 64; i++)
                        assert_int_equal(sets[0][i], way->poll ? kept[i] : 0);

                fds[MANY - 1].fd = high;
                memcpy(sets[0], kept, sizeof kept);
                sets[0][high / 64] |= 1UL << high % 64;
                FD_SET(loud[0], (fd_set *)(void *)sets[0]);
                got = way->poll ? way->poll(fds, MANY, &longer, NULL)
                                : way->select(4096, (void *)sets[0], (void *)sets[1],
                                              (void *)sets[2], &longer, NULL);
                assert_int_equal(got, way->poll ? 1 : 2);
                if (way->poll)
                        assert_int_equal(fds[MANY - 1].revents, POLLIN);
                else
                        assert_int_equal(sets[0][high / 64], 1UL << high % 64);
                /* Beyond N: in the last word they vanish, behind it they stay. */
                if (way->select) {
                        memset(sets, 0xff, sizeof sets);
                        memcpy(sets[1], kept, sizeof kept);
                        sets[1][10] = sets[1][1] = ~0UL;
                        assert_int_equal(way->select(1, NULL, (void *)sets[1], NULL, &ts, NULL), 0);
                        assert_int_equal(sets[1][0], 0);
                        assert_true(sets[1][1] == ~0UL);
                }
        }
        close(high_beside);
        close(high);
}

/* One set in all three places; each bit counts. */
static void same_set(void **state)
{
        const struct way *way = *state;

        for (int with = 0; with < 2 && way->select; with++) {
                struct timespec ts = {5, 0};
                fd_set set, w;

                FD_ZERO(&set);
                FD_SET(silent[0], &set);
                FD_SET(loud[0], &set);
                FD_SET(loud[1], &set);
                if (with)
                        FD_SET(beside, &set);
                w = set;
                assert_int_equal(way->select(100, &set, &w, NULL, &ts, NULL), 2);
                FD_SET(loud[0], &w);
                FD_SET(loud[0], &set);
                if (with)
                        FD_SET(beside, &set);
                assert_int_equal(way->select(FD_SETSIZE, &set, &set, NULL, &ts, NULL), 1);
                assert_false(FD_ISSET(loud[0], &set));
                FD_SET(loud[0], &set);
                FD_SET(loud[1], &set);
                assert_int_equal(way->select(FD_SETSIZE, &set, &set, NULL, &ts, NULL), 2);
                assert_true(FD_ISSET(loud[1], &set));
                assert_false(FD_ISSET(beside, &set));
        }
}

/* ---- by number only: what libc's functions do not let through ---- */

static void by_number_only(void **state)
{
        struct pollfd fds[2] = {{loud[0], POLLIN, 0}, {beside, POLLOUT, 0}};
        const sigset_t mask = {{0}};
        struct timespec *ts = (struct timespec *)(void *)wall - 1;
        struct {
                const void *mask;
                size_t size;
        } packed = {&mask, 4}, *edge = (void *)(wall - 16);
        fd_set r;

        (void)state;
        EXPECT_ERROR(syscall(SYS_ppoll, fds, 2, NULL, packed.mask, 4L), EINVAL);
        EXPECT_ERROR(syscall(SYS_ppoll, fds, 2, NULL, packed.mask, 128L), EINVAL);
        assert_int_equal(syscall(SYS_ppoll, fds, 2, NULL, NULL, 4L), 1);
        EXPECT_ERROR(syscall(SYS_ppoll, fds, 2, wall, NULL, 8L), EFAULT);
        EXPECT_ERROR(syscall(SYS_ppoll, fds, 2, wall - 8, NULL, 8L), EFAULT);
        FD_ZERO(&r);
        FD_SET(loud[0], &r);
        EXPECT_ERROR(syscall(SYS_pselect6, FD_SETSIZE, &r, NULL, NULL, NULL, &packed), EINVAL);
        EXPECT_ERROR(syscall(SYS_pselect6, FD_SETSIZE, &r, NULL, NULL, NULL, wall), EFAULT);
        EXPECT_ERROR(syscall(SYS_pselect6, FD_SETSIZE, &r, NULL, NULL, NULL, wall - 8), EFAULT);
        EXPECT_ERROR(syscall(SYS_pselect6, FD_SETSIZE, &r, NULL, NULL, wall, NULL), EFAULT);
        EXPECT_ERROR(syscall(SYS_select, FD_SETSIZE, &r, NULL, NULL, wall), EFAULT);
        EXPECT_ERROR(syscall(SYS_select, FD_SETSIZE, &r, NULL, NULL, wall - 8), EFAULT);
        *edge = packed;
        edge->mask = NULL;
        assert_int_equal(syscall(SYS_pselect6, FD_SETSIZE, &r, NULL, NULL, NULL, edge), 1);

        /* A time-out that can be read and not written: no error, nothing written. */
        *ts = (struct timespec){5, 70000000};
        mprotect(wall - 4096, 4096, PROT_READ);
        assert_int_equal(syscall(SYS_ppoll, fds, 2, ts, NULL, 8L), 1);
        assert_int_equal(syscall(SYS_pselect6, FD_SETSIZE, &r, NULL, NULL, ts, NULL), 1);
        assert_int_equal(syscall(SYS_select, FD_SETSIZE, &r, NULL, NULL, ts), 1);
        assert_int_equal(ts->tv_sec, 5);
        mprotect(wall - 4096, 4096, PROT_READ | PROT_WRITE);

        /* Microseconds beyond a second. */
        *ts = (struct timespec){1, 2500000};
        assert_int_equal(syscall(SYS_select, FD_SETSIZE, &r, NULL, NULL, ts), 1);
        assert_in_range(ts->tv_sec * 1000000 + ts->tv_nsec, 3000000, 3500000);
        assert_true(ts->tv_nsec < 1000000);
}

static void poll_fortified(void *size)
{
        struct pollfd fds[2] = {{loud[0], POLLIN, 0}, {beside, POLLIN, 0}};

        signal(SIGABRT, SIG_DFL);
        close(2);
        _exit(__poll_chk(fds, 2, 0, *(size_t *)size) == 1 ? 0 : 1);
}

static void ppoll_fortified(void *size)
{
        struct pollfd fds[2] = {{loud[0], POLLIN, 0}, {beside, POLLIN, 0}};

        signal(SIGABRT, SIG_DFL);
        close(2);
        _exit(__ppoll_chk(fds, 2, NULL, NULL, *(size_t *)size) == 1 ? 0 : 1);
}

static void array_too_small(void **state)
{
        size_t right = 2 * sizeof(struct pollfd), wrong = right - 1;

        (void)state;
        assert_int_equal(status_of_child(poll_fortified, &right), 0);
        assert_int_equal(status_of_child(ppoll_fortified, &right), 0);
        assert_true(WIFSIGNALED(status_of_child(poll_fortified, &wrong)));
        assert_true(WIFSIGNALED(status_of_child(ppoll_fortified, &wrong)));
}

static struct table t;

int main(int argc, char **argv)
{
        static const struct {
                const char *name;
                CMUnitTestFunction test;
        } by_way[] = {{"is_ready", is_ready},
                      {"times_out", times_out},
                      {"writes_what_is_left", writes_what_is_left},
                      {"is_interrupted", is_interrupted},
                      {"goes_by_its_mask", goes_by_its_mask},
                      {"is_left_by_a_jump", is_left_by_a_jump},
                      {"bad_times", bad_times},
                      {"bad_masks", bad_masks},
                      {"bad_numbers", bad_numbers},
                      {"closed_descriptor", closed_descriptor},
                      {"edges", edges},
                      {"short_sets", short_sets},
                      {"many", many},
                      {"same_set", same_set}};
        static char names[HF_LEN(by_way)][HF_LEN(ways)][48];
        struct rlimit limit;

        setenv("HFPROXY_TIMEOUT", "200", 0);
        world_enter(argc, argv, NULL);
        getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = 4096;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
                return 77;
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
        table_add(&t, "by_number_only", by_number_only, NULL);
        table_add(&t, "array_too_small", array_too_small, NULL);
        for (size_t i = 0; i < t.n; i++)
                t.cases[i].teardown_func = beside_goes_on;
        return _cmocka_run_group_tests("wait_args", t.cases, t.n, beside_begin, NULL);
}
