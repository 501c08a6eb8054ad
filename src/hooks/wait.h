/* SPDX-License-Identifier: MIT */
/* What poll.c, select.c and epoll.c have in common: how long to sleep, and how long at a time.
 *
 * While nothing is pending a wait is one load and the real call. While something is, *look first,
 * sleep later*: the first real call has a time-out of 0. So whoever finds something ready pays for
 * no clock, and the kernel has judged the caller's pointers, numbers and descriptors in its own
 * words before we read what they point to. Then the wait sleeps in slices, none longer than until
 * the next deadline of a handshake, each with the caller's signal mask: a signal that only the mask
 * lets in is handled there and nowhere else.
 *
 * A slow way is a function of its own (noinline): the fast one has no frame. */
#pragma once

#include "hook.h"

#include "process/interest.h"
#include "process/pending.h"
#include "process/real.h"
#include "process/sys.h"

#include <limits.h>
#include <stdint.h>

#define HF_NOINLINE __attribute__((noinline))

#define HF_FOREVER INT64_MAX
#define HF_NS_PER_MS INT64_C(1000000)
#define HF_NS_PER_S INT64_C(1000000000)

/* How the caller wants to wait. */
struct hf_wait_how {
        int64_t length;       /* ns, or HF_FOREVER */
        int64_t until;        /* of the clock; 0: not asked yet, for nothing has slept so far */
        const sigset_t *mask; /* for the real calls, or NULL */
        bool by_number;       /* syscall(SYS_…): so are the real calls. (libc's functions
                               * are cancellation points, syscall() is none.) */
};

/* The time-outs of poll() and epoll_wait(). */
static inline int64_t hf_wait_ms(int ms)
{
        return ms < 0 ? HF_FOREVER : ms * HF_NS_PER_MS;
}

/* Those of most others. What does not end within centuries never does. False: one that the kernel
 * rejects. */
static inline bool hf_wait_timespec(const struct timespec *ts, int64_t *ret_ns)
{
        if (!ts)
                return *ret_ns = HF_FOREVER, true;
        if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= HF_NS_PER_S)
                return false;
        *ret_ns = ts->tv_sec >= HF_FOREVER / HF_NS_PER_S - 1
                          ? HF_FOREVER
                          : ts->tv_sec * HF_NS_PER_S + ts->tv_nsec;
        return true;
}

/* For a real call: NULL is for ever. */
static inline const struct timespec *hf_wait_to_timespec(int64_t ns, struct timespec *ret_ts)
{
        *ret_ts = (struct timespec){ns / HF_NS_PER_S, ns % HF_NS_PER_S};
        return ns == HF_FOREVER ? NULL : ret_ts;
}

/* The same for one in milliseconds: rounded up, or the last one would be spent in a spin. */
static inline int hf_wait_to_ms(int64_t ns)
{
        if (ns == HF_FOREVER)
                return -1;
        ns = ns / HF_NS_PER_MS + (ns % HF_NS_PER_MS != 0);
        return ns > INT_MAX ? INT_MAX : (int)ns;
}

/* ---- wait.c ---- */

/* How long to sleep now: what the caller has left, but not over MS milliseconds (negative: no such
 * limit). *ret_last: nothing is left; this is the last look. */
int64_t hf_wait_slice(struct hf_wait_how *how, int ms, bool *ret_last);

/* What is left of a wait that is over, in ns; asks no clock if it did not sleep. */
int64_t hf_wait_left(const struct hf_wait_how *how);

/* At the beginning of each wait. A program that always finds something ready never comes to sleep,
 * and has to enforce the deadlines of handshakes all the same: every 32nd time. */
void hf_wait_tick(void);

/* How many of the N bytes at P can be read: all, or those up to a page that cannot. */
size_t hf_wait_readable(const void *p, size_t n);

/* Copies two words to where the caller has its time-out (which was read from there), as the kernel
 * writes back the time that is left: where that cannot be written, nothing happens. */
void hf_wait_put(void *to, const void *words);

/* The time-out of select(): microseconds beyond a second count, as in the kernel. False: one that
 * it rejects. */
bool hf_wait_take_timeval(const struct timeval *tv, struct hf_wait_how *how);
void hf_wait_put_timeval(struct timeval *tv, const struct hf_wait_how *how);

/* ---- the waits themselves, for syscall.c ---- */

/* hf_pending_any(): poll() and select() in all their forms. */
int hf_wait_poll(struct pollfd *fds, unsigned n, struct hf_wait_how *how);
int hf_wait_select(int n, fd_set *r, fd_set *w, fd_set *x, struct hf_wait_how *how);

/* After an epoll_wait() in any of its forms that began when nothing was pending and got GOT > 0
 * events, or (GOT 0) instead of one: NS_PRECISE: epoll_pwait2(). */
int hf_wait_epoll(int epfd, struct epoll_event *events, int max, int got, bool ns_precise,
                  struct hf_wait_how *how);

int hf_wait_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);

/* A wait on EPFD begins while nothing is pending, and may sleep when something is. */
static inline void hf_wait_sleeps(int epfd)
{
        if (!hf_real_alone() && hf_interest_any())
                hf_interest_sleeps(epfd);
}
