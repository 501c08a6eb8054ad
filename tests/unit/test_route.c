/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "core/route.h"

/* The three proxies that a set-up may have; each has a port of its own to be known by. */
#define PROXY(scheme_, port_, host_)                                                               \
        {                                                                                          \
                .scheme = scheme_, .port = port_, .host = BYTES(host_)                             \
        }
static struct hf_proxy http1 = PROXY(HF_SCHEME_HTTP, 3128, "one.proxy.test");
static struct hf_proxy http2 = PROXY(HF_SCHEME_HTTP, 8080, "203.0.113.2");
static struct hf_proxy http3 = PROXY(HF_SCHEME_HTTP, 8888, "three.proxy.test");
static struct hf_proxy socks = PROXY(HF_SCHEME_SOCKS5H, 1080, "203.0.113.4");
static struct hf_proxy tls = PROXY(HF_SCHEME_HTTPS, 8443, "203.0.113.5");

static struct hf_self self = {.name = "thishost.corp.test"};
static struct hf_addrset direct, proxies;

/* Set-ups. Of a port: `https` is for 443, `http` for 80. */
enum {
        BOTH,
        HTTPS_ONLY,
        HTTP_ONLY,
        ALL_ONLY,
        THREE,
        SOCKS_ALL,
        SOCKS_HTTPS,
        TLS_HTTPS,
        MIXED,
        NONE,
        SETUPS
};

static const struct {
        const struct hf_proxy *http, *https, *all;
} setups[SETUPS] = {
        [BOTH] = {&http1, &http2, NULL},          [HTTPS_ONLY] = {NULL, &http2, NULL},
        [HTTP_ONLY] = {&http1, NULL, NULL},       [ALL_ONLY] = {NULL, NULL, &http3},
        [THREE] = {&http1, &http2, &http3},       [SOCKS_ALL] = {NULL, NULL, &socks},
        [SOCKS_HTTPS] = {&http1, &socks, &http3}, [TLS_HTTPS] = {&http1, &tls, NULL},
        [MIXED] = {&http1, &http2, &socks},       [NONE] = {NULL, NULL, NULL},
};

#define PUBLIC "198.51.100.200"

