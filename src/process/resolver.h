/* SPDX-License-Identifier: MIT */
/* libresolv's functions, as far as we stand in front of them. */
#pragma once

#include <stdbool.h>

/* Under `strict`: is a question to a name server refused? (Inside the look-up of the proxy's own
 * name it is not.) If so, errno, h_errno and, if STATE is a res_state, its own say it. */
bool hf_resolver_refused(void *state);
