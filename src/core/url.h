/* SPDX-License-Identifier: MIT */
/* Proxy URLs, as users write them: RFC 3986 where they follow it, and the damage that env
 * files, Windows editors and Active Directory passwords do to them where they do not. */
#pragma once

#include "out.h"

enum hf_scheme {
        HF_SCHEME_HTTP,
        HF_SCHEME_HTTPS, /* TLS to the proxy itself */
        HF_SCHEME_SOCKS4,
        HF_SCHEME_SOCKS4A,
        HF_SCHEME_SOCKS5,
        HF_SCHEME_SOCKS5H, /* also what socks:// means */
};

struct hf_url {
        enum hf_scheme scheme;
        struct hf_span user, pass; /* as written (not decoded); absent when there are none */
        struct hf_span host;       /* without brackets; a host name, an IPv4 or an IPv6 address */
        bool host_is_v6;           /* it stood in brackets */
        uint16_t port;             /* the scheme's default (80, 443, 1080) where none is written */
        struct hf_span tail; /* what follows the port, from its '/', '?' or '#'; often empty */
};

/* Reads TEXT: quotes around it, blanks and CR at its ends do not count; no scheme means http;
 * the user part ends at the last '@', the user name at its first ':'. The spans point into TEXT.
 * -EINVAL, and *ret_url untouched, for anything else: unknown scheme, no or impossible host (not
 * a host name of [A-Za-z0-9._-], an IPv4 or a bracketed IPv6 address), port 0 or above 65535,
 * control characters anywhere, blanks anywhere but in user and password; for HTTP control
 * characters in user and password as escapes, too (RFC 7617 2: Basic takes none; SOCKS takes any
 * byte). */
int hf_url_parse(struct hf_span text, struct hf_url *ret_url);

/* HFPROXY_URL may list proxies: the next entry of *LIST, trimmed, and *LIST is what is left. False:
 * there is none. Commas separate, blanks around them do not count; one inside a user or password
 * does not separate, unless a scheme follows; nor does it where the entry cannot be read: a part of
 * a password is nobody's host. Begin with hf_url_list(). */
struct hf_span hf_url_list(struct hf_span text);
bool hf_url_list_next(struct hf_span *list, struct hf_span *ret_entry);

/* Is it one URL, and no list? */
bool hf_url_list_is_one(struct hf_span text);

/* The first entry of a list (or the one URL) that can be read; absent: none. *RET_BAD: not all can.
 */
struct hf_span hf_url_list_first(struct hf_span text, bool *ret_bad);

/* The same URL in the form that every client reads: scheme://[user[:pass]@]host:port[tail], with
 * socks:// spelled socks5h://, the port written out, and in user and password every byte but
 * unreserved and sub-delims (RFC 3986) percent-encoded; '%' and two hex digits stay as they are.
 * Mending a mended text changes nothing. */
void hf_url_put(struct hf_out *out, const struct hf_url *url);

/* "user:pass" decoded, for Basic (RFC 7617) and SOCKS: percent escapes of two hex digits become
 * bytes, any other '%' is itself. Nothing when the URL has no user part. */
void hf_url_put_credentials(struct hf_out *out, const struct hf_url *url);
void hf_url_put_decoded(struct hf_out *out, struct hf_span text);

/* scheme://host:port without user and password: the only form that may reach a log line. */
void hf_url_put_public(struct hf_out *out, const struct hf_url *url);

/* What a message may quote of TEXT, which should have been something else than a proxy's URL but
 * may be one: all of it, or where a ':' and behind that an '@' are in it, what follows the last
 * '@'. */
struct hf_span hf_url_quotable(struct hf_span text);

static inline bool hf_scheme_is_socks(enum hf_scheme scheme)
{
        return scheme >= HF_SCHEME_SOCKS4;
}

/* Can this library speak to such a proxy? TLS takes more than libc. */
static inline bool hf_scheme_is_spoken(enum hf_scheme scheme)
{
        return scheme != HF_SCHEME_HTTPS;
}