static const struct row {
        const char *name;
        int setup;
        const char *dest_name, *dest_addr;
        uint16_t port;
        const char *no_proxy;
        const struct hf_proxy *proxy;
        enum hf_why why;
} rows[] = {
        /* which proxy */
        {"https_for_443", BOTH, NULL, PUBLIC, 443, "", &http2, HF_WHY_PROXY},
        {"http_for_80", BOTH, NULL, PUBLIC, 80, "", &http1, HF_WHY_PROXY},
        {"none_for_other_ports", BOTH, NULL, PUBLIC, 8080, "", NULL, HF_WHY_NO_PROXY},
        {"none_for_80", HTTPS_ONLY, NULL, PUBLIC, 80, "", NULL, HF_WHY_NO_PROXY},
        {"none_for_443", HTTP_ONLY, NULL, PUBLIC, 443, "", NULL, HF_WHY_NO_PROXY},
        {"all_for_443", ALL_ONLY, NULL, PUBLIC, 443, "", &http3, HF_WHY_PROXY},
        {"all_for_80", ALL_ONLY, NULL, PUBLIC, 80, "", &http3, HF_WHY_PROXY},
        {"all_for_other_ports", ALL_ONLY, NULL, PUBLIC, 22, "", &http3, HF_WHY_PROXY},
        {"own_before_all_443", THREE, NULL, PUBLIC, 443, "", &http2, HF_WHY_PROXY},
        {"own_before_all_80", THREE, NULL, PUBLIC, 80, "", &http1, HF_WHY_PROXY},
        {"all_beside_own", THREE, NULL, PUBLIC, 444, "", &http3, HF_WHY_PROXY},
        {"no_proxy_set_at_all", NONE, NULL, PUBLIC, 443, "", NULL, HF_WHY_NO_PROXY},
        {"by_name", BOTH, "cas.test", NULL, 443, "", &http2, HF_WHY_PROXY},
        {"by_name_and_address", BOTH, "cas.test", PUBLIC, 443, "", &http2, HF_WHY_PROXY},
        /* HF_ENDPOINT=https://hub.test:8443, or http://198.51.100.201:8000 */
        {"endpoint_by_name", BOTH, "hub.test", NULL, 8443, "", &http2, HF_WHY_PROXY},
        {"endpoint_name_any_case", BOTH, "HUB.Test", NULL, 8443, "", &http2, HF_WHY_PROXY},
        {"endpoint_port_of_another_host", BOTH, "cas.test", NULL, 8443, "", NULL, HF_WHY_NO_PROXY},
        {"endpoint_host_at_another_port", BOTH, "hub.test", NULL, 8444, "", NULL, HF_WHY_NO_PROXY},
        {"endpoint_by_address_only", BOTH, NULL, PUBLIC, 8443, "", NULL, HF_WHY_NO_PROXY},
        {"endpoint_before_all", THREE, "hub.test", NULL, 8443, "", &http2, HF_WHY_PROXY},
        {"endpoint_falls_back_to_all", ALL_ONLY, "hub.test", NULL, 8443, "", &http3, HF_WHY_PROXY},
        {"endpoint_private", BOTH, "hub.test", "10.1.2.3", 8443, "", NULL, HF_WHY_PRIVATE},
        /* classes of addresses */
        {"loopback", THREE, NULL, "127.0.0.1", 443, "", NULL, HF_WHY_LOOPBACK},
        {"loopback_v6", THREE, NULL, "::1", 443, "", NULL, HF_WHY_LOOPBACK},
        {"loopback_mapped", THREE, NULL, "::ffff:127.8.8.8", 443, "", NULL, HF_WHY_LOOPBACK},
        {"unspecified", THREE, NULL, "0.0.0.0", 443, "", NULL, HF_WHY_LOOPBACK},
        {"unspecified_v6", THREE, NULL, "::", 443, "", NULL, HF_WHY_LOOPBACK},
        {"metadata", THREE, NULL, "169.254.169.254", 80, "", NULL, HF_WHY_LINKLOCAL},
        {"linklocal_v6", THREE, NULL, "fe80::1", 80, "", NULL, HF_WHY_LINKLOCAL},
        {"multicast", THREE, NULL, "239.1.1.1", 80, "", NULL, HF_WHY_LINKLOCAL},
        {"private_10", THREE, NULL, "10.255.0.1", 443, "", NULL, HF_WHY_PRIVATE},
        {"private_172", THREE, NULL, "172.31.0.1", 443, "", NULL, HF_WHY_PRIVATE},
        {"not_private_172", THREE, NULL, "172.32.0.1", 443, "", &http2, HF_WHY_PROXY},
        {"private_192", THREE, NULL, "192.168.1.1", 443, "", NULL, HF_WHY_PRIVATE},
        {"carrier_nat", THREE, NULL, "100.127.0.1", 443, "", NULL, HF_WHY_PRIVATE},
        {"unique_local", THREE, NULL, "fd12::1", 443, "", NULL, HF_WHY_PRIVATE},
        {"fake_ip_range_is_public", THREE, NULL, "198.18.0.7", 443, "", &http2, HF_WHY_PROXY},
        {"private_without_proxy", HTTPS_ONLY, NULL, "10.0.0.1", 80, "", NULL, HF_WHY_NO_PROXY},
        /* this machine */
        {"own_address", THREE, NULL, "198.51.100.1", 443, "", NULL, HF_WHY_OWN},
        {"own_address_v6", THREE, NULL, "2001:db8:1::1", 443, "", NULL, HF_WHY_OWN},
        {"own_host_address", THREE, NULL, "192.0.2.77", 443, "", NULL, HF_WHY_OWN},
        {"beside_own_host_address", THREE, NULL, "192.0.2.78", 443, "", &http2, HF_WHY_PROXY},
        {"attached_network", THREE, NULL, "198.51.100.127", 443, "", NULL, HF_WHY_ATTACHED},
        {"beside_attached_network", THREE, NULL, "198.51.100.128", 443, "", &http2, HF_WHY_PROXY},
        {"attached_network_v6", THREE, NULL, "2001:db8:1::ffff:1", 443, "", NULL, HF_WHY_ATTACHED},
        {"beside_attached_network_v6", THREE, NULL, "2001:db8:2::1", 443, "", &http2, HF_WHY_PROXY},
        {"network_of_no_bits_is_none", THREE, NULL, "8.8.8.8", 443, "", &http2, HF_WHY_PROXY},
        {"own_name", THREE, "ThisHost.corp.test", NULL, 443, "", NULL, HF_WHY_OWN},
        {"localhost_by_name", THREE, "LOCALHOST", NULL, 443, "", NULL, HF_WHY_LOOPBACK},
        /* the proxy */
        {"proxy_literal", THREE, NULL, "203.0.113.2", 8080, "", NULL, HF_WHY_ITSELF},
        {"proxy_on_a_port_without_one", BOTH, NULL, "203.0.113.2", 8080, "", NULL, HF_WHY_ITSELF},
        {"proxy_literal_other_port", THREE, NULL, "203.0.113.2", 443, "", &http2, HF_WHY_PROXY},
        {"proxy_known_address", THREE, NULL, "203.0.113.50", 3128, "", NULL, HF_WHY_ITSELF},
        {"proxy_known_address_other_port", THREE, NULL, "203.0.113.50", 443, "", &http2,
         HF_WHY_PROXY},
        {"proxy_by_name", THREE, "one.proxy.test", NULL, 3128, "", NULL, HF_WHY_ITSELF},
        {"proxy_by_name_other_port", THREE, "one.proxy.test", NULL, 443, "", &http2, HF_WHY_PROXY},
        {"socks_proxy_itself", SOCKS_ALL, NULL, "203.0.113.4", 1080, "", NULL, HF_WHY_ITSELF},
        /* no_proxy */
        {"exempt_name", BOTH, "a.corp.test", NULL, 443, "corp.test", NULL, HF_WHY_EXEMPT},
        {"exempt_address", BOTH, NULL, PUBLIC, 443, "198.51.100.192/27", NULL, HF_WHY_EXEMPT},
        {"exempt_address_behind_a_name", BOTH, "cas.test", PUBLIC, 443, PUBLIC, NULL,
         HF_WHY_EXEMPT},
        {"exempt_star", BOTH, NULL, PUBLIC, 443, "a.test,*", NULL, HF_WHY_EXEMPT},
        {"exempt_port", BOTH, "a.test", NULL, 443, "a.test:443", NULL, HF_WHY_EXEMPT},
        {"exempt_at_another_port", BOTH, "a.test", NULL, 80, "a.test:443", &http1, HF_WHY_PROXY},
        {"not_exempt", BOTH, "xcorp.test", NULL, 443, "corp.test", &http2, HF_WHY_PROXY},
        /* remembered */
        {"local_names_address", BOTH, NULL, "203.0.113.60", 443, "", NULL, HF_WHY_LOCALNAME},
        {"local_names_address_any_port", BOTH, NULL, "203.0.113.60", 80, "", NULL,
         HF_WHY_LOCALNAME},
        {"local_names_address_and_port", BOTH, NULL, "203.0.113.61", 443, "", NULL,
         HF_WHY_LOCALNAME},
        {"local_names_address_other_port", BOTH, NULL, "203.0.113.61", 80, "", &http1,
         HF_WHY_PROXY},
        /* other proxies than HTTP, and one that this library does not speak to */
        {"socks", SOCKS_ALL, NULL, PUBLIC, 443, "", &socks, HF_WHY_PROXY},
        {"socks_other_port", SOCKS_ALL, NULL, PUBLIC, 22, "", &socks, HF_WHY_PROXY},
        {"socks_before_all", SOCKS_HTTPS, NULL, PUBLIC, 443, "", &socks, HF_WHY_PROXY},
        {"http_beside_socks", SOCKS_HTTPS, NULL, PUBLIC, 80, "", &http1, HF_WHY_PROXY},
        {"tls", TLS_HTTPS, NULL, PUBLIC, 443, "", NULL, HF_WHY_TLSPROXY},
        {"http_beside_tls", TLS_HTTPS, NULL, PUBLIC, 80, "", &http1, HF_WHY_PROXY},
        {"exempt_before_socks", SOCKS_ALL, "a.test", NULL, 443, "a.test", NULL, HF_WHY_EXEMPT},
};

