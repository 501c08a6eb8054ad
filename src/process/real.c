/* SPDX-License-Identifier: MIT */
#include "real.h"

#include "sys.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

struct addrinfo;

/* The oldest version of the symbol, so that one binary serves every glibc since 2.17: newer ones
 * bind dlsym@GLIBC_2.34, which those do not have. musl takes no notice of versions. */
#if defined(__GLIBC__) && defined(__x86_64__)
__asm__(".symver dlsym,dlsym@GLIBC_2.2.5");
#elif defined(__GLIBC__) && defined(__aarch64__)
__asm__(".symver dlsym,dlsym@GLIBC_2.17");
#endif

enum row {
#define HF_HOOK(ret, name, params, args) ROW_##name,
#include "hooks/hooks.def"
#undef HF_HOOK
        ROWS
};

static const char *const row_names[ROWS] = {
#define HF_HOOK(ret, name, params, args) #name,
#include "hooks/hooks.def"
#undef HF_HOOK
};

static _Atomic(void *) found[ROWS];

/* Is some thread inside our dlsym()? A call that comes then may be dlsym()'s own: it must not wait
 * for itself, so it makes the raw call. Counted, not locked. */
static _Atomic(int) resolving;

static void *resolve(enum row row)
{
        void *f = atomic_load_explicit(&found[row], memory_order_acquire);

        if (f || atomic_load(&resolving) > 0)
                return f;
        atomic_fetch_add(&resolving, 1);
        f = dlsym(RTLD_NEXT, row_names[row]);
        atomic_fetch_sub(&resolving, 1);
        if (f)
                atomic_store_explicit(&found[row], f, memory_order_release);
        return f;
}

void hf_real_init(void)
{
        for (int row = 0; row < ROWS; row++)
                resolve((enum row)row);
}

/* Where the function is not to be had (see above): connect has its system call; the others
 * fail as libc lets them fail. */
static int fallback_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
        int r = hf_sys_connect(fd, addr, len);

        if (r < 0) {
                errno = -r;
                return -1;
        }
        return r;
}

static int fallback_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                                struct addrinfo **res)
{
        (void)node, (void)service, (void)hints, (void)res;
        errno = ENOSYS;
        return -11; /* EAI_SYSTEM */
}

static int unavailable(void)
{
        errno = ENOSYS;
        return -1;
}

static int fallback_setenv(const char *name, const char *value, int overwrite)
{
        (void)name, (void)value, (void)overwrite;
        return unavailable();
}

static int fallback_unsetenv(const char *name)
{
        (void)name;
        return unavailable();
}

static int fallback_putenv(char *entry)
{
        (void)entry;
        return unavailable();
}

static int fallback_clearenv(void)
{
        return unavailable();
}

/* memcpy: ISO C has no cast from an object pointer to a function pointer. */
#define HF_HOOK(ret, name, params, args)                                                           \
        ret hf_real_##name params                                                                  \
        {                                                                                          \
                ret(*f) params = fallback_##name;                                                  \
                void *p = resolve(ROW_##name);                                                     \
                                                                                                   \
                if (p)                                                                             \
                        memcpy(&f, &p, sizeof f);                                                  \
                return f args;                                                                     \
        }
#include "hooks/hooks.def"
#undef HF_HOOK
