/* SPDX-License-Identifier: MIT */
/* getenv() and its family, inside a process: what was set late, replaced, cleared; in threads, in
 * signal handlers, in a forked child, from a constructor that runs before ours. What does not
 * depend on our rules also runs without the library and must come out alike (the control). */
#include "world.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
extern char *secure_getenv(const char *name);
extern char *early_answer(void) __attribute__((weak)); /* early_env.c, where it is preloaded too */

#define P "http://p:3128"
#define Q "http://q:8080"

static char *const ours[] = {"http_proxy",         "HTTP_PROXY",
                             "https_proxy",        "HTTPS_PROXY",
                             "all_proxy",          "ALL_PROXY",
                             "no_proxy",           "NO_PROXY",
                             "REQUEST_METHOD",     "HFPROXY_STATE",
                             "HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_XETHUB",
                             "no_grpc_proxy",      NULL};

static char *const settings[] = {"HFPROXY_URL",
                                 "HFPROXY_PREFER",
                                 "HFPROXY_DISABLE_XET",
                                 "HFPROXY_CA_BUNDLE",
                                 "HFPROXY_TUNNEL",
                                 "HFPROXY_TIMEOUT",
                                 "HFPROXY_SOCKS",
                                 "HFPROXY_ONLY",
                                 "HFPROXY_LOG",
                                 "HFPROXY_LOG_LEVEL",
                                 NULL};

static void expect(const char *name, const char *value)
{
        const char *got = getenv(name);
        const char *secure = secure_getenv(name);

        if (!value) {
                assert_null(got);
                assert_null(secure);
                return;
        }
        assert_non_null(got);
        assert_string_equal(got, value);
        assert_string_equal(secure, value);
}

static void set(const char *name, const char *value)
{
        assert_int_equal(setenv(name, value, 1), 0);
}

/* --- our rules ------------------------------------------------------------------------------ */

static void mirrors_what_is_set_late(void **state)
{
        (void)state;
        set("HTTPS_PROXY", P);
        expect("https_proxy", P);
        set("HTTPS_PROXY", Q);
        expect("https_proxy", Q);
        unsetenv("HTTPS_PROXY");
        expect("https_proxy", NULL);
}

static void composes_what_is_damaged(void **state)
{
        (void)state;
        set("HTTPS_PROXY", "\"p:3128\"\r");
        expect("https_proxy", P);
        expect("HTTPS_PROXY", P);
        /* The same text again is the same string: a program may keep the pointer. */
        assert_ptr_equal(getenv("https_proxy"), getenv("HTTPS_PROXY"));
}

/* A client that knows no SOCKS need not see it; what stands in `environ` is for children. */
static void hides_socks_that_is_set_late(void **state)
{
        unsigned raw = 0;

        (void)state;
        set("ALL_PROXY", "socks5://s:1");
        set("HTTPS_PROXY", P);
        expect("ALL_PROXY", NULL);
        expect("all_proxy", NULL);
        expect("http_proxy", NULL);
        expect("https_proxy", P);
        assert_non_null(getenv("no_proxy"));
        for (char **e = environ; *e; e++)
                raw += !strcmp(*e, "ALL_PROXY=socks5://s:1");
        assert_int_equal(raw, 1);
        set("ALL_PROXY", Q);
        expect("all_proxy", Q);
        expect("http_proxy", Q);
        set("HTTPS_PROXY", "socks://s:1");
        expect("https_proxy", NULL);
        expect("http_proxy", Q);
        expect("all_proxy", NULL); /* https clients would fall back to it */
        unsetenv("HTTPS_PROXY");
        expect("https_proxy", Q);
}

static void follows_putenv_in_place(void **state)
{
        static char entry[] = "HTTPS_PROXY=http://p:3128";

        (void)state;
        assert_int_equal(putenv(entry), 0);
        expect("https_proxy", P);
        entry[sizeof entry - 2] = '9';
        expect("https_proxy", "http://p:3129");
        unsetenv("HTTPS_PROXY");
}

