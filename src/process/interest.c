/* SPDX-License-Identifier: MIT */
/* The two tables (see interest.h), and what the kernel is told. */
#include "interest.h"

#include "pending_record.h"
#include "sys.h"

#define PLACES                                                                                     \
        4 /* sets that one descriptor may be in; in more: the handshake is not left to them */
#define WAYS 4
#define BUCKETS 32768

/* One registration as the program made it. */
struct note {
        _Atomic(uint32_t) set; /* the set's descriptor + 1; 0: none */
        _Atomic(uint32_t) events;
        _Atomic(uint64_t) data;
};

struct book {
        struct note notes[HF_PENDING_FDS][PLACES];
        _Atomic(uint32_t) by_key[BUCKETS][WAYS]; /* descriptor + 1 */
        /* More registrations share this bucket than it can name: look everywhere. */
        _Atomic(bool) crowded[BUCKETS];
};

static _Atomic(void *) the_book;

static uint32_t bucket_of(uint32_t set, uint64_t data)
{
        return (uint32_t)(((data ^ (uint64_t)set << 40) * UINT64_C(0x9e3779b97f4a7c15)) >> 49);
}

static uint32_t get32(const _Atomic(uint32_t) *place)
{
        return atomic_load_explicit(place, memory_order_relaxed);
}

static uint64_t note_data(const struct note *note)
{
        return atomic_load_explicit(&note->data, memory_order_relaxed);
}

static void clear(struct note *note)
{
        atomic_store_explicit(&note->set, 0, memory_order_relaxed);
}

/* ---- the notes ---- */

static struct note *find_note(struct book *book, int fd, uint32_t set)
{
        for (int i = 0; i < PLACES; i++)
                if (get32(&book->notes[fd][i].set) == set)
                        return &book->notes[fd][i];
        return NULL;
}

static bool leads_to(const struct book *book, uint32_t fd, uint32_t bucket)
{
        for (int i = 0; i < PLACES; i++) {
                const struct note *note = &book->notes[fd][i];
                uint32_t set = get32(&note->set);

                if (set && bucket_of(set, note_data(note)) == bucket)
                        return true;
        }
        return false;
}

/* FD can be found from its key. */
static void enter(struct book *book, uint32_t fd, uint32_t bucket)
{
        _Atomic(uint32_t) *ways = book->by_key[bucket];
        int room = -1;

        for (int i = 0; i < WAYS; i++) {
                uint32_t there = get32(&ways[i]);

                if (there == fd + 1)
                        return;
                if (room < 0 && (there == 0 || !leads_to(book, there - 1, bucket)))
                        room = i;
        }
        if (room < 0) {
                atomic_store_explicit(&book->crowded[bucket], true, memory_order_relaxed);
                room = (int)(fd % WAYS);
        }
        atomic_store_explicit(&ways[room], fd + 1, memory_order_relaxed);
}

/* False: FD is in more sets than we can note. */
static bool write_note(struct book *book, int fd, uint32_t set, uint32_t events, uint64_t data)
{
        struct note *note = find_note(book, fd, set);

        if (note && note_data(note) == data) { /* as most calls are */
                atomic_store_explicit(&note->events, events, memory_order_relaxed);
                return true;
        }
        if (!note)
                note = find_note(book, fd, 0);
        if (!note)
                return false;
        atomic_store_explicit(&note->events, events, memory_order_relaxed);
        atomic_store_explicit(&note->data, data, memory_order_relaxed);
        atomic_store_explicit(&note->set, set, memory_order_release);
        enter(book, (uint32_t)fd, bucket_of(set, data));
        return true;
}

static struct book *get_book(void)
{
        struct book *book = hf_sys_map_once(&the_book, sizeof *book);

        return book;
}

static bool can_note(int epfd, int fd)
{
        return epfd >= 0 && (unsigned)fd < HF_PENDING_FDS;
}

void hf_interest_note(int epfd, int op, int fd, const struct epoll_event *event)
{
        struct book *book = can_note(epfd, fd) ? get_book() : NULL;
        struct note *note;

        if (!book)
                return;
        if (op != EPOLL_CTL_DEL)
                write_note(book, fd, (uint32_t)epfd + 1, event->events, event->data.u64);
        else if ((note = find_note(book, fd, (uint32_t)epfd + 1)))
                clear(note);
}

