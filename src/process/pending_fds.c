/* SPDX-License-Identifier: MIT */
/* Descriptors of a pending socket that come and go. */
#include "pending_record.h"

#include "interest.h"
#include "twins.h"

/* (A fifth one is still found, but counts for nothing when the others are closed.) */
static void add_alias(struct hf_pending *record, int fd)
{
        for (int i = 0; i < HF_PENDING_ALIASES; i++) {
                int none = -1;

                if (atomic_load_explicit(&record->fds[i], memory_order_relaxed) == fd ||
                    atomic_compare_exchange_strong(&record->fds[i], &none, fd))
                        break;
        }
        hf_pending_point(record, fd);
}

void hf_pending_enter_twins(struct hf_pending *record, int fd)
{
        uint64_t id = atomic_load_explicit(&record->id, memory_order_relaxed), now;

        for (int twin = hf_twins_next(fd, 0); twin >= 0; twin = hf_twins_next(fd, twin + 1))
                if (hf_socket_id(twin, &now) == 0 && now == id)
                        add_alias(record, twin);
}

void hf_pending_dup(int from, int to)
{
        struct hf_tunnel tunnel;
        uint64_t mask;

        if ((unsigned)to >= HF_PENDING_FDS) {
                hf_pending_finish(from);
                return;
        }
        if (!hf_pending_hold(from, &tunnel, &mask))
                return;
        add_alias(tunnel.record, to);
        hf_pending_release(&tunnel, mask);
}

/* The claimed RECORD without its descriptors of FIRST to LAST: gives it back, or frees it. */
static void close_some(const struct hf_tunnel *tunnel, unsigned first, unsigned last, uint64_t mask)
{
        struct hf_pending *record = tunnel->record;
        int closed[HF_PENDING_ALIASES] = {-1, -1, -1, -1};

        for (int i = 0; i < HF_PENDING_ALIASES; i++) {
                int fd = atomic_load_explicit(&record->fds[i], memory_order_relaxed);

                if (fd < 0 || (unsigned)fd < first || (unsigned)fd > last)
                        continue;
                hf_pending_unpoint(record, fd);
                atomic_store_explicit(&record->fds[i], -1, memory_order_relaxed);
                closed[i] = fd;
        }
        if (hf_pending_fd(record) >= 0) {
                /* What is registered under the closed numbers stays so while the socket lives. (The
                 * set of a fork's child is its parent's, too.) */
                for (int i = 0; i < HF_PENDING_ALIASES; i++)
                        if (closed[i] >= 0 && hf_pending_began(record))
                                hf_interest_restore(closed[i]);
                hf_pending_release(tunnel, mask);
                return;
        }
        hf_pending_free(record);
        hf_signals_restore(mask);
}

void hf_pending_close(int fd)
{
        struct hf_tunnel tunnel;
        uint64_t mask;

        if (hf_pending_hold(fd, &tunnel, &mask))
                close_some(&tunnel, (unsigned)fd, (unsigned)fd, mask);
        else if (hf_pending_maybe(fd) && hf_pending_ours())
                atomic_store_explicit(
                        atomic_load_explicit(&hf_pending_by_fd, memory_order_relaxed) + fd, 0,
                        memory_order_relaxed);
}

struct range {
        unsigned first, last;
};

static void close_in_range(struct hf_pending *record, void *arg)
{
        const struct range *range = arg;
        struct hf_tunnel tunnel;
        uint64_t mask;

        for (int i = 0; i < HF_PENDING_ALIASES; i++) {
                int fd = atomic_load_explicit(&record->fds[i], memory_order_relaxed);

                if (atomic_load_explicit(&record->id, memory_order_relaxed) && fd >= 0 &&
                    (unsigned)fd >= range->first && (unsigned)fd <= range->last &&
                    hf_pending_hold(fd, &tunnel, &mask)) {
                        close_some(&tunnel, range->first, range->last, mask);
                        return;
                }
        }
}

void hf_pending_close_range(unsigned first, unsigned last)
{
        struct range range = {first, last};

        hf_pending_each(close_in_range, &range);
}
