/* SPDX-License-Identifier: MIT */
/* getenv() of our own variables. The rules take microseconds, and most programs ask them again and
 * again about the same texts: so their answers are kept, in two ways.
 *
 *      a memo      the answers for certain texts: whoever finds just these in `environ`, byte for
 *                  byte, has them
 *      a place     where in `environ` the text of a variable stands, and its answer: whoever
 *                  finds the array, the place and its twin's as they were, and knows of no change
 *                  by setenv() & co., has it in no more time than libc takes
 *
 * A memo holds whatever a program does to its environment. A place does not see what is written
 * into an element of the array, or over a text, that belongs to a third variable. */
#include "env.h"

#include "self.h"
#include "sys.h"

#include <stdatomic.h>

/* ---- memos ---- */

/* It never changes once it is made, so any number of threads and signal handlers can read it. */
struct memo {
        struct hf_facts facts;
        const char *ca_file;                 /* HFPROXY_CA_BUNDLE */
        const char *answer[HF_VARS_MANAGED]; /* in a text of `copy`, or for ever */
        uint8_t from[HF_VARS_MANAGED];       /* in which one; NOWHERE */
        struct hf_vars_copy copy;
};
#define NOWHERE UINT8_MAX
#define MEMOS 16 /* no more: a program that has seen that many environments computes */

/* Their texts; those of an environment with a long no_proxy are mapped, so many bytes in all. */
#define SHORT_TEXTS (16U * 1024)
#define LONG_TEXTS (32U << 20)

static struct memo memos[MEMOS];
static char short_texts[MEMOS][SHORT_TEXTS];
static size_t long_texts; /* mapped; whoever has `memo_in_hand` */
static _Atomic(unsigned) memos_made, memo_recalled;
static _Atomic(bool) memo_in_hand;

static bool recall(const struct memo *memo, enum hf_var var, char **ret_value)
{
        const char *value = memo->answer[var], *entry;
        unsigned from = memo->from[var];

        if (!hf_vars_unchanged(environ, &memo->copy, from, &entry))
                return false;
        /* The facts may have changed, too. (On the file nothing else depends.) */
        if (memo->facts.self && memo->facts.self != hf_self())
                return false;
        if (var >= HF_VAR_CA_FIRST && hf_env_cannot_read(memo->ca_file) != memo->facts.no_ca_bundle)
                return false;
        /* The program gets its own text, never our copy. */
        if (from != NOWHERE)
                value = entry + (value - memo->copy.entries[from]);
        *ret_value = (char *)(uintptr_t)value;
        return true;
}

static bool copy_environment(struct hf_vars_copy *copy, char texts[SHORT_TEXTS])
{
        size_t size = hf_vars_size(environ);

        copy->texts = texts;
        copy->size = SHORT_TEXTS;
        if (size <= SHORT_TEXTS)
                return hf_vars_copy(environ, copy);
        if (size > LONG_TEXTS - long_texts)
                return false;
        copy->texts = hf_sys_map(size);
        copy->size = size;
        if (!copy->texts)
                return false;
        if (!hf_vars_copy(environ, copy)) { /* it has changed meanwhile */
                hf_sys_unmap(copy->texts, size);
                return false;
        }
        long_texts += size;
        return true;
}

/* The rules are run on the copy, as the environment may change under them. */
static bool make(struct memo *memo, char texts[SHORT_TEXTS])
{
        struct hf_vars_copy *copy = &memo->copy;
        const char *values[HF_VARS];
        struct hf_view view;

        if (!copy_environment(copy, texts))
                return false;
        hf_env_view(copy->entries, values, &memo->facts, &view);
        memo->ca_file = values[HF_VAR_HFPROXY_CA_BUNDLE];
        for (int v = 0; v < HF_VARS_MANAGED; v++) {
                uintptr_t text = (uintptr_t)view.value[v];

                memo->answer[v] = view.value[v];
                memo->from[v] = NOWHERE;
                if (text - (uintptr_t)copy->texts < copy->size)
                        for (uint8_t i = 0; copy->entries[i]; i++)
                                if ((uintptr_t)copy->entries[i] <= text)
                                        memo->from[v] = i;
        }
        return true;
}

/* For the environment as it is now; false: no. Whoever finds another thread at it (or is a signal
 * handler above one) computes. */
static bool make_one_more(void)
{
        bool done = false;

        if (atomic_load_explicit(&memos_made, memory_order_relaxed) == MEMOS ||
            atomic_exchange_explicit(&memo_in_hand, true, memory_order_acquire))
                return false;

        unsigned n = atomic_load_explicit(&memos_made, memory_order_relaxed);
        if (n < MEMOS && make(&memos[n], short_texts[n])) {
                atomic_store_explicit(&memos_made, n + 1, memory_order_release);
                atomic_store_explicit(&memo_recalled, n, memory_order_relaxed);
                done = true;
        }
        atomic_store_explicit(&memo_in_hand, false, memory_order_release);
        return done;
}

