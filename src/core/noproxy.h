/* SPDX-License-Identifier: MIT */
/* no_proxy in the union of the dialects in use (curl, requests, httpx, Go, reqwest, Java):
 * entries separated by commas, semicolons or blanks (quotes count as such: env files keep them);
 *   *                  everything, wherever in the list it stands
 *   example.com        itself and its subdomains, at a label boundary; a leading '.' or '*.' and a
 *                      trailing '.' make no difference; ASCII case does not count
 *   192.0.2.1  ::1     that address; IPv6 in brackets or not, in any spelling
 *   10.0.0.0/8 fd00::/8 [fd00::]/8   that prefix, with true bit arithmetic; host bits are ignored
 *   10.*   192.168.*   that prefix
 *   each with an optional :port (an IPv6 address needs its brackets for that)
 *   https://host[:port][/…]  as httpx reads it: the host, and the port if it is written
 * An entry that is none of these matches nothing. */
#pragma once

#include "addr.h"

struct hf_dest {
        struct hf_span name;        /* host name without trailing dot, or absent */
        const struct hf_addr *addr; /* address, or NULL; a name and an address may both be known */
        uint16_t port;              /* 0: not known (then an entry with a port does not match) */
};

/* True if LIST names DEST by its name or by its address. LIST may be absent. */
bool hf_noproxy_match(struct hf_span list, const struct hf_dest *dest);

/* HFPROXY_ONLY: the same grammar, and the word `hf` for huggingface.co and hf.co with their
 * subdomains. Where DEST's port is not known, an entry with a port counts too. */
enum hf_only {
        HF_ONLY_NOT,    /* LIST does not hold DEST */
        HF_ONLY_LISTED, /* it does */
        HF_ONLY_NAMED,  /* and means just this: by its name, by its address, or by a prefix that is
                         * no wider than a private range */
};
enum hf_only hf_noproxy_only(struct hf_span list, const struct hf_dest *dest);

/* LIST in the form that no client crashes on or misreads, for `environ`: commas only, [::1] as
 * ::1, *.x as .x. Left out is what httpx raises InvalidURL on: IPv6 prefixes, bracketed IPv6 with
 * a port, and what is no host at all (bytes that are not printable ASCII, '@', stray colons and
 * brackets, over 1,024 bytes); our own routing goes by the list as it was. Empty entries vanish;
 * '*' stays as it is written. Mending a mended list changes nothing. */
void hf_noproxy_put_mended(struct hf_out *out, struct hf_span list);

/* Is ENTRY in LIST as an entry of its own (after mending both; ASCII case does not count)? And, in
 * one way through the list, which of N entries are: bit i for ENTRIES[i]. */
#define HF_NOPROXY_HELD_MAX 8
bool hf_noproxy_has(struct hf_span list, struct hf_span entry);
unsigned hf_noproxy_held(struct hf_span list, const struct hf_span *entries, unsigned n);

/* The next entry of *REST, which moves past it; false at the end. Entries are never empty. */
bool hf_noproxy_next(struct hf_span *rest, struct hf_span *ret_entry);
