/* SPDX-License-Identifier: MIT */
#include "children.h"

#include "env.h"
#include "sys.h"

#include "core/handon.h"
#include "core/stale.h"
#include "core/state.h"

#include <stdatomic.h>

#define PAGE 4096U              /* at the least */
#define TEXT_MAX (128U * 1024)  /* of an entry: the kernel takes no longer one */
#define STACK_MOST (32U * 1024) /* more is mapped: a stack may be 128 KiB (musl's threads) */

static _Atomic(bool) carried; /* this process has a HFPROXY_STATE */

void hf_children_start(void)
{
        const char *values[HF_VARS];

        hf_vars_collect(environ, values);
        atomic_store_explicit(&carried, values[HF_VAR_HFPROXY_STATE] != NULL, memory_order_relaxed);
}

/* ---- reading what somebody else wrote ---- */

/* The page that was found readable last: an environment lies in few of them. */
struct reader {
        uintptr_t page;
};

static bool readable(struct reader *reader, uintptr_t at)
{
        uintptr_t page = at & ~(uintptr_t)(PAGE - 1);

        if (!page)
                return false; /* and a reader that has read nothing yet */
        if (reader->page == page)
                return true;
        if (!hf_sys_word_readable(page))
                return false;
        reader->page = page;
        return true;
}

/* Up to its end, or the first MOST bytes of it. *RET_ENDS: which of the two. */
static bool readable_text(struct reader *reader, const char *text, size_t most, bool *ret_ends)
{
        while (most > 0) {
                size_t n = PAGE - ((uintptr_t)text & (PAGE - 1));

                if (!readable(reader, (uintptr_t)text))
                        return false;
                n = n < most ? n : most;
                if (memchr(text, '\0', n)) {
                        *ret_ends = true;
                        return true;
                }
                text += n;
                most -= n;
        }
        *ret_ends = false;
        return true;
}

static int var_of(const char *entry)
{
        return hf_var_among(hf_var_candidates(entry), entry, '=');
}

/* What an environment holds, and what becomes of it. */
struct plan {
        size_t entries;
        const char *values[HF_VARS];
        uint32_t stale;
        size_t room; /* for what hf_handon() composes; 0: it has nothing to do */
};

/* False: it has no HFPROXY_STATE, or cannot be read. */
static bool read_all(char *const *envp, struct plan *plan)
{
        struct reader array = {0}, texts = {0};
        bool ends;

        memset(plan, 0, sizeof *plan);
        if (!envp || (uintptr_t)envp % sizeof *envp)
                return false;
        for (;; plan->entries++) {
                const char *entry;
                int v;

                if (!readable(&array, (uintptr_t)&envp[plan->entries]))
                        return false;
                entry = envp[plan->entries];
                if (!entry)
                        return plan->values[HF_VAR_HFPROXY_STATE] != NULL;
                if (!readable_text(&texts, entry, HF_VAR_NAME_MAX + 2, &ends))
                        return false;
                v = var_of(entry);
                if (v < 0 || plan->values[v])
                        continue;
                if (!readable_text(&texts, entry, TEXT_MAX, &ends) || !ends)
                        return false;
                plan->values[v] = entry + strlen(hf_var_names[v]) + 1;
        }
}

/* ---- what becomes of it ---- */

/* Which of the variables that are not there were hidden, hf_handon() says; this, what it may need
 * for it: the users' texts and HFPROXY_URL, each in a few spellings, mended. */
static size_t room_for(const struct plan *plan)
{
        struct hf_span records = hf_state_check(plan->values[HF_VAR_HFPROXY_STATE]);
        size_t texts = hf_span(plan->values[HF_VAR_HFPROXY_URL]).n;
        bool any = false;
        struct hf_record r;

        for (int v = 0; v < HF_VAR_no_proxy; v++) {
                if (!hf_state_find(records, (enum hf_var)v, &r))
                        continue;
                any = any || (!plan->values[v] && !plan->values[v ^ 1]);
                texts += r.before.n;
        }
        return any ? 10 * texts + 512 : 0;
}

