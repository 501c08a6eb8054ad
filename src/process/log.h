/* SPDX-License-Identifier: MIT */
/* HFPROXY_LOG=FILE or `-` (stderr): one write(2) a line, no stdio, no allocation, no lock, nothing
 * kept open; async-signal-safe. A line reads
 *
 *      hfproxy: python3[4711]: cas.test:443 via http://127.0.0.1:3128: connected in 12 ms
 *
 * Never a credential: URLs go in by hf_url_put_public() only. errno is left as it was. Nothing is
 * written under AT_SECURE, before hf_log_init(), or to descriptor 2 when it is no longer
 * the file that it was at start. */
#pragma once

#include "core/out.h"

enum hf_level { HF_LOG_ERROR, HF_LOG_WARN, HF_LOG_INFO, HF_LOG_DEBUG };

/* TARGET: a file's path, "-" for stderr, or absent: no log. It must stay valid. */
void hf_log_init(struct hf_span target, enum hf_level level);

/* Would a line of this level be written? (One load: callers compose only if so.) */
bool hf_log_on(enum hf_level level);

/* One line: the parts, in order, as printf would for %s (char *), %S (struct hf_span *), %d (int),
 * %u (unsigned long). What is not printable ASCII becomes '?'; over 700 bytes it is cut. */
void hf_log(enum hf_level level, const char *format, ...);

/* The same, but only the first time in this process for this KEY (0 to 63). For findings that
 * would otherwise come with every connection. */
void hf_log_once(unsigned key, enum hf_level level, const char *format, ...);

enum { /* keys of hf_log_once */
       HF_ONCE_UNSUITABLE,
       HF_ONCE_TLSPROXY,
       HF_ONCE_CONFIGS,
       HF_ONCE_NAMES_FULL,
       HF_ONCE_FOREIGN_PLACEHOLDER,
       HF_ONCE_ARENA,
       HF_ONCE_LATE,
       HF_ONCE_IO_URING,
       HF_ONCE_407,
       HF_ONCE_403,
       HF_ONCE_5XX,
       HF_ONCE_GARBAGE,
       HF_ONCE_TIMEOUT,
       HF_ONCE_UNREACHABLE,
       HF_ONCE_PROXY_NAME,
       HF_ONCE_RESET,
       HF_ONCE_STATUS,
       HF_ONCE_STRICT_CONNECT,
       HF_ONCE_STRICT_SEND,
       HF_ONCE_STRICT_NAME,
       HF_ONCE_STRICT_RES,
       HF_ONCE_SOCKS_REPLY, /* and the eight after it, one for each code */
};
