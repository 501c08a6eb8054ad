/* SPDX-License-Identifier: MIT */
/* Every function that starts a program, with every kind of environment: the new program (this one
 * again, without the library) tells what it got. Only what carries a HFPROXY_STATE of a process
 * that hides something comes out otherwise than without the library, and only where this process
 * has a proxy at all. */
#define _GNU_SOURCE
#include "beside.h"

#include "../unit/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define S "socks5h://s.test:1080"
#define P "http://p.test:3128"
#define Q "http://q.test:8080"
#define STARTED 4712 /* a spawn's errno: none, and the child is over */

extern char **environ;

/* glibc has it since 2.34. */
extern int execveat(int dirfd, const char *path, char *const *argv, char *const *envp, int flags)
        __attribute__((weak));

static char self[4096];

/* ---- ways to start a program ---- */

struct start {
        const char *path;
        char *const *argv; /* of three */
        char *const *envp;
};

static int by_execve(const struct start *s)
{
        return execve(s->path, s->argv, s->envp);
}

static int by_execv(const struct start *s)
{
        environ = (char **)(uintptr_t)s->envp;
        return execv(s->path, s->argv);
}

static int by_execvp(const struct start *s)
{
        environ = (char **)(uintptr_t)s->envp;
        return execvp(s->path, s->argv);
}

static int by_execvpe(const struct start *s)
{
        return execvpe(s->path, s->argv, s->envp);
}

static int by_execl(const struct start *s)
{
        environ = (char **)(uintptr_t)s->envp;
        return execl(s->path, s->argv[0], s->argv[1], s->argv[2], (char *)NULL);
}

static int by_execlp(const struct start *s)
{
        environ = (char **)(uintptr_t)s->envp;
        return execlp(s->path, s->argv[0], s->argv[1], s->argv[2], (char *)NULL);
}

static int by_execle(const struct start *s)
{
        return execle(s->path, s->argv[0], s->argv[1], s->argv[2], (char *)NULL, s->envp);
}

static int by_fexecve(const struct start *s)
{
        int fd = open(s->path, O_RDONLY | O_CLOEXEC);

        return fd < 0 ? -1 : fexecve(fd, s->argv, s->envp);
}

static int by_execveat(const struct start *s)
{
        return execveat(AT_FDCWD, s->path, s->argv, s->envp, 0);
}

static int by_execveat_of_fd(const struct start *s)
{
        int fd = open(s->path, O_RDONLY | O_CLOEXEC);

        return fd < 0 ? -1 : execveat(fd, "", s->argv, s->envp, AT_EMPTY_PATH);
}

static int by_number(const struct start *s)
{
        return (int)syscall(SYS_execve, s->path, s->argv, s->envp);
}

static int by_number_at(const struct start *s)
{
        return (int)syscall(SYS_execveat, AT_FDCWD, s->path, s->argv, s->envp, 0);
}

/* The last argument takes the one register that is left: more come by the stack. */
static int by_execl_of_ten(const struct start *s)
{
        environ = (char **)(uintptr_t)s->envp;
        return execl(s->path, s->argv[0], s->argv[1], s->argv[2], "4", "5", "6", "7", "8", "9",
                     (char *)NULL);
}

static int by_execle_of_ten(const struct start *s)
{
        return execle(s->path, s->argv[0], s->argv[1], s->argv[2], "4", "5", "6", "7", "8", "9",
                      (char *)NULL, s->envp);
}

/* A spawn: the number that it returns, and its child's status. */
static int spawned(int error, pid_t pid)
{
        int status = -1;

        if (error) {
                errno = error;
                return -1;
        }
        if (waitpid(pid, &status, 0) != pid || status)
                _exit(99);
        errno = STARTED;
        return -1;
}

static int by_posix_spawn(const struct start *s)
{
        pid_t pid = 0;
        int error = posix_spawn(&pid, s->path, NULL, NULL, s->argv, s->envp);

        return spawned(error, pid);
}

static int by_posix_spawnp(const struct start *s)
{
        pid_t pid = 0;
        int error = posix_spawnp(&pid, s->path, NULL, NULL, s->argv, s->envp);

        return spawned(error, pid);
}

static int by_vfork(const struct start *s)
{
        volatile int error = 0;
        pid_t pid = vfork();

        if (pid == 0) {
                execve(s->path, s->argv, s->envp);
                error = errno;
                _exit(98);
        }
        return spawned(error, pid);
}

static const struct start *in_handler;
static _Atomic(int) handler_errno;

