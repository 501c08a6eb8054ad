/* SPDX-License-Identifier: MIT */
#include "resolver.h"

#include "log.h"
#include "proxyaddr.h"
#include "real.h"

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

/* As for dlsym(), see real.c. */
#if defined(__GLIBC__) && defined(__x86_64__)
__asm__(".symver dlsym,dlsym@GLIBC_2.2.5");
__asm__(".symver dlopen,dlopen@GLIBC_2.2.5");
#elif defined(__GLIBC__) && defined(__aarch64__)
__asm__(".symver dlsym,dlsym@GLIBC_2.17");
__asm__(".symver dlopen,dlopen@GLIBC_2.17");
#endif

bool hf_resolver_refused(void *state)
{
        if (hf_proxyaddr_busy())
                return false;
        hf_log_once(HF_ONCE_STRICT_RES, HF_LOG_ERROR,
                    "res_query() and its kin fail: HFPROXY_TUNNEL=strict lets nobody ask a name "
                    "server");
        if (state)
                ((struct __res_state *)state)->res_h_errno = NO_RECOVERY;
        h_errno = NO_RECOVERY;
        errno = ENETUNREACH;
        return true;
}

/* The function called NAME where there is none without its two underscores: in glibc before 2.34.
 * A plug-in may have loaded libresolv for itself alone, where RTLD_NEXT does not look. */
static void *find(const char *name)
{
        void *f = dlsym(RTLD_NEXT, name), *library;

        if (!f && (library = dlopen("libresolv.so.2", RTLD_LAZY | RTLD_NOLOAD)))
                f = dlsym(library, name);
        return f;
}

#define FALLBACK(name, params, args)                                                               \
        int hf_fallback_##name params                                                              \
        {                                                                                          \
                void *at = find("__" #name);                                                       \
                int(*to) params;                                                                   \
                                                                                                   \
                if (!at) {                                                                         \
                        errno = ENOSYS;                                                            \
                        return -1;                                                                 \
                }                                                                                  \
                memcpy(&to, &at, sizeof to);                                                       \
                return to args;                                                                    \
        }

FALLBACK(res_query, (const char *name, int class, int type, unsigned char *answer, int len),
         (name, class, type, answer, len))
FALLBACK(res_search, (const char *name, int class, int type, unsigned char *answer, int len),
         (name, class, type, answer, len))
FALLBACK(res_querydomain,
         (const char *name, const char *domain, int class, int type, unsigned char *answer,
          int len),
         (name, domain, class, type, answer, len))
FALLBACK(res_send, (const unsigned char *msg, int msg_len, unsigned char *answer, int len),
         (msg, msg_len, answer, len))
FALLBACK(res_nquery,
         (void *state, const char *name, int class, int type, unsigned char *answer, int len),
         (state, name, class, type, answer, len))
FALLBACK(res_nsearch,
         (void *state, const char *name, int class, int type, unsigned char *answer, int len),
         (state, name, class, type, answer, len))
FALLBACK(res_nquerydomain,
         (void *state, const char *name, const char *domain, int class, int type,
          unsigned char *answer, int len),
         (state, name, domain, class, type, answer, len))
FALLBACK(res_nsend,
         (void *state, const unsigned char *msg, int msg_len, unsigned char *answer, int len),
         (state, msg, msg_len, answer, len))
