/* SPDX-License-Identifier: MIT */
/* select() and pselect(): as poll.c does it, on sets of bits. The kernel overwrites the caller's
 * sets, so they are kept; what it gets to see of a long set ends with the last bit that is set.
 *
 * (A select() that begins while nothing is pending is the real one, and what another thread begins
 * meanwhile on a descriptor of its sets may show as ready too early: the sets are gone then. Like
 * any wait that we do not see, that is a spurious event at worst: the call that follows knows.) */
#include "wait.h"

enum { READ, WRITE, EXCEPT, SETS };

#define BITS (8 * (int)sizeof(unsigned long))

/* Words on the stack: all eight sets of 384 descriptors, or the three that are kept of 1,024. */
#define SMALL 48

/* Which of poll's events make a descriptor show in a set, as in the kernel. */
#define SHOWS_READ (POLLIN | 0x40 /* RDNORM */ | 0x80 /* RDBAND */ | POLLHUP | POLLERR)
#define SHOWS_WRITE (POLLOUT | 0x100 /* WRNORM */ | 0x200 /* WRBAND */ | POLLERR)

HF_EXPORT int select(int n, fd_set *r, fd_set *w, fd_set *x, struct timeval *timeout);
HF_EXPORT int __select(int n, fd_set *r, fd_set *w, fd_set *x, struct timeval *timeout);
HF_EXPORT int pselect(int n, fd_set *r, fd_set *w, fd_set *x, const struct timespec *timeout,
                      const sigset_t *mask);

/* One select(), as the caller gave it. */
struct call {
        int n;
        fd_set *sets[SETS];
        struct hf_wait_how *how;
        int words;           /* of each set, up to its last bit */
        unsigned long *kept; /* what was in them */
};

/* As the kernel gets it; each of call->words words. */
struct work {
        unsigned long *sets;    /* the three of them */
        unsigned long *pending; /* descriptors whose events are not the caller's */
        unsigned long *failed;  /* to be shown to the caller in either set */
};

static int real(const struct call *call, int n, fd_set *r, fd_set *w, fd_set *x, int64_t ns)
{
        const struct {
                const sigset_t *mask;
                size_t size;
        } packed = {call->how->mask, _NSIG / 8};
        struct timespec ts;
        const struct timespec *timeout = hf_wait_to_timespec(ns, &ts);

        if (call->how->by_number)
                return (int)hf_real_syscall(SYS_pselect6, n, (long)r, (long)w, (long)x,
                                            (long)timeout, (long)&packed);
        return hf_real_pselect(n, r, w, x, timeout, packed.mask);
}

/* A word of a caller's set: wherever it lies. */
static unsigned long word_of(const fd_set *set, int i)
{
        unsigned long word = 0;

        if (set)
                memcpy(&word, (const char *)set + (size_t)i * sizeof word, sizeof word);
        return word;
}

/* Only what differs is written: a set may be shorter than N says, for the kernel reads as far as
 * this process has descriptors. */
static void put_words(fd_set *set, const unsigned long *words, int n)
{
        for (int i = 0; set && i < n; i++)
                if (word_of(set, i) != words[i])
                        memcpy((char *)set + (size_t)i * sizeof *words, &words[i], sizeof *words);
}

static void put_back(const struct call *call)
{
        for (int s = 0; s < SETS; s++)
                put_words(call->sets[s], call->kept + s * call->words, call->words);
}

/* The words of each set that can be read and in which something is. (What the kernel cannot read,
 * it says so itself.) */
static int words_used(const struct call *call)
{
        int words = call->n > 0 ? (call->n - 1) / BITS + 1 : 0;

        for (int s = 0; s < SETS; s++)
                if (call->sets[s])
                        words = (int)(hf_wait_readable(call->sets[s],
                                                       (size_t)words * sizeof(unsigned long)) /
                                      sizeof(unsigned long));
        while (words > 0 &&
               !(word_of(call->sets[READ], words - 1) | word_of(call->sets[WRITE], words - 1) |
                 word_of(call->sets[EXCEPT], words - 1)))
                words--;
        return words;
}