static void start_in_handler(int sig)
{
        (void)sig;
        execve(in_handler->path, in_handler->argv, in_handler->envp);
        atomic_store(&handler_errno, errno);
}

/* Eight KiB, and what the machine's vector registers have grown by since; below it a page that is
 * no memory. */
static int by_handler_on_a_small_stack(const struct start *s)
{
        size_t frame = getauxval(51 /* AT_MINSIGSTKSZ */);
        size_t small = 8192 + (frame > 2048 ? frame - 2048 : 0);
        size_t size = (small + 4095) / 4096 * 4096;
        char *pages =
                mmap(NULL, size + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        const stack_t alt = {.ss_sp = pages + 4096 + (size - small), .ss_size = small};
        struct sigaction sa = {.sa_handler = start_in_handler, .sa_flags = SA_ONSTACK};

        if (pages == MAP_FAILED || mprotect(pages, 4096, PROT_NONE) < 0 || sigaltstack(&alt, NULL))
                return -1;
        in_handler = s;
        sigaction(SIGUSR1, &sa, NULL);
        raise(SIGUSR1);
        errno = atomic_load(&handler_errno);
        return -1;
}

static void *start_in_thread(void *arg)
{
        const struct start *s = arg;

        execve(s->path, s->argv, s->envp);
        return (void *)(intptr_t)errno;
}

static int by_thread(const struct start *s)
{
        pthread_t thread;
        pthread_attr_t attr;
        void *error = NULL;

        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, 64 * 1024);
        if (pthread_create(&thread, &attr, start_in_thread, (void *)(uintptr_t)s))
                return -1;
        pthread_join(thread, &error);
        errno = (int)(intptr_t)error;
        return -1;
}

static const struct way {
        const char *name;
        int (*start)(const struct start *s);
        bool needs_execveat;
        bool looked_at; /* by a sanitizer, before us; and its vfork() is a fork() */
} ways[] = {
        {"execve", by_execve, false, false},
        {"execv", by_execv, false, false},
        {"execvp", by_execvp, false, false},
        {"execvpe", by_execvpe, false, false},
        {"execl", by_execl, false, false},
        {"execlp", by_execlp, false, false},
        {"execle", by_execle, false, false},
        {"execl_of_ten", by_execl_of_ten, false, false},
        {"execle_of_ten", by_execle_of_ten, false, false},
        {"fexecve", by_fexecve, false, false},
        {"execveat", by_execveat, true, false},
        {"execveat_of_fd", by_execveat_of_fd, true, false},
        {"execve_by_number", by_number, false, false},
        {"execveat_by_number", by_number_at, false, false},
        {"posix_spawn", by_posix_spawn, false, true},
        {"posix_spawnp", by_posix_spawnp, false, true},
        {"vfork", by_vfork, false, true},
        {"a_handler", by_handler_on_a_small_stack, false, false},
        {"a_thread", by_thread, false, false},
};

/* ---- what the new program says ---- */

/* Its environment, each entry with its NUL. */
static int show(int fd)
{
        FILE *out = fdopen(fd, "w");

        for (char **e = environ; out && e && *e; e++)
                fwrite(*e, 1, strlen(*e) + 1, out);
        return !out || fclose(out) != 0;
}

/* Starts it in a child; the errno that this got, 0 if the program ran. *RET_TEXT: what that said.
 */
