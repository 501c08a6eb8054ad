/* SPDX-License-Identifier: MIT */
/* HFPROXY_TUNNEL=strict at the sockets: what cannot be tunnelled does not leave. TCP is judged
 * where it connects; whatever else carries IP packets, where it sends (connect() alone sends
 * nothing, and programs learn their own address by it). Open are this machine, the proxy and what
 * no_proxy names (core/route). Each look costs one to four system calls, so ask hf_strict()
 * first. errno is left as it was. */
#pragma once

#include "config.h"

#include <sys/socket.h>

struct mmsghdr;

#define HF_MESSAGES_MAX 1024 /* UIO_MAXIOV: sendmmsg(2) looks at no more */

/* May a packet go to ADDR of IP, by other means than a tunnel? PORT 0 where there is none. */
bool hf_strict_open(const struct hf_addr *addr, uint16_t port);

/* Is FD a socket whose connect() to an address of IP begins something (TCP, SCTP, raw, …)? Not if
 * it is a datagram socket, which is judged when it sends; nor if it is no socket of IP. */
bool hf_strict_connects(int fd);

/* Is FD any socket of IP? */
bool hf_strict_is_ip(int fd);

/* Must this be refused: a send on FD to ADDR, or, with NULL or LEN 0, to the peer that it is
 * connected to? On a connected TCP socket never. FASTOPEN: MSG_FASTOPEN is among the flags, so it
 * connects. Says so in the log, once. */
bool hf_strict_refuses(int fd, const struct sockaddr *addr, socklen_t len, bool fastopen);

/* The same for sendmsg(2), and for sendmmsg(2): how many of the first of N messages may go. */
bool hf_strict_refuses_msg(int fd, const struct msghdr *msg, int flags);
unsigned hf_strict_count_open(int fd, const struct mmsghdr *msgs, unsigned n, int flags);

/* The line about a connection to DEST that is refused because of WHY. */
void hf_strict_log(const struct hf_dest *dest, enum hf_why why);
