/* SPDX-License-Identifier: MIT */
/* What the kernel is told in the place of the program's own interest, and whose event it is that
 * comes of it. (interest_book.c has the notes.) */
#include "interest_book.h"

#include "pending_record.h"
#include "real.h"
#include "sys.h"
#include "twins.h"

#include <poll.h>

/* ---- what the kernel holds ---- */

static int control(int epfd, int op, int fd, uint32_t events, uint64_t data)
{
        struct epoll_event event = {.events = events, .data.u64 = data};

        return (int)hf_syscall6(SYS_epoll_ctl, epfd, op, fd, (long)&event, 0, 0);
}

/* Is it waited on by calls that we see? */
static bool seen(const struct hf_book *book, uint32_t set)
{
        return atomic_load_explicit(&book->waited[set % HF_PENDING_FDS], memory_order_relaxed);
}

/* May somebody be asleep in a wait on SET who does not know that something is pending? */
static bool sleeps(const struct hf_book *book, uint32_t set)
{
        return !hf_real_alone() && seen(book, set) &&
               !atomic_load_explicit(&book->awake[set % HF_PENDING_FDS], memory_order_relaxed);
}

/* SET has what armed() made for it: HF_INTEREST_*. */
static unsigned woken(struct hf_book *book, uint32_t set, bool slept)
{
        if (!slept)
                return HF_INTEREST_ARMED;
        atomic_store_explicit(&book->awake[set % HF_PENDING_FDS], true, memory_order_relaxed);
        return HF_INTEREST_ARMED | HF_INTEREST_WAKES;
}

/* What the kernel gets for the handshake's EVENTS: other names for readable and writable than
 * programs use, so that what comes of it is told from the program's own events. As long as it is
 * not taken care of, the kernel tells it again: nothing is lost when a handler jumps out of the
 * wait.
 *
 * For a program whose waits we do not see (Bun) what it asked for itself is in it, too, as it may
 * ignore all else; each arrival tells anew, for nobody might come to arm it again, and only
 * once, for nobody might take care of it. */
static uint32_t armed(const struct hf_book *book, uint32_t set, uint32_t wanted, short events,
                      bool wake)
{
        uint32_t mine = (events & POLLIN ? EPOLLRDNORM : 0) | (events & POLLOUT ? EPOLLWRNORM : 0) |
                        (wanted & EPOLLWAKEUP);

        if (wake) /* (writable it is as soon as TCP is up) */
                mine |= EPOLLWRNORM;
        return seen(book, set) ? mine : mine | EPOLLET | (wanted & (EPOLLIN | EPOLLOUT));
}

/* MOD, or what stands for it where the kernel holds an exclusive entry. */
static bool tell(struct hf_note *note, int fd, uint32_t events)
{
        int epfd = hf_twins_find(hf_note_get(&note->set)), r;
        uint64_t data = hf_note_data(note);

        r = events & EPOLLEXCLUSIVE ? -EINVAL : control(epfd, EPOLL_CTL_MOD, fd, events, data);
        if (r == -EINVAL && hf_note_get(&note->events) & EPOLLEXCLUSIVE) {
                r = control(epfd, EPOLL_CTL_DEL, fd, 0, 0);
                if (r == 0)
                        r = control(epfd, EPOLL_CTL_ADD, fd, events, data);
        }
        if (r < 0) /* the set is closed, or the number another set's: the note was stale */
                hf_note_clear(note);
        return r == 0;
}

unsigned hf_interest_arm(int fd, short events, bool changed)
{
        struct hf_book *book = hf_book();
        unsigned told = 0;

        for (int i = 0; book && i < HF_BOOK_PLACES; i++) {
                struct hf_note *note = &book->notes[fd][i];
                uint32_t set = hf_note_get(&note->set), wanted = hf_note_get(&note->events);
                bool wake = set && sleeps(book, set);

                if (set && !changed)
                        told |= HF_INTEREST_ARMED;
                else if (set && tell(note, fd, armed(book, set, wanted, events, wake)))
                        told |= woken(book, set, wake);
        }
        return told;
}

