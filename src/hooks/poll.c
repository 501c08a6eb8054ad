/* SPDX-License-Identifier: MIT */
/* poll() and its like: a descriptor with a handshake under way is waited on for what the handshake
 * needs; only when that is over does the caller see its own events. */
#include "wait.h"

/* So many are translated on the stack, in half a KiB: a step below us needs over one. */
#define SMALL 48

#define UNASKED (POLLERR | POLLHUP) /* are reported to everybody */

/* A `fate`: the rest of them are events that the real call may not show. */
#define IS_PENDING SHRT_MIN

HF_EXPORT int poll(struct pollfd *fds, nfds_t n, int timeout);
HF_EXPORT int __poll(struct pollfd *fds, nfds_t n, int timeout);
HF_EXPORT int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
                    const sigset_t *mask);
HF_EXPORT int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size);
HF_EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
                          const sigset_t *mask, size_t size);

/* One poll(), as the caller gave it and as the kernel gets it. */
struct call {
        struct pollfd *fds;
        unsigned n;
        struct hf_wait_how *how;
        struct pollfd *copy;
        short *fate; /* of each: IS_PENDING, or what is to be added to its events */
};

static int real(const struct hf_wait_how *how, struct pollfd *fds, unsigned n, int64_t ns)
{
        struct timespec ts;
        const struct timespec *timeout = hf_wait_to_timespec(ns, &ts);

        if (how->by_number)
                return (int)hf_real_syscall(SYS_ppoll, (long)fds, (long)n, (long)timeout,
                                            (long)how->mask, _NSIG / 8, 0);
        if (ns == 0 && !how->mask)
                return hf_real_poll(fds, n, 0);
        return hf_real_ppoll(fds, n, timeout, how->mask);
}

static bool any_pending(const struct pollfd *fds, unsigned n, bool fired)
{
        for (unsigned i = 0; i < n; i++)
                if ((!fired || fds[i].revents) && hf_pending_maybe(fds[i].fd))
                        return true;
        return false;
}

/* Each pending one takes a step. Returns how many stay so. *MS: how long to sleep at most, lowered.
 * *RET_MIXED: a handshake was over behind another that was not; perhaps they are the same, under
 * two entries. */
static unsigned translate(const struct call *call, int *ms, bool *ret_mixed)
{
        unsigned pending = 0;

        *ret_mixed = false;
        for (unsigned i = 0; i < call->n; i++) {
                struct pollfd *p = &call->copy[i];
                struct hf_wait wait;

                *p = call->fds[i];
                call->fate[i] = 0;
                if (!hf_pending_maybe(p->fd))
                        continue;
                if (!hf_pending_wait(p->fd, &wait)) {
                        call->fate[i] = (short)(wait.failed & (p->events | UNASKED));
                        if (call->fate[i])
                                *ms = 0;
                        *ret_mixed = pending > 0;
                        continue;
                }
                /* (With no events the kernel would still tell of POLLHUP.) */
                if (!wait.events)
                        p->fd = -1;
                p->events = wait.events;
                call->fate[i] = IS_PENDING;
                pending++;
                if (*ms < 0 || wait.ms < *ms)
                        *ms = wait.ms;
        }
        return pending;
}

/* The same until all entries of a socket agree. Milliseconds to sleep at most, or -1. */
static int translate_all(const struct call *call, int limit)
{
        unsigned pending = UINT_MAX, before;
        bool mixed;
        int ms;

        do {
                ms = limit;
                before = pending;
                pending = translate(call, &ms, &mixed);
        } while (mixed && pending != before);
        return ms;
}

/* How many have events for the caller. */
static int count(const struct call *call)
{
        int n = 0;

        for (unsigned i = 0; i < call->n; i++)
                n += call->fate[i] != IS_PENDING && (call->copy[i].revents | call->fate[i]);
        return n;
}

/* GOT as the kernel does it: the events of all are written; when a signal came, none. */
static int report(const struct call *call, int got)
{
        for (unsigned i = 0; i < call->n; i++) {
                bool none = got < 0 || call->fate[i] == IS_PENDING;

                call->fds[i].revents = 0;
                if (!none)
                        call->fds[i].revents = (short)(call->copy[i].revents | call->fate[i]);
        }
        return got;
}

static int wait_translated(const struct call *call)
{
        bool first = true, last = false;

        for (;;) {
                int ms = translate_all(call, first ? 0 : hf_pending_expire());
                int64_t slice = first ? 0 : hf_wait_slice(call->how, ms, &last);
                int fired = real(call->how, call->copy, call->n, slice);
                int got = fired < 0 ? fired : count(call);

                /* The time is up when a last step and a last look have come to nothing. */
                if (got != 0 || last || (first && call->how->length == 0 && fired == 0))
                        return report(call, got);
                first = false;
        }
}

/* A copy that is mapped is lost when a handler leaves us by siglongjmp(), or pthread_cancel() ends
 * the thread here: that costs a page or a few. */
