/* SPDX-License-Identifier: MIT */
/* This machine's name, addresses and attached networks, read once (netlink, by raw system calls
 * into static memory: no allocation, so getenv() may ask too). */
#pragma once

#include "core/route.h"

/* Never NULL. A caller that comes while another thread is still reading (a matter of microseconds,
 * once in the life of a process) gets the name alone, or nothing. Async-signal-safe. */
const struct hf_self *hf_self(void);

/* Does it give the same answer from now on? */
bool hf_self_is_known(void);
