/* SPDX-License-Identifier: MIT */
/* Open addressing, hashed by the address alone, so that one walk finds an entry for a port and
 * one for every port. A slot goes 0 → 1 → 2 and never back. A walk passes over a slot that is
 * being written instead of waiting for it: its writer may be the thread that a signal
 * handler interrupted, or may have stayed in the parent of a fork. */
#include "addrset.h"

#include <stdatomic.h>

enum { SLOT_EMPTY, SLOT_WRITING, SLOT_READABLE };

#define SLOTS_USED_MAX (HF_ADDRSET_SLOTS / 4 * 3)

static uint32_t first_slot(const struct hf_addr *addr)
{
        uint64_t hash = hf_hash((struct hf_span){(const char *)addr->bytes, sizeof(addr->bytes)});

        return (uint32_t)(hash ^ hash >> 32);
}

bool hf_addrset_add(struct hf_addrset *set, const struct hf_addr *addr, uint16_t port)
{
        uint32_t first = first_slot(addr);

        if (addr->family == 0)
                return false;
        if (hf_addrset_has(set, addr, port))
                return true;
        /* Counted first: however many threads add at once, a quarter of the slots stays empty and
         * every walk ends. */
        if (atomic_fetch_add_explicit(&set->count, 1, memory_order_relaxed) >= SLOTS_USED_MAX) {
                atomic_fetch_sub_explicit(&set->count, 1, memory_order_relaxed);
                return false;
        }
        for (uint32_t i = 0; i < HF_ADDRSET_SLOTS; i++) {
                struct hf_addrset_slot *slot = &set->slots[(first + i) % HF_ADDRSET_SLOTS];
                uint32_t empty = SLOT_EMPTY;

                if (!atomic_compare_exchange_strong_explicit(&slot->state, &empty, SLOT_WRITING,
                                                             memory_order_relaxed,
                                                             memory_order_relaxed))
                        continue;
                slot->port = port;
                slot->addr = *addr;
                atomic_store_explicit(&slot->state, SLOT_READABLE, memory_order_release);
                return true;
        }
        atomic_fetch_sub_explicit(&set->count, 1, memory_order_relaxed);
        return false;
}

bool hf_addrset_has(const struct hf_addrset *set, const struct hf_addr *addr, uint16_t port)
{
        uint32_t first = first_slot(addr);

        for (uint32_t i = 0; i < HF_ADDRSET_SLOTS; i++) {
                const struct hf_addrset_slot *slot = &set->slots[(first + i) % HF_ADDRSET_SLOTS];
                uint32_t state = atomic_load_explicit(&slot->state, memory_order_acquire);

                if (state == SLOT_EMPTY)
                        return false;
                if (state == SLOT_READABLE && (slot->port == port || slot->port == 0) &&
                    hf_addr_eq(&slot->addr, addr))
                        return true;
        }
        return false;
}
