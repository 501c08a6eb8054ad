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
 * (-EHOSTUNREACH; -ENETUNREACH under `strict`): for calls that are made again and again. */
int hf_lookup_first(struct hf_span name, int family, struct hf_addr *ret_addr);

/* Was there no answer for NAME in the last minute? FAMILY: as above, or HF_LOOKUP_LOCAL: none from
 * the local network, which was silent. */
#define HF_LOOKUP_LOCAL 0x10000
bool hf_lookup_failed(struct hf_span name, int family);
void hf_lookup_note_failed(struct hf_span name, int family);

/* HFPROXY_TUNNEL=strict: names come from /etc/hosts or the proxy. Is the real look-up of NAME (as
 * the program wrote it, NUL-terminated; FAMILY: AF_INET, AF_INET6, or AF_UNSPEC) refused? Never
 * that of an address, and never that of a proxy's own name. May allocate; errno is left as it was.
 */
bool hf_lookup_refused(const char *name, int family);

/* Where it is refused: NAME may still be this machine's own, or localhost. */
bool hf_lookup_own(const char *name, int family, struct hf_addr *ret_addr);

/* Is the real look-up of the name of ADDR refused, so that it must not be made? Not if it is in
 * /etc/hosts. */
bool hf_lookup_reverse_refused(const struct hf_addr *addr);

/* May ADDR be noted as a direct one for PORT (0: every port) because of a name of the local
 * network? That opens nothing under `strict`, and yields to what HFPROXY_ONLY names. */
bool hf_lookup_local_counts(const struct hf_addr *addr, uint16_t port);
