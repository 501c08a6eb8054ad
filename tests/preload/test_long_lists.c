/* SPDX-License-Identifier: MIT */
/* no_proxy with as many entries as an environment can hold, and with the hundred thousand that a
 * program can only set itself: every entry counts, and no call takes longer for the others. */
#define _GNU_SOURCE
#include "hosts.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

#define MANY 100000
#define FIT 7990 /* about as many as fit into 128 KiB, with what the list ends in */

static double cpu_seconds(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
        return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- lists ---- */

static void put_name(char *entry, size_t size, unsigned i)
{
        snprintf(entry, size, "h%u.many.test", i);
}

static void put_address(char *entry, size_t size, unsigned i)
{
        snprintf(entry, size, "11.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
}

static void put_prefix(char *entry, size_t size, unsigned i)
{
        snprintf(entry, size, "%u.%u.%u.0/%u", 12 + (i >> 16), i >> 8 & 255, i & 255, 17 + i % 8);
}

static void put_v6(char *entry, size_t size, unsigned i)
{
        snprintf(entry, size, "2001:db8:%x::/%u", i & 0xffff, 48 + i % 81);
}

static void put_any(char *entry, size_t size, unsigned i)
{
        static void (*const all[])(char *, size_t, unsigned) = {put_name, put_address, put_prefix,
                                                                put_v6};

        all[i % HF_LEN(all)](entry, size, i);
}

/* So many entries, and at the end those that the tests look for: each kind once. */
#define LAST "exempt.example,203.0.113.77,203.0.113.128/26,port.example:443"

static char *make_list(void (*put)(char *, size_t, unsigned), unsigned n)
{
        static char list[MANY * 32];
        size_t at = 0;

        for (unsigned i = 0; i < n; i++) {
                put(list + at, 32, i);
                at += strlen(list + at);
                list[at++] = ',';
        }
        strcpy(list + at, LAST);
        return list;
}

/* ---- what it says ---- */

static bool goes_directly(const char *literal)
{
        unsigned accepted = atomic_load(&world->accepted);
        struct sockaddr_storage sa;
        unsigned len = address(&sa, literal, 443, false);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
        expect_echo(fd);
        close(fd);
        return atomic_load(&world->accepted) == accepted;
}

static uint32_t ask(const char *name)
{
        struct sockaddr_storage sa;
        struct sockaddr_in in;

        look_up(name, AF_INET, 443, &sa);
        memcpy(&in, &sa, sizeof in);
        return ntohl(in.sin_addr.s_addr);
}

static void every_entry_counts(void)
{
        assert_int_equal(ask("exempt.example"), 0xcb00711f); /* 203.0.113.31 */
        assert_int_equal(ask("port.example"), 0xcb007126);   /* 203.0.113.38 */
        assert_int_equal(ask("public.example") >> 20, 0xf0a);
        assert_true(goes_directly("203.0.113.77"));
        assert_true(goes_directly("203.0.113.190"));
        assert_false(goes_directly("203.0.113.78"));
        expect_request("CONNECT 203.0.113.78:443 HTTP/1.1");
        assert_false(goes_directly("203.0.113.192"));
}

/* ---- how long it takes ---- */

struct cost {
        double look_ups, connects; /* CPU seconds */
};

static struct cost measure(void)
{
        double start = cpu_seconds();
        struct sockaddr_storage sa;
        struct cost cost;
        unsigned len;

        for (int i = 0; i < 1000; i++)
                ask("public.example");
        cost.look_ups = cpu_seconds() - start;
        len = address(&sa, "203.0.113.77", 443, false);
        start = cpu_seconds();
        for (int i = 0; i < 300; i++) {
                int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

                assert_true(connect(fd, (struct sockaddr *)&sa, len) == 0 || errno == EINPROGRESS);
                close(fd);
        }
        cost.connects = cpu_seconds() - start;
        return cost;
}

static const struct row {
        const char *name;
        void (*put)(char *, size_t, unsigned);
        unsigned entries;
} rows[] = {
        {"names_that_fit", put_name, FIT},      {"addresses_that_fit", put_address, FIT},
        {"prefixes_that_fit", put_prefix, FIT}, {"v6_prefixes_that_fit", put_v6, FIT},
        {"all_kinds_that_fit", put_any, FIT},   {"many_names", put_name, MANY},
        {"many_addresses", put_address, MANY},  {"many_prefixes", put_prefix, MANY},
        {"many_v6_prefixes", put_v6, MANY},     {"many_of_all_kinds", put_any, MANY},
};

/* Read through at each call, 8,000 entries take thirty times as long as none for a look-up, and
 * 100,000 four hundred times. */
static void long_list(void **state)
{
        const struct row *row = *state;
        struct cost few, many;
        double start;

        setenv("no_proxy", LAST, 1);
        every_entry_counts();
        few = measure();
        setenv("no_proxy", make_list(row->put, row->entries), 1);
        every_entry_counts();
        many = measure();
        assert_true(many.look_ups < 8 * few.look_ups + 0.05);
        assert_true(many.connects < 8 * few.connects + 0.05);

        start = cpu_seconds();
        for (int i = 0; i < 5000; i++)
                assert_non_null(getenv(i & 1 ? "https_proxy" : "NO_PROXY"));
        /* 20 to 300 ms (the sanitizers: 6 s at most); each from the beginning: 2 and 28 s. */
        assert_true(cpu_seconds() - start < (row->entries == MANY ? 20 : 1.5));
        if (row->put == put_name) {
                char last[32];

                put_name(last, sizeof last, row->entries - 1);
                assert_non_null(strstr(getenv("NO_PROXY"), last));
        }
}

/* ---- in the environment of a new process ---- */

/* What `env` prints of VARIABLE there. */
static char *printed(const char *no_proxy, const char *variable)
{
        static char text[1 << 20];
        size_t have = 0, n = strlen(variable);
        char *entry;
        int fds[2], status;
        ssize_t r;
        pid_t pid;

        assert_int_equal(pipe(fds), 0);
        setenv("no_proxy", no_proxy, 1);
        pid = fork();
        if (pid == 0) {
                dup2(fds[1], 1);
                execl("/usr/bin/env", "env", (char *)NULL);
                _exit(127);
        }
        close(fds[1]);
        while ((r = read(fds[0], text + have, sizeof text - 1 - have)) > 0)
                have += (size_t)r;
        text[have] = '\0';
        close(fds[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        for (entry = strtok(text, "\n"); entry; entry = strtok(NULL, "\n"))
                if (!strncmp(entry, variable, n) && entry[n] == '=')
                        return entry + n + 1;
        return NULL;
}

/* Under 64 KiB it is completed; over that it is left as it is, in both spellings. */
static void goes_to_children(void **state)
{
        char *list, *got;

        (void)state;
        if (mode != PRELOADED) { /* nothing is to be tunnelled: nothing happens to it */
                list = make_list(put_name, FIT - 1000);
                assert_string_equal(printed(list, "no_proxy"), list);
                return;
        }
        list = make_list(put_name, 3800);
        got = printed(list, "NO_PROXY");
        assert_non_null(got);
        assert_int_equal(strncmp(got, list, strlen(list)), 0);
        assert_non_null(strstr(got + strlen(list), ",localhost,127.0.0.1,"));

        list = make_list(put_name, FIT - 100);
        assert_in_range(strlen(list), 120000, 131000);
        got = printed(list, "NO_PROXY");
        assert_non_null(got);
        assert_string_equal(got, list);
        got = printed(list, "no_proxy");
        assert_non_null(got);
        assert_string_equal(got, list);
}

/* ---- what it costs in memory ---- */

static long resident_kib(void)
{
        FILE *file = fopen("/proc/self/statm", "re");
        long pages = 0;

        assert_non_null(file);
        assert_int_equal(fscanf(file, "%*d %ld", &pages), 1);
        fclose(file);
        return pages * 4;
}

/* A program that changes it for ever: 64 set-ups are kept, and the later changes do not count. */
static void changes_are_bounded(void **state)
{
        char *list = make_list(put_name, FIT);
        char *entry;
        long before;

        (void)state;
        assert_int_equal(asprintf(&entry, "no_proxy=%s", list), (int)strlen(list) + 9);
        before = resident_kib();
        for (int i = 0; i < 200; i++) {
                entry[9] = (char)('a' + i % 20);
                entry[10] = (char)('a' + i / 20);
                putenv(entry); /* (setenv() of glibc keeps every value that it ever saw) */
                getenv("https_proxy");
        }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        /* A snapshot has the text and an index of the same size; getenv() remembers 16 of them. */
        assert_in_range(resident_kib() - before, 0, 28 * 1024); /* 14 */
#endif
        (void)before;
        every_entry_counts();
        unsetenv("no_proxy");
        free(entry);
}

int main(int argc, char **argv)
{
        static struct table t;

        world_enter(argc, argv, HOSTS_SETUP);
        table_add(&t, "goes_to_children", goes_to_children, NULL);
        if (mode == PRELOADED) {
                TABLE_ADD(&t, long_list, rows);
                table_add(&t, "changes_are_bounded", changes_are_bounded, NULL);
        }
        return table_run_with("long_lists", &t, names_setup);
}
