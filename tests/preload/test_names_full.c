/* SPDX-License-Identifier: MIT */
/* The table of names at its limits. With no word: names that crowd together in one corner of it.
 * With the word `strict`: the last name that there is room for, where nobody else may be asked. */
#define _GNU_SOURCE
#include "placeholders.h"

#include "process/names.h"

#include <sys/mman.h>

#define PROBES 256 /* places that are tried for a name */

static uint32_t id_of(const char *name)
{
        uint64_t hash = hf_hash(hf_span(name));

        return (uint32_t)(hash ^ hash >> 20 ^ hash >> 40) % IDS;
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
        bool strict = argc > 1 && !strcmp(argv[1], "strict");

        open_log();
        if (strict)
                setenv("HFPROXY_TUNNEL", "strict", 1);
        world_enter(argc, argv, HOSTS_SETUP);
        if (strict) {
                table_add(&t, "full_to_the_last_name", full_to_the_last_name, NULL);
                table_add(&t, "nobody_is_asked", nobody_is_asked, NULL);
                table_add(&t, "full_keeps_its_names", full_keeps_its_names, NULL);
        } else {
                table_add(&t, "crowded_places", crowded_places, NULL);
        }
        return table_run_with("names_full", &t, names_setup);
}
