/* SPDX-License-Identifier: MIT */
/* What of a view goes into HFPROXY_STATE. */
#include "mirror.h"

#include "state.h"

static bool wants_record(const struct hf_view *view, int v)
{
        const char *value = view->value[v], *before = view->before[v];

        return view->flags[v] || (value != NULL) != (before != NULL) ||
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
                hf_state_put_record(&longer, (enum hf_var)v, view->flags[v], view->value[v],
                                    view->before[v]);
                if (longer.len < HF_STATE_MAX - 32) {
                        out = longer;
                        continue;
                }
                view->value[v] = view->before[v];
                view->flags[v] = 0;
                view->unmended |= UINT32_C(1) << v;
        }
}

void hf_view_put_state(struct hf_out *out, const void *arg)
{
        const struct hf_view *view = arg;
        bool any = false;

        for (int v = 0; v < HF_VARS_MANAGED; v++) {
                if (!wants_record(view, v))
                        continue;
                if (!any)
                        hf_state_put_head(out);
                any = true;
                hf_state_put_record(out, (enum hf_var)v, view->flags[v], view->value[v],
                                    view->before[v]);
        }
        if (any)
                hf_state_put_tail(out);
}
