/* SPDX-License-Identifier: MIT */
#include "wait.h"

#define TICKS 32
#define PAGE 4096U /* at the least */

int64_t hf_wait_left(const struct hf_wait_how *how)
{
        int64_t left;

        if (how->until == 0 || how->until == HF_FOREVER)
                return how->length;
        left = how->until - hf_sys_now_ns();
        return left > 0 ? left : 0;
}

int64_t hf_wait_slice(struct hf_wait_how *how, int ms, bool *ret_last)
{
        int64_t limit = ms < 0 ? HF_FOREVER : (ms > 0 ? ms : 1) * HF_NS_PER_MS, left;

        if (how->until == 0 && how->length != 0 && how->length != HF_FOREVER) {
                int64_t now = hf_sys_now_ns();

                how->until = how->length < HF_FOREVER - now ? now + how->length : HF_FOREVER;
                left = how->length;
        } else {
                left = hf_wait_left(how);
        }
        *ret_last = left == 0;
        return left < limit ? left : limit;
}

void hf_wait_tick(void)
{
        static _Atomic(unsigned) ticks;
        unsigned tick = atomic_load_explicit(&ticks, memory_order_relaxed) + 1;

        /* (Two threads at once may count for one: no matter, and no bus lock.) */
        atomic_store_explicit(&ticks, tick, memory_order_relaxed);
        if (tick % TICKS == 0)
                hf_pending_expire();
}

size_t hf_wait_readable(const void *p, size_t n)
{
        uintptr_t at = (uintptr_t)p;

        if (hf_sys_readable(p, n))
                return n;
        while (at - (uintptr_t)p < n) {
                size_t step = PAGE - at % PAGE;

                if (!hf_sys_readable((const void *)at, step))
                        return at - (uintptr_t)p;
                at += step;
        }
        return n;
}

/* The kernel writes the signal mask there, if it can. */
static bool word_writable(void *p)
{
        return hf_syscall6(SYS_rt_sigprocmask, SIG_BLOCK, 0, (long)p, _NSIG / 8, 0, 0) == 0;
}

void hf_wait_put(void *to, const void *words)
{
        if (memcmp(to, words, 16) != 0 && word_writable(to) && word_writable((char *)to + 8))
                memcpy(to, words, 16);
}

bool hf_wait_take_timeval(const struct timeval *tv, struct hf_wait_how *how)
{
        struct timespec ts;

        how->length = HF_FOREVER;
        if (!tv)
                return true;
        if (hf_wait_readable(tv, sizeof *tv) < sizeof *tv)
                return false;
        ts = (struct timespec){tv->tv_sec, tv->tv_usec % 1000000 * 1000};
        return !__builtin_add_overflow(ts.tv_sec, tv->tv_usec / 1000000, &ts.tv_sec) &&
               hf_wait_timespec(&ts, &how->length);
}

void hf_wait_put_timeval(struct timeval *tv, const struct hf_wait_how *how)
{
        int64_t left = hf_wait_left(how);
        const struct timeval words = {left / HF_NS_PER_S, left % HF_NS_PER_S / 1000};

        if (tv && how->length != HF_FOREVER)
                hf_wait_put(tv, &words);
}