void hf_interest_forget(int fd)
{
        struct book *book = atomic_load_explicit(&the_book, memory_order_acquire);

        if (!book || (unsigned)fd >= HF_PENDING_FDS)
                return;
        for (int i = 0; i < PLACES; i++)
                if (get32(&book->notes[fd][i].set)) {
                        /* (A vfork child closes descriptors of its own, not its parent's.) */
                        if (!hf_pending_ours())
                                return;
                        clear(&book->notes[fd][i]);
                }
}

/* ---- what the kernel holds ---- */

static int control(uint32_t set, int op, int fd, uint32_t events, uint64_t data)
{
        struct epoll_event event = {.events = events, .data.u64 = data};

        return (int)hf_syscall6(SYS_epoll_ctl, (long)set - 1, op, fd, (long)&event, 0, 0);
}

/* poll(2) and epoll(7) have the same bits for what a handshake waits for. */
static uint32_t armed(const struct note *note, short events)
{
        return (uint32_t)(unsigned short)events | EPOLLONESHOT |
               (get32(&note->events) & EPOLLWAKEUP);
}

/* MOD, or what stands for it where the kernel holds an exclusive entry. */
static bool tell(struct note *note, int fd, uint32_t events)
{
        uint32_t set = get32(&note->set);
        uint64_t data = note_data(note);
        int r = events & EPOLLEXCLUSIVE ? -EINVAL : control(set, EPOLL_CTL_MOD, fd, events, data);

        if (r == -EINVAL && get32(&note->events) & EPOLLEXCLUSIVE) {
                control(set, EPOLL_CTL_DEL, fd, 0, 0);
                r = control(set, EPOLL_CTL_ADD, fd, events, data);
        }
        if (r < 0) /* the set is closed, or the number another set's: the note was stale */
                clear(note);
        return r == 0;
}

bool hf_interest_arm(int fd, short events)
{
        struct book *book = atomic_load_explicit(&the_book, memory_order_acquire);
        bool any = false;

        for (int i = 0; book && i < PLACES; i++) {
                struct note *note = &book->notes[fd][i];

                if (get32(&note->set))
                        any |= tell(note, fd, armed(note, events));
        }
        return any;
}

void hf_interest_restore(int fd)
{
        struct book *book = atomic_load_explicit(&the_book, memory_order_acquire);

        for (int i = 0; book && i < PLACES; i++) {
                struct note *note = &book->notes[fd][i];

                if (get32(&note->set))
                        tell(note, fd, get32(&note->events));
        }
}

/* ---- epoll_ctl() on a pending socket ---- */

