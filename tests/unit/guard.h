/* SPDX-License-Identifier: MIT */
/* Input that ends where the address space ends: a parser that looks one byte too far dies. */
#pragma once

#include "core/util.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct guard {
        char *map;
        size_t len;
};

/* A copy of TEXT whose last byte is the last one before a page that nobody may read. */
static inline struct hf_span guard_make(struct guard *g, struct hf_span text)
{
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        size_t len = (text.n + page) / page * page;
        char *at;

        g->len = len + page;
        g->map = mmap(NULL, g->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (g->map == MAP_FAILED || mprotect(g->map + len, page, PROT_NONE) < 0)
                abort();
        at = g->map + len - text.n;
        if (text.n > 0)
                memcpy(at, text.s, text.n);
        return (struct hf_span){at, text.n};
}

static inline void guard_free(struct guard *g)
{
        munmap(g->map, g->len);
}
