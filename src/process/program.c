/* SPDX-License-Identifier: MIT */
#include "program.h"

#include "sys.h"

#include "core/elf.h"
#include "core/program.h"

#include <elf.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/auxv.h>

#define PATH_SIZE 512 /* on the stack of whoever calls getenv() */

/* 0: not known yet, 1: no, 2: yes */
static bool known(_Atomic(int) *place, bool find(void))
{
        int value = atomic_load_explicit(place, memory_order_relaxed);

        if (!value) {
                value = find() ? 2 : 1;
                atomic_store_explicit(place, value, memory_order_relaxed);
        }
        return value == 2;
}

static bool has_go_note(void)
{
        const Elf64_Phdr *ph = (const Elf64_Phdr *)getauxval(AT_PHDR);
        size_t n = getauxval(AT_PHNUM);
        uintptr_t base = 0;

        if (!ph || getauxval(AT_PHENT) != sizeof *ph)
                return false;
        for (size_t i = 0; i < n; i++)
                if (ph[i].p_type == PT_PHDR)
                        base = (uintptr_t)ph - ph[i].p_vaddr;
        for (size_t i = 0; i < n; i++)
                if (ph[i].p_type == PT_NOTE &&
                    hf_elf_has_note(
                            (struct hf_span){(const char *)(base + ph[i].p_vaddr), ph[i].p_memsz},
                            HF_SPAN("Go")))
                        return true;
        return false;
}

bool hf_program_is_go(void)
{
        static _Atomic(int) go;

        return known(&go, has_go_note);
}

/* What follows the last '/'. */
static struct hf_span last_part(struct hf_span path)
{
        return path.s ? hf_span_from(path, hf_span_behind_last(path, '/')) : path;
}

/* The file itself, as links to it may be called anything, and scripts are; where there is no /proc
 * (or its path is too long), the name that it was started by. */
static bool has_launchers_name(void)
{
        static const char deleted[] = " (deleted)"; /* an update replaced the file meanwhile */
        const size_t tail = sizeof deleted - 1;
        char buf[PATH_SIZE];
        long n = hf_syscall6(SYS_readlinkat, AT_FDCWD, (long)"/proc/self/exe", (long)buf,
                             sizeof buf, 0, 0);
        bool whole = n > 0 && n < PATH_SIZE;
        struct hf_span called = hf_span((const char *)getauxval(AT_EXECFN));
        struct hf_span path = whole ? (struct hf_span){buf, (size_t)n} : called;

        if (whole && path.n > tail && !memcmp(path.s + path.n - tail, deleted, tail))
                path.n -= tail;
        return hf_program_launches(last_part(path), last_part(called));
}

bool hf_program_is_launcher(void)
{
        static _Atomic(int) launcher;

        return known(&launcher, has_launchers_name);
}
