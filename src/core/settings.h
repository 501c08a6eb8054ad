/* SPDX-License-Identifier: MIT */
/* The HFPROXY_* variables, read and checked. A malformed one means its default; `bad` says which.
 */
#pragma once

#include "vars.h"

enum hf_prefer {
        HF_PREFER_LIVE /* default: lower, but see design.md 2 */,
        HF_PREFER_LOWER,
        HF_PREFER_UPPER,
        HF_PREFER_KEEP
};

enum hf_tunnel_mode {
        HF_TUNNEL_OFF,
        HF_TUNNEL_ON,    /* default */
        HF_TUNNEL_STRICT /* what cannot be tunnelled does not leave */
};

struct hf_settings {
        enum hf_prefer prefer;
        bool disable_xet;
        enum hf_tunnel_mode tunnel; /* HFPROXY_TUNNEL */
        bool socks_env;             /* HFPROXY_SOCKS=env; default: bridge */
        bool dns_local;             /* HFPROXY_DNS=local; default: proxy */
        struct hf_span only;        /* HFPROXY_ONLY, unread; absent: everything */
        bool io_uring;              /* HFPROXY_IO_URING=allow; default: refuse */
        int64_t timeout_ms; /* HFPROXY_TIMEOUT, seconds with decimals; default 30, 0.001 to 86400 */
        struct hf_span log; /* HFPROXY_LOG; absent: none */
        uint8_t log_level;  /* HFPROXY_LOG_LEVEL: error 0, warn 1, info 2 (default), debug 3 */
        uint64_t bad;       /* bit v: variable v holds nothing that makes sense */
};

/* An empty value counts as unset. */
void hf_settings_read(const char *const values[HF_VARS], struct hf_settings *ret);

/* What variable VAR takes, for the one line about a bad one: "a number of seconds". */
const char *hf_settings_expects(enum hf_var var);

/* huggingface_hub's idea of true: 1, on, yes, true in any case; nothing else. */
bool hf_settings_true(const char *value);