static void obeys_the_cgi_rule_at_lookup(void **state)
{
        (void)state;
        set("HTTP_PROXY", P);
        expect("http_proxy", P);
        set("REQUEST_METHOD", "GET");
        expect("http_proxy", NULL);
        expect("HTTP_PROXY", P);
        unsetenv("REQUEST_METHOD");
        expect("http_proxy", P);
}

static void follows_a_replaced_environ(void **state)
{
        static char *mine[] = {"HTTPS_PROXY=" P, "LONELY=yes", NULL};
        char **was = environ;

        (void)state;
        environ = mine;
        expect("https_proxy", P);
        expect("LONELY", "yes");
        expect("PATH", NULL);
        environ = NULL;
        expect("https_proxy", NULL);
        expect("LONELY", NULL);
        environ = was;
}

/* A look-up remembers what it was answered. So in each of these cases the same name is asked twice,
 * and in between the environment changes without a call that we would see. */

static void follows_a_copy_of_environ(void **state)
{
        static char *one[2], *two[2];
        char **was = environ;

        (void)state;
        one[0] = strdup("HTTPS_PROXY=" P);
        two[0] = strdup("HTTPS_PROXY=" P);
        environ = one;
        assert_ptr_equal(getenv("https_proxy"), one[0] + 12);
        environ = two;
        memset(one[0], 'x', strlen(one[0]));
        free(one[0]);
        assert_ptr_equal(getenv("https_proxy"), two[0] + 12);
        expect("HTTPS_PROXY", P);
        environ = was;
        free(two[0]);
}

static void follows_what_is_written_into_environ(void **state)
{
        static char renamed[] = "XO_PROXY=b.test";
        static char *mine[6] = {"A=1", "HTTPS_PROXY=" P, NULL};
        char **was = environ;

        (void)state;
        environ = mine;
        expect("https_proxy", P);
        expect("all_proxy", NULL);
        mine[2] = "ALL_PROXY=" Q; /* appended */
        expect("all_proxy", Q);
        mine[0] = "https_proxy=" Q; /* put in front */
        expect("HTTPS_PROXY", Q);
        mine[0] = "A=1"; /* taken away */
        expect("HTTPS_PROXY", P);
        mine[1] = mine[2] = NULL; /* cut off */
        expect("HTTPS_PROXY", NULL);
        expect("all_proxy", NULL);
        mine[1] = renamed;
        expect("no_proxy", NULL);
        renamed[0] = 'N'; /* a name, edited in place */
        expect("no_proxy", "b.test");
        environ = was;
}

static void follows_the_setting_of_another_variable(void **state)
{
        static char *mine[3] = {"HTTPS_PROXY=" P, NULL};
        char **was = environ;

        (void)state;
        environ = mine;
        expect("https_proxy", P);
        mine[1] = "HFPROXY_URL=" Q;
        expect("https_proxy", Q);
        mine[1] = NULL;
        expect("https_proxy", P);
        environ = was;
}

/* More environments than it remembers, twice; and the first one over and over between them. */
static void follows_a_hundred_environments(void **state)
{
        char **was = environ;

        (void)state;
        for (int i = 0; i < 200; i++) {
                static char url[32], entry[64];
                static char *mine[] = {entry, NULL}, *first[] = {"HTTPS_PROXY=" P, NULL};

                snprintf(url, sizeof url, "http://p:%d", 1000 + i % 100);
                snprintf(entry, sizeof entry, "HTTPS_PROXY=%s", url);
                environ = mine;
                expect("https_proxy", url);
                expect("HTTPS_PROXY", url);
                environ = first;
                expect("https_proxy", P);
        }
        environ = was;
}

static void follows_the_ca_file(void **state)
{
        char path[] = "/tmp/hfproxy-ca-XXXXXX";
        int fd = mkstemp(path);

        (void)state;
        assert_true(fd >= 0);
        unsetenv("CURL_CA_BUNDLE");
        set("HFPROXY_CA_BUNDLE", path);
        expect("CURL_CA_BUNDLE", path);
        close(fd);
        unlink(path);
        expect("CURL_CA_BUNDLE", NULL);
        unsetenv("HFPROXY_CA_BUNDLE");
}

