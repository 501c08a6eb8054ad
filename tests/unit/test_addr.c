/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "core/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

static struct hf_addr parsed(const char *text)
{
        struct hf_addr addr = {0};

        if (!hf_addr_parse(hf_span(text), &addr))
                fail_msg("\"%s\" is an address", text);
        return addr;
}

/* What is read, in the form that hf_addr_put() gives it; NULL: no address. */
static const struct parse {
        const char *name, *text, *put;
} parses[] = {
        {"reads_dotted_quad", "192.0.2.1", "192.0.2.1"},
        {"reads_all_zeros", "0.0.0.0", "0.0.0.0"},
        {"reads_all_ones", "255.255.255.255", "255.255.255.255"},
        {"rejects_256", "256.0.0.1", NULL},
        {"rejects_three_parts", "127.0.1", NULL},
        {"rejects_five_parts", "1.2.3.4.5", NULL},
        {"rejects_one_number", "2130706433", NULL},
        {"rejects_leading_zero", "010.0.0.1", NULL},
        {"rejects_double_zero", "1.2.3.00", NULL},
        {"rejects_hex_parts", "0x7f.0.0.1", NULL},
        {"rejects_trailing_dot", "1.2.3.4.", NULL},
        {"rejects_leading_dot", ".1.2.3.4", NULL},
        {"rejects_empty_part", "1..2.3", NULL},
        {"rejects_sign", "+1.2.3.4", NULL},
        {"rejects_long_number", "1.2.3.4444444444444444444", NULL},
        {"rejects_blank_before", " 1.2.3.4", NULL},
        {"rejects_blank_after", "1.2.3.4 ", NULL},
        {"rejects_port", "1.2.3.4:80", NULL},
        {"rejects_empty", "", NULL},
        {"rejects_a_name", "localhost", NULL},
        {"reads_full_ipv6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6"},
        {"reads_loopback_v6", "::1", "::1"},
        {"reads_unspecified_v6", "::", "::"},
        {"reads_gap_at_end", "fe80::", "fe80::"},
        {"reads_gap_for_one_group", "1:2:3::5:6:7:8", "1:2:3:0:5:6:7:8"},
        {"reads_upper_case_as_lower", "2001:DB8::ABCD", "2001:db8::abcd"},
        {"drops_leading_zeros", "2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
        {"shortens_the_longest_run", "1:0:0:2:0:0:0:3", "1:0:0:2::3"},
        {"shortens_the_first_of_equal_runs", "1:0:0:2:3:0:0:4", "1::2:3:0:0:4"},
        {"keeps_a_single_zero_group", "1:2:3:4:5:6:0:8", "1:2:3:4:5:6:0:8"},
        {"shortens_at_the_end", "1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
        {"shortens_at_the_start", "0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"},
        {"keeps_zeros_inside_a_group", "1:20:300:4000:5:6:7:8", "1:20:300:4000:5:6:7:8"},
        {"reads_quad_at_the_end", "64:ff9b::192.0.2.1", "64:ff9b::c000:201"},
        {"reads_quad_after_six_groups", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
        {"reads_mapped_as_ipv4", "::ffff:192.0.2.1", "192.0.2.1"},
        {"reads_mapped_in_hex_as_ipv4", "::ffff:c000:201", "192.0.2.1"},
        {"reads_mapped_written_out_as_ipv4", "0:0:0:0:0:FFFF:c000:201", "192.0.2.1"},
        {"keeps_compatible_as_ipv6", "::192.0.2.1", "::c000:201"},
        {"rejects_mapped_with_bad_quad", "::ffff:192.0.2.256", NULL},
        {"rejects_quad_in_the_middle", "::1.2.3.4:5", NULL},
        {"rejects_quad_after_seven_groups", "1:2:3:4:5:6:7:1.2.3.4", NULL},
        {"rejects_two_gaps", "1::2::3", NULL},
        {"rejects_three_colons", ":::", NULL},
        {"rejects_gap_then_colon", "1:::2", NULL},
        {"rejects_gap_for_nothing", "1:2:3:4::5:6:7:8", NULL},
        {"rejects_seven_groups", "1:2:3:4:5:6:7", NULL},
        {"rejects_nine_groups", "1:2:3:4:5:6:7:8:9", NULL},
        {"rejects_five_digits", "12345::", NULL},
        {"rejects_no_hex", "g::", NULL},
        {"rejects_leading_colon", ":1:2:3:4:5:6:7", NULL},
        {"rejects_trailing_colon", "1:2:3:4:5:6:7:", NULL},
        {"rejects_gap_and_trailing_colon", "1::2:", NULL},
        {"rejects_one_colon", ":", NULL},
        {"rejects_brackets", "[::1]", NULL},
        {"rejects_zone_name", "fe80::1%eth0", NULL},
        {"rejects_zone_number", "fe80::1%1", NULL},
        {"rejects_prefix", "fd00::/8", NULL},
};

static void check_parse(void **state)
{
        const struct parse *row = *state;
        struct guard g;
        struct hf_span text = guard_make(&g, hf_span(row->text));
        const struct hf_addr before = {.family = 99};
        struct hf_addr addr = before;
        char buf[HF_ADDR_TEXT_MAX];
        struct hf_out out = hf_out_write(buf, sizeof buf);

        assert_int_equal(hf_addr_parse(text, &addr), row->put != NULL);
        if (row->put) {
                hf_addr_put(&out, &addr);
                expect_text(buf, &out, row->put);
        } else {
                assert_memory_equal(&addr, &before, sizeof addr);
        }
        guard_free(&g);
}

static const struct class_row {
        const char *name, *text;
        enum hf_addr_class class;
} classes[] = {
        {"class_of_loopback", "127.0.0.1", HF_ADDR_LOOPBACK},
        {"class_of_last_loopback", "127.255.255.255", HF_ADDR_LOOPBACK},
        {"class_below_loopback", "126.255.255.255", HF_ADDR_PUBLIC},
        {"class_above_loopback", "128.0.0.0", HF_ADDR_PUBLIC},
        {"class_of_loopback_v6", "::1", HF_ADDR_LOOPBACK},
        {"class_of_mapped_loopback", "::ffff:127.0.0.1", HF_ADDR_LOOPBACK},
        {"class_next_to_loopback_v6", "::2", HF_ADDR_PUBLIC},
        {"class_of_unspecified", "0.0.0.0", HF_ADDR_UNSPECIFIED},
        {"class_of_this_network", "0.1.2.3", HF_ADDR_UNSPECIFIED},
        {"class_of_unspecified_v6", "::", HF_ADDR_UNSPECIFIED},
        {"class_of_mapped_unspecified", "::ffff:0.0.0.0", HF_ADDR_UNSPECIFIED},
        {"class_of_cloud_metadata", "169.254.169.254", HF_ADDR_LINKLOCAL},
        {"class_above_linklocal", "169.255.0.0", HF_ADDR_PUBLIC},
        {"class_of_linklocal_v6", "fe80::1", HF_ADDR_LINKLOCAL},
        {"class_of_last_linklocal_v6", "febf:ffff::", HF_ADDR_LINKLOCAL},
        {"class_above_linklocal_v6", "fec0::", HF_ADDR_PUBLIC},
        {"class_of_multicast", "224.0.0.1", HF_ADDR_MULTICAST},
        {"class_of_last_multicast", "239.255.255.255", HF_ADDR_MULTICAST},
        {"class_of_placeholder_range", "240.0.0.1", HF_ADDR_PUBLIC},
        {"class_below_broadcast", "255.255.255.254", HF_ADDR_PUBLIC},
        {"class_of_broadcast", "255.255.255.255", HF_ADDR_MULTICAST},
        {"class_of_multicast_v6", "ff02::1", HF_ADDR_MULTICAST},
        {"class_of_ten", "10.255.255.255", HF_ADDR_PRIVATE},
        {"class_above_ten", "11.0.0.0", HF_ADDR_PUBLIC},
        {"class_below_172_16", "172.15.255.255", HF_ADDR_PUBLIC},
        {"class_of_172_16", "172.16.0.0", HF_ADDR_PRIVATE},
        {"class_of_172_31", "172.31.255.255", HF_ADDR_PRIVATE},
        {"class_above_172_31", "172.32.0.0", HF_ADDR_PUBLIC},
        {"class_of_192_168", "192.168.0.1", HF_ADDR_PRIVATE},
        {"class_above_192_168", "192.169.0.0", HF_ADDR_PUBLIC},
        {"class_below_cgnat", "100.63.255.255", HF_ADDR_PUBLIC},
        {"class_of_cgnat", "100.64.0.0", HF_ADDR_PRIVATE},
        {"class_of_last_cgnat", "100.127.255.255", HF_ADDR_PRIVATE},
        {"class_above_cgnat", "100.128.0.0", HF_ADDR_PUBLIC},
        {"class_of_fake_ip_range", "198.18.0.1", HF_ADDR_PUBLIC},
        {"class_below_ula", "fbff::1", HF_ADDR_PUBLIC},
        {"class_of_ula_fc", "fc00::1", HF_ADDR_PRIVATE},
        {"class_of_ula_fd", "fdff::1", HF_ADDR_PRIVATE},
        {"class_above_ula", "fe00::1", HF_ADDR_PUBLIC},
        {"class_of_public", "203.0.113.10", HF_ADDR_PUBLIC},
        {"class_of_public_v6", "2001:db8::1", HF_ADDR_PUBLIC},
        {"class_of_nat64", "64:ff9b::10.0.0.1", HF_ADDR_PUBLIC},
};

static void check_class(void **state)
{
        const struct class_row *row = *state;
        struct hf_addr addr = parsed(row->text);

        assert_int_equal(hf_addr_classify(&addr), row->class);
}

static const struct prefix {
        const char *name, *addr, *net;
        unsigned bits;
        bool in;
} prefixes[] = {
        {"prefix_zero_holds_all_ipv4", "203.0.113.1", "0.0.0.0", 0, true},
        {"prefix_zero_holds_no_ipv6", "2001:db8::1", "0.0.0.0", 0, false},
        {"prefix_zero_v6_holds_no_ipv4", "203.0.113.1", "::", 0, false},
        {"prefix_ignores_host_bits", "10.1.2.3", "10.9.9.9", 8, true},
        {"prefix_one_bit", "128.0.0.1", "255.0.0.0", 1, true},
        {"prefix_one_bit_differs", "127.0.0.1", "255.0.0.0", 1, false},
        {"prefix_12_last_in", "172.31.0.0", "172.16.0.0", 12, true},
        {"prefix_12_first_out", "172.32.0.0", "172.16.0.0", 12, false},
        {"prefix_31_in", "192.0.2.3", "192.0.2.2", 31, true},
        {"prefix_31_out", "192.0.2.4", "192.0.2.2", 31, false},
        {"prefix_32_in", "192.0.2.2", "192.0.2.2", 32, true},
        {"prefix_32_out", "192.0.2.3", "192.0.2.2", 32, false},
        {"prefix_33_of_ipv4_holds_nothing", "192.0.2.2", "192.0.2.2", 33, false},
        {"prefix_129_holds_nothing", "::1", "::1", 129, false},
        {"prefix_64_in", "2001:db8::ffff", "2001:db8::", 64, true},
        {"prefix_64_out", "2001:db8:0:1::", "2001:db8::", 64, false},
        {"prefix_65_in", "2001:db8::7fff:0:0:0", "2001:db8::", 65, true},
        {"prefix_65_out", "2001:db8::8000:0:0:0", "2001:db8::", 65, false},
        {"prefix_66_in", "2001:db8::3fff:0:0:0", "2001:db8::", 66, true},
        {"prefix_66_out", "2001:db8::4000:0:0:0", "2001:db8::", 66, false},
        {"prefix_67_in", "2001:db8::1fff:0:0:0", "2001:db8::", 67, true},
        {"prefix_67_out", "2001:db8::2000:0:0:0", "2001:db8::", 67, false},
        {"prefix_68_in", "2001:db8::0fff:0:0:0", "2001:db8::", 68, true},
        {"prefix_68_out", "2001:db8::1000:0:0:0", "2001:db8::", 68, false},
        {"prefix_69_in", "2001:db8::07ff:0:0:0", "2001:db8::", 69, true},
        {"prefix_69_out", "2001:db8::0800:0:0:0", "2001:db8::", 69, false},
        {"prefix_70_in", "2001:db8::03ff:0:0:0", "2001:db8::", 70, true},
        {"prefix_70_out", "2001:db8::0400:0:0:0", "2001:db8::", 70, false},
        {"prefix_71_in", "2001:db8::01ff:0:0:0", "2001:db8::", 71, true},
        {"prefix_71_out", "2001:db8::0200:0:0:0", "2001:db8::", 71, false},
        {"prefix_72_in", "2001:db8::00ff:0:0:0", "2001:db8::", 72, true},
        {"prefix_72_out", "2001:db8::0100:0:0:0", "2001:db8::", 72, false},
        {"prefix_127_in", "::1", "::", 127, true},
        {"prefix_127_out", "::2", "::", 127, false},
        {"prefix_128_in", "::2", "::2", 128, true},
        {"prefix_128_out", "::3", "::2", 128, false},
};

static void check_prefix(void **state)
{
        const struct prefix *row = *state;
        struct hf_addr addr = parsed(row->addr), net = parsed(row->net);

        assert_int_equal(hf_addr_in_prefix(&addr, &net, row->bits), row->in);
}

static void no_address_is_in_no_prefix(void **state)
{
        struct hf_addr none = {0};

        (void)state;
        assert_false(hf_addr_in_prefix(&none, &none, 0));
}

static void equality_needs_family_and_bytes(void **state)
{
        struct hf_addr a = parsed("1.2.3.4"), b = parsed("::ffff:1.2.3.4");
        struct hf_addr c = parsed("1.2.3.5"), d = parsed("102:304::");

        (void)state;
        assert_true(hf_addr_eq(&a, &b));
        assert_false(hf_addr_eq(&a, &c));
        assert_false(hf_addr_eq(&a, &d)); /* the same bytes */
}

/* The socket address of TEXT, LEN bytes of it readable, through and back. */
static const struct sock {
        const char *name;
        int family;
        const char *text;
        size_t len;
        int result;
        const char *put;
} socks[] = {
        {"from_sockaddr_in", AF_INET, "192.0.2.1", sizeof(struct sockaddr_in), 0, "192.0.2.1"},
        {"from_longer_sockaddr_in", AF_INET, "192.0.2.1", 28, 0, "192.0.2.1"},
        {"from_short_sockaddr_in", AF_INET, "192.0.2.1", 15, -EINVAL, NULL},
        {"from_sockaddr_in6", AF_INET6, "2001:db8::1", 28, 0, "2001:db8::1"},
        {"from_sockaddr_in6_without_scope", AF_INET6, "2001:db8::1", 24, 0, "2001:db8::1"},
        {"from_short_sockaddr_in6", AF_INET6, "2001:db8::1", 23, -EINVAL, NULL},
        {"from_mapped_sockaddr_in6", AF_INET6, "::ffff:192.0.2.1", 28, 0, "192.0.2.1"},
        {"from_unix", AF_UNIX, NULL, 28, -EAFNOSUPPORT, NULL},
        {"from_unspec", AF_UNSPEC, NULL, 16, -EAFNOSUPPORT, NULL},
        {"from_family_alone", AF_UNSPEC, NULL, 2, -EAFNOSUPPORT, NULL},
        {"from_one_byte", AF_INET, "192.0.2.1", 1, -EINVAL, NULL},
        {"from_nothing", AF_INET, "192.0.2.1", 0, -EINVAL, NULL},
};

static void check_from_sockaddr(void **state)
{
        const struct sock *row = *state;
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(443)};
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(443)};
        struct sockaddr_storage ss = {.ss_family = (sa_family_t)row->family};
        const struct hf_addr before = {.family = 99};
        struct hf_addr addr = before;
        char buf[HF_ADDR_TEXT_MAX];
        struct hf_out out = hf_out_write(buf, sizeof buf);
        uint16_t port = 7;
        struct guard g;
        struct hf_span sa;

        if (row->family == AF_INET) {
                assert_int_equal(inet_pton(AF_INET, row->text, &in.sin_addr), 1);
                memcpy(&ss, &in, sizeof in);
        } else if (row->family == AF_INET6) {
                assert_int_equal(inet_pton(AF_INET6, row->text, &in6.sin6_addr), 1);
                memcpy(&ss, &in6, sizeof in6);
        }
        sa = guard_make(&g, (struct hf_span){(const char *)&ss, row->len});
        assert_int_equal(hf_addr_from_sockaddr(sa.s, sa.n, &addr, &port), row->result);
        if (row->put) {
                hf_addr_put(&out, &addr);
                expect_text(buf, &out, row->put);
                assert_int_equal(port, 443);
        } else {
                assert_memory_equal(&addr, &before, sizeof addr);
                assert_int_equal(port, 7);
        }
        guard_free(&g);
}

static const struct to_sock {
        const char *name, *text;
        bool v6;
        int family;
        socklen_t len;
        const char *sockaddr_text;
} to_socks[] = {
        {"to_sockaddr_in", "192.0.2.1", false, AF_INET, 16, "192.0.2.1"},
        {"to_mapped_sockaddr_in6", "192.0.2.1", true, AF_INET6, 28, "::ffff:192.0.2.1"},
        {"to_sockaddr_in6", "2001:db8::1", true, AF_INET6, 28, "2001:db8::1"},
        {"to_sockaddr_in6_whatever_is_asked", "2001:db8::1", false, AF_INET6, 28, "2001:db8::1"},
};

static void check_to_sockaddr(void **state)
{
        const struct to_sock *row = *state;
        struct hf_addr addr = parsed(row->text), back;
        struct sockaddr_storage ss;
        const void *bytes = &((struct sockaddr_in *)&ss)->sin_addr;
        char text[INET6_ADDRSTRLEN];
        uint16_t port;

        memset(&ss, 0xff, sizeof ss);
        assert_int_equal(hf_addr_to_sockaddr(&addr, 8443, row->v6, &ss), row->len);
        assert_int_equal(ss.ss_family, row->family);
        if (row->family == AF_INET6) {
                bytes = &((struct sockaddr_in6 *)&ss)->sin6_addr;
                assert_int_equal(((struct sockaddr_in6 *)&ss)->sin6_scope_id, 0);
        }
        assert_string_equal(inet_ntop(row->family, bytes, text, sizeof text), row->sockaddr_text);
        assert_int_equal(hf_addr_from_sockaddr(&ss, row->len, &back, &port), 0);
        assert_true(hf_addr_eq(&addr, &back));
        assert_int_equal(port, 8443);
}

static void no_address_has_no_sockaddr(void **state)
{
        struct hf_addr none = {0};
        struct sockaddr_storage ss;
        char buf[8];
        struct hf_out out = hf_out_write(buf, sizeof buf);

        (void)state;
        assert_int_equal(hf_addr_to_sockaddr(&none, 1, false, &ss), 0);
        hf_addr_put(&out, &none);
        assert_int_equal(out.len, 0);
}

/* libc is the oracle: it must take the same texts for addresses, and write them the same. */
static void agrees_with_inet_pton(void **state)
{
        static const char *const pieces[] = {":", "::",  ":",  ".",   "0",   "1",     "ff", "ffff",
                                             "g", "255", "25", "256", "db8", "12345", "00", "%"};
        uint64_t seed = 11;
        unsigned good = 0;

        (void)state;
        for (int i = 0; i < 1000000; i++) {
                char text[64], buf[64], expected[64];
                struct hf_span span = random_text(&seed, pieces, HF_LEN(pieces), 15, text, 60);
                struct hf_out out = hf_out_write(buf, sizeof buf);
                uint8_t bytes[16] = {0};
                struct hf_addr addr;
                bool v4, v6;

                text[span.n] = '\0';
                v4 = inet_pton(AF_INET, text, bytes) == 1;
                v6 = !v4 && inet_pton(AF_INET6, text, bytes) == 1;
                if (hf_addr_parse(span, &addr) != (v4 || v6))
                        fail_msg("libc says %d%d of \"%s\"", v4, v6, text);
                /* libc spells ::1.2.3.4 as a quad, which RFC 5952 does not ask for */
                if ((!v4 && !v6) || (v6 && !memcmp(bytes, "\0\0\0\0\0\0\0\0\0\0\0", 10)))
                        continue;
                good++;
                hf_addr_put(&out, &addr);
                expect_text(buf, &out, inet_ntop(v4 ? AF_INET : AF_INET6, bytes, expected, 64));
        }
        assert_true(good > 1000);
}

int main(void)
{
        static struct table t;

        TABLE_ADD(&t, check_parse, parses);
        TABLE_ADD(&t, check_class, classes);
        TABLE_ADD(&t, check_prefix, prefixes);
        TABLE_ADD(&t, check_from_sockaddr, socks);
        TABLE_ADD(&t, check_to_sockaddr, to_socks);
        table_add(&t, "no_address_is_in_no_prefix", no_address_is_in_no_prefix, NULL);
        table_add(&t, "equality_needs_family_and_bytes", equality_needs_family_and_bytes, NULL);
        table_add(&t, "no_address_has_no_sockaddr", no_address_has_no_sockaddr, NULL);
        table_add(&t, "agrees_with_inet_pton", agrees_with_inet_pton, NULL);
        return table_run("addr", &t);
}
