/* SPDX-License-Identifier: MIT */
#include "wrap.h"
#include "core/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

extern char **environ;

/* The first bytes of the file PATH; how many, 0 if it cannot be read. */
static size_t read_start(const char *path, char *buf, size_t size)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, buf, size);

        if (fd >= 0)
                close(fd);
        return n < 0 ? 0 : (size_t)n;
}

/* Does the file look like something for a shell? One with a NUL in its first line is not (POSIX,
 * sh(1)). */
static bool is_text(const char *path)
{
        char buf[256];
        size_t n = read_start(path, buf, sizeof(buf));
        const char *end = memchr(buf, '\n', n);

        return !memchr(buf, '\0', end ? (size_t)(end - buf) : n);
}

/* What execvp(3) does with a script that has no "#!". */
static void run_by_shell(const char *path, char *const argv[])
{
        char **words;
        size_t n = 1;

        while (argv[n - 1])
                n++;
        words = calloc(n + 2, sizeof(*words));
        if (!words)
                return;
        words[0] = (char[]){"/bin/sh"};
        words[1] = (char *)(uintptr_t)path;
        memcpy(words + 2, argv + 1, (n - 1) * sizeof(*words));
        execve(words[0], words, environ);
        free(words);
}

int hf_start(const char *path, char *const argv[])
{
        struct hf_span interp = {NULL, 0};
        char buf[256];
        int error;

        execve(path, argv, environ);
        error = errno;
        if (error == ENOEXEC && is_text(path)) {
                run_by_shell(path, argv);
                error = errno;
        }
        /* The file was there a moment ago: what is missing is what should run it. */
        if (error == ENOENT) {
                struct hf_span image = {buf, read_start(path, buf, sizeof(buf))};

                if (hf_elf_shebang(image, &interp)) {
                        hf_say("cannot run '%s': its interpreter '%.*s' was not found",
                               hf_quotable(argv[0]), (int)interp.n, interp.s);
                        return HF_EXIT_NOT_FOUND;
                }
        }
        hf_say("cannot run '%s': %s", hf_quotable(argv[0]),
               error == ENOENT ? "its program loader was not found" : strerror(error));
        return error == ENOENT ? HF_EXIT_NOT_FOUND : HF_EXIT_CANNOT_RUN;
}
