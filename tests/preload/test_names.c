/* SPDX-License-Identifier: MIT */
/* The table of names: what never gets into it, names with one hash, a hundred thousand look-ups
 * from sixteen threads, and what becomes of them when it is full. And a name server that says
 * nothing. */
#define _GNU_SOURCE
#include "hosts.h"

#include "process/names.h"

#include <pthread.h>

#define IDS (1U << 20) /* addresses of a /12 */

/* ---- odd names ---- */

static void is_no_placeholder(const struct hostent *found)
{
        char text[INET6_ADDRSTRLEN];

        if (!found)
                return;
        assert_non_null(inet_ntop(found->h_addrtype, found->h_addr_list[0], text, sizeof text));
        assert_false(is_placeholder(text));
}

/* Whatever the way: no placeholder, and so nothing for a proxy. */
static void is_no_name(const char *node)
{
        static const int families[] = {AF_UNSPEC, AF_INET, AF_INET6};
        struct hostent entry, *found = NULL;
        char buf[2048], text[INET6_ADDRSTRLEN];
        int error;

        for (size_t i = 0; i < HF_LEN(families); i++) {
                const struct addrinfo hints = {.ai_flags = AI_CANONNAME,
                                               .ai_family = families[i],
                                               .ai_socktype = SOCK_STREAM};
                struct addrinfo *list;

                if (getaddrinfo(node, i == 0 ? "443" : NULL, &hints, &list) == 0) {
                        assert_int_equal(getnameinfo(list->ai_addr, list->ai_addrlen, text,
                                                     sizeof text, NULL, 0, NI_NUMERICHOST),
                                         0);
                        assert_false(is_placeholder(text));
                        freeaddrinfo(list);
                }
                if (i == 0)
                        continue;
                is_no_placeholder(gethostbyname2(node, families[i]));
                gethostbyname2_r(node, families[i], &entry, buf, sizeof buf, &found, &error);
                is_no_placeholder(found);
        }
        is_no_placeholder(gethostbyname(node));
        gethostbyname_r(node, &entry, buf, sizeof buf, &found, &error);
        is_no_placeholder(found);
}

static void no_odd_byte_reaches_the_proxy(void **state)
{
        (void)state;
        for (int byte = 1; byte < 256; byte++) {
                char node[] = "a?b.example.test", first[] = "?.example.test", last[] = "a.test?";

                if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                    (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_')
                        continue;
                node[1] = first[0] = last[6] = (char)byte;
                is_no_name(node);
                is_no_name(first);
                is_no_name(last);
        }
}

static void no_odd_name_reaches_the_proxy(void **state)
{
        static const char *const names[] = {"cas.test\r\nHost: other.test",
                                            "cas.test:443",
                                            "user@cas.test",
                                            "cas.test/",
                                            "http://cas.test",
                                            "[::1]",
                                            "cas..test",
                                            ".cas.test",
                                            "cas.test..",
                                            ".",
                                            "..",
                                            " ",
                                            " cas.test",
                                            "cas.test ",
                                            "\r\n",
                                            "\tcas.test"};
        char node[400];

        (void)state;
        for (size_t i = 0; i < HF_LEN(names); i++)
                is_no_name(names[i]);
        for (size_t n = 254; n < sizeof node; n++) {
                for (size_t i = 0; i < n; i++)
                        node[i] = i % 10 == 9 ? '.' : 'a';
                node[n - 1] = 'a';
                node[n] = '\0';
                is_no_name(node);
        }
}

static void longest_name_reaches_the_proxy(void **state)
{
        struct sockaddr_storage sa;
        char node[255], wanted[300];
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void)state;
        for (size_t i = 0; i < 253; i++)
                node[i] = i % 10 == 9 ? '.' : 'a';
        strcpy(node + 253, ".");
        assert_int_equal(connect(fd, (struct sockaddr *)&sa, look_up(node, AF_INET, 443, &sa)), 0);
        node[253] = '\0';
        snprintf(wanted, sizeof wanted, "CONNECT %s:443 HTTP/1.1", node);
        expect_request(wanted);
        close(fd);
}

/* ---- one hash ---- */

static uint32_t id_of(const char *name)
{
        uint64_t hash = hf_hash(hf_span(name));

        return (uint32_t)(hash ^ hash >> 20 ^ hash >> 40) % IDS;
}

