/* SPDX-License-Identifier: MIT */
/* getaddrinfo_a(): each request of a list gets what getaddrinfo() would give, and all that glibc
 * says about requests holds for those that it never saw. */
#define _GNU_SOURCE
#include "hosts.h"

#ifdef GAI_WAIT

#include <signal.h>
#include <semaphore.h>
#include <time.h>

#define MANY 100

static const struct addrinfo stream = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};

/* Until all of N requests are done. They are waited for one by one: where glibc's gai_suspend() is
 * woken for one of several while another is just done, it leaves a pointer to its own stack behind,
 * and glibc's thread follows it. */
static void finish(struct gaicb *list[], int n)
{
        int64_t until = now_ms() + 10000;

        for (int i = 0; i < n; i++)
                while (list[i] && gai_error(list[i]) == EAI_INPROGRESS) {
                        const struct timespec ts = {10, 0};

                        assert_true(now_ms() < until);
                        gai_suspend((const struct gaicb *const *)&list[i], 1, &ts);
                }
}

static void expect_result(struct gaicb *request, const char *expected)
{
        char text[INET6_ADDRSTRLEN];
        int r = gai_error(request);

        if (!expected) {
                assert_int_not_equal(r, 0);
                return;
        }
        if (r != 0)
                fail_msg("%s: %s", request->ar_name, gai_strerror(r));
        assert_non_null(request->ar_result);
        assert_int_equal(getnameinfo(request->ar_result->ai_addr, request->ar_result->ai_addrlen,
                                     text, sizeof text, NULL, 0, NI_NUMERICHOST),
                         0);
        expect_address(text, expected);
}

static const struct row {
        const char *name, *node, *service, *resolv_conf, *variable, *value;
        const char *expected, *real;
} rows[] = {
        {"a_public_name", "public.example", "443", "", 0, 0, placeholder, "203.0.113.32"},
        {"an_unknown_name", "cas.example.test", "443", "", 0, 0, placeholder, NULL},
        {"without_service", "cas.example.test", NULL, "", 0, 0, placeholder, NULL},
        {"pinned_private", "private.example", "443", "", 0, 0, "10.9.9.1", "10.9.9.1"},
        {"no_dot", "box", "443", "", 0, 0, "10.9.9.1", "10.9.9.1"},
        {"literal", "203.0.113.10", "443", "", 0, 0, "203.0.113.10", "203.0.113.10"},
        {"service_without_proxy", "public.example", "9000", "", 0, 0, "203.0.113.32",
         "203.0.113.32"},
        {"service_that_is_none", "public.example", "no-such-service", "", 0, 0, NULL, NULL},
        {"no_proxy_name", "exempt.example", "443", "", "no_proxy", "exempt.example", "203.0.113.31",
         "203.0.113.31"},
        {"below_search_suffix", "node.corp.example", "443", "search corp.example\n", 0, 0,
         "203.0.113.34", "203.0.113.34"},
        {"below_search_suffix_unknown", "nonode.corp.example", "443", "search corp.example\n", 0, 0,
         placeholder, NULL},
        {"few_dots_unknown", "huggingface.test", "443", CLUSTER, 0, 0, placeholder, NULL},
        {"odd_bytes", "exa mple.test", "443", "", 0, 0, NULL, NULL},
};

static void asks(void **state)
{
        const struct row *row = *state;
        struct gaicb request = {
                .ar_name = row->node, .ar_service = row->service, .ar_request = &stream};
        struct gaicb *list[] = {&request};

        write_resolv_conf(row->resolv_conf);
        if (row->variable && mode == PRELOADED)
                setenv(row->variable, row->value, 1);
        for (int how = GAI_WAIT; how <= GAI_NOWAIT; how++) {
                request.ar_result = NULL;
                request.__return = 4711; /* whatever was there */
                errno = 4711;
                assert_int_equal(getaddrinfo_a(how, list, 1, NULL), 0);
                if (row->expected == placeholder && mode == PRELOADED)
                        assert_int_equal(errno, 4711);
                finish(list, 1);
                expect_result(&request, mode == PRELOADED ? row->expected : row->real);
                assert_ptr_equal(request.ar_name, row->node);
                assert_ptr_equal(request.ar_service, row->service);
                assert_ptr_equal(request.ar_request, &stream);
                assert_int_equal(gai_cancel(&request), EAI_ALLDONE);
                if (gai_error(&request) == 0)
                        freeaddrinfo(request.ar_result);
        }
}

