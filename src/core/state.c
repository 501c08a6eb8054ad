/* SPDX-License-Identifier: MIT */
#include "state.h"

#define HEAD "1;"
#define TAIL_LEN 17 /* '#' and 16 digits */

static bool read_hex64(struct hf_span text, uint64_t *ret_value)
{
        uint64_t value = 0;

        if (text.n != 16)
                return false;
        for (size_t i = 0; i < text.n; i++) {
                int digit = hf_hexval(text.s[i]);

                if (digit < 0)
                        return false;
                value = value << 4 | (uint64_t)digit;
        }
        *ret_value = value;
        return true;
}

struct hf_span hf_state_check(const char *text)
{
        const struct hf_span none = {NULL, 0};
        const size_t head = sizeof HEAD - 1;
        struct hf_span all = hf_span(text);
        uint64_t hash = 0;

        if (!text || all.n < head + TAIL_LEN || all.n > HF_STATE_MAX || memcmp(text, HEAD, head))
                return none;

        struct hf_span body = {text, all.n - TAIL_LEN};
        if (text[body.n] != '#' || !read_hex64((struct hf_span){text + body.n + 1, 16}, &hash) ||
            hash != hf_hash(body))
                return none;
        return (struct hf_span){text + head, body.n - head};
}

/* flags (letters), then the hash or '-', then maybe ':' and the text. */
static bool read_record(struct hf_span text, struct hf_record *ret_record)
{
        struct hf_record r = {0};
        size_t at = 0;

        for (; at < text.n; at++) {
                if (text.s[at] == 'n')
                        r.flags |= HF_STATE_NEWEST;
                else if (text.s[at] == 'u')
                        r.flags |= HF_STATE_UPPER;
                else if (text.s[at] == 's')
                        r.flags |= HF_STATE_SAME;
                else if (text.s[at] == 'h')
                        r.flags |= HF_STATE_HIDDEN;
                else
                        break;
        }
        if (at < text.n && text.s[at] == '=') {
                if (text.n - at < 17 || !read_hex64((struct hf_span){text.s + at + 1, 16}, &r.hash))
                        return false;
                r.was_set = true;
                at += 17;
        } else if (at < text.n && text.s[at] == '-') {
                at++;
        } else {
                return false;
        }
        if (at < text.n) {
                if (text.s[at] != ':')
                        return false;
                r.before = (struct hf_span){text.s + at + 1, text.n - at - 1};
        }
        *ret_record = r;
        return true;
}

bool hf_state_find(struct hf_span records, enum hf_var var, struct hf_record *ret_record)
{
        struct hf_span name = hf_span(hf_var_names[var]);

        while (records.n > 0) {
                const char *end = memchr(records.s, ';', records.n);
                size_t n = end ? (size_t)(end - records.s) : records.n;

                if (n > name.n && records.s[name.n] == '/' && !memcmp(records.s, name.s, name.n))
                        return read_record((struct hf_span){records.s + name.n + 1, n - name.n - 1},
                                           ret_record);
                n += end != NULL;
                records.s += n;
                records.n -= n;
        }
        return false;
}

bool hf_state_hides(struct hf_span records)
{
        struct hf_record r;

        for (enum hf_var v = 0; v < HF_VAR_no_proxy && records.n > 0; v++)
                if (hf_state_find(records, v, &r) && r.flags & HF_STATE_HIDDEN)
                        return true;
        return false;
}

void hf_state_put_decoded(struct hf_out *out, struct hf_span before)
{
        for (size_t i = 0; i < before.n; i++) {
                char c = before.s[i];

                if (c == '%' && i + 2 < before.n && hf_hexval(before.s[i + 1]) >= 0 &&
                    hf_hexval(before.s[i + 2]) >= 0) {
                        c = (char)(hf_hexval(before.s[i + 1]) << 4 | hf_hexval(before.s[i + 2]));
                        i += 2;
                }
                hf_out_char(out, c);
        }
}

static void put_encoded(struct hf_out *out, struct hf_span text)
{
        for (size_t i = 0; i < text.n; i++) {
                unsigned char c = (unsigned char)text.s[i];

                if (c == '%' || c == ';' || c < 0x20 || c > 0x7e) {
                        hf_out_char(out, '%');
                        hf_out_char(out, "0123456789abcdef"[c >> 4]);
                        hf_out_char(out, "0123456789abcdef"[c & 15]);
                } else {
                        hf_out_char(out, (char)c);
                }
        }
}

void hf_state_put_record(struct hf_out *out, enum hf_var var, unsigned flags, const char *value,
                         const char *before)
{
        bool hidden = flags & HF_STATE_HIDDEN;
        bool same = value && before && !hidden && !strcmp(value, before);

        hf_out_put(out, hf_span(hf_var_names[var]));
        hf_out_char(out, '/');
        if (flags & HF_STATE_NEWEST)
                hf_out_char(out, 'n');
        if (flags & HF_STATE_UPPER)
                hf_out_char(out, 'u');
        if (same)
                hf_out_char(out, 's');
        if (hidden)
                hf_out_char(out, 'h');
        if (value) {
                hf_out_char(out, '=');
                hf_out_hex64(out, hf_hash(hf_span(value)));
        } else {
                hf_out_char(out, '-');
        }
        if (before && !same) {
                hf_out_char(out, ':');
                put_encoded(out, hf_span(before));
        }
        hf_out_char(out, ';');
}

void hf_state_put_hash(struct hf_out *out, enum hf_var var, uint64_t hash)
{
        hf_out_put(out, hf_span(hf_var_names[var]));
        hf_out_put(out, HF_SPAN("/="));
        hf_out_hex64(out, hash);
        hf_out_char(out, ';');
}

void hf_state_put_head(struct hf_out *out)
{
        hf_out_put(out, HF_SPAN(HEAD));
}

void hf_state_put_tail(struct hf_out *out)
{
        uint64_t hash = out->hash;

        hf_out_char(out, '#');
        hf_out_hex64(out, hash);
}
