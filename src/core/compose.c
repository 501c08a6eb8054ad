/* SPDX-License-Identifier: MIT */
#include "compose.h"

#include "local.h"
#include "noproxy.h"
#include "state.h"
#include "url.h"

void hf_compose_mended_url(struct hf_out *out, const void *text)
{
        struct hf_url url;

        if (hf_url_parse(hf_span(text), &url) == 0)
                hf_url_put(out, &url);
        else
                hf_out_put(out, hf_span(text));
}

void hf_compose_first_url(struct hf_out *out, const void *list)
{
        struct hf_url url;
        bool bad;

        if (hf_url_parse(hf_url_list_first(hf_span(list), &bad), &url) == 0)
                hf_url_put(out, &url);
}

void hf_compose_filled_url(struct hf_out *out, const void *text)
{
        struct hf_url url;

        if (hf_url_parse(hf_span(text), &url) == 0 && url.scheme == HF_SCHEME_SOCKS5H) {
                url.scheme = HF_SCHEME_SOCKS5;
                hf_url_put(out, &url);
        } else {
                hf_compose_mended_url(out, text);
        }
}

void hf_compose_handed_url(struct hf_out *out, const void *text)
{
        const char *start = text;
        size_t colon = 0;

        /* Whatever damage stands before it, the first colon of a SOCKS URL ends its scheme. */
        while (start[colon] && start[colon] != ':')
                colon++;
        if (colon >= 5 && hf_span_caseeq((struct hf_span){start + colon - 5, 5}, HF_SPAN("socks")))
                hf_compose_filled_url(out, text);
        else
                hf_compose_mended_url(out, text);
}

void hf_compose_mended_list(struct hf_out *out, const void *text)
{
        hf_noproxy_put_mended(out, hf_span(text));
}

void hf_compose_decoded(struct hf_out *out, const void *encoded)
{
        hf_state_put_decoded(out, *(const struct hf_span *)encoded);
}

static void put_entry(struct hf_out *out, struct hf_span list, struct hf_span entry)
{
        if (entry.n == 0 || hf_noproxy_has(list, entry))
                return;
        if (out->len > 0)
                hf_out_char(out, ',');
        hf_out_put(out, entry);
}

/* The user's list, mended, and behind it this machine: a local Gradio, vLLM, SGLang or Ray breaks
 * otherwise as soon as its client sees the proxy. */
void hf_compose_completed_list(struct hf_out *out, const void *arg)
{
        const struct hf_compose_list *list = arg;
        struct hf_span text = list->text ? hf_span(list->text) : HF_SPAN("");

        hf_noproxy_put_mended(out, text);
        put_entry(out, text, HF_SPAN("localhost"));
        put_entry(out, text, HF_SPAN("127.0.0.1"));
        put_entry(out, text, HF_SPAN("::1"));
        put_entry(out, text, HF_SPAN("0.0.0.0"));
        if (!list->self)
                return;
        put_entry(out, text, hf_span(list->self->name));
        for (unsigned i = 0; i < list->self->count; i++) {
                const struct hf_addr *addr = &list->self->nets[i].addr;
                char buf[HF_ADDR_TEXT_MAX];
                struct hf_out literal = hf_out_write(buf, sizeof buf);

                /* Loopback stands there; a link-local address means nothing without its scope. */
                if (hf_addr_classify(addr) == HF_ADDR_LOOPBACK ||
                    hf_addr_classify(addr) == HF_ADDR_LINKLOCAL)
                        continue;
                hf_addr_put(&literal, addr);
                put_entry(out, text, (struct hf_span){buf, literal.len});
        }
}

/* gRPC reads lower case only: a lower-case variable that we made must not move the node-to-node
 * traffic of Ray and others. It takes ranges for addresses, and ends of names; it compares them
 * with what the program wrote, so what a name resolves to does not help. */
void hf_compose_grpc_list(struct hf_out *out, const void *arg)
{
        const struct hf_compose_list *list = arg;

        if (list->text) {
                hf_out_put(out, hf_span(list->text));
                hf_out_char(out, ',');
        }
        hf_out_put(out, HF_SPAN("127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,"
                                "169.254.0.0/16,fc00::/7,fe80::/10"));
        hf_local_put_domains(out);
        for (unsigned i = 0; list->self && i < list->self->count; i++) {
                const struct hf_self_net *net = &list->self->nets[i];

                if (hf_addr_classify(&net->addr) != HF_ADDR_PUBLIC)
                        continue;
                hf_out_char(out, ',');
                hf_addr_put(out, &net->addr);
                hf_out_char(out, '/');
                hf_out_uint(out, net->bits);
        }
}
