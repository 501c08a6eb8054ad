/* SPDX-License-Identifier: MIT */
/* res_query() and its kin, which ask name servers and nobody else: under `strict` they fail. In
 * glibc before 2.34 they are called __res_… and live in libresolv, whose own functions and
 * getaddrinfo() use other names for them, so these are the program's calls only. (Not from
 * <resolv.h>, which gives them such names.) */
#include "hook.h"

#include "process/config.h"
#include "process/real.h"
#include "process/resolver.h"

#define RESOLVER(name, params, args, statp)                                                        \
        HF_EXPORT int name params;                                                                 \
        HF_EXPORT int __##name params __attribute__((alias(#name)));                               \
        int name params                                                                            \
        {                                                                                          \
                if (hf_strict() && hf_resolver_refused(statp))                                     \
                        return -1;                                                                 \
                return hf_real_##name args;                                                        \
        }

RESOLVER(res_query, (const char *name, int class, int type, unsigned char *answer, int len),
         (name, class, type, answer, len), NULL)
RESOLVER(res_search, (const char *name, int class, int type, unsigned char *answer, int len),
         (name, class, type, answer, len), NULL)
RESOLVER(res_querydomain,
         (const char *name, const char *domain, int class, int type, unsigned char *answer,
          int len),
         (name, domain, class, type, answer, len), NULL)
RESOLVER(res_send, (const unsigned char *msg, int msg_len, unsigned char *answer, int len),
         (msg, msg_len, answer, len), NULL)
RESOLVER(res_nquery,
         (void *state, const char *name, int class, int type, unsigned char *answer, int len),
         (state, name, class, type, answer, len), state)
RESOLVER(res_nsearch,
         (void *state, const char *name, int class, int type, unsigned char *answer, int len),
         (state, name, class, type, answer, len), state)
RESOLVER(res_nquerydomain,
         (void *state, const char *name, const char *domain, int class, int type,
          unsigned char *answer, int len),
         (state, name, domain, class, type, answer, len), state)
RESOLVER(res_nsend,
         (void *state, const unsigned char *msg, int msg_len, unsigned char *answer, int len),
         (state, msg, msg_len, answer, len), state)
