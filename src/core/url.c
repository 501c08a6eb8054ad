/* SPDX-License-Identifier: MIT */
#include "url.h"

#include "addr.h"

#include <errno.h>

#define HOST_MAX 253 /* RFC 1035, without the trailing dot */
#define LABEL_MAX 63

static const struct {
        const char *name;
        uint16_t port;
} schemes[] = {
        [HF_SCHEME_HTTP] = {"http", 80},       [HF_SCHEME_HTTPS] = {"https", 443},
        [HF_SCHEME_SOCKS4] = {"socks4", 1080}, [HF_SCHEME_SOCKS4A] = {"socks4a", 1080},
        [HF_SCHEME_SOCKS5] = {"socks5", 1080}, [HF_SCHEME_SOCKS5H] = {"socks5h", 1080},
};

/* docker's env files and systemd drop-ins keep the quotes, Windows editors leave the CR; one may
 * stand inside the other. */
static struct hf_span strip_damage(struct hf_span text)
{
        for (;;) {
                text = hf_span_trim(text);
                if (text.n < 2 || (text.s[0] != '"' && text.s[0] != '\'') ||
                    text.s[0] != text.s[text.n - 1])
                        return text;
                text.s++;
                text.n -= 2;
        }
}

/* Is there an escape ('%' and two hex digits) at TEXT.s[i]? */
static bool is_escape(struct hf_span text, size_t i)
{
        return text.s[i] == '%' && text.n - i >= 3 && hf_hexval(text.s[i + 1]) >= 0 &&
               hf_hexval(text.s[i + 2]) >= 0;
}

static char unescaped(struct hf_span text, size_t i)
{
        return (char)(unsigned char)(hf_hexval(text.s[i + 1]) * 16 + hf_hexval(text.s[i + 2]));
}

static bool is_control(char c)
{
        return (unsigned char)c < ' ' || c == 0x7f;
}

/* Any control character (they end header lines), or a byte equal to ALSO. */
static bool has_control(struct hf_span text, char also)
{
        for (size_t i = 0; i < text.n; i++)
                if (is_control(text.s[i]) || text.s[i] == also)
                        return true;
        return false;
}

static bool has_escaped_control(struct hf_span text)
{
        for (size_t i = 0; i < text.n; i++)
                if (is_escape(text, i) && is_control(unescaped(text, i)))
                        return true;
        return false;
}

static bool is_alpha(char c)
{
        return hf_lower(c) >= 'a' && hf_lower(c) <= 'z';
}

/* Takes "scheme://" or "//" off TEXT. What is no scheme by its form ("CORP\user:…", "host:1") is
 * the beginning of the rest; what has the form but is not known is an error. */
static int take_scheme(struct hf_span *text, enum hf_scheme *ret_scheme, bool *ret_written)
{
        static const char marks[] = "+-."; /* RFC 3986 3.1 */
        size_t n = 0;
        struct hf_span name;

        while (n < text->n &&
               (is_alpha(text->s[n]) || (n > 0 && (hf_is_digit(text->s[n]) ||
                                                   memchr(marks, text->s[n], sizeof marks - 1)))))
                n++;
        *ret_scheme = HF_SCHEME_HTTP;
        *ret_written = false;
        if (n == 0 && text->n >= 2 && !memcmp(text->s, "//", 2)) {
                hf_span_take(text, 2);
                return 0;
        }
        if (n == 0 || text->n - n < 3 || memcmp(text->s + n, "://", 3) != 0)
                return 0;
        *ret_written = true;
        name = hf_span_take(text, n);
        hf_span_take(text, 3);
        if (hf_span_caseeq(name, HF_SPAN("socks"))) {
                *ret_scheme = HF_SCHEME_SOCKS5H;
                return 0;
        }
        for (size_t i = 0; i < HF_LEN(schemes); i++)
                if (hf_span_caseeq(name, hf_span(schemes[i].name))) {
                        *ret_scheme = (enum hf_scheme)i;
                        return 0;
                }
        return -EINVAL;
}

/* Takes "user:pass@" off TEXT. The last '@' of all, not of the authority: a password with '/' or
 * '#' in it is far more common in a proxy URL than a path with '@'. */
