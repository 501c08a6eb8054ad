/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include "core/addr.h"
#include "core/url.h"

/* What may be quoted of any text has no login in it: no '@' behind a ':'. */
static void check_quotable(struct hf_span text)
{
        struct hf_span shown = hf_url_quotable(text);
        const char *colon = shown.n > 0 ? memchr(shown.s, ':', shown.n) : NULL;

        FUZZ_CHECK(shown.n <= text.n && shown.s + shown.n == text.s + text.n);
        FUZZ_CHECK(!colon || !memchr(colon, '@', shown.n - (size_t)(colon - shown.s)));
}

/* Entries are not empty, and follow each other in TEXT. */
static void check_list(struct hf_span text)
{
        struct hf_span rest = hf_url_list(text), entry;
        const char *end = rest.s;

        while (hf_url_list_next(&rest, &entry)) {
                FUZZ_CHECK(entry.s >= end && entry.n > 0);
                end = entry.s + entry.n;
                FUZZ_CHECK(rest.s >= end && rest.s + rest.n <= text.s + text.n);
        }
}

/* Mended text must be safe to hand on, mean the same and be its own mended form; the public form
 * must be made of nothing but scheme, host and port; Basic takes no control characters. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct hf_span text = fuzz_span(data, size), mended;
        struct hf_url url = {.port = 7}, url2;
        struct hf_out out, again;
        char *buf, *sent;

        check_quotable(text);
        check_list(text);
        if (hf_url_parse(text, &url) < 0) {
                FUZZ_CHECK(url.port == 7 && !url.host.s);
                return 0;
        }
        FUZZ_CHECK(url.port > 0 && url.host.n > 0 && url.host.n <= 254);
        FUZZ_CHECK(url.user.s || !url.pass.s);

        out = hf_out_count();
        hf_url_put(&out, &url);
        buf = fuzz_alloc(out.len);
        out = hf_out_write(buf, out.len);
        hf_url_put(&out, &url);
        FUZZ_CHECK(out.len == out.cap);
        mended = (struct hf_span){buf, out.len};
        for (size_t i = 0; i < mended.n; i++)
                FUZZ_CHECK((unsigned char)buf[i] > ' ' && buf[i] != 0x7f);

        FUZZ_CHECK(hf_url_parse(mended, &url2) == 0);
        again = hf_out_compare(mended);
        hf_url_put(&again, &url2);
        FUZZ_CHECK(hf_out_matched(&again));
        FUZZ_CHECK(url.scheme == url2.scheme && url.port == url2.port);
        FUZZ_CHECK(url.host_is_v6 == url2.host_is_v6 && hf_span_eq(url.host, url2.host));
        FUZZ_CHECK(hf_span_eq(url.tail, url2.tail));

        out = hf_out_count();
        hf_url_put_credentials(&out, &url);
        sent = fuzz_alloc(out.len);
        out = hf_out_write(sent, out.len);
        hf_url_put_credentials(&out, &url);
        again = hf_out_compare((struct hf_span){sent, out.len});
        hf_url_put_credentials(&again, &url2);
        FUZZ_CHECK(hf_out_matched(&again));
        for (size_t i = 0; i < out.len && !hf_scheme_is_socks(url.scheme); i++)
                FUZZ_CHECK((unsigned char)sent[i] >= ' ' && sent[i] != 0x7f);

        out = hf_out_count();
        hf_url_put_public(&out, &url);
        FUZZ_CHECK(out.len <= sizeof "socks5h://[]:65535" - 1 + url.host.n);
        free(sent);
        free(buf);
        return 0;
}
