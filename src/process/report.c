/* SPDX-License-Identifier: MIT */
#include "report.h"

#include "log.h"

#include "core/state.h"

/* One bit a variable: settings that are malformed, whatever the reason. */
static uint64_t bad_settings(const struct hf_settings *settings, const struct hf_facts *facts,
                             const struct hf_view *view)
{
        uint64_t bad = settings->bad;

        if (facts->no_ca_bundle)
                bad |= UINT64_C(1) << HF_VAR_HFPROXY_CA_BUNDLE;
        if (view->url_unreadable || view->url_entry_bad)
                bad |= UINT64_C(1) << HF_VAR_HFPROXY_URL;
        return bad;
}

/* What VAR holds for those that it is not hidden from. */
static const char *shown(const struct hf_view *view, unsigned var)
{
        const char *hidden = var < HF_VAR_no_proxy ? view->hidden[var] : NULL;

        return hidden ? hidden : view->value[var];
}

/* Pairs that stay different because HFPROXY_PREFER=keep says so. */
static bool is_kept(const struct hf_view *view, enum hf_pair p)
{
        const char *lower = shown(view, 2 * p), *upper = shown(view, 2 * p + 1);

        return view->conflicts & 1u << p && lower && upper && strcmp(lower, upper) != 0;
}

/* The names of the bridged pairs, "a", "a and b", "a, b and c"; not of what we filled. */
static struct hf_span bridged_names(const struct hf_view *view, char *buf, size_t size)
{
        struct hf_out out = hf_out_write(buf, size);
        unsigned left = 0;

        for (enum hf_pair p = HF_PAIR_HTTP; p < HF_PAIR_NO; p++)
                if (view->bridged & 1u << p &&
                    (view->by_url & 1u << p || view->before[2 * p] || view->before[2 * p + 1]))
                        left |= 1u << p;
        for (enum hf_pair p = HF_PAIR_HTTP; p < HF_PAIR_NO; p++) {
                if (!(left & 1u << p))
                        continue;
                left &= ~(1u << p);
                if (out.len > 0)
                        hf_out_put(&out, left ? HF_SPAN(", ") : HF_SPAN(" and "));
                hf_out_put(&out, hf_span(hf_var_names[2 * p]));
        }
        return (struct hf_span){buf, out.len};
}

/* That something is hidden is said once, too. */
static void hash_bridge(struct hf_out *out, const struct hf_settings *settings,
                        const struct hf_view *view)
{
        if (!view->bridged)
                return;
        hf_out_char(out, settings->only.s ? 'o' : 's');
        hf_out_uint(out, view->bridged);
}

static uint64_t hash_complaints(const char *const values[HF_VARS], uint64_t bad,
                                const struct hf_settings *settings, const struct hf_view *view)
{
        struct hf_out out = hf_out_count();

        hash_bridge(&out, settings, view);

        bad |= view->unreadable | view->unmended;
        for (enum hf_pair p = HF_PAIR_HTTP; p < HF_PAIRS; p++)
                if (is_kept(view, p))
                        bad |= UINT64_C(3) << 2 * p;
        for (int v = 0; v < HF_VARS; v++) {
                if (!(bad & UINT64_C(1) << v))
                        continue;
                hf_out_put(&out, hf_span(hf_var_names[v]));
                hf_out_put(&out, hf_span(values[v] ? values[v] : ""));
                hf_out_char(&out, '\0');
        }
        return out.len > 0 ? out.hash : 0;
}

static void report_settings(const char *const values[HF_VARS], uint64_t bad, bool part_of_url)
{
        for (int v = 0; v < HF_VARS; v++) {
                if (!(bad & UINT64_C(1) << v))
                        continue;

                struct hf_span shown = hf_url_quotable(hf_span(values[v]));
                if (v == HF_VAR_HFPROXY_URL && part_of_url) /* may hold a password */
                        hf_log(HF_LOG_ERROR, "an entry of HFPROXY_URL is ignored: it is not %s",
                               hf_settings_expects((enum hf_var)v));
                else if (v == HF_VAR_HFPROXY_URL)
                        hf_log(HF_LOG_ERROR, "HFPROXY_URL ignored: it is not %s",
                               hf_settings_expects((enum hf_var)v));
                else
                        hf_log(HF_LOG_ERROR, "%s=%S ignored: it takes %s", hf_var_names[v], &shown,
                               hf_settings_expects((enum hf_var)v));
        }
}

