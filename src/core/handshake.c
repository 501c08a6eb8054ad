/* SPDX-License-Identifier: MIT */
#include "handshake.h"

#include <errno.h>

/* What resolves names at the client elsewhere (socks4, socks5) does not here: see url.h. */
static enum hf_socks_version version_of(enum hf_scheme scheme)
{
        return scheme == HF_SCHEME_SOCKS4 || scheme == HF_SCHEME_SOCKS4A ? HF_SOCKS4 : HF_SOCKS5;
}

bool hf_handshake_can_log_in(const struct hf_proxy *proxy)
{
        return !hf_scheme_is_socks(proxy->scheme) ||
               hf_socks_can_send(version_of(proxy->scheme), proxy->user, proxy->pass);
}

bool hf_handshake_can_carry(const struct hf_proxy *proxy, const struct hf_dest *dest)
{
        return !hf_scheme_is_socks(proxy->scheme) || version_of(proxy->scheme) != HF_SOCKS4 ||
               dest->name.s || !dest->addr || dest->addr->family != 6;
}

static int init_http(struct hf_http_connect *m, const struct hf_proxy *proxy,
                     const struct hf_dest *dest)
{
        struct hf_span host = dest->name;
        char literal[HF_ADDR_TEXT_MAX];

        if (!host.s && dest->addr) {
                struct hf_out out = hf_out_write(literal, sizeof literal);

                hf_addr_put(&out, dest->addr);
                host = (struct hf_span){literal, out.len};
        }
        return hf_http_connect_init(m, host, dest->port, proxy->auth);
}

int hf_handshake_init(struct hf_handshake *m, const struct hf_proxy *proxy,
                      const struct hf_dest *dest)
{
        if (!hf_scheme_is_spoken(proxy->scheme))
                return -EPROTONOSUPPORT;
        m->is_socks = hf_scheme_is_socks(proxy->scheme);
        if (!m->is_socks)
                return init_http(&m->http, proxy, dest);
        return hf_socks_init(&m->socks, version_of(proxy->scheme), dest->name, dest->addr,
                             dest->port, proxy->user, proxy->pass);
}

int hf_handshake_output(struct hf_handshake *m, size_t sent, struct iovec iov[HF_HANDSHAKE_IOV])
{
        return m->is_socks ? hf_socks_output(&m->socks, sent, iov)
                           : hf_http_connect_output(&m->http, sent, iov);
}

int hf_handshake_input(struct hf_handshake *m, const char *buf, size_t n, size_t *ret_used)
{
        return m->is_socks ? hf_socks_input(&m->socks, buf, n, ret_used)
                           : hf_http_connect_input(&m->http, buf, n, ret_used);
}

void hf_handshake_put_target(struct hf_out *out, const struct hf_handshake *m)
{
        if (m->is_socks)
                hf_socks_put_target(out, &m->socks);
        else
                hf_out_put(out, hf_http_connect_target(&m->http));
}

int hf_handshake_said(const struct hf_handshake *m)
{
        if (m->is_socks)
                return m->socks.refusal ? m->socks.code : 0;
        return m->http.status;
}
