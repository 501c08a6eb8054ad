/* SPDX-License-Identifier: MIT */
/* Where datagrams go: the destinations of sendto(), sendmsg() and sendmmsg(). */
#pragma once

#include "process/names.h"

#include <sys/socket.h>

struct hf_datagram {
        struct sockaddr_storage addr;
        socklen_t len;
};

/* May a destination be something else than it looks like? (One load.) */
static inline bool hf_datagram_any(void)
{
        return hf_names_any();
}

/* What the call on FD does with its destination ADDR. 0: hands it to the kernel as it is. 1: takes
 * *RET instead, the real address of the name behind a placeholder (looked up at most once a
 * minute). -Exxx: is refused. ADDR may be a bad pointer, or NULL. */
int hf_datagram_to(int fd, const struct sockaddr *addr, socklen_t len, struct hf_datagram *ret);