static struct hf_rules make_rules(int setup, const char *no_proxy)
{
        return (struct hf_rules){
                .http = setups[setup].http,
                .https = setups[setup].https,
                .all = setups[setup].all,
                .no_proxy = hf_span(no_proxy),
                .endpoint_host = HF_SPAN("hub.test"),
                .endpoint_port = 8443,
                .endpoint_tls = true,
                .self = &self,
                .direct = &direct,
                .proxies = &proxies,
        };
}

static void expect_route(struct hf_route route, const struct hf_proxy *proxy, enum hf_why why)
{
        if (route.why != why || route.proxy != proxy)
                fail_msg("%s by port %d, not %s by port %d", hf_why_text(route.why),
                         route.proxy ? route.proxy->port : 0, hf_why_text(why),
                         proxy ? proxy->port : 0);
}

static void check_row(void **state)
{
        const struct row *row = *state;
        struct hf_rules rules = make_rules(row->setup, row->no_proxy);
        struct hf_dest dest = {.name = hf_span(row->dest_name), .port = row->port};
        struct hf_addr addr;

        if (row->dest_addr) {
                assert_true(hf_addr_parse(hf_span(row->dest_addr), &addr));
                dest.addr = &addr;
        }
        expect_route(hf_route(&rules, &dest), row->proxy, row->why);
}

