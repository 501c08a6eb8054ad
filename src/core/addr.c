/* SPDX-License-Identifier: MIT */
#include "addr.h"

#include <errno.h>
#include <netinet/in.h>

#define GROUPS 8 /* of 16 bits, in an IPv6 address */

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

/* An IPv4 address inside an IPv6 one (::ffff:a.b.c.d) is never kept in that form: two spellings of
 * one address would be judged differently. */
static struct hf_addr from_v6_bytes(const uint8_t bytes[16])
{
        struct hf_addr addr = {.family = 6};

        if (!memcmp(bytes, mapped_prefix, sizeof mapped_prefix)) {
                addr.family = 4;
                memcpy(addr.bytes, bytes + 12, 4);
        } else {
                memcpy(addr.bytes, bytes, 16);
        }
        return addr;
}

/* By hand, not by inet_pton(): spans are not NUL-terminated, and libcs differ on "010.0.0.1",
 * which some programs read as octal. It is no address here. */
static bool parse_v4(struct hf_span text, uint8_t ret_bytes[4])
{
        uint8_t bytes[4];
        size_t at = 0;

        for (size_t part = 0; part < 4; part++) {
                size_t start;
                unsigned value = 0;

                if (part > 0 && (at == text.n || text.s[at++] != '.'))
                        return false;
                start = at;
                while (at < text.n && hf_is_digit(text.s[at]) && at - start < 3)
                        value = value * 10 + (unsigned)(text.s[at++] - '0');
                if (at == start || value > 255 || (text.s[start] == '0' && at - start > 1))
                        return false;
                bytes[part] = (uint8_t)value;
        }
        if (at != text.n)
                return false;
        memcpy(ret_bytes, bytes, 4);
        return true;
}

static bool parse_v6(struct hf_span text, uint8_t ret_bytes[16])
{
        uint8_t bytes[16] = {0};
        size_t len = 0, at = 0;
        size_t gap = SIZE_MAX; /* where in bytes "::" stands */

        if (text.n >= 2 && text.s[0] == ':' && text.s[1] == ':') {
                gap = 0;
                at = 2;
        }
        while (at < text.n) {
                size_t start = at;
                unsigned value = 0;

                if (len == 16)
                        return false;
                while (at < text.n && at - start < 4 && hf_hexval(text.s[at]) >= 0)
                        value = value << 4 | (unsigned)hf_hexval(text.s[at++]);
                if (at < text.n && text.s[at] == '.') {
                        struct hf_span quad = {text.s + start, text.n - start};

                        if (len > 12 || !parse_v4(quad, bytes + len))
                                return false;
                        len += 4;
                        break;
                }
                if (at == start)
                        return false;
                bytes[len++] = (uint8_t)(value >> 8);
                bytes[len++] = (uint8_t)value;
                if (at == text.n)
                        break;
                if (text.s[at++] != ':' || at == text.n)
                        return false;
                if (text.s[at] == ':') {
                        if (gap != SIZE_MAX)
                                return false;
                        gap = len;
                        at++;
                }
        }
        if (gap == SIZE_MAX ? len != 16 : len == 16)
                return false;
        if (gap != SIZE_MAX) {
                memmove(bytes + 16 - (len - gap), bytes + gap, len - gap);
                memset(bytes + gap, 0, 16 - len);
        }
        memcpy(ret_bytes, bytes, 16);
        return true;
}

bool hf_addr_parse(struct hf_span text, struct hf_addr *ret_addr)
{
        struct hf_addr v4 = {.family = 4};
        uint8_t bytes[16];

        if (parse_v4(text, v4.bytes)) {
                *ret_addr = v4;
                return true;
        }
        if (!parse_v6(text, bytes))
                return false;
        *ret_addr = from_v6_bytes(bytes);
        return true;
}

int hf_addr_from_sockaddr(const void *sa, size_t len, struct hf_addr *ret_addr, uint16_t *ret_port)
{
        /* The kernel takes an IPv6 address without its last field (RFC 2133), so we do. */
        const size_t v6_min = offsetof(struct sockaddr_in6, sin6_scope_id);
        sa_family_t family;

        if (len < sizeof family)
                return -EINVAL;
        memcpy(&family, sa, sizeof family);
        if (family == AF_INET) {
                struct sockaddr_in in;

                if (len < sizeof in)
                        return -EINVAL;
                memcpy(&in, sa, sizeof in);
                *ret_addr = (struct hf_addr){.family = 4};
                memcpy(ret_addr->bytes, &in.sin_addr, 4);
                *ret_port = ntohs(in.sin_port);
                return 0;
        }
        if (family == AF_INET6) {
                struct sockaddr_in6 in6;

                if (len < v6_min)
                        return -EINVAL;
                memcpy(&in6, sa, v6_min);
                *ret_addr = from_v6_bytes(in6.sin6_addr.s6_addr);
                *ret_port = ntohs(in6.sin6_port);
                return 0;
        }
        return -EAFNOSUPPORT;
}

socklen_t hf_addr_to_sockaddr(const struct hf_addr *addr, uint16_t port, bool v6,
                              struct sockaddr_storage *ret_sa)
{
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

