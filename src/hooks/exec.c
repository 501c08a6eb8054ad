/* SPDX-License-Identifier: MIT */
/* The functions that start a program: it gets what this library hides from this process (see
 * process/children.h). Each only finds its envp and goes on with libc's function.
 *
 * All of them, as none calls another one that could be ours: in glibc 2.36 and in musl 1.2.3
 * execv, execvp, execl, execlp, execle, fexecve, posix_spawn, posix_spawnp, system, popen and
 * wordexp reach exec by a name inside libc, with an interposed execve, execvpe and
 * posix_spawn not one of them comes by. (tests/preload/test_exec.c would not pass otherwise.)
 *
 * system(), popen() and wordexp() are not hooked. They take no envp: another environment than
 * `environ` could only be given to them by changing that, for as long as the command runs and under
 * the eyes of every other thread. What they start is /bin/sh, a shell, which with this library in
 * it is hidden nothing from (design.md 2): its constructor puts back what is hidden here, so that
 * whatever the command starts has it. What is lost is a static program started by a /bin/sh that
 * is static itself, or from whose environment the program took LD_PRELOAD.
 *
 * No <unistd.h>, <spawn.h>: their attributes would let the compiler drop checks. */
#include "exec.h"

#include "hook.h"

#include "process/real.h"

#include <stdarg.h>
#include <stdint.h>

HF_EXPORT int execve(const char *path, char *const *argv, char *const *envp);
HF_EXPORT int execv(const char *path, char *const *argv);
HF_EXPORT int execvp(const char *file, char *const *argv);
HF_EXPORT int execvpe(const char *file, char *const *argv, char *const *envp);
HF_EXPORT int execl(const char *path, const char *arg, ...);
HF_EXPORT int execlp(const char *file, const char *arg, ...);
HF_EXPORT int execle(const char *path, const char *arg, ...);
HF_EXPORT int fexecve(int fd, char *const *argv, char *const *envp);
HF_EXPORT int execveat(int dirfd, const char *path, char *const *argv, char *const *envp,
                       int flags);
HF_EXPORT int posix_spawn(pid_t *pid, const char *path, const void *actions, const void *attr,
                          char *const *argv, char *const *envp);
HF_EXPORT int posix_spawnp(pid_t *pid, const char *file, const void *actions, const void *attr,
                           char *const *argv, char *const *envp);
HF_EXPORT int pidfd_spawn(int *pidfd, const char *path, const void *actions, const void *attr,
                          char *const *argv, char *const *envp);
HF_EXPORT int pidfd_spawnp(int *pidfd, const char *file, const void *actions, const void *attr,
                           char *const *argv, char *const *envp);

extern char **environ;

int hf_exec(char *const *envp, hf_children_exec *exec, const void *call)
{
        int saved = errno, r;

        if (!hf_children_ask(envp))
                return exec(call, envp);
        r = hf_children_run(envp, exec, call);
        /* An environment that only just fits is worth more than what we would add. */
        if ((r < 0 ? errno : r) != E2BIG)
                return r;
        errno = saved;
        return exec(call, envp);
}

/* ---- exec ---- */

struct exec {
        const char *path;
        char *const *argv;
        int fd, flags;
};

static int by_execve(const void *call, char *const *envp)
{
        const struct exec *x = call;

        return hf_real_execve(x->path, x->argv, envp);
}

static int by_execvpe(const void *call, char *const *envp)
{
        const struct exec *x = call;

        return hf_real_execvpe(x->path, x->argv, envp);
}

static int by_fexecve(const void *call, char *const *envp)
{
        const struct exec *x = call;

        return hf_real_fexecve(x->fd, x->argv, envp);
}

static int by_execveat(const void *call, char *const *envp)
{
        const struct exec *x = call;

        return hf_real_execveat(x->fd, x->path, x->argv, envp, x->flags);
}

static int exec_path(const char *path, char *const *argv, char *const *envp)
{
        return hf_exec(envp, by_execve, &(const struct exec){.path = path, .argv = argv});
}

static int exec_file(const char *file, char *const *argv, char *const *envp)
{
        return hf_exec(envp, by_execvpe, &(const struct exec){.path = file, .argv = argv});
}

/* Those without an envp are libc's own where nothing is to be added. */

static int exec_path_as_is(const char *path, char *const *argv)
{
        return hf_children_ask(environ) ? exec_path(path, argv, environ)
                                        : hf_real_execv(path, argv);
}

