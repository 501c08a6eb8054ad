/* SPDX-License-Identifier: MIT */
/* The table: which record belongs to which socket.
 *
 *      by_fd[fd]  ──►  record  { claimed, id, fds, … }
 *
 * by_fd is a hint, read first and without a system call: 0 means "nothing pending". Whatever else
 * it says holds only if the socket's identity is the record's, for descriptors are closed,
 * reused and duplicated behind our back. */
#include "pending_record.h"

#include "sys.h"

#define RECORDS 16384
#define OLD_MS 1000 /* a record of that age may be one that nobody told us of the end of */
#define LOOKS 4     /* at so many records, each time that one is taken */

struct table {
        struct hf_pending records[RECORDS];
        hf_pending_hint by_fd[HF_PENDING_FDS]; /* 0, or a record's number + 1 */
};

_Atomic(uint32_t) hf_pending_count;
_Atomic(uint32_t) hf_pending_ended;
_Atomic(hf_pending_hint *) hf_pending_by_fd;

static _Atomic(void *) the_table; /* a struct table */
static _Atomic(uint32_t) used;    /* records ever used: all others are zero */
static _Atomic(uint32_t) next_look;

/* A bit a record, set while it is in use. The lowest free one is taken: who connects one socket
 * after the other always gets the same record, warm in the cache, and few were ever used. */
static _Atomic(uint64_t) taken[RECORDS / 64];

static struct table *get_table(void)
{
        struct table *table = hf_sys_map_once(&the_table, sizeof *table);

        if (table)
                atomic_store_explicit(&hf_pending_by_fd, table->by_fd, memory_order_relaxed);
        return table;
}

static uint16_t number_of(const struct table *table, const struct hf_pending *record)
{
        return (uint16_t)(record - table->records + 1);
}

void hf_pending_point(struct hf_pending *record, int fd)
{
        struct table *table = atomic_load_explicit(&the_table, memory_order_acquire);

        atomic_store(&table->by_fd[fd], number_of(table, record));
}

void hf_pending_unpoint(struct hf_pending *record, int fd)
{
        struct table *table = atomic_load_explicit(&the_table, memory_order_acquire);
        uint16_t number = number_of(table, record);

        if (fd >= 0)
                atomic_compare_exchange_strong_explicit(&table->by_fd[fd], &number, 0,
                                                        memory_order_relaxed, memory_order_relaxed);
}

static void give_bit_back(const struct hf_pending *record)
{
        const struct table *table = atomic_load_explicit(&the_table, memory_order_acquire);
        uint32_t at = number_of(table, record) - 1U;

        atomic_fetch_and(&taken[at / 64], ~(UINT64_C(1) << at % 64));
}

void hf_pending_free(struct hf_pending *record)
{
        if (record->alone) {
                hf_sys_unmap(record, sizeof *record);
                return;
        }
        for (int i = 0; i < HF_PENDING_ALIASES; i++)
                hf_pending_unpoint(record,
                                   atomic_load_explicit(&record->fds[i], memory_order_relaxed));
        atomic_store_explicit(&record->due, INT64_MAX, memory_order_relaxed);
        atomic_store(&record->id, 0);
        atomic_store(&record->knocked, false);
        atomic_fetch_add(&hf_pending_ended, 1);
        atomic_fetch_sub(&hf_pending_count, 1);
        hf_pending_unclaim(record);
        give_bit_back(record);
}

int hf_pending_fd(const struct hf_pending *record)
{
        uint64_t id = atomic_load_explicit(&record->id, memory_order_relaxed), now;

        for (int i = 0; i < HF_PENDING_ALIASES; i++) {
                int fd = atomic_load_explicit(&record->fds[i], memory_order_relaxed);

                if (fd >= 0 && hf_socket_id(fd, &now) == 0 && now == id)
                        return fd;
        }
        return -1;
}

void hf_pending_each(void (*visit)(struct hf_pending *record, void *arg), void *arg)
{
        struct table *table = atomic_load_explicit(&the_table, memory_order_acquire);
        uint32_t n = atomic_load_explicit(&used, memory_order_acquire);

        for (uint32_t i = 0; table && i < n; i++)
                visit(&table->records[i], arg);
}

void hf_pending_let_go(struct hf_pending *record)
{
        struct hf_tunnel tunnel = {.record = record, .id = atomic_load(&record->id)};
        struct hf_step step;

        if (!hf_pending_unclaim(record) || !tunnel.id)
                return;
        tunnel.fd = hf_pending_fd(record);
        if (tunnel.fd >= 0)
                hf_pending_step(&tunnel, &step);
}

void hf_pending_sweep(struct hf_pending *record, void *unused)
{
        (void)unused;
        if (!atomic_load_explicit(&record->id, memory_order_relaxed) || !hf_pending_claim(record))
                return;
        if (atomic_load_explicit(&record->id, memory_order_relaxed) && hf_pending_fd(record) < 0)
                hf_pending_free(record);
        else
                hf_pending_let_go(record);
}

static void sweep_some(struct table *table, int64_t now)
{
        uint32_t n = atomic_load_explicit(&used, memory_order_acquire);

        for (int i = 0; i < LOOKS && n > 0; i++) {
                uint32_t at = atomic_fetch_add_explicit(&next_look, 1, memory_order_relaxed) % n;
                struct hf_pending *record = &table->records[at];

                if (atomic_load_explicit(&record->id, memory_order_relaxed) &&
                    atomic_load_explicit(&record->since, memory_order_relaxed) + OLD_MS < now)
                        hf_pending_sweep(record, NULL);
        }
}

/* The record AT, of nobody so far; claimed. NULL: somebody was faster, or it cannot be claimed (a
 * sweep has its hand on it, or had when this process was forked). */
