/* SPDX-License-Identifier: MIT */
#include "sys.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

int64_t hf_sys_now(void)
{
        struct timespec ts = {0, 0};

        hf_syscall3(SYS_clock_gettime, CLOCK_MONOTONIC, &ts, 0);
        return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void *hf_sys_map(size_t size)
{
        long p = hf_syscall6(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        return p < 0 && p > -4096 ? NULL : (void *)p;
}

void *hf_sys_map_once(_Atomic(void *) *place, size_t size)
{
        void *mapped = atomic_load_explicit(place, memory_order_acquire), *fresh;

        if (mapped || !(fresh = hf_sys_map(size)))
                return mapped;
        if (atomic_compare_exchange_strong(place, &mapped, fresh))
                return fresh;
        hf_sys_unmap(fresh, size); /* another thread was faster */
        return mapped;
}

int hf_sys_fstat(int fd, struct stat *ret_st)
{
        memset(ret_st, 0, sizeof *ret_st);
        return (int)hf_syscall3(SYS_fstat, fd, ret_st, 0);
}

/* rt_sigprocmask(2) copies 8 bytes in before it looks at `how`: EFAULT if they cannot be read,
 * EINVAL, as -1 is no such thing, if they can. */
static bool word_readable(uintptr_t at)
{
        return hf_syscall6(SYS_rt_sigprocmask, -1, (long)at, 0, 8, 0, 0) != -EFAULT;
}

bool hf_sys_readable(const void *p, size_t n)
{
        uintptr_t at = (uintptr_t)p;

        if (n < 8)
                return n == 0 || (word_readable(at & ~(uintptr_t)7) &&
                                  word_readable((at + n - 1) & ~(uintptr_t)7));
        for (size_t i = 0; i + 8 < n; i += 2048)
                if (!word_readable(at + i))
                        return false;
        return word_readable(at + n - 8);
}
