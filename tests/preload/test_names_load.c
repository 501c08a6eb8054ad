/* SPDX-License-Identifier: MIT */
/* The table of names under load: forks and signal handlers in the midst of look-ups. With the word
 * `crowd`: names that crowd together in one corner of it. With the word `strict`: the last name
 * that there is room for, where nobody else may be asked. */
#define _GNU_SOURCE
#include "hosts.h"

#include "process/names.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#define IDS (1U << 20) /* addresses of a /12 */
#define PROBES 256     /* places that are tried for a name */
#define BASE 0xf0a00000U

static uint32_t id_of(const char *name)
{
        uint64_t hash = hf_hash(hf_span(name));

        return (uint32_t)(hash ^ hash >> 20 ^ hash >> 40) % IDS;
}

/* The address of NAME; 0: none. */
static uint32_t ask(const char *name)
{
        const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
        struct addrinfo *list;
        struct sockaddr_in in;

        if (getaddrinfo(name, "443", &hints, &list) != 0)
                return 0;
        memcpy(&in, list->ai_addr, sizeof in);
        freeaddrinfo(list);
        return ntohl(in.sin_addr.s_addr);
}

static bool gives_back(uint32_t address, const char *name)
{
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
        char host[300];

        return getnameinfo((struct sockaddr *)&in, sizeof in, host, sizeof host, NULL, 0,
                           NI_NAMEREQD) == 0 &&
               !strcmp(host, name);
}

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

static void expect_way(uint32_t address, const char *name)
{
        const struct sockaddr_in in = {
                .sin_family = AF_INET, .sin_port = htons(443), .sin_addr.s_addr = htonl(address)};
        char wanted[320];
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_int_equal(connect(fd, (const struct sockaddr *)&in, sizeof in), 0);
        snprintf(wanted, sizeof wanted, "CONNECT %s:443 HTTP/1.1", name);
        expect_request(wanted);
        close(fd);
}

/* ---- the log ---- */

static int log_fd = -1; /* a memfd, in every process of this test */

static void open_log(void)
{
        char text[32];
        const char *inside = getenv("NAMES_LOG_FD");

        log_fd = inside ? atoi(inside) : memfd_create("log", 0);
        snprintf(text, sizeof text, "%d", log_fd);
        setenv("NAMES_LOG_FD", text, 1);
        snprintf(text, sizeof text, "/proc/self/fd/%d", log_fd);
        setenv("HFPROXY_LOG", text, 1);
        setenv("HFPROXY_LOG_LEVEL", "error", 1);
}

static unsigned lines_with(const char *text)
{
        static char log[65536];
        ssize_t n = pread(log_fd, log, sizeof log - 1, 0);
        unsigned lines = 0;

        log[n < 0 ? 0 : n] = '\0';
        for (const char *at = log; (at = strstr(at, text)); at++)
                lines++;
        return lines;
}

#define FULL "no room for the name "

/* ---- a crowd ---- */

#define CROWD 700
#define WINDOW 256

static char crowd[CROWD][24];

/* Names that want one of WINDOW places, more than twice as many as there are. */
static void find_crowd(void)
{
        unsigned n = 0;

        for (unsigned i = 0; n < CROWD; i++) {
                snprintf(crowd[n], sizeof crowd[n], "c%u.crowd.test", i);
                if (id_of(crowd[n]) / WINDOW == 1234)
                        n++;
        }
}

/* As the table is said to work: each has its own place, or the next free one of PROBES, or none,
 * and then it is really looked up (here: not found). All of them are told apart, and the time that
 * it takes is nobody's concern. */
