/* SPDX-License-Identifier: MIT */
#include "vars.h"

#define NAME(name) [HF_VAR_##name] = #name

const char *const hf_var_names[HF_VARS] = {
        NAME(http_proxy),
        NAME(HTTP_PROXY),
        NAME(https_proxy),
        NAME(HTTPS_PROXY),
        NAME(all_proxy),
        NAME(ALL_PROXY),
        NAME(ftp_proxy),
        NAME(FTP_PROXY),
        NAME(no_proxy),
        NAME(NO_PROXY),
        NAME(no_grpc_proxy),
        NAME(HF_HUB_DISABLE_XET),
        NAME(HF_HUB_DISABLE_XETHUB),
        NAME(SSL_CERT_FILE),
        NAME(REQUESTS_CA_BUNDLE),
        NAME(CURL_CA_BUNDLE),
        NAME(GIT_SSL_CAINFO),
        NAME(PIP_CERT),
        NAME(AWS_CA_BUNDLE),
        NAME(CARGO_HTTP_CAINFO),
        NAME(NODE_EXTRA_CA_CERTS),
        NAME(REQUEST_METHOD),
        NAME(HF_ENDPOINT),
        NAME(HFPROXY_STATE),
        NAME(HFPROXY_URL),
        NAME(HFPROXY_PREFER),
        NAME(HFPROXY_DISABLE_XET),
        NAME(HFPROXY_CA_BUNDLE),
        NAME(HFPROXY_TUNNEL),
        NAME(HFPROXY_SOCKS),
        NAME(HFPROXY_DNS),
        NAME(HFPROXY_ONLY),
        NAME(HFPROXY_TIMEOUT),
        NAME(HFPROXY_IO_URING),
        NAME(HFPROXY_LOG),
        NAME(HFPROXY_LOG_LEVEL),
};

#define BIT(name) (UINT64_C(1) << HF_VAR_##name)
#define KEY(a, b, c, bits) [HF_VAR_SLOT(HF_VAR_BYTES(a, b, c))] = {HF_VAR_BYTES(a, b, c), bits}

const struct hf_var_key hf_var_keys[HF_VAR_KEYS] = {
        KEY('h', '_', 'p', BIT(http_proxy)),
        KEY('H', '_', 'P', BIT(HTTP_PROXY)),
        KEY('h', 's', '_', BIT(https_proxy)),
        KEY('H', 'S', '_', BIT(HTTPS_PROXY)),
        KEY('a', 'p', 'r', BIT(all_proxy)),
        KEY('A', 'P', 'R', BIT(ALL_PROXY)),
        KEY('f', 'p', 'r', BIT(ftp_proxy)),
        KEY('F', 'P', 'R', BIT(FTP_PROXY)),
        KEY('n', 'r', 'o', BIT(no_proxy)),
        KEY('N', 'R', 'O', BIT(NO_PROXY)),
        KEY('n', 'r', 'p', BIT(no_grpc_proxy)),
        KEY('H', 'U', 'B', BIT(HF_HUB_DISABLE_XET) | BIT(HF_HUB_DISABLE_XETHUB)),
        KEY('S', 'C', 'E', BIT(SSL_CERT_FILE)),
        KEY('R', 'E', 'S', BIT(REQUESTS_CA_BUNDLE) | BIT(REQUEST_METHOD)),
        KEY('C', '_', 'C', BIT(CURL_CA_BUNDLE)),
        KEY('G', 'S', 'S', BIT(GIT_SSL_CAINFO)),
        KEY('P', 'C', 'E', BIT(PIP_CERT)),
        KEY('A', 'C', 'A', BIT(AWS_CA_BUNDLE)),
        KEY('C', 'O', '_', BIT(CARGO_HTTP_CAINFO)),
        KEY('N', '_', 'E', BIT(NODE_EXTRA_CA_CERTS)),
        KEY('H', 'N', 'D', BIT(HF_ENDPOINT)),
        KEY('H', 'O', 'X', (UINT64_C(1) << HF_VARS) - BIT(HFPROXY_FIRST)),
};

int hf_var_find(struct hf_span name)
{
        uint64_t candidates = name.n >= HF_VAR_NAME_MIN ? hf_var_candidates(name.s) : 0;

        for (; candidates; candidates &= candidates - 1) {
                int v = __builtin_ctzll(candidates);

                if (hf_span_eq(hf_span(hf_var_names[v]), name))
                        return v;
        }
        return -1;
}

/* The variable that an entry NAME=VALUE sets, or -1. */
static int var_of_entry(const char *entry)
{
        return hf_var_among(hf_var_candidates(entry), entry, '=');
}

void hf_vars_collect(char *const *environment, const char *ret_values[HF_VARS])
{
        for (int v = 0; v < HF_VARS; v++)
                ret_values[v] = NULL;
        for (; environment && *environment; environment++) {
                const char *entry = *environment;
                int v = var_of_entry(entry);

                if (v >= 0 && !ret_values[v])
                        ret_values[v] = entry + strlen(hf_var_names[v]) + 1;
        }
}

size_t hf_vars_size(char *const *environment)
{
        size_t size = 0;

        for (; environment && *environment; environment++)
                if (var_of_entry(*environment) >= 0)
                        size += strlen(*environment) + 1;
        return size;
}

bool hf_vars_copy(char *const *environment, struct hf_vars_copy *ret_copy)
{
        size_t used = 0, count = 0;

        for (; environment && *environment; environment++) {
                const char *entry = *environment;

                if (var_of_entry(entry) < 0)
                        continue;

                size_t room = ret_copy->size - used, n = strnlen(entry, room);
                if (n == room || count + 1 == HF_LEN(ret_copy->entries))
                        return false;
                ret_copy->entries[count] = memcpy(ret_copy->texts + used, entry, n);
                ret_copy->entries[count++][n] = '\0';
                used += n + 1;
        }
        ret_copy->entries[count] = NULL;
        return true;
}

bool hf_vars_unchanged(char *const *environment, const struct hf_vars_copy *copy, unsigned which,
                       const char **ret_entry)
{
        const char *entry, *found = NULL;
        unsigned next = 0;

        for (; environment && (entry = *environment); environment++) {
                uint64_t candidates = hf_var_candidates(entry);

                if (!candidates)
                        continue;
                /* Ours or not, the expected text is never another's, so this saves most names. */
                if (copy->entries[next] && !strcmp(entry, copy->entries[next])) {
                        if (next == which)
                                found = entry;
                        next++;
                } else if (hf_var_among(candidates, entry, '=') >= 0) {
                        return false;
                }
        }
        if (copy->entries[next])
                return false;
        if (found)
                *ret_entry = found;
        return true;
}
