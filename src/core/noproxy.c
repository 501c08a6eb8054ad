/* SPDX-License-Identifier: MIT */
#include "noproxy.h"

#include "noproxy_entry.h"

#define MENDED_MAX 1024 /* httpx raises on URLs over 64 KiB; nothing that names a host is near */

bool hf_noproxy_match(struct hf_span list, const struct hf_dest *dest)
{
        struct hf_noproxy_target target;
        struct hf_span text;

        hf_noproxy_read_target(dest, &target);
        while (hf_noproxy_next(&list, &text)) {
                struct hf_noproxy_entry e = hf_noproxy_read(text);

                if ((!e.port || e.port == dest->port) && hf_noproxy_names(&e, &target))
                        return true;
        }
        return false;
}

static bool is_hub(struct hf_span name)
{
        return hf_noproxy_name_covers(HF_SPAN("huggingface.co"), name) ||
               hf_noproxy_name_covers(HF_SPAN("hf.co"), name);
}

enum hf_only hf_noproxy_only(struct hf_span list, const struct hf_dest *dest)
{
        enum hf_only found = HF_ONLY_NOT;
        struct hf_noproxy_target target;
        struct hf_span text;

        hf_noproxy_read_target(dest, &target);
        while (hf_noproxy_next(&list, &text)) {
                struct hf_noproxy_entry e = hf_noproxy_read(text);
                bool hub = e.kind == HF_NOPROXY_NAME && !e.dotted &&
                           hf_span_caseeq(e.name, HF_SPAN("hf"));

                if (e.port && dest->port && e.port != dest->port)
                        continue;
                if (hub ? !target.name.s || !is_hub(target.name) : !hf_noproxy_names(&e, &target))
                        continue;
                if (e.kind == HF_NOPROXY_NAME ||
                    (e.kind == HF_NOPROXY_NET && (hf_addr_prefix_is_private(&e.addr, e.bits))))
                        return HF_ONLY_NAMED;
                found = HF_ONLY_LISTED;
        }
        return found;
}

/* An entry's mended form: HEAD and TAIL, put together. */
struct mended {
        struct hf_span head, tail;
};

/* False for what must be left out: httpx puts "all://" before an entry (and a star, if
 * it is a name) and raises InvalidURL on what is no URL then. An entry that we do not understand
 * but that harms nobody stays: it may mean something to the program it was written for. */
static bool mend(struct hf_span text, struct mended *ret)
{
        static const char harmful[] = ":[]@";
        struct hf_noproxy_entry e = hf_noproxy_read(text);
        bool odd = false;

        for (size_t i = 0; i < text.n; i++)
                odd = odd || (unsigned char)text.s[i] < ' ' || (unsigned char)text.s[i] >= 0x7f;
        if (odd || text.n > MENDED_MAX)
                return false;

        *ret = (struct mended){text, {text.s, 0}};
        if (e.url)
                return e.kind != HF_NOPROXY_NOTHING;
        switch (e.kind) {
        case HF_NOPROXY_NOTHING:
                for (size_t i = 0; i < text.n; i++)
                        odd = odd || memchr(harmful, text.s[i], sizeof harmful - 1);
                return !odd;
        case HF_NOPROXY_NAME:
                /* requests and Go compare the trailing dot, too */
                ret->head = e.name;
                ret->tail = e.port_text;
                if (e.dotted) {
                        ret->head.s--; /* the '.' that the name stood behind */
                        ret->head.n++;
                }
                return true;
        case HF_NOPROXY_NET:
                if (!e.v6_text)
                        return true;
                if (e.inside.s)
                        ret->head = e.inside;
                return !e.prefix && !e.port;
        case HF_NOPROXY_ANY:
                break;
        }
        return true;
}

void hf_noproxy_put_mended(struct hf_out *out, struct hf_span list)
{
        struct hf_span text;
        bool first = true;

        while (hf_noproxy_next(&list, &text)) {
                struct mended m;

                if (!mend(text, &m))
                        continue;
                if (!first)
                        hf_out_char(out, ',');
                first = false;
                hf_out_put(out, m.head);
                hf_out_put(out, m.tail);
        }
}

unsigned hf_noproxy_held(struct hf_span list, const struct hf_span *entries, unsigned n)
{
        struct mended wanted[HF_NOPROXY_HELD_MAX], m;
        unsigned sought = 0, held = 0;
        struct hf_span text;

        for (unsigned i = 0; i < n; i++) {
                struct hf_span rest = entries[i];

                if (hf_noproxy_next(&rest, &text) && mend(text, &wanted[i]))
                        sought |= 1U << i;
        }
        while (held != sought && hf_noproxy_next(&list, &text)) {
                if (!mend(text, &m))
                        continue;
                for (unsigned i = 0; i < n; i++)
                        if (sought & 1U << i && hf_span_caseeq(m.head, wanted[i].head) &&
                            hf_span_caseeq(m.tail, wanted[i].tail))
                                held |= 1U << i;
        }
        return held;
}

bool hf_noproxy_has(struct hf_span list, struct hf_span entry)
{
        return hf_noproxy_held(list, &entry, 1);
}
