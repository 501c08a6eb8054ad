/* SPDX-License-Identifier: MIT */
/* The calls that make, end, change and ask about descriptors, where they are none of the library's
 * business, and what they are to a connection that is under way. All must be as without the
 * library. */
#define _GNU_SOURCE
#include "beside.h"

#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>

/* Meson has us built with 64-bit offsets, by which the headers turn one into the other. */
int plain_fcntl(int fd, int cmd, ...) __asm__("fcntl");
int own_fcntl(int fd, int cmd, ...) __asm__("__fcntl");
int own_dup2(int fd, int to) __asm__("__dup2");
int own_close(int fd) __asm__("__close");

static char *wall; /* what begins here is out of reach */

static int file(void)
{
        int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

        assert_true(fd >= 0);
        return fd;
}

static bool is_open(int fd)
{
        return fcntl(fd, F_GETFD) >= 0;
}

static void expect_error(long r, int error)
{
        if (r != -1 || errno != error)
                fail_msg("%ld, %s, not %s", r, strerror(errno), strerror(error));
}

/* ---- bad descriptors, errno ---- */

static void bad_descriptors(void **state)
{
        const int fds[] = {-1, 1000, 1 << 20, INT_MAX, INT_MIN};
        struct sockaddr_storage sa;
        socklen_t len = sizeof sa;
        int value = 0;

        (void)state;
        for (size_t i = 0; i < HF_LEN(fds); i++) {
                int fd = fds[i];

                expect_error(close(fd), EBADF);
                expect_error(own_close(fd), EBADF);
                expect_error(dup(fd), EBADF);
                expect_error(dup2(fd, 50), EBADF);
                expect_error(dup2(fd, fd), EBADF);
                expect_error(dup3(fd, 50, 0), EBADF);
                expect_error(fcntl(fd, F_GETFL), EBADF);
                expect_error(fcntl(fd, F_SETFL, 0), EBADF);
                expect_error(fcntl(fd, F_DUPFD, 0), EBADF);
                expect_error(ioctl(fd, FIONBIO, &value), EBADF);
                expect_error(getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &len), EBADF);
                expect_error(getpeername(fd, (struct sockaddr *)&sa, &len), EBADF);
                assert_null(fdopen(fd, "r"));
                assert_int_equal(errno, EBADF);
        }
        value = file();
        expect_error(getsockopt(value, SOL_SOCKET, SO_ERROR, &value, &len), ENOTSOCK);
        expect_error(getpeername(value, (struct sockaddr *)&sa, &len), ENOTSOCK);
        close(value);
}

static void success_keeps_errno(void **state)
{
        int fd = file(), ends[2], value, to;
        struct sockaddr_storage sa;
        socklen_t len = sizeof sa, value_len = sizeof value;
        FILE *f;

        (void)state;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        errno = UNTOUCHED;
        to = dup(fd);
        assert_int_equal(dup2(fd, to), to);
        assert_int_equal(own_dup2(fd, to), to);
        assert_int_equal(dup3(fd, to, 0), to);
        assert_int_equal(close(to), 0);
        assert_int_equal(fcntl(fd, F_DUPFD, 0), to);
        assert_int_equal(close_range((unsigned)to, (unsigned)to, 0), 0);
        assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
        assert_int_equal(fcntl(ends[0], F_SETFL, 0), 0);
        value = 0;
        assert_int_equal(ioctl(ends[0], FIONBIO, &value), 0);
        assert_int_equal(getsockopt(ends[0], SOL_SOCKET, SO_ERROR, &value, &value_len), 0);
        assert_int_equal(getpeername(ends[0], (struct sockaddr *)&sa, &len), 0);
        assert_int_equal(errno, UNTOUCHED);
        f = fdopen(fd, "r");
        assert_non_null(f);
        fclose(f);
        close(ends[0]);
        close(ends[1]);
}

/* ---- what is passed on ---- */

