/* SPDX-License-Identifier: MIT */
/* Real look-ups on this library's own account: of a name behind a placeholder, where the way turns
 * out to lead to no proxy. May allocate and block, as libc's getaddrinfo() does. */
#pragma once

#include "core/addr.h"

#define HF_LOOKUP_MAX 8

struct hf_lookup {
        uint8_t count;
        struct hf_addr addrs[HF_LOOKUP_MAX];
};

/* The addresses of NAME, none if it has none. FAMILY: AF_INET, AF_INET6 or AF_UNSPEC. PATIENT: ask
 * even if there was no answer in the last minute. errno is left as it was. */
void hf_lookup(struct hf_span name, int family, bool patient, struct hf_lookup *ret);

/* The first address of NAME for FAMILY, which is remembered for a minute, as no answer is
 * (-EHOSTUNREACH): for calls that are made again and again. */
int hf_lookup_first(struct hf_span name, int family, struct hf_addr *ret_addr);

/* Was there no answer for NAME in the last minute? FAMILY: as above, or HF_LOOKUP_LOCAL: none from
 * the local network, which was silent. */
#define HF_LOOKUP_LOCAL 0x10000
bool hf_lookup_failed(struct hf_span name, int family);
void hf_lookup_note_failed(struct hf_span name, int family);
