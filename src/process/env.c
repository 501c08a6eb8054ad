/* SPDX-License-Identifier: MIT */
#include "env.h"

#include "log.h"
#include "probe.h"
#include "program.h"
#include "real.h"
#include "report.h"
#include "self.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/auxv.h>
#include <unistd.h>

/* Composed texts that getenv() hands out: for ever, so this one is never given back. */
static _Alignas(8) char getenv_texts[1024 * 1024];
static struct hf_arena getenv_arena = {getenv_texts, sizeof getenv_texts, 0};

/* HFPROXY_* as they were at start, copied: the program may reuse the memory of its environment
 * (setproctitle). NULL before the constructor ran. */
static _Atomic(char *) start_texts;
static const char *start_values[HF_VARS - HF_VAR_HFPROXY_FIRST];

bool hf_env_secure(void)
{
        static _Atomic(int) secure; /* 0 unknown, 1 no, 2 yes */
        int known = atomic_load_explicit(&secure, memory_order_relaxed);

        if (!known) {
                known = getauxval(AT_SECURE) ? 2 : 1;
                atomic_store_explicit(&secure, known, memory_order_relaxed);
        }
        return known == 2;
}

bool hf_env_map_arena(struct hf_arena *ret_arena)
{
        size_t size = 2 * HF_VARS_MANAGED * (size_t)HF_VALUE_MAX;
        char *base = hf_sys_map(size);

        if (!base)
                return false;
        *ret_arena = (struct hf_arena){.base = base, .size = size};
        return true;
}

void hf_env_unmap_arena(struct hf_arena *arena)
{
        hf_sys_unmap(arena->base, arena->size);
}

static void remember_start(const char *const values[HF_VARS])
{
        size_t size = 0;

        for (int v = HF_VAR_HFPROXY_FIRST; v < HF_VARS; v++)
                size += values[v] ? strlen(values[v]) + 1 : 0;

        static char none[1];
        char *p = size > 0 ? hf_sys_map(size) : none;
        char *texts = p;

        if (!p)
                return;
        for (int v = HF_VAR_HFPROXY_FIRST; v < HF_VARS; v++) {
                /* Not the state: the next process wants to know what *this* environment went
                 * through. */
                if (!values[v] || v == HF_VAR_HFPROXY_STATE)
                        continue;
                size_t n = strlen(values[v]) + 1;
                memcpy(p, values[v], n);
                start_values[v - HF_VAR_HFPROXY_FIRST] = p;
                p += n;
        }
        atomic_store_explicit(&start_texts, texts, memory_order_release);
}

bool hf_env_started(void)
{
        return atomic_load_explicit(&start_texts, memory_order_acquire) != NULL;
}

void hf_env_collect(const char *ret_values[HF_VARS])
{
        hf_vars_collect(environ, ret_values);
        if (!hf_env_started())
                return;
        for (int v = HF_VAR_HFPROXY_STATE + 1; v < HF_VARS; v++)
                ret_values[v] = start_values[v - HF_VAR_HFPROXY_FIRST];
}

bool hf_env_cannot_read(const char *file)
{
        return file && *file && hf_syscall3(SYS_faccessat, AT_FDCWD, file, R_OK) != 0;
}

static struct hf_facts facts_for(const char *const values[HF_VARS])
{
        return (struct hf_facts){
                .self = hf_view_wants_self(values) ? hf_self() : NULL,
                .no_ca_bundle = hf_env_cannot_read(values[HF_VAR_HFPROXY_CA_BUNDLE]),
        };
}

/* Asked only when there is something to hide, as it costs a system call. */
static bool shows_all(struct hf_facts *facts)
{
        facts->shows_all = hf_program_is_launcher() || hf_program_is_go();
        return facts->shows_all;
}

void hf_env_view(char *const *environment, const char *ret_values[HF_VARS],
                 struct hf_facts *ret_facts, struct hf_view *ret_view)
{
        struct hf_settings settings;