static bool make_plan(char *const *envp, struct plan *plan)
{
        if (!read_all(envp, plan))
                return false;
        plan->stale = hf_stale(plan->values);
        plan->room = room_for(plan);
        return plan->stale || plan->room;
}

bool hf_children_ask(char *const *envp)
{
        struct plan plan;

        if (hf_env_started() && !atomic_load_explicit(&carried, memory_order_relaxed))
                return false;
        return !hf_env_secure() && make_plan(envp, &plan);
}

/* The room that NAME=TEXT, …, takes. */
static size_t size_of(const char *const texts[HF_VARS_MANAGED], size_t *ret_count)
{
        size_t size = 0, count = 0;

        for (int v = 0; v < HF_VARS_MANAGED; v++)
                if (texts[v]) {
                        size += strlen(hf_var_names[v]) + strlen(texts[v]) + 2;
                        count++;
                }
        *ret_count = count;
        return size;
}

/* Into AT: COUNT entries of ENVP at most, without those that are stale, and the texts behind them,
 * which are written to OUT (zeroed, so that each of them ends). */
static void fill(char **at, char *const *envp, const struct plan *plan,
                 const char *const texts[HF_VARS_MANAGED], struct hf_out out)
{
        for (size_t i = 0; i < plan->entries && envp[i]; i++) {
                int v = plan->stale ? var_of(envp[i]) : -1;

                if (v < 0 || v >= HF_VARS_MANAGED || !(plan->stale & UINT32_C(1) << v))
                        *at++ = envp[i];
        }
        for (int v = 0; v < HF_VARS_MANAGED; v++) {
                if (!texts[v])
                        continue;
                *at++ = out.buf + out.len;
                hf_out_put(&out, hf_span(hf_var_names[v]));
                hf_out_char(&out, '=');
                hf_out_put(&out, hf_span(texts[v]));
                out.len++; /* its NUL */
        }
        *at = NULL;
}

static int run_with(char *const *envp, const struct plan *plan, struct hf_arena *arena,
                    hf_children_exec *exec, const void *call)
{
        const char *texts[HF_VARS_MANAGED] = {NULL};
        size_t count, size, array;
        char *block;
        int r;

        if (plan->room && !hf_handon(plan->values, arena, texts) && !plan->stale)
                return exec(call, envp);
        size = size_of(texts, &count);
        array = (plan->entries + count + 1) * sizeof *envp;
        block = array + size > STACK_MOST ? hf_sys_map(array + size)
                                          : __builtin_alloca(array + size);
        if (!block)
                return exec(call, envp);
        memset(block + array, 0, size);
        fill((char **)(void *)block, envp, plan, texts,
             hf_out_write(block + array, size ? size - 1 : 0));
        r = exec(call, (char *const *)(void *)block);
        if (array + size > STACK_MOST)
                hf_sys_unmap(block, array + size);
        return r;
}

int hf_children_run(char *const *envp, hf_children_exec *exec, const void *call)
{
        struct hf_arena arena = {0};
        struct plan plan;
        int r;

        if (!make_plan(envp, &plan))
                return exec(call, envp);
        for (int v = 0; v < HF_VARS_MANAGED; v++)
                if (plan.stale & UINT32_C(1) << v)
                        plan.values[v] = NULL;
        arena.size = plan.room;
        if (plan.room)
                arena.base = plan.room > STACK_MOST
                                     ? hf_sys_map(plan.room)
                                     : memset(__builtin_alloca(plan.room), 0, plan.room);
        if (!arena.base)
                plan.room = 0; /* nothing is handed on, then */
        r = run_with(envp, &plan, &arena, exec, call);
        if (plan.room > STACK_MOST)
                hf_sys_unmap(arena.base, plan.room);
        return r;
}
