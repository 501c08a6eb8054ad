/* SPDX-License-Identifier: MIT */
/* A bounded, append-only set of (address, port), read and written by any thread without a lock
 * and in signal handlers: the addresses that the proxies' names ever resolved to, and those that
 * names which must stay direct resolved to. Zeroed memory is an empty set. */
#pragma once

#include "addr.h"

#define HF_ADDRSET_SLOTS 4096 /* power of two; filled to three quarters at most */

struct hf_addrset {
        struct hf_addrset_slot {
                _Atomic(uint32_t) state; /* 0 empty, 1 being written, 2 readable */
                uint16_t port;
                struct hf_addr addr;
        } slots[HF_ADDRSET_SLOTS];
        _Atomic(uint32_t) count;
};

/* PORT 0 stands for every port. False when the set is full (then it is as it was). */
bool hf_addrset_add(struct hf_addrset *set, const struct hf_addr *addr, uint16_t port);

/* Was ADDR added with this PORT, or with 0? */
bool hf_addrset_has(const struct hf_addrset *set, const struct hf_addr *addr, uint16_t port);