/* Requests for placeholders among others, and places with none. */
static void mixed_list(void **state)
{
        static const char *const names[] = {"cas.example.test", "box", "hub.example.test",
                                            "203.0.113.10"};
        static const char *const answers[] = {placeholder, "10.9.9.1", placeholder, "203.0.113.10"};
        struct gaicb requests[MANY] = {0}, *list[MANY];

        (void)state;
        for (int how = GAI_WAIT; how <= GAI_NOWAIT; how++) {
                for (int i = 0; i < MANY; i++) {
                        requests[i] =
                                (struct gaicb){.ar_name = names[i % 4], .ar_request = &stream};
                        list[i] = i % 5 ? &requests[i] : NULL;
                }
                assert_int_equal(getaddrinfo_a(how, list, MANY, NULL), 0);
                for (int i = 0; i < MANY; i++)
                        assert_ptr_equal(list[i], i % 5 ? &requests[i] : NULL);
                finish(list, MANY);
                for (int i = 0; i < MANY; i++) {
                        if (!list[i])
                                continue;
                        expect_result(list[i], mode == PRELOADED || i % 2 ? answers[i % 4] : NULL);
                        if (gai_error(list[i]) == 0)
                                freeaddrinfo(list[i]->ar_result);
                }
        }
}

static void empty_lists(void **state)
{
        struct gaicb *list[] = {NULL, NULL};

        (void)state;
        for (int how = GAI_WAIT; how <= GAI_NOWAIT; how++) {
                assert_int_equal(getaddrinfo_a(how, list, 2, NULL), 0);
                assert_int_equal(getaddrinfo_a(how, list, 0, NULL), 0);
        }
        errno = 0;
        assert_int_equal(getaddrinfo_a(7, list, 2, NULL), EAI_SYSTEM);
        assert_int_equal(errno, EINVAL);
}

static void canonical_name(void **state)
{
        const struct addrinfo hints = {.ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM};
        struct gaicb request = {.ar_name = "cas.example.test", .ar_request = &hints};
        struct gaicb *list[] = {&request};

        (void)state;
        assert_int_equal(getaddrinfo_a(GAI_WAIT, list, 1, NULL), 0);
        assert_int_equal(gai_error(&request), 0);
        assert_string_equal(request.ar_result->ai_canonname, "cas.example.test");
        freeaddrinfo(request.ar_result);
}

/* What needs no decision here is not looked up twice: the name server, which says nothing, is asked
 * once, and nobody waits for it. */
static void one_look_up(void **state)
{
        const struct sockaddr_in in = {.sin_family = AF_INET,
                                       .sin_port = htons(53),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
        struct gaicb request = {.ar_name = "silent.exempt.example", .ar_request = &hints};
        struct gaicb *list[] = {&request};
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), questions = 0;
        char buf[512];

        (void)state;
        if (mode == PRELOADED)
                setenv("no_proxy", "exempt.example", 1);
        assert_int_equal(bind(fd, (const struct sockaddr *)&in, sizeof in), 0);
        assert_int_equal(getaddrinfo_a(GAI_NOWAIT, list, 1, NULL), 0);
        finish(list, 1);
        expect_result(&request, NULL);
        while (recv(fd, buf, sizeof buf, MSG_DONTWAIT) > 0)
                questions++;
        assert_int_equal(questions, 1);
        close(fd);
}

/* ---- the program is told ---- */

