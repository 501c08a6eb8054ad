/* SPDX-License-Identifier: MIT */
/* The machine that a proxy's scheme asks for, behind the two calls that all have in common. Nothing
 * above core knows which one it is, but for the log. */
#pragma once

#include "http_connect.h"
#include "route.h"
#include "socks.h"

#define HF_HANDSHAKE_IOV 4

struct hf_handshake {
        bool is_socks;
        union {
                struct hf_http_connect http;
                struct hf_socks socks;
        };
};

/* Are PROXY's user and password such that its protocol can carry them? */
bool hf_handshake_can_log_in(const struct hf_proxy *proxy);

/* Has PROXY's protocol room for DEST? SOCKS4 has none for an IPv6 address. */
bool hf_handshake_can_carry(const struct hf_proxy *proxy, const struct hf_dest *dest);

/* Starts the machine for DEST (by its name; by its address if it has none) at PROXY, which must
 * outlive it. -EINVAL: the name or port is impossible, or !hf_handshake_can_log_in();
 * -EAFNOSUPPORT: an IPv6 address by SOCKS4; -EPROTONOSUPPORT: !hf_scheme_is_spoken(). */
int hf_handshake_init(struct hf_handshake *m, const struct hf_proxy *proxy,
                      const struct hf_dest *dest);

/* Takes note that SENT bytes of the last answer were sent and fills IOV with what is to be sent
 * now: the number of entries; 0: it is the proxy's turn. Ask again after every input. */
int hf_handshake_output(struct hf_handshake *m, size_t sent, struct iovec iov[HF_HANDSHAKE_IOV]);

/* Looks at N bytes that came, of which *ret_used are the reply's and must be consumed. 1: the
 * tunnel stands. 0: go on (what was not used comes again when the next message is out).
 * Negative: refused, and why; *ret_used is untouched. */
int hf_handshake_input(struct hf_handshake *m, const char *buf, size_t n, size_t *ret_used);

/* For the log: "host:port" of the destination; and what the proxy said, an HTTP status or the code
 * of a SOCKS reply that refuses, 0 if there was none. */
#define HF_HANDSHAKE_TARGET_MAX (HF_HOST_MAX + sizeof "[]:65535")
void hf_handshake_put_target(struct hf_out *out, const struct hf_handshake *m);
int hf_handshake_said(const struct hf_handshake *m);
