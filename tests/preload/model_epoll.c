/* SPDX-License-Identifier: MIT */
/* epoll: what is due is told, with the program's own data: by level every time, by edge and to a
 * one-shot registration once. */
#define _GNU_SOURCE
#include "model.h"

enum { MOST = 64, LONG = 300 };

/* The registrations of a set that have the same data, and what was told of them. */
struct group {
        uint64_t data;
        unsigned n, told;
        struct reg *regs[REGS];
        struct due due[REGS];
        bool matched[REGS];
        uint32_t events[MOST]; /* what was told, if it is mixed */
        bool late[REGS];       /* due, but the handshake's end is news to the library, too */
        bool mixed; /* a handshake, one that failed, one that is closed: with the data of another
                       one */
        uint32_t wanted;
};

static struct group groups[REGS];
static unsigned group_count;

static struct group *group_of(uint64_t data)
{
        for (unsigned i = 0; i < group_count; i++)
                if (groups[i].data == data)
                        return &groups[i];
        return NULL;
}

static bool is_busy(const struct reg *r)
{
        return !r->nested && tunnelled() &&
               (model.socks[r->sock].unseen || model.socks[r->sock].phase == PENDING);
}

/* How many are due. *BUSY: handshakes may have events, too. */
static unsigned collect(struct set *set, bool *ret_busy)
{
        unsigned must = 0;

        *ret_busy = false;
        group_count = 0;
        for (unsigned i = 0; i < REGS; i++) {
                struct reg *r = &set->regs[i];
                struct group *g;

                if (!r->used)
                        continue;
                g = group_of(r->data);
                if (!g) {
                        g = &groups[group_count++];
                        memset(g, 0, sizeof *g);
                        g->data = r->data;
                }
                g->regs[g->n] = r;
                g->due[g->n] = model_due(r);
                must += g->due[g->n].must != 0;
                *ret_busy |= is_busy(r) || (r->zombie && tunnelled());
                g->late[g->n] = is_busy(r) && g->due[g->n].must;
                g->n++;
                g->wanted |= (r->events & (uint32_t)ALL_EVENTS) | EPOLLERR | EPOLLHUP;
                g->mixed |= r->zombie ||
                            (!r->nested && tunnelled() && model.socks[r->sock].phase != IDLE);
        }
        for (unsigned i = 0; i < group_count; i++)
                groups[i].mixed &= groups[i].n > 1;
        return must;
}

static void told(const struct epoll_event *event)
{
        struct group *g = group_of(event->data.u64);
        int best = -1; /* the one that may tell the least */

        EXPECT(g, "epoll_wait tells %#x of data that nobody gave it: %llu", event->events,
               (unsigned long long)event->data.u64);
        /* design.md 5: rather delivered than lost, and cut down to what was asked for. */
        if (g->mixed && !(event->events & ~g->wanted) && g->told < MOST) {
                g->events[g->told++] = event->events;
                return;
        }
        g->told++;
        for (unsigned i = 0; i < g->n; i++)
                if (!g->matched[i] && g->due[i].must && event->events == g->due[i].must) {
                        g->matched[i] = true;
                        return;
                }
        for (unsigned i = 0; i < g->n; i++)
                if (!g->matched[i] && g->due[i].may && !(event->events & ~g->due[i].may) &&
                    (best < 0 || !(g->due[i].may & ~g->due[best].may)))
                        best = (int)i;
        EXPECT(best >= 0, "epoll_wait tells %#x of data %llu, not %#x, or perhaps %#x",
               event->events, (unsigned long long)g->data, g->due[0].must, g->due[0].may);
        g->matched[best] = true;
}

/* Of a mixed group: is there an event for registration I, if others take other ones? (They have one
 * more bit, perhaps, that belongs to a socket that failed.) */
