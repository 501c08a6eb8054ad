/* SPDX-License-Identifier: MIT */
#include "socks.h"

#include <errno.h>

/* Whose reply is waited for, and so which message is sent. */
enum state { METHOD, LOGIN, CONNECT };

enum { NO_LOGIN = 0, BY_PASSWORD = 2, NO_METHOD = 0xff };
enum { TYPE_V4 = 1, TYPE_NAME = 3, TYPE_V6 = 4 };

#define GRANTED4 90
#define HEAD4 8   /* of a SOCKS4 request, before the user; and the whole of a reply */
#define HEAD5 5   /* of a SOCKS5 reply, to the first byte of its address */
#define FIELDS5 4 /* of a SOCKS5 message, to the type of the address */

static const char greeting[] = {HF_SOCKS5, 2, NO_LOGIN, BY_PASSWORD};
static const char greeting_plain[] = {HF_SOCKS5, 1, NO_LOGIN};

bool hf_socks_can_send(enum hf_socks_version version, struct hf_span user, struct hf_span pass)
{
        if (user.n > HF_SOCKS_TEXT_MAX)
                return false;
        if (version == HF_SOCKS4)
                return user.n == 0 || !memchr(user.s, '\0', user.n);
        return pass.n <= HF_SOCKS_TEXT_MAX;
}

static void put_port(struct hf_out *out, uint16_t port)
{
        hf_out_char(out, (char)(port >> 8));
        hf_out_char(out, (char)(port & 0xff));
}

static void put_addr(struct hf_out *out, const struct hf_addr *addr)
{
        hf_out_put(out, (struct hf_span){(const char *)addr->bytes, addr->family == 4 ? 4 : 16});
}

/* An address that no host has says that a name follows the user. */
static int compose4(struct hf_out *out, struct hf_span name, const struct hf_addr *addr,
                    uint16_t port)
{
        static const struct hf_addr none = {4, {0, 0, 0, 1}};

        if (!name.s && addr->family == 6)
                return -EAFNOSUPPORT;
        if (!name.s && !memcmp(addr->bytes, none.bytes, 3))
                return -EINVAL;
        hf_out_char(out, HF_SOCKS4);
        hf_out_char(out, 1);
        put_port(out, port);
        put_addr(out, name.s ? &none : addr);
        hf_out_char(out, '\0'); /* of the user, who goes in before it */
        if (name.s) {
                hf_out_put(out, name);
                hf_out_char(out, '\0');
        }
        return 0;
}

static void compose5(struct hf_out *out, struct hf_span name, const struct hf_addr *addr,
                     uint16_t port)
{
        hf_out_char(out, HF_SOCKS5);
        hf_out_char(out, 1);
        hf_out_char(out, 0);
        if (name.s) {
                hf_out_char(out, TYPE_NAME);
                hf_out_char(out, (char)name.n);
                hf_out_put(out, name);
        } else {
                hf_out_char(out, addr->family == 4 ? TYPE_V4 : TYPE_V6);
                put_addr(out, addr);
        }
        put_port(out, port);
}

int hf_socks_init(struct hf_socks *m, enum hf_socks_version version, struct hf_span host,
                  const struct hf_addr *addr, uint16_t port, struct hf_span user,
                  struct hf_span pass)
{
        struct hf_addr literal;
        struct hf_out out;
        int r;

        if (port == 0 || (host.s ? !hf_host_is_sendable(host) : !addr || !addr->family) ||
            !hf_socks_can_send(version, user, pass))
                return -EINVAL;
        if (host.s && hf_addr_parse(host, &literal)) {
                addr = &literal;
                host = (struct hf_span){NULL, 0};
        }
        memset(m, 0, sizeof *m);
        _Static_assert(sizeof m->request >= HEAD4 + 2 + HF_HOST_MAX &&
                               sizeof m->request >= FIELDS5 + 1 + HF_HOST_MAX + 2,
                       "the longest request fits");
        out = hf_out_write(m->request, sizeof m->request);
        if (version == HF_SOCKS4) {
                r = compose4(&out, host, addr, port);
                if (r < 0)
                        return r;
        } else {
                compose5(&out, host, addr, port);
        }
        m->request_len = (uint16_t)out.len;
        m->version = (uint8_t)version;
        m->user = user;
        m->pass = pass;
        m->lengths[0] = 1;
        m->lengths[1] = (char)user.n;
        m->lengths[2] = (char)pass.n;
        m->state = version == HF_SOCKS4 ? CONNECT : METHOD;
        return 0;
}

