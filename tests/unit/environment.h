/* SPDX-License-Identifier: MIT */
/* An environment as a test writes it, and the rules applied to it again and again, as processes
 * do that start one another. */
#pragma once

#include "table.h"

#include "core/handon.h"
#include "core/mirror.h"

struct environment {
        char *values[HF_VARS]; /* owned; NULL: unset */
        char *old[HF_VARS];    /* those before the last run */
        struct hf_facts facts;
        struct hf_view view; /* of the last run; its texts live in `arena` and in `old` */
        struct hf_arena arena;
};

static inline void environment_init(struct environment *e, size_t arena_size)
{
        memset(e, 0, sizeof *e);
        e->arena.base = test_calloc(1, arena_size);
        e->arena.size = arena_size;
}

static inline void environment_free(struct environment *e)
{
        for (int v = 0; v < HF_VARS; v++) {
                free(e->values[v]);
                free(e->old[v]);
        }
        test_free(e->arena.base);
}

static inline void environment_set(struct environment *e, int var, const char *value)
{
        char *copy = value ? strdup(value) : NULL;

        free(e->values[var]);
        e->values[var] = copy;
}

/* "NAME=value" sets, "NAME" takes away; anything that is no variable of ours fails the test. */
static inline void environment_put(struct environment *e, const char *entry)
{
        size_t n = strcspn(entry, "=");
        int var = hf_var_find((struct hf_span){entry, n});

        if (var < 0)
                fail_msg("%s is no variable of ours", entry);
        environment_set(e, var, entry[n] ? entry + n + 1 : NULL);
}

/* One process starts: the rules, and what they say is written back. */
static inline void environment_run(struct environment *e)
{
        const char *values[HF_VARS];
        struct hf_settings settings;
        const char *state;

        for (int v = 0; v < HF_VARS; v++)
                values[v] = e->values[v];
        hf_settings_read(values, &settings);
        hf_view(values, &settings, &e->facts, &e->arena, &e->view);
        state = hf_arena_intern(&e->arena, hf_view_put_state, &e->view);
        assert_non_null(state);

        /* The view points into the old values: those live until the next run. */
        for (int v = 0; v < HF_VARS; v++) {
                const char *text = v < HF_VARS_MANAGED         ? e->view.value[v]
                                   : v != HF_VAR_HFPROXY_STATE ? e->values[v]
                                   : *state                    ? state
                                                               : NULL;
                char *fresh = text ? strdup(text) : NULL;

                free(e->old[v]);
                e->old[v] = e->values[v];
                e->values[v] = fresh;
        }
}

/* exec, from a process that hides variables. */
static inline void environment_hand_on(struct environment *e)
{
        const char *values[HF_VARS], *added[HF_VARS_MANAGED];

        for (int v = 0; v < HF_VARS; v++)
                values[v] = e->values[v];

        bool any = hf_handon(values, &e->arena, added);
        for (int v = 0; v < HF_VARS_MANAGED; v++) {
                if (!added[v])
                        continue;
                assert_true(any);
                assert_null(e->values[v]);
                environment_set(e, v, added[v]);
        }
}

/* Another one that holds the same. */
static inline void environment_copy(const struct environment *from, struct environment *to)
{
        for (int v = 0; v < HF_VARS; v++)
                environment_set(to, v, from->values[v]);
        to->facts = from->facts;
}

static inline void environment_expect_same(const struct environment *got,
                                           const struct environment *want, const char *when)
{
        for (int v = 0; v < HF_VARS; v++) {
                const char *g = got->values[v], *w = want->values[v];

                if ((g != NULL) != (w != NULL) || (g && strcmp(g, w) != 0))
                        fail_msg("%s: %s is %s, not %s", when, hf_var_names[v], g ? g : "(unset)",
                                 w ? w : "(unset)");
        }
}

/* ENTRY is "NAME=value", or "NAME" for unset. */
static inline void environment_expect(const struct environment *e, const char *entry)
{
        size_t n = strcspn(entry, "=");
        int var = hf_var_find((struct hf_span){entry, n});
        const char *got = var < 0 ? "no variable of ours" : e->values[var];
        const char *want = entry[n] ? entry + n + 1 : NULL;

        if ((got != NULL) != (want != NULL) || (got && strcmp(got, want) != 0))
                fail_msg("%.*s is %s, not %s", (int)n, entry, got ? got : "(unset)",
                         want ? want : "(unset)");
}
