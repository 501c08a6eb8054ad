/* SPDX-License-Identifier: MIT */
/* Placeholders: a name that would be tunnelled is not looked up; it gets an address of
 * 240.160.0.0/12 (100::/64 when only IPv6 will do), and connect() to that address sends the *name*
 * to the proxy. The address comes from a hash of the name, so every process picks the same one.
 *
 * The table is bounded (HF_NAMES_MAX names), append-only, and read and written without a lock in
 * any thread or signal handler; it is mapped when a proxy is first configured. */
#pragma once

#include "core/addr.h"

#define HF_NAMES_MAX 65536

/* The placeholder of NAME (1 to 255 bytes, no trailing dot; case-folded by us), as family 4
 * or 6. -ENOMEM when the table is full or cannot be mapped: then look up for real. */
int hf_names_put(struct hf_span name, int family, struct hf_addr *ret_addr);

/* Was any name ever given a placeholder here? (One load.) */
bool hf_names_any(void);

/* Is ADDR in one of our ranges? */
bool hf_names_is_placeholder(const struct hf_addr *addr);

/* The name that ADDR stands for; absent when this process never handed it out. The text is
 * NUL-terminated and lives for ever. */
struct hf_span hf_names_get(const struct hf_addr *addr);
