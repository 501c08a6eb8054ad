/* SPDX-License-Identifier: MIT */
/* A proxy that closes, resets, stalls or talks nonsense at every byte of the handshake: of the
 * request that it reads, and of the reply that it sends. Each byte is a connection of its own; all
 * of one row are under way together. */
#define _GNU_SOURCE
#include "offsets_right.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FAR "203.0.113.10"
#define MOST 256
#define PATIENCE 40000 /* ms: many times what anything takes here */

enum driver { BLOCKING, POLLING, EPOLL_LEVEL, EPOLL_EDGE };

struct connection {
        int fd, at, error; /* error: what came of it, -1: nothing yet */
        int64_t since, took;
        pthread_t thread;
};

static int64_t timeout_ms;

static int setup(void **state)
{
        (void)state;
        atomic_store(&world->behaviour, SCRIPTED);
        atomic_store(&world->early_bytes, 0);
        return 0;
}

/* ---- the clients ---- */

static struct sockaddr_in named; /* the address of FAR_NAME */
static bool by_name;

static void look_up(void)
{
        const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
        struct addrinfo *list;

        if (getaddrinfo(FAR_NAME, "443", &hints, &list) != 0) {
                printf("Bail out! no address for " FAR_NAME "\n");
                exit(1);
        }
        memcpy(&named, list->ai_addr, sizeof named);
        freeaddrinfo(list);
}

/* To the proxy or, in the controls, to wherever PORT is. */
static int connect_to(int fd, uint16_t port)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, port, false);

        if (by_name) {
                struct sockaddr_in to = named;

                to.sin_port = htons(port);
                memcpy(&sa, &to, sizeof to);
        }
        return connect(fd, (struct sockaddr *)&sa, len) < 0 ? errno : 0;
}

/* From now on. */
static void be_client(enum script_side side)
{
        char url[64];

        by_name = world->protocol == SOCKS4 && !script_is_plain(side);
        snprintf(url, sizeof url, "%s://127.0.0.1:%d", world_scheme(), world->proxy_port);
        setenv("https_proxy", script_is_plain(side) ? url : world_proxy_url(world->proxy_port), 1);
}

static uint16_t wanted_port = 443;

/* A socket whose port is known before it connects, so that the proxy knows what to do with it. */
static void make(struct connection *c, struct script script, bool nonblocking)
{
        struct sockaddr_in any = {.sin_family = AF_INET};
        socklen_t len = sizeof any;

        c->at = script.at;
        c->error = -1;
        c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0);
        assert_true(c->fd >= 0);
        assert_int_equal(bind(c->fd, (struct sockaddr *)&any, sizeof any), 0);
        assert_int_equal(getsockname(c->fd, (struct sockaddr *)&any, &len), 0);
        atomic_store(&world->script[ntohs(any.sin_port)], script);
}

static int so_error(int fd)
{
        int error = 0;
        socklen_t len = sizeof error;

        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ? errno : error;
}

static void begin(struct connection *c)
{
        int r;

        c->since = now_ms();
        r = connect_to(c->fd, wanted_port);
        if (r != EINPROGRESS)
                fail_msg("byte %d: connect: %s, not EINPROGRESS", c->at, strerror(r));
}

static void over(struct connection *c)
{
        c->took = now_ms() - c->since;
        c->error = so_error(c->fd);
}

static void *connect_in_thread(void *arg)
{
        struct connection *c = arg;

        c->since = now_ms();
        c->error = connect_to(c->fd, wanted_port);
        c->took = now_ms() - c->since;
        return NULL;
}

static void drive_blocking(struct connection *all, int n)
{
        pthread_attr_t attr;

        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, 256 * 1024);
        for (int i = 0; i < n; i++)
                assert_int_equal(pthread_create(&all[i].thread, &attr, connect_in_thread, &all[i]),
                                 0);
        for (int i = 0; i < n; i++)
                pthread_join(all[i].thread, NULL);
        pthread_attr_destroy(&attr);
}

static void drive_poll(struct connection *all, int n)
{
        struct pollfd pfds[MOST];
        int64_t until = now_ms() + PATIENCE;

        for (int i = 0; i < n; i++) {
                begin(&all[i]);
                pfds[i] = (struct pollfd){.fd = all[i].fd, .events = POLLOUT};
        }
        for (int waiting = n; waiting > 0;) {
                if (poll(pfds, (nfds_t)n, (int)(until - now_ms())) <= 0)
                        fail_msg("%d connections came to no end", waiting);
                for (int i = 0; i < n; i++) {
                        if (pfds[i].fd < 0 || !pfds[i].revents)
                                continue;
                        over(&all[i]);
                        pfds[i].fd = -1;
                        waiting--;
                }
        }
}

