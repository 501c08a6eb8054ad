/* SPDX-License-Identifier: MIT */
/* What the parts of the rules (mirror*.c) share while they work on one view. */
#pragma once

#include "compose.h"
#include "mirror.h"

/* How new a variable's value is: older ones yield to newer ones within their pair. */
enum hf_mirror_age {
        HF_AGE_OLD,    /* no record, or the value that we restore */
        HF_AGE_NEWEST, /* was found to be newer than us by an earlier process */
        HF_AGE_NOW,    /* is found to be so now */
};

struct hf_mirror_job {
        const char *const *values;
        const struct hf_settings *settings;
        const struct hf_facts *facts;
        struct hf_arena *arena;
        struct hf_view *view;
        uint8_t age[HF_VARS_MANAGED]; /* enum hf_mirror_age */
        uint8_t decided;              /* bit p: an earlier process chose between two that differ */
        const char *url;              /* HFPROXY_URL's first proxy, mended; NULL: none */
        bool url_is_new; /* it is not the one that the last process had: the newest word of all */
        bool cgi;
        const char *raw[HF_VAR_no_proxy]; /* what view->value is made of; NULL: no proxy's URL */
        unsigned filled;                  /* bit p: pair p is filled from all_proxy */
};

static inline bool hf_mirror_nonempty(const char *s)
{
        return s && *s;
}

/* TEXT (may be NULL) and this machine, for hf_compose_completed_list() and hf_compose_grpc_list().
 */
static inline struct hf_compose_list hf_mirror_list(const struct hf_mirror_job *job,
                                                    const char *text)
{
        return (struct hf_compose_list){.text = text ? hf_span(text) : HF_SPAN(""),
                                        .self = job->facts->self};
}

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

/* What is set beside the proxies' own variables, where the user did not: no_grpc_proxy, Xet's
 * switches, CA files. After all else of the view is there. */
void hf_mirror_inject(struct hf_mirror_job *job);