static const struct name_row {
        const char *name;
        int setup;
        const char *dest;
        uint16_t port;
        const char *no_proxy;
        const struct hf_proxy *proxy;
        enum hf_why why;
} name_rows[] = {
        {"name_443", BOTH, "cas.test", 443, "", &http2, HF_WHY_PROXY},
        {"name_80", BOTH, "cas.test", 80, "", &http1, HF_WHY_PROXY},
        {"name_other_port", BOTH, "cas.test", 9000, "", NULL, HF_WHY_NO_PROXY},
        {"name_unknown_port", HTTP_ONLY, "cas.test", 0, "", &http1, HF_WHY_PROXY},
        {"name_unknown_port_all_only", ALL_ONLY, "cas.test", 0, "", &http3, HF_WHY_PROXY},
        {"name_unknown_port_no_proxy_set", NONE, "cas.test", 0, "", NULL, HF_WHY_NO_PROXY},
        {"name_unknown_port_socks_only", SOCKS_ALL, "cas.test", 0, "", &socks, HF_WHY_PROXY},
        {"name_unknown_port_socks_and_http", SOCKS_HTTPS, "cas.test", 0, "", &socks, HF_WHY_PROXY},
        {"name_unknown_port_tls_and_http", TLS_HTTPS, "cas.test", 0, "", &http1, HF_WHY_PROXY},
        {"name_443_socks", SOCKS_HTTPS, "cas.test", 443, "", &socks, HF_WHY_PROXY},
        {"name_endpoint", BOTH, "hub.test", 8443, "", &http2, HF_WHY_PROXY},
        {"name_localhost", THREE, "localhost", 443, "", NULL, HF_WHY_LOOPBACK},
        {"name_localhost_unknown_port", THREE, "LocalHost", 0, "", NULL, HF_WHY_LOOPBACK},
        {"name_own", THREE, "thishost.corp.test", 0, "", NULL, HF_WHY_OWN},
        {"name_proxy", THREE, "three.proxy.test", 8888, "", NULL, HF_WHY_ITSELF},
        {"name_proxy_any_port", THREE, "one.proxy.test", 443, "", NULL, HF_WHY_ITSELF},
        {"name_proxy_port_without_proxy", BOTH, "one.proxy.test", 3128, "", NULL, HF_WHY_ITSELF},
        {"name_exempt", BOTH, "a.corp.test", 443, "corp.test", NULL, HF_WHY_EXEMPT},
        {"name_exempt_unknown_port", BOTH, "a.corp.test", 0, "corp.test", NULL, HF_WHY_EXEMPT},
        {"name_exempt_port", BOTH, "a.test", 443, "a.test:443", NULL, HF_WHY_EXEMPT},
        {"name_exempt_port_unknown", BOTH, "a.test", 0, "a.test:443", &http2, HF_WHY_PROXY},
        {"name_without_dot", THREE, "squid", 443, "", NULL, HF_WHY_LOCALNAME},
        {"name_is_ipv4", THREE, "198.51.100.200", 443, "", NULL, HF_WHY_LITERAL},
        {"name_is_ipv6", THREE, "2001:db8:2::1", 443, "", NULL, HF_WHY_LITERAL},
        {"name_is_short_ipv4", THREE, "198.51", 443, "", NULL, HF_WHY_LITERAL},
        {"name_is_hex_ipv4", THREE, "198.51.100.0xC8", 443, "", NULL, HF_WHY_LITERAL},
        {"name_is_octal_ipv4", THREE, "0306.063.0144.0310", 443, "", NULL, HF_WHY_LITERAL},
        {"name_is_one_number", THREE, "3325256904", 443, "", NULL, HF_WHY_LITERAL},
        {"name_ends_in_digits", THREE, "cas.test9", 443, "", &http2, HF_WHY_PROXY},
        {"name_begins_with_digits", THREE, "1.2.3.test", 443, "", &http2, HF_WHY_PROXY},
        {"name_ends_in_hex_letters", THREE, "cas.fe", 443, "", &http2, HF_WHY_PROXY},
};

static void check_name_row(void **state)
{
        const struct name_row *row = *state;
        struct hf_rules rules = make_rules(row->setup, row->no_proxy);

        expect_route(hf_route_name(&rules, hf_span(row->dest), row->port), row->proxy, row->why);
}

/* ---- HFPROXY_ONLY ---- */