/* The first descriptor of the call from FD on, or -1. */
static int next(const struct call *call, int fd)
{
        for (int i = fd / BITS; i < call->words; i++, fd = i * BITS) {
                unsigned long word = 0;

                for (int s = 0; s < SETS; s++)
                        word |= call->kept[s * call->words + i];
                word &= ~0UL << (fd % BITS);
                if (word) {
                        fd = i * BITS + __builtin_ctzl(word);
                        return fd < call->n ? fd : -1;
                }
        }
        return -1;
}

static bool any_pending(const struct call *call)
{
        for (int fd = next(call, 0); fd >= 0; fd = next(call, fd + 1))
                if (hf_pending_maybe(fd))
                        return true;
        return false;
}

/* This one and the next are as in poll.c. */
static int translate(const struct call *call, const struct work *work, int *ms, bool *ret_mixed)
{
        size_t size = (size_t)call->words * sizeof *work->sets;
        int pending = 0;

        *ret_mixed = false;
        memcpy(work->sets, call->kept, SETS * size);
        memset(work->pending, 0, size);
        memset(work->failed, 0, size);
        for (int fd = next(call, 0); fd >= 0; fd = next(call, fd + 1)) {
                unsigned long bit = 1UL << (fd % BITS);
                int word = fd / BITS;
                struct hf_wait wait;

                if (!hf_pending_maybe(fd))
                        continue;
                if (!hf_pending_wait(fd, &wait)) {
                        if (wait.failed) {
                                work->failed[word] |= bit;
                                *ms = 0;
                        }
                        *ret_mixed = pending > 0;
                        continue;
                }
                for (int s = 0; s < SETS; s++)
                        work->sets[s * call->words + word] &= ~bit;
                if (wait.events & SHOWS_READ)
                        work->sets[READ * call->words + word] |= bit;
                if (wait.events & SHOWS_WRITE)
                        work->sets[WRITE * call->words + word] |= bit;
                work->pending[word] |= bit;
                pending++;
                if (*ms < 0 || wait.ms < *ms)
                        *ms = wait.ms;
        }
        return pending;
}

static int translate_all(const struct call *call, const struct work *work, int limit)
{
        int pending = -1, before, ms;
        bool mixed;

        do {
                ms = limit;
                before = pending;
                pending = translate(call, work, &ms, &mixed);
        } while (mixed && pending != before);
        return ms;
}

/* What is for the caller stays; how many bits that are. */
static int strip(const struct call *call, const struct work *work)
{
        int n = 0;

        for (int i = 0; i < SETS * call->words; i++) {
                unsigned long *word = &work->sets[i];

                *word &= ~work->pending[i % call->words];
                if (i < EXCEPT * call->words)
                        *word |= call->kept[i] & work->failed[i % call->words];
                for (unsigned long left = *word; left; left &= left - 1)
                        n++;
        }
        return n;
}

/* The caller's sets are as they were, and stay so unless it is told something. */
static int wait_translated(const struct call *call, const struct work *work)
{
        int n = call->words <= (call->n - 1) / BITS ? call->words * BITS : call->n;
        bool first = true, last = false;

        for (;;) {
                int ms = translate_all(call, work, first ? 0 : hf_pending_expire());
                int64_t slice = first ? 0 : hf_wait_slice(call->how, ms, &last);
                int fired = real(call, n, (void *)work->sets, (void *)(work->sets + call->words),
                                 (void *)(work->sets + EXCEPT * call->words), slice);
                int got = fired < 0 ? fired : strip(call, work);

                if (got < 0)
                        return got;
                if (got > 0 || last || (first && call->how->length == 0 && fired == 0)) {
                        for (int s = 0; s < SETS; s++)
                                put_words(call->sets[s], work->sets + s * call->words, call->words);
                        return got;
                }
                first = false;
        }
}

