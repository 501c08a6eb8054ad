/* SPDX-License-Identifier: MIT */
/* HFPROXY_URL may name several proxies, "a,b": the first that accepts a connection serves. A comma
 * may also stand in a password; what comes behind it then decides. */
#pragma once

#include "url.h"

/* Takes the first proxy off *REST, in *RET_TEXT and read in *RET_URL: up to a comma with a scheme
 * behind it ("," and "http://…"), or where that cannot be read, up to the first comma before which
 * it can. 1, 0 when nothing is left, -EINVAL when it cannot be read. */
int hf_url_list_next(struct hf_span *rest, struct hf_span *ret_text, struct hf_url *ret_url);

/* Can each be read? At least one must be there. */
bool hf_url_list_check(struct hf_span text);
