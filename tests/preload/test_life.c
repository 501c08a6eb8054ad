/* SPDX-License-Identifier: MIT */
/* connect() at bad moments: signals, the socket's own time limit, threads, forks, and before
 * anybody was ready. */
#define _GNU_SOURCE
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAR "203.0.113.10"

static int setup(void **state)
{
        (void)state;
        atomic_store(&world->behaviour, GRANTS);
        atomic_store(&world->released, 0);
        return 0;
}

static int tcp(void)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        return fd;
}

/* To a server that does not take the connection yet: behind the proxy one that it will grant when
 * it is released; without a proxy the kernel's counterpart, a listener with a full queue. */
static int connect_slowly(int fd)
{
        struct sockaddr_storage sa;
        socklen_t len = mode == PRELOADED ? address(&sa, FAR, 443, false)
                                          : address(&sa, "127.0.0.1", world->full_port, false);

        atomic_store(&world->behaviour, GRANTS_WHEN_RELEASED);
        return connect(fd, (struct sockaddr *)&sa, len) < 0 ? errno : 0;
}

static int connect_far(int fd)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, 443, false);

        return connect(fd, (struct sockaddr *)&sa, len) < 0 ? errno : 0;
}

/* ---- signals ---- */

static _Atomic(int) handled;

static void on_alarm(int sig)
{
        (void)sig;
        /* Not before the connection waits at the proxy, or it would interrupt nothing. */
        if (mode != PRELOADED || atomic_load(&world->accepted) > 0)
                atomic_fetch_add(&handled, 1);
        if (atomic_load(&handled) >= 3)
                atomic_store(&world->released, 1);
}

static void every_20_ms(int flags)
{
        struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = flags};
        struct itimerval tick = {{0, 20000}, {0, 20000}};

        atomic_store(&handled, 0);
        atomic_store(&world->accepted, 0);
        sigaction(SIGALRM, &sa, NULL);
        setitimer(ITIMER_REAL, &tick, NULL);
}

static void no_more(void)
{
        struct itimerval none = {{0, 0}, {0, 0}};

        setitimer(ITIMER_REAL, &none, NULL);
        signal(SIGALRM, SIG_DFL);
        alarm(300);
}

static void handler_interrupts(void **state)
{
        int fd = tcp(), r;

        (void)state;
        every_20_ms(0);
        r = connect_slowly(fd);
        no_more();
        assert_int_equal(r, EINTR);
        if (mode == PRELOADED) {
                /* it goes on */
                atomic_store(&world->released, 1);
                assert_int_equal(connect_slowly(fd), 0);
                expect_echo(fd);
                assert_int_equal(connect_far(fd), EISCONN);
        }
        close(fd);
}

static void restarting_handler_does_not_interrupt(void **state)
{
        int fd = tcp(), r;

        (void)state;
        every_20_ms(SA_RESTART);
        r = connect_slowly(fd);
        no_more();
        assert_int_equal(r, 0);
        assert_true(atomic_load(&handled) >= 3);
        expect_echo(fd);
        close(fd);
}

/* One without SA_RESTART is installed, but blocked: it cannot have run. */
static void blocked_handler_does_not_count(void **state)
{
        struct sigaction sa = {.sa_handler = on_alarm}, old;
        sigset_t set, old_set;
        int fd = tcp(), r;

        (void)state;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR2);
        sigprocmask(SIG_BLOCK, &set, &old_set);
        sigaction(SIGUSR2, &sa, &old);
        every_20_ms(SA_RESTART);
        r = connect_slowly(fd);
        no_more();
        sigaction(SIGUSR2, &old, NULL);
        sigprocmask(SIG_SETMASK, &old_set, NULL);
        assert_int_equal(r, 0);
        close(fd);
}

/* A socket with a time limit of its own is interrupted by either kind of handler. */
static void restarting_handler_interrupts_sndtimeo(void **state)
{
        struct timeval tv = {5, 0};
        int fd = tcp(), r;

        (void)state;
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
        every_20_ms(SA_RESTART);
        r = connect_slowly(fd);
        no_more();
        assert_int_equal(r, EINTR);
        close(fd);
}

