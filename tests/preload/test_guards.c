/* SPDX-License-Identifier: MIT */
/* The ways by which data could pass the hooks while a handshake is under way: O_NONBLOCK cleared,
 * stdio, a descriptor handed to another process. */
#define _GNU_SOURCE
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int setup(void **state)
{
        (void)state;
        gate_set(GATE_GRANTS, 20);
        return 0;
}

static ssize_t raw_write(int fd, const char *text)
{
        return raw_call(SYS_write, fd, (long)text, (long)strlen(text), 0, 0);
}

/* ---- O_NONBLOCK cleared ---- */

/* Both names: our own build has the headers turn one into the other. */
int plain_fcntl(int fd, int cmd, ...) __asm__("fcntl");
int large_fcntl(int fd, int cmd, ...) __asm__("fcntl64");

static int clear_by_fcntl(int fd)
{
        return plain_fcntl(fd, F_SETFL, plain_fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

static int clear_by_fcntl64(int fd)
{
        return large_fcntl(fd, F_SETFL, large_fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

static int clear_by_ioctl(int fd)
{
        int off = 0;

        return ioctl(fd, FIONBIO, &off);
}

static void write_by_write(int fd)
{
        assert_int_equal(write(fd, "plain\n", 6), 6);
}

static void write_unseen(int fd)
{
        assert_int_equal(raw_write(fd, "plain\n"), 6);
}

static void write_by_stdio(int fd)
{
        FILE *file = fdopen(dup(fd), "w");

        assert_non_null(file);
        assert_int_equal(fprintf(file, "%s\n", "plain"), 6);
        assert_int_equal(fflush(file), 0);
        assert_int_equal(fclose(file), 0);
}

static const struct clearing {
        const char *name;
        int (*clear)(int fd);
        void (*write)(int fd);
} clearings[] = {
        {"fcntl_then_write", clear_by_fcntl, write_by_write},
        {"fcntl_then_write_unseen", clear_by_fcntl, write_unseen},
        {"fcntl_then_stdio", clear_by_fcntl, write_by_stdio},
        {"fcntl64_then_write", clear_by_fcntl64, write_by_write},
        {"fcntl64_then_write_unseen", clear_by_fcntl64, write_unseen},
        {"fcntl64_then_stdio", clear_by_fcntl64, write_by_stdio},
        {"ioctl_then_write", clear_by_ioctl, write_by_write},
        {"ioctl_then_write_unseen", clear_by_ioctl, write_unseen},
        {"ioctl_then_stdio", clear_by_ioctl, write_by_stdio},
};

static void nonblock_cleared(void **state)
{
        const struct clearing *row = *state;

        for (int waited = 0; waited < 2; waited++) {
                struct pollfd pfd = {.events = POLLOUT};
                int fd;

                gate_set(GATE_GRANTS, 20);
                fd = pfd.fd = begun();
                if (waited)
                        poll(&pfd, 1, 0);
                assert_int_equal(row->clear(fd), 0);
                assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
                row->write(fd);
                expect_read(fd, "plain\n");
                expect_tunnel(fd);
                close(fd);
        }
}

/* The handshake fails there: the call itself does not, the next one does. */
static void nonblock_cleared_on_a_refusal(void **state)
{
        const struct clearing *row = *state;
        int fd;

        gate_set(GATE_403, 20);
        fd = begun();
        assert_int_equal(row->clear(fd), 0);
        assert_int_equal(write(fd, "x", 1), -1);
        assert_int_equal(errno, EACCES);
        assert_int_equal(write(fd, "x", 1), -1);
        assert_int_equal(errno, EPIPE);
        assert_int_equal(atomic_load(&gate_now()->early), 0);
        close(fd);
}

static int set_append(int fd) /* as libraries do that only mean to set something */
{
        return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC);
}

static int set_again(int fd)
{
        int on = 1;

        return ioctl(fd, FIONBIO, &on);
}

static const struct keeping {
        const char *name;
        int (*call)(int fd);
} keepings[] = {{"fcntl_that_keeps_it", set_append}, {"ioctl_that_keeps_it", set_again}};

/* F_SETFL with O_NONBLOCK kept makes nobody wait. */
static void nonblock_kept(void **state)
{
        const struct keeping *row = *state;
        int fd;

        signal(SIGIO, SIG_IGN);
        gate_set(GATE_GRANTS, -1);
        fd = begun();
        assert_int_equal(row->call(fd), 0);
        if (mode == PRELOADED)
                assert_int_equal(begin(fd), EALREADY);
        gate_open();
        assert_true(ready(fd, POLLOUT));
        expect_tunnel(fd);
        close(fd);
}

/* ---- stdio, without O_NONBLOCK cleared ---- */

static const struct stream {
        const char *name, *mode;
        bool waits;
} streams[] = {
        {"fdopen_w", "w", false},
        {"fdopen_r_plus", "r+", false},
        {"fdopen_a", "a", false},
        {"fdopen_w_polled", "w", true},
        {"fdopen_r_plus_polled", "r+", true},
};

static void stdio_writes(void **state)
{
        const struct stream *row = *state;
        int fd = begun();
        struct pollfd pfd = {.fd = fd, .events = POLLOUT};
        FILE *file;

        if (row->waits)
                poll(&pfd, 1, 0);
        file = fdopen(dup(fd), row->mode);
        assert_non_null(file);
        assert_int_equal(fprintf(file, "GET %s\n", "/"), 6);
        assert_int_equal(fflush(file), 0);
        expect_read(fd, "GET /\n");
        fclose(file);
        expect_tunnel(fd);
        close(fd);
}

/* As programs in a hurry do: one FILE to read from, one to write to. */
static void stdio_reads_the_banner(void **state)
{
        char line[64] = "";
        FILE *in, *out;
        int fd;

        (void)state;
        gate_set(GATE_BANNER, 20);
        fd = begun();
        in = fdopen(fd, "r");
        out = fdopen(dup(fd), "w");
        assert_true(in && out);
        clear_by_fcntl(fd);
        if (mode != PRELOADED)
                raw_write(fd, BANNER);
        assert_non_null(fgets(line, sizeof line, in));
        assert_string_equal(line, BANNER);
        fputs("HELO me\n", out);
        assert_int_equal(fflush(out), 0);
        assert_non_null(fgets(line, sizeof line, in));
        assert_string_equal(line, "HELO me\n");
        assert_int_equal(atomic_load(&gate_now()->early), 0);
        fclose(out);
        fclose(in);
}

/* ---- handed to another process ---- */

static void send_fds(int through, const int *fds, size_t n, bool many)
{
        union {
                char buf[CMSG_SPACE(4 * sizeof(int))];
                struct cmsghdr align;
        } control = {0};
        char byte = 'f';
        struct iovec iov = {&byte, 1};
        struct mmsghdr m = {.msg_hdr = {.msg_iov = &iov,
                                        .msg_iovlen = 1,
                                        .msg_control = control.buf,
                                        .msg_controllen = CMSG_SPACE(n * sizeof(int))}};
        struct cmsghdr *c = CMSG_FIRSTHDR(&m.msg_hdr);

        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n * sizeof(int));
        memcpy(CMSG_DATA(c), fds, n * sizeof(int));
        if (many)
                assert_int_equal(sendmmsg(through, &m, 1, 0), 1);
        else
                assert_int_equal(sendmsg(through, &m.msg_hdr, 0), 1);
}

static int receive_fd(int through)
{
        union {
                char buf[CMSG_SPACE(4 * sizeof(int))];
                struct cmsghdr align;
        } control = {0};
        char byte;
        struct iovec iov = {&byte, 1};
        struct msghdr m = {.msg_iov = &iov,
                           .msg_iovlen = 1,
                           .msg_control = control.buf,
                           .msg_controllen = sizeof control.buf};
        int fds[4] = {-1, -1, -1, -1};
        size_t n;

        if (recvmsg(through, &m, 0) != 1 || !CMSG_FIRSTHDR(&m))
                return -1;
        n = CMSG_FIRSTHDR(&m)->cmsg_len - CMSG_LEN(0);
        memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&m)), n < sizeof fds ? n : sizeof fds);
        return fds[n / sizeof(int) - 1]; /* the last */
}

