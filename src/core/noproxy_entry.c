/* SPDX-License-Identifier: MIT */
#include "noproxy_entry.h"

static struct hf_span upto(struct hf_span text, size_t n)
{
        return (struct hf_span){text.s, n};
}

/* Quotes separate too: they are no part of any entry, but env files leave them around the list. */
static bool is_separator(char c)
{
        return c == ',' || c == ';' || c == '"' || c == '\'' || hf_is_blank(c);
}

bool hf_noproxy_next(struct hf_span *rest, struct hf_span *ret_entry)
{
        size_t start = 0, end;

        while (start < rest->n && is_separator(rest->s[start]))
                start++;
        end = start;
        while (end < rest->n && !is_separator(rest->s[end]))
                end++;
        if (end == start)
                return false;
        *ret_entry = (struct hf_span){rest->s + start, end - start};
        *rest = hf_span_from(*rest, end);
        return true;
}

/* "scheme://host:port/path" → "host:port"; anything else stays. */
static bool take_url(struct hf_span *text)
{
        size_t n = hf_span_find(*text, ':'), end = 0;
        struct hf_span rest;

        if (n == 0 || text->n - n < 3 || memcmp(text->s + n, "://", 3) != 0)
                return false;
        rest = hf_span_from(*text, n + 3);
        while (end < rest.n && rest.s[end] != '/' && rest.s[end] != '?' && rest.s[end] != '#')
                end++;
        *text = upto(rest, end);
        return true;
}

/* Takes ":port" off the end of TEXT, if it has one. A colon that is none of a port's stays, and
 * makes the entry one of nothing. */
static bool take_port(struct hf_span *text, struct hf_noproxy_entry *e)
{
        size_t colon = hf_span_find(*text, ':');
        long port;

        if (colon == text->n)
                return true;
        e->port_text = hf_span_from(*text, colon);
        port = hf_parse_uint(hf_span_from(e->port_text, 1), UINT16_MAX);
        if (port <= 0)
                return false;
        e->port = (uint16_t)port;
        *text = upto(*text, colon);
        return true;
}

/* Takes "/bits" off the end of TEXT, if it has that. */
static bool take_bits(struct hf_span *text, unsigned *ret_bits, bool *ret_prefix)
{
        size_t slash = hf_span_find(*text, '/');
        long bits;

        if (slash == text->n)
                return true;
        bits = hf_parse_uint(hf_span_from(*text, slash + 1), 128);
        if (bits < 0)
                return false;
        *ret_bits = (unsigned)bits;
        *ret_prefix = true;
        *text = upto(*text, slash);
        return true;
}

/* Is this an address, and do the bits that were written (if any) suit it? */
static bool read_net(struct hf_span text, struct hf_noproxy_entry *e)
{
        unsigned mapped;

        if (!hf_addr_parse(text, &e->addr))
                return false;
        e->v6_text = hf_span_find(text, ':') < text.n;
        if (!e->prefix) {
                e->bits = e->addr.family == 4 ? 32 : 128;
                return true;
        }
        /* ::ffff:10.0.0.0/104 is 10.0.0.0/8; fewer than 96 bits would name more than IPv4 */
        mapped = e->v6_text && e->addr.family == 4 ? 96 : 0;
        if (e->bits < mapped || e->bits - mapped > (e->addr.family == 4 ? 32U : 128U))
                return false;
        e->bits -= mapped;
        return true;
}

/* "10.*", "192.168.*", "192.168.*.*": one to three numbers, then stars only. */
static bool read_star_net(struct hf_span text, struct hf_noproxy_entry *e)
{
        struct hf_addr addr = {.family = 4};
        unsigned parts = 0, numbers = 0;

        while (text.n > 0) {
                struct hf_span part = upto(text, hf_span_find(text, '.'));
                long value = hf_parse_uint(part, 255);

                if (parts == 4)
                        return false;
                if (value >= 0 && numbers == parts)
                        addr.bytes[numbers++] = (uint8_t)value;
                else if (part.n != 1 || part.s[0] != '*')
                        return false;
                parts++;
                if (part.n == text.n)
                        break;
                text = hf_span_from(text, part.n + 1);
                if (text.n == 0)
                        return false; /* "10.*." */
        }
        if (numbers == 0 || numbers == parts)
                return false;
        e->addr = addr;
        e->bits = 8 * numbers;
        return true;
}

