/* SPDX-License-Identifier: MIT */
/* Entries as <netdb.h> has them, made without libc: one name, one address, no aliases. */
#pragma once

#include "core/addr.h"

struct hostent;

/* Enough of a buffer for any name. */
#define HF_HOSTENT_SIZE 512

/* Fills *ENTRY; what it points to lies in the SIZE bytes at BUF. BYTES: an address of FAMILY
 * (AF_INET, AF_INET6). -ERANGE: they are too few. */
int hf_hostent_make(struct hf_span name, int family, const void *bytes, struct hostent *entry,
                    char *buf, size_t size);
