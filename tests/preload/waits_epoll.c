/* SPDX-License-Identifier: MIT */
/* Ways of epoll with one socket in one set: every kind of registration, made before connect() and
 * after, and every call that waits. */
#define _GNU_SOURCE
#include "waits.h"

#include <sys/epoll.h>
#include <signal.h>
#include <unistd.h>

/* ---- the calls ---- */

int by_epoll_wait(int epfd, struct epoll_event *events, int n, int ms)
{
        return epoll_wait(epfd, events, n, ms);
}

static int by_epoll_pwait(int epfd, struct epoll_event *events, int n, int ms)
{
        sigset_t set;

        sigemptyset(&set);
        return epoll_pwait(epfd, events, n, ms, &set);
}

static int by_epoll_pwait2(int epfd, struct epoll_event *events, int n, int ms)
{
        const struct timespec ts = in_ms(ms);

        return epoll_pwait2(epfd, events, n, ms < 0 ? NULL : &ts, NULL);
}

/* ---- what registrations have in common ---- */

int epoll_new(struct cell *c)
{
        assert_int_equal(c->epfd, -1);
        c->epfd = epoll_create1(EPOLL_CLOEXEC);
        assert_true(c->epfd >= 0);
        return c->epfd;
}

uint32_t epoll_flags(const struct way *w)
{
        return (w->is & EDGE ? EPOLLET : 0) | (w->is & ONESHOT ? EPOLLONESHOT : 0) |
               (w->is & EXCLUSIVE ? EPOLLEXCLUSIVE : 0);
}

void epoll_add(int epfd, int fd, uint32_t events, uint64_t data)
{
        struct epoll_event ev = {.events = events, .data.u64 = data};

        assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev), 0);
}

/* Looks like a pointer, and has its upper half. */
#define DATA 0x7fee12345678abc0U

/* Once more, without waiting: a level-triggered registration shows the same again; an edge that was
 * shown is not shown twice; a one-shot registration is silent. */
static void look_again(struct cell *c)
{
        struct epoll_event evs[4] = {{0}};
        bool again = !(c->way->is & (EDGE | ONESHOT));

        /* Where another edge may come any time there is nothing to be said. */
        if (c->way->is & EDGE && (c->error || c->outcome->is & BANNER_FIRST))
                return;
        if (c->way->is & UNSEEN)
                return;
        assert_int_equal(c->way->epoll(c->epfd, evs, 4, 0), again);
        if (again) {
                assert_true(evs[0].data.u64 == DATA);
                expect_events(c, (int)evs[0].events, wanted(c));
        }
}

/* The registration is worth something after the handshake, too. */
static void read_by_event(struct cell *c, ctl_fn *ctl)
{
        struct epoll_event ev = {.events = (uint32_t)wanted(c) | epoll_flags(c->way),
                                 .data.u64 = DATA};
        int64_t start = now_ms();

        if (c->outcome->is & BANNER_FIRST) {
                expect_read(c->fds[0], BANNER);
                c->took_banner = true;
        }
        if (c->way->is & ONESHOT)
                assert_int_equal(ctl(c->epfd, EPOLL_CTL_MOD, c->fds[0], &ev), 0);
        assert_int_equal(send(c->fds[0], EARLY, strlen(EARLY), 0), strlen(EARLY));
        do {
                if (c->way->epoll(c->epfd, &ev, 1, left(start)) != 1)
                        fail_msg("no event for what came back through the tunnel");
                assert_true(ev.data.u64 == DATA);
                assert_int_equal(ev.events & ~(unsigned)(wanted(c) & (POLLIN | POLLOUT)), 0);
                if (c->way->is & ONESHOT && !(ev.events & EPOLLIN)) {
                        ev.events = (uint32_t)wanted(c) | epoll_flags(c->way);
                        assert_int_equal(ctl(c->epfd, EPOLL_CTL_MOD, c->fds[0], &ev), 0);
                        ev.events = 0;
                }
        } while (!(ev.events & EPOLLIN));
        expect_read(c->fds[0], EARLY);
}

/* ---- once ---- */

static void check_event(struct cell *c, const struct epoll_event *ev, ctl_fn *ctl)
{
        assert_true(ev->data.u64 == DATA);
        if (!(c->way->is & UNSEEN))
                expect_events(c, (int)ev->events, wanted(c));
        look_again(c);
        expect_so_error(c, 0);
        if (!c->error && wanted(c) & POLLIN)
                read_by_event(c, ctl);
}