static const struct only_row {
        const char *name, *only;
        const char *dest_name, *dest_addr;
        uint16_t port;
        const char *no_proxy;
        const struct hf_proxy *proxy;
        enum hf_why why;
} only_rows[] = {
        {"only_this_name", "a.test", "a.test", NULL, 443, "", &http2, HF_WHY_PROXY},
        {"only_below_this_name", "a.test", "x.A.test", NULL, 443, "", &http2, HF_WHY_PROXY},
        {"only_another_name", "a.test", "b.test", NULL, 443, "", NULL, HF_WHY_ONLY},
        {"only_names_and_an_address", "a.test", NULL, PUBLIC, 443, "", NULL, HF_WHY_ONLY},
        {"only_this_address", PUBLIC, NULL, PUBLIC, 443, "", &http2, HF_WHY_PROXY},
        {"only_a_prefix", "198.51.100.192/27", NULL, PUBLIC, 443, "", &http2, HF_WHY_PROXY},
        {"only_a_port", "a.test:443", "a.test", NULL, 443, "", &http2, HF_WHY_PROXY},
        {"only_another_port", "a.test:443", "a.test", NULL, 80, "", NULL, HF_WHY_ONLY},
        {"only_star", "*", "a.test", NULL, 443, "", &http2, HF_WHY_PROXY},
        {"only_nothing_that_is_an_entry", "@@", "a.test", NULL, 443, "", NULL, HF_WHY_ONLY},
        {"only_and_no_proxy", "a.test", "x.a.test", NULL, 443, "x.a.test", NULL, HF_WHY_EXEMPT},
        {"only_hf_hub", "hf", "huggingface.co", NULL, 443, "", &http2, HF_WHY_PROXY},
        {"only_hf_cdn", "x.test,HF", "cdn-lfs.hf.co", NULL, 443, "", &http2, HF_WHY_PROXY},
        {"only_hf_itself", "hf", "hf.co", NULL, 443, "", &http2, HF_WHY_PROXY},
        {"only_hf_port", "hf:443", "hf.co", NULL, 443, "", &http2, HF_WHY_PROXY},
        {"only_hf_is_no_name", "hf", "hf", NULL, 443, "", NULL, HF_WHY_ONLY},
        {"only_hf_no_more", "hf", "nothuggingface.co", NULL, 443, "", NULL, HF_WHY_ONLY},
        {"only_dot_hf_is_a_domain", ".hf", "x.hf", NULL, 443, "", &http2, HF_WHY_PROXY},
        {"only_dot_hf_is_not_the_hub", ".hf", "hf.co", NULL, 443, "", NULL, HF_WHY_ONLY},
        /* what is private goes through when it is meant */
        {"only_private_address", "10.1.2.3", NULL, "10.1.2.3", 443, "", &http2, HF_WHY_PROXY},
        {"only_private_range", "10.0.0.0/8", NULL, "10.1.2.3", 443, "", &http2, HF_WHY_PROXY},
        {"only_private_stars", "10.*", NULL, "10.1.2.3", 443, "", &http2, HF_WHY_PROXY},
        {"only_private_v6", "fd00::/8", NULL, "fd12::1", 443, "", &http2, HF_WHY_PROXY},
        {"only_wider_than_private", "10.0.0.0/7", NULL, "10.1.2.3", 443, "", NULL, HF_WHY_PRIVATE},
        {"only_the_whole_world", "0.0.0.0/0", NULL, "10.1.2.3", 443, "", NULL, HF_WHY_PRIVATE},
        {"only_star_is_not_private", "*", NULL, "10.1.2.3", 443, "", NULL, HF_WHY_PRIVATE},
        {"only_wide_and_narrow", "*,10.0.0.0/8", NULL, "10.1.2.3", 443, "", &http2, HF_WHY_PROXY},
        {"only_private_not_named", "10.0.0.0/8", NULL, "192.168.1.1", 443, "", NULL,
         HF_WHY_PRIVATE},
        {"only_private_behind_a_name", "db.test", "db.test", "10.1.2.3", 443, "", &http2,
         HF_WHY_PROXY},
        {"only_private_and_no_proxy", "10.0.0.0/8", NULL, "10.1.2.3", 443, "10.1.0.0/16", NULL,
         HF_WHY_EXEMPT},
        {"only_loopback_stays", "127.0.0.1", NULL, "127.0.0.1", 443, "", NULL, HF_WHY_LOOPBACK},
        {"only_linklocal_stays", "169.254.0.0/16", NULL, "169.254.169.254", 443, "", NULL,
         HF_WHY_LINKLOCAL},
        {"only_own_stays", "198.51.100.1", NULL, "198.51.100.1", 443, "", NULL, HF_WHY_OWN},
        {"only_attached_public_stays", "198.51.100.0/24", NULL, "198.51.100.2", 443, "", NULL,
         HF_WHY_ATTACHED},
        {"only_attached_private", "172.20.0.0/16", NULL, "172.20.0.9", 443, "", &http2,
         HF_WHY_PROXY},
        {"only_own_private_stays", "172.20.0.0/16", NULL, "172.20.0.1", 443, "", NULL, HF_WHY_OWN},
        {"only_proxy_itself_stays", "203.0.113.2", NULL, "203.0.113.2", 8080, "", NULL,
         HF_WHY_ITSELF},
        {"only_local_names_address", "203.0.113.60", NULL, "203.0.113.60", 443, "", NULL,
         HF_WHY_LOCALNAME},
};

static void check_only_row(void **state)
{
        const struct only_row *row = *state;
        struct hf_rules rules = make_rules(THREE, row->no_proxy);
        struct hf_dest dest = {.name = hf_span(row->dest_name), .port = row->port};
        struct hf_addr addr;

        rules.only = hf_span(row->only);
        if (row->dest_addr) {
                assert_true(hf_addr_parse(hf_span(row->dest_addr), &addr));
                dest.addr = &addr;
        }
        expect_route(hf_route(&rules, &dest), row->proxy, row->why);
}

