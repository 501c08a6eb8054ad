/* SPDX-License-Identifier: MIT */
/* The calls that move data, where they are none of the library's business: on other descriptors,
 * with bad arguments, with descriptors in messages. One unrelated connection is under way; all
 * must be as without the library. */
#define _GNU_SOURCE
#include "beside.h"
#include "calls.h"

#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>

static char *wall; /* what begins here is out of reach */

static void pair(int type, int ends[2])
{
        assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
}

static void close_both(const int ends[2])
{
        close(ends[0]);
        close(ends[1]);
}

/* ---- by call: descriptors, errno ---- */

static void bad_descriptors(void **state)
{
        const struct call *call = *state;
        const int fds[] = {-1, 1000, 1 << 20, INT_MAX, INT_MIN};
        char buf[8] = "words";

        for (size_t i = 0; i < HF_LEN(fds); i++) {
                errno = 0;
                if (call->move(fds[i], buf, 5) != -1 || errno != EBADF)
                        fail_msg("%d: %s", fds[i], strerror(errno));
        }
}

static void no_sockets(void **state)
{
        const struct call *call = *state;
        int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        const char *name = call->name + (call->name[0] == '_' ? 2 : 0);
        bool of_sockets =
                !strncmp(name, "recv", 4) || (!strncmp(name, "send", 4) && !strstr(name, "file"));
        char buf[8] = "words";
        ssize_t r;

        errno = 0;
        r = call->move(fd, buf, 5);
        if (of_sockets && (r != -1 || errno != ENOTSOCK))
                fail_msg("%zd, %s", r, strerror(errno));
        if (call->move == by_splice_in)
                assert_int_equal(errno, EINVAL);
        else if (!of_sockets && r != (call->writes ? 5 : 0))
                fail_msg("%zd, %s", r, strerror(errno));
        close(fd);
}

static void success_keeps_errno(void **state)
{
        const struct call *call = *state;
        char buf[8] = "words";
        int ends[2];
        ssize_t r;

        pair(SOCK_STREAM, ends);
        if (!call->writes)
                assert_int_equal(send(ends[1], "words", 5, 0), 5);
        errno = UNTOUCHED;
        r = call->move(ends[0], buf, 5);
        if (r != 5 || errno != UNTOUCHED)
                fail_msg("%zd, %s", r, strerror(errno));
        if (call->writes) {
                memset(buf, 0, sizeof buf);
                assert_int_equal(recv(ends[1], buf, sizeof buf, 0), 5);
        }
        assert_string_equal(buf, "words");
        close_both(ends);
}

/* ---- bad pointers ---- */

static struct iovec bad_iov(void)
{
        return (struct iovec){wall, 5};
}

static long send_bad(int fd)
{
        return send(fd, wall, 5, 0);
}

static long sendto_bad_address(int fd)
{
        return sendto(fd, "words", 5, 0, (struct sockaddr *)wall, 16);
}

static long sendmsg_bad(int fd)
{
        return sendmsg(fd, (struct msghdr *)wall, 0);
}

static long sendmsg_null(int fd)
{
        return sendmsg(fd, NULL, 0);
}

static long sendmsg_null_control(int fd)
{
        struct iovec iov = {"words", 5};
        const struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_controllen = 24};

        return sendmsg(fd, &msg, 0);
}

static long sendmmsg_null(int fd)
{
        return sendmmsg(fd, NULL, 3, 0);
}

static long sendmsg_bad_in_part(int fd)
{
        return sendmsg(fd, (struct msghdr *)(wall - sizeof(struct msghdr) + 8), 0);
}

static long sendmsg_bad_vector(int fd)
{
        const struct msghdr msg = {.msg_iov = (struct iovec *)wall, .msg_iovlen = 1};

        return sendmsg(fd, &msg, 0);
}

static long sendmsg_bad_name(int fd)
{
        const struct msghdr msg = {.msg_name = wall, .msg_namelen = 16};

        return sendmsg(fd, &msg, 0);
}

