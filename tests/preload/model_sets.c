/* SPDX-License-Identifier: MIT */
/* Sets, and what is registered with them. */
#define _GNU_SOURCE
#include "model.h"

bool op_set(const struct op *op)
{
        for (unsigned i = 0; i < SETS; i++) {
                struct set *set = &model.sets[i];

                if (set->fd >= 0)
                        continue;
                memset(set, 0, sizeof *set);
                set->fd = op->a & 1 ? epoll_create(1) : epoll_create1(EPOLL_CLOEXEC);
                EXPECT(set->fd >= 0 && set->fd < 256, "epoll_create gave %d", set->fd);
                return true;
        }
        return false;
}

bool op_set_close(const struct op *op)
{
        unsigned n = op->a % SETS;
        struct set *set = &model.sets[n];

        if (set->fd < 0)
                return false;
        expect_result("close of a set", close(set->fd), 0);
        set->fd = -1;
        memset(set->regs, 0, sizeof set->regs);
        for (unsigned i = 0; i < SETS; i++)
                for (unsigned j = 0; j < REGS; j++)
                        if (model.sets[i].regs[j].nested && model.sets[i].regs[j].sock == n) {
                                model.sets[i].regs[j].used = model.forks > 0;
                                model.sets[i].regs[j].zombie = true;
                        }
        return true;
}

/* ---- epoll_ctl() ---- */

static struct reg *find(struct set *set, int fd, unsigned sock)
{
        for (unsigned i = 0; i < REGS; i++)
                if (set->regs[i].used && !set->regs[i].nested && set->regs[i].fd == fd &&
                    set->regs[i].sock == sock)
                        return &set->regs[i];
        return NULL;
}

static struct reg *room(struct set *set)
{
        for (unsigned i = 0; i < REGS; i++)
                if (!set->regs[i].used)
                        return &set->regs[i];
        return NULL;
}

/* C: which events, how, and which data. (Equal ones the less often.) */
static struct epoll_event event_of(const struct op *op, bool exclusive)
{
        static const uint32_t events[] = {EPOLLOUT, EPOLLIN, EPOLLIN | EPOLLOUT,
                                          EPOLLIN | EPOLLOUT | EPOLLRDHUP};
        static const uint32_t how[] = {0, EPOLLET, EPOLLONESHOT, EPOLLET | EPOLLONESHOT};
        static uint64_t unique;
        struct epoll_event event = {.events = events[op->c & 3] | how[op->c >> 2 & 3]};

        if (exclusive && (op->c >> 4 & 3) == 3)
                event.events =
                        (event.events & ~(uint32_t)(EPOLLONESHOT | EPOLLRDHUP)) | EPOLLEXCLUSIVE;
        event.data.u64 = op->c >> 6 == 3 ? 77 : 1000 + (unique++ << 20 | op->a);
        return event;
}

/* The set and the socket of OP; false: there are none. */
static bool meant(const struct op *op, struct set **ret_set, struct sock **ret_sock)
{
        *ret_set = &model.sets[op->b % SETS];
        *ret_sock = sock_at(op->a);
        return (*ret_set)->fd >= 0 && *ret_sock;
}

/* A: a handle; B: a set; C: see event_of(). */
bool op_add(const struct op *op)
{
        struct set *set;
        struct sock *s;
        struct reg *r;
        struct epoll_event event = event_of(op, true);
        int fd = fd_at(op->a);

        if (!meant(op, &set, &s) || s->phase == LOST)
                return false;
        r = find(set, fd, model.handles[op->a].sock);
        if (r) {
                expect_result("EPOLL_CTL_ADD again", epoll_ctl(set->fd, EPOLL_CTL_ADD, fd, &event),
                              -EEXIST);
                return true;
        }
        if (!(r = room(set)))
                return false;
        expect_result("EPOLL_CTL_ADD", epoll_ctl(set->fd, EPOLL_CTL_ADD, fd, &event), 0);
        *r = (struct reg){.used = true,
                          .due = true,
                          .sock = model.handles[op->a].sock,
                          .fd = fd,
                          .events = event.events,
                          .data = event.data.u64};
        return true;
}

bool op_mod(const struct op *op)
{
        struct set *set;
        struct sock *s;
        struct reg *r;
        struct epoll_event event = event_of(op, false);

        if (!meant(op, &set, &s) || s->phase == LOST)
                return false;
        r = find(set, fd_at(op->a), model.handles[op->a].sock);
        expect_result("EPOLL_CTL_MOD", epoll_ctl(set->fd, EPOLL_CTL_MOD, fd_at(op->a), &event),
                      !r                           ? -ENOENT
                      : r->events & EPOLLEXCLUSIVE ? -EINVAL
                                                   : 0);
        if (!r || r->events & EPOLLEXCLUSIVE)
                return true;
        r->zombie = r->off = r->fuzzy = false;
        r->due = true;
        r->events = event.events;
        r->data = event.data.u64;
        return true;
}

bool op_del(const struct op *op)
{
        struct set *set;
        struct sock *s;
        struct reg *r;

        if (!meant(op, &set, &s) || s->phase == LOST)
                return false;
        r = find(set, fd_at(op->a), model.handles[op->a].sock);
        expect_result("EPOLL_CTL_DEL", epoll_ctl(set->fd, EPOLL_CTL_DEL, fd_at(op->a), NULL),
                      r ? 0 : -ENOENT);
        if (r)
                r->used = false;
        return true;
}

/* A: the outer set; B: the inner one. (Never the other way round, too.) */
bool op_nest(const struct op *op)
{
        struct set *outer = &model.sets[0], *inner = &model.sets[op->b % 2 + 1];
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = 500 + op->b % 2};
        struct reg *r = room(outer);

        if (outer->fd < 0 || inner->fd < 0 || !r)
                return false;
        for (unsigned i = 0; i < REGS; i++)
                if (outer->regs[i].used && outer->regs[i].nested && !outer->regs[i].zombie &&
                    outer->regs[i].sock == inner - model.sets)
                        return false;
        expect_result("nesting a set", epoll_ctl(outer->fd, EPOLL_CTL_ADD, inner->fd, &event), 0);
        *r = (struct reg){.used = true,
                          .nested = true,
                          .sock = (uint8_t)(inner - model.sets),
                          .fd = inner->fd,
                          .events = EPOLLIN,
                          .data = event.data.u64};
        return true;
}