static void drive_epoll(struct connection *all, int n, uint32_t flags)
{
        int epfd = epoll_create1(EPOLL_CLOEXEC);
        int64_t until = now_ms() + PATIENCE;

        for (int i = 0; i < n; i++) {
                struct epoll_event ev = {.events = EPOLLOUT | flags, .data.ptr = &all[i]};

                begin(&all[i]);
                assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, all[i].fd, &ev), 0);
        }
        for (int waiting = n; waiting > 0;) {
                struct epoll_event evs[16];
                int got = epoll_wait(epfd, evs, 16, (int)(until - now_ms()));

                if (got <= 0)
                        fail_msg("%d connections came to no end", waiting);
                for (int i = 0; i < got; i++) {
                        struct connection *c = evs[i].data.ptr;

                        if (c->error >= 0) /* another edge of one that has failed */
                                continue;
                        over(c);
                        epoll_ctl(epfd, EPOLL_CTL_DEL, c->fd, NULL);
                        waiting--;
                }
        }
        close(epfd);
}

static void drive(enum driver driver, struct connection *all, int n)
{
        switch (driver) {
        case BLOCKING:
                drive_blocking(all, n);
                return;
        case POLLING:
                drive_poll(all, n);
                return;
        case EPOLL_LEVEL:
                drive_epoll(all, n, 0);
                return;
        case EPOLL_EDGE:
                drive_epoll(all, n, EPOLLET);
                return;
        }
}

/* ---- what is right ---- */

static void check_alive(struct connection *c, struct script s)
{
        if (s.what == THEN_PAUSES)
                expect_read(c->fd, BANNER);
        if (s.what == THEN_GARBAGE && s.at == script_length(s.side)) /* the application's */
                expect_read(c->fd, GARBAGE);
        if (s.what == THEN_PAUSES || s.what == THEN_STALLS)
                expect_echo(c->fd);
}

static void check_dead(struct connection *c)
{
        char buf[16];

        assert_int_equal(so_error(c->fd), 0);
        if (send(c->fd, "x", 1, MSG_NOSIGNAL) != -1 || errno != EPIPE)
                fail_msg("byte %d: a failed socket sends", c->at);
        assert_true(recv(c->fd, buf, sizeof buf, MSG_DONTWAIT) <= 0);
}

/* The next one finds a proxy that behaves, on the same socket if that failed. */
static void check_later(struct connection *c, bool same)
{
        struct sockaddr_in sa;
        socklen_t len = sizeof sa;
        struct connection next = *c;
        const struct script grants = {.side = GRANTS_ALWAYS};

        if (!same)
                make(&next, grants, false);
        getsockname(next.fd, (struct sockaddr *)&sa, &len);
        atomic_store(&world->script[ntohs(sa.sin_port)], grants);
        int r, tries = timeout_ms < 10000 ? 10
                                          : 1; /* on a busy machine little time is too little */
        do {
                r = connect_to(next.fd, 443);
                if (r == EINPROGRESS) {
                        assert_true(ready(next.fd, POLLOUT));
                        r = so_error(next.fd);
                }
        } while (r == ETIMEDOUT && --tries > 0);
        if (r)
                fail_msg("after byte %d: a later connect gives %s", c->at, strerror(r));
        expect_echo(next.fd);
        if (!same)
                close(next.fd);
}

/* ---- rows ---- */

struct row {
        enum script_side side;
        enum script_what what;
        enum driver driver;
        char name[64];
};

static void at_every_byte(void **state)
{
        const struct row *row = *state;
        static struct connection all[MOST];
        int n = (int)(script_is_request(row->side) ? right_request_length(row->side)
                                                   : script_length(row->side));

        if (row->what == THEN_PAUSES)
                n += (int)strlen(BANNER);
        assert_in_range(++n, 2, MOST);
        for (int at = 0; at < n; at++) {
                const struct script s = {(uint16_t)at, (uint8_t)row->side, (uint8_t)row->what};

                make(&all[at], s, row->driver != BLOCKING);
        }
        be_client(row->side);
        drive(row->driver, all, n);
        be_client(GRANTS_ALWAYS);
        for (int at = 0; at < n; at++) {
                struct script s = {(uint16_t)at, (uint8_t)row->side, (uint8_t)row->what};
                struct connection *c = &all[at];
                int also, right = right_error(s, &also);

                if (c->error != right && c->error != also)
                        fail_msg("byte %d: %s, not %s", at, strerror(c->error), strerror(right));
                if (right == ETIMEDOUT && (c->took < timeout_ms - 10 || c->took > PATIENCE))
                        fail_msg("byte %d: took %d ms", at, (int)c->took);
                if (c->error)
                        check_dead(c);
                else
                        check_alive(c, s);
        }
        check_later(&all[n / 2], all[n / 2].error != 0);
        check_later(&all[0], false);
        for (int at = 0; at < n; at++)
                close(all[at].fd);
        assert_int_equal(atomic_load(&world->early_bytes), 0);
}

