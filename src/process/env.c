/* SPDX-License-Identifier: MIT */
#include "env.h"

#include "log.h"
#include "probe.h"
#include "real.h"
#include "report.h"
#include "self.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/auxv.h>
#include <unistd.h>

extern char **environ;

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

static struct hf_facts facts_for(const char *const values[HF_VARS])
{
        const char *file = values[HF_VAR_HFPROXY_CA_BUNDLE];
        struct hf_facts facts = {.self = hf_view_wants_self(values) ? hf_self() : NULL};

        facts.no_ca_bundle = file && *file && hf_syscall3(SYS_faccessat, AT_FDCWD, file, R_OK) != 0;
        return facts;
}

/* The first entry of `environ`, as libc's getenv() does it; most look-ups of most programs end
 * here. */
static inline char *plain_get(const char *name, size_t n)
{
        if (!environ || n == 0)
                return NULL;
        for (char **e = environ; *e; e++) {
                const char *entry = *e;

                /* Two bytes tell nearly all of them apart, for less than a call. */
                if (entry[0] == name[0] && entry[1] == (n > 1 ? name[1] : '=') &&
                    !strncmp(entry, name, n) && entry[n] == '=')
                        return *e + n + 1;
        }
        return NULL;
}

__attribute__((noinline)) static char *managed_get(enum hf_var var)
{
        const char *values[HF_VARS];
        struct hf_settings settings;
        struct hf_view view;

        hf_vars_collect(environ, values);
        struct hf_facts facts = facts_for(values);
        hf_settings_read(values, &settings);
        hf_view(values, &settings, &facts, &getenv_arena, &view);
        return (char *)(uintptr_t)view.value[var];
}

char *hf_env_get(const char *name)
{
        struct hf_span whole = hf_span(name);
        int var = hf_var_find(whole);

        if (var < 0 || var >= HF_VARS_MANAGED || hf_env_secure())
                return plain_get(name, whole.n);
        return managed_get((enum hf_var)var);
}

/* NAME up to `=` or its end, as a variable of ours; -1. */
static int find_var(const char *name)
{
        const char *end = name;

        while (*end && *end != '=' && end - name <= HF_VAR_NAME_MAX)
                end++;
        return hf_var_find((struct hf_span){name, (size_t)(end - name)});
}

bool hf_env_note_change(const char *name)
{
        int var = name ? find_var(name) : -1;

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

/* In a copy of the array: unsetenv() in place edits the initial stack, which a Go runtime in
 * this process reads afterwards. */
static void remove_in_copy(const char *name)
{
        size_t n = strlen(name), count = 0, kept = 0;

        while (environ[count])
                count++;

        char **copy = hf_sys_map((count + 1) * sizeof *copy);
        if (!copy)
                return;
        for (size_t i = 0; i < count; i++)
                if (strncmp(environ[i], name, n) != 0 || environ[i][n] != '=')
                        copy[kept++] = environ[i];
        environ = copy;
}

static void apply(const char *name, const char *now, const char *value)
{
        if (value && (!now || strcmp(now, value) != 0))
                hf_real_setenv(name, value, 1);
        else if (!value && now)
                remove_in_copy(name);
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
        view.said = hf_report(values, &settings, &facts, &view);

        for (int v = 0; v < HF_VARS_MANAGED; v++)
                apply(hf_var_names[v], values[v], view.value[v]);

        const char *state = hf_arena_intern(&arena, hf_view_put_state, &view);
        if (state)
                apply(hf_var_names[HF_VAR_HFPROXY_STATE], values[HF_VAR_HFPROXY_STATE],
                      *state ? state : NULL);
        hf_env_unmap_arena(&arena);
}