        if (addr->family != 4 && addr->family != 6)
                return 0;
        memset(ret_sa, 0, sizeof *ret_sa);
        if (addr->family == 4 && !v6) {
                memcpy(&in.sin_addr, addr->bytes, 4);
                memcpy(ret_sa, &in, sizeof in);
                return sizeof in;
        }
        if (addr->family == 4) {
                memcpy(in6.sin6_addr.s6_addr, mapped_prefix, sizeof mapped_prefix);
                memcpy(in6.sin6_addr.s6_addr + 12, addr->bytes, 4);
        } else {
                memcpy(in6.sin6_addr.s6_addr, addr->bytes, 16);
        }
        memcpy(ret_sa, &in6, sizeof in6);
        return sizeof in6;
}

static unsigned group_at(const struct hf_addr *addr, size_t i)
{
        return (unsigned)addr->bytes[2 * i] << 8 | addr->bytes[2 * i + 1];
}

static void put_group(struct hf_out *out, unsigned group)
{
        bool started = false;

        for (int shift = 12; shift >= 0; shift -= 4) {
                unsigned nibble = (group >> shift) & 15;

                started = started || nibble || shift == 0;
                if (started)
                        hf_out_char(out, "0123456789abcdef"[nibble]);
        }
}

static void put_v6(struct hf_out *out, const struct hf_addr *addr)
{
        size_t gap = GROUPS, gap_len = 1; /* one zero group alone is never shortened */

        for (size_t i = 0; i < GROUPS; i++) {
                size_t end = i;

                while (end < GROUPS && group_at(addr, end) == 0)
                        end++;
                if (end - i > gap_len) {
                        gap = i;
                        gap_len = end - i;
                }
        }
        for (size_t i = 0; i < GROUPS; i++) {
                if (i == gap) {
                        hf_out_put(out, HF_SPAN("::"));
                        i += gap_len - 1;
                        continue;
                }
                if (i > 0 && i != gap + gap_len)
                        hf_out_char(out, ':');
                put_group(out, group_at(addr, i));
        }
}

void hf_addr_put(struct hf_out *out, const struct hf_addr *addr)
{
        if (addr->family == 6)
                put_v6(out, addr);
        if (addr->family != 4)
                return;
        for (size_t i = 0; i < 4; i++) {
                if (i > 0)
                        hf_out_char(out, '.');
                hf_out_uint(out, addr->bytes[i]);
        }
}

bool hf_addr_eq(const struct hf_addr *a, const struct hf_addr *b)
{
        return a->family == b->family && !memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

bool hf_addr_in_prefix(const struct hf_addr *addr, const struct hf_addr *net, unsigned bits)
{
        unsigned whole = bits / 8, rest = bits % 8;

        if (addr->family == 0 || addr->family != net->family)
                return false;
        if (bits > (addr->family == 4 ? 32U : 128U))
                return false;
        if (memcmp(addr->bytes, net->bytes, whole) != 0)
                return false;
        return rest == 0 || (addr->bytes[whole] ^ net->bytes[whole]) >> (8 - rest) == 0;
}

static const struct range {
        struct hf_addr net;
        uint8_t bits;
        uint8_t class;
} ranges[] = {
        {{4, {127}}, 8, HF_ADDR_LOOPBACK},
        {{4, {0}}, 8, HF_ADDR_UNSPECIFIED},
        {{4, {169, 254}}, 16, HF_ADDR_LINKLOCAL},
        {{4, {224}}, 4, HF_ADDR_MULTICAST},
        {{4, {255, 255, 255, 255}}, 32, HF_ADDR_MULTICAST},
        {{4, {10}}, 8, HF_ADDR_PRIVATE},
        {{4, {172, 16}}, 12, HF_ADDR_PRIVATE},
        {{4, {192, 168}}, 16, HF_ADDR_PRIVATE},
        {{4, {100, 64}}, 10, HF_ADDR_PRIVATE},
        {{6, {[15] = 1}}, 128, HF_ADDR_LOOPBACK},
        {{6, {0}}, 128, HF_ADDR_UNSPECIFIED},
        {{6, {0xfe, 0x80}}, 10, HF_ADDR_LINKLOCAL},
        {{6, {0xff}}, 8, HF_ADDR_MULTICAST},
        {{6, {0xfc}}, 7, HF_ADDR_PRIVATE},
};

static const struct range *find_range(const struct hf_addr *addr)
{
        for (size_t i = 0; i < HF_LEN(ranges); i++)
                if (hf_addr_in_prefix(addr, &ranges[i].net, ranges[i].bits))
                        return &ranges[i];
        return NULL;
}

enum hf_addr_class hf_addr_classify(const struct hf_addr *addr)
{
        const struct range *range = find_range(addr);

        return range ? (enum hf_addr_class)range->class : HF_ADDR_PUBLIC;
}

bool hf_addr_prefix_is_private(const struct hf_addr *net, unsigned bits)
{
        const struct range *range = find_range(net);

        return range && range->class == HF_ADDR_PRIVATE && bits >= range->bits;
}
