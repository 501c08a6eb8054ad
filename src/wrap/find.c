/* SPDX-License-Identifier: MIT */
#include "wrap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* 0 if PATH is a file that this process may execute. */
static int usable(const char *path)
{
        struct stat st;

        if (stat(path, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        if (!S_ISREG(st.st_mode) || faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
                return -EACCES;
        return 0;
}

int hf_find(const char *command, char *ret_path)
{
        const char *dirs = getenv("PATH");
        int result = -ENOENT;

        if (strlen(command) >= PATH_MAX)
                return -ENAMETOOLONG;
        if (strchr(command, '/')) {
                (void)snprintf(ret_path, PATH_MAX, "%s", command);
                return usable(command);
        }
        if (*command == '\0')
                return -ENOENT;
        if (!dirs)
                dirs = "/bin:/usr/bin"; /* glibc's execvp(3) */
        for (;;) {
                int len = (int)strcspn(dirs, ":"), n, r;

                /* An empty element is the working directory. */
                n = snprintf(ret_path, PATH_MAX, "%.*s%s%s", len, dirs, len > 0 ? "/" : "",
                             command);
                r = n > 0 && n < PATH_MAX ? usable(ret_path) : -ENOENT;
                if (r == 0)
                        return 0;
                /* As execvp(3): what is there but not executable is reported only if nothing else
                 * of that name can be run. */
                if (r == -EACCES || r == -EISDIR)
                        result = r;
                if (dirs[len] == '\0')
                        return result;
                dirs += len + 1;
        }
}