void epoll_once_by(struct cell *c, ctl_fn *ctl, connect_fn *connect_by)
{
        struct epoll_event ev = {.events = (uint32_t)wanted(c) | epoll_flags(c->way),
                                 .data.u64 = DATA},
                           evs[4] = {{0}};
        int epfd = epoll_new(c);

        if (c->way->is & BEFORE)
                assert_int_equal(ctl(epfd, EPOLL_CTL_ADD, c->fds[0], &ev), 0);
        begin_by(c, 0, connect_by);
        if (!(c->way->is & BEFORE))
                assert_int_equal(ctl(epfd, EPOLL_CTL_ADD, c->fds[0], &ev), 0);
        evs[0].data.u64 = DATA;
        if (c->way->epoll(epfd, evs, 4, patience(c)) != 1 && patience(c) == PATIENCE)
                fail_msg("no event");
        check_event(c, &evs[0], ctl);
}

void epoll_once(struct cell *c)
{
        epoll_once_by(c, epoll_ctl, connect);
}

static void epoll_for_ever(struct cell *c)
{
        struct epoll_event ev;

        epoll_add(epoll_new(c), c->fds[0], EPOLLOUT | epoll_flags(c->way), DATA);
        begin(c, 0);
        assert_int_equal(c->way->epoll(c->epfd, &ev, 1, -1), 1);
        check_event(c, &ev, epoll_ctl);
}

static void epoll_shortly(struct cell *c)
{
        struct epoll_event ev;
        int64_t start = now_ms();
        int r;

        begin(c, 0);
        epoll_add(epoll_new(c), c->fds[0], EPOLLOUT | epoll_flags(c->way), DATA);
        for (int i = 0; (r = c->way->epoll(c->epfd, &ev, 1, i & 1)) == 0; i++) {
                left(start);
                came_by(c);
        }
        assert_int_equal(r, 1);
        check_event(c, &ev, epoll_ctl);
}

static void epoll_interrupted(struct cell *c)
{
        struct epoll_event ev;
        int r, n;

        signals_start();
        begin(c, 0);
        epoll_add(epoll_new(c), c->fds[0], EPOLLOUT | epoll_flags(c->way), DATA);
        while ((r = c->way->epoll(c->epfd, &ev, 1, PATIENCE)) < 0 && errno == EINTR)
                atomic_store(&world->released, 1);
        n = signals_stop();
        assert_int_equal(r, 1);
        if (c->outcome->is & IS_LATE)
                assert_true(n > 0);
        check_event(c, &ev, epoll_ctl);
}

/* ---- registrations that change under way ---- */

static void epoll_modified(struct cell *c)
{
        struct epoll_event ev = {.events = EPOLLOUT | epoll_flags(c->way), .data.u64 = DATA};

        begin(c, 0);
        epoll_add(epoll_new(c), c->fds[0], EPOLLIN | epoll_flags(c->way), 1);
        assert_int_equal(epoll_ctl(c->epfd, EPOLL_CTL_MOD, c->fds[0], &ev), 0);
        assert_int_equal(c->way->epoll(c->epfd, &ev, 1, PATIENCE), 1);
        check_event(c, &ev, epoll_ctl);
}

static void epoll_removed(struct cell *c)
{
        struct epoll_event ev;

        epoll_add(epoll_new(c), c->fds[0], EPOLLOUT | epoll_flags(c->way), 1);
        begin(c, 0);
        assert_int_equal(epoll_ctl(c->epfd, EPOLL_CTL_DEL, c->fds[0], NULL), 0);
        assert_int_equal(epoll_ctl(c->epfd, EPOLL_CTL_DEL, c->fds[0], NULL), -1);
        assert_int_equal(errno, ENOENT);
        assert_int_equal(c->way->epoll(c->epfd, &ev, 1, 1), 0);
        epoll_add(c->epfd, c->fds[0], EPOLLOUT | epoll_flags(c->way), DATA);
        ev.events = 0;
        assert_int_equal(epoll_ctl(c->epfd, EPOLL_CTL_ADD, c->fds[0], &ev), -1);
        assert_int_equal(errno, EEXIST);
        assert_int_equal(c->way->epoll(c->epfd, &ev, 1, PATIENCE), 1);
        check_event(c, &ev, epoll_ctl);
}

