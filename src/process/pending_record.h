/* SPDX-License-Identifier: MIT */
/* What a record is made of; for pending*.c only. */
#pragma once

#include "pending.h"
#include "proxyaddr.h"

#include "core/http_connect.h"

#include <errno.h>
#include <stdatomic.h>

enum hf_pending_phase {
        HF_PENDING_CONNECTING, /* TCP to the proxy is not up yet */
        HF_PENDING_GREETING,   /* the handshake */
};

struct hf_pending {
        /* Whoever holds the claim may touch the rest. It is taken with all signals blocked and
         * given back before they are unblocked, so nobody ever waits for it. */
        _Atomic(bool) claimed;
        _Atomic(uint64_t) id; /* of the socket; 0: the record is free */
        /* The thread in whose connect() this is driven, 0 if none. One only: what one thread reads,
         * poll(2) never tells another. */
        _Atomic(int) driver;
        int fd;     /* the descriptor that it began on */
        bool alone; /* not of the table: it was full, or the descriptor's number too high */
        sa_family_t family;
        enum hf_pending_phase phase;
        bool settle;           /* TCP was not up yet when connect(2) returned */
        bool fastopen, v6only; /* options that were switched off for the tunnel */
        uint8_t next;          /* of addrs, still to try */
        int first_error;       /* of addresses that failed, 0 if none did */
        short events;          /* what it waits for */
        int64_t since, deadline, addr_deadline;
        const struct hf_proxy *proxy;
        uint16_t port; /* of the destination */
        struct hf_proxyaddr addrs;
        struct hf_http_connect machine;
};

/* All signals, for the length of a step. */
uint64_t hf_signals_block(void);
void hf_signals_restore(uint64_t mask);

/* Which socket FD is: its cookie or, where the system has none, its inode number; never 0. -EBADF
 * and the like when it is no socket. */
int hf_socket_id(int fd, uint64_t *ret_id);

/* With signals blocked: a fresh record, claimed, with `fd`, `id` and `alone` filled in, and found
 * by hf_pending_find() from now on unless it is `alone`. 0; -EALREADY: the socket has one; -ENOMEM.
 */
int hf_pending_take(int fd, uint64_t id, struct hf_pending **ret_record);

/* The tunnel ended while its user was elsewhere, by another thread's step: what became of it? 0 or
 * -errno. */
int hf_pending_look_back(int fd);

/* True: RECORD is the caller's, until it gives it back. (Whose is it by now? Look at `id`.) */
bool hf_pending_claim(struct hf_pending *record);
void hf_pending_unclaim(struct hf_pending *record);

/* Gives a claimed record back. It must not be touched afterwards. */
void hf_pending_free(struct hf_pending *record);

/* The log lines about how RECORD ended. */
void hf_pending_log(const struct hf_pending *record, int result);
