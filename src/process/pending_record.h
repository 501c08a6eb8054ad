/* SPDX-License-Identifier: MIT */
/* What a record is made of; for pending*.c only. */
#pragma once

#include "pending.h"
#include "proxyaddr.h"

#include "core/handshake.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/time.h>

enum hf_pending_phase {
        HF_PENDING_CONNECTING, /* TCP to the proxy is not up yet */
        HF_PENDING_GREETING,   /* the handshake */
        HF_PENDING_OVER,       /* ended: `result` waits for the call that asks */
};

#define HF_PENDING_ALIASES 4

/* Lies in memory that parent and child share: pending_owner.c. */
typedef _Atomic(uint32_t) hf_pending_moves;

struct hf_pending {
        /* Whoever holds the claim may touch the rest. It is taken with all signals blocked and
         * given back before they are unblocked. */
        _Atomic(bool) claimed;
        _Atomic(bool) knocked; /* somebody found it claimed: whoever has it steps once more */
        _Atomic(bool) waited;  /* a wait that we see named it */
        _Atomic(uint64_t) id;  /* of the socket; 0: the record is free */
        _Atomic(int64_t) due;  /* its next deadline; INT64_MAX: none */
        _Atomic(int) fds[HF_PENDING_ALIASES]; /* its descriptors as far as we know, or -1 */

        /* Which process may go on with it: see pending_owner.c. */
        uint32_t generation;
        uint32_t moves;
        hf_pending_moves *shared_moves;

        bool alone;     /* not of the table: it was full, or the descriptor's number too high */
        bool alive;     /* OVER: the socket was not disconnected and must stay unusable */
        bool settle;    /* the kernel's own connect has yet to return 0 once */
        bool left;      /* a blocking connect() was given up before its end */
        bool blocks;    /* the socket did when its connect(2) was made, */
        bool up;        /* which may have done more than begin */
        int64_t own_ms; /* the socket's own SO_SNDTIMEO then; 0: none */
        uint8_t next;   /* of addrs, still to try */
        int8_t phase;   /* enum hf_pending_phase */
        int result;     /* OVER: 0 or -errno */
        short events;   /* what it waits for */
        short armed; /* what epoll sets were told of that when the last step ended; 0: they are to
                      * be told again */
        bool told;   /* epoll sets were told something, and have to be told the end */
        int first_error;       /* of addresses that failed, 0 if none did */
        int lowat;             /* SO_RCVLOWAT that was taken away for the handshake, or 0 */
        bool fastopen, v6only; /* options that were switched off for the tunnel */
        sa_family_t family;
        uint16_t port; /* of the destination */
        socklen_t asked_len;
        struct sockaddr_in6 asked; /* what the program connects to, either family */
        _Atomic(int64_t) since;    /* when connect() began */
        int64_t deadline, addr_deadline;
        const struct hf_proxy *proxy, *first_proxy; /* the one that is tried; of a list, where it
                                                     * began */
        struct hf_proxyaddr addrs;
        struct hf_handshake machine;
};

/* A record as its users know it. It may be over, and another's, by the time they come back: the
 * socket's identity tells. FD is a descriptor of that socket, the caller's own. */
struct hf_tunnel {
        struct hf_pending *record;
        uint64_t id;
        int fd;
        bool alone;   /* hf_pending_find() will not find it: to be driven to its end */
        bool checked; /* FD was that socket a moment ago: no need to ask again */
};

/* A time limit of a socket in milliseconds, rounded up; 0: none. */
static inline int64_t hf_pending_ms(const struct timeval *tv)
{
        return (int64_t)tv->tv_sec * 1000 + (tv->tv_usec + 999) / 1000;
}

/* What poll(2), and epoll under the same bits, shows on a socket whose connect failed, until
 * somebody asks for the error. */
#define HF_PENDING_FAILED                                                                          \
        (EPOLLERR | EPOLLHUP | EPOLLIN | EPOLLRDNORM | EPOLLRDHUP | EPOLLOUT | EPOLLWRNORM)

/* What came of a step. */
enum hf_progress {
        HF_GOES_ON, /* wait for `events` (none: another thread is in a step), `ms` at most */
        HF_OVER,    /* `result`: 0 or -errno */
        HF_GONE,    /* the record is another's, or another process's: nothing of ours any more */
};

