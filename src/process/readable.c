/* SPDX-License-Identifier: MIT */
/* Can it be read? Where a program keeps most of what it passes, its stack and its own static data,
 * that is known; elsewhere the kernel is asked. */
#include "sys.h"

#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <sys/auxv.h>

#define STACK_NEAR 8192U /* bytes above a frame that are taken for the caller's stack */
#define PAGE 4096U       /* at the least */

/* Is it on the stack of a function that called us? Above our own frame there is nothing else for
 * quite a while. */
static bool near_stack(uintptr_t at, size_t n)
{
        uintptr_t above = at - (uintptr_t)__builtin_frame_address(0);

        return above < STACK_NEAR && n <= STACK_NEAR - above;
}

/* The segments of the executable itself, which are there as long as the process. Whoever comes
 * first finds them; two at once write the same. */
#define SEGMENTS 8

static struct {
        _Atomic(uintptr_t) at;
        _Atomic(size_t) size;
} segments[SEGMENTS];
static _Atomic(int) segments_found; /* one more than there are; 0: nobody has looked */

static int find_segments(void)
{
        const ElfW(Phdr) *headers = (const ElfW(Phdr) *)getauxval(AT_PHDR);
        unsigned long count = headers ? getauxval(AT_PHNUM) : 0;
        uintptr_t bias = 0;
        int n = 0;

        for (unsigned long i = 0; i < count && n < SEGMENTS; i++) {
                const ElfW(Phdr) *s = &headers[i];

                if (s->p_type == PT_PHDR)
                        bias = (uintptr_t)headers - s->p_vaddr;
                if (s->p_type != PT_LOAD || !(s->p_flags & PF_R))
                        continue;
                atomic_store_explicit(&segments[n].at, bias + s->p_vaddr, memory_order_relaxed);
                atomic_store_explicit(&segments[n++].size, s->p_memsz, memory_order_relaxed);
        }
        atomic_store_explicit(&segments_found, n + 1, memory_order_release);
        return n + 1;
}

static bool in_program(uintptr_t at, size_t n)
{
        int count = atomic_load_explicit(&segments_found, memory_order_acquire);

        if (!count)
                count = find_segments();
        for (int i = 0; i < count - 1; i++) {
                uintptr_t into = at - atomic_load_explicit(&segments[i].at, memory_order_relaxed);
                size_t size = atomic_load_explicit(&segments[i].size, memory_order_relaxed);

                if (into < size)
                        return n <= size - into;
        }
        return false;
}

/* rt_sigprocmask(2) copies 8 bytes in before it looks at `how`: EFAULT if they cannot be read,
 * EINVAL, as -1 is no such thing, if they can. */
bool hf_sys_word_readable(uintptr_t at)
{
        return hf_syscall6(SYS_rt_sigprocmask, -1, (long)at, 0, 8, 0, 0) != -EFAULT;
}

bool hf_sys_readable(const void *p, size_t n)
{
        uintptr_t at = (uintptr_t)p;

        if (!p)
                return n == 0; /* and the kernel would not look */
        if (near_stack(at, n) || in_program(at, n))
                return true;

        if (n < 8)
                return n == 0 || (hf_sys_word_readable(at & ~(uintptr_t)7) &&
                                  hf_sys_word_readable((at + n - 1) & ~(uintptr_t)7));
        if ((at ^ (at + n - 1)) < PAGE) /* in one page */
                return hf_sys_word_readable(at);
        for (size_t i = 0; i + 8 < n; i += 2048)
                if (!hf_sys_word_readable(at + i))
                        return false;
        return hf_sys_word_readable(at + n - 8);
}