/* FD, which may be pending, is armed anew. */
static void arm_anew(int fd)
{
        struct hf_tunnel tunnel;
        uint64_t mask;

        if (!hf_pending_hold(fd, &tunnel, &mask))
                return;
        if (tunnel.record->phase != HF_PENDING_OVER &&
            hf_interest_arm(fd, tunnel.record->events, true) & HF_INTEREST_WAKES)
                tunnel.record->armed = 0;
        hf_pending_release(&tunnel, mask);
}

/* What was armed for waits that are not seen is armed anew. */
static void arm_again(struct hf_pending *record, void *unused)
{
        (void)unused;
        for (int i = 0; i < HF_PENDING_ALIASES; i++) {
                int fd = atomic_load_explicit(&record->fds[i], memory_order_relaxed);

                if (atomic_load_explicit(&record->id, memory_order_relaxed) && fd >= 0)
                        arm_anew(fd);
        }
}

void hf_interest_waited(int epfd)
{
        struct hf_book *book = hf_book();
        _Atomic(bool) *waited;
        uint32_t set;

        if (!book || !(set = hf_twins_id(epfd)))
                return;
        waited = &book->waited[set % HF_PENDING_FDS];
        if (atomic_load_explicit(waited, memory_order_relaxed) || atomic_exchange(waited, true))
                return;
        /* (Nobody sleeps there: hf_interest_sleeps() would have said that it is waited on.) */
        atomic_store_explicit(&book->awake[set % HF_PENDING_FDS], true, memory_order_relaxed);
        hf_pending_each(arm_again, NULL);
}

void hf_interest_sleeps(int epfd)
{
        struct hf_book *book = hf_book();
        uint32_t set = book ? hf_twins_id(epfd) % HF_PENDING_FDS : 0;

        if (!set)
                return;
        if (!atomic_load_explicit(&book->waited[set], memory_order_relaxed))
                atomic_store_explicit(&book->waited[set], true, memory_order_relaxed);
        if (atomic_load_explicit(&book->awake[set], memory_order_relaxed))
                atomic_store_explicit(&book->awake[set], false, memory_order_relaxed);
}

void hf_interest_restore(int fd)
{
        struct hf_book *book = hf_book();

        for (int i = 0; book && i < HF_BOOK_PLACES; i++) {
                struct hf_note *note = &book->notes[fd][i];

                if (hf_note_get(&note->set))
                        tell(note, fd, hf_note_get(&note->events));
        }
}

/* ---- epoll_ctl() on a pending socket ---- */

