/* SPDX-License-Identifier: MIT */
/* What the parts of the rules (mirror*.c) share while they work on one view. */
#pragma once

#include "mirror.h"

struct hf_mirror_job {
        const char *const *values;
        const struct hf_settings *settings;
        const struct hf_facts *facts;
        struct hf_arena *arena;
        struct hf_view *view;
        uint8_t age[HF_VARS_MANAGED];
        uint8_t decided; /* bit p: an earlier process chose between two that differ */
        const char *url; /* HFPROXY_URL's first proxy, mended; NULL: none */
        bool url_is_new; /* it is not the one that the last process had: the newest word of all */
        bool cgi;
        const char *raw[HF_VAR_no_proxy]; /* what view->value is made of; NULL: no proxy's URL */
        unsigned filled;                  /* bit p: pair p is filled from all_proxy */
};

/* What COMPOSE makes of ARG in place of RAW (may be NULL); RAW itself when they are equal, and when
 * it cannot be had: over the size, or the arena is full. */
const char *hf_mirror_composed(struct hf_mirror_job *job, hf_compose *compose, const void *arg,
                               const char *raw, enum hf_var var);

/* May pair P, http or https, hold what all_proxy does? It has no proxy of its own then; and
 * `strict` refuses what an unreadable variable stood for: clients, too, must not find another proxy
 * there. */
bool hf_mirror_may_fill(const struct hf_mirror_job *job, enum hf_pair p);

/* HFPROXY_SOCKS=bridge and HFPROXY_ONLY (design.md 2), in two steps: what do the variables that
 * clients are not to see hold for everybody else, and then: the process is a client's, hide them.
 */
void hf_mirror_bridge(struct hf_mirror_job *job);
void hf_mirror_hide(struct hf_view *view);