/* Bytes above 0x7f are let through: they can only match a name that has the same ones. */
static bool read_name(struct hf_span text, struct hf_noproxy_entry *e)
{
        bool digits_only = true;
        size_t label = 0, dots = 0;

        if (text.n >= 2 && text.s[0] == '*' && text.s[1] == '.') {
                text = hf_span_from(text, 2);
                e->dotted = true;
        } else if (text.n >= 1 && text.s[0] == '.') {
                text = hf_span_from(text, 1);
                e->dotted = true;
        }
        if (text.n > 0 && text.s[text.n - 1] == '.')
                text.n--;
        for (size_t i = 0; i < text.n; i++) {
                char c = text.s[i], lower = hf_lower(c);
                bool digit = hf_is_digit(c);

                if (c == '.') {
                        if (label == 0)
                                return false;
                        label = 0;
                        dots++;
                        continue;
                }
                if (!digit && !(lower >= 'a' && lower <= 'z') && c != '-' && c != '_' &&
                    (unsigned char)c < 0x80)
                        return false;
                digits_only = digits_only && digit;
                label++;
        }
        e->name = text;
        /* "256.1.1.1" is a mistyped address and no host's name */
        return label > 0 && !(digits_only && dots == 3 && !e->dotted);
}

/* The part of an entry between brackets, and what follows them. */
static bool read_bracketed(struct hf_span text, struct hf_noproxy_entry *e)
{
        size_t close = hf_span_find(text, ']');
        struct hf_span rest;

        if (close == text.n)
                return false;
        e->inside = (struct hf_span){text.s + 1, close - 1};
        rest = hf_span_from(text, close + 1);
        if (!take_port(&rest, e) || !take_bits(&rest, &e->bits, &e->prefix) || rest.n > 0)
                return false;
        return read_net(e->inside, e) && e->v6_text;
}

static enum hf_noproxy_kind read_kind(struct hf_span text, struct hf_noproxy_entry *e)
{
        struct hf_span host;

        e->url = take_url(&text);
        if (text.n > 0 && text.s[0] == '[')
                return read_bracketed(text, e) ? HF_NOPROXY_NET : HF_NOPROXY_NOTHING;

        /* bare IPv6, where a colon is no port's */
        if (hf_span_find(text, ':') < text.n) {
                host = text;
                if (!e->url && take_bits(&host, &e->bits, &e->prefix) && read_net(host, e))
                        return HF_NOPROXY_NET;
                *e = (struct hf_noproxy_entry){.url = e->url};
        }
        if (!take_port(&text, e))
                return HF_NOPROXY_NOTHING;
        if (text.n == 1 && text.s[0] == '*')
                return HF_NOPROXY_ANY;
        if (hf_span_find(text, '/') < text.n)
                return take_bits(&text, &e->bits, &e->prefix) && read_net(text, e)
                               ? HF_NOPROXY_NET
                               : HF_NOPROXY_NOTHING;
        if (read_net(text, e) || read_star_net(text, e))
                return HF_NOPROXY_NET;
        return read_name(text, e) ? HF_NOPROXY_NAME : HF_NOPROXY_NOTHING;
}

struct hf_noproxy_entry hf_noproxy_read(struct hf_span text)
{
        struct hf_noproxy_entry e = {0};

        e.kind = read_kind(text, &e);
        return e;
}

bool hf_noproxy_name_covers(struct hf_span entry, struct hf_span name)
{
        if (name.n < entry.n || !hf_span_caseeq(hf_span_from(name, name.n - entry.n), entry))
                return false;
        return name.n == entry.n || name.s[name.n - entry.n - 1] == '.';
}

void hf_noproxy_read_target(const struct hf_dest *dest, struct hf_noproxy_target *ret)
{
        ret->name = dest->name;
        ret->addr = dest->addr;
        if (!ret->addr && ret->name.s && hf_addr_parse(ret->name, &ret->parsed))
                ret->addr = &ret->parsed;
        if (ret->name.s && ret->name.n > 0 && ret->name.s[ret->name.n - 1] == '.')
                ret->name.n--;
}

bool hf_noproxy_names(const struct hf_noproxy_entry *e, const struct hf_noproxy_target *target)
{
        switch (e->kind) {
        case HF_NOPROXY_NOTHING:
                break;
        case HF_NOPROXY_ANY:
                return true;
        case HF_NOPROXY_NAME:
                return target->name.s && hf_noproxy_name_covers(e->name, target->name);
        case HF_NOPROXY_NET:
                return target->addr && hf_addr_in_prefix(target->addr, &e->addr, e->bits);
        }
        return false;
}
