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

struct addrinfo;

/* The addresses of NAME, none if it has none. FAMILY: AF_INET, AF_INET6 or AF_UNSPEC. PATIENT: ask
 * even if there was no answer in the last minute. errno is left as it was. */
void hf_lookup(struct hf_span name, int family, bool patient, struct hf_lookup *ret);

/* Notes the addresses of LIST as direct ones for PORT (0: every port), because of the name that
 * they belong to. */
void hf_lookup_note_direct(const struct addrinfo *list, uint16_t port);
