/* SPDX-License-Identifier: MIT */
/* The time limits of all handshakes that this process began, kept by whoever waits for whatever. */
#include "pending_record.h"

#include "sys.h"

static _Atomic(int64_t) next_due = INT64_MAX; /* no record's is earlier */

void hf_pending_expect(int64_t at)
{
        int64_t seen = atomic_load_explicit(&next_due, memory_order_relaxed);

        while (at < seen && !atomic_compare_exchange_weak(&next_due, &seen, at))
                ;
}

static void expire_one(struct hf_pending *record, void *arg)
{
        int64_t now = *(const int64_t *)arg, due = atomic_load(&record->due);
        struct hf_tunnel tunnel = {.record = record, .id = atomic_load(&record->id), .fd = -1};
        struct hf_step step;

        if (!tunnel.id)
                return;
        hf_pending_sweep(record, NULL);
        if (!hf_pending_began(record))
                return;
        if (due <= now && atomic_load(&record->id) == tunnel.id) {
                tunnel.fd = hf_pending_fd(record);
                if (tunnel.fd >= 0)
                        hf_pending_step(&tunnel, &step);
                due = atomic_load(&record->due);
                if (due <= now) /* another thread is at it */
                        due = now + 1;
        }
        if (atomic_load(&record->id))
                hf_pending_expect(due);
}

int hf_pending_expire(void)
{
        int64_t due = atomic_load_explicit(&next_due, memory_order_relaxed), now;
        uint64_t mask;

        if (!hf_pending_any() || due == INT64_MAX)
                return -1;
        now = hf_sys_now();
        if (now >= due && hf_pending_ours() &&
            atomic_compare_exchange_strong(&next_due, &due, INT64_MAX)) {
                mask = hf_signals_block();
                hf_pending_each(expire_one, &now);
                hf_signals_restore(mask);
                due = atomic_load(&next_due);
                if (due == INT64_MAX)
                        return -1;
        }
        return due - now < 1 ? 1 : due - now > INT32_MAX ? INT32_MAX : (int)(due - now);
}
