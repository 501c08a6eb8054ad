/* SPDX-License-Identifier: MIT */
/* One cell: what is before and after the way itself. */
#define _GNU_SOURCE
#include "waits.h"

#include <netinet/in.h>
#include <sched.h>
#include <unistd.h>

#define FAR "203.0.113.10"

int left(int64_t start)
{
        int64_t ms = start + PATIENCE - now_ms();

        if (ms <= 0)
                fail_msg("nothing came of it in %d s", PATIENCE / 1000);
        return (int)ms;
}

bool cell_is_useful(const struct outcome *o, const struct way *w)
{
        if (mode != PRELOADED && !(o->is & ANYWHERE))
                return false;
        if (w->is & READS_ONLY && !o->error && !(o->is & BANNER_FIRST))
                return false;
        if (w->is & ERRORS_ONLY && !o->error)
                return false;
        if (w->is & LATE_ONLY && !(o->is & IS_LATE))
                return false;
        return !(o->is & IS_SLOW) || w->sockets <= 1;
}

/* ---- before ---- */

static void make_sockets(struct cell *c)
{
        /* Less than the longest reply. (With the least there is, the sender's kernel may come to
         * probe for room every 200 ms, whoever reads.) */
        const int size = 8192, n = c->way->sockets ? c->way->sockets : 1;

        for (int i = 0; i < n; i++, c->n++) {
                c->fds[i] = socket(
                        AF_INET,
                        SOCK_STREAM | SOCK_CLOEXEC | (c->way->is & BLOCKS ? 0 : SOCK_NONBLOCK), 0);
                assert_true(c->fds[i] >= 0);
                if (c->outcome->is & SMALL_BUFFER)
                        setsockopt(c->fds[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        }
}

static void prepare(struct cell *c)
{
        const struct outcome *o = c->outcome;
        bool late = o->is & IS_LATE;
        int64_t start = now_ms();

        /* A cell that failed may have left connections behind: they are counted there, not here. */
        while (atomic_load(&world->busy) > 0 && now_ms() - start < 1000)
                sched_yield();
        atomic_store(&world->behaviour, o->behaviour);
        atomic_store(&world->released, 0);
        atomic_store(&world->held, late && mode != PRELOADED);
        atomic_store(&world->early_bytes, 0);
        memset(world->request, 0, sizeof world->request);
        c->asked = atomic_load(&world->asked);
        c->accepted = atomic_load(&world->accepted);
        c->served = atomic_load(&world->served);
        if (mode == PRELOADED) {
                setenv("https_proxy",
                       world_proxy_url(o->is & DEAD_PORT ? world->dead_port : world->proxy_port),
                       1);
                c->error = o->error;
                c->len = address(&c->to, FAR, 443, false);
        } else {
                c->error = o->error ? ECONNREFUSED : 0;
                c->len = address(&c->to, late ? LATE : FAR,
                                 o->error               ? world->dead_port
                                 : o->is & BANNER_FIRST ? world->banner_port
                                                        : 443,
                                 false);
        }
        make_sockets(c);
}

/* Lets a late outcome come when whoever waits for it has gone to sleep. */
static void *release_sleepers(void *arg)
{
        struct cell *c = arg;
        int seen = 0;

        while (seen < 3 && !atomic_load(&world->released)) {
                bool ready_for_it = atomic_load(&c->begun) &&
                                    (mode != PRELOADED ||
                                     atomic_load(&world->asked) - c->asked >= (unsigned)c->n);

                seen = ready_for_it && others_asleep() ? seen + 1 : 0;
                sched_yield();
        }
        atomic_store(&world->released, 1);
        return NULL;
}

/* ---- on the way ---- */

void begin_by(struct cell *c, int i, connect_fn *by)
{
        int r;

        if (i == c->n - 1)
                atomic_store(&c->begun, true);
        errno = 4711;
        r = by(c->fds[i], (struct sockaddr *)&c->to, c->len);
        if (c->way->is & BLOCKS) {
                expect_error(c, i, r < 0 ? errno : 0);
                if (r == 0)
                        assert_int_equal(errno, 4711);
        } else if (r != -1 || errno != EINPROGRESS) {
                fail_msg("connect: %d, %s, not EINPROGRESS", r, strerror(errno));
        }
}

void begin(struct cell *c, int i)
{
        begin_by(c, i, connect);
}

void expect_events(const struct cell *c, int got, int asked)
{
        int right = asked & POLLOUT, may = 0;

        if (takes_reset(c) && got == POLLERR)
                return;
        if (c->error && c->way->is & SELECTS)
                right = asked;
        else if (c->error)
                right = (asked & (POLLIN | POLLOUT | POLLRDHUP)) | POLLERR | POLLHUP;
        else if (c->outcome->is & BANNER_FIRST)
                may = asked & POLLIN;
        if ((got & ~may) != (right & ~may) || !got)
                fail_msg("events are 0x%x, not 0x%x (asked for 0x%x, 0x%x may come)", (unsigned)got,
                         (unsigned)right, (unsigned)asked, (unsigned)may);
}

void expect_error(struct cell *c, int i, int error)
{
        if (error != c->error)
                fail_msg("socket %d: %s, not %s", i, error ? strerror(error) : "connected",
                         c->error ? strerror(c->error) : "connected");
        c->reported[i] = true;
}

void expect_so_error(struct cell *c, int i)
{
        int error = -1;
        socklen_t len = sizeof error;

        assert_int_equal(getsockopt(c->fds[i], SOL_SOCKET, SO_ERROR, &error, &len), 0);
        assert_int_equal(len, sizeof error);
        expect_error(c, i, error);
}

void came_by(struct cell *c)
{
        static int times;

        if (!(c->outcome->is & IS_LATE) || atomic_load(&world->released))
                times = 0;
        else if (++times >= 5)
                atomic_store(&world->released, 1);
        sched_yield();
}

/* ---- after ---- */

static int connect_once(int fd, const struct sockaddr_storage *to, socklen_t len)
{
        return connect(fd, (const struct sockaddr *)to, len) < 0 ? errno : 0;
}

static int so_error(int fd)
{
        int error = -1;
        socklen_t len = sizeof error;

        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
        return error;
}

static void check_connected(struct cell *c, int fd)
{
        struct sockaddr_in peer;
        socklen_t len = sizeof peer;

        assert_int_equal(so_error(fd), 0);
        assert_int_equal(getpeername(fd, (struct sockaddr *)&peer, &len), 0);
        assert_int_equal(len, c->len);
        assert_memory_equal(&peer, &c->to, sizeof peer);
        if (c->outcome->is & BANNER_FIRST && !c->took_banner)
                expect_read(fd, BANNER);
        if (c->sent_early)
                expect_read(fd, EARLY);
        expect_echo(fd);
        if (!(c->way->is & ASKS_AGAIN))
                assert_int_equal(connect_once(fd, &c->to, c->len), 0);
        assert_int_equal(connect_once(fd, &c->to, c->len), EISCONN);
        expect_echo(fd);
}

/* The kernel, too, lets a socket whose connection failed be connected again. */
static void check_reconnects(struct cell *c, int fd)
{
        struct sockaddr_storage to;
        socklen_t len;
        int r;

        if (c->outcome->is & TIMES_OUT) { /* this program's time is too short for a proxy */
                len = address(&to, "127.0.0.1", 443, false);
        } else {
                len = address(&to, FAR, 443, false);
                atomic_store(&world->behaviour, GRANTS);
                if (mode == PRELOADED)
                        setenv("https_proxy", world_proxy_url(world->proxy_port), 1);
        }
        r = connect_once(fd, &to, len);
        if (r == ECONNABORTED && mode != PRELOADED) /* once, unless connect() gave the error */
                r = connect_once(fd, &to, len);
        if (c->way->is & BLOCKS) {
                assert_int_equal(r, 0);
        } else {
                assert_int_equal(r, EINPROGRESS);
                assert_true(ready(fd, POLLOUT));
                assert_int_equal(so_error(fd), 0);
        }
        expect_echo(fd);
}

static void check_failed(struct cell *c, int fd)
{
        struct pollfd pfd = {.fd = fd, .events = POLLIN | POLLOUT};
        char buf[64];

        assert_int_equal(so_error(fd), 0);
        /* The kernel tells SO_ERROR a moment before it closes the socket. */
        assert_int_equal(poll(&pfd, 1, mode == PRELOADED ? 0 : PATIENCE), 1);
        assert_int_equal(pfd.revents & (POLLOUT | POLLHUP | POLLERR), POLLOUT | POLLHUP);
        assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), -1);
        assert_int_equal(errno, EPIPE);
        assert_true(recv(fd, buf, sizeof buf, MSG_DONTWAIT) <= 0);
        check_reconnects(c, fd);
}