static void arguments_are_passed_on(void **state)
{
        int (*const calls[])(int, int, ...) = {fcntl, fcntl64, plain_fcntl, own_fcntl};

        (void)state;
        for (size_t i = 0; i < HF_LEN(calls); i++) {
                struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
                int fd = memfd_create("f", MFD_ALLOW_SEALING), to, ends[2];

                assert_int_equal(calls[i](fd, F_GETLK, &lock), 0);
                assert_int_equal(lock.l_type, F_UNLCK);
                lock.l_type = F_RDLCK;
                assert_int_equal(calls[i](fd, F_SETLK, &lock), 0);
                assert_int_equal(calls[i](fd, F_SETOWN, getpid()), 0);
                assert_int_equal(calls[i](fd, F_GETOWN), getpid());
                assert_int_equal(calls[i](fd, F_SETOWN, 0), 0);
                assert_int_equal(calls[i](fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
                assert_int_equal(calls[i](fd, F_GET_SEALS), F_SEAL_SHRINK);
                to = calls[i](fd, F_DUPFD, 300);
                assert_true(to >= 300);
                assert_int_equal(calls[i](to, F_GETFD), 0);
                close(to);
                to = calls[i](fd, F_DUPFD_CLOEXEC, 301);
                assert_true(to >= 301);
                assert_int_equal(calls[i](to, F_GETFD), FD_CLOEXEC);
                assert_int_equal(calls[i](to, F_SETFD, 0), 0);
                assert_int_equal(calls[i](to, F_GETFD), 0);
                close(to);
                close(fd);

                assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
                assert_int_equal(calls[i](ends[0], F_SETPIPE_SZ, 8192), 8192);
                assert_int_equal(calls[i](ends[0], F_SETFL, O_NONBLOCK), 0);
                assert_int_equal(calls[i](ends[0], F_GETFL), O_NONBLOCK);
                assert_int_equal(calls[i](ends[0], F_SETFL, 0), 0);
                assert_int_equal(calls[i](ends[0], F_GETFL), 0);
                expect_error(calls[i](ends[0], F_GETLK, wall), EFAULT);
                expect_error(calls[i](ends[0], F_DUPFD, -1), EINVAL);
                expect_error(calls[i](ends[0], F_DUPFD, 1 << 30), EINVAL);
                expect_error(calls[i](ends[0], 12345, 0), EINVAL);
                close(ends[0]);
                close(ends[1]);
        }
}

static void ioctl_arguments(void **state)
{
        struct winsize size = {.ws_row = 33, .ws_col = 44}, back = {0};
        int ends[2], value = 1, fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(ioctl(fd, TIOCSWINSZ, &size), 0);
        assert_int_equal(ioctl(fd, TIOCGWINSZ, &back), 0);
        assert_int_equal(back.ws_col, 44);
        close(fd);
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        assert_int_equal(ioctl(ends[0], FIONBIO, &value), 0);
        assert_int_equal(fcntl(ends[0], F_GETFL), O_NONBLOCK);
        value = 0;
        assert_int_equal(ioctl(ends[0], FIONBIO, &value), 0);
        assert_int_equal(fcntl(ends[0], F_GETFL), 0);
        assert_int_equal(write(ends[1], "words", 5), 5);
        assert_int_equal(ioctl(ends[0], FIONREAD, &value), 0);
        assert_int_equal(value, 5);
        assert_int_equal(ioctl(ends[0], FIOCLEX), 0);
        expect_error(ioctl(ends[0], TIOCGWINSZ, &size), ENOTTY);
        expect_error(ioctl(ends[0], FIONREAD, wall), EFAULT);
        expect_error(ioctl(ends[0], FIONBIO, wall), EFAULT);
        close(ends[0]);
        close(ends[1]);
}

/* ---- the connection beside ---- */

static void its_flags(void **state)
{
        int on = 1;

        (void)state;
        expect_error(ioctl(beside, FIONBIO, wall), EFAULT);
        expect_error(ioctl(beside, FIONBIO, NULL), EFAULT);
        assert_int_equal(ioctl(beside, FIONBIO, &on), 0);
        assert_int_equal(fcntl(beside, F_SETFL, O_NONBLOCK | O_ASYNC), 0);
        assert_int_equal(fcntl(beside, F_SETFL, O_NONBLOCK), 0);
        assert_int_equal(fcntl(beside, F_GETFL), O_RDWR | O_NONBLOCK);
}

static void its_duplicates(void **state)
{
        int fds[5] = {dup(beside), fcntl(beside, F_DUPFD, 200), fcntl(beside, F_DUPFD_CLOEXEC, 200),
                      file(), file()};

        (void)state;
        errno = UNTOUCHED;
        assert_int_equal(dup2(beside, fds[3]), fds[3]);
        assert_int_equal(dup3(beside, fds[4], O_CLOEXEC), fds[4]);
        assert_int_equal(errno, UNTOUCHED);
        for (size_t i = 0; i < HF_LEN(fds); i++)
                assert_true(is_stuck(fds[i]));
        for (size_t i = 0; i < HF_LEN(fds); i++) {
                close(fds[i]);
                assert_true(is_stuck(beside));
        }
}

/* Calls that fail close nothing. */
static void not_replaced(void **state)
{
        int fd = dup(beside), other = file();

        (void)state;
        expect_error(dup2(1000, fd), EBADF);
        expect_error(dup3(1000, fd, 0), EBADF);
        expect_error(dup3(fd, fd, 0), EINVAL);
        expect_error(dup3(other, fd, O_NONBLOCK), EINVAL);
        expect_error(dup3(other, fd, INT_MIN), EINVAL);
        assert_int_equal(dup2(fd, fd), fd);
        expect_error(dup2(other, -1), EBADF);
        expect_error(dup2(other, 1 << 30), EBADF);
        expect_error(dup3(other, -1, 0), EBADF);
        assert_true(is_stuck(fd));
        close(fd);
        close(other);
}

/* One of its own: replaced under way, then its number is another socket's. */
static void replaced(void **state)
{
        (void)state;
        for (int way = 0; way < 3; way++) {
                int fd = tcp(SOCK_NONBLOCK), other = file();
                struct sockaddr_storage sa;
                socklen_t len = sizeof sa;

                assert_int_equal(connect_stuck(fd), EINPROGRESS);
                errno = UNTOUCHED;
                assert_int_equal(way == 0   ? dup2(other, fd)
                                 : way == 1 ? dup3(other, fd, O_CLOEXEC)
                                            : own_dup2(other, fd),
                                 fd);
                assert_int_equal(errno, UNTOUCHED);
                assert_int_equal(fcntl(fd, F_GETFD), way == 1 ? FD_CLOEXEC : 0);
                expect_error(getpeername(fd, (struct sockaddr *)&sa, &len), ENOTSOCK);
                assert_int_equal(write(fd, "x", 1), 1);
                close(fd);
                close(other);
        }
}

/* The first descriptor is closed, the connection goes on under the second. */
static void goes_on_under_another_number(void **state)
{
        int fd = tcp(SOCK_NONBLOCK), second, third = file();

        (void)state;
        assert_int_equal(connect_stuck(fd), EINPROGRESS);
        second = dup(fd);
        close(fd);
        assert_true(is_stuck(second));
        assert_int_equal(dup2(second, third), third);
        assert_int_equal(close_range((unsigned)second, (unsigned)second, 0), 0);
        assert_true(is_stuck(third));
        close(third);
}

/* ---- ranges ---- */

static void ranges(void **state)
{
        int fds[3] = {fcntl(beside, F_DUPFD, 400), fcntl(beside, F_DUPFD, 401),
                      fcntl(beside, F_DUPFD, 402)};

        (void)state;
        expect_error(close_range(402, 400, 0), EINVAL);
        expect_error(close_range(400, 402, 1 << 20), EINVAL);
        assert_int_equal(close_range(400, 402, CLOSE_RANGE_CLOEXEC), 0);
        for (int i = 0; i < 3; i++)
                assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
        assert_int_equal(close_range(401, 401, 0), 0);
        assert_false(is_open(401));
        assert_true(is_stuck(400));
        assert_int_equal(close_range(400, UINT_MAX, 0), 0);
        assert_false(is_open(400));
        assert_false(is_open(402));
}

static void close_the_rest(void *arg)
{
        int fd = fcntl(beside, F_DUPFD, 500);

        if (*(int *)arg == 0)
                closefrom(400);
        else if (close_range(400, UINT_MAX, CLOSE_RANGE_UNSHARE) != 0)
                _exit(1);
        if (is_open(fd) || !is_stuck(beside))
                _exit(2);
        if (*(int *)arg == 0)
                closefrom(-5);
        else
                close_range(0, UINT_MAX, 0);
        _exit(is_open(0) || is_open(beside) ? 3 : 0);
}

static void ranges_in_a_child(void **state)
{
        (void)state;
        for (int way = 0; way < 2; way++)
                assert_int_equal(status_of_child(close_the_rest, &way), 0);
}

/* ---- SO_ERROR ---- */

enum pointers { GOOD, BAD_PLACE, BAD_LENGTH, NULL_PLACE, NULL_LENGTH };

static const struct room {
        const char *name;
        int len; /* that the caller gives */
        enum pointers pointers;
} rooms[] = {
        {"no_room", 0, GOOD},          {"no_room_bad", 0, BAD_PLACE},
        {"room_1", 1, GOOD},           {"room_2", 2, GOOD},
        {"room_3", 3, GOOD},           {"room_4", 4, GOOD},
        {"room_5", 5, GOOD},           {"room_15", 15, GOOD},
        {"room_16", 16, GOOD},         {"room_17", 17, GOOD},
        {"room_27", 27, GOOD},         {"room_28", 28, GOOD},
        {"room_128", 128, GOOD},       {"room_largest", INT_MAX, GOOD},
        {"room_negative", -1, GOOD},   {"room_smallest", INT_MIN, GOOD},
        {"bad_room", 16, BAD_PLACE},   {"bad_length", 16, BAD_LENGTH},
        {"null_room", 16, NULL_PLACE}, {"null_length", 16, NULL_LENGTH},
};

static void *place(const struct room *row, char *good)
{
        return row->pointers == BAD_PLACE ? wall : row->pointers == NULL_PLACE ? NULL : good;
}

static socklen_t *length(const struct room *row, socklen_t *good)
{
        return row->pointers == BAD_LENGTH    ? (socklen_t *)wall
               : row->pointers == NULL_LENGTH ? NULL
                                              : good;
}

static bool is_bad(const struct room *row)
{
        return row->pointers != GOOD && (row->len > 0 || row->pointers != BAD_PLACE);
}

/* What a call should write into ROOM's, as much of it as fits. */
static void expect_written(const struct room *row, long r, const char *buf, const void *whole,
                           int whole_len)
{
        int n = row->len < whole_len ? row->len : whole_len;

        if (row->len < 0) {
                expect_error(r, EINVAL);
                return;
        }
        if (is_bad(row)) {
                expect_error(r, EFAULT);
                return;
        }
        assert_int_equal(r, 0);
        for (int i = n; i < 128; i++)
                assert_int_equal(buf[i], 'u');
        if (n > 0)
                assert_memory_equal(buf, whole, (size_t)n);
}

/* A connection that failed, asked about in every way. In the end the error was told once. */
static void error_into(void **state)
{
        const struct room *row = *state;
        const int error = mode == PRELOADED ? EACCES : ECONNREFUSED, none = 0;
        char buf[256];
        socklen_t len;
        long r;
        int fd;

        for (int failed = 0; failed < 2; failed++) {
                fd = tcp(SOCK_NONBLOCK);
                if (failed) {
                        atomic_store(&world->behaviour, REFUSES_403);
                        assert_int_equal(connect_to(fd, FAR,
                                                    mode == PRELOADED ? 443 : world->dead_port,
                                                    false),
                                         EINPROGRESS);
                        assert_true(ready(fd, POLLERR));
                }
                memset(buf, 'u', sizeof buf);
                len = (socklen_t)row->len;
                errno = UNTOUCHED;
                r = getsockopt(fd, SOL_SOCKET, SO_ERROR, place(row, buf), length(row, &len));
                if (r == 0)
                        assert_int_equal(errno, UNTOUCHED);
                expect_written(row, r, buf, failed ? &error : &none, sizeof error);
                if (r == 0) {
                        assert_int_equal(len, row->len < 4 ? row->len : 4);
                        /* told: not again */
                        len = sizeof error;
                        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, buf, &len), 0);
                        assert_memory_equal(buf, &none, sizeof none);
                }
                close(fd);
        }
}

