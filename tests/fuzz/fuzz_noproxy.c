/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include "core/noproxy_index.h"

/* The first line is a destination (a name or an address), the rest is the list. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
        size_t first = newline ? (size_t)(newline - data) : 0;
        size_t skip = newline ? first + 1 : 0;
        struct hf_span name = fuzz_span(data, first), list = fuzz_span(data + skip, size - skip);
        struct hf_span mended, entry, rest;
        struct hf_dest dest = {.name = name, .port = 443};
        struct hf_addr addr;
        struct hf_noproxy_index index;
        struct hf_noproxy_slot *slots;
        struct hf_out out, again;
        bool matches, no_port;
        size_t n = 0, before = 0;
        char *buf;

        if (hf_addr_parse(name, &addr))
                dest.addr = &addr;
        matches = hf_noproxy_match(list, &dest);
        dest.port = 0;
        no_port = hf_noproxy_match(list, &dest);
        FUZZ_CHECK(matches || !no_port); /* a port that is known can only match more */
        dest.port = 443;

        slots = calloc(hf_noproxy_index_slots(list), sizeof *slots);
        FUZZ_CHECK(slots &&
                   hf_noproxy_index_make(&index, list, slots, hf_noproxy_index_slots(list)));
        FUZZ_CHECK(matches == hf_noproxy_index_match(&index, &dest));
        free(slots);

        out = hf_out_count();
        hf_noproxy_put_mended(&out, list);
        FUZZ_CHECK(out.len <= list.n);
        buf = fuzz_alloc(out.len);
        out = hf_out_write(buf, out.len);
        hf_noproxy_put_mended(&out, list);
        mended = (struct hf_span){buf, out.len};
        for (size_t i = 0; i < mended.n; i++)
                FUZZ_CHECK((unsigned char)buf[i] > ' ' && (unsigned char)buf[i] < 0x7f &&
                           buf[i] != ';');
        again = hf_out_compare(mended);
        hf_noproxy_put_mended(&again, mended);
        FUZZ_CHECK(hf_out_matched(&again));
        FUZZ_CHECK(matches || !hf_noproxy_match(mended, &dest));

        for (rest = list; hf_noproxy_next(&rest, &entry);)
                before++;
        for (rest = mended; hf_noproxy_next(&rest, &entry); n++) {
                FUZZ_CHECK(entry.n > 0 && n < before);
                if (n < 50)
                        FUZZ_CHECK(hf_noproxy_has(list, entry) && hf_noproxy_has(mended, entry));
        }
        FUZZ_CHECK(n < before || matches == hf_noproxy_match(mended, &dest));
        free(buf);
        return 0;
}
