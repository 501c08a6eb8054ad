/* SPDX-License-Identifier: MIT */
/* The client's side of SOCKS5 (RFC 1928, RFC 1929) and SOCKS4a as a machine of two calls and no
 * I/O, as http_connect.h: output() says what to send, input() is told what came. The two sides take
 * turns, so output() is asked again after each input().
 *
 *      SOCKS5, to the proxy                     from it
 *      05 n methods[n]                          05 method
 *      01 n user[n] n password[n]               01 status          (method 2 only)
 *      05 01 00 type address port               05 reply 00 type address port
 *              type 1: 4 bytes, 3: n name[n], 4: 16 bytes
 *
 *      SOCKS4a, to the proxy                    from it
 *      04 01 port 0.0.0.1 user 00 name 00       00 reply port address
 *      04 01 port address user 00 (an IPv4 address)
 *
 * It never looks beyond the end of the proxy's reply: what follows belongs to the application. */
#pragma once

#include "addr.h"
#include "host.h"

#include <sys/uio.h>

#define HF_SOCKS_TEXT_MAX 255 /* user and password, each: a length is one byte */

enum hf_socks_version { HF_SOCKS4 = 4, HF_SOCKS5 = 5 };

/* Whose word a refusal is. */
enum hf_socks_refusal {
        HF_SOCKS_NONE,
        HF_SOCKS_METHOD, /* it takes no log-in that was offered */
        HF_SOCKS_LOGIN,  /* user and password are wrong */
        HF_SOCKS_REPLY,  /* `code` says why it does not connect */
};

struct hf_socks {
        struct hf_span user, pass;      /* the caller's; user absent: none */
        char request[HF_HOST_MAX + 10]; /* the last message; SOCKS4: the user goes in at byte 8 */
        uint16_t request_len;
        uint16_t sent;      /* bytes of the current message sent so far */
        uint16_t received;  /* bytes of its reply taken so far */
        uint16_t reply_len; /* of it, as far as is known */
        char lengths[3];    /* of user and password, with the version of that message before */
        uint8_t version;    /* enum hf_socks_version */
        uint8_t state;      /* private */
        uint8_t refusal;    /* enum hf_socks_refusal */
        uint8_t code;       /* of the proxy's last reply */
        int result;         /* 0 while it goes on; final otherwise, as input() returns it */
};

/* Starts a machine for HOST (a name, or ADDR if the name is absent) and PORT. USER and PASS (bytes;
 * USER absent: no log-in) must outlive the machine. -EINVAL for a host as hf_host_is_sendable()
 * has it, port 0, and a user or password that cannot be sent (see hf_socks_can_send());
 * -EAFNOSUPPORT for an IPv6 address by SOCKS4. */
int hf_socks_init(struct hf_socks *m, enum hf_socks_version version, struct hf_span host,
                  const struct hf_addr *addr, uint16_t port, struct hf_span user,
                  struct hf_span pass);

/* Has the protocol room for these? 255 bytes each; no NUL in the user of SOCKS4, which has no
 * password. */
bool hf_socks_can_send(enum hf_socks_version version, struct hf_span user, struct hf_span pass);

/* Takes note that SENT bytes of the last answer were sent and fills IOV with what remains of the
 * message whose turn it is: the number of entries; 0: it is the proxy's turn. */
int hf_socks_output(struct hf_socks *m, size_t sent, struct iovec iov[4]);

/* Looks at N bytes that came, of which *ret_used are the reply's and must be consumed.
 * 1: the tunnel stands. 0: go on; what was not used comes again after the next message is sent.
 * Negative: refused, and why: replies of SOCKS5 1 -ECONNREFUSED, 2 -EACCES, 3 -ENETUNREACH,
 * 4 -EHOSTUNREACH, 5 -ECONNREFUSED, 6 -ETIMEDOUT, 7 -EOPNOTSUPP, 8 -EAFNOSUPPORT, others
 * -ECONNREFUSED; of SOCKS4 91 -ECONNREFUSED, 92 and 93 -EACCES; no acceptable method or a wrong
 * password -EACCES; -ECONNREFUSED: not a reply of that protocol, or to what was not asked. */
int hf_socks_input(struct hf_socks *m, const char *buf, size_t n, size_t *ret_used);

/* "host:port" of the destination, IPv6 in brackets. */
void hf_socks_put_target(struct hf_out *out, const struct hf_socks *m);

/* What the refusal HF_SOCKS_REPLY means: "its rules do not allow it". */
const char *hf_socks_reply_text(const struct hf_socks *m);
