/* SPDX-License-Identifier: MIT */
#pragma once

#include "util.h"

#define HF_HOST_MAX 255

/* May HOST be sent to a proxy? A name of letters, digits, '-', '_' and '.', or an address literal
 * without brackets; not empty, 255 bytes at most. Nothing else ever is: a CR, LF, NUL or blank
 * could end the field that it stands in. */
bool hf_host_is_sendable(struct hf_span host);
