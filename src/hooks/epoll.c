/* SPDX-License-Identifier: MIT */
/* epoll: what a handshake needs is registered in the place of the program's own interest (see
 * process/interest.h), and what it gets is taken out of what epoll_wait() returns. */
#include "wait.h"

#include "process/config.h"
#include "process/interest.h"

HF_EXPORT int epoll_create(int size);
HF_EXPORT int epoll_create1(int flags);
HF_EXPORT int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
HF_EXPORT int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout);
HF_EXPORT int epoll_pwait(int epfd, struct epoll_event *events, int max, int timeout,
                          const sigset_t *mask);
HF_EXPORT int epoll_pwait2(int epfd, struct epoll_event *events, int max,
                           const struct timespec *timeout, const sigset_t *mask);

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

/* When the time is up, so many events may still be handshakes'. */
#define LOOKS 64

struct call {
        int epfd;
        struct epoll_event *events;
        int max;
        bool ns_precise;
        struct hf_wait_how *how;
};

static int real(const struct call *call, int64_t ns)
{
        const sigset_t *mask = call->how->mask;
        struct timespec ts;
        const struct timespec *timeout = hf_wait_to_timespec(ns, &ts);
        int ms = hf_wait_to_ms(ns);

        if (call->how->by_number)
                return (int)hf_real_syscall(call->ns_precise ? SYS_epoll_pwait2 : SYS_epoll_pwait,
                                            call->epfd, (long)call->events, call->max,
                                            call->ns_precise ? (long)timeout : ms, (long)mask,
                                            _NSIG / 8);
        if (call->ns_precise)
                return hf_real_epoll_pwait2(call->epfd, call->events, call->max, timeout, mask);
        if (mask)
                return hf_real_epoll_pwait(call->epfd, call->events, call->max, ms, mask);
        return hf_real_epoll_wait(call->epfd, call->events, call->max, ms);
}

static int ours_out(const struct call *call, int got)
{
        return got > 0 ? hf_interest_events(call->epfd, call->events, got) : got;
}

/* What the steps of a look made ready, the next one shows; so does it what did not fit beside the
 * handshakes' events. */
static int wait_pending(const struct call *call)
{
        int looks = call->max > 0 ? LOOKS / call->max : 0;
        bool first = true, last = false;

        hf_interest_waited(call->epfd);
        hf_wait_tick();
        for (;;) {
                int64_t slice = first ? 0 : hf_wait_slice(call->how, hf_pending_expire(), &last);
                int found = real(call, slice), got = ours_out(call, found);

                if (got != 0)
                        return got;
                if ((last || call->how->length == 0) &&
                    (!found || (last && found < call->max) || looks-- <= 0))
                        return 0;
                first = false;
        }
}

int hf_wait_epoll(int epfd, struct epoll_event *events, int max, int got, bool ns_precise,
                  struct hf_wait_how *how)
{
        const struct call call = {epfd, events, max, ns_precise, how};

        got = ours_out(&call, got);
        return got > 0 ? got : wait_pending(&call);
}

int hf_wait_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
        int r;

        if (hf_pending_maybe(fd) && hf_interest_ctl(epfd, op, fd, event, &r))
                return hf_sys(r);
        r = hf_real_epoll_ctl(epfd, op, fd, event);
        if (r == 0 && hf_config())
                hf_interest_note(epfd, op, fd, event);
        return r;
}

/* ---- the hooks ---- */

/* What the real call got, without what was a handshake's. False: there was nothing else. */
static bool kept(int epfd, struct epoll_event *events, int *got)
{
        if (*got <= 0 || !hf_interest_any())
                return true;
        *got = hf_interest_events(epfd, events, *got);
        return *got > 0;
}

/* GOT: see hf_wait_epoll(). */
HF_NOINLINE static int slowly(int epfd, struct epoll_event *events, int max, int got, int timeout,
                              const sigset_t *mask)
{
        struct hf_wait_how how = {.length = hf_wait_ms(timeout), .mask = mask};

        return hf_wait_epoll(epfd, events, max, got, false, &how);
}

HF_NOINLINE static int pwait2_slowly(int epfd, struct epoll_event *events, int max, int got,
                                     const struct timespec *timeout, const sigset_t *mask)
{
        struct hf_wait_how how = {.mask = mask};

        if (timeout && hf_wait_readable(timeout, sizeof *timeout) < sizeof *timeout)
                return hf_real_epoll_pwait2(epfd, events, max, timeout, mask);
        if (!hf_wait_timespec(timeout, &how.length))
                return hf_real_epoll_pwait2(epfd, events, max, timeout, mask);
        return hf_wait_epoll(epfd, events, max, got, true, &how);
}

/* A set is new, whatever its number was before (and was closed by a call that we did not see). */
static int created(int epfd)
{
        hf_interest_new_set(epfd);
        return epfd;
}

int epoll_create(int size)
{
        return created(hf_real_epoll_create(size));
}

int epoll_create1(int flags)
{
        return created(hf_real_epoll_create1(flags));
}

int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
        return hf_wait_epoll_ctl(epfd, op, fd, event);
}

/* Something may begin while the real call sleeps, and a set is the kernel's: then what it got is
 * looked through, too. (Should nothing be left of it, the whole time begins anew, for nobody has
 * asked the clock.) */
int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout)
{
        int got;

        if (hf_pending_any())
                return slowly(epfd, events, max, 0, timeout, NULL);
        hf_wait_sleeps(epfd);
        got = hf_real_epoll_wait(epfd, events, max, timeout);
        return kept(epfd, events, &got) ? got : slowly(epfd, events, max, 0, timeout, NULL);
}

int epoll_pwait(int epfd, struct epoll_event *events, int max, int timeout, const sigset_t *mask)
{
        int got;

        if (hf_pending_any())
                return slowly(epfd, events, max, 0, timeout, mask);
        hf_wait_sleeps(epfd);
        got = hf_real_epoll_pwait(epfd, events, max, timeout, mask);
        return kept(epfd, events, &got) ? got : slowly(epfd, events, max, 0, timeout, mask);
}

int epoll_pwait2(int epfd, struct epoll_event *events, int max, const struct timespec *timeout,
                 const sigset_t *mask)
{
        int got;

        if (hf_pending_any())
                return pwait2_slowly(epfd, events, max, 0, timeout, mask);
        hf_wait_sleeps(epfd);
        got = hf_real_epoll_pwait2(epfd, events, max, timeout, mask);
        return kept(epfd, events, &got) ? got : pwait2_slowly(epfd, events, max, 0, timeout, mask);
}