static long sendmsg_bad_control(int fd)
{
        struct iovec iov = {"words", 5};
        const struct msghdr msg = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = wall, .msg_controllen = 24};

        return sendmsg(fd, &msg, 0);
}

static long sendmsg_control_over_the_edge(int fd)
{
        struct iovec iov = {"words", 5};
        const struct msghdr msg = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = wall - 16, .msg_controllen = 24};

        return sendmsg(fd, &msg, 0);
}

static long sendmmsg_bad(int fd)
{
        return sendmmsg(fd, (struct mmsghdr *)wall, 3, 0);
}

static long write_bad(int fd)
{
        return write(fd, wall, 5);
}

static long writev_bad(int fd)
{
        return writev(fd, (struct iovec *)wall, 1);
}

static long writev_bad_bytes(int fd)
{
        const struct iovec iov = bad_iov();

        return writev(fd, &iov, 1);
}

static long pwritev2_bad(int fd)
{
        return pwritev2(fd, (struct iovec *)wall, 1, -1, 0);
}

static long sendfile_bad_offset(int fd)
{
        return sendfile(fd, fd, (off_t *)wall, 5);
}

static long recv_bad(int fd)
{
        return recv(fd, wall, 5, 0);
}

static long recvfrom_bad_length(int fd)
{
        char buf[8];
        struct sockaddr_storage sa;

        return recvfrom(fd, buf, 5, 0, (struct sockaddr *)&sa, (socklen_t *)wall);
}

static long recvmsg_bad(int fd)
{
        return recvmsg(fd, (struct msghdr *)wall, 0);
}

static long recvmmsg_bad(int fd)
{
        return recvmmsg(fd, (struct mmsghdr *)wall, 1, 0, NULL);
}

static long recvmmsg_bad_time(int fd)
{
        struct mmsghdr msg = {0};

        return recvmmsg(fd, &msg, 1, 0, (struct timespec *)wall);
}

static long read_bad(int fd)
{
        return read(fd, wall, 5);
}

static long readv_bad(int fd)
{
        return readv(fd, (struct iovec *)wall, 1);
}

static long preadv2_bad(int fd)
{
        const struct iovec iov = bad_iov();

        return preadv2(fd, &iov, 1, -1, 0);
}

/* The implicit connect of a fresh socket. */
static long fastopen_bad_address(int fd)
{
        (void)fd;
        return sendto(tcp(0), "words", 5, MSG_FASTOPEN, (struct sockaddr *)wall, 16);
}

static long fastopen_null_message(int fd)
{
        (void)fd;
        return sendmsg(tcp(0), NULL, MSG_FASTOPEN);
}

static long fastopen_bad_message(int fd)
{
        (void)fd;
        return sendmsg(tcp(0), (struct msghdr *)wall, MSG_FASTOPEN);
}

static long fastopen_bad_name(int fd)
{
        const struct msghdr msg = {.msg_name = wall, .msg_namelen = 16};

        (void)fd;
        return sendmsg(tcp(0), &msg, MSG_FASTOPEN);
}

static long fastopen_bad_messages(int fd)
{
        (void)fd;
        return sendmmsg(tcp(0), (struct mmsghdr *)wall, 1, MSG_FASTOPEN);
}

