/* SPDX-License-Identifier: MIT */
/* Which descriptors are duplicates of one another, as far as our hooks saw it. A socket may be
 * duplicated before it is connected, and a set of epoll's be registered with under one number and
 * waited on under the other (tokio).
 *
 * A hint, by descriptor number: closed descriptors leave stale ones behind. Where it matters, the
 * socket's identity is asked, or the kernel. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What FD and its duplicates have in common; not 0, and modulo HF_PENDING_FDS a descriptor's number
 * (the first one's). 0: FD is too high a number, or memory is short. */
uint32_t hf_twins_id(int fd);

/* TO has become a duplicate of FROM. CHOSEN: the program chose the number, which may have been in
 * use. */
void hf_twins_dup(int from, int to, bool chosen);

/* FD has none, as it is new. (When it is closed, nobody needs to say so.) */
void hf_twins_forget(int fd);

/* A descriptor with that ID, the first one if it still has it; -1: none is left. */
int hf_twins_find(uint32_t id);

/* The next duplicate of FD from AT on, or -1. */
int hf_twins_next(int fd, int at);
