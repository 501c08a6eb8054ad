/* SPDX-License-Identifier: MIT */
/* `environ`, and the rules of core/mirror applied to it. */
#pragma once

#include "core/mirror.h"

/* What getenv(NAME) answers: for our variables what the rules make of `environ` as it is now, for
 * all others the first entry. No lock, no allocation, no dlsym(); async-signal-safe; right before
 * our constructor and after `environ` was replaced. */
char *hf_env_get(const char *name);

/* The constructor's work: reads `environ`, writes what differs back into it, reports in the log. */
void hf_env_rewrite(void);

/* Has it run? Until then every hook is the real call. */
bool hf_env_started(void);

/* Is the program setuid or the like (AT_SECURE)? Then this library does nothing at all. */
bool hf_env_secure(void);

/* NAME (up to `=` or its end; NULL: all) was changed while the program runs. Do the rules look at
 * it? For a proxy variable the log says once who will not hear of it: what the program copied from
 * `environ` at its start. */
bool hf_env_note_change(const char *name);

/* The values that `environ` holds now, but with HFPROXY_* as they were at start. */
void hf_env_collect(const char *ret_values[HF_VARS]);

/* An arena of its own for a caller that may allocate: mapped, to be given back. False: no memory.
 */
bool hf_env_map_arena(struct hf_arena *ret_arena);
void hf_env_unmap_arena(struct hf_arena *arena);
