/* SPDX-License-Identifier: MIT */
/* Programs started while handshakes are under way: vfork as CPython does it, posix_spawn, popen;
 * and exec itself with a socket that stays open. The handshakes go on as if nothing had been. */
#define _GNU_SOURCE
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define N 5

static char *self;

static int setup(void **state)
{
        (void)state;
        gate_set(GATE_GRANTS, -1);
        return 0;
}

/* ---- children that share this process's memory until they exec ---- */

static void close_all(int last)
{
        for (int fd = 3; fd <= last; fd++)
                close(fd);
}

static void close_all_by_range(int last)
{
        close_range(3, (unsigned)last, 0);
}

static void close_all_from(int last)
{
        (void)last;
        closefrom(3);
}

static void close_all_unseen(int last)
{
        raw_call(SYS_close_range, 3, last, 0, 0, 0);
}

static void dup_over_all(int last)
{
        for (int fd = 3; fd <= last; fd++)
                dup2(0, fd);
}

/* No more than a look: what a child of vfork() may not do, and some do. */
static void ask_all(int last)
{
        for (int fd = 3; fd <= last; fd++) {
                struct pollfd pfd = {.fd = fd, .events = POLLOUT};
                int error;
                socklen_t len = sizeof error;

                poll(&pfd, 1, 0);
                getpeername(fd, NULL, NULL);
                if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &error, &len) < 0)
                        close(fd);
        }
}

static void open_in_their_place(int last)
{
        close_all(last);
        for (int fd = 3; fd <= last; fd++)
                if (socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0) < 0)
                        _exit(3);
}

static const struct child {
        const char *name;
        void (*act)(int last);
} children[] = {
        {"closes_each", close_all},
        {"closes_a_range", close_all_by_range},
        {"closes_from", close_all_from},
        {"closes_unseen", close_all_unseen},
        {"dup2s_over_each", dup_over_all},
        {"asks_each", ask_all},
        {"opens_others", open_in_their_place},
};

static int expect_status(pid_t pid)
{
        int status;

        assert_true(pid > 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

/* N sockets: one only begun, one polled, one registered, one registered before, one dup'ed. */
static void begin_all(int *fds, int epfd)
{
        struct epoll_event event = {.events = EPOLLOUT};

        for (int i = 0; i < N; i++) {
                struct pollfd pfd;

                fds[i] = tcp(SOCK_NONBLOCK);
                pfd = (struct pollfd){.fd = fds[i], .events = POLLOUT};
                event.data.fd = i;
                if (i == 3)
                        assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fds[i], &event), 0);
                assert_int_equal(begin(fds[i]), EINPROGRESS);
                until_up(fds[i]);
                if (i == 1)
                        poll(&pfd, 1, 0);
                if (i == 2)
                        assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fds[i], &event), 0);
                if (i == 4) {
                        int other = fcntl(fds[i], F_DUPFD_CLOEXEC, 20);

                        close(fds[i]);
                        fds[i] = other;
                }
        }
}

static void finish_all(const int *fds, int epfd)
{
        bool seen[N] = {false};

        if (mode == PRELOADED) {
                until("asked", &gate_now()->asked, N);
                assert_int_equal(atomic_load(&gate_now()->gone), 0);
        }
        gate_open();
        for (int left = 2; left > 0;) {
                struct epoll_event event;

                assert_int_equal(epoll_wait(epfd, &event, 1, 10000), 1);
                assert_in_range(event.data.fd, 2, 3);
                if (event.events & EPOLLHUP)
                        continue;
                assert_int_equal(event.events, EPOLLOUT);
                left -= !seen[event.data.fd];
                seen[event.data.fd] = true;
                assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_DEL, fds[event.data.fd], NULL), 0);
        }
        for (int i = 0; i < N; i++) {
                assert_true(ready(fds[i], POLLOUT));
                expect_echo(fds[i]);
                assert_int_equal(close(fds[i]), 0);
        }
        assert_int_equal(atomic_load(&gate_now()->early), 0);
        assert_int_equal(atomic_load(&gate_now()->granted), mode == PRELOADED ? N : 0);
        close(epfd);
}

static void vforks(void **state)
{
        const struct child *row = *state;
        int fds[N], epfd = epoll_create1(EPOLL_CLOEXEC);
        pid_t pid;

        begin_all(fds, epfd);
        pid = vfork();
        if (pid == 0) {
                signal(SIGSEGV, SIG_DFL); /* cmocka's would go on with the test, here */
                row->act(30);
                execl("/bin/true", "true", (char *)NULL);
                _exit(126);
        }
        assert_int_equal(expect_status(pid), 0);
        finish_all(fds, epfd);
}