static void sndtimeo_expires(void **state)
{
        struct timeval tv = {0, 120000}, after = {0};
        socklen_t len = sizeof after;
        int64_t since = now_ms();
        int fd = tcp();

        (void)state;
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
        assert_int_equal(connect_slowly(fd), EINPROGRESS);
        assert_in_range(now_ms() - since, 100, 10000);
        since = now_ms();
        assert_int_equal(connect_slowly(fd), EALREADY);
        assert_in_range(now_ms() - since, 100, 10000);
        getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &after, &len);
        assert_int_equal(after.tv_sec, 0);
        assert_int_equal(after.tv_usec, 120000);
        if (mode == PRELOADED) {
                int r;

                atomic_store(&world->released, 1);
                do /* a busy machine may need more than one time limit */
                        r = connect_slowly(fd);
                while (r == EALREADY);
                assert_int_equal(r, 0);
                expect_echo(fd);
                assert_int_equal(connect_far(fd), EISCONN);
        }
        close(fd);
}

/* O_NONBLOCK set in between: EALREADY, and 0 once when the tunnel stands. */
static void goes_on_without_blocking(void **state)
{
        int fd = tcp(), r;

        (void)state;
        every_20_ms(0);
        r = connect_slowly(fd);
        no_more();
        assert_int_equal(r, EINTR);
        atomic_store(&world->released, 0);
        fcntl(fd, F_SETFL, O_NONBLOCK);
        assert_int_equal(connect_slowly(fd), EALREADY);
        atomic_store(&world->released, 1);
        assert_true(ready(fd, POLLOUT));
        assert_int_equal(connect_slowly(fd), 0);
        assert_int_equal(connect_slowly(fd), EISCONN);
        expect_echo(fd);
        close(fd);
}

/* connect(AF_UNSPEC) while the handshake is under way: the socket is fresh again. */
static void disconnected_while_pending(void **state)
{
        const struct sockaddr none = {.sa_family = AF_UNSPEC};
        int fd = tcp(), r;

        (void)state;
        every_20_ms(0);
        r = connect_slowly(fd);
        no_more();
        assert_int_equal(r, EINTR);
        assert_int_equal(connect(fd, &none, sizeof none), 0);
        atomic_store(&world->behaviour, GRANTS);
        assert_int_equal(connect_far(fd), 0);
        expect_echo(fd);
        close(fd);
}

/* The number of a socket that was closed with its handshake under way belongs to a new one. */
static void number_is_reused(void **state)
{
        int fd = tcp(), again, r;

        (void)state;
        every_20_ms(0);
        r = connect_slowly(fd);
        no_more();
        assert_int_equal(r, EINTR);
        close(fd);
        again = tcp();
        assert_int_equal(again, fd);
        atomic_store(&world->behaviour, GRANTS);
        assert_int_equal(connect_far(again), 0);
        expect_echo(again);
        close(again);
}

static volatile int result_in_handler;

static void connect_in_handler(int sig)
{
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        (void)sig;
        result_in_handler = connect_far(fd);
        if (result_in_handler == 0 && (send(fd, "ab", 2, MSG_NOSIGNAL) != 2 || !ready(fd, POLLIN)))
                result_in_handler = EIO;
        close(fd);
}

/* On a stack of 16 KiB, of which the kernel's frame takes its part. */
static void connects_in_a_handler(void **state)
{
        static char stack[16384];
        const stack_t alt = {.ss_sp = stack, .ss_size = sizeof stack},
                      none = {.ss_flags = SS_DISABLE};
        struct sigaction sa = {.sa_handler = connect_in_handler, .sa_flags = SA_ONSTACK};

        (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
        sa.sa_flags = 0; /* their frames are larger */
#else
        assert_int_equal(sigaltstack(&alt, NULL), 0);
#endif
        result_in_handler = -1;
        sigaction(SIGUSR1, &sa, NULL);
        raise(SIGUSR1);
        signal(SIGUSR1, SIG_DFL);
        sigaltstack(&none, NULL);
        (void)alt;
        assert_int_equal(result_in_handler, 0);
}

static void signal_mask_is_kept(void **state)
{
        sigset_t set, before, after;
        int fd = tcp();

        (void)state;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR2);
        sigaddset(&set, SIGRTMIN + 3);
        sigprocmask(SIG_BLOCK, &set, &before);
        sigprocmask(SIG_SETMASK, NULL, &before);
        assert_int_equal(connect_far(fd), 0);
        sigprocmask(SIG_SETMASK, NULL, &after);
        for (int sig = 1; sig < 65; sig++)
                assert_int_equal(sigismember(&before, sig), sigismember(&after, sig));
        sigprocmask(SIG_UNBLOCK, &set, NULL);
        close(fd);
}

