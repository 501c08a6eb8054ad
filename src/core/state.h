/* SPDX-License-Identifier: MIT */
/* HFPROXY_STATE: what this library did to the environment, carried from process to process, so
 * that a value we made is never taken for the user's word.
 *
 *      1;https_proxy/=0123456789abcdef;no_proxy/n=fedcba9876543210:a%3bb;#89abcdef01234567
 *
 * "1" (the version), then a record for each variable that reads otherwise than the user had it: its
 * name, '/', flags, '=' and the hash of what we wrote ('-' where we left it unset), and behind a
 * colon the user's own text if there was one ('%', ';', controls and bytes above 126 as %xx); last
 * a hash of all that. A text that is damaged in any way counts as none at all.
 *
 * Of a variable that is hidden the hash is that of the text which exec hands on (core/handon.h). */
#pragma once

#include "out.h"
#include "vars.h"

#define HF_STATE_MAX (64 * 1024)

enum {
        HF_STATE_NEWEST = 1, /* 'n': set after us: it wins over its twin and over HFPROXY_URL */
        HF_STATE_UPPER = 2,  /* 'u': of two that differ the upper-case one was chosen, by a probe */
        HF_STATE_SAME = 4,   /* 's': what we left is the user's own text (not for callers to set) */
        HF_STATE_HIDDEN = 8, /* 'h': we left it unset, and exec hands a text of this hash on */
};

struct hf_record {
        unsigned flags;
        bool was_set; /* we left the variable set, or hid it, with a text of this hash */
        uint64_t hash;
        struct hf_span
                before; /* the user's own text, still encoded; absent: it was not set, or SAME */
};

/* Did we make the value out of nothing? */
static inline bool hf_record_is_made(const struct hf_record *r)
{
        return r->was_set && !r->before.s && !(r->flags & (HF_STATE_SAME | HF_STATE_HIDDEN));
}

/* The records of TEXT behind its version and before its checksum; absent when it is damaged. */
struct hf_span hf_state_check(const char *text);

/* The record of VAR in what hf_state_check() returned; false: none. */
bool hf_state_find(struct hf_span records, enum hf_var var, struct hf_record *ret_record);

/* Did a process hide a variable? */
bool hf_state_hides(struct hf_span records);

/* BEFORE, decoded. */
void hf_state_put_decoded(struct hf_out *out, struct hf_span before);

/* One record, as it stands in the text (with BEFORE given plain), and the two ends. With
 * HF_STATE_HIDDEN, VALUE is what exec hands on. */
void hf_state_put_record(struct hf_out *out, enum hf_var var, unsigned flags, const char *value,
                         const char *before);
void hf_state_put_hash(struct hf_out *out, enum hf_var var, uint64_t hash); /* without a text */
void hf_state_put_head(struct hf_out *out);
void hf_state_put_tail(struct hf_out *out); /* after all else: it holds OUT's hash */
