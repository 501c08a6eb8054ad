/* SPDX-License-Identifier: MIT */
/* The client's side of an HTTP CONNECT (RFC 9110 9.3.6, RFC 9112) as a machine of two calls and
 * no I/O: output() says what to send, input() is told what came. It never looks beyond the end
 * of the proxy's reply: what follows belongs to the application (a server that speaks first).
 *
 *      CONNECT host:port HTTP/1.1\r\n
 *      Host: host:port\r\n
 *      [Proxy-Authorization: Basic …\r\n]
 *      \r\n
 *
 * A reply is a status line (HTTP/1.0 or 1.1, any reason phrase or none), header fields up to 64
 * KiB in all (folded lines and bare LF accepted, contents ignored) and an empty line; 2xx has no
 * body whatever its fields say. 1xx replies are skipped. */
#pragma once

#include "addr.h"

#include <sys/uio.h>

#define HF_HTTP_REPLY_MAX (64 * 1024)

struct hf_http_connect {
        char head[640]; /* request line and Host field */
        uint16_t head_len;
        struct hf_span auth; /* the whole Proxy-Authorization line with its CRLF, or empty */
        size_t sent;         /* request bytes sent so far */
        uint32_t received;   /* reply bytes taken so far */
        uint16_t status;     /* of the reply, 0 while unknown */
        uint8_t state;       /* parser's, private */
        uint8_t match;       /* parser's, private */
        char schemes[64];    /* 407: schemes of Proxy-Authenticate, "Negotiate, NTLM"; printable */
};

/* Starts a machine for HOST (a name without trailing dot, or an address literal; IPv6 gets its
 * brackets here) and PORT. AUTH must outlive the machine. -EINVAL for a host that is empty, over
 * 255 bytes, or holds anything but letters, digits, '-', '_', '.' and, in an IPv6 literal, ':'. */
int hf_http_connect_init(struct hf_http_connect *m, struct hf_span host, uint16_t port,
                         struct hf_span auth);

/* Takes note that SENT bytes of the last answer were sent and fills IOV with what remains:
 * the number of entries, 0 when the whole request is out. */
int hf_http_connect_output(struct hf_http_connect *m, size_t sent, struct iovec iov[3]);

/* Looks at N bytes that came, of which *ret_used are the reply's and must be consumed.
 * 1: the tunnel stands. 0: more is needed (all N used). Negative: refused, and why:
 * -EACCES 407, 403 and every other status; -EHOSTUNREACH 502, 503; -ETIMEDOUT 504;
 * -ECONNREFUSED not an HTTP reply, or over 64 KiB. */
int hf_http_connect_input(struct hf_http_connect *m, const char *buf, size_t n, size_t *ret_used);

/* "host:port" out of the request line, where it stands already; IPv6 in brackets. */
struct hf_span hf_http_connect_target(const struct hf_http_connect *m);
