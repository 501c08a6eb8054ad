/* SPDX-License-Identifier: MIT */
/* The notes of interest.h: what the program registered with epoll; for interest*.c only. All of it
 * is read and written by any thread, without locks. */
#pragma once

#include "interest.h"
#include "pending.h"

#define HF_BOOK_PLACES 4 /* sets of one descriptor; of more, none is left to its handshake */
#define HF_BOOK_WAYS 4
#define HF_BOOK_BUCKETS 32768
#define HF_BOOK_FEW 4096

/* One registration as the program made it. */
struct hf_note {
        _Atomic(uint32_t) set; /* hf_twins_id() of its descriptors; 0: none */
        _Atomic(uint32_t) events;
        _Atomic(uint64_t) data;
};

struct hf_book {
        struct hf_note notes[HF_PENDING_FDS][HF_BOOK_PLACES];
        /* Of the set of that number: is it waited on by calls that we see? Has everybody who may be
         * asleep in one heard that something is pending? */
        _Atomic(bool) waited[HF_PENDING_FDS], awake[HF_PENDING_FDS];
        _Atomic(uint32_t) by_key[HF_BOOK_BUCKETS][HF_BOOK_WAYS]; /* descriptor + 1 */
        /* More registrations share this bucket than it can name: look everywhere. */
        _Atomic(bool) crowded[HF_BOOK_BUCKETS];
};

/* NULL: nothing was ever noted. hf_book_open() begins it; NULL: memory is short. */
struct hf_book *hf_book(void);
struct hf_book *hf_book_open(void);

/* Are these numbers that the book has place for? */
bool hf_book_takes(int epfd, int fd);

/* FD's note about SET (0: an empty one), or NULL. */
struct hf_note *hf_book_find(struct hf_book *book, int fd, uint32_t set);

/* False: FD is in more sets than can be noted. */
bool hf_book_write(struct hf_book *book, int fd, uint32_t set, uint32_t events, uint64_t data);

/* Where by_key has the descriptors that were registered with SET under DATA. */
static inline uint32_t hf_book_bucket(uint32_t set, uint64_t data)
{
        return (uint32_t)(((data ^ (uint64_t)set << 32) * UINT64_C(0x9e3779b97f4a7c15)) >> 49);
}

static inline uint32_t hf_note_get(const _Atomic(uint32_t) *place)
{
        return atomic_load_explicit(place, memory_order_relaxed);
}

static inline uint64_t hf_note_data(const struct hf_note *note)
{
        return atomic_load_explicit(&note->data, memory_order_relaxed);
}

static inline void hf_note_clear(struct hf_note *note)
{
        atomic_store_explicit(&note->set, 0, memory_order_relaxed);
}
