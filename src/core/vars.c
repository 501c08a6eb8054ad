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
        NAME(HFPROXY_TIMEOUT),
        NAME(HFPROXY_IO_URING),
        NAME(HFPROXY_LOG),
        NAME(HFPROXY_LOG_LEVEL),
};

int hf_var_find_slowly(struct hf_span name)
{
        for (int v = 0; v < HF_VARS; v++)
                if (hf_var_names[v][0] == name.s[0] && !strncmp(hf_var_names[v], name.s, name.n) &&
                    hf_var_names[v][name.n] == '\0')
                        return v;
        return -1;
}

void hf_vars_collect(char *const *environment, const char *ret_values[HF_VARS])
{
        for (int v = 0; v < HF_VARS; v++)
                ret_values[v] = NULL;
        for (; environment && *environment; environment++) {
                const char *entry = *environment;
                size_t n = 0;

                if (!hf_var_may_begin(entry[0]))
                        continue;
                /* Bounded: an entry may be a megabyte without '='. */
                while (n <= HF_VAR_NAME_MAX && entry[n] != '=' && entry[n] != '\0')
                        n++;
                if (entry[n] != '=')
                        continue;

                int v = hf_var_find((struct hf_span){entry, n});
                if (v >= 0 && !ret_values[v])
                        ret_values[v] = entry + n + 1;
        }
}
