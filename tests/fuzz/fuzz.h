/* SPDX-License-Identifier: MIT */
/* A target checks properties, not only that nothing crashes: FUZZ_CHECK() stops it. */
#pragma once

#include "core/out.h"

#include <stdio.h>
#include <stdlib.h>

#define FUZZ_CHECK(condition)                                                                      \
        do {                                                                                       \
                if (!(condition)) {                                                                \
                        fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
                        abort();                                                                   \
                }                                                                                  \
        } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline struct hf_span fuzz_span(const uint8_t *data, size_t size)
{
        return (struct hf_span){(const char *)data, size};
}

/* N bytes that the caller frees; so that a sanitizer sees every byte read beyond them. */
static inline char *fuzz_alloc(size_t n)
{
        char *at = malloc(n ? n : 1);

        FUZZ_CHECK(at);
        return at;
}

/* The same, holding what is at DATA. */
static inline char *fuzz_copy(const uint8_t *data, size_t n)
{
        char *at = fuzz_alloc(n);

        if (n > 0)
                memcpy(at, data, n);
        return at;
}

/* How many of the LEFT bytes come next: 1 to 7, as *SALT has it, which moves on; 0: all of them. */
static inline size_t fuzz_piece(size_t left, unsigned *salt)
{
        size_t n;

        if (*salt == 0)
                return left;
        *salt = *salt * 1103515245 + 12345;
        n = 1 + (*salt >> 16) % 7;
        return n < left ? n : left;
}
