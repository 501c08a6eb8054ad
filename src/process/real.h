/* SPDX-License-Identifier: MIT */
/* The functions that we stand in front of: libc's, or those of a library that was preloaded
 * behind us. Each row of hooks.def is looked up with RTLD_NEXT, all of them in our constructor, one
 * on its own when it is called earlier (other libraries' constructors run first).
 *
 * hf_real_connect(…) and so on are what the rest of the library calls, never connect(…): inside
 * this library that would be our own hook. No lock and no pthread_once: racing look-ups find the
 * same value; one that happens *inside* our own dlsym() (an allocator that reads or connects
 * there), or of a function that this libc does not have, gets the raw system call, or ENOSYS where
 * there is none. */
#pragma once

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

struct addrinfo;
struct gaicb;
struct hostent;
struct mmsghdr;
struct sigevent;

enum hf_real_row {
#define HF_HOOK(ret, name, params, args) HF_REAL_##name,
#include "hooks/hooks.def"
#undef HF_HOOK
        HF_REAL_ROWS
};

extern _Atomic(void *) hf_real_found[HF_REAL_ROWS];

/* Looks up every row; called once by the constructor. */
void hf_real_init(void);

/* Is this thread known to be the only one, so that nothing happens in this process while it sleeps?
 * (glibc's own word, since 2.32; of other libcs nothing is known.) */
extern _Atomic(const char *) hf_real_single_threaded;
static inline bool hf_real_alone(void)
{
        const char *single = atomic_load_explicit(&hf_real_single_threaded, memory_order_relaxed);

        return single && *single;
}

/* What a row has to do that is not looked up yet. */
void *hf_real_resolve(enum hf_real_row row);

/* The call: one load and a jump, as every hook goes through here when it has nothing to do. memcpy:
 * ISO C has no cast from an object pointer to a function pointer. */
#define HF_HOOK(ret, name, params, args)                                                           \
        ret hf_fallback_##name params;                                                             \
        static inline ret hf_real_##name params                                                    \
        {                                                                                          \
                ret(*to) params = hf_fallback_##name;                                              \
                void *at = atomic_load_explicit(&hf_real_found[HF_REAL_##name],                    \
                                                memory_order_acquire);                             \
                                                                                                   \
                if (__builtin_expect(!at, 0))                                                      \
                        at = hf_real_resolve(HF_REAL_##name);                                      \
                if (__builtin_expect(at != NULL, 1))                                               \
                        memcpy(&to, &at, sizeof to);                                               \
                return to args;                                                                    \
        }
#include "hooks/hooks.def"
#undef HF_HOOK
