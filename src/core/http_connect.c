/* SPDX-License-Identifier: MIT */
#include "http_connect.h"

#include "host.h"

#include <errno.h>

/* What the next byte of the reply belongs to. */
enum state {
        PREFIX, /* "HTTP/1.", `match` bytes seen */
        MINOR,
        GAP,    /* blanks before the status; at least one */
        DIGITS, /* `match` digits seen */
        REASON, /* to the end of the status line */
        NAME,   /* of a field; `match` bytes of "proxy-authenticate:" seen */
        SKIP,   /* a field that does not matter */
        /* The value of Proxy-Authenticate (RFC 9110 11.6.1), challenges and their parameters, both
         * separated by commas: Negotiate, Digest realm="a, b", nonce=x */
        ELEMENT,     /* before the first byte of an element */
        TOKEN,       /* in its first word, `match` bytes long: a scheme, unless '=' follows */
        AFTER_TOKEN, /* in the blanks behind that */
        PARAM,       /* in the rest of it, to the comma */
        QUOTED,      /* in a quoted string there */
        ESCAPED,     /* behind a backslash in that */
        DONE,
        REFUSED,
        BAD,
        STATES,
        /* A line has ended; the next byte says whether it goes on (folded) or a new one begins, so
         * the state that it may go on in is kept. */
        LINE_START = 0x80,
};

_Static_assert(STATES < LINE_START, "the flag needs a bit of its own");

static const char crlf[] = "\r\n";

static bool is_token_char(char c)
{
        return hf_is_digit(c) || (hf_lower(c) >= 'a' && hf_lower(c) <= 'z') || c == '-' || c == '_';
}

static void put_target(struct hf_out *out, struct hf_span host, uint16_t port)
{
        bool v6 = memchr(host.s, ':', host.n) != NULL;

        if (v6)
                hf_out_char(out, '[');
        hf_out_put(out, host);
        hf_out_put(out, v6 ? HF_SPAN("]:") : HF_SPAN(":"));
        hf_out_uint(out, port);
}

int hf_http_connect_init(struct hf_http_connect *m, struct hf_span host, uint16_t port,
                         struct hf_span auth)
{
        struct hf_out out;

        if (!hf_host_is_sendable(host) || port == 0)
                return -EINVAL;
        memset(m, 0, sizeof *m);
        _Static_assert(sizeof m->head >= 2 * (HF_HOST_MAX + sizeof "[]:65535") +
                                                 sizeof "CONNECT  HTTP/1.1\r\nHost: \r\n",
                       "the longest request fits");
        out = hf_out_write(m->head, sizeof m->head);
        hf_out_put(&out, HF_SPAN("CONNECT "));
        put_target(&out, host, port);
        hf_out_put(&out, HF_SPAN(" HTTP/1.1\r\nHost: "));
        put_target(&out, host, port);
        hf_out_put(&out, HF_SPAN("\r\n"));
        m->head_len = (uint16_t)out.len;
        m->auth = auth;
        m->state = PREFIX;
        return 0;
}

int hf_http_connect_output(struct hf_http_connect *m, size_t sent, struct iovec iov[3])
{
        const struct hf_span parts[3] = {{m->head, m->head_len}, m->auth, {crlf, 2}};
        size_t skip;
        int n = 0;

        m->sent += sent;
        skip = m->sent;
        for (size_t i = 0; i < HF_LEN(parts); i++) {
                if (skip >= parts[i].n) {
                        skip -= parts[i].n;
                        continue;
                }
                /* writev() does not write there; its type just cannot say so */
                iov[n].iov_base = (char *)parts[i].s + skip;
                iov[n].iov_len = parts[i].n - skip;
                skip = 0;
                n++;
        }
        return n;
}

/* The word being read is kept behind the NUL of `schemes` until it is known to be a scheme. */
static void token_add(struct hf_http_connect *m, char c)
{
        size_t at = strlen(m->schemes) + 1 + m->match;

        if (m->match == UINT8_MAX)
                return;
        /* room for it, for the ", " that may come before it, and for a NUL */
        if (!is_token_char(c) || at + 3 > sizeof m->schemes) {
                m->match = UINT8_MAX; /* no scheme, or one too many */
                return;
        }
        m->schemes[at] = c;
        m->match++;
}

static bool has_scheme(const char *list, struct hf_span scheme)
{
        struct hf_span rest = hf_span(list);

        while (rest.n > 0) {
                const char *comma = memchr(rest.s, ',', rest.n);
                size_t n = comma ? (size_t)(comma - rest.s) : rest.n;

                if (hf_span_caseeq((struct hf_span){rest.s, n}, scheme))
                        return true;
                n += comma ? 2 : 0;
                rest = (struct hf_span){rest.s + n, rest.n - n};
        }
        return false;
}

static void token_keep(struct hf_http_connect *m)
{
        size_t len = strlen(m->schemes), n = m->match;
        struct hf_span token = {m->schemes + len + 1, n};

        m->match = 0;
        if (n == 0 || n == UINT8_MAX || has_scheme(m->schemes, token))
                return;
        if (len > 0) {
                memmove(m->schemes + len + 2, token.s, n);
                memcpy(m->schemes + len, ", ", 2);
                len += 2;
        } else {
                memmove(m->schemes, token.s, n);
        }
        m->schemes[len + n] = '\0';
}

