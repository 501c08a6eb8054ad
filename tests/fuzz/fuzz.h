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