static void take_user(struct hf_span *text, struct hf_url *url)
{
        struct hf_span user;
        size_t at = hf_span_behind_last(*text, '@'), colon;

        if (at == 0)
                return;
        user = hf_span_take(text, at);
        user.n--; /* the '@' */
        if (user.n == 0)
                return;
        colon = hf_span_find(user, ':');
        url->user = hf_span_take(&user, colon);
        if (user.n > 0) {
                hf_span_take(&user, 1);
                url->pass = user;
        }
}

/* Four numbers are an IPv4 address or a mistake (httpx raises on "999.1.1.1"), never a name. */
static bool is_host_name(struct hf_span host)
{
        const struct hf_span whole = host;
        bool numbers = true;
        size_t label = 0, dots = 0;
        struct hf_addr addr;

        if (host.n > 0 && host.s[host.n - 1] == '.')
                host.n--;
        if (host.n == 0 || host.n > HOST_MAX)
                return false;
        for (size_t i = 0; i < host.n; i++) {
                char c = host.s[i];

                if (c == '.') {
                        if (label == 0)
                                return false;
                        label = 0;
                        dots++;
                        continue;
                }
                if (!is_alpha(c) && !hf_is_digit(c) && c != '-' && c != '_')
                        return false;
                numbers = numbers && hf_is_digit(c);
                if (++label > LABEL_MAX)
                        return false;
        }
        return label > 0 && (!numbers || dots != 3 || hf_addr_parse(whole, &addr));
}

static int take_host(struct hf_span *text, struct hf_url *url)
{
        if (text->n > 0 && text->s[0] == '[') {
                struct hf_addr addr;
                size_t close = hf_span_find(*text, ']');

                if (close == text->n)
                        return -EINVAL;
                hf_span_take(text, 1);
                url->host = hf_span_take(text, close - 1);
                hf_span_take(text, 1);
                url->host_is_v6 = true;
                /* an IPv4 address in brackets has no colon; a zone id is no part of an address */
                if (hf_span_find(url->host, ':') == url->host.n || !hf_addr_parse(url->host, &addr))
                        return -EINVAL;
                return 0;
        }
        url->host = hf_span_take(text, hf_span_find(*text, ':'));
        return is_host_name(url->host) ? 0 : -EINVAL;
}

/* TEXT is what stands between host and tail: nothing, ":" or ":number". An empty port is allowed
 * (RFC 3986 3.2.3) but not where it is a mangled scheme: "http:/p:1", "http://http://p:1". */
static int read_port(struct hf_span text, bool scheme_written, struct hf_url *url)
{
        long port;

        url->port = schemes[url->scheme].port;
        if (text.n == 0)
                return 0;
        if (text.s[0] != ':')
                return -EINVAL;
        hf_span_take(&text, 1);
        if (text.n == 0) {
                bool slashes = url->tail.n >= 2 && !memcmp(url->tail.s, "//", 2);

                return scheme_written && !slashes ? 0 : -EINVAL;
        }
        port = hf_parse_uint(text, UINT16_MAX);
        if (port <= 0)
                return -EINVAL;
        url->port = (uint16_t)port;
        return 0;
}

int hf_url_parse(struct hf_span text, struct hf_url *ret_url)
{
        struct hf_url url = {0};
        bool scheme_written;
        size_t end = 0;
        int r;

        text = strip_damage(text);
        if (text.n == 0 || has_control(text, '\0'))
                return -EINVAL;
        r = take_scheme(&text, &url.scheme, &scheme_written);
        if (r < 0)
                return r;
        take_user(&text, &url);
        if (has_control(text, ' ')) /* in a password it can only be meant */
                return -EINVAL;
        if (!hf_scheme_is_socks(url.scheme) &&
            (has_escaped_control(url.user) || has_escaped_control(url.pass)))
                return -EINVAL;

        while (end < text.n && text.s[end] != '/' && text.s[end] != '?' && text.s[end] != '#')
                end++;
        url.tail = (struct hf_span){text.s + end, text.n - end};
        text.n = end;
        r = take_host(&text, &url);
        if (r < 0)
                return r;
        r = read_port(text, scheme_written, &url);
        if (r < 0)
                return r;
        *ret_url = url;
        return 0;
}

struct hf_span hf_url_list(struct hf_span text)
{
        return strip_damage(text);
}

/* Does TEXT, behind blanks, begin with a known scheme? */
static bool begins_with_scheme(struct hf_span text)
{
        enum hf_scheme scheme;
        bool written;

        text = hf_span_trim(text);
        return take_scheme(&text, &scheme, &written) < 0 || written;
}