static const struct only_name_row {
        const char *name, *only, *dest;
        uint16_t port;
        enum hf_why why;
        bool certain; /* without a look at the local network */
} only_name_rows[] = {
        {"only_name_listed", "a.test", "a.test", 443, HF_WHY_PROXY, true},
        {"only_name_not_listed", "a.test", "b.test", 443, HF_WHY_ONLY, false},
        {"only_name_unknown_port", "a.test:443", "a.test", 0, HF_WHY_PROXY, true},
        {"only_name_without_dot", "*", "squid", 443, HF_WHY_LOCALNAME, false},
        {"only_name_without_dot_named", "squid", "squid", 443, HF_WHY_PROXY, true},
        {"only_name_star", "*", "a.test", 443, HF_WHY_PROXY, false},
        {"only_name_proxy_itself", "test", "one.proxy.test", 443, HF_WHY_ITSELF, true},
};

static void check_only_name_row(void **state)
{
        const struct only_name_row *row = *state;
        struct hf_rules rules = make_rules(BOTH, "");
        struct hf_dest dest = {.name = hf_span(row->dest), .port = row->port};

        rules.only = hf_span(row->only);
        assert_int_equal(hf_route_name(&rules, dest.name, row->port).why, row->why);
        assert_int_equal(hf_route_is_certain(&rules, &dest), row->certain);
}

/* ---- HFPROXY_TUNNEL=strict ---- */

enum { OPEN, REFUSED, TUNNELLED };

static const struct strict_row {
        const char *name;
        int setup;
        const char *dest_name, *dest_addr;
        uint16_t port;
        const char *no_proxy;
        int expected;
        enum hf_why why;
} strict_rows[] = {
        {"strict_public", BOTH, NULL, PUBLIC, 443, "", TUNNELLED, HF_WHY_PROXY},
        {"strict_name", BOTH, "cas.test", NULL, 443, "", TUNNELLED, HF_WHY_PROXY},
        {"strict_port_without_proxy", BOTH, NULL, PUBLIC, 8080, "", REFUSED, HF_WHY_NO_PROXY},
        {"strict_no_proxy_at_all", NONE, NULL, PUBLIC, 443, "", REFUSED, HF_WHY_NO_PROXY},
        {"strict_private", THREE, NULL, "10.1.2.3", 443, "", REFUSED, HF_WHY_PRIVATE},
        {"strict_private_v6", THREE, NULL, "fd12::1", 443, "", REFUSED, HF_WHY_PRIVATE},
        {"strict_metadata", THREE, NULL, "169.254.169.254", 80, "", REFUSED, HF_WHY_LINKLOCAL},
        {"strict_multicast", THREE, NULL, "239.1.1.1", 80, "", REFUSED, HF_WHY_LINKLOCAL},
        {"strict_attached", THREE, NULL, "198.51.100.127", 443, "", REFUSED, HF_WHY_ATTACHED},
        {"strict_tls_proxy", TLS_HTTPS, NULL, PUBLIC, 443, "", REFUSED, HF_WHY_TLSPROXY},
        {"strict_rest_of_network_0", THREE, NULL, "0.1.2.3", 443, "", REFUSED, HF_WHY_LOOPBACK},
        /* this machine */
        {"strict_loopback", NONE, NULL, "127.9.9.9", 9000, "", OPEN, HF_WHY_LOOPBACK},
        {"strict_loopback_v6", THREE, NULL, "::1", 443, "", OPEN, HF_WHY_LOOPBACK},
        {"strict_loopback_mapped", BOTH, NULL, "::ffff:127.0.0.1", 1, "", OPEN, HF_WHY_LOOPBACK},
        {"strict_unspecified", BOTH, NULL, "0.0.0.0", 1, "", OPEN, HF_WHY_LOOPBACK},
        {"strict_unspecified_v6", BOTH, NULL, "::", 1, "", OPEN, HF_WHY_LOOPBACK},
        {"strict_own", BOTH, NULL, "198.51.100.1", 9000, "", OPEN, HF_WHY_OWN},
        {"strict_own_private", BOTH, NULL, "172.20.0.1", 9000, "", OPEN, HF_WHY_OWN},
        {"strict_localhost", NONE, "localhost", NULL, 9000, "", OPEN, HF_WHY_LOOPBACK},
        {"strict_own_name", NONE, "thishost.corp.test", NULL, 9000, "", OPEN, HF_WHY_OWN},
        /* the proxy */
        {"strict_proxy", THREE, NULL, "203.0.113.2", 8080, "", OPEN, HF_WHY_ITSELF},
        {"strict_proxy_other_port", BOTH, NULL, "203.0.113.2", 8081, "", REFUSED, HF_WHY_NO_PROXY},
        {"strict_tls_proxy_itself", TLS_HTTPS, NULL, "203.0.113.5", 8443, "", OPEN, HF_WHY_ITSELF},
        {"strict_proxy_known_address", BOTH, NULL, "203.0.113.50", 3128, "", OPEN, HF_WHY_ITSELF},
        {"strict_proxy_name", THREE, "three.proxy.test", NULL, 8888, "", OPEN, HF_WHY_ITSELF},
        /* no_proxy opens */
        {"strict_exempt_private", THREE, NULL, "10.1.2.3", 443, "10.0.0.0/8", OPEN, HF_WHY_EXEMPT},
        {"strict_exempt_port", NONE, NULL, "10.1.2.3", 53, "10.1.2.3:53", OPEN, HF_WHY_EXEMPT},
        {"strict_exempt_other_port", NONE, NULL, "10.1.2.3", 54, "10.1.2.3:53", REFUSED,
         HF_WHY_NO_PROXY},
        {"strict_exempt_attached", THREE, NULL, "198.51.100.9", 443, "198.51.100.9", OPEN,
         HF_WHY_EXEMPT},
        {"strict_exempt_name", NONE, "a.test", NULL, 9000, "a.test", OPEN, HF_WHY_EXEMPT},
        {"strict_exempt_metadata", THREE, NULL, "169.254.169.254", 80, "169.254.169.254", OPEN,
         HF_WHY_EXEMPT},
        {"strict_exempt_names_address", NONE, NULL, "203.0.113.60", 9000, "", OPEN,
         HF_WHY_LOCALNAME},
};