static sem_t told;

static void tell(union sigval value)
{
        if (value.sival_int == 4711)
                sem_post(&told);
}

static void wait_until_told(void)
{
        struct timespec until;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 10;
        assert_int_equal(sem_timedwait(&told, &until), 0);
}

/* One request, two, and none that libc sees: it is told once each time. */
static void is_told(void **state)
{
        struct sigevent event = {.sigev_notify = SIGEV_THREAD,
                                 .sigev_notify_function = tell,
                                 .sigev_value = {.sival_int = 4711}};

        (void)state;
        sem_init(&told, 0, 0);
        for (int n = 1; n <= 2; n++) {
                struct gaicb requests[] = {{.ar_name = "cas.example.test", .ar_request = &stream},
                                           {.ar_name = "box", .ar_request = &stream}};
                struct gaicb *list[] = {&requests[0], &requests[1]};
                int value;

                assert_int_equal(getaddrinfo_a(GAI_NOWAIT, list, n, &event), 0);
                wait_until_told();
                finish(list, n);
                assert_int_equal(sem_getvalue(&told, &value), 0);
                assert_int_equal(value, 0);
                for (int i = 0; i < n; i++)
                        if (gai_error(list[i]) == 0)
                                freeaddrinfo(list[i]->ar_result);
        }
        sem_destroy(&told);
}

/* ---- where connect() goes with the answer ---- */

static const struct way {
        const char *name, *node, *no_proxy, *resolv_conf;
        bool tunnelled;
} ways[] = {
        {"way_of_a_placeholder", "cas.example.test", "", "", true},
        {"way_of_an_exempt_name", "exempt.example", "exempt.example", "", false},
        {"way_of_a_local_name", "node.corp.example", "", "search corp.example\n", false},
        {"way_of_a_name_without_dot", "box", "", "", false},
};

/* As cpp-httplib does it. */
static void goes_its_way(void **state)
{
        const struct way *row = *state;
        struct gaicb request = {.ar_name = row->node, .ar_service = "443", .ar_request = &stream};
        struct gaicb *list[] = {&request};
        const struct timespec patience = {10, 0};
        unsigned accepted = atomic_load(&world->accepted);
        char wanted[128];
        int fd, r;

        write_resolv_conf(row->resolv_conf);
        setenv("no_proxy", row->no_proxy, 1);
        assert_int_equal(getaddrinfo_a(GAI_NOWAIT, list, 1, NULL), 0);
        r = gai_suspend((const struct gaicb *const *)list, 1, &patience);
        assert_true(r == 0 || r == EAI_ALLDONE);
        assert_int_equal(gai_error(&request), 0);
        fd = socket(request.ar_result->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, request.ar_result->ai_addr, request.ar_result->ai_addrlen), 0);
        freeaddrinfo(request.ar_result);
        expect_echo(fd);
        close(fd);
        assert_int_equal(atomic_load(&world->accepted), accepted + row->tunnelled);
        snprintf(wanted, sizeof wanted, "CONNECT %s:443 HTTP/1.1", row->node);
        if (row->tunnelled)
                expect_request(wanted);
}

int main(int argc, char **argv)
{
        static struct table t;

        world_enter(argc, argv, HOSTS_SETUP);
        TABLE_ADD(&t, asks, rows);
        table_add(&t, "mixed_list", mixed_list, NULL);
        table_add(&t, "empty_lists", empty_lists, NULL);
        table_add(&t, "is_told", is_told, NULL);
        table_add(&t, "one_look_up", one_look_up, NULL);
        if (mode == PRELOADED) {
                table_add(&t, "canonical_name", canonical_name, NULL);
                TABLE_ADD(&t, goes_its_way, ways);
        }
        return table_run_with("getaddrinfo_a", &t, names_setup);
}

#else

int main(void)
{
        printf("1..0 # SKIP this libc has no getaddrinfo_a()\n");
        return 0;
}

#endif
