/* SPDX-License-Identifier: MIT */
/* Values that we made and whose source reads otherwise by now: a program changed or took away
 * HTTPS_PROXY in the environment that it makes for a child, and the twin that it does not know of
 * still says what HTTPS_PROXY said. With this library in it the child finds that out by itself
 * (mirror.h); any other one must not get to see it. */
#pragma once

#include "vars.h"

/* Bit v: variable v in VALUES (HFPROXY_STATE among them) is such a value. Only what
 * nobody but us ever wrote: what took the place of the user's own text is none. */
uint32_t hf_stale(const char *const values[HF_VARS]);
