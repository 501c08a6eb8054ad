/* SPDX-License-Identifier: MIT */
/* Who may touch a record: one thread at a time, and one process.
 *
 * A thread claims it, with all signals blocked, for the microseconds of a step: so a claim never
 * outlives the code that took it, whatever siglongjmp() and pthread_cancel() do. Who finds it
 * claimed knocks and goes away; whoever has it steps once more, so that no event is lost.
 *
 * A fork's child has a copy of the table. Two facts tell who we are: a word that fork wipes, and
 * getpid(). The word is gone: a fork's child; what the table holds was begun by an ancestor. The
 * word is there but getpid() is not the table's: a vfork child, in its parent's memory (its parent
 * is the table's, and waits). Nobody has to be told of a fork for this (pthread_atfork() is not to
 * be had on musl in one binary).
 *
 * Parent and child may both go on with a handshake that was pending at the fork; the first one
 * whose step moves a byte does. They agree by a word that they share: each record has one, which
 * its process counts up before every step that moves bytes. Whoever finds it counted up by somebody
 * else has lost. */
#include "pending_record.h"

#include "sys.h"

#include <asm/socket.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif
#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

#define PAGE 65536 /* the largest there is on both machines */
#define PATIENCE_NS 20000

enum { WIPED, ADOPTING, HERE };

static _Atomic(void *) wiped_page;        /* its first word: WIPED after a fork */
static _Atomic(bool) cannot_wipe;         /* Linux before 4.14: getpid() alone has to do */
static _Atomic(int) pid;                  /* of the process that `generation` belongs to */
static _Atomic(uint32_t) generation;      /* forks between the first process and this one */
static _Atomic(hf_pending_moves *) moves; /* this generation's words, by record */

uint64_t hf_signals_block(void)
{
        uint64_t all = UINT64_MAX, old = 0;

        hf_syscall6(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&old, sizeof all, 0, 0);
        return old;
}

void hf_signals_restore(uint64_t mask)
{
        hf_syscall6(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, sizeof mask, 0, 0);
}

int hf_socket_id(int fd, uint64_t *ret_id)
{
        uint64_t id = 0;
        socklen_t len = sizeof id;
        struct stat st;
        int r = hf_sys_getsockopt(fd, SOL_SOCKET, SO_COOKIE, &id, &len);

        if (r == 0 && id != 0) {
                *ret_id = id;
                return 0;
        }
        if (r == -EBADF || r == -ENOTSOCK)
                return r;
        r = hf_sys_fstat(fd, &st);
        if (r < 0)
                return r;
        *ret_id = (uint64_t)st.st_ino | UINT64_C(1) << 63;
        return 0;
}

/* ---- threads ---- */

/* ThreadSanitizer does not see atomics inside its own poll() and the like, in which we are called,
 * but sees what is done under the claim. */
#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *at);
void __tsan_release(void *at);
#define SANITIZER_ACQUIRE(at) __tsan_acquire(at)
#define SANITIZER_RELEASE(at) __tsan_release(at)
#else
#define SANITIZER_ACQUIRE(at) ((void)0)
#define SANITIZER_RELEASE(at) ((void)0)
#endif

static bool try_claim(struct hf_pending *record)
{
        bool no = false;

        if (!atomic_compare_exchange_strong(&record->claimed, &no, true))
                return false;
        SANITIZER_ACQUIRE(&record->claimed);
        return true;
}

/* Knock, then try again: the one who has the record gives it back, then looks for a knock. In this
 * order one of the two sees the other. */
bool hf_pending_claim(struct hf_pending *record)
{
        if (try_claim(record))
                return true;
        atomic_store(&record->knocked, true);
        return try_claim(record);
}

void hf_pending_claim_patiently(struct hf_pending *record)
{
        const struct timespec moment = {0, PATIENCE_NS};

        while (!try_claim(record))
                hf_syscall3(SYS_nanosleep, &moment, 0, 0);
}

bool hf_pending_unclaim(struct hf_pending *record)
{
        SANITIZER_RELEASE(&record->claimed);
        atomic_store(&record->claimed, false);
        return atomic_load(&record->knocked);
}

/* ---- processes ---- */

static hf_pending_moves *map_shared(void)
{
        const size_t size = (UINT16_MAX + 1) * sizeof(uint32_t);
        long p = hf_syscall6(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        return p < 0 && p > -4096 ? NULL : (hf_pending_moves *)p;
}

/* After a fork. What some thread was at when the others vanished is half done: dead. */
static void disown(struct hf_pending *record, void *unused)
{
        (void)unused;
        if (!atomic_load_explicit(&record->claimed, memory_order_relaxed))
                return;
        record->phase = HF_PENDING_OVER;
        record->result = -ECONNABORTED;
        record->alive = true;
        atomic_store(&record->claimed, false);
}

/* The first call of a new process. Its other threads, if it has any yet, wait for it: it takes
 * microseconds, with signals blocked. */
static void adopt(_Atomic(int) *word)
{
        uint64_t mask = hf_signals_block();
        int wiped = WIPED;

        if (atomic_compare_exchange_strong(word, &wiped, ADOPTING)) {
                hf_pending_each(disown, NULL);
                atomic_fetch_add(&generation, 1);
                atomic_store(&moves, map_shared());
                atomic_store(&pid, hf_sys_getpid());
                atomic_store(word, HERE);
        }
        hf_signals_restore(mask);
        while (atomic_load(word) == ADOPTING)
                hf_syscall3(SYS_sched_yield, 0, 0, 0);
}

static _Atomic(int) *here_word(void)
{
        static _Atomic(int) unwiped; /* stands in for the page where there is none */
        _Atomic(int) *word = hf_sys_map_once(&wiped_page, PAGE);

        if (!word) {
                atomic_store(&cannot_wipe, true);
                return &unwiped;
        }
        if (atomic_load_explicit(word, memory_order_relaxed) == WIPED &&
            hf_syscall3(SYS_madvise, word, PAGE, MADV_WIPEONFORK) < 0)
                atomic_store(&cannot_wipe, true);
        return word;
}

bool hf_pending_ours(void)
{
        _Atomic(int) *word = here_word();
        int noted;

        if (atomic_load_explicit(word, memory_order_acquire) != HERE)
                adopt(word);
        noted = atomic_load_explicit(&pid, memory_order_relaxed);
        if (hf_sys_getpid() == noted)
                return true;
        if (atomic_load(&cannot_wipe)) { /* every other pid is taken for a fork's child */
                atomic_store(word, WIPED);
                adopt(word);
                return true;
        }
        if (hf_syscall3(SYS_getppid, 0, 0, 0) == noted)
                return false;
        /* It was a vfork child of ours that came here first. */
        atomic_store(&pid, hf_sys_getpid());
        return true;
}

bool hf_pending_began(const struct hf_pending *record)
{
        return record->generation == atomic_load_explicit(&generation, memory_order_relaxed);
}

bool hf_pending_move(struct hf_pending *record)
{
        uint32_t seen = record->moves;

        if (record->shared_moves &&
            !atomic_compare_exchange_strong(record->shared_moves, &seen, seen + 1))
                return false;
        record->moves++;
        return true;
}

void hf_pending_own(struct hf_pending *record, uint16_t number)
{
        hf_pending_moves *words = atomic_load_explicit(&moves, memory_order_acquire);

        record->generation = atomic_load_explicit(&generation, memory_order_relaxed);
        record->shared_moves = words && number ? &words[number] : NULL;
        record->moves = record->shared_moves ? atomic_fetch_add(record->shared_moves, 1) + 1 : 0;
}
