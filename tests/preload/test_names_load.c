/* SPDX-License-Identifier: MIT */
/* The table of names in the midst of things: threads, forks and signal handlers. */
#define _GNU_SOURCE
#include "placeholders.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

static int begin_connect(uint32_t address)
{
        const struct sockaddr_in in = {
                .sin_family = AF_INET, .sin_port = htons(443), .sin_addr.s_addr = htonl(address)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd >= 0 && connect(fd, (const struct sockaddr *)&in, sizeof in) < 0 &&
            errno != EINPROGRESS) {
                close(fd);
                return -1;
        }
        return fd;
}

/* ---- forks ---- */

static _Atomic(bool) over;
static _Atomic(unsigned) rounds, wrong;

static void *looks_up(void *arg)
{
        unsigned thread = *(unsigned *)arg;

        for (unsigned i = 0; !atomic_load(&over) && i < 2000; i++) {
                char name[40];
                uint32_t address;

                snprintf(name, sizeof name, "t%u-%u.fork.test", thread, i);
                address = ask(name);
                if (address >> 20 != BASE >> 20 || !gives_back(address, name))
                        atomic_fetch_add(&wrong, 1);
                atomic_fetch_add(&rounds, 1);
        }
        return NULL;
}

/* What was known before the fork is known after it; what comes then is each process's own. */
static int child_of(unsigned number, uint32_t known)
{
        for (unsigned i = 0; i < 50; i++) {
                char name[40];
                uint32_t address;

                snprintf(name, sizeof name, "f%u-%u.fork.test", number, i);
                address = ask(name);
                if (address >> 20 != BASE >> 20 || !gives_back(address, name))
                        return 1;
        }
        if (ask("known.fork.test") != known || !gives_back(known, "known.fork.test"))
                return 2;
        return 0;
}

static void forks_among_look_ups(void **state)
{
        uint32_t known = ask("known.fork.test");
        pthread_t threads[4];
        unsigned numbers[4];

        (void)state;
        assert_int_equal(known >> 20, BASE >> 20);
        atomic_store(&over, false);
        for (unsigned t = 0; t < HF_LEN(threads); t++) {
                numbers[t] = t;
                assert_int_equal(pthread_create(&threads[t], NULL, looks_up, &numbers[t]), 0);
        }
        for (unsigned i = 0; i < 20; i++) {
                int status;
                pid_t pid = fork();

                if (pid == 0) /* (_exit() under ThreadSanitizer misses our threads) */
                        syscall(SYS_exit_group, child_of(i, known));
                assert_true(pid > 0);
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_int_equal(status, 0);
        }
        atomic_store(&over, true);
        for (unsigned t = 0; t < HF_LEN(threads); t++)
                pthread_join(threads[t], NULL);
        assert_true(atomic_load(&rounds) > 0);
        assert_int_equal(atomic_load(&wrong), 0);
}

/* Two processes that were asked for the same names gave the same addresses, so that one may hand
 * one to the other. */
static void processes_agree(void **state)
{
        uint32_t *theirs =
                mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        int status;
        pid_t pid;

        (void)state;
        assert_true(theirs != MAP_FAILED);
        pid = fork();
        for (unsigned i = 0; i < 1000; i++) {
                char name[40];

                snprintf(name, sizeof name, "p%u.agree.test", i);
                if (pid == 0)
                        theirs[i] = ask(name);
                else if (i == 0)
                        assert_int_equal(waitpid(pid, &status, 0), pid);
                if (pid > 0) {
                        assert_int_equal(theirs[i] >> 20, BASE >> 20);
                        assert_int_equal(ask(name), theirs[i]);
                }
        }
        if (pid == 0)
                _exit(0);
        munmap(theirs, 4096);
}

/* ---- signal handlers ---- */

static volatile sig_atomic_t handled, mistaken;
static uint32_t handlers_name;

#ifndef __SANITIZE_THREAD__
static void looks_up_in_a_handler(int signal)
{
        int saved_errno = errno;
        char name[40] = "s000000.handler.test";
        uint32_t address;

        (void)signal;
        for (unsigned n = (unsigned)handled, i = 6; i > 0; i--, n /= 10)
                name[i] = (char)('0' + n % 10);
        address = ask(name);
        if (address >> 20 != BASE >> 20 || !gives_back(address, name))
                mistaken = mistaken + 1;
        handled = handled + 1;
        errno = saved_errno;
}
#endif

