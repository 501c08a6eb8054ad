/* SPDX-License-Identifier: MIT */
/* The blocking driver: step in a loop around poll(2), as patient and as interruptible as the
 * kernel's own connect(2). */
#include "pending_record.h"

#include "sys.h"

#include <fcntl.h>
#include <sys/time.h>

#define WATCH_MS 5 /* between two looks at what another thread drives */

/* The kernel's own layout, equal on both machines as far as this reads: libc's sigaction() is not
 * called, as sanitizers and others stand in front of it. */
struct kernel_sigaction {
        uintptr_t handler;
        unsigned long flags;
        unsigned char rest[48];
};

/* Signals of a thread's own faults, which cannot come while it waits (fault handlers of runtimes
 * and sanitizers lack SA_RESTART), and those that libcs keep for themselves. */
static bool is_no_interruption(int sig)
{
        return sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL ||
               sig == SIGTRAP || sig == SIGSYS || (sig >= 32 && sig <= 34);
}

/* poll(2) was interrupted, so some handler ran. One with SA_RESTART would have let connect(2) go
 * on, and which one it was cannot be known: was it perhaps one without? */
static bool wants_eintr(void)
{
        uint64_t blocked = hf_signals_block();

        hf_signals_restore(blocked);
        for (int sig = 1; sig <= 64; sig++) {
                struct kernel_sigaction action = {0};

                if ((blocked >> (sig - 1) & 1) || is_no_interruption(sig))
                        continue;
                if (hf_syscall6(SYS_rt_sigaction, sig, 0, (long)&action, 8, 0, 0) < 0)
                        continue;
                if (action.handler != (uintptr_t)SIG_DFL && action.handler != (uintptr_t)SIG_IGN &&
                    !(action.flags & SA_RESTART))
                        return true;
        }
        return false;
}

/* Milliseconds of the socket's own SO_SNDTIMEO, rounded up; 0: none; -1: not known yet, as another
 * thread is in a step and may have its short one there. */
static int64_t own_timeout(const struct hf_tunnel *tunnel)
{
        struct timeval tv = {0};
        socklen_t len = sizeof tv;
        uint64_t mask = hf_signals_block();
        int64_t own = -1;

        if (hf_pending_claim(tunnel->record)) {
                hf_sys_getsockopt(tunnel->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, &len);
                hf_pending_unclaim(tunnel->record);
                own = (int64_t)tv.tv_sec * 1000 + (tv.tv_usec + 999) / 1000;
        }
        hf_signals_restore(mask);
        return own;
}

/* Becomes the thread that drives RECORD. Not if another one does; one that is gone (a fork's copy
 * has its caller's threads no longer, a handler may have jumped out of it) drives no more. */
static bool take_over(struct hf_pending *record, int self)
{
        int other = 0;

        while (!atomic_compare_exchange_strong(&record->driver, &other, self)) {
                if (other == self)
                        return true;
                if (other && hf_syscall3(SYS_tgkill, hf_sys_getpid(), other, 0) != -ESRCH)
                        return false;
        }
        return true;
}

/* A step, or the wait for another thread's. */
static bool step_or_watch(const struct hf_tunnel *tunnel, int self, int *ret_result,
                          short *ret_events, int *ret_wait_ms)
{
        if (take_over(tunnel->record, self))
                return hf_pending_step(tunnel, ret_result, ret_events, ret_wait_ms);
        *ret_events = 0;
        *ret_wait_ms = WATCH_MS;
        if (atomic_load_explicit(&tunnel->record->id, memory_order_acquire) == tunnel->id)
                return false;
        *ret_result = hf_pending_look_back(tunnel->fd);
        return true;
}

static void retire(struct hf_pending *record, int self)
{
        atomic_compare_exchange_strong(&record->driver, &self, 0);
}

int hf_pending_drive(const struct hf_tunnel *tunnel, bool again)
{
        long flags = hf_syscall3(SYS_fcntl, tunnel->fd, F_GETFL, 0);
        bool blocks = flags >= 0 && !(flags & O_NONBLOCK);
        int64_t own = blocks ? -1 : 0, since = hf_sys_now();
        int self = (int)hf_syscall3(SYS_gettid, 0, 0, 0), result;

        /* A record that nobody could find again must not be left behind. */
        bool may_leave = blocks && !tunnel->alone;

        for (;;) {
                struct pollfd pfd = {.fd = tunnel->fd};
                int wait_ms, n;

                if (step_or_watch(tunnel, self, &result, &pfd.events, &wait_ms))
                        return result; /* the record is another's by now */
                if (own < 0)
                        own = own_timeout(tunnel);
                if (own > 0 && may_leave) {
                        int64_t left = since + own - hf_sys_now();

                        if (left <= 0) {
                                result = again ? -EALREADY : -EINPROGRESS;
                                break;
                        }
                        if (left < wait_ms)
                                wait_ms = (int)left;
                }
                n = hf_sys_poll(&pfd, pfd.events ? 1 : 0, wait_ms);
                if (n == -EINTR && may_leave && (own > 0 || wants_eintr())) {
                        result = -EINTR;
                        break;
                }
        }
        retire(tunnel->record, self);
        return result;
}
