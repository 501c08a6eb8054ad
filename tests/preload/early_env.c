/* SPDX-License-Identifier: MIT */
/* Preloaded behind libhfproxy.so, so its constructor runs first: it asks for a proxy before ours
 * was there, as allocators, profilers and TLS libraries do. */
#include <stdlib.h>

char *early_answer(void);

static char *answer;

__attribute__((constructor)) static void ask(void)
{
        char *had = getenv("HTTPS_PROXY");

        setenv("HTTPS_PROXY", "early:1", 1);
        unsetenv("https_proxy");
        answer = getenv("https_proxy");
        if (!had)
                unsetenv("HTTPS_PROXY");
}

char *early_answer(void)
{
        return answer;
}
