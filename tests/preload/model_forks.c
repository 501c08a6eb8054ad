/* SPDX-License-Identifier: MIT */
/* fork(), and how many system calls a poll() takes. */
#define _GNU_SOURCE
#include "model.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <ucontext.h>

/* ---- fork ---- */

static void close_all(unsigned unused)
{
        (void)unused;
        for (unsigned i = 0; i < HANDLES; i++)
                if (fd_at(i) >= 0) {
                        close(fd_at(i));
                        model.handles[i].fd = -1;
                }
}

/* Its end is ours, if it is a bad one. (It has said why.) */
static void wait_for(pid_t child)
{
        int status;

        while (waitpid(child, &status, 0) < 0)
                ;
        if (WIFSIGNALED(status))
                raise(WTERMSIG(status));
        if (WEXITSTATUS(status))
                _exit(WEXITSTATUS(status));
}

/* The script goes on in the child, and here it is over. CLOSES: already now, for this process has
 * no more to do with the sockets; a close() decides nothing. */
static void go_on_in_child(bool closes)
{
        int ready[2];
        pid_t child;
        char byte;

        EXPECT(pipe(ready) == 0 && (child = fork()) >= 0, "fork: %s", strerror(errno));
        if (child == 0) {
                alarm(20);
                close(ready[1]);
                EXPECT(read(ready[0], &byte, 1) == 0, "the parent goes on, too");
                close(ready[0]);
                model.forks++;
                model.is_child |= !closes;
                for (unsigned i = 0; i < SOCKS; i++) {
                        struct sock *s = &model.socks[i];

                        s->foreign |= s->phase == PENDING;
                        if (s->phase == FAILED)
                                s->phase = LOST;
                }
                return;
        }
        model.over = true;
        far_forsake();
        if (closes)
                close_all(0);
        close(ready[0]);
        close(ready[1]);
        alarm(0);
        wait_for(child);
}

static void in_child(void (*what)(unsigned handle), unsigned handle)
{
        pid_t child = fork();

        EXPECT(child >= 0, "fork: %s", strerror(errno));
        if (child == 0) {
                alarm(20);
                what(handle);
                _exit(0);
        }
        wait_for(child);
}

static void nothing(unsigned unused)
{
        (void)unused;
}

/* A wait in which nothing came decides nothing. */
static void look(unsigned unused)
{
        const struct op all = {.a = 255, .b = 2};

        (void)unused;
        op_poll(&all);
}

/* The child is the one that goes on with it. */
static void use(unsigned handle)
{
        struct sock *s = sock_at(handle);
        const struct op poll_it = {.a = (uint8_t)(1U << handle), .b = (uint8_t)(0 + 14 - handle)};
        const struct op send_it = {.a = (uint8_t)handle, .c = 4};

        if (handle < 8)
                op_poll(&poll_it);
        op_send(&send_it);
        EXPECT(s->phase == UP, "it was up");
}

/* Would a step move a byte now? */
static bool anything_moves(void)
{
        for (unsigned i = 0; i < SOCKS; i++) {
                const struct sock *s = &model.socks[i];

                /* What was said to it may not have been looked at. */
                if (s->handles && !s->held && s->phase != IDLE &&
                    (s->phase != PENDING || !s->greeted || s->far.sent > 0))
                        return true;
        }
        return false;
}

/* B: which kind; A: a handle. */
bool op_fork(const struct op *op)
{
        struct sock *s = sock_at(op->a);

        switch (op->b % 7) {
        case 0:
                in_child(nothing, 0);
                return true;
        case 1:
                in_child(close_all, 0);
                return true;
        case 2:
        case 3:
                if (anything_moves())
                        return false;
                in_child(look, 0);
                return true;
        case 4:
                if (!s || s->phase != UP || s->shut || s->reset || s->far.gone || !s->far.reply)
                        return false;
                in_child(use, op->a);
                s->tx += 9;
                s->phase = LOST;
                return true;
        default:
                if (model.forks > 1)
                        return false;
                go_on_in_child(op->b % 7 == 6);
                return true;
        }
}

/* ---- system calls ---- */

/* Its calls are trapped, wherever they come from, for the address of their descriptors. */
static struct pollfd watched = {.fd = -1};
static volatile unsigned traps;

static void on_trap(int sig, siginfo_t *unused, void *context)
{
        ucontext_t *u = context;

        (void)sig, (void)unused;
        traps++;
#if defined(__x86_64__)
        u->uc_mcontext.gregs[REG_RAX] = 0;
#else
        u->uc_mcontext.regs[0] = 0;
#endif
}

void probe_start(void)
{
        const uint64_t at = (uint64_t)(uintptr_t)&watched;
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)at, 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]) + 4),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(at >> 32), 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const struct sock_fprog program = {HF_LEN(code), code};

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
            prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
                printf("Bail out! seccomp: %s\n", strerror(errno));
                exit(1);
        }
}

unsigned probe(void)
{
        const struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
        struct sigaction before;

        sigaction(SIGSYS, &action, &before); /* cmocka has one of its own */
        traps = 0;
        poll(&watched, 1, 1);
        sigaction(SIGSYS, &before, NULL);
        return traps;
}
