/* SPDX-License-Identifier: MIT */
#include "twins.h"

#include "pending_record.h"
#include "sys.h"

#define FEW 4096   /* descriptors that are searched for a duplicate */
#define TURNS 4095 /* tell two apart that had the same number one after the other */

typedef _Atomic(uint32_t) twin_id;

static _Atomic(void *) the_ids; /* twin_id[HF_PENDING_FDS]; 0: nothing known */

static twin_id *place_of(int fd)
{
        twin_id *ids = atomic_load_explicit(&the_ids, memory_order_acquire);

        return ids && (unsigned)fd < HF_PENDING_FDS ? ids + fd : NULL;
}

static uint32_t get(const twin_id *place)
{
        return atomic_load_explicit(place, memory_order_relaxed);
}

__attribute__((noinline)) static uint32_t give_id(int fd)
{
        static _Atomic(uint32_t) turns;
        uint32_t id = 0, fresh;
        twin_id *place;

        if ((unsigned)fd >= HF_PENDING_FDS ||
            !hf_sys_map_once(&the_ids, HF_PENDING_FDS * sizeof *place))
                return 0;
        place = place_of(fd);
        fresh = atomic_fetch_add_explicit(&turns, 1, memory_order_relaxed) % TURNS + 1;
        fresh = fresh * HF_PENDING_FDS + (uint32_t)fd;
        return atomic_compare_exchange_strong(place, &id, fresh) ? fresh : id;
}

uint32_t hf_twins_id(int fd)
{
        const twin_id *place = place_of(fd);
        uint32_t id = place ? get(place) : 0;

        return id ? id : give_id(fd);
}

/* In a vfork child it is the parent's memory. A number that was free there is free in the parent;
 * of one that was in use, what is known stays. */
void hf_twins_dup(int from, int to, bool chosen)
{
        uint32_t id = hf_twins_id(from);
        twin_id *place = id ? place_of(to) : NULL;

        if (place && get(place) != id && (!chosen || get(place) == 0 || hf_pending_ours()))
                atomic_store_explicit(place, id, memory_order_relaxed);
}

void hf_twins_forget(int fd)
{
        twin_id *place = place_of(fd);

        if (place)
                atomic_store_explicit(place, 0, memory_order_relaxed);
}

int hf_twins_find(uint32_t id)
{
        int first = (int)(id % HF_PENDING_FDS);
        const twin_id *ids = place_of(0);

        if (!ids || get(ids + first) == id)
                return ids ? first : -1;
        for (int fd = 0; fd < FEW; fd++)
                if (get(ids + fd) == id)
                        return fd;
        return -1;
}

int hf_twins_next(int fd, int at)
{
        const twin_id *ids = place_of(0), *own = place_of(fd);
        uint32_t id = own ? get(own) : 0;

        for (; id && at < FEW; at++)
                if (at != fd && get(ids + at) == id)
                        return at;
        return -1;
}