/* ---- threads and forks ---- */

static void *connect_many(void *arg)
{
        intptr_t failed = 0;

        (void)arg;
        for (int i = 0; i < 20; i++) {
                int fd = socket(AF_INET, SOCK_STREAM | (i & 1 ? SOCK_NONBLOCK : 0), 0);
                struct pollfd pfd = {.fd = fd, .events = POLLOUT};
                char buf[4];
                int r = connect_far(fd);

                if (r == EINPROGRESS)
                        r = poll(&pfd, 1, 10000) == 1 ? 0 : ETIMEDOUT;
                pfd.events = POLLIN;
                if (r || send(fd, "abc", 3, MSG_NOSIGNAL) != 3 || poll(&pfd, 1, 10000) != 1 ||
                    recv(fd, buf, 3, 0) != 3 || memcmp(buf, "abc", 3) != 0)
                        failed++;
                close(fd);
        }
        return (void *)failed;
}

static void connect_in_sixteen_threads(void)
{
        pthread_t threads[16];
        unsigned accepted = atomic_load(&world->accepted);

        for (size_t i = 0; i < HF_LEN(threads); i++)
                assert_int_equal(pthread_create(&threads[i], NULL, connect_many, NULL), 0);
        for (size_t i = 0; i < HF_LEN(threads); i++) {
                void *failed;

                pthread_join(threads[i], &failed);
                assert_null(failed);
        }
        assert_int_equal(atomic_load(&world->accepted) - accepted, mode == PRELOADED ? 320 : 0);
}

static void sixteen_threads(void **state)
{
        (void)state;
        connect_in_sixteen_threads();
}

static _Atomic(bool) enough;

/* One proxy under two spellings, and a list that does not matter: every connection is tunnelled,
 * whichever is set as it begins. */
static void *change_variables(void *arg)
{
        char other[64];

        (void)arg;
        snprintf(other, sizeof other, "%s/", world_proxy_url(world->proxy_port));
        for (int i = 0; !atomic_load(&enough); i++) {
                setenv("https_proxy", i & 1 ? other : world_proxy_url(world->proxy_port), 1);
                setenv("no_proxy", i & 2 ? "a.test" : "b.test", 1);
        }
        return NULL;
}

static void sixteen_threads_while_variables_change(void **state)
{
        pthread_t changer;

        (void)state;
        setenv("no_proxy", "b.test", 1);
        atomic_store(&enough, false);
        assert_int_equal(pthread_create(&changer, NULL, change_variables, NULL), 0);
        connect_in_sixteen_threads();
        atomic_store(&enough, true);
        pthread_join(changer, NULL);
        unsetenv("no_proxy");
}

static void *connect_same(void *arg)
{
        return (void *)(intptr_t)connect_far(*(int *)arg);
}

/* Two threads connect one socket: one is first; the other waits with it or is told that it is done.
 */
static void two_threads_one_socket(void **state)
{
        (void)state;
        for (int i = 0; i < 50; i++) {
                pthread_t threads[2];
                int fd = tcp();

                /* Wakes them often, and each time one takes what the other was woken for. */
                atomic_store(&world->behaviour, i & 1 ? GRANTS_BYTE_BY_BYTE : GRANTS);

                for (size_t j = 0; j < 2; j++)
                        pthread_create(&threads[j], NULL, connect_same, &fd);
                for (size_t j = 0; j < 2; j++) {
                        void *r;

                        pthread_join(threads[j], &r);
                        if (r != NULL && (intptr_t)r != EISCONN && (intptr_t)r != EALREADY)
                                fail_msg("round %d: %s", i, strerror((int)(intptr_t)r));
                }
                expect_echo(fd);
                close(fd);
        }
}

static sigjmp_buf jump;

static void jump_out(int sig)
{
        (void)sig;
        if (atomic_load(&world->accepted) > 0)
                siglongjmp(jump, 1);
}

static void *leaves_by_a_jump(void *arg)
{
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGALRM);
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
        if (sigsetjmp(jump, 1) == 0)
                connect_slowly(*(int *)arg);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        return NULL;
}

