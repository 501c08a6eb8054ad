/* SPDX-License-Identifier: MIT */
#include "real.h"

#include <dlfcn.h>

/* The oldest version of the symbol, so that one binary serves every glibc since 2.17: newer ones
 * bind dlsym@GLIBC_2.34, which those do not have. musl takes no notice of versions. */
#if defined(__GLIBC__) && defined(__x86_64__)
__asm__(".symver dlsym,dlsym@GLIBC_2.2.5");
#elif defined(__GLIBC__) && defined(__aarch64__)
__asm__(".symver dlsym,dlsym@GLIBC_2.17");
#endif

static const char *const row_names[HF_REAL_ROWS] = {
#define HF_HOOK(ret, name, params, args) #name,
#include "hooks/hooks.def"
#undef HF_HOOK
};

_Atomic(void *) hf_real_found[HF_REAL_ROWS];

/* Is some thread inside our dlsym()? A call that comes then may be dlsym()'s own: it must not wait
 * for itself, so it makes the raw call. Counted, not locked. */
static _Atomic(int) resolving;

void *hf_real_resolve(enum hf_real_row row)
{
        void *f = atomic_load_explicit(&hf_real_found[row], memory_order_acquire);

        if (f || atomic_load(&resolving) > 0)
                return f;
        atomic_fetch_add(&resolving, 1);
        f = dlsym(RTLD_NEXT, row_names[row]);
        atomic_fetch_sub(&resolving, 1);
        if (f)
                atomic_store_explicit(&hf_real_found[row], f, memory_order_release);
        return f;
}

_Atomic(const char *) hf_real_single_threaded;

void hf_real_init(void)
{
        const char *single = dlsym(RTLD_DEFAULT, "__libc_single_threaded");

        atomic_store_explicit(&hf_real_single_threaded, single, memory_order_relaxed);
        for (int row = 0; row < HF_REAL_ROWS; row++)
                hf_real_resolve((enum hf_real_row)row);
}
