/* SPDX-License-Identifier: MIT */
/* Asks core/route. A line of standard input is http_proxy, https_proxy, all_proxy (1 if it is set,
 * else 0), a host, a port and no_proxy, each ended by \x1f; a line of output is "proxy", or why not. */
#include <stdio.h>
#include <stdlib.h>

#include "core/route.h"

#define FIELDS 6

static const struct hf_proxy proxy = {.scheme = HF_SCHEME_HTTP, .port = 3128, .host = {"p.test", 6}};

int main(void)
{
        static char line[65536];

        while (fgets(line, sizeof line, stdin)) {
                struct hf_span field[FIELDS];
                struct hf_addr addr;
                char *at = line;

                for (int i = 0; i < FIELDS; i++) {
                        char *end = strchr(at, '\x1f');

                        if (!end)
                                return 1;
                        field[i] = (struct hf_span){at, (size_t)(end - at)};
                        at = end + 1;
                }
                const struct hf_rules rules = {.http = *field[0].s == '1' ? &proxy : NULL,
                                               .https = *field[1].s == '1' ? &proxy : NULL,
                                               .all = *field[2].s == '1' ? &proxy : NULL,
                                               .no_proxy = field[5]};
                struct hf_dest dest = {.addr = &addr, .port = (uint16_t)atoi(field[4].s)};
                struct hf_route route = hf_addr_parse(field[3], &addr)
                                                ? hf_route(&rules, &dest)
                                                : hf_route_name(&rules, field[3], dest.port);
                puts(route.proxy ? "proxy" : hf_why_text(route.why));
        }
        return 0;
}
