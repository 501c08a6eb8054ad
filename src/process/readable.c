/* SPDX-License-Identifier: MIT */
/* Can it be read? Where a program keeps most of what it passes, its stack and its own static data,
 * that is known; elsewhere the kernel is asked. */
#include "sys.h"

#include <errno.h>
#include <link.h>
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

/* In a segment of the executable itself, which is there as long as the process. */
static bool in_program(uintptr_t at, size_t n)
{
        const ElfW(Phdr) *segments = (const ElfW(Phdr) *)getauxval(AT_PHDR);
        unsigned long count = segments ? getauxval(AT_PHNUM) : 0;
        uintptr_t bias = 0;

        for (unsigned long i = 0; i < count; i++) {
                const ElfW(Phdr) *s = &segments[i];

                if (s->p_type == PT_PHDR)
                        bias = (uintptr_t)segments - s->p_vaddr;
                else if (s->p_type == PT_LOAD && s->p_flags & PF_R &&
                         at - bias - s->p_vaddr < s->p_memsz)
                        return n <= s->p_memsz - (at - bias - s->p_vaddr);
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
