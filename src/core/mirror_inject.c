/* SPDX-License-Identifier: MIT */
/* The variables that are set beside the proxies' own. */
#include "mirror_job.h"

#include "url.h"

/* VAR gets TEXT, unless the user set it, or took it away after us. */
static void inject(struct hf_mirror_job *job, enum hf_var var, const char *text)
{
        struct hf_view *view = job->view;

        view->value[var] = view->before[var];
        if (!view->before[var] && job->age[var] == HF_AGE_OLD)
                view->value[var] = text;
}

static void do_grpc(struct hf_mirror_job *job)
{
        const struct hf_view *view = job->view;
        struct hf_compose_list list = hf_mirror_list(job, view->value[HF_VAR_no_proxy]);
        struct hf_url url;
        bool made = false; /* (not SOCKS, which gRPC does not speak) */

        for (enum hf_var v = HF_VAR_http_proxy; v <= HF_VAR_https_proxy; v += 2)
                made = made || (hf_mirror_nonempty(view->value[v]) &&
                                !hf_mirror_nonempty(view->before[v]) &&
                                !(hf_url_parse(hf_span(view->value[v]), &url) == 0 &&
                                  hf_scheme_is_socks(url.scheme)));
        inject(job, HF_VAR_no_grpc_proxy,
               made ? hf_mirror_composed(job, hf_compose_grpc_list, &list, NULL,
                                         HF_VAR_no_grpc_proxy)
                    : NULL);
}

static void do_xet(struct hf_mirror_job *job)
{
        bool asked = hf_settings_true(job->view->before[HF_VAR_HF_HUB_DISABLE_XETHUB]);
        bool disable = job->settings->disable_xet;

        inject(job, HF_VAR_HF_HUB_DISABLE_XETHUB, disable ? "1" : NULL);
        inject(job, HF_VAR_HF_HUB_DISABLE_XET, disable || asked ? "1" : NULL);
        job->view->xethub_honoured = asked && !job->view->before[HF_VAR_HF_HUB_DISABLE_XET];
}

static void do_ca(struct hf_mirror_job *job)
{
        const char *file = job->values[HF_VAR_HFPROXY_CA_BUNDLE];

        for (int v = HF_VAR_CA_FIRST; v < HF_VARS_MANAGED; v++)
                inject(job, (enum hf_var)v,
                       hf_mirror_nonempty(file) && !job->facts->no_ca_bundle ? file : NULL);
}

void hf_mirror_inject(struct hf_mirror_job *job)
{
        do_grpc(job);
        do_xet(job);
        do_ca(job);
}
