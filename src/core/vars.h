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
        HF_VAR_HFPROXY_SOCKS,
        HF_VAR_HFPROXY_DNS,
        HF_VAR_HFPROXY_ONLY,
        HF_VAR_HFPROXY_TIMEOUT,
        HF_VAR_HFPROXY_IO_URING,
        HF_VAR_HFPROXY_LOG,
        HF_VAR_HFPROXY_LOG_LEVEL,
        HF_VARS
};

#define HF_VAR_NAME_MIN 8  /* no_proxy */
#define HF_VAR_NAME_MAX 21 /* HF_HUB_DISABLE_XETHUB */

extern const char *const hf_var_names[HF_VARS];

/* getenv() asks for every name that any program looks up whether it is one of ours, so this is a
 * table without collisions over three bytes of a name, the 1st, 5th and 6th: they tell apart our
 * own and all but a few of what begins alike (NO_COLOR, HF_HOME, GIT_DIR), without a call, a loop
 * or a strlen(). */
struct hf_var_key {
        uint32_t bytes;
        uint64_t vars; /* bit v: in the name of variable v these bytes stand there */
};
#define HF_VAR_KEYS 64
extern const struct hf_var_key hf_var_keys[HF_VAR_KEYS];

#define HF_VAR_BYTES(a, b, c) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16)
/* A multiplier found by trial; two keys in one slot would not compile (-Woverride-init). */
#define HF_VAR_SLOT(bytes) ((bytes)*UINT32_C(0xa6b2b) >> 26)

/* Bit v: S, whatever it ends with, may be variable v. */
static inline uint64_t hf_var_candidates(const char *s)
{
        if (!s[0] || !s[1] || !s[2] || !s[3] || !s[4])
                return 0;

        uint32_t bytes =
                HF_VAR_BYTES((unsigned char)s[0], (unsigned char)s[4], (unsigned char)s[5]);
        const struct hf_var_key *key = &hf_var_keys[HF_VAR_SLOT(bytes)];
        return key->bytes == bytes ? key->vars : 0;
}

/* Which of CANDIDATES, all of them hf_var_candidates(S), is S, up to END ('=' or NUL)? -1: none. */
static inline int hf_var_among(uint64_t candidates, const char *s, char end)
{
        for (; candidates; candidates &= candidates - 1) {
                int v = __builtin_ctzll(candidates);
                const char *name = hf_var_names[v];
                uint32_t four, name_four;
                size_t i = 6; /* two of them are known already */

                memcpy(&four, s, 4);
                memcpy(&name_four, name, 4);
                if (four != name_four)
                        continue;

                while (name[i] && name[i] == s[i])
                        i++;
                if (!name[i] && s[i] == end)
                        return v;
        }
        return -1;
}

/* The variable called NAME, or -1. */
int hf_var_find(struct hf_span name);

/* The values in ENVIRON (may be NULL) of all our variables; NULL for those that are not set.
 * Of a name that stands there twice the first counts, as for getenv(3). */
void hf_vars_collect(char *const *environment, const char *ret_values[HF_VARS]);

/* A copy of our part of an environment: an environment itself. */
struct hf_vars_copy {
        char *entries[HF_VARS + 8]; /* NULL-terminated; in their order, duplicates too */
        char *texts;                /* `size` bytes: the caller's */
        size_t size;
};

/* How large that must be for a copy of ENVIRONMENT. */
size_t hf_vars_size(char *const *environment);

/* False: it does not fit. The environment may change meanwhile: then the copy is of something
 * between the old and the new. */
bool hf_vars_copy(char *const *environment, struct hf_vars_copy *ret_copy);

/* Does ENVIRONMENT still hold just the entries of COPY, byte for byte? If so, *RET_ENTRY is the one
 * whose copy is number WHICH (left alone if there is none). */
bool hf_vars_unchanged(char *const *environment, const struct hf_vars_copy *copy, unsigned which,
                       const char **ret_entry);