/* One byte of the value of a Proxy-Authenticate field. */
static uint8_t challenge_byte(struct hf_http_connect *m, uint8_t state, char c)
{
        if (state == ESCAPED)
                return QUOTED;
        if (state == QUOTED)
                return c == '"' ? PARAM : c == '\\' ? ESCAPED : QUOTED;
        if (state == ELEMENT && (c == ',' || hf_is_blank(c)))
                return ELEMENT;
        if (state == ELEMENT)
                m->match = 0;
        if (state == TOKEN || state == AFTER_TOKEN) {
                if (c == '=')
                        return PARAM;
                if (hf_is_blank(c))
                        return AFTER_TOKEN;
                if (c == ',' || state == AFTER_TOKEN)
                        token_keep(m);
        }
        if (c == ',')
                return ELEMENT;
        if (c == '"')
                return QUOTED;
        if (state == AFTER_TOKEN || state == PARAM)
                return PARAM;
        token_add(m, c);
        return TOKEN;
}

static uint8_t name_byte(struct hf_http_connect *m, char c)
{
        static const char wanted[] = "proxy-authenticate:";

        if (m->status != 407 || hf_lower(c) != wanted[m->match])
                return SKIP;
        return ++m->match == sizeof wanted - 1 ? ELEMENT : NAME;
}

/* The status line is whole. Only a 407 is read to its end, for what the log says about it: a
 * proxy that closes behind "403 Forbidden" has said enough. */
static uint8_t status_line_end(const struct hf_http_connect *m)
{
        return m->status >= 300 && m->status != 407 ? REFUSED : SKIP | LINE_START;
}

static uint8_t headers_end(struct hf_http_connect *m)
{
        if (m->status >= 200)
                return m->status < 300 ? DONE : REFUSED;
        m->status = 0; /* 1xx: the reply proper is to come */
        m->match = 0;
        return PREFIX;
}

static uint8_t status_byte(struct hf_http_connect *m, uint8_t state, char c)
{
        static const char prefix[] = "HTTP/1.";

        if (state == PREFIX) {
                if (c != prefix[m->match])
                        return BAD;
                return ++m->match == sizeof prefix - 1 ? MINOR : PREFIX;
        }
        if (state == MINOR) {
                m->match = 0;
                return c == '0' || c == '1' ? GAP : BAD;
        }
        if (state == GAP && (c == ' ' || c == '\t')) {
                m->match = 1;
                return GAP;
        }
        if (state == GAP) {
                if (m->match == 0)
                        return BAD;
                m->match = 0;
        }
        if (m->match < 3) {
                if (!hf_is_digit(c))
                        return BAD;
                m->status = (uint16_t)(m->status * 10 + (c - '0'));
                m->match++;
                return DIGITS;
        }
        if (m->status < 100)
                return BAD;
        if (c == '\n')
                return status_line_end(m);
        return c == ' ' || c == '\t' || c == '\r' ? REASON : BAD;
}

static uint8_t next_state(struct hf_http_connect *m, char c)
{
        uint8_t state = m->state & (LINE_START - 1);

        if (m->state & LINE_START) {
                if (c == '\r') /* of the empty line; text-mode servers send two */
                        return m->state;
                if (c != ' ' && c != '\t') {
                        if (state == TOKEN || state == AFTER_TOKEN)
                                token_keep(m);
                        if (c == '\n')
                                return headers_end(m);
                        m->match = 0;
                        state = NAME;
                }
        } else if (c == '\n' && state >= NAME) {
                return state | LINE_START;
        }

        if (state < REASON)
                return status_byte(m, state, c);
        if (state == REASON)
                return c == '\n' ? status_line_end(m) : REASON;
        if (state == NAME)
                return name_byte(m, c);
        if (state == SKIP)
                return SKIP;
        return challenge_byte(m, state, c);
}

static int verdict(const struct hf_http_connect *m)
{
        if (m->state == DONE)
                return 1;
        if (m->state == BAD)
                return -ECONNREFUSED;
        switch (m->status) {
        case 502:
        case 503:
                return -EHOSTUNREACH;
        case 504:
                return -ETIMEDOUT;
        default:
                return -EACCES;
        }
}

static bool is_over(const struct hf_http_connect *m)
{
        return m->state == DONE || m->state == REFUSED || m->state == BAD;
}

int hf_http_connect_input(struct hf_http_connect *m, const char *buf, size_t n, size_t *ret_used)
{
        size_t used = 0;
        int r;

        while (used < n && !is_over(m)) {
                m->state = next_state(m, buf[used++]);
                if (++m->received >= HF_HTTP_REPLY_MAX && !is_over(m))
                        m->state = BAD;
        }
        r = is_over(m) ? verdict(m) : 0;
        if (r >= 0)
                *ret_used = used;
        return r;
}

struct hf_span hf_http_connect_target(const struct hf_http_connect *m)
{
        struct hf_span text = {m->head + sizeof "CONNECT " - 1, 0};

        while (text.n < m->head_len && text.s[text.n] != ' ')
                text.n++;
        return text;
}