static bool gets_one(struct group *g, unsigned i, bool *seen, int *taken)
{
        for (unsigned e = 0; e < g->told; e++) {
                if (seen[e] || g->due[i].must & ~g->events[e])
                        continue;
                seen[e] = true;
                if (taken[e] < 0 || gets_one(g, (unsigned)taken[e], seen, taken)) {
                        taken[e] = (int)i;
                        return true;
                }
        }
        return false;
}

static void distribute(struct group *g)
{
        int taken[MOST];

        for (unsigned e = 0; e < MOST; e++)
                taken[e] = -1;
        for (int late = 0; late < 2; late++)
                for (unsigned i = 0; i < g->n; i++) {
                        bool seen[MOST] = {false};

                        if (g->due[i].must && g->late[i] == late)
                                g->matched[i] = gets_one(g, i, seen, taken);
                }
}

/* What is edge-triggered or one-shot and was told is not due any more. The kernel drops an
 * edge-triggered one with nothing to tell from its list, too, if it gets so far. */
static void settle(const struct group *g, bool all)
{
        for (unsigned i = 0; i < g->n; i++) {
                struct reg *r = g->regs[i];

                if (g->told && (g->mixed || (g->n > 1 && !all)) &&
                    r->events & (EPOLLET | EPOLLONESHOT)) {
                        r->fuzzy = true;
                } else if (g->matched[i]) {
                        r->due = false;
                        r->off |= (r->events & EPOLLONESHOT) != 0;
                } else if (!g->due[i].must && !g->late[i] && all) {
                        r->due = false;
                }
        }
}

static int wait_by(unsigned how, int epfd, struct epoll_event *events, int max, int ms)
{
        const struct timespec ts = {ms / 1000, ms % 1000 * 1000000L};

        switch (how % 3) {
        case 0:
                return epoll_wait(epfd, events, max, ms);
        case 1:
                return epoll_pwait(epfd, events, max, ms, NULL);
        default:
                return epoll_pwait2(epfd, events, max, &ts, NULL);
        }
}

/* Nothing was told of what is due. Is that right? FULL: there was no room for more. */
static void check_untold(const struct group *g, int got, bool full)
{
        for (unsigned i = 0; i < g->n; i++) {
                if (!g->due[i].must || g->matched[i] || full)
                        continue;
                /* design.md 5: a handshake's end is found in the wait itself, and the wait goes
                 * on for it when there is nothing else to tell. */
                EXPECT(g->late[i] && got > 0,
                       "epoll_wait tells nothing of data %llu: %#x is due (sock %d)",
                       (unsigned long long)g->data, g->due[i].must, g->regs[i]->sock);
        }
}

/* A: a set; B: how, and how many events at most; C: how long. */
bool op_epoll(const struct op *op)
{
        struct set *set = &model.sets[op->a % SETS];
        struct epoll_event events[MOST];
        int max = op->b < 24 ? MOST : 1 + op->b % 2, got;
        unsigned must;
        bool busy, full;

        if (set->fd < 0)
                return false;
        must = collect(set, &busy);
        got = wait_by(op->b, set->fd, events, max, must ? (op->c & 1 ? LONG : 0) : op->c == 7);
        EXPECT(got >= 0 && got <= max, "epoll_wait gave %d: %s", got, strerror(errno));
        EXPECT(got > 0 || must == 0, "epoll_wait tells nothing, and %u are due", must);
        for (int i = 0; i < got; i++)
                told(&events[i]);
        /* (A handshake's event takes room, too.) */
        full = got == max || (busy && max < MOST);
        for (unsigned i = 0; i < group_count; i++)
                if (groups[i].mixed)
                        distribute(&groups[i]);
        for (unsigned i = 0; i < group_count; i++)
                check_untold(&groups[i], got, full);
        for (unsigned i = 0; i < group_count; i++)
                settle(&groups[i], !full);
        for (unsigned i = 0; !full && i < REGS; i++)
                if (set->regs[i].used && !set->regs[i].nested && !set->regs[i].zombie)
                        model_look(&model.socks[set->regs[i].sock]);
        return true;
}
