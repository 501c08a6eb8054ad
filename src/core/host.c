/* SPDX-License-Identifier: MIT */
#include "host.h"

#include "addr.h"

bool hf_host_is_sendable(struct hf_span host)
{
        struct hf_addr addr;

        if (!host.s || host.n == 0 || host.n > HF_HOST_MAX)
                return false;
        if (memchr(host.s, ':', host.n))
                return hf_addr_parse(host, &addr);
        for (size_t i = 0; i < host.n; i++) {
                char c = hf_lower(host.s[i]);

                if (!hf_is_digit(c) && !(c >= 'a' && c <= 'z') && c != '-' && c != '_' && c != '.')
                        return false;
        }
        return true;
}