#define EXCLUSIVE_MAY                                                                              \
        (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

/* An epoll_ctl() of the program's. */
struct request {
        struct hf_book *book;
        uint32_t set;
        int epfd, fd;
        uint32_t events;
        uint64_t data;
        short handshake; /* what that waits for */
        unsigned told;   /* HF_INTEREST_* of what the kernel was told */
        bool over;       /* or it is over, and the kernel has the program's own events */
};

/* Noted first, for by the time the kernel was told, another thread may have the event; and as
 * before if the kernel does not take it. *RET_UNTOLD: it could not be noted, and the kernel has
 * what the program wanted. */
static int change(struct request *r, int op, bool *ret_untold)
{
        struct hf_note *note = hf_book_find(r->book, r->fd, r->set);
        uint32_t events = note ? hf_note_get(&note->events) : 0;
        uint64_t data = note ? hf_note_data(note) : 0;
        bool known = note, wake = !r->over && sleeps(r->book, r->set);
        int result;

        if (!hf_book_write(r->book, r->fd, r->set, r->events, r->data)) {
                *ret_untold = true;
                return control(r->epfd, op, r->fd, r->events, r->data);
        }
        result =
                control(r->epfd, op, r->fd,
                        r->over ? r->events : armed(r->book, r->set, r->events, r->handshake, wake),
                        r->data);
        if (result == 0 && !r->over)
                r->told = woken(r->book, r->set, wake);
        if (result < 0 && known)
                hf_book_write(r->book, r->fd, r->set, events, data);
        else if (result < 0 && (note = hf_book_find(r->book, r->fd, r->set)))
                hf_note_clear(note);
        return result;
}

static int add(struct request *r, bool *ret_untold)
{
        if (r->events & EPOLLEXCLUSIVE && r->events & ~(uint32_t)EXCLUSIVE_MAY)
                return -EINVAL;
        return change(r, EPOLL_CTL_ADD, ret_untold);
}

static int modify(struct request *r, bool *ret_untold)
{
        const struct hf_note *note = hf_book_find(r->book, r->fd, r->set);

        if ((r->events | (note ? hf_note_get(&note->events) : 0)) & EPOLLEXCLUSIVE)
                return -EINVAL;
        return change(r, EPOLL_CTL_MOD, ret_untold);
}

static int discard(const struct request *r)
{
        struct hf_note *note = hf_book_find(r->book, r->fd, r->set);
        int result = control(r->epfd, EPOLL_CTL_DEL, r->fd, 0, 0);

        if (result == 0 && note)
                hf_note_clear(note);
        return result;
}

bool hf_interest_ctl(int epfd, int op, int fd, struct epoll_event *event, int *ret_result)
{
        struct request request = {
                .book = hf_book_takes(epfd, fd) ? hf_book_open() : NULL, .epfd = epfd, .fd = fd};
        struct hf_tunnel tunnel;
        bool untold = false, ours = true;
        uint64_t mask;

        if (!request.book || (op != EPOLL_CTL_DEL && !hf_sys_readable(event, sizeof *event)) ||
            !hf_pending_hold(fd, &tunnel, &mask))
                return false;
        request.set = hf_twins_id(epfd);
        request.handshake = tunnel.record->events;
        if (op != EPOLL_CTL_DEL) {
                request.events = event->events;
                request.data = event->data.u64;
        }
        request.over = tunnel.record->phase == HF_PENDING_OVER;
        if (op == EPOLL_CTL_ADD)
                *ret_result = add(&request, &untold);
        else if (op == EPOLL_CTL_MOD)
                *ret_result = modify(&request, &untold);
        else if (op == EPOLL_CTL_DEL)
                *ret_result = discard(&request);
        else
                ours = false;
        tunnel.record->told |= request.told != 0;
        if (request.told & HF_INTEREST_WAKES)
                tunnel.record->armed = 0;
        hf_pending_release(&tunnel, mask);
        if (untold)
                hf_pending_finish(fd);
        return ours;
}

/* ---- events ---- */

#define OURS (EPOLLRDNORM | EPOLLWRNORM)

/* An event, and whose it may be. */
struct meant {
        struct hf_book *book;
        uint32_t set;
        uint64_t data;
        uint32_t events;
        uint32_t wanted; /* what the program asked of all that it may be */
        uint32_t ours;   /* bits for which only a handshake asks */
        bool taken;      /* it was a handshake's */
        bool left;       /* it was, or may have been, the program's */
        uint32_t failed; /* what the kernel would show of one whose connect failed, as long as
                          * nobody asked for the reason */
};

/* Is it? Then *ret_wanted is what the program asked of FD. */
static bool is_meant(struct meant *meant, int fd, uint32_t *ret_wanted)
{
        struct hf_note *note = hf_book_find(meant->book, fd, meant->set);

        if (!note || hf_note_data(note) != meant->data)
                return false;
        *ret_wanted = hf_note_get(&note->events);
        meant->wanted |= *ret_wanted;
        return true;
}

/* FD takes a step. (If another thread is in its last one, what came may be the program's already:
 * then that is waited for.) */
static void take_step(struct meant *meant, int fd, uint32_t wanted)
{
        struct hf_tunnel tunnel;
        struct hf_step step = {0};
        enum hf_progress progress = HF_GONE;

        if (hf_pending_find(fd, &tunnel))
                progress = meant->ours ? hf_pending_step(&tunnel, &step)
                                       : hf_pending_step_patiently(&tunnel, &step);
        if (progress == HF_OVER && step.before && step.result < 0) {
                meant->failed |= HF_PENDING_FAILED & (wanted | EPOLLERR | EPOLLHUP);
                /* A dead socket's own event shows that it is: this one is older. */
                if (step.dead && !(meant->events & EPOLLHUP))
                        meant->taken = true;
                else
                        meant->left = true;
        } else if (progress == HF_GONE || (progress == HF_OVER && step.before)) {
                meant->left = true;
        } else {
                meant->taken = true;
                /* The kernel holds what it held before the handshake, which nobody but this event's
                 * wait has seen: another process did that (a set is shared with a fork). */
                if (progress == HF_GOES_ON && !meant->ours)
                        arm_anew(fd);
        }
}

static void take_record_step(struct hf_pending *record, void *arg)
{
        for (int i = 0; i < HF_PENDING_ALIASES; i++) {
                int fd = atomic_load_explicit(&record->fds[i], memory_order_relaxed);
                uint32_t wanted;

                if (atomic_load_explicit(&record->id, memory_order_relaxed) && fd >= 0 &&
                    is_meant(arg, fd, &wanted))
                        take_step(arg, fd, wanted);
        }
}

/* False: the event was a handshake's. */
static bool keep(struct hf_book *book, int epfd, struct epoll_event *event)
{
        struct meant meant = {.book = book,
                              .set = hf_twins_id(epfd),
                              .data = event->data.u64,
                              .events = event->events};
        uint32_t bucket = hf_book_bucket(meant.set, meant.data);
        bool crowded = atomic_load_explicit(&book->crowded[bucket], memory_order_relaxed);
        int pending[HF_BOOK_WAYS], others[HF_BOOK_WAYS], n = 0, m = 0;
        uint32_t wanted[HF_BOOK_WAYS];

        for (int i = 0; i < HF_BOOK_WAYS; i++) {
                int fd = (int)hf_note_get(&book->by_key[bucket][i]) - 1;

                if (fd < 0 || !is_meant(&meant, fd, &wanted[n]))
                        continue;
                if (hf_pending_maybe(fd))
                        pending[n++] = fd;
                else
                        others[m++] = fd;
        }
        meant.ours = event->events & OURS & ~meant.wanted;
        for (int i = 0; i < n; i++)
                take_step(&meant, pending[i], wanted[i]);
        if (crowded) {
                hf_pending_each(take_record_step, &meant);
                meant.left = true;
        }
        if (meant.ours)
                return false;
        if (event->events & EPOLLHUP) /* or it is another one's, with the same data */
                event->events |= meant.failed;
        if (!meant.taken)
                return true;
        /* (One may be closed, and nobody told us.) */
        for (int i = 0; i < m; i++)
                meant.left |= hf_syscall3(SYS_fcntl, others[i], 1 /* F_GETFD */, 0) >= 0;
        event->events &= meant.wanted | EPOLLERR | EPOLLHUP;
        return meant.left && event->events != 0;
}

int hf_interest_events(int epfd, struct epoll_event *events, int n)
{
        struct hf_book *book = hf_book();
        bool pending = hf_pending_any();
        int kept = 0;

        if (!book || !hf_book_takes(epfd, 0))
                return n;
        for (int i = 0; i < n; i++) {
                struct epoll_event event = events[i];

                if ((!pending && !(event.events & OURS)) || keep(book, epfd, &event))
                        events[kept++] = event;
        }
        return kept;
}
