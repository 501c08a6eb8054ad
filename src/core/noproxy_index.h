/* SPDX-License-Identifier: MIT */
/* A no_proxy list that is read once, so that it costs a look-up and a connect() the same with five
 * entries and with a hundred thousand: a hash table of where the entries stand in the list, eight
 * bytes for each of two slots an entry. The memory is the caller's. */
#pragma once

#include "noproxy.h"

struct hf_noproxy_slot {
        uint32_t at; /* 1 + where in the list the entry begins; 0: empty */
        uint32_t tag;
};

struct hf_noproxy_index {
        struct hf_span list;
        struct hf_noproxy_slot *slots;
        uint32_t mask;                  /* number of slots - 1 */
        bool any, names, ports;         /* there are entries "*"; of names; with a port */
        uint64_t lengths4, lengths6[3]; /* bit n: there are prefixes of n bits */
};

/* How many slots LIST needs: a power of two. 0: it is too long (4 GiB). */
size_t hf_noproxy_index_slots(struct hf_span list);

/* SLOTS: N of them, zeroed; they and LIST must stay as long as the index. False: they are too few,
 * as LIST has changed since they were counted. */
bool hf_noproxy_index_make(struct hf_noproxy_index *ret, struct hf_span list,
                           struct hf_noproxy_slot *slots, size_t n);

/* What hf_noproxy_match() of the list says. */
bool hf_noproxy_index_match(const struct hf_noproxy_index *index, const struct hf_dest *dest);