/* COUNTER has come to VALUE, and no further; the server may be a little behind. */
static void expect_count(const char *what, _Atomic(unsigned) *counter, unsigned value)
{
        int64_t start = now_ms();

        while ((int)(atomic_load(counter) - value) < 0) {
                left(start);
                sched_yield();
        }
        if (atomic_load(counter) != value)
                fail_msg("%s: %u too many", what, atomic_load(counter) - value);
}

static void check_world(const struct cell *c)
{
        /* By SOCKS5 the proxy speaks before it is asked: on a busy machine the time may be up
         * first. */
        bool unasked = c->outcome->is & TIMES_OUT && world->protocol == SOCKS5 &&
                       atomic_load(&world->asked) - c->asked < (unsigned)c->n;
        unsigned n = (unsigned)c->n, direct = mode != PRELOADED || c->outcome->is & TIMES_OUT,
                 again = c->error && !direct ? n : 0,
                 tunnels = mode != PRELOADED || c->outcome->is & DEAD_PORT ? 0 : n;

        expect_count("connections to the proxy", &world->accepted, c->accepted + tunnels + again);
        if (!unasked)
                expect_count("requests", &world->asked,
                             c->asked + (c->outcome->is & NO_REQUEST ? 0 : tunnels) + again);
        expect_count("connections past the proxy", &world->served, c->served + (direct ? n : 0));
        assert_int_equal(atomic_load(&world->early_bytes), 0);
        if (tunnels + again > 0 && !unasked)
                expect_request("CONNECT 203.0.113.10:443 HTTP/1.1");
}

