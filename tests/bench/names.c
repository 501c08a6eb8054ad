/* SPDX-License-Identifier: MIT */
/* names COUNT: what look-ups cost, preloaded or not, with a proxy or not. A line a row:
 *
 *   name ROW MICROSECONDS-A-LOOK-UP SLOWEST
 *
 * COUNT look-ups each: of one name that /etc/hosts has (which is all that libc alone can do here),
 * of one name, of names that are new, of one that is in the full table, and of those for which
 * there is no room any more. */
#define _GNU_SOURCE
#include "bench.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define ROOM 65536 /* HF_NAMES_MAX */

/* COUNT look-ups of NAME, or if FIRST is not 0, of names that begin with it and a number. */
static void look_up(const char *row, const char *name, unsigned first, unsigned count)
{
        const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
        int64_t begin = now_ns(), slowest = 0;

        for (unsigned i = 0; i < count; i++) {
                int64_t start = now_ns(), took;
                struct addrinfo *list;
                char node[64];

                if (first)
                        snprintf(node, sizeof node, "%s%u.names.test", name, first + i);
                else
                        snprintf(node, sizeof node, "%s", name);
                if (getaddrinfo(node, "443", &hints, &list) == 0)
                        freeaddrinfo(list);
                took = now_ns() - start;
                if (took > slowest)
                        slowest = took;
        }
        if (row)
                printf("name %s %.1f %.1f\n", row, (double)(now_ns() - begin) / count / 1e3,
                       (double)slowest / 1e3);
}

int main(int argc, char **argv)
{
        unsigned count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 10000;

        if (count == 0 || count > ROOM / 2)
                die("usage: names COUNT");
        look_up("in_hosts", "localhost", 0, count);
        look_up("one", "one.names.test", 0, count);
        look_up("new", "new", 1, count);
        look_up(NULL, "new", 1 + count, ROOM);
        look_up("known_full", "one.names.test", 0, count);
        look_up("new_full", "full", 1, count);
        return 0;
}