static void knows_nothing_after_clearenv(void **state)
{
        (void)state;
        if (fork() == 0) {
                set("HTTPS_PROXY", P);
                clearenv();
                _exit(getenv("https_proxy") || getenv("HTTPS_PROXY") || getenv("no_proxy") ||
                      getenv("PATH"));
        }
        int status = -1;
        wait(&status);
        assert_int_equal(status, 0);
}

static void takes_a_mebibyte(void **state)
{
        size_t size = 1024 * 1024;
        char *big = malloc(size + 1);

        (void)state;
        assert_non_null(big);
        memset(big, 'x', size);
        big[size] = '\0';
        for (char *const *name = ours; *name; name++) {
                set(*name, big);
                assert_non_null(getenv(*name));
                unsetenv(*name);
        }
        for (char *const *name = settings; *name; name++) {
                set(*name, big);
                expect(*name, big);
                (void)getenv("https_proxy");
                unsetenv(*name);
        }
        memcpy(big, "http://u:", 9);
        memcpy(big + size - 7, "@p:3128", 7);
        set("HTTPS_PROXY", big);
        expect("https_proxy", big);
        free(big);
}

static void takes_no_proxy_of_100000_entries(void **state)
{
        size_t size = 100000 * 11;
        char *big = malloc(size + 1);

        (void)state;
        assert_non_null(big);
        for (int i = 0; i < 100000; i++)
                snprintf(big + 11 * i, 12, "h%05d.tst,", i);
        set("HTTPS_PROXY", P);
        set("NO_PROXY", big);
        expect("no_proxy", big);
        free(big);
}

static void takes_bytes_that_are_no_utf8(void **state)
{
        (void)state;
        set("HTTPS_PROXY", "\xff\xfe");
        expect("HTTPS_PROXY", "\xff\xfe");
        expect("https_proxy", NULL);
        set("NO_PROXY", "\xff,a.test,\xc3"); /* httpx raises on them, so they are left out */
        expect("no_proxy", "a.test");
}

static void answered_before_our_constructor(void **state)
{
        (void)state;
        assert_non_null(early_answer);
        assert_non_null(early_answer());
        assert_string_equal(early_answer(), "http://early:1");
}

/* --- manners: the same with and without us --------------------------------------------------- */

static void leaves_others_where_they_are(void **state)
{
        (void)state;
        set("HF_TEST_OTHER", "1");
        for (char **e = environ; *e; e++)
                if (!strncmp(*e, "HF_TEST_OTHER=", 14))
                        assert_ptr_equal(getenv("HF_TEST_OTHER"), *e + 14);
        assert_null(getenv(""));
        assert_null(getenv("HF_TEST_OTHE"));
        assert_null(getenv("HF_TEST_OTHERS"));
}

static void tells_names_apart(void **state)
{
        static const char *const names[] = {"A",        "AB",       "HF_HOME",  "HF_TOKEN",
                                            "HTTP_X",   "NO_COLOR", "NODE_ENV", "HTTPS_PROX",
                                            "NO_PROX_", "SSL_CERT", "ABC",      "HTTPS_PROXYX"};

        (void)state;
        for (size_t i = 0; i < HF_LEN(names); i++)
                assert_null(getenv(names[i]));
        for (size_t i = 0; i < HF_LEN(names); i++)
                set(names[i], names[i]);
        for (size_t i = 0; i < HF_LEN(names); i++)
                expect(names[i], names[i]);
        for (size_t i = 0; i < HF_LEN(names); i++)
                unsetenv(names[i]);
        for (size_t i = 0; i < HF_LEN(names); i++)
                assert_null(getenv(names[i]));
}