struct hf_step {
        short events;
        int ms;
        int result;
        bool settle;  /* OVER with 0: see the record's */
        bool kept;    /* OVER: there is something to collect, */
        bool dead;    /* and the socket was disconnected */
        bool before;  /* OVER: it was, before this step */
        bool up;      /* GOES_ON: TCP is */
        bool watched; /* GOES_ON: a wait that we see named it, or it is registered with epoll */
};

/* ---- pending_owner.c ---- */

/* All signals, for as long as a record is claimed. */
uint64_t hf_signals_block(void);
void hf_signals_restore(uint64_t mask);

/* Which socket FD is: its cookie or, where the system has none, its inode number; never 0. -EBADF
 * and the like when it is no socket. */
int hf_socket_id(int fd, uint64_t *ret_id);

/* May this process use the table at all? A vfork child may not: it has its parent's memory, but
 * descriptors of its own. Notices a fork: what was begun before it is the parent's, from then on,
 * but for what this process is the first to go on with. */
bool hf_pending_ours(void);

/* Did this process begin RECORD? */
bool hf_pending_began(const struct hf_pending *record);

/* With signals blocked. True: RECORD is the caller's until it gives it back (is it still the same
 * socket's? look at `id`). hf_pending_claim() fails at once when another thread has it, and makes
 * that one step again; hf_pending_claim_patiently() waits for the microseconds of a step.
 * hf_pending_unclaim() is true if somebody knocked meanwhile: then a step is due. */
bool hf_pending_claim(struct hf_pending *record);
void hf_pending_claim_patiently(struct hf_pending *record);
bool hf_pending_unclaim(struct hf_pending *record);

/* The claimed RECORD is this process's from now on, as no process but the first to move a byte goes
 * on with a handshake. False: another one was faster. */
bool hf_pending_move(struct hf_pending *record);

/* A fresh record begins here. NUMBER: of the table; 0: it is alone, and no other process's. */
void hf_pending_own(struct hf_pending *record, uint16_t number);

/* ---- pending.c ---- */

/* With signals blocked: a fresh record, claimed, with `fds`, `id` and `alone` filled in, and found
 * by hf_pending_find() from now on unless it is `alone`. 0; -EALREADY: the socket has one; -ENOMEM.
 */
int hf_pending_take(int fd, uint64_t id, int64_t now, struct hf_pending **ret_record);

/* Gives a claimed record back for good. It must not be touched afterwards. */
void hf_pending_free(struct hf_pending *record);

/* The record of the socket FD. */
bool hf_pending_find(int fd, struct hf_tunnel *ret_tunnel);

/* As hf_pending_find(), and claimed (patiently), with signals blocked: to be given back by
 * hf_pending_release(), or hf_pending_free() and hf_signals_restore(*ret_mask). */
bool hf_pending_hold(int fd, struct hf_tunnel *ret_tunnel, uint64_t *ret_mask);
void hf_pending_release(const struct hf_tunnel *tunnel, uint64_t mask);

/* A descriptor of the claimed RECORD that is still its socket's; -1: all gone. */
int hf_pending_fd(const struct hf_pending *record);

/* Gives back a record that was claimed and turned out to be none of ours: if somebody knocked, it
 * takes its step. */
void hf_pending_let_go(struct hf_pending *record);

/* FD is one of its descriptors, or no longer. */
void hf_pending_point(struct hf_pending *record, int fd);
void hf_pending_unpoint(struct hf_pending *record, int fd);

/* Frees RECORD if its socket is gone, as far as its descriptors tell. With signals blocked. */
void hf_pending_sweep(struct hf_pending *record, void *unused);

/* For every record that was ever used, free ones too. Not claimed. */
void hf_pending_each(void (*visit)(struct hf_pending *record, void *arg), void *arg);

/* ---- pending_fds.c ---- */

/* The claimed RECORD of FD is that of its duplicates, too. */
void hf_pending_enter_twins(struct hf_pending *record, int fd);

/* ---- pending_expire.c ---- */

/* The next deadline is no later than AT. */
void hf_pending_expect(int64_t at);

/* ---- pending_step.c ---- */

/* The verb. */
enum hf_progress hf_pending_step(const struct hf_tunnel *tunnel, struct hf_step *ret);

/* The same, but another thread's is waited for: the microseconds that it takes. */
enum hf_progress hf_pending_step_patiently(const struct hf_tunnel *tunnel, struct hf_step *ret);