static bool recall_any(enum hf_var var, char **ret_value)
{
        unsigned n = atomic_load_explicit(&memos_made, memory_order_acquire);
        unsigned last = atomic_load_explicit(&memo_recalled, memory_order_relaxed);

        if (last < n && recall(&memos[last], var, ret_value))
                return true;
        for (unsigned i = 0; i < n; i++)
                if (i != last && recall(&memos[i], var, ret_value)) {
                        atomic_store_explicit(&memo_recalled, i, memory_order_relaxed);
                        return true;
                }
        return false;
}

/* ---- places ---- */

struct place {
        char **environment;
        unsigned changes; /* how often setenv() & co. had changed one of ours */
        uint32_t at, twin_at;
        const char *entry, *twin_entry, *answer;
};
#define PLACES 8 /* for each variable, in turn: an array that grows moves */

static struct place places[2 * HF_PAIRS][PLACES];
static _Atomic(unsigned) places_made[2 * HF_PAIRS];
static _Atomic(const struct place *) newest[2 * HF_PAIRS];
static _Atomic(bool) texts_change; /* putenv() was given one of ours: the program may write there */

void hf_env_note_putenv(const char *entry)
{
        if (entry && hf_var_among(hf_var_candidates(entry), entry, '=') >= 0)
                atomic_store_explicit(&texts_change, true, memory_order_relaxed);
}

/* The newest one of VAR, if it still holds. */
static inline bool stands(enum hf_var var, char **ret_value)
{
        const struct place *place = atomic_load_explicit(&newest[var], memory_order_acquire);

        if (!place || place->environment != environ ||
            place->changes != atomic_load_explicit(&hf_env_changes, memory_order_relaxed) ||
            place->environment[place->at] != place->entry ||
            place->environment[place->twin_at] != place->twin_entry)
                return false;
        *ret_value = (char *)(uintptr_t)place->answer;
        return true;
}

/* The first entry of NAME. */
static bool find_entry(char **environment, enum hf_var var, uint32_t *ret_at)
{
        for (uint32_t i = 0; environment && environment[i]; i++)
                if (hf_var_among(hf_var_candidates(environment[i]), environment[i], '=') ==
                    (int)var)
                        return *ret_at = i, true;
        return false;
}

/* ANSWER is what the rules say of VAR since before CHANGES. Only where both spellings are set, as
 * the constructor leaves them: what is not there has no place. */
static void take_place(enum hf_var var, unsigned changes, const char *answer)
{
        unsigned n = atomic_load_explicit(&places_made[var], memory_order_relaxed);
        struct place place = {.environment = environ, .changes = changes, .answer = answer};

        if (n == PLACES || !hf_env_started() || !hf_self_is_known() ||
            atomic_load_explicit(&texts_change, memory_order_relaxed) ||
            !find_entry(place.environment, var, &place.at) ||
            !find_entry(place.environment, var ^ 1, &place.twin_at) ||
            atomic_exchange_explicit(&memo_in_hand, true, memory_order_acquire))
                return;
        place.entry = place.environment[place.at];
        place.twin_entry = place.environment[place.twin_at];
        n = atomic_load_explicit(&places_made[var], memory_order_relaxed);
        if (n < PLACES) {
                places[var][n] = place;
                atomic_store_explicit(&places_made[var], n + 1, memory_order_relaxed);
                atomic_store_explicit(&newest[var], &places[var][n], memory_order_release);
        }
        atomic_store_explicit(&memo_in_hand, false, memory_order_release);
}

/* ---- look-ups ---- */

static char *managed_get(enum hf_var var)
{
        unsigned changes = atomic_load_explicit(&hf_env_changes, memory_order_acquire);
        const char *values[HF_VARS];
        struct hf_facts facts;
        struct hf_view view;
        char *value;

        if (recall_any(var, &value) || (make_one_more() && recall_any(var, &value))) {
                if (var < 2 * HF_PAIRS && value)
                        take_place(var, changes, value);
                return value;
        }
        hf_env_view(environ, values, &facts, &view);
        return (char *)(uintptr_t)view.value[var];
}

char *hf_env_get_among(const char *name, uint64_t candidates)
{
        int var = hf_var_among(candidates, name, '\0');
        char *value;

        if (var >= 0 && var < 2 * HF_PAIRS && stands((enum hf_var)var, &value))
                return value;
        if (var < 0 || var >= HF_VARS_MANAGED || hf_env_secure())
                return hf_env_get_plain(name);
        return managed_get((enum hf_var)var);
}
