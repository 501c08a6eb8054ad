/* SPDX-License-Identifier: MIT */
#include "sys.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

int64_t hf_sys_now(void)
{
        return hf_sys_now_ns() / 1000000;
}

void *hf_sys_map(size_t size)
{
        long p = hf_syscall6(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        return p < 0 && p > -4096 ? NULL : (void *)p;
}

void *hf_sys_map_first(_Atomic(void *) *place, size_t size)
{
        void *mapped = NULL, *fresh = hf_sys_map(size);

        if (!fresh)
                return atomic_load_explicit(place, memory_order_acquire);
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
