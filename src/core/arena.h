/* SPDX-License-Identifier: MIT */
/* A bounded, append-only store of composed strings, interned and never freed.
 *
 * getenv() hands its result to the caller for ever and may be called in a signal handler, in
 * any thread, before every constructor: the strings that we compose for it can neither be
 * allocated nor freed. A lookup of a text that is there already changes nothing, so the store
 * grows with the number of *different* texts only. No lock; two threads that intern the same
 * new text at once may store it twice. */
#pragma once

#include "out.h"

struct hf_arena {
        char *base; /* `size` bytes, zeroed, 8-aligned; owned by whoever made the arena */
        size_t size;
        _Atomic(size_t) used;
};

/* Composes into OUT; called up to three times with the same ARG and must put the same text. */
typedef void hf_compose(struct hf_out *out, const void *arg);

/* The NUL-terminated text that COMPOSE makes of ARG, or NULL when the arena is full.
 * Async-signal-safe, lock-free. */
const char *hf_arena_intern(struct hf_arena *arena, hf_compose *compose, const void *arg);
