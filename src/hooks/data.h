/* SPDX-License-Identifier: MIT */
/* For the calls that move data. */
#pragma once

#include "hook.h"

#include "process/pending.h"

/* True: no data may move on FD yet, and errno says why. NOWAIT: the call would not block. */
static inline bool hf_data_refused(int fd, bool nowait)
{
        return hf_pending_maybe(fd) && hf_sys(hf_pending_data(fd, nowait)) < 0;
}
