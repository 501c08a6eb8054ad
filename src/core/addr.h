/* SPDX-License-Identifier: MIT */
/* IP addresses as values. A v4-mapped IPv6 address (::ffff:a.b.c.d, what Java connects to) is
 * judged and sent as IPv4; it becomes a family-4 value as soon as it enters. */
#pragma once

#include "out.h"

#include <sys/socket.h>

struct hf_addr {
        uint8_t family;    /* 4, 6, or 0: no address */
        uint8_t bytes[16]; /* network order; the first 4 for IPv4, the rest zero */
};

enum hf_addr_class {
        HF_ADDR_PUBLIC,
        HF_ADDR_LOOPBACK,    /* 127.0.0.0/8, ::1 */
        HF_ADDR_UNSPECIFIED, /* 0.0.0.0/8, :: (the kernel takes both for this host) */
        HF_ADDR_LINKLOCAL,   /* 169.254.0.0/16, fe80::/10 */
        HF_ADDR_MULTICAST,   /* 224.0.0.0/4, 255.255.255.255, ff00::/8 */
        HF_ADDR_PRIVATE,     /* RFC 1918, 100.64.0.0/10 (RFC 6598), fc00::/7 (RFC 4193) */
};

/* A literal as RFC 4291 2.2 and inet_pton(3) have it: dotted quad or IPv6, no brackets, no
 * scope, no octal or short forms. False (and *ret_addr untouched) when it is not one. */
bool hf_addr_parse(struct hf_span text, struct hf_addr *ret_addr);

/* From and to a socket address. `from` gives -EINVAL for a length too short for its family and
 * -EAFNOSUPPORT for families that are not IP. `to` writes AF_INET for family 4 or, when V6 is
 * set, its v4-mapped AF_INET6 form, and returns the length. */
int hf_addr_from_sockaddr(const void *sa, size_t len, struct hf_addr *ret_addr, uint16_t *ret_port);
socklen_t hf_addr_to_sockaddr(const struct hf_addr *addr, uint16_t port, bool v6,
                              struct sockaddr_storage *ret_sa);

void hf_addr_put(struct hf_out *out, const struct hf_addr *addr); /* RFC 5952 text, no brackets */
#define HF_ADDR_TEXT_MAX 46                                       /* longest text and a NUL */

bool hf_addr_eq(const struct hf_addr *a, const struct hf_addr *b);
bool hf_addr_in_prefix(const struct hf_addr *addr, const struct hf_addr *net, unsigned bits);
enum hf_addr_class hf_addr_classify(const struct hf_addr *addr);

/* Does the whole prefix lie inside one of the private ranges? */
bool hf_addr_prefix_is_private(const struct hf_addr *net, unsigned bits);
