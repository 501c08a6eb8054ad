/* SPDX-License-Identifier: MIT */
/* Handshakes under way, on the caller's own sockets, and the one verb that moves them: *step*.
 * design.md 5 is the contract.
 *
 * A record holds what a handshake is (whose socket, which machine, until when, which addresses are
 * still to try). hf_pending_step() does what can be done now and says what the record waits for; it
 * never blocks, makes no cancellation point and runs with all signals blocked. The blocking driver
 * is step in a loop around poll(2); the waiting hooks of event loops (the next issue) translate
 * what their caller waits for into what the record waits for, and back.
 *
 * One connect(), on paper:
 *      connect hook       destination → core/route: direct → the real call
 *      hf_pending_start   record taken, TCP connect to the proxy started on the same socket
 *      hf_pending_drive   blocking: { step; poll(record's events, deadline) } until it is over
 *      step: CONNECTING   poll(0) says up → GREETING; failed → next address, or over with errno
 *      step: GREETING     machine's output → sendmsg; recv(MSG_PEEK) → machine's input; consume
 *                         exactly what it took → over with 0, or refused: over with errno
 *      over               failed: connect(AF_UNSPEC), then SO_ERROR consumed: the socket is dead
 *                         and may be connected again; the record is free
 *
 * Files: pending.c the table (who is where), pending_step.c the verb, pending_drive.c the loop
 * around it, pending_log.c what the log says about an end. */
#pragma once

#include "config.h"

#include <sys/socket.h>

struct hf_pending;

/* A record as its users know it. The record may be over, and another's, by the time they come back
 * to it: the socket's identity tells. FD is a descriptor of that socket, the caller's own. */
struct hf_tunnel {
        struct hf_pending *record;
        uint64_t id;
        int fd;
        bool alone; /* hf_pending_find() will not find it: drive it to its end */
};

/* Starts a tunnel on FD (an unconnected TCP socket) for DEST through PROXY; FAMILY is that of the
 * address that the program connects to, and so of the one that its socket takes. SINCE: when its
 * connect() began. 0 and a tunnel to be driven, or -errno when it failed at once. */
int hf_pending_start(int fd, sa_family_t family, const struct hf_config *config,
                     const struct hf_proxy *proxy, const struct hf_dest *dest, int64_t since,
                     struct hf_tunnel *ret_tunnel);

/* One step. 1: over, *ret_result is 0 or -errno and the record is gone. 0: *ret_events are
 * the poll(2) events that it waits for (none: another thread is in a step), for *ret_wait_ms at
 * most. */
int hf_pending_step(const struct hf_tunnel *tunnel, int *ret_result, short *ret_events,
                    int *ret_wait_ms);

/* Steps until it is over, or until the caller must have its say: 0, -errno, or -EINTR (a handler
 * without SA_RESTART may have run), -EINPROGRESS or, when AGAIN (not the first connect() for this
 * tunnel), -EALREADY (the socket's own SO_SNDTIMEO expired): these leave the record pending. */
int hf_pending_drive(const struct hf_tunnel *tunnel, bool again);

/* Is any handshake under way in this process? (One load.) */
bool hf_pending_any(void);

/* The handshake under way on FD, checked by socket identity; false: none. */
bool hf_pending_find(int fd, struct hf_tunnel *ret_tunnel);

/* The socket is somebody else's business from now on (the program disconnected it). */
void hf_pending_drop(const struct hf_tunnel *tunnel);
