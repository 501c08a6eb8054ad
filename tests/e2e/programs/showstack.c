/* SPDX-License-Identifier: MIT */
/* showstack NAME…: prints "NAME=value" for each NAME that stands on the stack that the kernel made
 * at exec, whatever `environ` is now: that is what Go's runtime reads. */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
        for (int i = 1; i < argc; i++) {
                size_t n = strlen(argv[i]);

                for (char **entry = argv + argc + 1; *entry; entry++)
                        if (!strncmp(*entry, argv[i], n) && (*entry)[n] == '=')
                                puts(*entry);
        }
        return 0;
}