static uint32_t placeholder_of(const char *name)
{
        struct sockaddr_storage sa;
        struct sockaddr_in in;

        look_up(name, AF_INET, 443, &sa);
        memcpy(&in, &sa, sizeof in);
        return ntohl(in.sin_addr.s_addr);
}

/* Names I and J of two numbers with one hash. */
static void find_collision(char *ret_one, char *ret_two, size_t size)
{
        static uint32_t seen[IDS]; /* by hash: a number, and 1 */

        for (uint32_t i = 0;; i++) {
                uint32_t id;

                snprintf(ret_two, size, "n%u.hash.test", i);
                id = id_of(ret_two);
                if (seen[id]) {
                        snprintf(ret_one, size, "n%u.hash.test", seen[id] - 1);
                        return;
                }
                seen[id] = i + 1;
        }
}

static void expect_name(uint32_t address, const char *name)
{
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
        char host[64];

        assert_int_equal(getnameinfo((struct sockaddr *)&in, sizeof in, host, sizeof host, NULL, 0,
                                     NI_NAMEREQD),
                         0);
        assert_string_equal(host, name);
}

static void expect_way(uint32_t address, const char *name)
{
        const struct sockaddr_in in = {
                .sin_family = AF_INET, .sin_port = htons(443), .sin_addr.s_addr = htonl(address)};
        char wanted[128];
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_int_equal(connect(fd, (const struct sockaddr *)&in, sizeof in), 0);
        snprintf(wanted, sizeof wanted, "CONNECT %s:443 HTTP/1.1", name);
        expect_request(wanted);
        close(fd);
}

static void two_names_with_one_hash(void **state)
{
        char one[32], two[32];
        uint32_t at_one, at_two;

        (void)state;
        find_collision(one, two, sizeof one);
        at_one = placeholder_of(one);
        at_two = placeholder_of(two);
        assert_int_equal(at_two, at_one + 1); /* the next place, or they did not collide */
        for (int i = 0; i < 2; i++) {
                assert_int_equal(placeholder_of(one), at_one);
                assert_int_equal(placeholder_of(two), at_two);
                expect_name(at_one, one);
                expect_name(at_two, two);
                expect_way(at_one, one);
                expect_way(at_two, two);
        }
}

/* ---- a name server that says nothing ---- */

/* Questions that came to it. */
static int questions(int fd)
{
        char buf[512];
        int n = 0;

        while (recv(fd, buf, sizeof buf, MSG_DONTWAIT) > 0)
                n++;
        return n;
}

static void ask_getaddrinfo(const char *node)
{
        placeholder_of(node);
}

static void ask_gethostbyname(const char *node)
{
        struct hostent *found = gethostbyname(node);

        assert_non_null(found);
        assert_int_equal((unsigned char)found->h_addr_list[0][0], 240);
}

static const struct silence {
        const char *name, *node, *resolv_conf;
        void (*ask)(const char *node);
        int max; /* questions, at first */
} silences[] = {
        {"silent_about_a_local_name", "silent.corp.example", "search corp.example\n",
         ask_getaddrinfo, 2},
        {"silent_under_ndots", "silent.staging", CLUSTER, ask_getaddrinfo, 2},
        {"silent_about_a_public_name", "silent.example.test", "", ask_gethostbyname, 1},
};

static void silence_is_remembered(void **state)
{
        const struct silence *row = *state;
        const struct sockaddr_in in = {.sin_family = AF_INET,
                                       .sin_port = htons(53),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), first;

        assert_int_equal(bind(fd, (const struct sockaddr *)&in, sizeof in), 0);
        write_resolv_conf(row->resolv_conf);
        row->ask(row->node);
        first = questions(fd);
        assert_in_range(first, 1, row->max);
        for (int i = 0; i < 10; i++)
                row->ask(row->node);
        assert_int_equal(questions(fd), 0);
        close(fd);
}

/* ---- many ---- */

#define THREADS 16
#define LOOKUPS 100000
#define NAMES 70000 /* more than there is room for */

static _Atomic(uint32_t) given[NAMES]; /* the placeholder of each name, or 0 */
static _Atomic(unsigned) wrong;

static void put_name(char *ret, size_t size, unsigned i)
{
        snprintf(ret, size, "n%u.many.test", i);
}

