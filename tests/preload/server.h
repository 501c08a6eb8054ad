/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "world.h"

/* Starts the world's servers in a process of their own, which ends with this one. Fills in the
 * ports. */
void server_start(struct world *w);

/* ---- for server*.c ---- */

void put(int fd, const void *bytes, size_t n);
void put_text(int fd, const char *text);
void put_slowly(int fd, const void *bytes, size_t n); /* each byte by itself */

/* Until the other side has acknowledged everything. */
void await_acknowledged(int fd);

void reset_on_close(int fd);
void echo(int fd);

/* Notes what the proxy was asked. */
void note_request(const char *text);

/* Bytes that are there now, and those that come before the client goes, are out of place. */
void count_early_bytes(int fd);
void drain(int fd);

/* Once the request was read: waits where B does, gives REPLY in B's manner (in one piece or byte by
 * byte; staying, closing or resetting behind it), and serves as the far end where it grants. */
void answer(int fd, enum behaviour b, struct hf_span reply);

/* server_socks.c */

#define SOCKS_MESSAGE_MAX 520

/* The length of the client's message number I that begins with the HAVE bytes of TEXT; 0: more is
 * needed to tell. By HTTP there is one only. */
size_t message_length(enum protocol protocol, int i, const char *text, size_t have);

/* Reads the client's message number I, and not a byte more. False: it went away, or says something
 * else. */
bool read_message(int fd, enum protocol protocol, int i, char text[SOCKS_MESSAGE_MAX]);

/* Writes to REQUEST what was asked, as CONNECT has it; with the log-in, which was as it should be.
 */
void put_request(char *request, size_t size, const char *target, const char port[2]);

/* Reads the first message of a SOCKS5 client. False: it went away, or says something else. */
bool socks_read_greeting(int fd);

/* Answers that, reads the others and answers all but the last, byte by byte if SLOWLY; with LOGIN
 * it asks for user and password. */
bool socks_read_request(int fd, bool login, bool slowly, char *request, size_t size);

#define SOCKS_GRANT "\x05\0\0\x01\x7f\0\0\x01\x04\x38"
#define SOCKS_NO "\x05\x02\0\x01\0\0\0\0\0\0"

/* One connection to the proxy, by SOCKS5. */
void serve_socks(int fd, enum behaviour b);

/* server_socks4.c */

bool socks4_read_request(int fd, char *request, size_t size);

#define SOCKS4_GRANT "\0\x5a\x04\x38\x7f\0\0\x01"
#define SOCKS4_NO "\0\x5c\0\0\0\0\0\0"

/* One connection to the proxy, by SOCKS4a. */
void serve_socks4(int fd, enum behaviour b);

/* server_script.c: one connection, as the client's port says. */
void serve_script(int fd);

/* server_late.c: the addresses around LATE. False if there is no such device here. */
bool late_start(void);
