/* SPDX-License-Identifier: MIT */
/* For the calls that connect by the way: sendto() and sendmsg() with MSG_FASTOPEN. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

/* connect(), unless it would be the kernel's own: true, and *ret_result is what it gave (-1 with
 * errno set, or 0). False: nothing was done, a direct connection is what the program gets. NOWAIT:
 * MSG_DONTWAIT was given. */
bool hf_connect_tunnelled(int fd, const struct sockaddr *addr, socklen_t len, bool nowait,
                          int *ret_result);
