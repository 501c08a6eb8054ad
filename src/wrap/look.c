/* SPDX-License-Identifier: MIT */
#include "wrap.h"
#include "core/elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SCRIPTS_MAX 4 /* interpreters that are scripts themselves; the kernel follows four */

#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#endif

/* Would the kernel start the file in secure mode (AT_SECURE), in which ld.so preloads nothing? A
 * setuid file of the caller's own changes nothing, and neither does any under no_new_privs or
 * nosuid. */
static bool is_secure(const char *path, const struct stat *st)
{
        struct statvfs fs;

        if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
                return false;
        if (statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOSUID))
                return false;
        if ((st->st_mode & S_ISUID) && st->st_uid != getuid())
                return true;
        if ((st->st_mode & S_ISGID) && (st->st_mode & S_IXGRP) && st->st_gid != getgid())
                return true;
        return getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0;
}

/* The first word of *REST, which moves past it. */
static struct hf_span next_word(struct hf_span *rest)
{
        struct hf_span word;

        while (rest->n > 0 && hf_is_blank(*rest->s))
                rest->s++, rest->n--;
        word = (struct hf_span){rest->s, 0};
        while (rest->n > 0 && !hf_is_blank(*rest->s))
                rest->s++, rest->n--, word.n++;
        return word;
}

/* What env(1) would run for the words behind it on a "#!" line: options and assignments are passed
 * over, and "-S" at most changes how the line is split. */
static struct hf_span env_command(struct hf_span words)
{
        struct hf_span word;

        do
                word = next_word(&words);
        while (word.n > 0 && (word.s[0] == '-' || memchr(word.s, '=', word.n)));
        return word;
}

/* The interpreter of the script IMAGE, as a file, in RET_PATH. False when it is none or nothing can
 * be told about it. */
static bool find_interpreter(struct hf_span image, char *ret_path)
{
        struct hf_span interp, line;
        const char *slash, *end;
        char name[PATH_MAX];

        if (!hf_elf_shebang(image, &interp) || interp.n >= PATH_MAX)
                return false;
        memcpy(ret_path, interp.s, interp.n);
        ret_path[interp.n] = '\0';

        slash = strrchr(ret_path, '/');
        if (strcmp(slash ? slash + 1 : ret_path, "env") != 0)
                return true;
        line = (struct hf_span){interp.s + interp.n,
                                (size_t)(image.s + image.n - interp.s) - interp.n};
        end = memchr(line.s, '\n', line.n);
        if (end)
                line.n = (size_t)(end - line.s);
        line = env_command(line);
        if (line.n == 0 || line.n >= sizeof(name))
                return false;
        memcpy(name, line.s, line.n);
        name[line.n] = '\0';
        return hf_find(name, ret_path) == 0;
}

static enum hf_look judge(const char *path, const struct stat *st, struct hf_span image)
{
        struct hf_elf elf;

        hf_elf_read(image, &elf);
        if (elf.kind != HF_ELF_DYNAMIC && elf.kind != HF_ELF_STATIC)
                return HF_LOOK_FINE; /* the kernel will say what it is */
        if (is_secure(path, st))
                return HF_LOOK_SECURE;
        if (elf.go)
                return HF_LOOK_GO;
        if (elf.kind == HF_ELF_STATIC)
                return HF_LOOK_STATIC;
        if (!elf.is64)
                return HF_LOOK_32BIT;
        return elf.machine == OWN_MACHINE ? HF_LOOK_FINE : HF_LOOK_MACHINE;
}

enum hf_look hf_look(const char *path, char *ret_path)
{
        char next[PATH_MAX];

        (void)snprintf(ret_path, PATH_MAX, "%s", path);
        for (int depth = 0;; depth++) {
                enum hf_look look = HF_LOOK_FINE;
                struct hf_span image = {NULL, 0};
                bool script = false;
                struct stat st;
                int fd;

                /* One that may be run but not read tells us nothing. */
                fd = open(ret_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
                if (fd < 0)
                        return HF_LOOK_FINE;
                if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
                        void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

                        if (map != MAP_FAILED)
                                image = (struct hf_span){map, (size_t)st.st_size};
                }
                close(fd);
                if (!image.s)
                        return HF_LOOK_FINE;
                script = find_interpreter(image, next);
                if (!script)
                        look = judge(ret_path, &st, image);
                munmap((void *)(uintptr_t)image.s, image.n);
                if (!script || depth == SCRIPTS_MAX)
                        return look;
                (void)snprintf(ret_path, PATH_MAX, "%s", next);
        }
}
