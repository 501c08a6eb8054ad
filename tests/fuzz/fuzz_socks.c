/* SPDX-License-Identifier: MIT */
/* The first byte chooses the machine, the rest is what the proxy says; and a host name. */
#include "fuzz.h"

#include "core/socks.h"

struct answer {
        int result;
        size_t used;
        struct hf_socks m;
};

static int start(struct hf_socks *m, uint8_t choice, struct hf_span host)
{
        const struct hf_span user = {choice & 2 ? "u" : NULL, choice & 2 ? 1 : 0};

        return hf_socks_init(m, choice & 1 ? HF_SOCKS4 : HF_SOCKS5, host, NULL, 443, user,
                             HF_SPAN("p"));
}

/* All that is to be sent now; how many bytes. */
static size_t send_all(struct hf_socks *m)
{
        struct iovec iov[4];
        size_t total = 0;

        for (int i = 0, n = hf_socks_output(m, 0, iov); i < n; i++) {
                const volatile char *bytes = iov[i].iov_base;

                FUZZ_CHECK(iov[i].iov_len > 0);
                (void)(bytes[0] + bytes[iov[i].iov_len - 1]);
                total += iov[i].iov_len;
        }
        FUZZ_CHECK(hf_socks_output(m, total, iov) == 0);
        return total;
}

/* Feeds DATA in pieces whose lengths follow from SALT; 0: the whole at once. */
static struct answer feed(uint8_t choice, const uint8_t *data, size_t size, unsigned salt)
{
        struct answer a = {0};

        FUZZ_CHECK(start(&a.m, choice, HF_SPAN("h")) == 0);
        FUZZ_CHECK(send_all(&a.m) > 0);
        do {
                size_t n = fuzz_piece(size - a.used, &salt), used = SIZE_MAX;
                char *piece = fuzz_copy(data + a.used, n);

                a.result = hf_socks_input(&a.m, piece, n, &used);
                free(piece);
                if (a.result < 0) {
                        FUZZ_CHECK(used == SIZE_MAX);
                        break;
                }
                FUZZ_CHECK(used <= n && (n == 0 || used > 0));
                a.used += used;
                if (a.result == 0)
                        FUZZ_CHECK(send_all(&a.m) > 0 || used == n);
        } while (a.result == 0 && a.used < size);
        return a;
}

/* Nothing is smuggled in by a name: it stands where it should, and its length is right. */
static void check_request(uint8_t choice, const uint8_t *data, size_t size)
{
        struct hf_socks m;
        struct iovec iov[4];
        struct hf_addr addr;
        struct hf_span host = fuzz_span(data, size);

        if (start(&m, choice | 1, host) < 0 || hf_addr_parse(host, &addr))
                return;
        FUZZ_CHECK(size > 0 && size <= HF_HOST_MAX);
        FUZZ_CHECK(!memchr(data, '\0', size) && !memchr(data, '\n', size));
        FUZZ_CHECK(m.request_len == 8 + 1 + size + 1);
        FUZZ_CHECK(hf_socks_output(&m, 0, iov) == (choice & 2 ? 3 : 2));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t choice;
        struct answer whole;

        if (size == 0)
                return 0;
        choice = data[0];
        data++;
        size--;
        whole = feed(choice, data, size, 0);
        for (unsigned salt = 1; salt < 4; salt++) {
                struct answer pieces = feed(choice, data, size, salt);

                FUZZ_CHECK(pieces.result == whole.result);
                FUZZ_CHECK(pieces.m.refusal == whole.m.refusal && pieces.m.code == whole.m.code);
                if (whole.result >= 0)
                        FUZZ_CHECK(pieces.used == whole.used);
        }
        FUZZ_CHECK(*hf_socks_reply_text(&whole.m));
        if (whole.result == 1)
                /* not a byte more than needed */
                FUZZ_CHECK(feed(choice, data, whole.used - 1, 0).result == 0);
        check_request(choice, data, size);
        return 0;
}