bool hf_url_list_next(struct hf_span *list, struct hf_span *ret_entry)
{
        struct hf_span entry;
        struct hf_url url;
        size_t n = 0;

        while (list->n > 0 && (list->s[0] == ',' || hf_is_blank(list->s[0])))
                hf_span_take(list, 1);
        if (list->n == 0)
                return false;
        do
                n += 1 + hf_span_find(hf_span_from(*list, n + 1), ',');
        while (n < list->n && !begins_with_scheme(hf_span_from(*list, n + 1)));
        entry = (struct hf_span){list->s, n};
        if (hf_url_parse(entry, &url) < 0) {
                size_t login = hf_span_behind_last(entry, '@');

                entry.n = login + hf_span_find(hf_span_from(entry, login), ',');
        }
        hf_span_take(list, entry.n);
        *ret_entry = hf_span_trim(entry);
        return true;
}

bool hf_url_list_is_one(struct hf_span text)
{
        struct hf_span list = hf_url_list(text), entry;

        return hf_url_list_next(&list, &entry) && !hf_url_list_next(&list, &entry);
}

struct hf_span hf_url_list_first(struct hf_span text, bool *ret_bad)
{
        struct hf_span list = hf_url_list(text), entry, first = {NULL, 0};
        struct hf_url url;

        *ret_bad = false;
        while (hf_url_list_next(&list, &entry)) {
                if (hf_url_parse(entry, &url) < 0)
                        *ret_bad = true;
                else if (!first.s)
                        first = entry;
        }
        return first;
}

static void put_encoded(struct hf_out *out, struct hf_span text)
{
        static const char plain[] = "-._~!$&'()*+,;="; /* RFC 3986 unreserved and sub-delims */

        for (size_t i = 0; i < text.n; i++) {
                char c = text.s[i];

                if (is_alpha(c) || hf_is_digit(c) || memchr(plain, c, sizeof plain - 1) ||
                    is_escape(text, i)) {
                        hf_out_char(out, c);
                } else {
                        hf_out_char(out, '%');
                        hf_out_char(out, "0123456789ABCDEF"[(unsigned char)c >> 4]);
                        hf_out_char(out, "0123456789ABCDEF"[c & 15]);
                }
        }
}

static void put_host_port(struct hf_out *out, const struct hf_url *url)
{
        if (url->host_is_v6)
                hf_out_char(out, '[');
        hf_out_put(out, url->host);
        hf_out_put(out, url->host_is_v6 ? HF_SPAN("]:") : HF_SPAN(":"));
        hf_out_uint(out, url->port);
}

static void put_scheme(struct hf_out *out, const struct hf_url *url)
{
        hf_out_put(out, hf_span(schemes[url->scheme].name));
        hf_out_put(out, HF_SPAN("://"));
}

void hf_url_put(struct hf_out *out, const struct hf_url *url)
{
        put_scheme(out, url);
        if (url->user.s) {
                put_encoded(out, url->user);
                if (url->pass.s) {
                        hf_out_char(out, ':');
                        put_encoded(out, url->pass);
                }
                hf_out_char(out, '@');
        }
        put_host_port(out, url);
        hf_out_put(out, url->tail);
}

void hf_url_put_decoded(struct hf_out *out, struct hf_span text)
{
        for (size_t i = 0; i < text.n; i++) {
                if (is_escape(text, i)) {
                        hf_out_char(out, unescaped(text, i));
                        i += 2;
                } else {
                        hf_out_char(out, text.s[i]);
                }
        }
}

void hf_url_put_credentials(struct hf_out *out, const struct hf_url *url)
{
        if (!url->user.s)
                return;
        hf_url_put_decoded(out, url->user);
        hf_out_char(out, ':'); /* also after a user without password: RFC 7617 wants it */
        hf_url_put_decoded(out, url->pass);
}

struct hf_span hf_url_quotable(struct hf_span text)
{
        size_t login = hf_span_behind_last(text, '@');

        if (hf_span_find((struct hf_span){text.s, login}, ':') < login)
                hf_span_take(&text, login);
        return text;
}

void hf_url_put_public(struct hf_out *out, const struct hf_url *url)
{
        put_scheme(out, url);
        put_host_port(out, url);
}