static void *look_up_many(void *arg)
{
        const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
        unsigned thread = *(unsigned *)arg;

        for (unsigned j = 0; j < LOOKUPS / THREADS; j++) {
                unsigned i = (thread * (NAMES / THREADS) + j) % NAMES;
                struct addrinfo *list;
                struct sockaddr_in in;
                uint32_t seen = 0;
                char node[32];

                put_name(node, sizeof node, i);
                if (getaddrinfo(node, "443", &hints, &list) != 0)
                        continue;
                memcpy(&in, list->ai_addr, sizeof in);
                freeaddrinfo(list);
                if (!atomic_compare_exchange_strong(&given[i], &seen, ntohl(in.sin_addr.s_addr)) &&
                    seen != ntohl(in.sin_addr.s_addr))
                        atomic_fetch_add(&wrong, 1);
        }
        return NULL;
}

static long resident_kib(void)
{
        FILE *file = fopen("/proc/self/statm", "re");
        long pages = 0;

        assert_non_null(file);
        assert_int_equal(fscanf(file, "%*d %ld", &pages), 1);
        fclose(file);
        return pages * 4;
}

static void many_threads_fill_it(void **state)
{
        static bool taken[IDS];
        pthread_t threads[THREADS];
        unsigned numbers[THREADS], names = 0;
        long before = resident_kib();

        (void)state;
        for (unsigned t = 0; t < THREADS; t++) {
                numbers[t] = t;
                assert_int_equal(pthread_create(&threads[t], NULL, look_up_many, &numbers[t]), 0);
        }
        for (unsigned t = 0; t < THREADS; t++)
                pthread_join(threads[t], NULL);
        assert_int_equal(atomic_load(&wrong), 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        assert_in_range(resident_kib() - before, 0, 32 * 1024);
#else
        (void)before;
#endif
        for (unsigned i = 0; i < NAMES; i++) {
                uint32_t address = atomic_load(&given[i]);

                if (!address)
                        continue;
                assert_int_equal(address >> 20, 0xf0a);
                assert_false(taken[address % IDS]);
                taken[address % IDS] = true;
                names++;
        }
        /* (A name that two threads wanted at once is counted twice for a moment, in which another
         * one may find it full.) */
        assert_in_range(names, HF_NAMES_MAX - 200, HF_NAMES_MAX);
}

/* Those that are in the table stay there; others are really looked up, and tunnelled by address. */
static void full_table(void **state)
{
        unsigned accepted = atomic_load(&world->accepted);
        struct sockaddr_storage sa;
        struct sockaddr_in in;
        socklen_t len;
        char node[32];
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void)state;
        for (unsigned i = 0, n = 0; n < 100; i++) {
                if (!atomic_load(&given[i]))
                        continue;
                put_name(node, sizeof node, i);
                assert_int_equal(placeholder_of(node), atomic_load(&given[i]));
                expect_name(atomic_load(&given[i]), node);
                n++;
        }
        len = look_up("public.example", AF_INET, 443, &sa);
        memcpy(&in, &sa, sizeof in);
        assert_int_equal(ntohl(in.sin_addr.s_addr), 0xcb007120); /* 203.0.113.32 */
        assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
        assert_int_equal(atomic_load(&world->accepted), accepted + 1);
        expect_request("CONNECT 203.0.113.32:443 HTTP/1.1");
        close(fd);
}

int main(int argc, char **argv)
{
        static struct table t;

        world_enter(argc, argv, HOSTS_SETUP);
        table_add(&t, "no_odd_byte_reaches_the_proxy", no_odd_byte_reaches_the_proxy, NULL);
        table_add(&t, "no_odd_name_reaches_the_proxy", no_odd_name_reaches_the_proxy, NULL);
        if (mode == PRELOADED) {
                table_add(&t, "longest_name_reaches_the_proxy", longest_name_reaches_the_proxy,
                          NULL);
                table_add(&t, "two_names_with_one_hash", two_names_with_one_hash, NULL);
                TABLE_ADD(&t, silence_is_remembered, silences);
                table_add(&t, "many_threads_fill_it", many_threads_fill_it, NULL);
                table_add(&t, "full_table", full_table, NULL);
        }
        return table_run_with("names", &t, names_setup);
}
