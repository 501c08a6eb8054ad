/* SPDX-License-Identifier: MIT */
#pragma once

#include "world.h"

/* By name, where the protocol is SOCKS4 and the client has a log-in: there are more offsets in
 * that. */
#define FAR_NAME "far.example.test"

/* How many bytes the client sends before there is a tunnel. */
size_t right_request_length(enum script_side side);

/* Of a reply of which the first AT bytes come, and then what SCRIPT says: 0 or an errno; *RET_ALSO:
 * another one that may be. By the rules of the protocol, and what design.md 5 says of each status;
 * written down by hand for these replies. */
int right_error(struct script s, int *ret_also);