static void crowded_places(void **state)
{
        static bool taken[IDS];
        static uint32_t at[CROWD];
        unsigned without = 0;
        int64_t start;

        (void)state;
        find_crowd();
        start = now_ms();
        for (unsigned i = 0; i < CROWD; i++) {
                uint32_t id = id_of(crowd[i]), tried = 0;

                while (tried < PROBES && taken[(id + tried) % IDS])
                        tried++;
                at[i] = tried < PROBES ? BASE + (id + tried) % IDS : 0;
                if (at[i])
                        taken[at[i] % IDS] = true;
                else
                        without++;
                assert_int_equal(ask(crowd[i]), at[i]);
        }
        assert_in_range(without, 50, CROWD / 2);
        for (int round = 0; round < 5; round++)
                for (unsigned i = 0; i < CROWD; i++)
                        assert_int_equal(ask(crowd[i]), at[i]);
        assert_in_range(now_ms() - start, 0, 20000); /* 0.3 s */
        for (unsigned i = 0; i < CROWD; i++) {
                if (at[i])
                        assert_true(gives_back(at[i], crowd[i]));
                if (at[i] && i % 20 == 0)
                        expect_way(at[i], crowd[i]);
        }
        assert_int_equal(lines_with(FULL), 1);
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

/* ---- full ---- */

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static long resident_kib(void)
{
        FILE *file = fopen("/proc/self/statm", "re");
        long pages = 0;

        assert_non_null(file);
        assert_int_equal(fscanf(file, "%*d %ld", &pages), 1);
        fclose(file);
        return pages * 4;
}
#endif

/* A name of 253 bytes: the longest that there are, so that the store of texts is filled, too. */
static const char *long_name(unsigned i)
{
        static char name[254];

        memset(name, 'n', sizeof name - 1);
        for (unsigned n = 60; n < sizeof name - 1; n += 60)
                name[n] = '.';
        for (unsigned n = 8; n > 0; n--, i /= 10)
                name[n] = (char)('0' + i % 10);
        return name;
}

/* One thread fills it: not one place is lost, and not one name is in it twice. */
static void full_to_the_last_name(void **state)
{
        static bool taken[IDS];
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        long before = resident_kib();
#endif

        (void)state;
        for (unsigned i = 0; i < HF_NAMES_MAX; i++) {
                uint32_t address = ask(long_name(i));

                assert_int_equal(address >> 20, BASE >> 20);
                assert_false(taken[address % IDS]);
                taken[address % IDS] = true;
        }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        /* 4 MiB of places and 16 MiB of texts; 1 MiB is `taken`. */
        assert_in_range(resident_kib() - before, 16 * 1024, 23 * 1024);
#endif
        assert_int_equal(lines_with(FULL), 0);
}

/* Whoever finds it full hears so at once, and no name server is asked. */
static void nobody_is_asked(void **state)
{
        const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
        const struct sockaddr_in in = {.sin_family = AF_INET,
                                       .sin_port = htons(53),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct addrinfo *list;
        char packet[512];

        (void)state;
        assert_int_equal(bind(fd, (const struct sockaddr *)&in, sizeof in), 0);
        for (int i = 0; i < 100; i++) {
                char name[40];

                snprintf(name, sizeof name, "over%d.full.test", i);
                assert_int_equal(getaddrinfo(name, "443", &hints, &list), EAI_FAIL);
                assert_null(gethostbyname(name));
        }
        assert_int_equal(recv(fd, packet, sizeof packet, MSG_DONTWAIT), -1);
        assert_int_equal(errno, EAGAIN);
        close(fd);
        assert_int_equal(lines_with(FULL), 1);
        assert_int_equal(lines_with(FULL "over0.full.test"), 1);
}

static void full_keeps_its_names(void **state)
{
        (void)state;
        for (unsigned i = 0; i < HF_NAMES_MAX; i += 997) {
                uint32_t address = ask(long_name(i));

                assert_int_equal(address >> 20, BASE >> 20);
                assert_true(gives_back(address, long_name(i)));
        }
        expect_way(ask(long_name(0)), long_name(0));
        expect_way(ask(long_name(HF_NAMES_MAX - 1)), long_name(HF_NAMES_MAX - 1));
        assert_int_equal(ask("public.example"), 0xcb007120); /* from /etc/hosts: 203.0.113.32 */
}

int main(int argc, char **argv)
{
        static struct table t;
        const char *word = argc > 1 ? argv[1] : "";

        open_log();
        if (!strcmp(word, "strict"))
                setenv("HFPROXY_TUNNEL", "strict", 1);
        world_enter(argc, argv, HOSTS_SETUP);
        if (!strcmp(word, "strict")) {
                table_add(&t, "full_to_the_last_name", full_to_the_last_name, NULL);
                table_add(&t, "nobody_is_asked", nobody_is_asked, NULL);
                table_add(&t, "full_keeps_its_names", full_keeps_its_names, NULL);
        } else if (!strcmp(word, "crowd")) {
                table_add(&t, "crowded_places", crowded_places, NULL);
        } else {
                table_add(&t, "threads_look_up_what_is_near", threads_look_up_what_is_near, NULL);
        }
        if (mode == PRELOADED && !*word) {
                table_add(&t, "processes_agree", processes_agree, NULL);
                table_add(&t, "forks_among_look_ups", forks_among_look_ups, NULL);
#ifndef __SANITIZE_THREAD__ /* which thinks ill of any look-up in a handler */
                table_add(&t, "handlers_look_up", handlers_look_up, NULL);
#endif
                table_add(&t, "handlers_connect", handlers_connect, NULL);
        }
        return table_run_with("names_load", &t, names_setup);
}
