/* SPDX-License-Identifier: MIT */
/* What the program registered with epoll, and what the kernel holds instead while a handshake is
 * under way. design.md 5, "epoll".
 *
 * By descriptor number a few places hold (set, events, data) as the program last gave them,
 * noted by epoll_ctl() for every descriptor while a proxy is configured, for it may be connected
 * later (nginx, Boost.Asio, Netty register first). A note is a hint: closed sets and descriptors
 * leave stale ones behind, and whoever uses one lets the kernel judge (EPOLL_CTL_MOD, ENOENT:
 * none). From (set, data) a second table leads back to the descriptor, so that an event of
 * epoll_wait() finds its socket in constant time.
 *
 *      armed      the kernel holds what the handshake waits for, under names of its own
 *                 (EPOLLRDNORM for EPOLLIN, EPOLLWRNORM for EPOLLOUT), with the caller's data
 *      restored   the kernel holds the caller's events; MOD re-arms an edge-triggered one; one
 *                 with EPOLLEXCLUSIVE cannot be modified: DEL and ADD */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

/* After an epoll_ctl() that worked, on a descriptor with nothing pending: takes note. Lock-free,
 * allocates nothing but the mapping at its first call. */
void hf_interest_note(int epfd, int op, int fd, const struct epoll_event *event);

/* epoll_ctl() on a descriptor that hf_pending_maybe(). True: done, *ret_result is 0 or -errno.
 * False: nothing pending there, the call is the kernel's. */
bool hf_interest_ctl(int epfd, int op, int fd, struct epoll_event *event, int *ret_result);

/* What epoll_wait() on EPFD got, N events: those that belong to handshakes take their steps and are
 * dropped; where the same data stands for another descriptor too, and it cannot be told whose
 * the event is, it is kept rather than lost, cut down to what the program asked for. Returns how
 * many are left, in order. */
int hf_interest_events(int epfd, struct epoll_event *events, int n);

/* EPFD is a new set, whatever had its number before. */
void hf_interest_new_set(int epfd);

/* FD is closed, or new: its notes are void. The same for all of FIRST to LAST that are not very
 * high. */
void hf_interest_forget(int fd);
void hf_interest_forget_range(unsigned first, unsigned last);

/* Was anything ever registered while a proxy was configured? (One load.) Then events that were
 * meant for a handshake may come at any time. */
bool hf_interest_any(void);

/* A wait on the set EPFD by a call that we see, while hf_pending_any(). */
void hf_interest_waited(int epfd);

/* The same while nothing is pending: it may sleep for ever, and not hear of what begins meanwhile
 * in another thread, nor of its deadline. So who registers with that set next wakes it. */
void hf_interest_sleeps(int epfd);

/* ---- for pending*.c, with the record claimed; FD one of its descriptors ---- */

/* Arms every registration of FD for the handshake's poll(2) events; CHANGED: they are others than
 * the last time. 0: there is none. HF_INTEREST_WAKES: somebody may be asleep there who has to look
 * at the time: what comes first, comes for him only, and the next step arms anew. */
#define HF_INTEREST_ARMED 1U
#define HF_INTEREST_WAKES 2U
unsigned hf_interest_arm(int fd, short events, bool changed);

/* Gives every registration of FD the caller's events back. */
void hf_interest_restore(int fd);