static void finds_each_entry_wherever_it_stands(void **state)
{
        static char *mine[] = {"A=1", "AB=2",  "ABC=3", "AA=4",  "B=5",         "BC=6",
                               "D=",  "ABC=7", "=8",    "ABD=9", "HF_HOME=x=y", NULL};
        char **was = environ;

        (void)state;
        environ = mine;
        expect("A", "1");
        expect("AB", "2");
        expect("ABC", "3");
        expect("AA", "4");
        expect("B", "5");
        expect("BC", "6");
        expect("D", "");
        expect("ABD", "9");
        expect("HF_HOME", "x=y");
        expect("HF_HOME=x", "y");
        expect("C", NULL);
        expect("", NULL);
        environ = was;
}

/* Names without '=' that end where memory ends; and an empty one, of which libc reads more. */
static void passes_over_entries_without_a_value(void **state)
{
        static char *mine[] = {NULL, NULL, "", "HOME", "NO_PROXY", "HOME=/h", "NO_PROXY=a.test",
                               NULL};
        struct guard home, proxy;
        char **was = environ;

        (void)state;
        mine[0] = (char *)(uintptr_t)guard_make(&home, (struct hf_span){"HOM", 4}).s;
        mine[1] = (char *)(uintptr_t)guard_make(&proxy, (struct hf_span){"NO_P", 5}).s;
        environ = mine;
        expect("HOME", "/h");
        expect("HOM", NULL);
        expect("NO_PROXY", "a.test");
        expect("NO_P", NULL);
        environ = was;
        guard_free(&home);
        guard_free(&proxy);
}

static void rejects_what_libc_rejects(void **state)
{
        const char *volatile none = NULL;

        (void)state;
        errno = 0;
        assert_int_equal(setenv("", "x", 1), -1);
        assert_int_equal(errno, EINVAL);
        errno = 0;
        assert_int_equal(setenv("a=b", "x", 1), -1);
        assert_int_equal(errno, EINVAL);
        errno = 0;
        assert_int_equal(setenv(none, "x", 1), -1);
        assert_int_equal(errno, EINVAL);
        errno = 0;
        assert_int_equal(unsetenv(""), -1);
        assert_int_equal(errno, EINVAL);
        errno = 0;
        assert_int_equal(unsetenv("HTTPS_PROXY="), -1);
        assert_int_equal(errno, EINVAL);
}

static void leaves_errno_alone(void **state)
{
        (void)state;
        errno = 1234;
        set("HTTPS_PROXY", P);
        (void)getenv("https_proxy");
        (void)getenv("HTTPS_PROXY");
        (void)getenv("no_proxy");
        (void)getenv("PATH");
        unsetenv("HTTPS_PROXY");
        assert_int_equal(errno, 1234);
}

static void does_not_overwrite_unasked(void **state)
{
        (void)state;
        set("HTTPS_PROXY", P);
        assert_int_equal(setenv("HTTPS_PROXY", Q, 0), 0);
        assert_string_equal(getenv("HTTPS_PROXY"), P);
}

static volatile sig_atomic_t in_handler;

static void ask(int sig)
{
        int saved = errno;

        (void)sig;
        in_handler += getenv("HTTPS_PROXY") != NULL;
        errno = saved;
}

static void answers_in_a_signal_handler(void **state)
{
        struct sigaction sa = {.sa_handler = ask}, was;
        struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};

        (void)state;
        set("HTTPS_PROXY", "p:3128");
        in_handler = 0;
        sigaction(SIGVTALRM, &sa, &was);
        setitimer(ITIMER_VIRTUAL, &often, NULL);
        while (in_handler < 50) {
                for (int i = 0; i < 100; i++)
                        assert_non_null(getenv("HTTPS_PROXY"));
                poll(NULL, 0, 0); /* ThreadSanitizer holds signals back until a call like this */
        }
        setitimer(ITIMER_VIRTUAL, &never, NULL);
        sigaction(SIGVTALRM, &was, NULL);
}

#define READERS 16
static _Atomic(int) finished;