static const struct pointer {
        const char *name;
        long (*call)(int fd); /* with something to read */
} pointers[] = {
        {"send_bad", send_bad},
        {"sendto_bad_address", sendto_bad_address},
        {"sendmsg_bad", sendmsg_bad},
        {"sendmsg_null", sendmsg_null},
        {"sendmsg_null_control", sendmsg_null_control},
        {"sendmmsg_null", sendmmsg_null},
        {"sendmsg_bad_in_part", sendmsg_bad_in_part},
        {"sendmsg_bad_vector", sendmsg_bad_vector},
        {"sendmsg_bad_name", sendmsg_bad_name},
        {"sendmsg_bad_control", sendmsg_bad_control},
        {"sendmsg_control_over_the_edge", sendmsg_control_over_the_edge},
        {"sendmmsg_bad", sendmmsg_bad},
        {"write_bad", write_bad},
        {"writev_bad", writev_bad},
        {"writev_bad_bytes", writev_bad_bytes},
        {"pwritev2_bad", pwritev2_bad},
        {"sendfile_bad_offset", sendfile_bad_offset},
        {"recv_bad", recv_bad},
        {"recvfrom_bad_length", recvfrom_bad_length},
        {"recvmsg_bad", recvmsg_bad},
        {"recvmmsg_bad", recvmmsg_bad},
        {"recvmmsg_bad_time", recvmmsg_bad_time},
        {"read_bad", read_bad},
        {"readv_bad", readv_bad},
        {"preadv2_bad", preadv2_bad},
        {"fastopen_bad_address", fastopen_bad_address},
        {"fastopen_null_message", fastopen_null_message},
        {"fastopen_bad_message", fastopen_bad_message},
        {"fastopen_bad_name", fastopen_bad_name},
        {"fastopen_bad_messages", fastopen_bad_messages},
};

static void bad_pointer(void **state)
{
        const struct pointer *row = *state;
        int ends[2];
        long r;

        pair(SOCK_STREAM, ends);
        assert_int_equal(send(ends[1], "words", 5, 0), 5);
        errno = 0;
        r = row->call(ends[0]);
        if (r != -1 || errno != EFAULT)
                fail_msg("%ld, %s", r, strerror(errno));
        close_both(ends);
}

/* ---- the connection beside, itself ---- */

static void nothing_asked_of_it(void **state)
{
        struct msghdr none = {0};
        char buf[8];

        (void)state;
        assert_int_equal(read(beside, buf, 0), 0);
        assert_int_equal(__read_chk(beside, buf, 0, 0), 0);
        assert_int_equal(recvmsg(beside, &none, MSG_ERRQUEUE), -1);
        assert_int_equal(errno, EAGAIN);
        assert_int_equal(sendmmsg(beside, NULL, 0, 0), 0);
        assert_int_equal(recvmmsg(beside, NULL, 0, 0, NULL), 0);
        assert_int_equal(plain_pwritev2(beside, NULL, 0, 5, 0), -1);
        assert_int_equal(errno, ESPIPE);
        assert_int_equal(plain_preadv2(beside, NULL, 0, 5, 0), -1);
        assert_int_equal(errno, ESPIPE);
}

/* ---- several messages ---- */

static void messages(struct mmsghdr *msgs, struct iovec *iov, char (*bufs)[8], unsigned n)
{
        memset(msgs, 0, n * sizeof *msgs);
        for (unsigned i = 0; i < n; i++) {
                iov[i] = (struct iovec){bufs[i], sizeof bufs[i]};
                msgs[i].msg_hdr.msg_iov = &iov[i];
                msgs[i].msg_hdr.msg_iovlen = 1;
        }
}

static void some_messages_are_sent(void **state)
{
        char bufs[3][8] = {"first", "second", "third"};
        struct mmsghdr msgs[3], *edge = (struct mmsghdr *)wall - 1;
        struct iovec iov[3];
        int ends[2];

        (void)state;
        pair(SOCK_DGRAM, ends);
        messages(msgs, iov, bufs, 3);
        iov[1].iov_base = wall;
        errno = UNTOUCHED;
        assert_int_equal(sendmmsg(ends[0], msgs, 3, 0), 1);
        assert_int_equal(errno, UNTOUCHED);
        assert_int_equal(msgs[0].msg_len, 8);

        /* the array itself ends too soon */
        messages(msgs, iov, bufs, 3);
        memcpy(edge, msgs, sizeof *edge);
        assert_int_equal(sendmmsg(ends[0], edge, 3, 0), 1);
        assert_int_equal(edge->msg_len, 8);

        assert_int_equal(sendmmsg(ends[0], msgs, 3, 0), 3);
        iov[0].iov_base = wall;
        assert_int_equal(sendmmsg(ends[0], msgs, 3, 0), -1);
        assert_int_equal(errno, EFAULT);
        close_both(ends);
}

