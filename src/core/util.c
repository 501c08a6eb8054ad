/* SPDX-License-Identifier: MIT */
#include "util.h"

#include <errno.h>

long hf_parse_uint(struct hf_span text, long max)
{
        long value = 0;

        if (text.n == 0)
                return -EINVAL;
        for (size_t i = 0; i < text.n; i++) {
                if (!hf_is_digit(text.s[i]))
                        return -EINVAL;
                value = value * 10 + (text.s[i] - '0');
                if (value > max)
                        return -EINVAL;
        }
        return value;
}

struct hf_span hf_span_trim(struct hf_span text)
{
        while (text.n > 0 && hf_is_blank(text.s[0])) {
                text.s++;
                text.n--;
        }
        while (text.n > 0 && hf_is_blank(text.s[text.n - 1]))
                text.n--;
        return text;
}
