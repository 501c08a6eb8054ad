/* SPDX-License-Identifier: MIT */
/* The blocking driver: step in a loop around poll(2), as patient and as interruptible as the
 * kernel's own connect(2). */
#include "pending_record.h"

#include "real.h"
#include "sys.h"

#include <fcntl.h>
#include <sys/time.h>

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

/* The wait was interrupted, so some handler ran. One with SA_RESTART would have let connect(2) go
 * on, and which one it was cannot be known: was it perhaps one without? */
static bool wants_eintr(uint64_t blocked)
{
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

/* Milliseconds of the socket's own SO_SNDTIMEO, rounded up; 0: none. Under the claim, for another
 * thread's step may have its short one there. */
static int64_t own_timeout(const struct hf_tunnel *tunnel)
{
        struct timeval tv = {0};
        socklen_t len = sizeof tv;
        uint64_t mask = hf_signals_block();

        hf_pending_claim_patiently(tunnel->record);
        hf_sys_getsockopt(tunnel->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, &len);
        hf_pending_release(tunnel, mask);
        return hf_pending_ms(&tv);
}

/* The caller of a blocking connect() is told to come again. */
static void leave(const struct hf_tunnel *tunnel)
{
        uint64_t mask = hf_signals_block();

        hf_pending_claim_patiently(tunnel->record);
        if (atomic_load_explicit(&tunnel->record->id, memory_order_relaxed) == tunnel->id)
                tunnel->record->left = true;
        hf_pending_release(tunnel, mask);
}

/* Signals are blocked but in here, with the thread's own MASK. connect(2) is a cancellation point,
 * so this is libc's. errno stays as it was. */
static int wait_for(int fd, short events, int ms, uint64_t mask)
{
        struct pollfd pfd = {.fd = fd, .events = events};
        const struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};
        sigset_t set;
        int saved = errno, r;

        memset(&set, 0, sizeof set);
        memcpy(&set, &mask, sizeof mask);
        r = hf_real_ppoll(&pfd, events ? 1 : 0, &ts, &set);
        if (r < 0)
                r = -errno;
        errno = saved;
        return r;
}

/* It ended by another hand: what became of it? */
static int look_back(int fd)
{
        struct sockaddr_storage sa;
        socklen_t len = sizeof sa;

        return hf_syscall3(SYS_getpeername, fd, &sa, &len) < 0 ? -ECONNABORTED : 0;
}

/* On a socket whose connect(2) gave EINPROGRESS the kernel's own connect has yet to return 0 once.
 * Ours is about to. (The kernel looks at the state only, not at the address.) */
static void settle(int fd)
{
        const struct sockaddr_in sa = {.sin_family = AF_INET};

        hf_sys_connect(fd, &sa, sizeof sa);
}

int hf_pending_conclude(const struct hf_tunnel *tunnel, enum hf_progress progress,
                        const struct hf_step *step, bool for_connect)
{
        int r;

        if (progress == HF_GONE)
                return look_back(tunnel->fd);
        if (step->result == 0 && step->settle && for_connect)
                settle(tunnel->fd);
        if (!step->kept)
                return step->result;
        r = hf_pending_collect(tunnel, for_connect);
        return r == HF_NOTHING ? step->result : r;
}

/* The caller's patience. */
struct patience {
        bool may_leave; /* a record that nobody could find again must not be left behind */
        int64_t since, own_ms;
        int expired;
        uint64_t mask; /* the thread's own */
};

/* From a step that goes on, to the end. With all signals blocked, but while it waits. */
static int drive(const struct hf_tunnel *tunnel, struct hf_step step, const struct patience *may)
{
        struct hf_tunnel again = *tunnel;
        enum hf_progress progress = HF_GOES_ON;

        again.checked = false; /* while we wait, another thread may close it */
        while (progress == HF_GOES_ON) {
                int ms = step.ms, n;

                if (may->own_ms > 0 && may->may_leave) {
                        int64_t left = may->since + may->own_ms - hf_sys_now();

                        if (left <= 0) {
                                leave(tunnel);
                                return may->expired;
                        }
                        if (left < ms)
                                ms = (int)left;
                }
                n = wait_for(tunnel->fd, step.events, ms, may->mask);
                if (n == -EINTR && may->may_leave && (may->own_ms > 0 || wants_eintr(may->mask))) {
                        leave(tunnel);
                        return -EINTR;
                }
                progress = hf_pending_step_masked(&again, &step);
        }
        return hf_pending_conclude(tunnel, progress, &step, may->expired != -EAGAIN);
}

int hf_pending_drive(const struct hf_tunnel *tunnel, int expired)
{
        struct patience may = {.may_leave = true, .expired = expired, .mask = hf_signals_block()};
        struct hf_step step;
        enum hf_progress progress = hf_pending_step_masked(tunnel, &step);
        int r;

        if (progress == HF_GOES_ON) {
                may.own_ms = own_timeout(tunnel);
                may.since = hf_sys_now();
                r = drive(tunnel, step, &may);
        } else {
                r = hf_pending_conclude(tunnel, progress, &step, expired != -EAGAIN);
        }
        hf_signals_restore(may.mask);
        return r;
}

int hf_pending_drive_on(const struct hf_tunnel *tunnel, const struct hf_step *step, int64_t own_ms,
                        uint64_t mask)
{
        const struct patience may = {.may_leave = !tunnel->alone,
                                     .since = hf_sys_now(),
                                     .own_ms = own_ms,
                                     .expired = -EINPROGRESS,
                                     .mask = mask};

        return drive(tunnel, *step, &may);
}

void hf_pending_drive_to_end(const struct hf_tunnel *tunnel)
{
        struct hf_tunnel again = *tunnel;
        struct hf_step step;

        while (hf_pending_step(&again, &step) == HF_GOES_ON) {
                struct pollfd pfd = {.fd = tunnel->fd, .events = step.events};

                hf_sys_poll(&pfd, step.events ? 1 : 0, step.ms);
                again.checked = false;
        }
}