HF_NOINLINE static int wait_pending(struct pollfd *fds, unsigned n, struct hf_wait_how *how)
{
        struct {
                struct pollfd copy[SMALL];
                short fate[SMALL];
        } small;
        struct call call = {fds, n, how, small.copy, small.fate};
        size_t size = n * (sizeof *call.copy + sizeof *call.fate);
        int got;

        if (n <= SMALL)
                return wait_translated(&call);
        call.copy = hf_sys_map(size);
        if (!call.copy)
                return hf_sys(-ENOMEM);
        call.fate = (short *)(call.copy + n);
        got = wait_translated(&call);
        hf_sys_unmap(call.copy, size);
        return got;
}

int hf_wait_poll(struct pollfd *fds, unsigned n, struct hf_wait_how *how)
{
        int64_t slice = 0;
        bool last = how->length == 0;

        hf_wait_tick();
        for (;;) {
                uint32_t ended = atomic_load(&hf_pending_ended);
                int got = real(how, fds, n, slice);

                if (got < 0)
                        return got;
                if (any_pending(fds, n, false))
                        return wait_pending(fds, n, how);
                /* Another thread ended a handshake in between: what fired may have been its. */
                if (got > 0 && atomic_load(&hf_pending_ended) != ended) {
                        slice = 0;
                        continue;
                }
                if (got > 0 || last)
                        return got;
                slice = hf_wait_slice(how, hf_pending_expire(), &last);
        }
}

/* ---- the hooks ---- */

HF_NOINLINE static int slowly(struct pollfd *fds, nfds_t n, int64_t length, const sigset_t *mask)
{
        struct hf_wait_how how = {.length = length, .mask = mask};

        return hf_wait_poll(fds, (unsigned)n, &how); /* the kernel reads no more of it either */
}

/* When it began nothing was pending, now something is. If that is one of ours, what fired is TCP to
 * the proxy; so it begins anew, with the whole time, as nobody has asked the clock. */
HF_NOINLINE static int late(struct pollfd *fds, nfds_t n, int64_t length, const sigset_t *mask,
                            int got)
{
        return any_pending(fds, (unsigned)n, true) ? slowly(fds, n, length, mask) : got;
}

HF_NOINLINE static int ppoll_slowly(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
                                    const sigset_t *mask)
{
        int64_t length;

        /* (libc reads it, too: what cannot be read, crashes there.) */
        if (!hf_wait_timespec(timeout, &length))
                return hf_real_ppoll(fds, n, timeout, mask);
        return slowly(fds, n, length, mask);
}

HF_NOINLINE static int ppoll_late(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
                                  const sigset_t *mask, int got)
{
        int64_t length = 0;

        hf_wait_timespec(timeout, &length);
        return late(fds, n, length, mask, got);
}

static bool overflows(nfds_t n, size_t size)
{
        return size / sizeof(struct pollfd) < n;
}

/* The last thing that a function does after a system call costs a mispredicted return: where nobody
 * can begin anything during the wait, the real call is all there is. (A handler that begins
 * something ends it with EINTR.) */
int poll(struct pollfd *fds, nfds_t n, int timeout)
{
        int got;

        if (hf_pending_any())
                return slowly(fds, n, hf_wait_ms(timeout), NULL);
        if (hf_real_alone())
                return hf_real_poll(fds, n, timeout);
        got = hf_real_poll(fds, n, timeout);
        return got > 0 && hf_pending_any() ? late(fds, n, hf_wait_ms(timeout), NULL, got) : got;
}

int __poll(struct pollfd *fds, nfds_t n, int timeout) __attribute__((alias("poll")));

int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size)
{
        int got;

        if (hf_pending_any() && !overflows(n, size))
                return slowly(fds, n, hf_wait_ms(timeout), NULL);
        if (hf_real_alone())
                return hf_real___poll_chk(fds, n, timeout, size);
        got = hf_real___poll_chk(fds, n, timeout, size);
        return got > 0 && hf_pending_any() ? late(fds, n, hf_wait_ms(timeout), NULL, got) : got;
}

int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
        int got;

        if (hf_pending_any())
                return ppoll_slowly(fds, n, timeout, mask);
        if (hf_real_alone())
                return hf_real_ppoll(fds, n, timeout, mask);
        got = hf_real_ppoll(fds, n, timeout, mask);
        return got > 0 && hf_pending_any() ? ppoll_late(fds, n, timeout, mask, got) : got;
}

int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask,
                size_t size)
{
        int got;

        if (hf_pending_any() && !overflows(n, size))
                return ppoll_slowly(fds, n, timeout, mask);
        if (hf_real_alone())
                return hf_real___ppoll_chk(fds, n, timeout, mask, size);
        got = hf_real___ppoll_chk(fds, n, timeout, mask, size);
        return got > 0 && hf_pending_any() ? ppoll_late(fds, n, timeout, mask, got) : got;
}
