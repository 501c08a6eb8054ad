/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct world;

/* Starts the world's servers in a process of their own, which ends with this one. Fills in the
 * ports. */
void server_start(struct world *w);

/* ---- for server*.c ---- */

void put(int fd, const void *bytes, size_t n);
void put_text(int fd, const char *text);

/* Until the other side has acknowledged everything. */
void await_acknowledged(int fd);

void reset_on_close(int fd);
void echo(int fd);

/* server_script.c: one connection, as the client's port says. */
void serve_script(int fd);

/* server_late.c: the addresses around LATE. False if there is no such device here. */
bool late_start(void);