int hf_socks_output(struct hf_socks *m, size_t sent, struct iovec iov[4])
{
        const struct hf_span whole = {m->request, m->request_len};
        struct hf_span parts[4] = {{NULL, 0}};
        size_t skip;
        int n = 0;

        if (m->state == METHOD) {
                parts[0] = m->user.s ? (struct hf_span){greeting, sizeof greeting}
                                     : (struct hf_span){greeting_plain, sizeof greeting_plain};
        } else if (m->state == LOGIN) {
                parts[0] = (struct hf_span){m->lengths, 2};
                parts[1] = m->user;
                parts[2] = (struct hf_span){m->lengths + 2, 1};
                parts[3] = m->pass;
        } else if (m->version == HF_SOCKS4) {
                parts[0] = (struct hf_span){whole.s, HEAD4};
                parts[1] = m->user;
                parts[2] = (struct hf_span){whole.s + HEAD4, whole.n - HEAD4};
        } else {
                parts[0] = whole;
        }
        m->sent = (uint16_t)(m->sent + sent);
        skip = m->sent;
        for (size_t i = 0; i < HF_LEN(parts); i++) {
                if (skip >= parts[i].n) {
                        skip -= parts[i].n;
                        continue;
                }
                /* writev() does not write there; its type just cannot say so */
                iov[n].iov_base = (char *)(uintptr_t)parts[i].s + skip;
                iov[n].iov_len = parts[i].n - skip;
                skip = 0;
                n++;
        }
        return n;
}

static int refuse(struct hf_socks *m, enum hf_socks_refusal refusal, int error)
{
        m->refusal = (uint8_t)refusal;
        return error;
}

static int error_of_reply5(uint8_t code)
{
        static const int errors[] = {
                [1] = -ECONNREFUSED, [2] = -EACCES,    [3] = -ENETUNREACH, [4] = -EHOSTUNREACH,
                [5] = -ECONNREFUSED, [6] = -ETIMEDOUT, [7] = -EOPNOTSUPP,  [8] = -EAFNOSUPPORT,
        };

        return code < HF_LEN(errors) ? errors[code] : -ECONNREFUSED;
}

/* The message that has just been answered is followed by that of STATE. */
static int next(struct hf_socks *m, enum state state)
{
        m->state = (uint8_t)state;
        m->sent = m->received = 0;
        return 0;
}

/* Byte AT of the answer to the greeting, or to the log-in. */
static int method_byte(struct hf_socks *m, size_t at, uint8_t c)
{
        if (at == 0)
                return c == HF_SOCKS5 ? 0 : -ECONNREFUSED;
        m->code = c;
        if (c == NO_METHOD)
                return refuse(m, HF_SOCKS_METHOD, -EACCES);
        if (c == BY_PASSWORD && m->user.s)
                return next(m, LOGIN);
        return c == NO_LOGIN ? next(m, CONNECT) : -ECONNREFUSED;
}

static int login_byte(struct hf_socks *m, size_t at, uint8_t c)
{
        if (at == 0) /* its version is 1, but not every proxy knows */
                return c == 1 || c == HF_SOCKS5 ? 0 : -ECONNREFUSED;
        m->code = c;
        return c == 0 ? next(m, CONNECT) : refuse(m, HF_SOCKS_LOGIN, -EACCES);
}

/* A refusal is one as soon as its code is there: a proxy that closes behind it has said enough. */
static int reply4_byte(struct hf_socks *m, size_t at, uint8_t c)
{
        if (at == 0 && c != 0)
                return -ECONNREFUSED;
        if (at == 1) {
                m->code = c;
                if (c == GRANTED4 + 1)
                        return refuse(m, HF_SOCKS_REPLY, -ECONNREFUSED);
                if (c == GRANTED4 + 2 || c == GRANTED4 + 3)
                        return refuse(m, HF_SOCKS_REPLY, -EACCES);
                if (c != GRANTED4)
                        return -ECONNREFUSED;
        }
        return at == HEAD4 - 1 ? 1 : 0;
}