static struct hf_pending *take_free(struct table *table, uint32_t at)
{
        struct hf_pending *record = &table->records[at];
        uint64_t bit = UINT64_C(1) << at % 64;
        uint32_t n;

        if (atomic_fetch_or(&taken[at / 64], bit) & bit)
                return NULL;
        if (!hf_pending_claim(record)) {
                atomic_fetch_and(&taken[at / 64], ~bit);
                return NULL;
        }
        n = atomic_load_explicit(&used, memory_order_relaxed);
        while (n <= at && !atomic_compare_exchange_weak(&used, &n, at + 1))
                ;
        return record;
}

static struct hf_pending *search(struct table *table)
{
        for (uint32_t word = 0; word < HF_LEN(taken); word++) {
                uint64_t free = ~atomic_load_explicit(&taken[word], memory_order_relaxed);

                for (; free; free &= free - 1) {
                        uint32_t at = word * 64 + (uint32_t)__builtin_ctzll(free);
                        struct hf_pending *record = take_free(table, at);

                        if (record)
                                return record;
                }
        }
        return NULL;
}

/* Makes RECORD the one of FD. False: there is one already for this very socket, as two threads
 * connect it at once. */
static bool enter(struct table *table, struct hf_pending *record, int fd, uint64_t id)
{
        uint16_t mine = number_of(table, record);
        hf_pending_hint *place = &table->by_fd[fd];
        uint16_t seen = atomic_load_explicit(place, memory_order_acquire);

        for (;;) {
                struct hf_pending *other = seen ? &table->records[seen - 1] : NULL;

                if (other && other != record &&
                    atomic_load_explicit(&other->id, memory_order_relaxed) == id)
                        return false;
                /* Anything else under this number is gone, or goes on under another one. */
                if (atomic_compare_exchange_strong_explicit(
                            place, &seen, mine, memory_order_acq_rel, memory_order_acquire))
                        return true;
        }
}

static struct hf_pending *reset(struct hf_pending *record, int fd, uint64_t id, int64_t now,
                                bool alone)
{
        record->alone = alone;
        record->phase = HF_PENDING_CONNECTING;
        record->next = 0;
        record->first_error = record->result = record->lowat = 0;
        record->events = record->armed = 0;
        record->told = false;
        record->settle = record->left = record->alive = record->fastopen = record->v6only = false;
        record->blocks = record->up = false;
        record->own_ms = 0;
        atomic_store_explicit(&record->since, now, memory_order_relaxed);
        atomic_store_explicit(&record->waited, false, memory_order_relaxed);
        atomic_store_explicit(&record->knocked, false, memory_order_relaxed);
        atomic_store_explicit(&record->due, INT64_MAX, memory_order_relaxed);
        for (int i = 0; i < HF_PENDING_ALIASES; i++)
                atomic_store_explicit(&record->fds[i], i ? -1 : fd, memory_order_relaxed);
        atomic_store(&record->id, id);
        return record;
}

int hf_pending_take(int fd, uint64_t id, int64_t now, struct hf_pending **ret_record)
{
        struct table *table = NULL;
        struct hf_pending *record = NULL;

        if ((uint32_t)fd < HF_PENDING_FDS && hf_pending_ours())
                table = get_table();
        if (table) {
                sweep_some(table, now);
                record = search(table);
                if (!record) {
                        hf_pending_each(hf_pending_sweep, NULL);
                        record = search(table);
                }
        }
        if (!record) {
                record = hf_sys_map(sizeof *record);
                if (!record)
                        return -ENOMEM;
                atomic_store_explicit(&record->claimed, true, memory_order_relaxed);
                hf_pending_own(record, 0);
                *ret_record = reset(record, fd, id, now, true);
                return 0;
        }
        hf_pending_own(record, number_of(table, record));
        reset(record, fd, id, now, false);
        atomic_fetch_add(&hf_pending_count, 1);
        if (!enter(table, record, fd, id)) {
                hf_pending_free(record);
                return -EALREADY;
        }
        hf_pending_enter_twins(record, fd);
        *ret_record = record;
        return 0;
}

bool hf_pending_find(int fd, struct hf_tunnel *ret_tunnel)
{
        struct table *table = atomic_load_explicit(&the_table, memory_order_acquire);
        struct hf_tunnel tunnel = {.fd = fd, .checked = true};
        uint16_t number;

        if (!hf_pending_maybe(fd))
                return false;
        number = atomic_load_explicit(&table->by_fd[fd], memory_order_relaxed);
        if (!number || !hf_pending_ours() || hf_socket_id(fd, &tunnel.id) < 0)
                return false;
        tunnel.record = &table->records[number - 1];
        if (atomic_load(&tunnel.record->id) != tunnel.id)
                return false;
        *ret_tunnel = tunnel;
        return true;
}

bool hf_pending_hold(int fd, struct hf_tunnel *ret_tunnel, uint64_t *ret_mask)
{
        struct hf_tunnel tunnel;
        uint64_t mask;

        if (!hf_pending_find(fd, &tunnel))
                return false;
        mask = hf_signals_block();
        hf_pending_claim_patiently(tunnel.record);
        if (atomic_load_explicit(&tunnel.record->id, memory_order_relaxed) == tunnel.id) {
                *ret_tunnel = tunnel;
                *ret_mask = mask;
                return true;
        }
        hf_pending_let_go(tunnel.record);
        hf_signals_restore(mask);
        return false;
}

void hf_pending_release(const struct hf_tunnel *tunnel, uint64_t mask)
{
        struct hf_step step;

        if (hf_pending_unclaim(tunnel->record))
                hf_pending_step(tunnel, &step);
        hf_signals_restore(mask);
}