/* A duplicate is registered, by its own number; the original is not. */
static void epoll_a_duplicate(struct cell *c)
{
        struct epoll_event ev;
        int copy;

        begin(c, 0);
        copy = dup(c->fds[0]);
        epoll_add(epoll_new(c), copy, EPOLLOUT | epoll_flags(c->way), DATA);
        assert_int_equal(c->way->epoll(c->epfd, &ev, 1, PATIENCE), 1);
        check_event(c, &ev, epoll_ctl);
        close(copy);
}

#define BOTH (POLLIN | POLLOUT)
#define W .epoll = by_epoll_wait

const struct way epoll_ways[] = {
        {"epoll_level", epoll_once, W},
        {"epoll_level_both", epoll_once, W, .wants = BOTH},
        {"epoll_level_in", epoll_once, W, .wants = POLLIN, .is = READS_ONLY},
        {"epoll_edge", epoll_once, W, .is = EDGE},
        {"epoll_edge_both", epoll_once, W, .is = EDGE, .wants = BOTH | POLLRDHUP},
        {"epoll_edge_in", epoll_once, W, .is = EDGE | READS_ONLY, .wants = POLLIN},
        {"epoll_oneshot", epoll_once, W, .is = ONESHOT},
        {"epoll_oneshot_both", epoll_once, W, .is = ONESHOT, .wants = BOTH},
        {"epoll_oneshot_edge_both", epoll_once, W, .is = ONESHOT | EDGE, .wants = BOTH},
        {"epoll_exclusive", epoll_once, W, .is = EXCLUSIVE},
        {"epoll_exclusive_both", epoll_once, W, .is = EXCLUSIVE, .wants = BOTH},
        {"epoll_exclusive_edge_both", epoll_once, W, .is = EXCLUSIVE | EDGE, .wants = BOTH},
        {"epoll_before_level", epoll_once, W, .is = BEFORE},
        {"epoll_before_level_both", epoll_once, W, .is = BEFORE, .wants = BOTH},
        {"epoll_before_level_in", epoll_once, W, .is = BEFORE | READS_ONLY, .wants = POLLIN},
        {"epoll_before_edge", epoll_once, W, .is = BEFORE | EDGE},
        {"epoll_before_edge_both", epoll_once, W, .is = BEFORE | EDGE, .wants = BOTH | POLLRDHUP},
        {"epoll_before_edge_in", epoll_once, W, .is = BEFORE | EDGE | READS_ONLY, .wants = POLLIN},
        {"epoll_before_oneshot", epoll_once, W, .is = BEFORE | ONESHOT},
        {"epoll_before_oneshot_both", epoll_once, W, .is = BEFORE | ONESHOT, .wants = BOTH},
        {"epoll_before_exclusive", epoll_once, W, .is = BEFORE | EXCLUSIVE},
        {"epoll_before_exclusive_both", epoll_once, W, .is = BEFORE | EXCLUSIVE, .wants = BOTH},
        {"epoll_before_exclusive_edge", epoll_once, W, .is = BEFORE | EXCLUSIVE | EDGE},
        {"epoll_for_ever", epoll_for_ever, W, .is = EDGE},
        {"epoll_shortly", epoll_shortly, W},
        {"epoll_edge_shortly", epoll_shortly, W, .is = EDGE},
        {"epoll_interrupted", epoll_interrupted, W, .is = RELEASES},
        {"epoll_modified", epoll_modified, W},
        {"epoll_edge_modified", epoll_modified, W, .is = EDGE},
        {"epoll_removed", epoll_removed, W, .is = EDGE},
        {"epoll_a_duplicate", epoll_a_duplicate, W},
        {"epoll_pwait", epoll_once, .epoll = by_epoll_pwait},
        {"epoll_pwait_edge_both", epoll_once, .epoll = by_epoll_pwait, .is = EDGE, .wants = BOTH},
        {"epoll_pwait_for_ever", epoll_for_ever, .epoll = by_epoll_pwait},
        {"epoll_pwait2", epoll_once, .epoll = by_epoll_pwait2},
        {"epoll_pwait2_edge_both", epoll_once, .epoll = by_epoll_pwait2, .is = EDGE, .wants = BOTH},
        {"epoll_pwait2_shortly", epoll_shortly, .epoll = by_epoll_pwait2, .is = EDGE},
        {"epoll_pwait2_for_ever", epoll_for_ever, .epoll = by_epoll_pwait2, .is = EDGE},
        {0},
};
