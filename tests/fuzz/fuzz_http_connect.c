/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include "core/http_connect.h"

struct answer {
        int result;
        size_t used;
        struct hf_http_connect m;
};

/* Feeds DATA in pieces whose lengths follow from SALT; 0: the whole at once. */
static struct answer feed(const uint8_t *data, size_t size, unsigned salt)
{
        struct answer a = {0};

        FUZZ_CHECK(hf_http_connect_init(&a.m, HF_SPAN("h"), 443, HF_SPAN("")) == 0);
        do {
                size_t n = fuzz_piece(size - a.used, &salt), used = SIZE_MAX;
                char *piece = fuzz_copy(data + a.used, n);

                a.result = hf_http_connect_input(&a.m, piece, n, &used);
                free(piece);
                if (a.result < 0) {
                        FUZZ_CHECK(used == SIZE_MAX);
                        break;
                }
                FUZZ_CHECK(used <= n && (a.result == 1 || used == n));
                a.used += used;
        } while (a.result == 0 && a.used < size);
        return a;
}

static void check_request(const uint8_t *data, size_t size)
{
        struct hf_http_connect m;
        struct hf_span host = fuzz_span(data, size);
        struct iovec iov[3];
        size_t lines = 0, total = 0;
        int n;

        if (hf_http_connect_init(&m, host, 1, HF_SPAN("A: b\r\n")) < 0)
                return;
        FUZZ_CHECK(size > 0 && size <= 255);
        n = hf_http_connect_output(&m, 0, iov);
        for (int i = 0; i < n; i++) {
                const char *bytes = iov[i].iov_base;

                total += iov[i].iov_len;
                for (size_t at = 0; at < iov[i].iov_len; at++)
                        lines += bytes[at] == '\n';
        }
        FUZZ_CHECK(lines == 4); /* nothing was smuggled in */
        FUZZ_CHECK(hf_http_connect_output(&m, total, iov) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct answer whole = feed(data, size, 0);

        for (unsigned salt = 1; salt < 4; salt++) {
                struct answer pieces = feed(data, size, salt);

                FUZZ_CHECK(pieces.result == whole.result);
                FUZZ_CHECK(pieces.m.status == whole.m.status);
                FUZZ_CHECK(!strcmp(pieces.m.schemes, whole.m.schemes));
                if (whole.result >= 0)
                        FUZZ_CHECK(pieces.used == whole.used);
        }
        FUZZ_CHECK(whole.m.received <= HF_HTTP_REPLY_MAX);
        FUZZ_CHECK(memchr(whole.m.schemes, '\0', sizeof whole.m.schemes));
        for (const char *c = whole.m.schemes; *c; c++)
                FUZZ_CHECK(*c >= ' ' && *c < 0x7f && *c != '=' && *c != '"');
        if (whole.result == 1) {
                FUZZ_CHECK(whole.m.status / 100 == 2 && whole.used > 0);
                FUZZ_CHECK(data[whole.used - 1] == '\n');
                /* not a byte more than needed */
                FUZZ_CHECK(feed(data, whole.used - 1, 0).result == 0);
        }
        check_request(data, size);
        return 0;
}
