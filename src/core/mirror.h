/* SPDX-License-Identifier: MIT */
/* The rules of the environment (design.md 2): from what `environ` holds to what every part of the
 * process shall read, and which proxy connect() shall use. A pure function, asked by the
 * constructor (which writes the answer into `environ`), by every getenv() of one of our variables,
 * and by setenv() & co. when they change one.
 *
 * It works in three steps. *Before*: what would each variable hold if we had never been
 * here? Its value, unless HFPROXY_STATE says that we wrote just this value: then what stood there
 * before. A value that differs from what we wrote is the user's newest word. *Value*: the rules.
 * *State*: a record for each variable where the two differ, for the next process. Running the rules
 * on their own output therefore changes nothing (tests/unit/test_mirror.c holds that over random
 * environments). */
#pragma once

#include "arena.h"
#include "route.h"
#include "settings.h"

/* What the environment alone does not tell. */
struct hf_facts {
        const struct hf_self *self; /* for no_proxy; NULL: not known */
        unsigned upper_lives;       /* bit p: in pair p lower case is dead and upper case is not */
        bool no_ca_bundle;          /* HFPROXY_CA_BUNDLE cannot be read */
        bool shows_all;             /* a shell, a launcher or a Go program: nothing is hidden */
};

struct hf_view {
        const char *value[HF_VARS_MANAGED];  /* what it shall read; NULL: unset */
        const char *before[HF_VARS_MANAGED]; /* the user's own; NULL: unset */
        const char
                *hidden[HF_VAR_no_proxy]; /* value[v] is NULL only to hide it: what exec hands on */
        uint8_t flags[HF_VARS_MANAGED];   /* HF_STATE_* for its record */
        const char *proxy[HF_PAIR_FTP];   /* for connect(), mended: http, https, all; NULL: none */
        const char *no_proxy;             /* the user's own list, for routing; NULL: none */
        const char *url;                  /* HFPROXY_URL, if it can be read: a proxy or a list */
        unsigned by_url;                  /* bit p: pair p holds HFPROXY_URL (its first proxy) */
        unsigned bridged; /* bit p: pair p is hidden from clients (facts->shows_all or not) */

        /* A hash of everything that has been complained about, carried on so that it is said once
         * and not by every process: what our parent said, and what we say (the caller sets it). */
        uint64_t heard, said;

        /* For the log. */
        unsigned conflicts;   /* bit p: the two spellings of pair p differ */
        unsigned undecided;   /* bit p: of those, nobody has decided yet: a probe may */
        uint32_t unreadable;  /* bit v: no proxy URL, counts as unset */
        uint32_t unmended;    /* bit v: a change would take it over 64 KiB, left as it is */
        bool url_unreadable;  /* HFPROXY_URL is no proxy URL, nor a list of any */
        bool url_entry_bad;   /* it is a list, and not every entry is one */
        bool xethub_honoured; /* HF_HUB_DISABLE_XETHUB was the user's: both names are set */
};

/* A value that a change of ours would take over this many bytes is left as it is: Linux takes no
 * environment string over 128 KiB at exec. */
#define HF_VALUE_MAX (64 * 1024)

/* Texts in the answer point into VALUES, into ARENA, or are literals. When ARENA is full a value
 * stays as it stands in VALUES. Async-signal-safe. */
void hf_view(const char *const values[HF_VARS], const struct hf_settings *settings,
             const struct hf_facts *facts, struct hf_arena *arena, struct hf_view *ret);

/* Could hf_view() want facts->self for these values? (Is a proxy set?) */
bool hf_view_wants_self(const char *const values[HF_VARS]);

/* A hf_compose: the new HFPROXY_STATE of a struct hf_view; nothing when there is nothing to carry.
 */
void hf_view_put_state(struct hf_out *out, const void *view);

/* hf_view()'s last step. HFPROXY_STATE stays under its limit: what does not fit is not mended. */
void hf_view_keep_within_limit(struct hf_view *view);
