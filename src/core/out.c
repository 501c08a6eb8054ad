/* SPDX-License-Identifier: MIT */
#include "out.h"

#define FNV_BASIS 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

struct hf_out hf_out_count(void)
{
        return (struct hf_out){.hash = FNV_BASIS};
}

struct hf_out hf_out_write(char *buf, size_t cap)
{
        return (struct hf_out){.buf = buf, .cap = cap, .hash = FNV_BASIS};
}

struct hf_out hf_out_compare(struct hf_span text)
{
        return (struct hf_out){.cmp = text.s, .cap = text.n, .hash = FNV_BASIS};
}

void hf_out_put(struct hf_out *out, struct hf_span text)
{
        size_t room = out->len < out->cap ? out->cap - out->len : 0;
        size_t fits = text.n < room ? text.n : room;

        if (out->buf && fits > 0)
                memcpy(out->buf + out->len, text.s, fits);
        if (out->cmp && (fits < text.n || (fits > 0 && memcmp(out->cmp + out->len, text.s, fits))))
                out->differs = true;
        for (size_t i = 0; i < text.n; i++)
                out->hash = (out->hash ^ (unsigned char)text.s[i]) * FNV_PRIME;
        out->len += text.n;
}

void hf_out_char(struct hf_out *out, char c)
{
        hf_out_put(out, (struct hf_span){&c, 1});
}

void hf_out_uint(struct hf_out *out, unsigned long value)
{
        char digits[20];
        size_t at = sizeof digits;

        do
                digits[--at] = (char)('0' + value % 10);
        while (value /= 10);
        hf_out_put(out, (struct hf_span){digits + at, sizeof digits - at});
}

void hf_out_hex64(struct hf_out *out, uint64_t value)
{
        for (int shift = 60; shift >= 0; shift -= 4)
                hf_out_char(out, "0123456789abcdef"[(value >> shift) & 15]);
}

bool hf_out_matched(const struct hf_out *out)
{
        return !out->differs && out->len == out->cap;
}

uint64_t hf_hash(struct hf_span text)
{
        struct hf_out out = hf_out_count();

        hf_out_put(&out, text);
        return out.hash;
}
