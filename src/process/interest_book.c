/* SPDX-License-Identifier: MIT */
#include "interest_book.h"

#include "pending_record.h"
#include "sys.h"
#include "twins.h"

static _Atomic(void *) the_book; /* a struct hf_book */

struct hf_note *hf_book_find(struct hf_book *book, int fd, uint32_t set)
{
        for (int i = 0; i < HF_BOOK_PLACES; i++)
                if (hf_note_get(&book->notes[fd][i].set) == set)
                        return &book->notes[fd][i];
        return NULL;
}

static bool leads_to(const struct hf_book *book, uint32_t fd, uint32_t bucket)
{
        for (int i = 0; i < HF_BOOK_PLACES; i++) {
                const struct hf_note *note = &book->notes[fd][i];
                uint32_t set = hf_note_get(&note->set);

                if (set && hf_book_bucket(set, hf_note_data(note)) == bucket)
                        return true;
        }
        return false;
}

/* FD can be found from its key. */
static void enter(struct hf_book *book, uint32_t fd, uint32_t bucket)
{
        _Atomic(uint32_t) *ways = book->by_key[bucket];
        int room = -1;

        for (int i = 0; i < HF_BOOK_WAYS; i++) {
                uint32_t there = hf_note_get(&ways[i]);

                if (there == fd + 1)
                        return;
                if (room < 0 && (there == 0 || !leads_to(book, there - 1, bucket)))
                        room = i;
        }
        if (room < 0) {
                atomic_store_explicit(&book->crowded[bucket], true, memory_order_relaxed);
                room = (int)(fd % HF_BOOK_WAYS);
        }
        atomic_store_explicit(&ways[room], fd + 1, memory_order_relaxed);
}

/* Is SET no more? The kernel takes no event for it then, and a wait on it, which takes none out for
 * lack of a place to put it, fails in another way. */
static bool is_gone(uint32_t set)
{
        int epfd = hf_twins_find(set);

        return epfd < 0 ||
               hf_syscall6(SYS_epoll_pwait, epfd, 1 /* no place */, 1, 0, 0, 8) == -EINVAL ||
               hf_syscall3(SYS_fcntl, epfd, 1 /* F_GETFD */, 0) < 0;
}

/* An empty place for FD's note, perhaps one of a set that was closed without a word. */
static struct hf_note *make_place(struct hf_book *book, int fd)
{
        struct hf_note *note = hf_book_find(book, fd, 0);

        for (int i = 0; !note && i < HF_BOOK_PLACES; i++)
                if (is_gone(hf_note_get(&book->notes[fd][i].set)))
                        note = &book->notes[fd][i];
        return note;
}

bool hf_book_write(struct hf_book *book, int fd, uint32_t set, uint32_t events, uint64_t data)
{
        struct hf_note *note = hf_book_find(book, fd, set);

        if (note && hf_note_data(note) == data) { /* as most calls are */
                atomic_store_explicit(&note->events, events, memory_order_relaxed);
                return true;
        }
        if (!note)
                note = make_place(book, fd);
        if (!note)
                return false;
        atomic_store_explicit(&note->events, events, memory_order_relaxed);
        atomic_store_explicit(&note->data, data, memory_order_relaxed);
        atomic_store_explicit(&note->set, set, memory_order_release);
        enter(book, (uint32_t)fd, hf_book_bucket(set, data));
        return true;
}

bool hf_interest_any(void)
{
        return atomic_load_explicit(&the_book, memory_order_relaxed) != NULL;
}

struct hf_book *hf_book(void)
{
        return atomic_load_explicit(&the_book, memory_order_acquire);
}

struct hf_book *hf_book_open(void)
{
        struct hf_book *book = hf_sys_map_once(&the_book, sizeof *book);

        return book;
}

bool hf_book_takes(int epfd, int fd)
{
        return (unsigned)epfd < HF_PENDING_FDS && (unsigned)fd < HF_PENDING_FDS;
}

void hf_interest_note(int epfd, int op, int fd, const struct epoll_event *event)
{
        struct hf_book *book = hf_book_takes(epfd, fd) ? hf_book_open() : NULL;
        struct hf_note *note;
        uint32_t set;

        if (!book)
                return;
        set = hf_twins_id(epfd);
        if (!set)
                return;
        if (op != EPOLL_CTL_DEL)
                hf_book_write(book, fd, set, event->events, event->data.u64);
        else if ((note = hf_book_find(book, fd, set)))
                hf_note_clear(note);
}

void hf_interest_forget(int fd)
{
        struct hf_book *book = hf_book();
        uint32_t any = 0;

        if (!book || (unsigned)fd >= HF_PENDING_FDS)
                return;
        for (int i = 0; i < HF_BOOK_PLACES; i++)
                any |= hf_note_get(&book->notes[fd][i].set);
        /* (A vfork child closes descriptors of its own, not its parent's.) */
        if (!any || !hf_pending_ours())
                return;
        for (int i = 0; i < HF_BOOK_PLACES; i++)
                hf_note_clear(&book->notes[fd][i]);
}

void hf_interest_new_set(int epfd)
{
        struct hf_book *book = hf_book();

        hf_twins_forget(epfd);
        hf_interest_forget(epfd);
        if (book && (unsigned)epfd < HF_PENDING_FDS) {
                atomic_store_explicit(&book->waited[epfd], false, memory_order_relaxed);
                atomic_store_explicit(&book->awake[epfd], false, memory_order_relaxed);
        }
}

void hf_interest_forget_range(unsigned first, unsigned last)
{
        for (unsigned fd = first; fd <= last && fd < HF_BOOK_FEW; fd++)
                hf_interest_forget((int)fd);
}
