/* SPDX-License-Identifier: MIT */
/* What a program without this library reads of the proxy variables that were hidden from the
 * process that starts it (design.md 2). Which those are stands in HFPROXY_STATE. */
#pragma once

#include "arena.h"
#include "vars.h"

/* What exec hands on besides: for each proxy variable of which VALUES holds neither spelling and
 * that HFPROXY_STATE in VALUES says this library hid, the text that a program without the library
 * shall read. ret_values[v] NULL: nothing to add. Async-signal-safe; texts that are composed go
 * into ARENA. Returns false: nothing at all to add. */
bool hf_handon(const char *const values[HF_VARS], struct hf_arena *arena,
               const char *ret_values[HF_VARS_MANAGED]);
