/* SPDX-License-Identifier: MIT */
/* Tables of cases in which every row is a cmocka test of its own, with a name of its own.
 *
 *      static const struct row { const char *name; … } rows[] = { … };
 *      static void check_row(void **state) { const struct row *row = *state; … }
 *
 *      struct table t = {0};
 *      TABLE_ADD(&t, check_row, rows);
 *      table_add(&t, "a_case_alone", some_test, NULL);
 *      return table_run("name", &t);
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/out.h"
#include "guard.h"

struct table {
        struct CMUnitTest cases[4096];
        size_t n;
};

static inline void table_add(struct table *t, const char *name, CMUnitTestFunction test,
                             const void *row)
{
        if (t->n == HF_LEN(t->cases))
                abort();
        t->cases[t->n++] = (struct CMUnitTest){
                .name = name,
                .test_func = test,
                .initial_state = (void *)(uintptr_t)row, /* tests only read it */
        };
}

#define TABLE_ADD(t, test, rows)                                                                   \
        do {                                                                                       \
                for (size_t row_ = 0; row_ < HF_LEN(rows); row_++)                                 \
                        table_add(t, (rows)[row_].name, test, &(rows)[row_]);                      \
        } while (0)

static inline int table_run(const char *name, struct table *t)
{
        return _cmocka_run_group_tests(name, t->cases, t->n, NULL, NULL);
}

/* The same, with SETUP before each case. */
static inline int table_run_with(const char *name, struct table *t, CMFixtureFunction setup)
{
        for (size_t i = 0; i < t->n; i++)
                t->cases[i].setup_func = setup;
        return table_run(name, t);
}

/* A span in a static table, where HF_SPAN (a compound literal) is no constant. */
#define BYTES(literal)                                                                             \
        {                                                                                          \
                "" literal, sizeof(literal) - 1                                                    \
        }

/* Compares composed text with what it should be, and shows both. */
static inline void expect_text(const char *buf, const struct hf_out *out, const char *expected)
{
        if (out->len != strlen(expected) || memcmp(buf, expected, out->len))
                fail_msg("got \"%.*s\", not \"%s\"", (int)out->len, buf, expected);
}

/* xorshift64*: the same numbers on every machine, so that a failure can be seen again. */
static inline uint32_t random_next(uint64_t *seed)
{
        *seed ^= *seed >> 12;
        *seed ^= *seed << 25;
        *seed ^= *seed >> 27;
        return (uint32_t)((*seed * 0x2545f4914f6cdd1dU) >> 32);
}

static inline uint32_t random_below(uint64_t *seed, size_t limit)
{
        return (uint32_t)(random_next(seed) % limit);
}

/* Text glued together from PIECES, into BUF. */
static inline struct hf_span random_text(uint64_t *seed, const char *const *pieces, size_t n_pieces,
                                         size_t max_pieces, char *buf, size_t size)
{
        struct hf_out out = hf_out_write(buf, size);

        for (size_t n = random_below(seed, max_pieces + 1); n > 0; n--) {
                struct hf_span piece = hf_span(pieces[random_below(seed, n_pieces)]);

                if (out.len + piece.n <= size)
                        hf_out_put(&out, piece);
        }
        return (struct hf_span){buf, out.len};
}
