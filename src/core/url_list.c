/* SPDX-License-Identifier: MIT */
#include "url_list.h"

#include <errno.h>

static bool starts_url(struct hf_span text)
{
        size_t n = 0;

        text = hf_span_trim(text);
        while (n < text.n && ((hf_lower(text.s[n]) >= 'a' && hf_lower(text.s[n]) <= 'z') ||
                              (n > 0 && hf_is_digit(text.s[n]))))
                n++;
        return n > 0 && text.n - n >= 3 && !memcmp(text.s + n, "://", 3);
}

/* The end of what stands before the next comma of TEXT, from FROM on; with BEFORE_URL: before one
 * that a scheme follows. TEXT.n: there is none. */
static size_t next_comma(struct hf_span text, size_t from, bool before_url)
{
        for (; from < text.n; from++)
                if (text.s[from] == ',' &&
                    (!before_url ||
                     starts_url((struct hf_span){text.s + from + 1, text.n - from - 1})))
                        return from;
        return text.n;
}

int hf_url_list_next(struct hf_span *rest, struct hf_span *ret_text, struct hf_url *ret_url)
{
        struct hf_span text = hf_span_trim(*rest);
        size_t most, end;

        if (text.n == 0)
                return 0;
        most = end = next_comma(text, 0, true);
        for (size_t at = 0; hf_url_parse((struct hf_span){text.s, end}, ret_url) < 0; at++) {
                end = at = next_comma(text, at, false);
                if (end >= most)
                        return -EINVAL;
        }
        *ret_text = (struct hf_span){text.s, end};
        end += end < text.n;
        *rest = (struct hf_span){text.s + end, text.n - end};
        return 1;
}

bool hf_url_list_check(struct hf_span text)
{
        struct hf_span one;
        struct hf_url url;
        bool any = false;
        int r;

        while ((r = hf_url_list_next(&text, &one, &url)) > 0)
                any = true;
        return r == 0 && any;
}
