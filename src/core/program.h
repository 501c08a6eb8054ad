/* SPDX-License-Identifier: MIT */
/* Which programs only start others: shells and launchers. They use no proxy themselves; what they
 * see of the environment is what they hand on, so from them nothing is hidden (design.md 2). */
#pragma once

#include "util.h"

/* NAME is the executable file's own, without directories; the '-' of a login shell does not count.
 * CALLED is what it was started by: of the many programs in a busybox, wget is a client. */
bool hf_program_launches(struct hf_span name, struct hf_span called);
