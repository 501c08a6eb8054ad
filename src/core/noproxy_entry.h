/* SPDX-License-Identifier: MIT */
/* For noproxy*.c: one entry of a list, and one destination, read. */
#pragma once

#include "noproxy.h"

enum hf_noproxy_kind {
        HF_NOPROXY_NOTHING, /* in no dialect of ours */
        HF_NOPROXY_ANY,
        HF_NOPROXY_NAME,
        HF_NOPROXY_NET,
};

/* The spans point into the list. */
struct hf_noproxy_entry {
        enum hf_noproxy_kind kind;
        bool dotted;              /* NAME: a leading "." or "*." was written */
        struct hf_span name;      /* NAME: without leading and trailing dots */
        struct hf_addr addr;      /* NET */
        unsigned bits;            /* NET: 32 or 128 for an address */
        bool prefix;              /* NET: "/bits" was written */
        struct hf_span inside;    /* NET: what stood in brackets, or absent */
        bool v6_text;             /* NET: in IPv6 notation (v4-mapped ones have family 4) */
        struct hf_span port_text; /* ":port", or empty */
        uint16_t port;            /* 0: any */
        bool url;
};

struct hf_noproxy_entry hf_noproxy_read(struct hf_span text);

/* A destination in the two forms in which entries may know it. */
struct hf_noproxy_target {
        struct hf_span name;        /* without a dot at its end */
        const struct hf_addr *addr; /* may point to `parsed` */
        struct hf_addr parsed;
};

void hf_noproxy_read_target(const struct hf_dest *dest, struct hf_noproxy_target *ret);

/* Is NAME the domain ENTRY, or below it? */
bool hf_noproxy_name_covers(struct hf_span entry, struct hf_span name);

/* Whatever the ports. */
bool hf_noproxy_names(const struct hf_noproxy_entry *e, const struct hf_noproxy_target *target);
