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

/* What the user's list is completed with: number I, as text in BUF or elsewhere; empty: nothing. */
static struct hf_span own_entry(const struct hf_self *self, unsigned i, char buf[HF_ADDR_TEXT_MAX])
{
        static const struct hf_span always[] = {{"localhost", sizeof "localhost" - 1},
                                                {"127.0.0.1", sizeof "127.0.0.1" - 1},
                                                {"::1", sizeof "::1" - 1},
                                                {"0.0.0.0", sizeof "0.0.0.0" - 1}};
        struct hf_out literal = hf_out_write(buf, HF_ADDR_TEXT_MAX);
        const struct hf_addr *addr;

        if (i < HF_LEN(always))
                return always[i];
        if (i == HF_LEN(always))
                return hf_span(self->name);
        addr = &self->nets[i - HF_LEN(always) - 1].addr;
        /* Loopback stands there; a link-local address means nothing without its scope. */
        if (hf_addr_classify(addr) != HF_ADDR_LOOPBACK &&
            hf_addr_classify(addr) != HF_ADDR_LINKLOCAL)
                hf_addr_put(&literal, addr);
        return (struct hf_span){buf, literal.len};
}

static unsigned count_own(const struct hf_self *self)
{
        return self ? 5U + self->count : 4;
}

/* Once, and not each time that the text is composed: a list may be long, and a machine may have
 * hundreds of addresses. */
void hf_compose_note_held(struct hf_compose_list *list)
{
        unsigned count = count_own(list->self), n;

        memset(list->held, 0, sizeof list->held);
        for (unsigned i = 0; list->text.n > 0 && i < count; i += n) {
                char bufs[HF_NOPROXY_HELD_MAX][HF_ADDR_TEXT_MAX];
                struct hf_span entries[HF_NOPROXY_HELD_MAX];

                n = count - i < HF_NOPROXY_HELD_MAX ? count - i : HF_NOPROXY_HELD_MAX;
                for (unsigned k = 0; k < n; k++)
                        entries[k] = own_entry(list->self, i + k, bufs[k]);
                list->held[i / 64] |= (uint64_t)hf_noproxy_held(list->text, entries, n) << i % 64;
        }
}

/* The user's list, mended, and behind it this machine: a local Gradio, vLLM, SGLang or Ray breaks
 * otherwise as soon as its client sees the proxy. */
void hf_compose_completed_list(struct hf_out *out, const void *arg)
{
        const struct hf_compose_list *list = arg;

        hf_noproxy_put_mended(out, list->text);
        for (unsigned i = 0; i < count_own(list->self); i++) {
                char buf[HF_ADDR_TEXT_MAX];
                struct hf_span entry = own_entry(list->self, i, buf);

                if (entry.n == 0 || list->held[i / 64] >> i % 64 & 1)
                        continue;
                if (out->len > 0)
                        hf_out_char(out, ',');
                hf_out_put(out, entry);
        }
}

/* gRPC reads lower case only: a lower-case variable that we made must not move the node-to-node
 * traffic of Ray and others. It takes ranges for addresses, and ends of names; it compares them
 * with what the program wrote, so what a name resolves to does not help. */
void hf_compose_grpc_list(struct hf_out *out, const void *arg)
{
        const struct hf_compose_list *list = arg;

        if (list->text.n > 0) {
                hf_out_put(out, list->text);
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