static void check_strict_row(void **state)
{
        const struct strict_row *row = *state;
        struct hf_rules rules = make_rules(row->setup, row->no_proxy);
        struct hf_dest dest = {.name = hf_span(row->dest_name), .port = row->port};
        struct hf_route route;
        struct hf_addr addr;

        rules.strict = true;
        if (row->dest_addr) {
                assert_true(hf_addr_parse(hf_span(row->dest_addr), &addr));
                dest.addr = &addr;
        }
        route = hf_route(&rules, &dest);
        if (route.why != row->why)
                fail_msg("%s, not %s", hf_why_text(route.why), hf_why_text(row->why));
        assert_int_equal(route.refused ? REFUSED : route.proxy ? TUNNELLED : OPEN, row->expected);

        /* and without it, nothing is ever refused, and the same is tunnelled */
        rules.strict = false;
        route = hf_route(&rules, &dest);
        assert_false(route.refused);
        assert_int_equal(route.proxy != NULL, row->expected == TUNNELLED);
}

/* Not even a dotless name is looked up. */
static void strict_asks_nobody(void **state)
{
        struct hf_rules rules = make_rules(BOTH, "");
        struct hf_dest dest = {.name = HF_SPAN("squid"), .port = 443};

        (void)state;
        rules.strict = true;
        assert_int_equal(hf_route_name(&rules, dest.name, 443).why, HF_WHY_PROXY);
        assert_true(hf_route_is_certain(&rules, &dest));
        dest.port = 9000;
        assert_true(hf_route_by_name(&rules, &dest));
}

static void strict_and_only(void **state)
{
        struct hf_rules rules = make_rules(BOTH, "");
        struct hf_dest dest = {.name = HF_SPAN("b.test"), .port = 443};
        struct hf_route route;

        (void)state;
        rules.strict = true;
        rules.only = HF_SPAN("a.test");
        route = hf_route(&rules, &dest);
        assert_true(route.refused);
        assert_int_equal(route.why, HF_WHY_ONLY);
        dest.name = HF_SPAN("a.test");
        expect_route(hf_route(&rules, &dest), &http2, HF_WHY_PROXY);
}

/* https_proxy holds nonsense: all_proxy does not stand in for it. */
static void lost_proxy_is_not_replaced(void **state)
{
        struct hf_rules rules = make_rules(ALL_ONLY, "");
        struct hf_dest dest = {.name = HF_SPAN("a.test"), .port = 443};

        (void)state;
        rules.strict = rules.https_lost = true;
        expect_route(hf_route(&rules, &dest), NULL, HF_WHY_NO_PROXY);
        assert_true(hf_route(&rules, &dest).refused);
        dest.port = 80;
        expect_route(hf_route(&rules, &dest), &http3, HF_WHY_PROXY);
        rules.http_lost = true;
        expect_route(hf_route(&rules, &dest), NULL, HF_WHY_NO_PROXY);
        dest.port = 22;
        expect_route(hf_route(&rules, &dest), &http3, HF_WHY_PROXY);
}

