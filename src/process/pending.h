/* SPDX-License-Identifier: MIT */
/* Handshakes under way, on the caller's own sockets, and the one verb that moves them: *step*.
 * design.md 5 is the contract.
 *
 * A record holds what a handshake is: whose socket, which machine, until when, which addresses are
 * still to try. A step does what can be done now and says what the record waits for; it never
 * blocks, makes no cancellation point and runs with all signals blocked. Who drives it:
 *
 *      blocking connect()      pending_drive.c: step in a loop around poll(2)
 *      poll(), select()        hf_pending_wait(): a step, and what to wait for instead
 *      epoll                   interest.h: the kernel watches for the handshake; what fires, steps
 *      everything else         pending_ask.c: a step, or the rest of it, before the call goes on
 *
 * One connect(), on paper:
 *      connect hook            destination → core/route: direct → the real call
 *      hf_pending_connect      record taken, TCP connect to the proxy begun on the same socket,
 *                              one step; non-blocking: EINPROGRESS; blocking: driven to its end
 *      step: CONNECTING        poll(0) says up → GREETING; failed → next address, or over
 *      step: GREETING          machine's output → sendmsg; recv(MSG_PEEK) → machine's input;
 *                              consume exactly what it took → over with 0, or refused: over
 *      over                    0: the record is free, the socket is the program's. Failed:
 *                              connect(AF_UNSPEC), SO_ERROR consumed, the errno kept in the record
 *                              for the first call that asks
 * One epoll event, on paper: epoll_wait() returns (events, data) → interest.c finds the pending
 * socket behind (epfd, data) → step → still pending: armed again, the event dropped; over: the
 * registration gets the caller's own events back, and the kernel tells what it has to tell.
 *
 * While nothing is pending, a hook is hf_pending_any() or hf_pending_maybe() and the real call.
 *
 * Files: pending.c the table (who is where), pending_owner.c who may touch a record (claims,
 * forks, vforks), pending_start.c connect(), pending_step.c the verb, pending_dial.c its TCP part,
 * pending_list.c several proxies,
 * pending_drive.c the loop around it, pending_ask.c what other calls ask, pending_fds.c duplicates
 * and closes, pending_expire.c the deadlines, pending_log.c what the log says about an end. */
#pragma once

#include "config.h"

#include <stdatomic.h>
#include <sys/socket.h>

#define HF_PENDING_FDS (1U << 20) /* descriptors above this are driven to the end at once */

struct hf_pending;

/* ---- is there anything to do? ---- */

/* Records in use, and by descriptor "perhaps one of them". */
extern _Atomic(uint32_t) hf_pending_count;
extern _Atomic(uint32_t) hf_pending_ended; /* counts those that were ever in use and are no more */
typedef _Atomic(uint16_t) hf_pending_hint;
extern _Atomic(hf_pending_hint *) hf_pending_by_fd; /* of HF_PENDING_FDS; set before the first
                                                     * count */

/* Is any handshake under way in this process, or one that failed and was not asked about? */
static inline bool hf_pending_any(void)
{
        return __builtin_expect(atomic_load_explicit(&hf_pending_count, memory_order_acquire) != 0,
                                0);
}

/* Perhaps on FD? No system call; the functions below look closer. */
static inline bool hf_pending_maybe(int fd)
{
        if (!hf_pending_any() || (unsigned)fd >= HF_PENDING_FDS)
                return false;
        return atomic_load_explicit(atomic_load_explicit(&hf_pending_by_fd, memory_order_relaxed) +
                                            fd,
                                    memory_order_relaxed) != 0;
}

/* ---- connect() ---- */

/* A connect() that is to be tunnelled. */
struct hf_request {
        int fd;                      /* an unconnected TCP socket */
        const struct sockaddr *addr; /* what the program asked for, for getpeername() */
        socklen_t len;
        sa_family_t family; /* of that, and so of the addresses that its socket takes */
        const struct hf_config *config;
        const struct hf_proxy *proxy;
        const struct hf_dest *dest;
        int64_t since; /* when connect() began: hf_sys_now() */
        bool nowait;   /* MSG_DONTWAIT: the call must not block, whatever the socket does */
};

/* connect() through the proxy. 0 or -errno, as the kernel would answer: -EINPROGRESS on a socket
 * that does not block; on one that does, when its SO_SNDTIMEO expired; -EINTR when a handler
 * without SA_RESTART may have run. */
int hf_pending_connect(const struct hf_request *request);

/* connect() once more, on a socket with a record: -EALREADY while it is under way (a blocking
 * one waits); its failure once; 0 where that is ours to give. False: no such record (any more), the
 * call is the kernel's. */
bool hf_pending_again(int fd, int *ret_result);

/* After a connect(AF_UNSPEC) that worked: the socket is the program's. */
void hf_pending_drop(int fd);

/* ---- waits ---- */

struct hf_wait {
        short events; /* poll(2) events that the handshake waits for; may be none */
        int ms;       /* look again then at the latest */
        short failed; /* what the kernel shows on a socket whose connect() failed and that nobody
                       * has asked yet; most of it is in place after our disconnect, but not
                       * POLLERR. 0: nothing failed */
};

/* A wait that names FD: takes a step. True: the handshake goes on; wait for ret->events instead of
 * the caller's, for ret->ms at most, tell the caller nothing of FD and come again. False: the
 * caller's own events are the right ones (`failed` to be added, as far as it asked for them). */
bool hf_pending_wait(int fd, struct hf_wait *ret);

/* Before any wait that may sleep, on whatever: ends the handshakes whose time is up (those that
 * this process began) and says in how many milliseconds the next one's is: sleep no longer,
 * then come again. -1: no limit. */
int hf_pending_expire(void);

/* ---- the other calls on a descriptor that hf_pending_maybe() ---- */

/* Before data moves. 0: go on with the call. Negative: what it gives instead. NOWAIT: the call has
 * MSG_DONTWAIT. */
int hf_pending_data(int fd, bool nowait);

/* getsockopt(SO_ERROR). True: *ret_error is the answer (positive, or 0). False: the kernel's. */
bool hf_pending_error(int fd, int *ret_error);

/* Before something that would let data past our hooks (O_NONBLOCK cleared, the descriptor sent to
 * another process, stdio): the handshake is brought to its end here; a failure stays to be asked
 * for. */
void hf_pending_finish(int fd);

/* Is FD not connected yet, though the kernel (connected to the proxy) would say so? */
bool hf_pending_unconnected(int fd);

/* TO has become a duplicate of FROM. */
void hf_pending_dup(int from, int to);

/* FD, or all of FIRST to LAST, is about to be closed. Before the real call: afterwards nobody can
 * tell which socket it was. */
void hf_pending_close(int fd);
void hf_pending_close_range(unsigned first, unsigned last);
