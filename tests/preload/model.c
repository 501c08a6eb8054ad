/* SPDX-License-Identifier: MIT */
/* The model. Its truth is the kernel's (net/ipv4/tcp.c, net/ipv4/af_inet.c, fs/eventpoll.c), which
 * the control compares it with. */
#define _GNU_SOURCE
#include "model.h"

struct model model;

const struct known known = {
        /* A one-shot registration that fired before connect() fires once more after it. */
        .oneshots = true,
};

/* How the connection ends, from what the far end did: 0 or an errno. -1: it is not known. */
static int outcome(const struct sock *s)
{
        const struct reply *reply = reply_of(s);

        if (s->held)
                return -1;
        if (s->way == TO_LO_DEAD || s->way == TO_TUN_DEAD)
                return ECONNREFUSED;
        if (!tunnelled())
                return 0;
        /* The kernel drops what was not looked at before TCP was known to be up. */
        if (s->far.reset && !s->greeted)
                return ECONNRESET;
        if (reply && s->far.sent >= reply->decides)
                return reply->error;
        return s->far.fin || s->far.gone ? ECONNRESET : -1;
}

static void become(struct sock *s, enum phase phase, int error)
{
        s->phase = (uint8_t)phase;
        s->error = error;
        s->tx = s->rx = 0;
        s->unseen = tunnelled() && s->way != TO_LO_DEAD;
        model_edge(s, UINT32_MAX);
}

/* The other side closed, or reset, and the kernel keeps an error for whoever asks. */
static void note_reset(struct sock *s)
{
        if (s->reset || !s->far.reset || (s->shut && s->far.fin))
                return;
        s->reset = true;
        s->error = s->far.fin ? EPIPE : ECONNRESET;
        model_edge(s, UINT32_MAX);
}

void model_update(void)
{
        for (unsigned i = 0; i < SOCKS; i++) {
                struct sock *s = &model.socks[i];
                int end;

                if (!s->handles)
                        continue;
                if (s->phase == PENDING && (end = outcome(s)) >= 0) {
                        if (with_timeouts && now_ms() > s->since + ALMOST_MS)
                                model_abandon();
                        become(s, end == 0 ? UP : FAILED, end);
                        /* Who did not begin it may not disconnect it: what it shows is loose. */
                        if (end > 0 && s->foreign)
                                s->phase = LOST;
                }
                if (s->phase == UP)
                        note_reset(s);
        }
}

void model_look(struct sock *s)
{
        s->unseen = false;
        s->looked = s->far.sent;
}

bool model_is_up(const struct sock *s)
{
        return !s->held;
}

bool model_is_closed(const struct sock *s)
{
        return s->reset || (s->shut && s->far.fin);
}

size_t model_readable(const struct sock *s)
{
        const struct reply *reply = reply_of(s);
        size_t head = reply ? reply->length : 0;

        return s->far.sent > head + s->rx ? s->far.sent - head - s->rx : 0;
}

short model_mask(const struct sock *s)
{
        const short out = POLLOUT | POLLWRNORM, in = POLLIN | POLLRDNORM;
        short mask = out;

        switch ((enum phase)s->phase) {
        case IDLE:
                return (short)(out | POLLHUP);
        case PENDING:
                return 0;
        case FAILED:
                return ALL_EVENTS;
        case DEAD:
                return ALL_EVENTS & ~POLLERR;
        case LOST:
                return ALL_EVENTS;
        case UP:
                break;
        }
        if (model_readable(s))
                mask |= in;
        if (s->far.fin || s->reset)
                mask |= (short)(in | POLLRDHUP);
        if (model_is_closed(s))
                mask |= POLLHUP;
        if (s->error)
                mask |= POLLERR;
        return mask;
}

void model_told(struct sock *s, bool by_connect)
{
        s->error = 0;
        s->unseen = false;
        s->phase = tunnelled() || by_connect ? IDLE : DEAD;
}

/* ---- sets ---- */

static bool is_of(const struct reg *r, const struct sock *s)
{
        return r->used && !r->nested && &model.socks[r->sock] == s;
}

void model_edge(const struct sock *s, uint32_t events)
{
        for (unsigned i = 0; i < SETS; i++)
                for (unsigned j = 0; j < REGS; j++) {
                        struct reg *r = &model.sets[i].regs[j];

                        if (!is_of(r, s) || !((r->events | EPOLLERR | EPOLLHUP) & events))
                                continue;
                        r->due = true;
                        r->fuzzy &= (r->events & EPOLLONESHOT) != 0;
                }
}