static void some_messages_are_received(void **state)
{
        char bufs[3][8];
        struct mmsghdr msgs[3];
        struct iovec iov[3];
        int ends[2];

        (void)state;
        pair(SOCK_DGRAM, ends);
        messages(msgs, iov, bufs, 3);
        assert_int_equal(recvmmsg(ends[0], msgs, 3, 0, NULL), -1);
        assert_int_equal(errno, EAGAIN);
        assert_int_equal(send(ends[1], "one", 4, 0), 4);
        assert_int_equal(send(ends[1], "more", 5, 0), 5);
        errno = UNTOUCHED;
        assert_int_equal(recvmmsg(ends[0], msgs, 3, 0, NULL), 2);
        assert_int_equal(errno, UNTOUCHED);
        assert_int_equal(msgs[0].msg_len, 4);
        assert_int_equal(msgs[1].msg_len, 5);
        assert_string_equal(bufs[1], "more");
        assert_int_equal(fcntl(ends[0], F_SETFL, 0), 0);
        assert_int_equal(send(ends[1], "one", 4, 0), 4);
        assert_int_equal(recvmmsg(ends[0], msgs, 3, MSG_WAITFORONE, NULL), 1);
        close_both(ends);
}

/* ---- descriptors in messages ---- */

union control {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(4 * sizeof(int))];
};

/* A message with FDS. Its control data end where nothing can be read any more. */
static struct msghdr with_rights(struct iovec *iov, const int *fds, size_t n)
{
        struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 1};
        struct cmsghdr *head;

        msg.msg_controllen = CMSG_SPACE(n * sizeof *fds);
        msg.msg_control = wall - msg.msg_controllen;
        memset(msg.msg_control, 0, msg.msg_controllen);
        head = CMSG_FIRSTHDR(&msg);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(n * sizeof *fds);
        memcpy(CMSG_DATA(head), fds, n * sizeof *fds);
        return msg;
}

static void read_what_was_sent(void *arg)
{
        union control control;
        char byte, buf[8] = "";
        struct iovec iov = {&byte, 1};
        struct msghdr msg = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
        int fds[2];

        if (recvmsg(*(int *)arg, &msg, MSG_CMSG_CLOEXEC) != 1 ||
            control.head.cmsg_type != SCM_RIGHTS || control.head.cmsg_len != CMSG_LEN(sizeof fds))
                _exit(1);
        memcpy(fds, CMSG_DATA(&control.head), sizeof fds);
        for (int i = 0; i < 2; i++)
                if (pread(fds[i], buf, sizeof buf, 0) != 5 || strcmp(buf, i ? "other" : "words"))
                        _exit(2);
}

static void files_are_sent(void **state)
{
        int fds[2] = {file_of("words", 5), file_of("other", 5)}, ends[2];
        struct iovec iov = {"x", 1};
        struct msghdr msg;
        struct mmsghdr one;

        (void)state;
        for (int many = 0; many < 2; many++) {
                pair(SOCK_STREAM, ends);
                msg = with_rights(&iov, fds, 2);
                one = (struct mmsghdr){.msg_hdr = msg};
                errno = UNTOUCHED;
                assert_int_equal(many ? sendmmsg(ends[0], &one, 1, 0) : sendmsg(ends[0], &msg, 0),
                                 1);
                assert_int_equal(errno, UNTOUCHED);
                assert_int_equal(status_of_child(read_what_was_sent, &ends[1]), 0);
                close_both(ends);
        }
        close_both(fds);
}