/* HF_ENDPOINT with an address in it. */
static void endpoint_that_is_an_address(void **state)
{
        struct hf_rules rules = make_rules(THREE, "");
        struct hf_addr addr;
        struct hf_dest dest = {.addr = &addr, .port = 8000};

        (void)state;
        rules.endpoint_host = HF_SPAN("198.51.100.201");
        rules.endpoint_port = 8000;
        rules.endpoint_tls = false;
        assert_true(hf_addr_parse(HF_SPAN("198.51.100.201"), &addr));
        expect_route(hf_route(&rules, &dest), &http1, HF_WHY_PROXY);
        assert_true(hf_route_by_name(&rules, &dest));
        assert_true(hf_addr_parse(HF_SPAN("198.51.100.202"), &addr));
        expect_route(hf_route(&rules, &dest), &http3, HF_WHY_PROXY);
        assert_false(hf_route_by_name(&rules, &dest));
}

static void nothing_known_of_the_machine(void **state)
{
        struct hf_rules rules = {.https = &http2};
        struct hf_addr addr;
        struct hf_dest dest = {.addr = &addr, .port = 443};

        (void)state;
        assert_true(hf_addr_parse(HF_SPAN(PUBLIC), &addr));
        expect_route(hf_route(&rules, &dest), &http2, HF_WHY_PROXY);
}

static void every_reason_has_a_text(void **state)
{
        (void)state;
        for (int why = HF_WHY_PROXY; why <= HF_WHY_LITERAL; why++)
                assert_true(strlen(hf_why_text((enum hf_why)why)) > 4);
}

static void add_net(const char *text, uint8_t bits)
{
        struct hf_self_net *net = &self.nets[self.count++];

        assert_true(hf_addr_parse(hf_span(text), &net->addr));
        net->bits = bits;
}

static void remember(struct hf_addrset *set, const char *text, uint16_t port)
{
        struct hf_addr addr;

        assert_true(hf_addr_parse(hf_span(text), &addr));
        assert_true(hf_addrset_add(set, &addr, port));
}

/* Where HFPROXY_URL lists several, none of them is reached through another. */
static void the_others_of_a_list_are_proxies_too(void **state)
{
        struct hf_proxy list[2] = {http1, socks};
        struct hf_rules rules = {.all = &list[0]};
        const struct hf_dest dest = {.addr = &socks.addr, .port = socks.port};
        const struct hf_dest other = {.addr = &socks.addr, .port = 443};

        (void)state;
        assert_int_equal(hf_route(&rules, &dest).why, HF_WHY_PROXY);
        list[0].next = &list[1];
        list[1].next = &list[0];
        assert_int_equal(hf_route(&rules, &dest).why, HF_WHY_ITSELF);
        assert_int_equal(hf_route(&rules, &other).why, HF_WHY_PROXY);

        /* nor is it shut in by `strict`; and that is all that is open there */
        rules.strict = true;
        assert_false(hf_route(&rules, &dest).refused);
        rules.all = NULL;
        rules.https = &list[1];
        assert_false(hf_route(&rules, &dest).refused);
        list[1].next = NULL;
        rules.https = &list[0];
        list[0].next = NULL;
        assert_true(hf_route(&rules, &dest).refused);
}

int main(void)
{
        static struct table t;

        add_net("198.51.100.1", 25);
        add_net("192.0.2.77", 32);
        add_net("192.0.2.99", 0);
        add_net("172.20.0.1", 16);
        add_net("2001:db8:1::1", 64);
        remember(&direct, "203.0.113.60", 0);
        remember(&direct, "203.0.113.61", 443);
        remember(&proxies, "203.0.113.50", 3128);
        hf_addr_parse(http2.host, &http2.addr);
        hf_addr_parse(socks.host, &socks.addr);
        hf_addr_parse(tls.host, &tls.addr);
        TABLE_ADD(&t, check_row, rows);
        TABLE_ADD(&t, check_name_row, name_rows);
        TABLE_ADD(&t, check_only_row, only_rows);
        TABLE_ADD(&t, check_only_name_row, only_name_rows);
        TABLE_ADD(&t, check_strict_row, strict_rows);
        table_add(&t, "strict_asks_nobody", strict_asks_nobody, NULL);
        table_add(&t, "strict_and_only", strict_and_only, NULL);
        table_add(&t, "lost_proxy_is_not_replaced", lost_proxy_is_not_replaced, NULL);
        table_add(&t, "endpoint_that_is_an_address", endpoint_that_is_an_address, NULL);
        table_add(&t, "nothing_known_of_the_machine", nothing_known_of_the_machine, NULL);
        table_add(&t, "every_reason_has_a_text", every_reason_has_a_text, NULL);
        table_add(&t, "the_others_of_a_list_are_proxies_too", the_others_of_a_list_are_proxies_too,
                  NULL);
        return table_run("route", &t);
}