static void connects_in_a_handler(int signal)
{
        int saved_errno = errno, fd = begin_connect(handlers_name);

        (void)signal;
        if (fd < 0)
                mistaken = mistaken + 1;
        else
                close(fd);
        handled = handled + 1;
        errno = saved_errno;
}

static void tick(void (*handler)(int))
{
        struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
        struct itimerval every = {{0, 700}, {0, 700}};

        if (!handler) {
                memset(&every, 0, sizeof every);
                setitimer(ITIMER_REAL, &every, NULL);
                action.sa_handler = SIG_IGN; /* one that is on its way */
                sigaction(SIGALRM, &action, NULL);
                action.sa_handler = SIG_DFL;
                sigaction(SIGALRM, &action, NULL);
                alarm(300); /* as it was (world.c) */
                return;
        }
        handled = mistaken = 0;
        sigaction(SIGALRM, &action, NULL);
        setitimer(ITIMER_REAL, &every, NULL);
}

#ifndef __SANITIZE_THREAD__
/* A handler above connect() may look names up (above libc's own look-up it may not, as malloc() is
 * under that); and one above any look-up may connect. */
static void handlers_look_up(void **state)
{
        int64_t until = now_ms() + 20000;
        uint32_t known = ask("above.handler.test");

        (void)state;
        tick(looks_up_in_a_handler);
        while (handled < 200 && now_ms() < until) {
                int fd = begin_connect(known);

                if (fd >= 0)
                        close(fd);
        }
        tick(NULL);
        assert_true(handled >= 200);
        assert_int_equal(mistaken, 0);
        assert_true(gives_back(known, "above.handler.test"));
}
#endif

static void handlers_connect(void **state)
{
        int64_t until = now_ms() + 20000;
        unsigned bad = 0;

        (void)state;
        handlers_name = ask("handled.handler.test");
        tick(connects_in_a_handler);
        for (unsigned i = 0; handled < 200 && now_ms() < until; i++) {
                char name[40];
                uint32_t address;

                snprintf(name, sizeof name, "m%u.handler.test", i % 5000);
                address = ask(name);
                bad += address >> 20 != BASE >> 20;
        }
        tick(NULL);
        assert_true(handled >= 200);
        assert_int_equal(mistaken, 0);
        assert_int_equal(bad, 0);
        assert_true(gives_back(handlers_name, "handled.handler.test"));
}

/* ---- in every mode ---- */

static void *looks_up_hosts(void *arg)
{
        (void)arg;
        for (int i = 0; i < 200; i++)
                if (ask("private.example") != 0x0a090901) /* 10.9.9.1 */
                        atomic_fetch_add(&wrong, 1);
        return NULL;
}

static void threads_look_up_what_is_near(void **state)
{
        pthread_t threads[16];

        (void)state;
        for (unsigned t = 0; t < HF_LEN(threads); t++)
                assert_int_equal(pthread_create(&threads[t], NULL, looks_up_hosts, NULL), 0);
        for (unsigned t = 0; t < HF_LEN(threads); t++)
                pthread_join(threads[t], NULL);
        assert_int_equal(atomic_load(&wrong), 0);
}

int main(int argc, char **argv)
{
        static struct table t;

        world_enter(argc, argv, HOSTS_SETUP);
        table_add(&t, "threads_look_up_what_is_near", threads_look_up_what_is_near, NULL);
        if (mode == PRELOADED) {
                table_add(&t, "processes_agree", processes_agree, NULL);
                table_add(&t, "forks_among_look_ups", forks_among_look_ups, NULL);
#ifndef __SANITIZE_THREAD__ /* which thinks ill of any look-up in a handler */
                table_add(&t, "handlers_look_up", handlers_look_up, NULL);
#endif
                table_add(&t, "handlers_connect", handlers_connect, NULL);
        }
        return table_run_with("names_load", &t, names_setup);
}
