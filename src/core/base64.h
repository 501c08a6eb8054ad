/* SPDX-License-Identifier: MIT */
#pragma once

#include "out.h"

/* RFC 4648 section 4, with padding: 4 * ((n + 2) / 3) bytes into OUT. */
void hf_base64_put(struct hf_out *out, struct hf_span bytes);
