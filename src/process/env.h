/* SPDX-License-Identifier: MIT */
/* `environ`, and the rules of core/mirror applied to it. */
#pragma once

#include "core/mirror.h"

#include <stdatomic.h>

extern char **environ;

/* The first entry of `environ` called NAME: all that most look-ups of most programs are, so it must
 * take no longer than libc's. As in glibc two bytes are compared at once (of an empty entry, the
 * byte behind it too); the rest by a loop, which for most names is over before a call would be.
 * Four entries a turn: at the wrong address a loop of one takes twice the time. */
__attribute__((no_sanitize_address)) static inline char *hf_env_get_plain(const char *name)
{
        char **e = environ;
        const char *entry;

        if (!e || !name[0])
                return NULL;

        char begin[2] = {name[0], name[1]};
        if (!begin[1])
                begin[1] = '=';
        uint16_t two, entry_two;
        memcpy(&two, begin, 2);

#define HF_DIFFERS                                                                                 \
        ((entry = *e++) && (memcpy(&entry_two, entry, 2), __builtin_expect(entry_two != two, 1)))
        for (;;) {
                while (HF_DIFFERS && HF_DIFFERS && HF_DIFFERS && HF_DIFFERS)
                        ;
                if (!entry)
                        return NULL;

                if (!name[1])
                        return (char *)(uintptr_t)entry + 2;

                size_t i = 2;
                while (name[i] && name[i] == entry[i])
                        i++;
                if (!name[i] && entry[i] == '=')
                        return (char *)(uintptr_t)entry + i + 1;
        }
#undef HF_DIFFERS
}

/* hf_env_get() of a NAME that may well be one of CANDIDATES. */
char *hf_env_get_among(const char *name, uint64_t candidates);

/* What getenv(NAME) answers: for our variables what the rules make of `environ` as it is now, for
 * all others the first entry. No lock, no allocation, no dlsym(); async-signal-safe; right before
 * our constructor and after `environ` was replaced. */
static inline char *hf_env_get(const char *name)
{
        if (!name)
                return NULL;

        uint64_t candidates = hf_var_candidates(name);
        return candidates ? hf_env_get_among(name, candidates) : hf_env_get_plain(name);
}

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

/* ENTRY of ours was given to putenv(): its text stays the program's to change. */
void hf_env_note_putenv(const char *entry);

/* Counts the changes that hf_env_note_change() heard of, when they were done. */
extern _Atomic(unsigned) hf_env_changes;

/* What the rules make of ENVIRONMENT, for ever: no text is given back. */
void hf_env_view(char *const *environment, const char *ret_values[HF_VARS],
                 struct hf_facts *ret_facts, struct hf_view *ret_view);
bool hf_env_cannot_read(const char *file); /* NULL and "" are none */

/* The values that `environ` holds now, but with HFPROXY_* as they were at start. */
void hf_env_collect(const char *ret_values[HF_VARS]);

/* An arena of its own for a caller that may allocate: mapped, to be given back. False: no memory.
 */
bool hf_env_map_arena(struct hf_arena *ret_arena);
void hf_env_unmap_arena(struct hf_arena *arena);
