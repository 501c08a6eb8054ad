/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include <stdatomic.h>

/* Entries lie one behind the other. `size` is written last: 0 ends the walk, so a reader never
 * sees an entry before its text is whole. A reservation by a thread that has not written its
 * size yet hides those behind it for that moment; the text is then stored twice, no more. */
struct entry {
        _Atomic(uint32_t) size; /* of the whole entry, a multiple of 8 */
        uint32_t len;
        uint64_t hash;
        char text[];
};

static const char *find(struct hf_arena *arena, hf_compose *compose, const void *arg, size_t len,
                        uint64_t hash)
{
        size_t used = atomic_load_explicit(&arena->used, memory_order_acquire);

        for (size_t at = 0; at < used && at < arena->size;) {
                struct entry *e = (struct entry *)(void *)(arena->base + at);
                uint32_t size = atomic_load_explicit(&e->size, memory_order_acquire);

                if (size == 0)
                        break;
                if (e->len == len && e->hash == hash) {
                        struct hf_out out = hf_out_compare((struct hf_span){e->text, len});

                        compose(&out, arg);
                        if (hf_out_matched(&out))
                                return e->text;
                }
                at += size;
        }
        return NULL;
}

const char *hf_arena_intern(struct hf_arena *arena, hf_compose *compose, const void *arg)
{
        struct hf_out out = hf_out_count();

        compose(&out, arg);

        const char *found = find(arena, compose, arg, out.len, out.hash);
        if (found)
                return found;
        if (out.len > arena->size)
                return NULL;

        size_t size = (sizeof(struct entry) + out.len + 1 + 7) & ~(size_t)7;
        size_t at = atomic_load_explicit(&arena->used, memory_order_relaxed);

        /* Not fetch_add: a text that does not fit must not use up what a shorter one could. */
        do
                if (size > arena->size - at)
                        return NULL;
        while (!atomic_compare_exchange_weak_explicit(&arena->used, &at, at + size,
                                                      memory_order_acq_rel, memory_order_relaxed));

        struct entry *e = (struct entry *)(void *)(arena->base + at);

        struct hf_out text = hf_out_write(e->text, out.len);
        compose(&text, arg);
        e->text[out.len] = '\0';
        e->len = (uint32_t)out.len;
        e->hash = text.hash;
        atomic_store_explicit(&e->size, (uint32_t)size, memory_order_release);
        return e->text;
}