void model_fuzz(const struct sock *s)
{
        for (unsigned i = 0; i < SETS; i++)
                for (unsigned j = 0; j < REGS; j++) {
                        struct reg *r = &model.sets[i].regs[j];

                        if (is_of(r, s) && r->off) {
                                r->off = false;
                                r->fuzzy = true;
                        }
                }
}

bool model_is_registered(const struct sock *s)
{
        for (unsigned i = 0; i < SETS; i++)
                for (unsigned j = 0; j < REGS; j++)
                        if (is_of(&model.sets[i].regs[j], s) && !model.sets[i].regs[j].zombie)
                                return true;
        return false;
}

bool model_finishes(const struct sock *s)
{
        return tunnelled() && s->phase == PENDING && model_is_up(s) && !s->waited &&
               !model_is_registered(s);
}

/* Of a set as another one sees it: anything there for it? */
static struct due due_of_set(const struct set *set)
{
        struct due all = {0};

        for (unsigned i = 0; set->fd >= 0 && i < REGS; i++) {
                const struct reg *r = &set->regs[i];
                struct due due = r->used ? model_due(r) : (struct due){0};

                all.must |= due.must;
                all.may |= due.may;
                /* A handshake's own events are taken out only of what the program waits for. */
                if (r->used && !r->nested &&
                    (model.socks[r->sock].phase == PENDING || model.socks[r->sock].unseen))
                        all.may |= EPOLLIN;
        }
        return all;
}

struct due model_due(const struct reg *r)
{
        const uint32_t wanted = r->events & (uint32_t)ALL_EVENTS;
        const struct sock *s = &model.socks[r->sock];
        uint32_t mask;

        if (r->nested && r->zombie)
                return (struct due){0, wanted};
        if (r->nested) {
                struct due inner = due_of_set(&model.sets[r->sock]);

                return (struct due){inner.must ? wanted & EPOLLIN : 0,
                                    inner.may ? wanted & EPOLLIN : 0};
        }
        mask = (wanted | EPOLLERR | EPOLLHUP) & (uint32_t)(unsigned short)model_mask(s);
        if (r->zombie || s->phase == LOST)
                return (struct due){0, wanted | EPOLLERR | EPOLLHUP};
        if (r->fuzzy)
                return (struct due){0, mask};
        if (r->off || (r->events & EPOLLET && !r->due))
                return (struct due){0, s->edgy ? mask : 0};
        return (struct due){mask, 0};
}

/* ---- descriptors ---- */

struct sock *sock_at(unsigned handle)
{
        if (handle >= HANDLES || model.handles[handle].fd < 0)
                return NULL;
        return &model.socks[model.handles[handle].sock];
}

int fd_at(unsigned handle)
{
        return model.handles[handle].fd;
}

int free_handle(void)
{
        for (int i = 0; i < HANDLES; i++)
                if (model.handles[i].fd < 0)
                        return i;
        return -1;
}

void model_give(unsigned handle, int fd, unsigned sock)
{
        model.handles[handle] = (struct handle){fd, (uint8_t)sock};
        model.socks[sock].handles++;
}

/* FD is closed: the kernel forgets a registration when the socket itself goes. */
void model_forget_fd(int fd, unsigned sock, bool last)
{
        for (unsigned i = 0; i < SETS; i++)
                for (unsigned j = 0; j < REGS; j++) {
                        struct reg *r = &model.sets[i].regs[j];

                        if (!r->used || r->nested || r->sock != sock)
                                continue;
                        if (r->fd == fd)
                                r->zombie = true;
                        if (last && model.is_child) { /* its parent has it, too */
                                r->zombie = true;
                                r->sock = SOCKS;
                        } else if (last) {
                                r->used = false;
                        }
                }
}

void model_close_handle(unsigned handle)
{
        struct handle *h = &model.handles[handle];
        struct sock *s = &model.socks[h->sock];

        s->handles--;
        model_forget_fd(h->fd, h->sock, s->handles == 0);
        h->fd = -1;
        if (s->handles == 0)
                far_leave(s);
}

void expect_result(const char *call, long r, long result)
{
        int error = errno;

        if (result >= 0)
                EXPECT(r == result, "%s gave %ld (%s), not %ld", call, r,
                       r < 0 ? strerrorname_np(error) : "-", result);
        else
                EXPECT(r == -1 && error == (int)-result, "%s gave %ld (%s), not %s", call, r,
                       r < 0 ? strerrorname_np(error) : "-", strerrorname_np((int)-result));
}