/* exec fails, and the child says so through a pipe (CPython). */
static void vforks_in_vain(void **state)
{
        int fds[N], said[2], epfd = epoll_create1(EPOLL_CLOEXEC);
        char byte = 0;
        pid_t pid;

        (void)state;
        begin_all(fds, epfd);
        assert_int_equal(pipe2(said, O_CLOEXEC), 0);
        pid = vfork();
        if (pid == 0) {
                close(fds[0]);
                dup2(said[1], fds[1]);
                execl("/nonexistent", "nonexistent", (char *)NULL);
                if (write(fds[1], "!", 1) != 1)
                        _exit(125);
                _exit(126);
        }
        assert_int_equal(expect_status(pid), 126);
        assert_int_equal(read(said[0], &byte, 1), 1);
        assert_int_equal(byte, '!');
        close(said[0]);
        close(said[1]);
        finish_all(fds, epfd);
}

static void spawns(void **state)
{
        int fds[N], epfd = epoll_create1(EPOLL_CLOEXEC);
        char *const argv[] = {(char[]){"true"}, NULL};
        posix_spawn_file_actions_t actions;
        pid_t pid;

        (void)state;
        begin_all(fds, epfd);
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addclose(&actions, fds[0]);
        posix_spawn_file_actions_adddup2(&actions, 0, fds[1]);
        posix_spawn_file_actions_addclose(&actions, fds[2]);
        assert_int_equal(posix_spawn(&pid, "/bin/true", &actions, NULL, argv, environ), 0);
        posix_spawn_file_actions_destroy(&actions);
        assert_int_equal(expect_status(pid), 0);
        finish_all(fds, epfd);
}

static void opens_a_pipe(void **state)
{
        int fds[N], epfd = epoll_create1(EPOLL_CLOEXEC);
        char line[16] = "";
        FILE *pipe;

        (void)state;
        begin_all(fds, epfd);
        pipe = popen("echo popen; exit 7", "r");
        assert_non_null(pipe);
        assert_non_null(fgets(line, sizeof line, pipe));
        assert_string_equal(line, "popen\n");
        assert_int_equal(WEXITSTATUS(pclose(pipe)), 7);
        assert_int_equal(WEXITSTATUS(system("exit 3")), 3);
        finish_all(fds, epfd);
}

/* ---- exec with a socket that stays open ---- */

/* The new program: what was under way is nobody's business any more, and it can begin its own. */
static int new_program(int fd)
{
        struct pollfd pfd = {.fd = fd, .events = POLLIN};
        int type = 0, error = -1;
        socklen_t len = sizeof type;
        char buf[8];

        mode = (enum mode)atoi(getenv("WORLD_MODE"));
        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_STREAM)
                return 1;
        if (!(fcntl(fd, F_GETFL) & O_NONBLOCK) || recv(fd, buf, 1, 0) >= 0 || errno != EAGAIN)
                return 2;
        if (poll(&pfd, 1, 0) != 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ||
            error)
                return 3;
        if (close(fd) < 0)
                return 4;
        fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (begin(fd) != EINPROGRESS || !ready(fd, POLLOUT))
                return 5;
        if (send(fd, "new", 3, MSG_NOSIGNAL) != 3 || !ready(fd, POLLIN) || recv(fd, buf, 8, 0) != 3)
                return 6;
        return memcmp(buf, "new", 3) ? 7 : 0;
}

static void execs(void **state)
{
        pid_t pid = fork();

        (void)state;
        if (pid == 0) {
                char number[16];
                int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

                if (begin(fd) != EINPROGRESS)
                        _exit(100);
                /* its own connections have a proxy that does not wait */
                if (mode == PRELOADED)
                        setenv("https_proxy", world_proxy_url(world->proxy_port), 1);
                snprintf(number, sizeof number, "%d", fd);
                setenv("NEW_PROGRAM_FD", number, 1);
                execl(self, self, (char *)NULL);
                _exit(101);
        }
        assert_int_equal(expect_status(pid), 0);
        if (mode == PRELOADED)
                until("gone", &gate_now()->gone, 1);
        assert_int_equal(atomic_load(&gate_now()->early), 0);
}

int main(int argc, char **argv)
{
        static struct table t;

        self = argv[0];
        if (getenv("NEW_PROGRAM_FD"))
                return new_program(atoi(getenv("NEW_PROGRAM_FD")));
        gate_enter(argc, argv);
        TABLE_ADD_AS(&t, "vfork_child_%s", vforks, children);
        table_add(&t, "vforks_in_vain", vforks_in_vain, NULL);
        table_add(&t, "spawns", spawns, NULL);
        table_add(&t, "opens_a_pipe", opens_a_pipe, NULL);
        table_add(&t, "execs", execs, NULL);
        return table_run_with("spawns", &t, setup);
}