static struct cell cell;

void cell_run(const struct outcome *outcome, const struct way *way)
{
        struct cell *c = &cell;
        bool late = outcome->is & IS_LATE;
        int64_t start = now_ms();

        memset(c, 0, sizeof *c);
        c->outcome = outcome;
        c->way = way;
        c->epfd = -1;
        if (late && mode != PRELOADED && !world->has_late)
                skip();
        prepare(c);
        if (late && !(way->is & RELEASES))
                c->has_releaser = pthread_create(&c->releaser, NULL, release_sleepers, c) == 0;
        way->run(c);
        if (outcome->is & TIMES_OUT)
                assert_in_range(now_ms() - start, atof(getenv("HFPROXY_TIMEOUT")) * 1000 - 10,
                                PATIENCE);
        for (int i = 0; i < c->n; i++) {
                if (!c->reported[i])
                        fail_msg("nobody was told about socket %d", i);
                if (c->error)
                        check_failed(c, c->fds[i]);
                else
                        check_connected(c, c->fds[i]);
        }
        check_world(c);
}

void cell_end(void)
{
        struct cell *c = &cell;

        atomic_store(&world->released, 1);
        if (c->has_releaser)
                pthread_join(c->releaser, NULL);
        c->has_releaser = false;
        for (; c->n > 0; c->n--)
                close(c->fds[c->n - 1]);
        if (c->epfd >= 0)
                close(c->epfd);
        c->epfd = -1;
}
