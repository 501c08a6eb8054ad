/* SPDX-License-Identifier: MIT */
/* For the calls that move data. */
#pragma once

#include "hook.h"

#include "process/pending.h"
#include "process/strict.h"

/* True: no data may move on FD yet, and errno says why. NOWAIT: the call would not block. */
static inline bool hf_data_refused(int fd, bool nowait)
{
        return hf_pending_maybe(fd) && hf_sys(hf_pending_data(fd, nowait)) < 0;
}

/* The same for what goes out on FD to wherever it is connected: under `strict` that must be open.
 */
static inline bool hf_send_refused(int fd, bool nowait)
{
        if (hf_strict() && hf_strict_refuses(fd, NULL, 0, false))
                return hf_sys(-ENETUNREACH) < 0;
        return hf_data_refused(fd, nowait);
}
