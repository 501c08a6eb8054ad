/* SPDX-License-Identifier: MIT */
/* The one look at the network that the constructor may take, and only where both spellings of a
 * proxy variable are set to different things (a stale rc file): is the one that would win a
 * loopback address with nobody behind it? */
#pragma once

#include "core/mirror.h"

/* Of the pairs in view->undecided, those whose lower-case proxy is on loopback and refuses at once
 * while the upper-case one does not: bit p. One non-blocking connect each, 200 ms at most. */
unsigned hf_probe_conflicts(const struct hf_view *view);