static int start(const struct way *way, const char *path, char *const *envp, char **ret_text,
                 size_t *ret_size)
{
        char number[16];
        int ends[2], status;
        size_t size = 0, room = 1 << 16;
        char *text = malloc(room);
        ssize_t n;
        pid_t pid;

        assert_int_equal(pipe(ends), 0);
        snprintf(number, sizeof number, "%d", ends[1]);
        pid = fork();
        if (pid == 0) {
                char *const argv[] = {(char[]){"show"}, number, (char[]){"3"}, NULL};
                const struct start s = {path, argv, envp};

                close(ends[0]);
                signal(SIGSEGV, SIG_DFL); /* cmocka's would go on with the test, here */
                errno = UNTOUCHED;
                if (way->start(&s) != -1)
                        _exit(97);
                if (errno == STARTED)
                        _exit(0);
                dprintf(ends[1], "errno %d", errno);
                _exit(96);
        }
        close(ends[1]);
        while ((n = read(ends[0], text + size, room - size)) > 0)
                if ((size += (size_t)n) == room)
                        text = realloc(text, room *= 2);
        text[size] = '\0'; /* there is always room */
        close(ends[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        *ret_text = text;
        *ret_size = size;
        if (WEXITSTATUS(status) == 96)
                return atoi(text + 6);
        assert_int_equal(WEXITSTATUS(status), 0);
        return 0;
}

static void expect_said(const char *text, size_t size, char *const *want)
{
        size_t at = 0;

        for (; *want; want++) {
                size_t n = strlen(*want) + 1;

                if (size - at < n || memcmp(text + at, *want, n) != 0)
                        fail_msg("%.60s where %.60s should be", at < size ? text + at : "(the end)",
                                 *want);
                at += n;
        }
        if (at < size)
                fail_msg("%.60s is too much", text + at);
}

static void expect_errno(const struct way *way, const char *path, char *const *envp, int error)
{
        char *text;
        size_t size;

        assert_int_equal(start(way, path, envp, &text, &size), error);
        free(text);
}

static void expect_start(const struct way *way, char *const *envp, char *const *want)
{
        char *text;
        size_t size;

        assert_int_equal(start(way, self, envp, &text, &size), 0);
        expect_said(text, size, want);
        free(text);
}

/* ---- environments ---- */

/* What a process that was started with ENTRIES hands on of its own: "HFPROXY_STATE=…". */
static char *state_of(const char *const *entries)
{
        static char text[128 * 1024];
        struct environment e;

        environment_init(&e, 1 << 20);
        for (; *entries; entries++)
                environment_put(&e, *entries);
        environment_run(&e);
        snprintf(text, sizeof text, "HFPROXY_STATE=%s", e.values[HF_VAR_HFPROXY_STATE]);
        environment_free(&e);
        return strdup(text);
}

#define STATE(...) state_of((const char *const[]){__VA_ARGS__, NULL})

#define MOST 16

static struct env {
        const char *name;
        char *given[MOST];
        char *got[MOST]; /* with a proxy; none: as given */
} envs[] = {
        {"no_state", {"A=1", "B=2", "all_proxy=" P, NULL}, {NULL}},
        {"empty", {NULL}, {NULL}},
        {"nothing_hidden", {"A=1", "https_proxy=" P, "HTTPS_PROXY=" P, "$P", NULL}, {NULL}},
        {"hidden",
         {"A=1", "$S", "B=2", NULL},
         {"A=1", "$S", "B=2", "http_proxy=socks5://s.test:1080", "HTTP_PROXY=socks5://s.test:1080",
          "https_proxy=socks5://s.test:1080", "HTTPS_PROXY=socks5://s.test:1080", "all_proxy=" S,
          "ALL_PROXY=" S, NULL}},
        {"one_hidden",
         {"$M", "http_proxy=" P, "https_proxy=" P, "HTTP_PROXY=" P, "HTTPS_PROXY=" P, NULL},
         {"$M", "http_proxy=" P, "https_proxy=" P, "HTTP_PROXY=" P, "HTTPS_PROXY=" P,
          "all_proxy=" S, "ALL_PROXY=" S, NULL}},
        {"hidden_and_set_anew", {"ALL_PROXY=" P, "http_proxy=", "$S", NULL}, {NULL}},
        {"hidden_and_no_names",
         {"", "A", "=", "no_prox", "all_proxy", "$M", "http_proxy=" P, "https_proxy=" P, NULL},
         {"", "A", "=", "no_prox", "all_proxy", "$M", "http_proxy=" P, "https_proxy=" P,
          "all_proxy=" S, "ALL_PROXY=" S, NULL}},
        {"a_state_of_two", {"$P", "$S", "https_proxy=" P, "HTTPS_PROXY=" P, NULL}, {NULL}},
        {"a_damaged_state",
         {"HFPROXY_STATE=1;all_proxy/h=0123456789abcdef;#00", "A=1", NULL},
         {NULL}},
        {"a_stale_twin",
         {"$P", "https_proxy=" P, "HTTPS_PROXY=" Q, "A=1", "https_proxy=" P, NULL},
         {"$P", "HTTPS_PROXY=" Q, "A=1", NULL}},
        {"a_stale_twin_and_hidden",
         {"$M", "http_proxy=" P, "https_proxy=" Q, "HTTP_PROXY=" P, "HTTPS_PROXY=" P, NULL},
         {"$M", "http_proxy=" P, "https_proxy=" Q, "HTTP_PROXY=" P, "all_proxy=" S, "ALL_PROXY=" S,
          NULL}},
};

static void fill_in(char **entries)
{
        for (; *entries; entries++)
                if (!strcmp(*entries, "$S"))
                        *entries = STATE("all_proxy=" S);
                else if (!strcmp(*entries, "$P"))
                        *entries = STATE("HTTPS_PROXY=" P);
                else if (!strcmp(*entries, "$M"))
                        *entries = STATE("http_proxy=" P, "https_proxy=" P, "ALL_PROXY=" S);
}

struct row {
        char name[64];
        const struct way *way;
        struct env *env;
};

static void hands_on(void **state)
{
        const struct row *row = *state;
        bool changes = mode == PRELOADED && row->env->got[0];

        expect_start(row->way, row->env->given, changes ? row->env->got : row->env->given);
}

static void takes_no_environment(void **state)
{
        const struct way *way = *state;
        char *none = NULL;

        if (way->start == by_fexecve)
                expect_errno(way, self, NULL, EINVAL); /* says glibc */
        else
                expect_start(way, NULL, &none);
}

/* ---- bad arguments: the errno that the kernel gives, and no crash ---- */

static char *hidden_state(void)
{
        static char *text;

        if (!text)
                text = STATE("all_proxy=" S);
        return text;
}

static void rejects_bad_pointers(void **state)
{
        const struct way *way = *state;
        char *page = page_and_none();
        char **last = (char **)(void *)(page + 4096) - 3;
        char *whole[] = {(char[]){"A=1"}, hidden_state(), page + 4096, NULL};
        char *runs_out[] = {hidden_state(), memset(page + 4090, 'x', 6), NULL};
        char *value_runs_out[] = {hidden_state(), memcpy(page + 4096 - 15, "ALL_PROXY=aaaaa", 15),
                                  NULL};

        expect_errno(way, self, (char *const *)(void *)(page + 4096), EFAULT);
        expect_errno(way, self, (char *const *)8, EFAULT);
        expect_errno(way, self, whole, EFAULT);
        expect_errno(way, self, runs_out, EFAULT);
        expect_errno(way, self, value_runs_out, EFAULT);
        last[0] = hidden_state(); /* an array without an end */
        last[1] = last[2] = (char[]){"A=1"};
        expect_errno(way, self, last, EFAULT);
        munmap(page, 8192);
}

/* Up to the last byte there is, on the other hand. */
static void reads_up_to_the_edge(void **state)
{
        const struct way *way = &ways[0];
        char *page = page_and_none(), *texts = page_and_none();
        char **last = (char **)(void *)(page + 4096) - 4;
        char *want[] = {"",
                        "no_prox",
                        hidden_state(),
                        "http_proxy=socks5://s.test:1080",
                        "HTTP_PROXY=socks5://s.test:1080",
                        "https_proxy=socks5://s.test:1080",
                        "HTTPS_PROXY=socks5://s.test:1080",
                        "all_proxy=" S,
                        "ALL_PROXY=" S,
                        NULL};

        (void)state;
        texts[4095] = '\0';
        memcpy(texts + 4087, "no_prox", 8);
        last[0] = texts + 4095;
        last[1] = texts + 4087;
        last[2] = hidden_state();
        last[3] = NULL;
        if (mode != PRELOADED)
                want[3] = NULL;
        expect_start(way, last, want);
        munmap(page, 8192);
        munmap(texts, 8192);
}

static void rejects_what_is_no_program(void **state)
{
        const struct way *way = *state;
        char *envp[] = {hidden_state(), (char[]){"A=1"}, NULL};

        expect_errno(way, "/nonexistent/program", envp, ENOENT);
        expect_errno(way, "/etc/passwd", envp, EACCES);
        expect_errno(way, "/etc", envp, EACCES);
        expect_errno(way, "/etc/passwd/x", envp, ENOTDIR);
}

/* ---- sizes ---- */

static void takes_100000_entries(void **state)
{
        const struct way *way = *state;
        static char texts[100000][8];
        static char *given[100010], *want[100010];
        static char *const added[] = {"http_proxy=socks5://s.test:1080",
                                      "HTTP_PROXY=socks5://s.test:1080",
                                      "https_proxy=socks5://s.test:1080",
                                      "HTTPS_PROXY=socks5://s.test:1080",
                                      "all_proxy=" S,
                                      "ALL_PROXY=" S,
                                      NULL};

        for (int i = 0; i < 100000; i++) {
                snprintf(texts[i], sizeof texts[i], "v=%05d", i);
                given[i] = want[i] = texts[i];
        }
        given[100000] = want[100000] = hidden_state();
        if (mode == PRELOADED)
                memcpy(&want[100001], added, sizeof added);
        expect_start(way, given, want);
}

static char *padding(size_t n)
{
        char *text = malloc(n + 1);

        memset(text, 'x', n);
        text[n] = '\0';
        return text;
}

/* A text that HFPROXY_STATE only just takes: more than lies on the stack. */
static void takes_long_texts(void **state)
{
        const struct way *way = *state;
        size_t n = 40000;
        char *password = padding(n), *lower = padding(n + 64), *upper = padding(n + 64);
        char *want[] = {NULL, "http_proxy=" P, "https_proxy=" P, lower, upper, NULL};
        char *given[] = {NULL, want[1], want[2], NULL};

        snprintf(lower, n + 64, "all_proxy=socks5h://u:%s@s.test:1080", password);
        snprintf(upper, n + 64, "ALL_PROXY=%s", lower + 10);
        given[0] = want[0] = STATE("http_proxy=" P, "https_proxy=" P, lower);
        if (mode != PRELOADED)
                want[3] = NULL;
        expect_start(way, given, want);
        free(given[0]);
        free(password);
        free(lower);
        free(upper);
}

/* Too much for the kernel, with or without us. */
static void rejects_too_much(void **state)
{
        const struct way *way = *state;
        char *longest = padding(128 * 1024);
        char *envp[] = {hidden_state(), longest, NULL};

        expect_errno(way, self, envp, E2BIG);
        envp[0] = longest;
        envp[1] = hidden_state();
        expect_errno(way, self, envp, E2BIG);
        free(longest);
}

/* What fits is started, if need be without what we would add. */
static void starts_what_only_just_fits(void **state)
{
        const struct way *way = *state;
        const struct rlimit small = {512 * 1024, RLIM_INFINITY}; /* a quarter: the arguments */
        struct rlimit was;
        size_t n = 128 * 1024 - 64;
        char *pad = padding(n), *text;
        char *envp[] = {hidden_state(), pad, NULL};
        size_t size;
        int error;

        getrlimit(RLIMIT_STACK, &was);
        assert_int_equal(setrlimit(RLIMIT_STACK, &(struct rlimit){small.rlim_cur, was.rlim_max}),
                         0);
        for (;;) {
                error = start(way, self, envp, &text, &size);
                if (error != E2BIG)
                        break;
                free(text);
                n -= 64;
                pad[n] = '\0';
        }
        setrlimit(RLIMIT_STACK, &was);
        assert_int_equal(error, 0);
        assert_in_range(n, 100 * 1024, 128 * 1024 - 128); /* it did not fit at once */
        expect_said(text, size, envp);
        free(text);
        free(pad);
}

/* ---- this process stays as it was ---- */

static unsigned mappings(void)
{
        FILE *maps = fopen("/proc/self/maps", "re");
        unsigned n = 0;

        for (int c; (c = fgetc(maps)) != EOF;)
                n += c == '\n';
        fclose(maps);
        return n;
}

/* A child of vfork() has this process's memory. */
static void vfork_leaves_nothing_behind(void **state)
{
        char *given[] = {(char[]){"A=1"}, hidden_state(), NULL};
        char *argv[] = {(char[]){"true"}, NULL};
        char copy[64], **was = environ;
        unsigned before = 0;

        (void)state;
        memset(copy, 'c', sizeof copy);
        for (int i = 0; i < 200; i++) {
                int status = -1;
                pid_t pid = vfork();

                if (pid == 0) {
                        if (i % 2)
                                execve("/nonexistent", argv, given);
                        execve("/bin/true", argv, given);
                        _exit(98);
                }
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_int_equal(status, 0);
                if (i == 20)
                        before = mappings();
        }
        assert_in_range(mappings(), 0, before + 2);
        assert_ptr_equal(environ, was);
        assert_string_equal(given[0], "A=1");
        assert_null(given[2]);
        for (size_t i = 0; i < sizeof copy; i++)
                assert_int_equal(copy[i], 'c');
}

static void failure_leaves_nothing_behind(void **state)
{
        static char entry[] = "A=1", *given[5002];
        char *argv[] = {(char[]){"true"}, NULL};
        unsigned before = 0;

        (void)state;
        for (int i = 0; i < 5000; i++)
                given[i] = entry;
        given[5000] = hidden_state();
        for (int i = 0; i < 100; i++) {
                pid_t pid;

                assert_int_equal(execve("/nonexistent", argv, given), -1);
                assert_int_equal(errno, ENOENT);
                errno = UNTOUCHED;
                assert_int_equal(posix_spawn(&pid, "/bin/true", NULL, NULL, argv, given), 0);
                assert_int_equal(errno, UNTOUCHED);
                assert_int_equal(waitpid(pid, NULL, 0), pid);
                if (i == 20)
                        before = mappings();
        }
        assert_in_range(mappings(), 0, before + 2);
}

/* ---- threads ---- */

static _Atomic(bool) finished;

static void *change_environ(void *arg)
{
        /* Existing variables and a few values over and over: what libc lets a program do. */
        for (int i = 0; !finished; i++)
                setenv("EXEC_TEST", i % 2 ? "1" : "2", 1);
        return arg;
}

static void *start_many(void *arg)
{
        char *argv[] = {(char[]){"true"}, NULL};
        char *given[] = {(char[]){"A=1"}, hidden_state(), NULL};

        for (int i = 0; i < 20; i++) {
                char *const *envp = i % 2 ? given : environ;
                int status = -1;
                pid_t pid = fork();

                if (pid == 0) {
                        execve("/bin/true", argv, envp);
                        _exit(98);
                }
                if (waitpid(pid, &status, 0) != pid || status ||
                    posix_spawn(&pid, "/bin/true", NULL, NULL, argv, envp) ||
                    waitpid(pid, &status, 0) != pid || status)
                        return arg;
        }
        return NULL;
}

static void starts_from_many_threads(void **state)
{
        pthread_t threads[8], changer;
        void *result;

        (void)state;
        setenv("EXEC_TEST", "2", 1);
        setenv("EXEC_TEST", "1", 1);
        finished = false;
        assert_int_equal(pthread_create(&changer, NULL, change_environ, NULL), 0);
        for (size_t i = 0; i < HF_LEN(threads); i++)
                assert_int_equal(pthread_create(&threads[i], NULL, start_many, &threads), 0);
        for (size_t i = 0; i < HF_LEN(threads); i++) {
                pthread_join(threads[i], &result);
                assert_null(result);
        }
        finished = true;
        pthread_join(changer, NULL);
}

static const struct {
        const char *name;
        void (*test)(void **state);
        bool rejects; /* what a sanitizer may look at first */
} for_each_way[] = {
        {"takes_no_environment", takes_no_environment, false},
        {"rejects_bad_pointers", rejects_bad_pointers, true},
        {"rejects_what_is_no_program", rejects_what_is_no_program, true},
        {"takes_100000_entries", takes_100000_entries, false},
        {"takes_long_texts", takes_long_texts, false},
        {"rejects_too_much", rejects_too_much, true},
        {"starts_what_only_just_fits", starts_what_only_just_fits, true},
};

static void add_way(struct table *t, const struct way *way)
{
        static struct row rows[HF_LEN(ways) * HF_LEN(envs)], *row = rows;
        static char names[HF_LEN(ways) * HF_LEN(for_each_way)][64], (*name)[64] = names;

        if (way->needs_execveat && !execveat)
                return;
        for (size_t i = 0; i < HF_LEN(envs); i++, row++) {
                row->way = way;
                row->env = &envs[i];
                snprintf(row->name, sizeof row->name, "%s_%s", way->name, envs[i].name);
                table_add(t, row->name, hands_on, row);
        }
        for (size_t i = 0; i < HF_LEN(for_each_way); i++, name++) {
                if (LOOKED_AT && way->looked_at && for_each_way[i].rejects)
                        continue;
                snprintf(*name, sizeof *name, "%s_%s", way->name, for_each_way[i].name);
                table_add(t, *name, for_each_way[i].test, way);
        }
}

int main(int argc, char **argv)
{
        static struct table t;

        if (!strcmp(argv[0], "show"))
                return show(atoi(argv[1]));
        world_enter(argc, argv, NULL);
        self[readlink("/proc/self/exe", self, sizeof self - 1)] = '\0';
        for (size_t i = 0; i < HF_LEN(envs); i++) {
                fill_in(envs[i].given);
                fill_in(envs[i].got);
        }
        for (size_t i = 0; i < HF_LEN(ways); i++)
                add_way(&t, &ways[i]);
        table_add(&t, "reads_up_to_the_edge", reads_up_to_the_edge, NULL);
        table_add(&t, "vfork_leaves_nothing_behind", vfork_leaves_nothing_behind, NULL);
        table_add(&t, "failure_leaves_nothing_behind", failure_leaves_nothing_behind, NULL);
        table_add(&t, "starts_from_many_threads", starts_from_many_threads, NULL);
        return table_run("exec", &t);
}