static void report_values(const struct hf_view *view)
{
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
        }
        for (enum hf_pair p = HF_PAIR_HTTP; p < HF_PAIRS; p++)
                if (is_kept(view, p))
                        hf_log(HF_LOG_ERROR,
                               "%s and %s differ and stay so, as HFPROXY_PREFER=keep asks",
                               hf_var_names[2 * p], hf_var_names[2 * p + 1]);
}

static void report_bridge(const struct hf_settings *settings, const struct hf_view *view)
{
        char buf[64];
        struct hf_span names = bridged_names(view, buf, sizeof buf);

        if (names.n == 0)
                return;
        if (settings->only.s)
                hf_log(HF_LOG_WARN,
                       "%S: hidden from programs that this library is in, so that they go by "
                       "HFPROXY_ONLY; static and Go programs see the proxy and do not know the "
                       "list",
                       &names);
        else
                hf_log(HF_LOG_INFO,
                       "%S: hidden from programs that this library is in, as not all of them speak "
                       "SOCKS; their connections are tunnelled instead (HFPROXY_SOCKS=env leaves "
                       "it)",
                       &names);
}

/* URLs go to the log without user and password, lists as they are (one with an URL among its
 * entries without what stands before that). */
static struct hf_span public_text(enum hf_pair pair, const char *text, char *buf, size_t size)
{
        struct hf_out out = hf_out_write(buf, size);
        struct hf_url url;

        if (pair == HF_PAIR_NO)
                return hf_url_quotable(hf_span(text));
        if (hf_url_parse(hf_span(text), &url) < 0)
                return HF_SPAN("");
        hf_url_put_public(&out, &url);
        return (struct hf_span){buf, out.len < size ? out.len : size};
}

/* Two that differ and become one. Once for all processes: those that come after find them equal. */
static void report_conflict(const char *const values[HF_VARS], const struct hf_view *view,
                            enum hf_pair p)
{
        const char *lo = hf_var_names[2 * p], *up = hf_var_names[2 * p + 1];
        char buf[300];
        struct hf_span text = public_text(p, shown(view, 2 * p), buf, sizeof buf);

        if (!values[2 * p] || !values[2 * p + 1] || !strcmp(values[2 * p], values[2 * p + 1]))
                return;
        if (view->flags[2 * p] & HF_STATE_UPPER)
                hf_log(HF_LOG_ERROR,
                       "%s and %s differ and %s refuses connections: using %s (%S) for both", lo,
                       up, lo, up, &text);
        else
                hf_log(HF_LOG_ERROR, "%s and %s differ: using %S for both", lo, up, &text);
}

uint64_t hf_report(const char *const values[HF_VARS], const struct hf_settings *settings,
                   const struct hf_facts *facts, const struct hf_view *view)
{
        uint64_t bad = bad_settings(settings, facts, view);
        uint64_t said = hash_complaints(values, bad, settings, view);

        if (said != view->heard) {
                report_settings(values, bad, view->url_entry_bad);
                report_values(view);
                report_bridge(settings, view);
        }
        for (enum hf_pair p = HF_PAIR_HTTP; p < HF_PAIRS; p++)
                if (view->conflicts & 1u << p && shown(view, 2 * p) && !is_kept(view, p))
                        report_conflict(values, view, p);
        if (view->xethub_honoured && !values[HF_VAR_HF_HUB_DISABLE_XET])
                hf_log(HF_LOG_WARN,
                       "HF_HUB_DISABLE_XETHUB alone does nothing: HF_HUB_DISABLE_XET=1 is set too");
        for (int v = 0; v < HF_VARS_MANAGED; v++)
                if (view->value[v] && (!values[v] || strcmp(view->value[v], values[v]) != 0))
                        hf_log(HF_LOG_DEBUG, "%s is set", hf_var_names[v]);
        return said;
}