/* ---- getpeername() ---- */

static void name_into(void **state)
{
        const struct room *row = *state;
        static const struct {
                const char *addr;
                uint16_t port;
                bool v6;
        } ways[] = {{"127.0.0.1", 443, false},
                    {"::1", 443, true},
                    {FAR, 443, false},
                    {FAR, 443, true},
                    {"2001:db8:10::7", 80, true}};

        atomic_store(&world->behaviour, GRANTS);
        for (size_t i = 0; i < HF_LEN(ways); i++) {
                int fd = socket(ways[i].v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                struct sockaddr_storage sa;
                socklen_t len, whole = address(&sa, ways[i].addr, ways[i].port, ways[i].v6);
                char buf[256];
                long r;

                assert_int_equal(connect_to(fd, ways[i].addr, ways[i].port, ways[i].v6), 0);
                memset(buf, 'u', sizeof buf);
                len = (socklen_t)row->len;
                errno = UNTOUCHED;
                r = getpeername(fd, (struct sockaddr *)place(row, buf), length(row, &len));
                expect_written(row, r, buf, &sa, (int)whole);
                if (r == 0) {
                        assert_int_equal(errno, UNTOUCHED);
                        assert_int_equal(len, whole);
                }
                close(fd);
        }
}

static void bad_name_of_unconnected(void **state)
{
        int fd = tcp(0);

        (void)state;
        expect_error(getpeername(fd, NULL, NULL), ENOTCONN);
        expect_error(getpeername(beside, (struct sockaddr *)wall, (socklen_t *)wall), ENOTCONN);
        close(fd);
}

static struct table t;

int main(int argc, char **argv)
{
        static char names[2][HF_LEN(rooms)][40];
        socklen_t len;

        setenv("HFPROXY_TIMEOUT", "200", 0);
        world_enter(argc, argv, NULL);
        wall = page_and_none() + 4096;
        table_add(&t, "bad_descriptors", bad_descriptors, NULL);
        table_add(&t, "success_keeps_errno", success_keeps_errno, NULL);
        table_add(&t, "arguments_are_passed_on", arguments_are_passed_on, NULL);
        table_add(&t, "ioctl_arguments", ioctl_arguments, NULL);
        table_add(&t, "its_flags", its_flags, NULL);
        table_add(&t, "its_duplicates", its_duplicates, NULL);
        table_add(&t, "not_replaced", not_replaced, NULL);
        table_add(&t, "replaced", replaced, NULL);
        table_add(&t, "goes_on_under_another_number", goes_on_under_another_number, NULL);
        table_add(&t, "ranges", ranges, NULL);
        table_add(&t, "ranges_in_a_child", ranges_in_a_child, NULL);
        for (size_t i = 0; i < HF_LEN(rooms); i++) {
                snprintf(names[0][i], sizeof names[0][i], "so_error_%s", rooms[i].name);
                table_add(&t, names[0][i], error_into, &rooms[i]);
                snprintf(names[1][i], sizeof names[1][i], "getpeername_%s", rooms[i].name);
                if (length(&rooms[i], &len) == &len || !LOOKED_AT)
                        table_add(&t, names[1][i], name_into, &rooms[i]);
        }
        if (!LOOKED_AT)
                table_add(&t, "bad_name_of_unconnected", bad_name_of_unconnected, NULL);
        for (size_t i = 0; i < t.n; i++)
                t.cases[i].teardown_func = beside_goes_on;
        return _cmocka_run_group_tests("fd_args", t.cases, t.n, beside_begin, NULL);
}
