/* SPDX-License-Identifier: MIT */
/* Names that belong to the local network, as /etc/resolv.conf, /etc/hosts and a few reserved
 * top-level domains tell. Pure: the files' texts are given. */
#pragma once

#include "addr.h"
#include "out.h"

/* The suffixes of the `search` or `domain` line that counts (the last one), blank-separated;
 * absent if there is none. */
struct hf_span hf_resolv_search(struct hf_span resolv_conf);

/* `options ndots:N`, 1 where it is not set, 15 at most, as resolv.conf(5) has it. */
unsigned hf_resolv_ndots(struct hf_span resolv_conf);

/* The next suffix of a search list, without dots at its ends; *REST moves past it. */
bool hf_resolv_next(struct hf_span *rest, struct hf_span *ret_suffix);

/* Is NAME under a search suffix of two labels or more, or under a top-level domain that no public
 * name server has (.local, .internal, .svc, .cluster.local, .lan, .home.arpa, .localhost)? */
bool hf_local_name(struct hf_span search, struct hf_span name);

/* Those top-level domains as no_proxy has them, a comma and a dot before each. */
void hf_local_put_domains(struct hf_out *out);

/* The next address that /etc/hosts gives NAME; *REST moves past its line. */
bool hf_hosts_next(struct hf_span *rest, struct hf_span name, struct hf_addr *ret_addr);

/* Does /etc/hosts give ADDR a name? */
bool hf_hosts_has(struct hf_span hosts, const struct hf_addr *addr);