/* Lengths that are wrong, and where the control data end nothing can be read. */
static const struct malformed {
        const char *name;
        size_t len, control_len; /* of one descriptor's message: 20 and 24 */
        int fd;
        int error;
} malformed[] = {
        {"rights_well_formed", 20, 24, 0, 0},
        {"rights_without_padding", 20, 20, 0, 0},
        {"rights_none", 16, 16, 0, 0},
        {"rights_odd", 19, 24, 0, 0},
        {"rights_no_length", 0, 24, 0, EINVAL},
        {"rights_short_length", 15, 24, 0, EINVAL},
        {"rights_over_the_end", 25, 24, 0, EINVAL},
        {"rights_far_over_the_end", 1000, 24, 0, EINVAL},
        {"rights_longest", SIZE_MAX, 24, 0, EINVAL},
        {"rights_32_bits", UINT32_MAX, 24, 0, EINVAL},
        {"rights_no_header", 20, 8, 0, 0},
        {"rights_bad_descriptor", 20, 24, 1000, EBADF},
        {"rights_negative_descriptor", 20, 24, -1, EBADF},
        {"rights_largest_descriptor", 20, 24, INT_MAX, EBADF},
        {"rights_smallest_descriptor", 20, 24, INT_MIN, EBADF},
};

static void rights_malformed(void **state)
{
        const struct malformed *row = *state;
        struct iovec iov = {"x", 1};
        int ends[2], fd = row->fd;
        struct msghdr msg = with_rights(&iov, &fd, 1);
        struct cmsghdr head = *(struct cmsghdr *)msg.msg_control;
        char *start = wall - row->control_len;
        ssize_t r;

        pair(SOCK_STREAM, ends);
        memmove(start, msg.msg_control,
                row->control_len < msg.msg_controllen ? row->control_len : msg.msg_controllen);
        head.cmsg_len = row->len;
        memcpy(start, &head, row->control_len < sizeof head ? row->control_len : sizeof head);
        msg.msg_control = start;
        msg.msg_controllen = row->control_len;
        errno = 0;
        r = sendmsg(ends[0], &msg, 0);
        if (r != (row->error ? -1 : 1) || errno != row->error)
                fail_msg("%zd, %s", r, strerror(errno));
        close_both(ends);
}

static void control_too_long(void **state)
{
        struct iovec iov = {"x", 1};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = wall - 64};
        int ends[2];

        (void)state;
        pair(SOCK_STREAM, ends);
        msg.msg_controllen = SIZE_MAX;
        assert_int_equal(sendmsg(ends[0], &msg, 0), -1);
        assert_int_equal(errno, ENOBUFS);
        msg.msg_controllen = INT_MAX;
        assert_int_equal(sendmsg(ends[0], &msg, 0), -1);
        assert_int_equal(errno, ENOBUFS);
        close_both(ends);
}

/* ---- from file to pipe to socket, and back ---- */

static void moved_between_descriptors(void **state)
{
        int file = file_of("some words", 10), copy = memfd_create("copy", MFD_CLOEXEC);
        int ends[2], pipes[2];
        char buf[16] = "";
        loff_t at = 5;
        off_t plain_at = 5;

        (void)state;
        pair(SOCK_STREAM, ends);
        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        errno = UNTOUCHED;
        assert_int_equal(splice(file, &at, pipes[1], NULL, 5, 0), 5);
        assert_int_equal(at, 10);
        assert_int_equal(splice(pipes[0], NULL, ends[0], NULL, 100, SPLICE_F_MOVE), 5);
        assert_int_equal(splice(ends[1], NULL, pipes[1], NULL, 100, SPLICE_F_NONBLOCK), 5);
        at = 2;
        assert_int_equal(splice(pipes[0], NULL, copy, &at, 100, 0), 5);
        assert_int_equal(at, 7);
        assert_int_equal(pread(copy, buf, sizeof buf, 2), 5);
        assert_string_equal(buf, "words");
        assert_int_equal(sendfile(ends[0], file, &plain_at, 100), 5);
        assert_int_equal(plain_at, 10);
        assert_int_equal(sendfile(copy, file, NULL, 100), 10);
        assert_int_equal(errno, UNTOUCHED);

        assert_int_equal(splice(ends[0], NULL, pipes[1], NULL, 5, SPLICE_F_NONBLOCK), -1);
        assert_int_equal(errno, EAGAIN);
        assert_int_equal(splice(file, NULL, copy, NULL, 5, 0), -1);
        assert_int_equal(errno, EINVAL);
        assert_int_equal(splice(pipes[0], &at, ends[0], NULL, 5, 0), -1);
        assert_int_equal(errno, ESPIPE);
        assert_int_equal(sendfile(ends[0], ends[1], NULL, 5), -1);
        assert_int_equal(errno, EINVAL);
        close_both(ends);
        close_both(pipes);
        close(file);
        close(copy);
}

