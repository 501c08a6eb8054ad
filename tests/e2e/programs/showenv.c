/* SPDX-License-Identifier: MIT */
/* showenv environ|getenv|secure_getenv NAME…: one line "NAME=value" for each NAME that is set, as
 * the source named has it. Reads `environ` itself: libc's getenv() may be somebody's hook. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

static const char *from_environ(const char *name)
{
        size_t n = strlen(name);

        for (char **entry = environ; entry && *entry; entry++)
                if (!strncmp(*entry, name, n) && (*entry)[n] == '=')
                        return *entry + n + 1;
        return NULL;
}

int main(int argc, char *argv[])
{
        const char *source = argc > 1 ? argv[1] : "";

        for (int i = 2; i < argc; i++) {
                const char *value = !strcmp(source, "environ")         ? from_environ(argv[i])
                                    : !strcmp(source, "secure_getenv") ? secure_getenv(argv[i])
                                                                       : getenv(argv[i]);

                if (value)
                        printf("%s=%s\n", argv[i], value);
        }
        return 0;
}
