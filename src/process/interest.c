/* SPDX-License-Identifier: MIT */
/* The two tables (see interest.h), and what the kernel is told. */
#include "interest.h"

#include "pending_record.h"
#include "sys.h"

#define PLACES                                                                                     \
        4 /* sets that one descriptor may be in; in more: the handshake is not left to them */
#define WAYS 4
#define BUCKETS 32768
#define FEW 4096 /* descriptors that are searched for another one of a set */

/* One registration as the program made it. */
struct note {
        _Atomic(uint32_t) set; /* see set_of(); 0: none */
        _Atomic(uint32_t) events;
        _Atomic(uint64_t) data;
};

struct book {
        struct note notes[HF_PENDING_FDS][PLACES];
        _Atomic(uint32_t) sets[HF_PENDING_FDS]; /* which set a descriptor is, if it may be one */
        _Atomic(bool) waited[HF_PENDING_FDS]; /* by a call that we see, on the set of that number */
        _Atomic(uint32_t) by_key[BUCKETS][WAYS]; /* descriptor + 1 */
        /* More registrations share this bucket than it can name: look everywhere. */
        _Atomic(bool) crowded[BUCKETS];
};

_Atomic(void *) hf_interest_book; /* a struct book */

static uint32_t bucket_of(uint32_t set, uint64_t data)
{
        return (uint32_t)(((data ^ (uint64_t)set << 32) * UINT64_C(0x9e3779b97f4a7c15)) >> 49);
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

/* ---- which set ---- */

/* A set is known by the number of its first descriptor and a turn, which its duplicates share
 * (tokio registers with one and waits on the other). */
static uint32_t set_of(struct book *book, int epfd)
{
        static _Atomic(uint32_t) turns;
        _Atomic(uint32_t) *place = &book->sets[epfd];
        uint32_t set = get32(place), turn;

        if (set)
                return set;
        turn = atomic_fetch_add_explicit(&turns, 1, memory_order_relaxed) % 4095 + 1;
        if (atomic_compare_exchange_strong(place, &set, turn * HF_PENDING_FDS + (uint32_t)epfd))
                return turn * HF_PENDING_FDS + (uint32_t)epfd;
        return set;
}

/* A descriptor of SET: its first one or, should that be closed, whichever is found; -1: none. */
static int descriptor_of(const struct book *book, uint32_t set)
{
        int fd = (int)(set % HF_PENDING_FDS);

        if (get32(&book->sets[fd]) == set)
                return fd;
        for (fd = 0; fd < FEW; fd++)
                if (get32(&book->sets[fd]) == set)
                        return fd;
        return -1;
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
        struct book *book = hf_sys_map_once(&hf_interest_book, sizeof *book);

        return book;
}

static bool can_note(int epfd, int fd)
{
        return (unsigned)epfd < HF_PENDING_FDS && (unsigned)fd < HF_PENDING_FDS;
}

void hf_interest_note(int epfd, int op, int fd, const struct epoll_event *event)
{
        struct book *book = can_note(epfd, fd) ? get_book() : NULL;
        struct note *note;
        uint32_t set;

        if (!book)
                return;
        set = set_of(book, epfd);
        if (op != EPOLL_CTL_DEL)
                write_note(book, fd, set, event->events, event->data.u64);
        else if ((note = find_note(book, fd, set)))
                clear(note);
}

void hf_interest_dup(int from, int to)
{
        struct book *book = can_note(from, to) ? get_book() : NULL;

        if (book)
                atomic_store_explicit(&book->sets[to], set_of(book, from), memory_order_relaxed);
}

void hf_interest_waited(int epfd)
{
        struct book *book = atomic_load_explicit(&hf_interest_book, memory_order_acquire);

        if (book && can_note(epfd, 0))
                atomic_store_explicit(&book->waited[set_of(book, epfd) % HF_PENDING_FDS], true,
                                      memory_order_relaxed);
}

static bool noted(const struct book *book, int fd)
{
        uint32_t any = get32(&book->sets[fd]);

        for (int i = 0; i < PLACES; i++)
                any |= get32(&book->notes[fd][i].set);
        return any != 0;
}

void hf_interest_forget(int fd)
{
        struct book *book = atomic_load_explicit(&hf_interest_book, memory_order_acquire);

        /* (A vfork child closes descriptors of its own, not its parent's.) */
        if (!book || (unsigned)fd >= HF_PENDING_FDS || !noted(book, fd) || !hf_pending_ours())
                return;
        for (int i = 0; i < PLACES; i++)
                clear(&book->notes[fd][i]);
        atomic_store_explicit(&book->sets[fd], 0, memory_order_relaxed);
        atomic_store_explicit(&book->waited[fd], false, memory_order_relaxed);
}

/* ---- what the kernel holds ---- */

static int control(int epfd, int op, int fd, uint32_t events, uint64_t data)
{
        struct epoll_event event = {.events = events, .data.u64 = data};

        return (int)hf_syscall6(SYS_epoll_ctl, epfd, op, fd, (long)&event, 0, 0);
}

/* Is it waited on by calls that we see? */
static bool seen(const struct book *book, uint32_t set)
{
        return atomic_load_explicit(&book->waited[set % HF_PENDING_FDS], memory_order_relaxed);
}

/* What the kernel gets for the handshake's EVENTS. (poll(2) and epoll(7) have the same bits for
 * them.) For a program whose waits we do not see (Bun) what it asked for itself is in it, too, as
 * it may ignore all else; each arrival tells anew, for nobody might come to arm it again. */
static uint32_t armed(const struct book *book, uint32_t set, uint32_t wanted, short events)
{
        uint32_t mine = (uint32_t)(unsigned short)events | (wanted & EPOLLWAKEUP);

        if (seen(book, set))
                return mine | EPOLLONESHOT;
        return mine | EPOLLET | (wanted & (EPOLLIN | EPOLLOUT));
}

/* MOD, or what stands for it where the kernel holds an exclusive entry. */
static bool tell(struct book *book, struct note *note, int fd, uint32_t events)
{
        int epfd = descriptor_of(book, get32(&note->set)), r;
        uint64_t data = note_data(note);

        r = events & EPOLLEXCLUSIVE ? -EINVAL : control(epfd, EPOLL_CTL_MOD, fd, events, data);
        if (r == -EINVAL && get32(&note->events) & EPOLLEXCLUSIVE) {
                control(epfd, EPOLL_CTL_DEL, fd, 0, 0);
                r = control(epfd, EPOLL_CTL_ADD, fd, events, data);
        }
        if (r < 0) /* the set is closed, or the number another set's: the note was stale */
                clear(note);
        return r == 0;
}

bool hf_interest_arm(int fd, short events, bool changed)
{
        struct book *book = atomic_load_explicit(&hf_interest_book, memory_order_acquire);
        bool any = false;

        for (int i = 0; book && i < PLACES; i++) {
                struct note *note = &book->notes[fd][i];
                uint32_t set = get32(&note->set);

                if (!set)
                        continue;
                /* (A MOD tells at once what is there already.) */
                any |= (!changed && !seen(book, set)) ||
                       tell(book, note, fd, armed(book, set, get32(&note->events), events));
        }
        return any;
}

void hf_interest_restore(int fd)
{
        struct book *book = atomic_load_explicit(&hf_interest_book, memory_order_acquire);

        for (int i = 0; book && i < PLACES; i++) {
                struct note *note = &book->notes[fd][i];

                if (get32(&note->set))
                        tell(book, note, fd, get32(&note->events));
        }
}

/* ---- epoll_ctl() on a pending socket ---- */

#define EXCLUSIVE_MAY                                                                              \
        (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

/* An epoll_ctl() of the program's. */
struct request {
        struct book *book;
        uint32_t set;
        int epfd, fd;
        uint32_t events;
        uint64_t data;
        short handshake; /* what that waits for */
};

static int control_armed(const struct request *r, int op)
{
        return control(r->epfd, op, r->fd, armed(r->book, r->set, r->events, r->handshake),
                       r->data);
}

static int add(const struct request *r, bool *ret_untold)
{
        int result;

        if (r->events & EPOLLEXCLUSIVE && r->events & ~(uint32_t)EXCLUSIVE_MAY)
                return -EINVAL;
        result = control_armed(r, EPOLL_CTL_ADD);
        if (result < 0 || write_note(r->book, r->fd, r->set, r->events, r->data))
                return result;
        *ret_untold = true;
        return control(r->epfd, EPOLL_CTL_MOD, r->fd, r->events, r->data);
}

static int modify(const struct request *r)
{
        const struct note *note = find_note(r->book, r->fd, r->set);
        int result;

        if ((r->events | (note ? get32(&note->events) : 0)) & EPOLLEXCLUSIVE)
                return -EINVAL;
        result = control_armed(r, EPOLL_CTL_MOD);
        if (result == 0)
                write_note(r->book, r->fd, r->set, r->events, r->data);
        return result;
}

static int discard(const struct request *r)
{
        struct note *note = find_note(r->book, r->fd, r->set);
        int result = control(r->epfd, EPOLL_CTL_DEL, r->fd, 0, 0);

        if (result == 0 && note)
                clear(note);
        return result;
}

bool hf_interest_ctl(int epfd, int op, int fd, struct epoll_event *event, int *ret_result)
{
        struct request request = {
                .book = can_note(epfd, fd) ? get_book() : NULL, .epfd = epfd, .fd = fd};
        struct hf_tunnel tunnel;
        bool untold = false, ours = true;
        uint64_t mask;

        if (!request.book || (op != EPOLL_CTL_DEL && !hf_sys_readable(event, sizeof *event)) ||
            !hf_pending_hold(fd, &tunnel, &mask))
                return false;
        request.set = set_of(request.book, epfd);
        request.handshake = tunnel.record->events;
        if (op != EPOLL_CTL_DEL) {
                request.events = event->events;
                request.data = event->data.u64;
        }
        if (tunnel.record->phase == HF_PENDING_OVER)
                op = -1; /* of those that are the kernel's */
        if (op == EPOLL_CTL_ADD)
                *ret_result = add(&request, &untold);
        else if (op == EPOLL_CTL_MOD)
                *ret_result = modify(&request);
        else if (op == EPOLL_CTL_DEL)
                *ret_result = discard(&request);
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
        struct meant meant = {.book = book, .set = set_of(book, epfd), .data = event->data.u64};
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
        struct book *book = atomic_load_explicit(&hf_interest_book, memory_order_acquire);
        int kept = 0;

        if (!can_note(epfd, 0))
                return n;
        for (int i = 0; i < n; i++) {
                struct epoll_event event = events[i];

                if (!book || keep(book, epfd, &event))
                        events[kept++] = event;
        }
        return kept;
}
