/* SPDX-License-Identifier: MIT */
/* What waits and other calls ask about a socket whose handshake may be under way. */
#include "pending_record.h"

#include "sys.h"

#include <fcntl.h>

bool hf_pending_wait(int fd, struct hf_wait *ret)
{
        struct hf_tunnel tunnel;
        struct hf_step step;
        enum hf_progress progress;

        *ret = (struct hf_wait){0};
        if (!hf_pending_find(fd, &tunnel))
                return false;
        atomic_store_explicit(&tunnel.record->waited, true, memory_order_relaxed);
        progress = hf_pending_step(&tunnel, &step);
        if (progress == HF_GOES_ON) {
                ret->events = step.events;
                ret->ms = step.ms;
                return true;
        }
        if (progress == HF_OVER && step.result < 0)
                ret->failed = (short)HF_PENDING_FAILED;
        return false;
}

int hf_pending_data(int fd, bool nowait)
{
        struct hf_tunnel tunnel;
        struct hf_step step;
        enum hf_progress progress;
        int r;

        if (!hf_pending_find(fd, &tunnel))
                return 0;
        progress = hf_pending_step(&tunnel, &step);
        if (progress == HF_GOES_ON) {
                bool blocks = !nowait && !(hf_syscall3(SYS_fcntl, fd, F_GETFL, 0) & O_NONBLOCK);

                if (blocks)
                        return hf_pending_drive(&tunnel, -EAGAIN);
                /* Who waits will be told. Who neither waits nor registered never would be, so the
                 * rest is done here. */
                if (!step.up || step.watched)
                        return -EAGAIN;
                hf_pending_drive_to_end(&tunnel);
        } else if (progress != HF_OVER || step.result == 0) {
                return 0;
        }
        r = hf_pending_collect(&tunnel, false);
        return r == HF_NOTHING ? 0 : r;
}

bool hf_pending_error(int fd, int *ret_error)
{
        struct hf_tunnel tunnel;
        struct hf_step step;
        enum hf_progress progress;
        int r;

        if (!hf_pending_find(fd, &tunnel))
                return false;
        progress = hf_pending_step(&tunnel, &step);
        if (progress == HF_GOES_ON) {
                if (!step.up) {
                        *ret_error = 0;
                        return true;
                }
                hf_pending_drive_to_end(&tunnel);
        } else if (progress != HF_OVER || step.result == 0) {
                return false;
        }
        r = hf_pending_collect(&tunnel, false);
        if (r >= 0)
                return false;
        *ret_error = -r;
        return true;
}

void hf_pending_finish(int fd)
{
        struct hf_tunnel tunnel;

        if (hf_pending_find(fd, &tunnel))
                hf_pending_drive_to_end(&tunnel);
}

bool hf_pending_unconnected(int fd)
{
        struct hf_tunnel tunnel;
        struct hf_step step;
        enum hf_progress progress;

        if (!hf_pending_find(fd, &tunnel))
                return false;
        progress = hf_pending_step(&tunnel, &step);
        return progress == HF_GOES_ON || (progress == HF_OVER && step.result < 0);
}