#define EXCLUSIVE_MAY                                                                              \
        (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

static int add(struct book *book, uint32_t set, int fd, const struct epoll_event *event,
               const struct hf_pending *record, bool *ret_untold)
{
        const struct note wanted = {.events = event->events};
        int r;

        if (event->events & EPOLLEXCLUSIVE && event->events & ~(uint32_t)EXCLUSIVE_MAY)
                return -EINVAL;
        r = control(set, EPOLL_CTL_ADD, fd, armed(&wanted, record->events), event->data.u64);
        if (r < 0 || write_note(book, fd, set, event->events, event->data.u64))
                return r;
        *ret_untold = true;
        return control(set, EPOLL_CTL_MOD, fd, event->events, event->data.u64);
}

static int modify(struct book *book, uint32_t set, int fd, const struct epoll_event *event,
                  const struct hf_pending *record)
{
        const struct note wanted = {.events = event->events};
        const struct note *note = find_note(book, fd, set);
        int r;

        if ((event->events | (note ? get32(&note->events) : 0)) & EPOLLEXCLUSIVE)
                return -EINVAL;
        r = control(set, EPOLL_CTL_MOD, fd, armed(&wanted, record->events), event->data.u64);
        if (r == 0)
                write_note(book, fd, set, event->events, event->data.u64);
        return r;
}

static int discard(struct book *book, uint32_t set, int fd)
{
        struct note *note = find_note(book, fd, set);
        int r = control(set, EPOLL_CTL_DEL, fd, 0, 0);

        if (r == 0 && note)
                clear(note);
        return r;
}

bool hf_interest_ctl(int epfd, int op, int fd, struct epoll_event *event, int *ret_result)
{
        struct book *book = can_note(epfd, fd) ? get_book() : NULL;
        uint32_t set = (uint32_t)epfd + 1;
        struct hf_tunnel tunnel;
        bool untold = false, ours = true;
        uint64_t mask;

        if (!book || (op != EPOLL_CTL_DEL && !hf_sys_readable(event, sizeof *event)) ||
            !hf_pending_hold(fd, &tunnel, &mask))
                return false;
        if (tunnel.record->phase == HF_PENDING_OVER)
                op = -1; /* of those that are the kernel's */
        if (op == EPOLL_CTL_ADD)
                *ret_result = add(book, set, fd, event, tunnel.record, &untold);
        else if (op == EPOLL_CTL_MOD)
                *ret_result = modify(book, set, fd, event, tunnel.record);
        else if (op == EPOLL_CTL_DEL)
                *ret_result = discard(book, set, fd);
        else
                ours = false;
        hf_pending_release(&tunnel, mask);
        if (untold)
                hf_pending_finish(fd);
        return ours;
}

/* ---- events ---- */

/* Who may be meant by an event of SET with DATA. */
struct meant {
        struct book *book;
        uint32_t set;
        uint64_t data;
        uint32_t wanted; /* what the program asked of them */
        bool stepped;    /* one or more took a step */
        bool failed;     /* one had failed before, and its program was not told why */
        bool others;     /* one or more have nothing pending */
};

static void consider(struct meant *meant, int fd)
{
        struct note *note = find_note(meant->book, fd, meant->set);
        struct hf_tunnel tunnel;
        struct hf_step step = {0};
        enum hf_progress progress = HF_GONE;

        if (!note || note_data(note) != meant->data)
                return;
        meant->wanted |= get32(&note->events);
        if (hf_pending_find(fd, &tunnel))
                progress = hf_pending_step(&tunnel, &step);
        if (progress == HF_GONE || (progress == HF_OVER && step.before)) {
                /* Perhaps it is closed, and nobody told us. */
                if (hf_syscall3(SYS_fcntl, fd, 1 /* F_GETFD */, 0) < 0)
                        return;
                meant->others = true;
                meant->failed |= progress == HF_OVER && step.result < 0;
                return;
        }
        meant->stepped = true;
}

static void consider_record(struct hf_pending *record, void *arg)
{
        for (int i = 0; i < HF_PENDING_ALIASES; i++) {
                int fd = atomic_load_explicit(&record->fds[i], memory_order_relaxed);

                if (atomic_load_explicit(&record->id, memory_order_relaxed) && fd >= 0)
                        consider(arg, fd);
        }
}

/* False: the event was a handshake's. */
static bool keep(struct book *book, int epfd, struct epoll_event *event)
{
        struct meant meant = {.book = book, .set = (uint32_t)epfd + 1, .data = event->data.u64};
        uint32_t bucket = bucket_of(meant.set, meant.data);
        bool crowded = atomic_load_explicit(&book->crowded[bucket], memory_order_relaxed);
        unsigned considered = 0;

        for (int i = 0; i < WAYS; i++) {
                uint32_t fd = get32(&book->by_key[bucket][i]);

                if (fd && hf_pending_maybe((int)fd - 1)) {
                        consider(&meant, (int)fd - 1);
                        considered |= 1U << i;
                }
        }
        if (crowded) {
                hf_pending_each(consider_record, &meant);
                meant.others = true;
        }
        /* A handshake took the event for its own. Might it be another socket's, too? */
        for (int i = 0; i < WAYS && meant.stepped; i++) {
                uint32_t fd = get32(&book->by_key[bucket][i]);

                if (fd && !(considered >> i & 1))
                        consider(&meant, (int)fd - 1);
        }
        if (meant.failed)
                event->events |= EPOLLERR | (meant.wanted & (EPOLLIN | EPOLLRDNORM | EPOLLRDHUP));
        if (!meant.stepped)
                return true;
        if (!meant.others)
                return false;
        event->events &= meant.wanted | EPOLLERR | EPOLLHUP;
        return event->events != 0;
}

int hf_interest_events(int epfd, struct epoll_event *events, int n)
{
        struct book *book = atomic_load_explicit(&the_book, memory_order_acquire);
        int kept = 0;

        for (int i = 0; i < n; i++) {
                struct epoll_event event = events[i];

                if (!book || keep(book, epfd, &event))
                        events[kept++] = event;
        }
        return kept;
}
