/* SPDX-License-Identifier: MIT */
#include "base64.h"

static char digit(uint32_t group, unsigned shift)
{
        static const char alphabet[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

        return alphabet[(group >> shift) & 63];
}

void hf_base64_put(struct hf_out *out, struct hf_span bytes)
{
        for (size_t i = 0; i < bytes.n; i += 3) {
                size_t left = bytes.n - i;
                uint32_t group = (uint32_t)(unsigned char)bytes.s[i] << 16;

                if (left > 1)
                        group |= (uint32_t)(unsigned char)bytes.s[i + 1] << 8;
                if (left > 2)
                        group |= (unsigned char)bytes.s[i + 2];
                hf_out_char(out, digit(group, 18));
                hf_out_char(out, digit(group, 12));
                hf_out_char(out, (char)(left > 1 ? digit(group, 6) : '='));
                hf_out_char(out, (char)(left > 2 ? digit(group, 0) : '='));
        }
}
