/* SPDX-License-Identifier: MIT */
/* For names*.c. */
#pragma once

#include "bench.h"

/* A look-up of NODE at port 443, as a program does it; is there an answer? */
int look_up(const char *node);

/* A line of the table: ROW, and MICROSECONDS for one. */
void print_row(const char *row, double microseconds);

/* names_lists.c */
void run_lists(unsigned count);
void run_starts(unsigned count, const char *self);
