/* SPDX-License-Identifier: MIT */
/* The exec family where libc's functions are not to be had (see real.h): what is a system call, or
 * nearly one. */
#include "real.h"

#include "sys.h"

#include <errno.h>

#define EMPTY_PATH 0x1000 /* AT_EMPTY_PATH */

extern char **environ;

/* It only returns if it failed. */
static int failed(long r)
{
        errno = (int)-r;
        return -1;
}

int hf_fallback_execve(const char *path, char *const *argv, char *const *envp)
{
        return failed(hf_syscall3(SYS_execve, path, argv, envp));
}

int hf_fallback_execv(const char *path, char *const *argv)
{
        return hf_fallback_execve(path, argv, environ);
}

/* (Without a search.) */
int hf_fallback_execvpe(const char *file, char *const *argv, char *const *envp)
{
        if (memchr(file, '/', strlen(file)))
                return hf_fallback_execve(file, argv, envp);
        return failed(-ENOSYS);
}

int hf_fallback_execvp(const char *file, char *const *argv)
{
        return hf_fallback_execvpe(file, argv, environ);
}

int hf_fallback_execveat(int dirfd, const char *path, char *const *argv, char *const *envp,
                         int flags)
{
        return failed(
                hf_syscall6(SYS_execveat, dirfd, (long)path, (long)argv, (long)envp, flags, 0));
}

int hf_fallback_fexecve(int fd, char *const *argv, char *const *envp)
{
        return hf_fallback_execveat(fd, "", argv, envp, EMPTY_PATH);
}

int hf_fallback_posix_spawn(pid_t *pid, const char *path, const void *actions, const void *attr,
                            char *const *argv, char *const *envp)
{
        (void)pid, (void)path, (void)actions, (void)attr, (void)argv, (void)envp;
        return ENOSYS;
}

int hf_fallback_posix_spawnp(pid_t *pid, const char *file, const void *actions, const void *attr,
                             char *const *argv, char *const *envp)
{
        (void)pid, (void)file, (void)actions, (void)attr, (void)argv, (void)envp;
        return ENOSYS;
}

int hf_fallback_pidfd_spawn(int *pidfd, const char *path, const void *actions, const void *attr,
                            char *const *argv, char *const *envp)
{
        (void)pidfd, (void)path, (void)actions, (void)attr, (void)argv, (void)envp;
        return ENOSYS;
}

int hf_fallback_pidfd_spawnp(int *pidfd, const char *file, const void *actions, const void *attr,
                             char *const *argv, char *const *envp)
{
        (void)pidfd, (void)file, (void)actions, (void)attr, (void)argv, (void)envp;
        return ENOSYS;
}