/* SPACE: that of call->kept, in words; SETS * call->words are taken. */
HF_NOINLINE static int wait_pending(const struct call *call, int space)
{
        size_t size = 5 * (size_t)call->words * sizeof(unsigned long);
        struct work work;
        void *mapped = NULL;
        int got;

        work.sets = call->kept + SETS * call->words;
        if (space < (SETS + 5) * call->words) {
                work.sets = mapped = hf_sys_map(size);
                if (!mapped)
                        return hf_sys(-ENOMEM);
        }
        work.pending = work.sets + SETS * call->words;
        work.failed = work.pending + call->words;
        got = wait_translated(call, &work);
        if (mapped)
                hf_sys_unmap(mapped, size);
        return got;
}

static int wait_kept(const struct call *call, int space)
{
        int64_t slice = 0;
        bool last = call->how->length == 0;

        for (int s = 0; s < SETS; s++)
                for (int i = 0; i < call->words; i++)
                        call->kept[s * call->words + i] = word_of(call->sets[s], i);
        hf_wait_tick();
        for (;;) {
                uint32_t ended = atomic_load(&hf_pending_ended);
                int got = real(call, call->n, call->sets[READ], call->sets[WRITE],
                               call->sets[EXCEPT], slice);
                bool pending;

                if (got < 0)
                        return got;
                pending = any_pending(call);
                if (!pending && got > 0 && atomic_load(&hf_pending_ended) != ended) {
                        put_back(call); /* as in poll.c */
                        slice = 0;
                        continue;
                }
                if (!pending && (got > 0 || last))
                        return got;
                put_back(call);
                if (pending)
                        return wait_pending(call, space);
                slice = hf_wait_slice(call->how, hf_pending_expire(), &last);
        }
}

/* (A mapping is lost when a handler leaves us by siglongjmp(): see poll.c.) */
int hf_wait_select(int n, fd_set *r, fd_set *w, fd_set *x, struct hf_wait_how *how)
{
        unsigned long small[SMALL];
        struct call call = {n, {r, w, x}, how, 0, small};
        size_t size;
        int got;

        call.words = words_used(&call);
        if (SETS * call.words <= SMALL)
                return wait_kept(&call, SMALL);
        size = SETS * (size_t)call.words * sizeof *call.kept;
        call.kept = hf_sys_map(size);
        if (!call.kept)
                return hf_sys(-ENOMEM);
        got = wait_kept(&call, SETS * call.words);
        hf_sys_unmap(call.kept, size);
        return got;
}

/* ---- the hooks ---- */

/* As Linux does it, the time that is left is written back, whatever the result. */
HF_NOINLINE static int select_slowly(int n, fd_set *r, fd_set *w, fd_set *x,
                                     struct timeval *timeout)
{
        struct hf_wait_how how = {.mask = NULL};
        int got;

        /* (libc rejects what is negative before it adds up, and glibc takes 32 bits of the
         * microseconds.) */
        if (!hf_wait_take_timeval(timeout, &how) ||
            (timeout &&
             (timeout->tv_sec < 0 || timeout->tv_usec < 0 || timeout->tv_usec > INT_MAX)))
                return hf_real_select(n, r, w, x, timeout);
        got = hf_wait_select(n, r, w, x, &how);
        hf_wait_put_timeval(timeout, &how);
        return got;
}

HF_NOINLINE static int pselect_slowly(int n, fd_set *r, fd_set *w, fd_set *x,
                                      const struct timespec *timeout, const sigset_t *mask)
{
        struct hf_wait_how how = {.mask = mask};

        if (!hf_wait_timespec(timeout, &how.length))
                return hf_real_pselect(n, r, w, x, timeout, mask);
        return hf_wait_select(n, r, w, x, &how);
}

int select(int n, fd_set *r, fd_set *w, fd_set *x, struct timeval *timeout)
{
        if (hf_pending_any())
                return select_slowly(n, r, w, x, timeout);
        return hf_real_select(n, r, w, x, timeout);
}

int __select(int n, fd_set *r, fd_set *w, fd_set *x, struct timeval *timeout)
        __attribute__((alias("select")));

int pselect(int n, fd_set *r, fd_set *w, fd_set *x, const struct timespec *timeout,
            const sigset_t *mask)
{
        if (hf_pending_any())
                return pselect_slowly(n, r, w, x, timeout, mask);
        return hf_real_pselect(n, r, w, x, timeout, mask);
}