static int reply5_byte(struct hf_socks *m, size_t at, uint8_t c)
{
        if (at == 0 && c != HF_SOCKS5)
                return -ECONNREFUSED;
        if (at == 1) {
                m->code = c;
                if (c != 0)
                        return refuse(m, HF_SOCKS_REPLY, error_of_reply5(c));
        }
        if (at == FIELDS5 - 1) {
                if (c != TYPE_V4 && c != TYPE_V6 && c != TYPE_NAME)
                        return -ECONNREFUSED;
                /* of a name the next byte says more */
                m->reply_len = c == TYPE_NAME ? 0 : FIELDS5 + (c == TYPE_V4 ? 4 : 16) + 2;
        }
        if (at == HEAD5 - 1 && m->reply_len == 0)
                m->reply_len = (uint16_t)(HEAD5 + c + 2);
        return at >= HEAD5 - 1 && at + 1 == m->reply_len ? 1 : 0;
}

static int next_byte(struct hf_socks *m, uint8_t c)
{
        size_t at = m->received++;

        if (m->state == METHOD)
                return method_byte(m, at, c);
        if (m->state == LOGIN)
                return login_byte(m, at, c);
        return m->version == HF_SOCKS4 ? reply4_byte(m, at, c) : reply5_byte(m, at, c);
}

/* An answer that was complete before the question was is none to it. */
static bool is_asked(struct hf_socks *m)
{
        struct iovec iov[4];

        return hf_socks_output(m, 0, iov) == 0;
}

int hf_socks_input(struct hf_socks *m, const char *buf, size_t n, size_t *ret_used)
{
        bool asked = is_asked(m);
        size_t used = 0;

        while (used < n && m->result == 0) {
                uint8_t state = m->state;

                m->result = next_byte(m, (uint8_t)buf[used++]);
                if (m->result >= 0 && (m->result == 1 || m->state != state)) {
                        if (!asked)
                                m->result = -ECONNREFUSED;
                        break; /* our turn, or the end */
                }
        }
        if (m->result >= 0)
                *ret_used = used;
        return m->result;
}

void hf_socks_put_target(struct hf_out *out, const struct hf_socks *m)
{
        const uint8_t *bytes = (const uint8_t *)m->request;
        size_t len = m->request_len;
        const uint8_t *port = m->version == HF_SOCKS4 ? bytes + 2 : bytes + len - 2;
        const uint8_t *at = bytes + FIELDS5; /* there in both versions */
        struct hf_span name = {NULL, 0};
        struct hf_addr addr = {4, {0}};

        if (m->version == HF_SOCKS4 && len > HEAD4 + 1)
                name = (struct hf_span){m->request + HEAD4 + 1, len - HEAD4 - 2};
        else if (m->version == HF_SOCKS5 && bytes[FIELDS5 - 1] == TYPE_NAME)
                name = (struct hf_span){m->request + HEAD5, bytes[HEAD5 - 1]};
        else if (m->version == HF_SOCKS5 && bytes[FIELDS5 - 1] == TYPE_V6)
                addr.family = 6;

        if (name.s) {
                hf_out_put(out, name);
        } else {
                memcpy(addr.bytes, at, addr.family == 4 ? 4 : 16);
                if (addr.family == 6)
                        hf_out_char(out, '[');
                hf_addr_put(out, &addr);
                if (addr.family == 6)
                        hf_out_char(out, ']');
        }
        hf_out_char(out, ':');
        hf_out_uint(out, (unsigned long)port[0] << 8 | port[1]);
}

const char *hf_socks_reply_text(const struct hf_socks *m)
{
        static const char *const texts5[] = {
                [1] = "it failed there, no more is said",
                [2] = "its rules do not allow it",
                [3] = "the network cannot be reached from there",
                [4] = "the host cannot be reached from there, or has no address",
                [5] = "the host refuses the connection",
                [6] = "the host did not answer in time",
                [7] = "it does not know CONNECT",
                [8] = "it does not know that kind of address",
        };
        static const char *const texts4[] = {
                [1] = "it is refused, or failed there",
                [2] = "it asked this machine's identd, and there is none",
                [3] = "this machine's identd names another user",
        };
        unsigned code = m->code;

        if (m->version == HF_SOCKS4 && code > GRANTED4 && code - GRANTED4 < HF_LEN(texts4))
                return texts4[code - GRANTED4];
        if (m->version == HF_SOCKS5 && code > 0 && code < HF_LEN(texts5))
                return texts5[code];
        return "a reply that no standard has";
}
