/* SPDX-License-Identifier: MIT */
/* Composed text. A composer is a function that calls hf_out_put() any number of times; it does
 * not know whether its text is being counted, compared or written, so the same composer can be
 * run to find an equal text that exists already (no allocation) and, only when there is none, to
 * write it. See arena.h. */
#pragma once

#include "util.h"

struct hf_out {
        char *buf;       /* where to write, or NULL */
        const char *cmp; /* what to compare with, or NULL; must be `cap` bytes long */
        size_t cap;      /* bytes of buf or cmp; what does not fit is counted, not written */
        size_t len;      /* bytes put so far */
        uint64_t hash;   /* FNV-1a of them */
        bool differs;    /* something put was not equal to cmp */
};

/* A sink that counts and hashes only; one that writes into BUF as well (never a NUL); one that
 * compares with TEXT as well. */
struct hf_out hf_out_count(void);
struct hf_out hf_out_write(char *buf, size_t cap);
struct hf_out hf_out_compare(struct hf_span text);

void hf_out_put(struct hf_out *out, struct hf_span text);
void hf_out_char(struct hf_out *out, char c);
void hf_out_uint(struct hf_out *out, unsigned long value);
void hf_out_hex64(struct hf_out *out, uint64_t value); /* 16 lower-case digits */

/* After a hf_out_compare() run: was it the same text, to the last byte? */
bool hf_out_matched(const struct hf_out *out);

/* The hash that a run over TEXT alone has. */
uint64_t hf_hash(struct hf_span text);
