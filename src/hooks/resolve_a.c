/* SPDX-License-Identifier: MIT */
/* getaddrinfo_a(), which glibc alone has (before 2.34 in libanl.so), and which calls glibc's own
 * getaddrinfo(). What gets a placeholder is answered at once and left out of the list that libc is
 * given: to gai_error(), gai_suspend() and gai_cancel() it is a request that is done. */
#include "hook.h"
#include "resolve.h"

#include "process/config.h"
#include "process/real.h"
#include "process/sys.h"

#include <netdb.h>

#define NEAR_MAX 64 /* pointers of a list that are copied on the stack */

/* glibc's, which <netdb.h> shows only with _GNU_SOURCE. */
struct gaicb {
        const char *ar_name, *ar_service;
        const struct addrinfo *ar_request;
        struct addrinfo *ar_result;
        int result; /* what gai_error() gives; EAI_INPROGRESS while it runs */
        int reserved[5];
};

struct sigevent;

HF_EXPORT int getaddrinfo_a(int mode, struct gaicb *list[], int n, struct sigevent *event);
HF_EXPORT int gai_error(struct gaicb *request);

/* Is REQUEST answered now? */
static bool answer(struct gaicb *request)
{
        struct addrinfo *res = NULL;
        int r;

        if (!hf_resolve(request->ar_name, request->ar_service, request->ar_request, true, &res, &r))
                return false;
        request->ar_result = res;
        request->result = r;
        return true;
}

static int ask_all(int mode, struct gaicb *list[], int n, struct sigevent *event)
{
        struct gaicb *near[NEAR_MAX], **rest = near;
        size_t size = (size_t)n * sizeof(void *);
        int r;

        if (n > NEAR_MAX)
                rest = hf_sys_map(size);
        if (!rest)
                return EAI_MEMORY;
        for (int i = 0; i < n; i++)
                rest[i] = list[i] && !answer(list[i]) ? list[i] : NULL;
        r = hf_real_getaddrinfo_a(mode, rest, n, event);
        if (n > NEAR_MAX)
                hf_sys_unmap(rest, size);
        return r;
}

int getaddrinfo_a(int mode, struct gaicb *list[], int n, struct sigevent *event)
{
        /* 0 and 1: GAI_WAIT and GAI_NOWAIT. */
        if (!hf_config() || !list || n <= 0 || (mode != 0 && mode != 1))
                return hf_real_getaddrinfo_a(mode, list, n, event);
        return ask_all(mode, list, n, event);
}

/* Everybody comes by here before he looks at a result: what must be remembered of a name that stays
 * direct is remembered now. */
int gai_error(struct gaicb *request)
{
        int r = hf_real_gai_error(request);

        if (r == 0 && hf_config() && request->ar_result)
                hf_resolve_note(request->ar_name, request->ar_service, request->ar_request,
                                request->ar_result);
        return r;
}