/* The drivers themselves, where no proxy is: connections that stand, and some that are refused. */
static void control(void **state)
{
        const struct row *row = *state;
        static struct connection all[MOST];

        wanted_port = row->side == GRANTS_ALWAYS ? 443 : world->dead_port;
        for (int i = 0; i < 64; i++)
                make(&all[i], (struct script){.side = GRANTS_ALWAYS}, row->driver != BLOCKING);
        drive(row->driver, all, 64);
        for (int i = 0; i < 64; i++) {
                assert_int_equal(all[i].error, wanted_port == 443 ? 0 : ECONNREFUSED);
                if (all[i].error)
                        check_dead(&all[i]);
                else
                        expect_echo(all[i].fd);
                close(all[i].fd);
        }
        wanted_port = 443;
}

static const char *const sides[SCRIPT_SIDES] = {
        [GRANTS_ALWAYS] = "granted",
        [AT_REQUEST] = "request",
        [AT_REQUEST_PLAIN] = "request_without_login",
        [AT_OK] = "reply_200",
        [AT_OK_WITH_FIELDS] = "reply_with_fields",
        [AT_403] = "reply_403",
        [AT_407] = "reply_407",
        [AT_502] = "reply_502",
        [AT_NO_METHOD] = "reply_no_method",
        [AT_OK_NAME] = "reply_with_name",
        [AT_OK_V6] = "reply_with_ipv6",
        [AT_OK_PLAIN] = "reply_without_login",
        [AT_OK_PLAIN_V6] = "reply_without_login_with_ipv6",
};
static const char *const whats[] = {"closes", "resets", "stalls", "garbage", "pauses"};
static const char *const drivers[] = {"blocking", "poll", "epoll", "epoll_edge"};

/* Differs from another side in its bytes only. */
static bool is_variant(enum script_side side)
{
        return side == AT_REQUEST_PLAIN || side >= AT_502;
}

static void add(struct table *t, enum script_side side, enum script_what what, enum driver driver)
{
        static struct row rows[512];
        struct row *row = &rows[t->n];

        *row = (struct row){.side = side, .what = what, .driver = driver};
        snprintf(row->name, sizeof row->name, "%s_%s.%s", sides[side],
                 mode == PRELOADED ? whats[what] : "control", drivers[driver]);
        table_add(t, row->name, mode == PRELOADED ? at_every_byte : control, row);
        t->cases[t->n - 1].setup_func = setup;
}

/* test_offsets [noproxy|control|timeout] */
int main(int argc, char **argv)
{
        bool timeout = argc > 1 && !strcmp(argv[1], "timeout");
        static struct table t;

        setenv("HFPROXY_TIMEOUT", timeout ? "0.5" : "30", 1);
        timeout_ms = timeout ? 500 : 30000;
        world_enter(argc, argv, NULL);
        if (mode == PRELOADED && world->protocol == SOCKS4)
                look_up();
        for (enum driver d = BLOCKING; d <= EPOLL_EDGE; d++) {
                if (mode != PRELOADED) {
                        add(&t, GRANTS_ALWAYS, THEN_PAUSES, d);
                        add(&t, AT_REQUEST, THEN_CLOSES, d);
                }
                for (enum script_side side = AT_REQUEST; mode == PRELOADED && side < SCRIPT_SIDES;
                     side++) {
                        if (!script_length(side))
                                continue;
                        /* Each of these rows lasts as long as the time limit. */
                        if (timeout && is_variant(side) && (d == POLLING || d == EPOLL_EDGE))
                                continue;
                        for (enum script_what what = THEN_CLOSES; what <= THEN_PAUSES; what++) {
                                if (timeout != (what == THEN_STALLS))
                                        continue;
                                if (what == THEN_PAUSES && !script_grants(side))
                                        continue;
                                add(&t, side, what, d);
                        }
                }
        }
        return table_run("offsets", &t);
}