        hf_vars_collect(environment, ret_values);
        *ret_facts = facts_for(ret_values);
        hf_settings_read(ret_values, &settings);
        hf_view(ret_values, &settings, ret_facts, &getenv_arena, ret_view);
        if (ret_view->bridged && shows_all(ret_facts))
                hf_view(ret_values, &settings, ret_facts, &getenv_arena, ret_view);
}

/* --- changes while the program runs ---------------------------------------------------------- */

/* NAME up to `=` or its end, as a variable of ours; -1. */
static int find_var(const char *name)
{
        uint64_t candidates = hf_var_candidates(name);
        int var = hf_var_among(candidates, name, '=');

        return var >= 0 ? var : hf_var_among(candidates, name, '\0');
}

_Atomic(unsigned) hf_env_changes;

bool hf_env_note_change(const char *name)
{
        int var = name ? find_var(name) : -1;

        if (!name || var >= 0)
                atomic_fetch_add(&hf_env_changes, 1);
        if (var < 0 || var >= 2 * HF_PAIRS)
                return !name || var >= 0;
        hf_log_once(HF_ONCE_LATE, HF_LOG_WARN,
                    "%s was changed while the program runs: connections, C and Rust code and child "
                    "processes go by it in both spellings; a copy made at start, as Python's "
                    "os.environ, keeps the old value under %s",
                    hf_var_names[var], hf_var_names[var ^ 1]);
        return true;
}

/* --- the constructor's rewrite -------------------------------------------------------------- */

/* Removes VARS (bit v: variable v), in a copy of the array: unsetenv() in place edits the initial
 * stack, which a Go runtime in this process reads afterwards. */
static void remove_in_copy(uint64_t vars)
{
        size_t count = 0, kept = 0;

        while (environ[count])
                count++;

        char **copy = hf_sys_map((count + 1) * sizeof *copy);
        if (!copy)
                return;
        for (size_t i = 0; i < count; i++)
                if (hf_var_among(hf_var_candidates(environ[i]) & vars, environ[i], '=') < 0)
                        copy[kept++] = environ[i];
        environ = copy;
}

/* Sets VAR to VALUE; where that is NULL and it is set, a bit in *GONE. */
static void apply(enum hf_var var, const char *now, const char *value, uint64_t *gone)
{
        if (value && (!now || strcmp(now, value) != 0))
                hf_real_setenv(hf_var_names[var], value, 1);
        else if (!value && now)
                *gone |= UINT64_C(1) << var;
}

/* Most programs of a system into which this library is preloaded: not one system call for them. */
static bool nothing_to_do(const char *const values[HF_VARS])
{
        for (int v = 0; v < HF_VARS; v++)
                if ((v < HF_VAR_CA_FIRST || v >= HF_VAR_HFPROXY_FIRST) && values[v])
                        return false;
        return true;
}

void hf_env_rewrite(void)
{
        const char *values[HF_VARS];
        struct hf_settings settings;
        struct hf_view view;
        struct hf_arena arena;

        hf_vars_collect(environ, values);
        remember_start(values);
        hf_settings_read(values, &settings);
        hf_log_init(settings.log, (enum hf_level)settings.log_level);
        if (nothing_to_do(values) || !hf_env_map_arena(&arena))
                return;

        struct hf_facts facts = facts_for(values);
        hf_view(values, &settings, &facts, &arena, &view);
        if (view.undecided) {
                facts.upper_lives = hf_probe_conflicts(&view);
                hf_view(values, &settings, &facts, &arena, &view);
        }
        if (view.bridged && shows_all(&facts))
                hf_view(values, &settings, &facts, &arena, &view);
        view.said = hf_report(values, &settings, &facts, &view);

        uint64_t gone = 0;
        for (int v = 0; v < HF_VARS_MANAGED; v++)
                apply((enum hf_var)v, values[v], view.value[v], &gone);

        const char *state = hf_arena_intern(&arena, hf_view_put_state, &view);
        if (state)
                apply(HF_VAR_HFPROXY_STATE, values[HF_VAR_HFPROXY_STATE], *state ? state : NULL,
                      &gone);
        if (gone)
                remove_in_copy(gone);
        hf_env_unmap_arena(&arena);
}
