/* SPDX-License-Identifier: MIT */
/* The blocking driver: step in a loop around poll(2), as patient and as interruptible as the
 * kernel's own connect(2). */
#include "pending_record.h"

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

/* poll(2) was interrupted, so some handler ran. One with SA_RESTART would have let connect(2) go
 * on, and which one it was cannot be known: was it perhaps one without? Signals 32 to 34 are
 * libc's own. */
static bool wants_eintr(void)
{
        uint64_t blocked = hf_signals_block();

        hf_signals_restore(blocked);
        for (int sig = 1; sig <= 64; sig++) {
                struct kernel_sigaction action = {0};

                if ((blocked >> (sig - 1) & 1) || (sig >= 32 && sig <= 34))
                        continue;
                if (hf_syscall6(SYS_rt_sigaction, sig, 0, (long)&action, 8, 0, 0) < 0)
                        continue;
                if (action.handler != (uintptr_t)SIG_DFL && action.handler != (uintptr_t)SIG_IGN &&
                    !(action.flags & SA_RESTART))
                        return true;
        }
        return false;
}

/* Milliseconds of the socket's own SO_SNDTIMEO, rounded up; 0: none. */
static int64_t own_timeout(int fd)
{
        struct timeval tv = {0};
        socklen_t len = sizeof tv;

        if (hf_sys_getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, &len) < 0)
                return 0;
        return (int64_t)tv.tv_sec * 1000 + (tv.tv_usec + 999) / 1000;
}

int hf_pending_drive(const struct hf_tunnel *tunnel, bool again)
{
        long flags = hf_syscall3(SYS_fcntl, tunnel->fd, F_GETFL, 0);
        bool blocks = flags >= 0 && !(flags & O_NONBLOCK);
        int64_t own = blocks ? own_timeout(tunnel->fd) : 0;
        int64_t until = own ? hf_sys_now() + own : 0;

        /* A record that nobody could find again must not be left behind. */
        bool may_leave = blocks && !tunnel->alone;

        for (;;) {
                struct pollfd pfd = {.fd = tunnel->fd};
                int result, wait_ms, n;

                if (hf_pending_step(tunnel, &result, &pfd.events, &wait_ms))
                        return result;
                if (own && may_leave) {
                        int64_t left = until - hf_sys_now();

                        if (left <= 0)
                                return again ? -EALREADY : -EINPROGRESS;
                        if (left < wait_ms)
                                wait_ms = (int)left;
                }
                n = hf_sys_poll(&pfd, 1, wait_ms);
                if (n == -EINTR && may_leave && (own || wants_eintr()))
                        return -EINTR;
        }
}