static int exec_file_as_is(const char *file, char *const *argv)
{
        return hf_children_ask(environ) ? exec_file(file, argv, environ)
                                        : hf_real_execvp(file, argv);
}

int execve(const char *path, char *const *argv, char *const *envp)
{
        return exec_path(path, argv, envp);
}

int execvpe(const char *file, char *const *argv, char *const *envp)
{
        return exec_file(file, argv, envp);
}

int execv(const char *path, char *const *argv)
{
        return exec_path_as_is(path, argv);
}

int execvp(const char *file, char *const *argv)
{
        return exec_file_as_is(file, argv);
}

int fexecve(int fd, char *const *argv, char *const *envp)
{
        return hf_exec(envp, by_fexecve, &(const struct exec){.fd = fd, .argv = argv});
}

int execveat(int dirfd, const char *path, char *const *argv, char *const *envp, int flags)
{
        const struct exec x = {.path = path, .argv = argv, .fd = dirfd, .flags = flags};

        return hf_exec(envp, by_execveat, &x);
}

/* ---- with the arguments one by one: as libc does it, they become an array on the stack ---- */

/* ARG and what AP holds, with the NULL that ends them. */
static size_t count_args(const char *arg, va_list *ap)
{
        size_t n = 1;

        for (; arg; arg = va_arg(*ap, const char *))
                n++;
        return n;
}

static void take_args(char **argv, const char *arg, va_list *ap)
{
        for (; arg; arg = va_arg(*ap, const char *))
                *argv++ = (char *)(uintptr_t)arg;
        *argv = NULL;
}

/* ARGV becomes the array, in the frame of the caller; AP stands behind the NULL. */
#define TAKE_ARGS(argv, ap, arg)                                                                   \
        va_start(ap, arg);                                                                         \
        (argv) = __builtin_alloca(count_args(arg, &(ap)) * sizeof *(argv));                        \
        va_end(ap);                                                                                \
        va_start(ap, arg);                                                                         \
        take_args(argv, arg, &(ap))

int execl(const char *path, const char *arg, ...)
{
        char **argv;
        va_list ap;

        TAKE_ARGS(argv, ap, arg);
        va_end(ap);
        return exec_path_as_is(path, argv);
}

int execlp(const char *file, const char *arg, ...)
{
        char **argv;
        va_list ap;

        TAKE_ARGS(argv, ap, arg);
        va_end(ap);
        return exec_file_as_is(file, argv);
}

int execle(const char *path, const char *arg, ...)
{
        char **argv;
        char *const *envp;
        va_list ap;

        TAKE_ARGS(argv, ap, arg);
        envp = va_arg(ap, char *const *);
        va_end(ap);
        return exec_path(path, argv, envp);
}

/* ---- spawn ---- */

struct spawn {
        int *id; /* a pid_t or a descriptor */
        const char *path;
        const void *actions, *attr;
        char *const *argv;
};

#define BY(name)                                                                                   \
        static int by_##name(const void *call, char *const *envp)                                  \
        {                                                                                          \
                const struct spawn *x = call;                                                      \
                                                                                                   \
                return hf_real_##name(x->id, x->path, x->actions, x->attr, x->argv, envp);         \
        }
BY(posix_spawn)
BY(posix_spawnp)
BY(pidfd_spawn)
BY(pidfd_spawnp)

int posix_spawn(pid_t *pid, const char *path, const void *actions, const void *attr,
                char *const *argv, char *const *envp)
{
        return hf_exec(envp, by_posix_spawn, &(const struct spawn){pid, path, actions, attr, argv});
}

int posix_spawnp(pid_t *pid, const char *file, const void *actions, const void *attr,
                 char *const *argv, char *const *envp)
{
        return hf_exec(envp, by_posix_spawnp,
                       &(const struct spawn){pid, file, actions, attr, argv});
}

int pidfd_spawn(int *pidfd, const char *path, const void *actions, const void *attr,
                char *const *argv, char *const *envp)
{
        return hf_exec(envp, by_pidfd_spawn,
                       &(const struct spawn){pidfd, path, actions, attr, argv});
}

int pidfd_spawnp(int *pidfd, const char *file, const void *actions, const void *attr,
                 char *const *argv, char *const *envp)
{
        return hf_exec(envp, by_pidfd_spawnp,
                       &(const struct spawn){pidfd, file, actions, attr, argv});
}