/* ---- fortified calls ---- */

struct fortified {
        int how;
        size_t n;
        int fd;
};

static void read_fortified(void *arg)
{
        const struct fortified *f = arg;
        const struct rlimit none = {0, 0};
        char buf[8];
        ssize_t r;

        /* libc has a last word, and a program like this one leaves a core */
        setrlimit(RLIMIT_CORE, &none);
        close(STDERR_FILENO);
        r = f->how == 0   ? __read_chk(f->fd, buf, f->n, 4)
            : f->how == 1 ? __recv_chk(f->fd, buf, f->n, 4, 0)
                          : __recvfrom_chk(f->fd, buf, f->n, 4, 0, NULL, NULL);
        _exit(r == 4 ? 0 : 1);
}

static void buffer_too_small(void **state)
{
        struct fortified f;
        int ends[2];

        (void)state;
        for (f.how = 0; f.how < 3; f.how++) {
                int status;

                pair(SOCK_STREAM, ends);
                f.fd = ends[0];
                assert_int_equal(send(ends[1], "words", 5, 0), 5);
                f.n = 5;
                status = status_of_child(read_fortified, &f);
                assert_true(WIFSIGNALED(status));
                assert_int_equal(WTERMSIG(status), SIGABRT);
                f.n = 4;
                assert_int_equal(status_of_child(read_fortified, &f), 0);
                close_both(ends);
        }
}

static struct table t;

int main(int argc, char **argv)
{
        static char names[3][HF_LEN(calls)][40];
        static const struct {
                const char *name;
                CMUnitTestFunction test;
        } by_call[] = {{"bad_descriptors", bad_descriptors},
                       {"no_sockets", no_sockets},
                       {"success_keeps_errno", success_keeps_errno}};

        setenv("HFPROXY_TIMEOUT", "200", 0);
        world_enter(argc, argv, NULL);
        wall = page_and_none() + 4096;
        for (size_t i = 0; i < HF_LEN(by_call); i++) {
                for (size_t j = 0; j < HF_LEN(calls); j++) {
                        snprintf(names[i][j], sizeof names[i][j], "%s_%s", by_call[i].name,
                                 calls[j].name);
                        table_add(&t, names[i][j], by_call[i].test, &calls[j]);
                }
        }
        TABLE_ADD(&t, bad_pointer, pointers);
        table_add(&t, "nothing_asked_of_it", nothing_asked_of_it, NULL);
        table_add(&t, "some_messages_are_sent", some_messages_are_sent, NULL);
        table_add(&t, "some_messages_are_received", some_messages_are_received, NULL);
        table_add(&t, "files_are_sent", files_are_sent, NULL);
        TABLE_ADD(&t, rights_malformed, malformed);
        table_add(&t, "control_too_long", control_too_long, NULL);
        table_add(&t, "moved_between_descriptors", moved_between_descriptors, NULL);
        table_add(&t, "buffer_too_small", buffer_too_small, NULL);
        for (size_t i = 0; i < t.n; i++)
                t.cases[i].teardown_func = beside_goes_on;
        return _cmocka_run_group_tests("data_args", t.cases, t.n, beside_begin, NULL);
}
