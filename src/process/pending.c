/* SPDX-License-Identifier: MIT */
/* The table: which record belongs to which socket.
 *
 *      by_fd[fd]  ──►  record  { claimed, id, … }
 *
 * by_fd is a hint, read first and without a system call: 0 means "nothing pending". Whatever else
 * it says holds only if the socket's identity is the record's, for descriptors are closed,
 * reused and duplicated behind our back. */
#include "pending_record.h"

#include "sys.h"

#include <asm/socket.h>
#include <sys/stat.h>

#define RECORDS 16384
#define FDS (1U << 20) /* descriptors above this are driven to the end at once */

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif

struct table {
        struct hf_pending records[RECORDS];
        _Atomic(uint16_t) by_fd[FDS]; /* 0, or a record's number + 1 */
};

static _Atomic(void *) the_table; /* a struct table */
static _Atomic(uint32_t) in_use;
static _Atomic(uint32_t) next_free; /* where the search for a free record begins */

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

static struct table *get_table(void)
{
        struct table *table = hf_sys_map_once(&the_table, sizeof *table);

        return table;
}

bool hf_pending_claim(struct hf_pending *record)
{
        bool no = false;

        return atomic_compare_exchange_strong_explicit(&record->claimed, &no, true,
                                                       memory_order_acquire, memory_order_relaxed);
}

void hf_pending_unclaim(struct hf_pending *record)
{
        atomic_store_explicit(&record->claimed, false, memory_order_release);
}

void hf_pending_free(struct hf_pending *record)
{
        struct table *table = atomic_load_explicit(&the_table, memory_order_acquire);
        uint16_t mine;

        atomic_fetch_sub_explicit(&in_use, 1, memory_order_relaxed);
        if (record->alone) {
                hf_sys_unmap(record, sizeof *record);
                return;
        }
        mine = (uint16_t)(record - table->records + 1);
        atomic_compare_exchange_strong_explicit(&table->by_fd[record->fd], &mine, 0,
                                                memory_order_relaxed, memory_order_relaxed);
        atomic_store_explicit(&record->id, 0, memory_order_relaxed);
        hf_pending_unclaim(record);
}

/* Frees RECORD if its socket is gone, as far as its descriptor tells. */
static void sweep(struct hf_pending *record)
{
        uint64_t id = atomic_load_explicit(&record->id, memory_order_relaxed), now;

        if (!id || !hf_pending_claim(record))
                return;
        id = atomic_load_explicit(&record->id, memory_order_relaxed);
        if (id && (hf_socket_id(record->fd, &now) < 0 || now != id))
                hf_pending_free(record);
        else
                hf_pending_unclaim(record);
}

static struct hf_pending *search(struct table *table)
{
        uint32_t first = atomic_load_explicit(&next_free, memory_order_relaxed);

        for (uint32_t i = 0; i < RECORDS; i++) {
                struct hf_pending *record = &table->records[(first + i) % RECORDS];

                if (atomic_load_explicit(&record->id, memory_order_relaxed) ||
                    !hf_pending_claim(record))
                        continue;
                if (atomic_load_explicit(&record->id, memory_order_relaxed)) {
                        hf_pending_unclaim(record);
                        continue;
                }
                atomic_store_explicit(&next_free, first + i, memory_order_relaxed);
                return record;
        }
        return NULL;
}

/* Makes RECORD the one of FD. False: there is one already for this very socket, as two threads
 * connect it at once. */
static bool enter(struct table *table, struct hf_pending *record, uint64_t id)
{
        uint16_t mine = (uint16_t)(record - table->records + 1);
        _Atomic(uint16_t) *place = &table->by_fd[record->fd];
        uint16_t seen = atomic_load_explicit(place, memory_order_acquire);

        for (;;) {
                struct hf_pending *other = seen ? &table->records[seen - 1] : NULL;

                if (other && other != record) {
                        if (atomic_load_explicit(&other->id, memory_order_relaxed) == id)
                                return false;
                        /* What was pending under this number before is gone: nobody told us of
                         * the close. */
                        sweep(other);
                        seen = atomic_load_explicit(place, memory_order_acquire);
                }
                if (atomic_compare_exchange_strong_explicit(
                            place, &seen, mine, memory_order_acq_rel, memory_order_acquire))
                        return true;
        }
}

static struct hf_pending *reset(struct hf_pending *record, int fd, uint64_t id, bool alone)
{
        record->alone = alone;
        record->fd = fd;
        record->phase = HF_PENDING_CONNECTING;
        record->next = 0;
        record->first_error = 0;
        record->settle = record->fastopen = record->v6only = false;
        atomic_store_explicit(&record->driver, 0, memory_order_relaxed);
        atomic_store_explicit(&record->id, id, memory_order_relaxed);
        atomic_fetch_add_explicit(&in_use, 1, memory_order_relaxed);
        return record;
}

int hf_pending_take(int fd, uint64_t id, struct hf_pending **ret_record)
{
        struct table *table = (uint32_t)fd < FDS ? get_table() : NULL;
        struct hf_pending *record = table ? search(table) : NULL;

        if (table && !record) {
                for (uint32_t i = 0; i < RECORDS; i++)
                        sweep(&table->records[i]);
                record = search(table);
        }
        if (!record) {
                record = hf_sys_map(sizeof *record);
                if (!record)
                        return -ENOMEM;
                atomic_store_explicit(&record->claimed, true, memory_order_relaxed);
                *ret_record = reset(record, fd, id, true);
                return 0;
        }
        reset(record, fd, id, false);
        if (!enter(table, record, id)) {
                hf_pending_free(record);
                return -EALREADY;
        }
        *ret_record = record;
        return 0;
}

bool hf_pending_any(void)
{
        return atomic_load_explicit(&in_use, memory_order_relaxed) > 0;
}

bool hf_pending_find(int fd, struct hf_tunnel *ret_tunnel)
{
        struct table *table = atomic_load_explicit(&the_table, memory_order_acquire);
        struct hf_tunnel tunnel = {.fd = fd};
        uint16_t number;

        if (!table || (unsigned)fd >= FDS)
                return false;
        number = atomic_load_explicit(&table->by_fd[fd], memory_order_relaxed);
        if (!number || hf_socket_id(fd, &tunnel.id) < 0)
                return false;
        tunnel.record = &table->records[number - 1];
        if (atomic_load_explicit(&tunnel.record->id, memory_order_relaxed) != tunnel.id)
                return false;
        *ret_tunnel = tunnel;
        return true;
}

int hf_pending_look_back(int fd)
{
        struct sockaddr_storage sa;
        socklen_t len = sizeof sa;

        return hf_syscall3(SYS_getpeername, fd, &sa, &len) < 0 ? -ECONNABORTED : 0;
}

void hf_pending_drop(const struct hf_tunnel *tunnel)
{
        uint64_t mask = hf_signals_block();

        /* Claimed by another thread's step: that step finds the socket disconnected, and ends it.
         */
        if (hf_pending_claim(tunnel->record)) {
                if (atomic_load_explicit(&tunnel->record->id, memory_order_relaxed) == tunnel->id)
                        hf_pending_free(tunnel->record);
                else
                        hf_pending_unclaim(tunnel->record);
        }
        hf_signals_restore(mask);
}
