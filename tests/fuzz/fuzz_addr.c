/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include "core/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* libc is the oracle; what was read must write and read back, also through a socket address. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct hf_span text = fuzz_span(data, size);
        struct hf_addr addr = {0}, back;
        struct sockaddr_storage ss;
        char buf[HF_ADDR_TEXT_MAX], cstr[64];
        struct hf_out out = hf_out_write(buf, sizeof buf - 1);
        uint8_t bytes[16];
        uint16_t port;
        bool ok = hf_addr_parse(text, &addr);

        if (size < sizeof cstr && (size == 0 || !memchr(data, '\0', size))) {
                if (size > 0)
                        memcpy(cstr, data, size);
                cstr[size] = '\0';
                FUZZ_CHECK(ok == (inet_pton(AF_INET, cstr, bytes) == 1 ||
                                  inet_pton(AF_INET6, cstr, bytes) == 1));
        }
        if (ok) {
                hf_addr_put(&out, &addr);
                FUZZ_CHECK(out.len < HF_ADDR_TEXT_MAX);
                FUZZ_CHECK(hf_addr_parse((struct hf_span){buf, out.len}, &back));
                FUZZ_CHECK(hf_addr_eq(&addr, &back));
                for (int v6 = 0; v6 < 2; v6++) {
                        socklen_t len = hf_addr_to_sockaddr(&addr, 443, v6, &ss);

                        FUZZ_CHECK(hf_addr_from_sockaddr(&ss, len, &back, &port) == 0);
                        FUZZ_CHECK(hf_addr_eq(&addr, &back) && port == 443);
                }
                for (unsigned bits = 0; bits <= (addr.family == 4 ? 32U : 128U); bits++)
                        FUZZ_CHECK(hf_addr_in_prefix(&addr, &addr, bits));
        }
        if (hf_addr_from_sockaddr(data, size, &addr, &port) == 0) {
                FUZZ_CHECK(addr.family == 4 || addr.family == 6);
                FUZZ_CHECK(hf_addr_classify(&addr) <= HF_ADDR_PRIVATE);
        }
        return 0;
}
