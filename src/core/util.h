/* SPDX-License-Identifier: MIT */
/* The few things every file of core needs. core is pure: no globals, no I/O, no allocation;
 * it includes nothing of process/ or hooks/ and calls no function that hooks/ interposes
 * (tests/static/check-layers proves both). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HF_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* A run of bytes that somebody else owns; not NUL-terminated. `s` NULL: absent, which is not
 * the same as empty (an unset variable is absent, `https_proxy=` is empty). */
struct hf_span {
        const char *s;
        size_t n;
};

static inline struct hf_span hf_span(const char *cstr)
{
        return (struct hf_span){cstr, cstr ? strlen(cstr) : 0};
}

#define HF_SPAN(literal) ((struct hf_span){"" literal, sizeof(literal) - 1})

static inline bool hf_span_eq(struct hf_span a, struct hf_span b)
{
        return a.n == b.n && (a.s != NULL) == (b.s != NULL) && (a.n == 0 || !memcmp(a.s, b.s, a.n));
}

/* ASCII only, whatever the host program's locale says (tolower() and friends follow it). */
static inline char hf_lower(char c)
{
        if (c >= 'A' && c <= 'Z')
                c = (char)(c - 'A' + 'a');
        return c;
}

static inline bool hf_is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static inline bool hf_is_blank(char c)
{
        return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The value of a hexadecimal digit, or -1. */
static inline int hf_hexval(char c)
{
        c = hf_lower(c);
        return hf_is_digit(c) ? c - '0' : (c >= 'a' && c <= 'f') ? c - 'a' + 10 : -1;
}

/* Equal but for ASCII case. */
static inline bool hf_span_caseeq(struct hf_span a, struct hf_span b)
{
        if (a.n != b.n)
                return false;
        for (size_t i = 0; i < a.n; i++)
                if (hf_lower(a.s[i]) != hf_lower(b.s[i]))
                        return false;
        return true;
}

/* Where the first C stands; text.n: nowhere. */
static inline size_t hf_span_find(struct hf_span text, char c)
{
        const char *at = text.n ? memchr(text.s, c, text.n) : NULL;

        return at ? (size_t)(at - text.s) : text.n;
}

/* The length of TEXT to the last C, and with it; 0: there is none. */
static inline size_t hf_span_behind_last(struct hf_span text, char c)
{
        size_t n = text.n;

        while (n > 0 && text.s[n - 1] != c)
                n--;
        return n;
}

static inline struct hf_span hf_span_from(struct hf_span text, size_t n)
{
        return (struct hf_span){text.s + n, text.n - n};
}

/* The first N bytes of *TEXT, which loses them. */
static inline struct hf_span hf_span_take(struct hf_span *text, size_t n)
{
        struct hf_span head = {text->s, n};

        *text = hf_span_from(*text, n);
        return head;
}

/* The decimal number that `text` holds, whole and without sign or blank; -EINVAL when it is not
 * one or is above `max`. */
long hf_parse_uint(struct hf_span text, long max);

/* `text` without blanks (space, \t \n \v \f \r) at either end. */
struct hf_span hf_span_trim(struct hf_span text);
