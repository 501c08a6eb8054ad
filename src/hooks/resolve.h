/* SPDX-License-Identifier: MIT */
/* getaddrinfo() as its hook and getaddrinfo_a()'s have it. */
#pragma once

#include <stdbool.h>

struct addrinfo;

/* True: answered; *RET_RESULT and *RES are as getaddrinfo() leaves them (what `strict` refuses is
 * answered, too). False: this is libc's own to answer. LATER: it will do so in the background, so
 * what only has to be passed on is not looked up here. errno is as it was if *RET_RESULT is 0 or
 * nothing was done. */
bool hf_resolve(const char *node, const char *service, const struct addrinfo *hints, bool later,
                struct addrinfo **res, int *ret_result);

/* libc has answered in the background, with LIST. */
void hf_resolve_note(const char *node, const char *service, const struct addrinfo *hints,
                     struct addrinfo *list);
