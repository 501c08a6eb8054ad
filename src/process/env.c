/* SPDX-License-Identifier: MIT */
#include "env.h"

#include "log.h"
#include "probe.h"
#include "real.h"
#include "self.h"
#include "sys.h"

#include "core/state.h"

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
static char *plain_get(const char *name)
{
        size_t n = strlen(name);

        if (!environ || n == 0)
                return NULL;
        for (char **e = environ; *e; e++)
                if ((*e)[0] == name[0] && !strncmp(*e, name, n) && (*e)[n] == '=')
                        return *e + n + 1;
        return NULL;
}

char *hf_env_get(const char *name)
{
        int var = hf_var_find(hf_span(name));

        if (var < 0 || var >= HF_VARS_MANAGED || hf_env_secure())
                return plain_get(name);

        const char *values[HF_VARS];
        struct hf_settings settings;
        struct hf_view view;

        hf_vars_collect(environ, values);
        struct hf_facts facts = facts_for(values);
        hf_settings_read(values, &settings);
        hf_view(values, &settings, &facts, &getenv_arena, &view);
        return (char *)(uintptr_t)view.value[var];
}

bool hf_env_matters(const char *name)
{
        const char *end = name;

        while (*end && *end != '=' && end - name <= HF_VAR_NAME_MAX)
                end++;
        return hf_var_find((struct hf_span){name, (size_t)(end - name)}) >= 0;
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

static void report_settings(const char *const values[HF_VARS], const struct hf_settings *settings,
                            const struct hf_view *view, const struct hf_facts *facts)
{
        uint64_t bad = settings->bad;

        if (facts->no_ca_bundle)
                bad |= UINT64_C(1) << HF_VAR_HFPROXY_CA_BUNDLE;
        if (view->url_unreadable)
                bad |= UINT64_C(1) << HF_VAR_HFPROXY_URL;
        for (int v = 0; v < HF_VARS; v++) {
                if (!(bad & UINT64_C(1) << v))
                        continue;
                if (v == HF_VAR_HFPROXY_URL) /* may hold a password */
                        hf_log(HF_LOG_ERROR, "HFPROXY_URL ignored: it is not %s",
                               hf_settings_expects((enum hf_var)v));
                else
                        hf_log(HF_LOG_ERROR, "%s=%s ignored: it takes %s", hf_var_names[v],
                               values[v], hf_settings_expects((enum hf_var)v));
        }
}

/* URLs go to the log without user and password, lists as they are. */
static struct hf_span public_text(enum hf_pair pair, const char *text, char *buf, size_t size)
{
        struct hf_out out = hf_out_write(buf, size);
        struct hf_url url;

        if (pair == HF_PAIR_NO)
                return hf_span(text);
        if (!text || hf_url_parse(hf_span(text), &url) < 0)
                return HF_SPAN("");
        hf_url_put_public(&out, &url);
        return (struct hf_span){buf, out.len < size ? out.len : size};
}

static void report_view(const char *const values[HF_VARS], const struct hf_view *view)
{
        char buf[300];

        for (enum hf_pair p = HF_PAIR_HTTP; p < HF_PAIRS; p++) {
                const char *lo = hf_var_names[2 * p], *up = hf_var_names[2 * p + 1];
                struct hf_span text = public_text(p, view->value[2 * p], buf, sizeof buf);
                bool upper = view->value[2 * p] != view->before[2 * p] &&
                             view->flags[2 * p] & HF_STATE_UPPER;

                /* Once for all processes: those that come after find nothing to change. */
                if (!(view->conflicts & 1u << p) || !view->value[2 * p] || !values[2 * p] ||
                    !values[2 * p + 1] || !strcmp(values[2 * p], values[2 * p + 1]))
                        continue;
                if (view->value[2 * p] != view->value[2 * p + 1])
                        hf_log(HF_LOG_ERROR,
                               "%s and %s differ and stay so, as HFPROXY_PREFER=keep asks", lo, up);
                else if (upper)
                        hf_log(HF_LOG_ERROR,
                               "%s and %s differ and %s refuses connections: using %s (%S) for "
                               "both",
                               lo, up, lo, up, &text);
                else
                        hf_log(HF_LOG_ERROR, "%s and %s differ: using %S for both", lo, up, &text);
        }
        for (int v = 0; v < HF_VARS_MANAGED; v++) {
                if (view->unreadable & UINT32_C(1) << v)
                        hf_log(HF_LOG_ERROR,
                               "%s counts as unset: it does not read as a proxy URL such as "
                               "http://proxy:3128",
                               hf_var_names[v]);
                if (view->unmended & UINT32_C(1) << v)
                        hf_log(HF_LOG_WARN,
                               "%s is too long to be mended (over 64 KiB) and stays as it is",
                               hf_var_names[v]);
                if (hf_log_on(HF_LOG_DEBUG) && view->value[v] && view->value[v] != values[v])
                        hf_log(HF_LOG_DEBUG, "%s is set", hf_var_names[v]);
        }
        if (view->xethub_honoured && !values[HF_VAR_HF_HUB_DISABLE_XET])
                hf_log(HF_LOG_WARN,
                       "HF_HUB_DISABLE_XETHUB alone does nothing: HF_HUB_DISABLE_XET=1 is set too");
}

/* Most programs of a system into which this library is preloaded: not one system call for them. */
static bool nothing_to_do(const char *const values[HF_VARS])
{
        for (int v = 0; v < HF_VARS; v++)
                if (values[v] && (v < HF_VAR_CA_FIRST || v >= HF_VAR_HFPROXY_FIRST))
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
        report_settings(values, &settings, &view, &facts);
        report_view(values, &view);

        for (int v = 0; v < HF_VARS_MANAGED; v++)
                apply(hf_var_names[v], values[v], view.value[v]);

        const char *state = hf_arena_intern(&arena, hf_view_put_state, &view);
        if (state)
                apply(hf_var_names[HF_VAR_HFPROXY_STATE], values[HF_VAR_HFPROXY_STATE],
                      *state ? state : NULL);
        hf_env_unmap_arena(&arena);
}
