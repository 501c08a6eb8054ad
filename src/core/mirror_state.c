/* SPDX-License-Identifier: MIT */
/* What of a view goes into HFPROXY_STATE. */
#include "mirror.h"

#include "state.h"

static const char *hidden(const struct hf_view *view, int v)
{
        return v < HF_VAR_no_proxy ? view->hidden[v] : NULL;
}

static void put_record(struct hf_out *out, const struct hf_view *view, int v)
{
        const char *text = hidden(view, v);
        unsigned flags = view->flags[v] | (text ? HF_STATE_HIDDEN : 0u);

        hf_state_put_record(out, (enum hf_var)v, flags, text ? text : view->value[v],
                            view->before[v]);
}

static bool wants_record(const struct hf_view *view, int v)
{
        const char *value = view->value[v], *before = view->before[v];

        /* What HFPROXY_URL fills is recorded even where the user had the same: if it changes later,
         * that is a newer word. */
        return view->flags[v] || hidden(view, v) || view->by_url & 1u << v / 2 ||
               (value != NULL) != (before != NULL) ||
               (value && value != before && strcmp(value, before) != 0);
}

void hf_view_keep_within_limit(struct hf_view *view)
{
        size_t most = 64;

        for (int v = 0; v < HF_VARS_MANAGED; v++)
                most += 64 + (view->before[v] ? 3 * strlen(view->before[v]) : 0);
        if (most < HF_STATE_MAX)
                return;

        struct hf_out out = hf_out_count();
        hf_state_put_head(&out);
        for (int v = 0; v < HF_VARS_MANAGED; v++) {
                struct hf_out longer = out;

                if (!wants_record(view, v))
                        continue;
                put_record(&longer, view, v);
                if (longer.len < HF_STATE_MAX - 128) {
                        out = longer;
                        continue;
                }
                view->value[v] = view->before[v];
                if (v < HF_VAR_no_proxy)
                        view->hidden[v] = NULL;
                view->flags[v] = 0;
                view->unmended |= UINT32_C(1) << v;
        }
}

void hf_view_put_state(struct hf_out *out, const void *arg)
{
        const struct hf_view *view = arg;
        bool any = view->url || view->said;

        for (int v = 0; v < HF_VARS_MANAGED; v++)
                any = any || wants_record(view, v);
        if (!any)
                return;
        hf_state_put_head(out);
        for (int v = 0; v < HF_VARS_MANAGED; v++)
                if (wants_record(view, v))
                        put_record(out, view, v);
        if (view->url)
                hf_state_put_hash(out, HF_VAR_HFPROXY_URL, hf_hash(hf_span(view->url)));
        if (view->said)
                hf_state_put_hash(out, HF_VAR_HFPROXY_STATE, view->said);
        hf_state_put_tail(out);
}
