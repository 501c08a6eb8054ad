/* SPDX-License-Identifier: MIT */
/* The calls that hooks.c times. */
#pragma once

#include <stddef.h>

typedef void (*any_fn)(void);

struct call {
        const char *name;
        const char *symbol;
        unsigned count;                     /* calls in a block */
        void (*before)(unsigned n);         /* or NULL; n: how many calls will come */
        void (*run)(any_fn fn, unsigned n); /* FN: that symbol, from wherever */
        void (*after)(unsigned n);
};

extern const struct call calls[];
extern const size_t calls_length;

/* Makes the sockets that the calls work on. Once, before the first call. */
void calls_prepare(void);
