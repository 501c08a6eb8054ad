/* SPDX-License-Identifier: MIT */
/* Counts the system calls of a stretch of code: a child of ours traces us. */
#pragma once

#include <stdbool.h>

#define COUNT_MAX 64

struct counted {
        int n;
        long calls[COUNT_MAX]; /* their numbers */
};

/* Calls WHAT(ARG) and fills in *RET. False, with errno: tracing is not to be had here. */
bool count_calls(void (*what)(void *arg), void *arg, struct counted *ret);
