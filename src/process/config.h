/* SPDX-License-Identifier: MIT */
/* What connect() and look-ups go by: one immutable snapshot of the proxy set-up, made by the
 * constructor and again by setenv() & co. when they change it; interned by content and never freed
 * (64 at most, then changes are ignored, with a line). Readers take one atomic load and never look
 * at `environ`. */
#pragma once

#include "core/route.h"

#include <stdatomic.h>
#define HF_PROXY_LIST_MAX 8 /* entries beyond are not tried */

struct hf_config {
        struct hf_rules rules;
        struct hf_proxy http, https, all;        /* rules' pointers point here, */
        struct hf_proxy list[HF_PROXY_LIST_MAX]; /* or here: HFPROXY_URL with more than one entry */
        struct hf_noproxy_index no_proxy_index;
        int64_t timeout_ms;    /* HFPROXY_TIMEOUT, for a whole connect() */
        bool io_uring_allowed; /* HFPROXY_IO_URING=allow */
        bool dns_local;        /* HFPROXY_DNS=local: no name gets a placeholder */
        uint64_t hash;         /* of the texts below, for interning */
        size_t key_len;
        char *key;
};

/* The current snapshot; NULL while nothing is to be tunnelled (no proxy set, HFPROXY_TUNNEL=off,
 * AT_SECURE, before our constructor): then every hook is this load and the real call. Under
 * HFPROXY_TUNNEL=strict there is one even without a proxy. */
const struct hf_config *hf_config(void);

/* Is it strict? For the calls that move data, whose hooks do not look at the snapshot otherwise. */
extern _Atomic(bool) hf_config_is_strict;

static inline bool hf_strict(void)
{
        return __builtin_expect(atomic_load_explicit(&hf_config_is_strict, memory_order_relaxed),
                                false);
}

/* Addresses that stay direct because of the name that they came from; and those that a proxy's
 * name resolved to, with its port. Both are process-wide and only grow. */
extern struct hf_addrset hf_direct_addrs, hf_proxy_addrs;

/* Recomputes the snapshot from `environ` as it is now, and publishes it. For the constructor
 * and the hooks of setenv() & co.; may allocate. */
void hf_config_refresh(void);
