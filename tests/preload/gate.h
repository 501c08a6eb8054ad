/* SPDX-License-Identifier: MIT */
/* A proxy with a gate: it reads the request (by SOCKS5 the first message) and answers when the gate
 * opens, so that a handshake stays under way for as long as a test likes. And what tests of that
 * time have in common.
 *
 * Where nothing is tunnelled (NOPROXY, CONTROL) the kernel has one situation that is like it, a
 * listener with a full queue: begin_stuck(). What comes after the wait is there the same on a
 * connection straight to the server: begin(). */
#pragma once

#include "process/sys.h"

#include "world.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define FAR "203.0.113.10" /* looks public */

enum gate_script {
        GATE_GRANTS,
        GATE_BANNER, /* the server's first bytes, in the segment of the reply */
        GATE_SLOW,   /* byte by byte */
        GATE_403,
        GATE_RESETS,
};

struct gate_counts {
        _Atomic(unsigned) accepted; /* connections */
        _Atomic(unsigned) asked;    /* whole requests, or a SOCKS5 client's first message */
        _Atomic(unsigned) early;    /* bytes between a request and its reply: must be none */
        _Atomic(unsigned) granted;
        _Atomic(unsigned) gone; /* closed by the client, with or without a tunnel */
};

struct gate {
        uint16_t port; /* 127.0.0.1 */
        _Atomic(int) script, open, delay;
        _Atomic(unsigned) round;
        struct gate_counts rounds[1024]; /* a late end of an old connection is counted where it
                                          * belongs */
};

extern struct gate *gate;

/* Starts it, in a process of its own. After world_enter(). */
void gate_start(void);

/* world_enter() and the gate, for tests in which nothing is to end by itself. */
void gate_enter(int argc, char **argv);

/* Shuts the gate and, when the library is there to use it, makes this the proxy. It opens by itself
 * DELAY milliseconds after a request; -1: it does not. */
void gate_set(enum gate_script script, int delay);
void gate_open(void);

/* Of the connections since gate_set(). */
struct gate_counts *gate_now(void);

/* Spins until *COUNT is at least N; fails after ten seconds. */
void until(const char *what, _Atomic(unsigned) *count, unsigned n);

/* A TCP socket. FLAGS: SOCK_NONBLOCK, or 0. */
int tcp(int flags);

/* connect() to an address that looks public, and its errno. */
int begin(int fd);

/* The same to somewhere that takes no connection: TCP does not come up. */
int begin_stuck(int fd);

/* begin() on a non-blocking socket, until TCP is up; the socket. */
int begun(void);

/* Spins until TCP is up on FD, without a call that the library would know. */
void until_up(int fd);

/* getsockopt(SO_ERROR). */
int error_of(int fd);

/* FD is connected, nothing is there to be read, and no byte came out of place. */
void expect_tunnel(int fd);

/* poll(), unseen. */
int raw_poll(int fd, short events, int timeout, short *ret_revents);

/* TABLE_ADD() for rows that another test has already: FORMAT makes other names of theirs. */
#define TABLE_ADD_AS(t, format, test, rows)                                                        \
        do {                                                                                       \
                static char names_[HF_LEN(rows)][64];                                              \
                                                                                                   \
                for (size_t row_ = 0; row_ < HF_LEN(rows); row_++) {                               \
                        snprintf(names_[row_], sizeof names_[0], format, (rows)[row_].name);       \
                        table_add(t, names_[row_], test, &(rows)[row_]);                           \
                }                                                                                  \
        } while (0)

/* A system call that no library sees; -errno when it fails. */
static inline long raw_call(long nr, long a, long b, long c, long d, long e)
{
        return hf_syscall6(nr, a, b, c, d, e, 0);
}
