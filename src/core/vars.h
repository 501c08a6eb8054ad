/* SPDX-License-Identifier: MIT */
/* Every environment variable that this project reads or writes, by number. */
#pragma once

#include "util.h"

/* The proxy pairs come first: lower case of pair p is 2 * p, upper case 2 * p + 1. */
enum hf_pair { HF_PAIR_HTTP, HF_PAIR_HTTPS, HF_PAIR_ALL, HF_PAIR_FTP, HF_PAIR_NO, HF_PAIRS };

enum hf_var {
        HF_VAR_http_proxy,
        HF_VAR_HTTP_PROXY,
        HF_VAR_https_proxy,
        HF_VAR_HTTPS_PROXY,
        HF_VAR_all_proxy,
        HF_VAR_ALL_PROXY,
        HF_VAR_ftp_proxy,
        HF_VAR_FTP_PROXY,
        HF_VAR_no_proxy,
        HF_VAR_NO_PROXY,
        HF_VAR_no_grpc_proxy,
        HF_VAR_HF_HUB_DISABLE_XET,
        HF_VAR_HF_HUB_DISABLE_XETHUB,
        HF_VAR_CA_FIRST,
        HF_VAR_SSL_CERT_FILE = HF_VAR_CA_FIRST,
        HF_VAR_REQUESTS_CA_BUNDLE,
        HF_VAR_CURL_CA_BUNDLE,
        HF_VAR_GIT_SSL_CAINFO,
        HF_VAR_PIP_CERT,
        HF_VAR_AWS_CA_BUNDLE,
        HF_VAR_CARGO_HTTP_CAINFO,
        HF_VAR_NODE_EXTRA_CA_CERTS,
        HF_VARS_MANAGED, /* those above may be written by us, those below are only read */
        HF_VAR_REQUEST_METHOD = HF_VARS_MANAGED,
        HF_VAR_HF_ENDPOINT,
        HF_VAR_HFPROXY_FIRST,
        HF_VAR_HFPROXY_STATE = HF_VAR_HFPROXY_FIRST,
        HF_VAR_HFPROXY_URL,
        HF_VAR_HFPROXY_PREFER,
        HF_VAR_HFPROXY_DISABLE_XET,
        HF_VAR_HFPROXY_CA_BUNDLE,
        HF_VAR_HFPROXY_TUNNEL,
        HF_VAR_HFPROXY_TIMEOUT,
        HF_VAR_HFPROXY_IO_URING,
        HF_VAR_HFPROXY_LOG,
        HF_VAR_HFPROXY_LOG_LEVEL,
        HF_VARS
};

#define HF_VAR_NAME_MAX 21 /* HF_HUB_DISABLE_XETHUB */

extern const char *const hf_var_names[HF_VARS];

/* Does the name of any of them begin with C? */
static inline bool hf_var_may_begin(char c)
{
        const uint32_t letters = 1u << ('a' - 'a') | 1u << ('c' - 'a') | 1u << ('f' - 'a') |
                                 1u << ('g' - 'a') | 1u << ('h' - 'a') | 1u << ('n' - 'a') |
                                 1u << ('p' - 'a') | 1u << ('r' - 'a') | 1u << ('s' - 'a');
        unsigned letter = (unsigned)(unsigned char)hf_lower(c) - 'a';

        return letter < 26 && letters >> letter & 1;
}

int hf_var_find_slowly(struct hf_span name);

/* The variable called NAME, or -1. getenv() asks this for every name that any program looks up, so
 * it fails fast for most: all ours begin with one of a few letters and have 8 to 21. */
static inline int hf_var_find(struct hf_span name)
{
        if (name.n < 8 || name.n > HF_VAR_NAME_MAX || !hf_var_may_begin(name.s[0]))
                return -1;
        return hf_var_find_slowly(name);
}

/* The values in ENVIRON (may be NULL) of all our variables; NULL for those that are not set.
 * Of a name that stands there twice the first counts, as for getenv(3). */
void hf_vars_collect(char *const *environment, const char *ret_values[HF_VARS]);