static void *read_all(void *arg)
{
        for (int i = 0; i < 3000; i++) {
                const char *value = getenv(i % 2 ? "https_proxy" : "HTTPS_PROXY");

                if (value && strcmp(value, P) != 0 && strcmp(value, Q) != 0)
                        return arg; /* anything but NULL */
        }
        return NULL;
}

static void *change_value(void *arg)
{
        (void)arg;
        /* Existing variables only, and a few values over and over: that is what libc lets a
         * program do while other threads read. */
        for (int i = 0; !finished; i++)
                setenv("HTTPS_PROXY", i % 2 ? P : Q, 1);
        return NULL;
}

static void serves_16_threads_while_values_change(void **state)
{
        pthread_t readers[READERS], writer;
        void *result;

        (void)state;
        set("HTTPS_PROXY", Q); /* libc keeps the texts: none is new to the readers later */
        set("HTTPS_PROXY", P);
        finished = 0;
        assert_int_equal(pthread_create(&writer, NULL, change_value, NULL), 0);
        for (int i = 0; i < READERS; i++)
                assert_int_equal(pthread_create(&readers[i], NULL, read_all, readers), 0);
        for (int i = 0; i < READERS; i++) {
                assert_int_equal(pthread_join(readers[i], &result), 0);
                assert_null(result);
        }
        finished = 1;
        pthread_join(writer, NULL);
}

static void serves_a_forked_child(void **state)
{
        int status = -1;

        (void)state;
        set("HTTPS_PROXY", P);
        if (fork() == 0) {
                setenv("HTTPS_PROXY", Q, 1);
                _exit(strcmp(getenv("HTTPS_PROXY"), Q) != 0);
        }
        wait(&status);
        assert_int_equal(status, 0);
        assert_string_equal(getenv("HTTPS_PROXY"), P);
}

#define CASE(f)                                                                                    \
        {                                                                                          \
#f, f                                                                              \
        }

static const struct test_case {
        const char *name;
        CMUnitTestFunction test;
} rules[] =
        {
                CASE(mirrors_what_is_set_late),
                CASE(composes_what_is_damaged),
                CASE(hides_socks_that_is_set_late),
                CASE(follows_putenv_in_place),
                CASE(obeys_the_cgi_rule_at_lookup),
                CASE(follows_a_replaced_environ),
                CASE(follows_a_copy_of_environ),
                CASE(follows_what_is_written_into_environ),
                CASE(follows_the_setting_of_another_variable),
                CASE(follows_a_hundred_environments),
                CASE(follows_the_ca_file),
                CASE(knows_nothing_after_clearenv),
                CASE(takes_a_mebibyte),
                CASE(takes_no_proxy_of_100000_entries),
                CASE(takes_bytes_that_are_no_utf8),
                CASE(answered_before_our_constructor),
},
  manners[] = {
          CASE(leaves_others_where_they_are),
          CASE(tells_names_apart),
          CASE(finds_each_entry_wherever_it_stands),
          CASE(passes_over_entries_without_a_value),
          CASE(rejects_what_libc_rejects),
          CASE(leaves_errno_alone),
          CASE(does_not_overwrite_unasked),
          CASE(answers_in_a_signal_handler),
          CASE(serves_16_threads_while_values_change),
          CASE(serves_a_forked_child),
};

/* Each in a process of its own: what getenv() remembers is bounded, and no case shall find it used
 * up by those before. In the child a failed case goes on to the next one, where it ends. */
static void run_case(void **state)
{
        const struct test_case *test = *state;
        static bool is_child;
        int status = -1;

        if (is_child)
                exit(1);
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
                is_child = true;
                for (char *const *name = ours; *name; name++)
                        unsetenv(*name);
                test->test(NULL);
                _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
        struct table t = {0};

        world_enter(argc, argv, NULL);
        if (mode != CONTROL) {
                TABLE_ADD(&t, run_case, rules);
        }
        TABLE_ADD(&t, run_case, manners);
        return table_run("env", &t);
}