static const struct handing {
        const char *name;
        bool many;  /* sendmmsg */
        bool first; /* of two, the socket is the second */
} handings[] = {{"sendmsg_rights", false, false},
                {"sendmmsg_rights", true, false},
                {"sendmsg_rights_behind_another", false, true}};

static void handed_over(void **state)
{
        const struct handing *row = *state;
        int ends[2], fd, status;
        pid_t pid;

        /* The child is there before, with no copy of the record. */
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        pid = fork();
        if (pid == 0) {
                char buf[16];
                int mine;

                close(ends[0]);
                mine = receive_fd(ends[1]);
                if (raw_write(mine, "from the child\n") != 15 || !ready(mine, POLLIN))
                        _exit(1);
                _exit(recv(mine, buf, 15, MSG_WAITALL) == 15 && !memcmp(buf, "from the child\n", 15)
                              ? 0
                              : 2);
        }
        close(ends[1]);
        fd = begun();
        send_fds(ends[0], (const int[]){row->first ? ends[0] : fd, fd}, row->first ? 2 : 1,
                 row->many);
        close(fd);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_int_equal(atomic_load(&gate_now()->early), 0);
        assert_int_equal(atomic_load(&gate_now()->granted), mode == PRELOADED);
        close(ends[0]);
}

int main(int argc, char **argv)
{
        static struct table t;

        gate_enter(argc, argv);
        TABLE_ADD(&t, nonblock_cleared, clearings);
        TABLE_ADD(&t, nonblock_kept, keepings);
        TABLE_ADD(&t, stdio_writes, streams);
        table_add(&t, "stdio_reads_the_banner", stdio_reads_the_banner, NULL);
        TABLE_ADD(&t, handed_over, handings);
        if (mode == PRELOADED)
                TABLE_ADD_AS(&t, "refused_%s", nonblock_cleared_on_a_refusal, clearings);
        return table_run_with("guards", &t, setup);
}