/* The same by whoever has blocked signals already; and by whoever has claimed the record, too: that
 * gives it back. */
enum hf_progress hf_pending_step_masked(const struct hf_tunnel *tunnel, struct hf_step *ret);
enum hf_progress hf_pending_step_claimed(const struct hf_tunnel *tunnel, struct hf_step *ret);

/* The result of one that is OVER, for the call that asks, and the record is free. 0 or -errno;
 * HF_NOTHING if there is none any more. A 0 that is kept is owed to a connect() and to no other
 * call: those want failures only. */
#define HF_NOTHING 1
int hf_pending_collect(const struct hf_tunnel *tunnel, bool for_connect);

/* The end of a claimed RECORD that could not even begin; the record is free. */
void hf_pending_abandon(struct hf_pending *record, int fd, int error);

/* The program took the socket FD away from the claimed RECORD: options and registrations are as
 * before. */
void hf_pending_forsake(struct hf_pending *record, int fd);

/* ---- pending_dial.c: on a claimed record ---- */

/* Begins with the next address that takes a start: 1, or -errno when there is none left. */
int hf_pending_dial(struct hf_pending *record, int fd, int64_t now);

/* TCP is up: 1. It is not yet: 0, `events` set. -errno: no address is left. */
int hf_pending_dialled(struct hf_pending *record, int fd);

/* The time of this address is up: on with the next one, as hf_pending_dial(). */
int hf_pending_dial_next(struct hf_pending *record, int fd, int error, int64_t now);

/* A failed socket is dead: whatever the proxy sent cannot be read, the next send gives EPIPE and
 * poll says POLLOUT|POLLHUP, and it can be connected again. */
void hf_pending_disconnect(int fd);

/* Options that stand in the way are put aside, and given back at the end. */
void hf_pending_prepare(struct hf_pending *record, int fd);
/* With SO_RCVLOWAT nothing is readable before so many bytes came, and a reply may be shorter: for
 * whoever is not going to look by himself from time to time. */
void hf_pending_lower_mark(struct hf_pending *record, int fd);
void hf_pending_put_back(const struct hf_pending *record, int fd, bool failed);

/* Errors that say something about the call or the socket and nothing about the proxy: they are
 * the caller's, and the socket stays as it is. (It may be connected already.) */
bool hf_pending_callers_error(int error);

/* ---- pending_list.c: several proxies ---- */

/* Of the list that PROXY begins, the one to begin with: that which served last. */
const struct hf_proxy *hf_pending_first_proxy(const struct hf_proxy *proxy);

/* The proxy of the claimed RECORD has taken the connection. */
void hf_pending_served(const struct hf_pending *record);

/* Is there another one to try? Then RECORD is set up for it. */
bool hf_pending_has_next_proxy(const struct hf_pending *record);
bool hf_pending_next_proxy(struct hf_pending *record);

/* ---- pending_drive.c ---- */

/* Steps until it is over, or until the caller must have its say: 0, -errno, or -EINTR (a handler
 * without SA_RESTART may have run) or, when the socket's own SO_SNDTIMEO expired, what the caller
 * says then: -EINPROGRESS for a first connect(), -EALREADY for another one, -EAGAIN for any other
 * call. These leave the record pending. */
int hf_pending_drive(const struct hf_tunnel *tunnel, int expired);

/* The same by a blocking connect() that has just taken the first step, which was to go on, and
 * still has all signals blocked. OWN_MS: the socket's SO_SNDTIMEO. MASK: the thread's own. */
int hf_pending_drive_on(const struct hf_tunnel *tunnel, const struct hf_step *step, int64_t own_ms,
                        uint64_t mask);

/* What a connect() returns that saw the end. */
int hf_pending_conclude(const struct hf_tunnel *tunnel, enum hf_progress progress,
                        const struct hf_step *step, bool for_connect);

/* Steps until it is over, whatever the socket's flags and time limits say. */
void hf_pending_drive_to_end(const struct hf_tunnel *tunnel);

/* ---- pending_log.c ---- */

/* The log lines about how RECORD ended. */
void hf_pending_log(const struct hf_pending *record, int result);

/* The handshake with PROXY could not even begin, for ERROR: a line where its URL is the reason. */
void hf_pending_log_unsuitable(const struct hf_proxy *proxy, int error);
