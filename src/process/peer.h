/* SPDX-License-Identifier: MIT */
/* getpeername() on a tunnelled socket: the address that the program asked for, not the proxy's.
 * Remembered by socket identity in a lossy table: an entry may be overwritten by another
 * socket's, and then the proxy's address is what the program gets; a stale one matches no socket.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Was anything ever remembered? (One load.) */
bool hf_peer_any(void);

/* The socket ID is connected, for its program, to ADDR. Lock-free; forgets it if memory is
 * short. */
void hf_peer_remember(uint64_t id, const struct sockaddr *addr, socklen_t len);

/* True: *ret_addr, *ret_len are what was remembered for socket FD. Costs a system call, so ask only
 * when the kernel's answer is a proxy's address. */
bool hf_peer_recall(int fd, struct sockaddr_storage *ret_addr, socklen_t *ret_len);
