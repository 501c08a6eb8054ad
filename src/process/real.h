/* SPDX-License-Identifier: MIT */
/* The functions that we stand in front of: libc's, or those of a library that was preloaded
 * behind us. Each row of hooks.def is looked up with RTLD_NEXT, all of them in our constructor, one
 * on its own when it is called earlier (other libraries' constructors run first).
 *
 * hf_real_connect(…) and so on are what the rest of the library calls, never connect(…): inside
 * this library that would be our own hook. No lock and no pthread_once: racing look-ups find the
 * same value; one that happens *inside* our own dlsym() (an allocator that reads or connects there)
 * gets the raw system call, or ENOSYS where there is none. */
#pragma once

#include <stddef.h>
#include <sys/types.h>
#include <sys/socket.h>

struct addrinfo;

#define HF_HOOK(ret, name, params, args) ret hf_real_##name params;
#include "hooks/hooks.def"
#undef HF_HOOK

/* Looks up every row; called once by the constructor. */
void hf_real_init(void);
