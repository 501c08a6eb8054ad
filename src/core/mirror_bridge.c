/* SPDX-License-Identifier: MIT */
/* Which variables clients do not see (design.md 2, "SOCKS and clients without SOCKS support"). */
#include "mirror_job.h"

#include "compose.h"

static bool read_url(const char *text, struct hf_url *ret_url)
{
        return text && hf_url_parse(hf_span(text), ret_url) == 0;
}

/* Would a client that sees pair P do otherwise than this library? */
static bool wants_bridge(const struct hf_mirror_job *job, enum hf_pair p)
{
        bool is_ftp = p == HF_PAIR_FTP;
        struct hf_url url;

        if (!read_url(is_ftp ? job->view->value[HF_VAR_ftp_proxy] : job->view->proxy[p], &url))
                return false;
        /* It does not know the list. But what speaks TLS to the proxy can only be the client. */
        if (job->settings->only.s)
                return url.scheme != HF_SCHEME_HTTPS;
        /* It may know no SOCKS. (ftp_proxy is never connect()'s: hidden, it would be lost.) */
        return hf_scheme_is_socks(url.scheme) && !is_ftp;
}

static unsigned to_bridge(const struct hf_mirror_job *job)
{
        const unsigned web = 1u << HF_PAIR_HTTP | 1u << HF_PAIR_HTTPS;
        unsigned pairs = 0;

        if (job->settings->tunnel == HF_TUNNEL_OFF ||
            (job->settings->socks_env && !job->settings->only.s))
                return 0;
        for (enum hf_pair p = HF_PAIR_HTTP; p < HF_PAIR_NO; p++)
                if (wants_bridge(job, p))
                        pairs |= 1u << p;
        /* Clients fall back to all_proxy where they see nothing else, and connect() would not. */
        if (pairs & web && job->view->proxy[HF_PAIR_ALL])
                pairs |= 1u << HF_PAIR_ALL;
        return pairs;
}

/* Go ignores all_proxy. */
static void fill_from_socks(struct hf_mirror_job *job)
{
        struct hf_view *view = job->view;
        const char *all = view->proxy[HF_PAIR_ALL];
        struct hf_url url;

        if (!(view->bridged & 1u << HF_PAIR_ALL) || !read_url(all, &url) ||
            (url.scheme != HF_SCHEME_SOCKS5 && url.scheme != HF_SCHEME_SOCKS5H))
                return;
        for (enum hf_pair p = HF_PAIR_HTTP; p <= HF_PAIR_HTTPS; p++) {
                if (!hf_mirror_may_fill(job, p))
                        continue;
                job->raw[2 * p] = job->raw[2 * p + 1] = all;
                job->filled |= 1u << p;
                view->bridged |= 1u << p;
        }
}

void hf_mirror_bridge(struct hf_mirror_job *job)
{
        struct hf_view *view = job->view;

        view->bridged = to_bridge(job);
        fill_from_socks(job);
        for (enum hf_var v = HF_VAR_http_proxy; v <= HF_VAR_HTTPS_PROXY; v++) {
                unsigned pair = 1u << v / 2;

                if (view->bridged & pair && job->raw[v])
                        view->value[v] = hf_mirror_composed(job,
                                                            (view->by_url | job->filled) & pair
                                                                    ? hf_compose_filled_url
                                                                    : hf_compose_handed_url,
                                                            job->raw[v], job->raw[v], v);
        }
}

void hf_mirror_hide(struct hf_view *view)
{
        for (int v = 0; v < HF_VAR_no_proxy; v++) {
                if (!(view->bridged & 1u << v / 2))
                        continue;
                view->hidden[v] = view->value[v];
                view->value[v] = NULL;
        }
}
