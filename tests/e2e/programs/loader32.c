/* SPDX-License-Identifier: MIT */
/* A program loader for 32-bit x86 that needs no 32-bit libc: the kernel starts it in place of
 * ld-linux.so.2, and it prints the environment that it got, a line an entry. */
static int system_call(int nr, int a, const void *b, unsigned c)
{
        int ret;

        __asm__ volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
        return ret;
}

/* The stack at start: argc, argv…, NULL, environment…, NULL. */
__attribute__((used)) static void print_environment(char **stack)
{
        char **entry = stack + 1 + (int)stack[0] + 1;

        for (; *entry; entry++) {
                unsigned n = 0;

                while ((*entry)[n])
                        n++;
                system_call(4 /* write */, 1, *entry, n);
                system_call(4, 1, "\n", 1);
        }
        system_call(1 /* exit */, 0, 0, 0);
}

__asm__(".globl _start\n_start:\n\tpushl %esp\n\tcall print_environment\n");