/* The thread that drove the handshake left it by siglongjmp() and is gone; another goes on. */
static void driver_is_gone(void **state)
{
        struct sigaction sa = {.sa_handler = jump_out};
        struct itimerval tick = {{0, 20000}, {0, 20000}};
        sigset_t set, old;
        pthread_t thread;
        int fd = tcp();

        (void)state;
        sigemptyset(&set);
        sigaddset(&set, SIGALRM);
        pthread_sigmask(SIG_BLOCK, &set, &old);
        atomic_store(&world->accepted, 0);
        sigaction(SIGALRM, &sa, NULL);
        setitimer(ITIMER_REAL, &tick, NULL);
        pthread_create(&thread, NULL, leaves_by_a_jump, &fd);
        pthread_join(thread, NULL);
        no_more();
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        atomic_store(&world->released, 1);
        assert_int_equal(connect_slowly(fd), 0);
        expect_echo(fd);
        close(fd);
}

static void expect_child(pid_t pid)
{
        int status;

        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

static void in_a_forked_child(void **state)
{
        pid_t pid;

        (void)state;
        pid = fork();
        if (pid == 0) {
                int fd = socket(AF_INET, SOCK_STREAM, 0);

                _exit(connect_far(fd));
        }
        expect_child(pid);
}

static _Atomic(bool) stop;

static void *connect_until_told(void *arg)
{
        (void)arg;
        while (!atomic_load(&stop)) {
                int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

                connect_far(fd);
                close(fd);
        }
        return NULL;
}

/* Whatever record, cache or claim another thread held at that moment. */
static void forks_beside_connecting_threads(void **state)
{
        pthread_t threads[4];

        (void)state;
        atomic_store(&stop, false);
        for (size_t i = 0; i < HF_LEN(threads); i++)
                pthread_create(&threads[i], NULL, connect_until_told, NULL);
        for (int i = 0; i < 40; i++) {
                pid_t pid = fork();

                if (pid == 0) {
                        int fd = socket(AF_INET, SOCK_STREAM, 0);

                        alarm(20);
                        _exit(connect_far(fd));
                }
                expect_child(pid);
        }
        atomic_store(&stop, true);
        for (size_t i = 0; i < HF_LEN(threads); i++)
                pthread_join(threads[i], NULL);
}

/* ---- before our constructor ---- */

/* Set by early.so, a library whose constructor runs before ours: what its connect() gave. */
static void before_our_constructor(void **state)
{
        const char *result = getenv("EARLY_RESULT");

        (void)state;
        assert_non_null(result);
        assert_string_equal(result, "0");
}

int main(int argc, char **argv)
{
        static const struct {
                const char *name;
                CMUnitTestFunction test;
                enum mode last; /* of the modes PRELOADED, NOPROXY, CONTROL in which it says
                                   something */
        } tests[] = {
                {"handler_interrupts", handler_interrupts, CONTROL},
                {"restarting_handler_does_not_interrupt", restarting_handler_does_not_interrupt,
                 PRELOADED},
                {"blocked_handler_does_not_count", blocked_handler_does_not_count, PRELOADED},
                {"restarting_handler_interrupts_sndtimeo", restarting_handler_interrupts_sndtimeo,
                 CONTROL},
                {"sndtimeo_expires", sndtimeo_expires, CONTROL},
                {"goes_on_without_blocking", goes_on_without_blocking, PRELOADED},
                {"disconnected_while_pending", disconnected_while_pending, CONTROL},
                {"number_is_reused", number_is_reused, CONTROL},
                {"connects_in_a_handler", connects_in_a_handler, CONTROL},
                {"signal_mask_is_kept", signal_mask_is_kept, CONTROL},
                {"sixteen_threads", sixteen_threads, CONTROL},
                {"sixteen_threads_while_variables_change", sixteen_threads_while_variables_change,
                 PRELOADED},
                {"two_threads_one_socket", two_threads_one_socket, CONTROL},
                {"driver_is_gone", driver_is_gone, PRELOADED},
                {"in_a_forked_child", in_a_forked_child, CONTROL},
                {"forks_beside_connecting_threads", forks_beside_connecting_threads, CONTROL},
                {"before_our_constructor", before_our_constructor, NOPROXY},
        };
        static struct table t;

        setenv("HFPROXY_TIMEOUT", "20", 0);
        world_enter(argc, argv, NULL);
        for (size_t i = 0; i < HF_LEN(tests); i++) {
                if (mode > tests[i].last)
                        continue;
                table_add(&t, tests[i].name, tests[i].test, NULL);
                t.cases[t.n - 1].setup_func = setup;
        }
        return table_run("life", &t);
}
