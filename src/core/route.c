/* SPDX-License-Identifier: MIT */
#include "route.h"

/* A candidate: the proxy that the port asks for, usable or not. */
static const struct hf_proxy *for_port(const struct hf_rules *rules, uint16_t port)
{
        const struct hf_proxy *own = port == 443 ? rules->https : port == 80 ? rules->http : NULL;

        if ((port == 443 && rules->https_lost) || (port == 80 && rules->http_lost))
                return NULL;
        return own ? own : rules->all;
}

/* HF_ENDPOINT names its host by name or by address; a connection may be known by either. */
static bool is_endpoint(const struct hf_rules *rules, const struct hf_dest *dest)
{
        struct hf_addr addr;

        if (!rules->endpoint_host.s || dest->port != rules->endpoint_port)
                return false;
        if (dest->name.s && hf_span_caseeq(dest->name, rules->endpoint_host))
                return true;
        return dest->addr && hf_addr_parse(rules->endpoint_host, &addr) &&
               hf_addr_eq(&addr, dest->addr);
}

static bool usable(const struct hf_proxy *proxy)
{
        return proxy && hf_scheme_is_spoken(proxy->scheme);
}

/* The proxy that would be used if nothing exempts DEST. With an unknown port, that of any port,
 * and rather one that we can speak to. */
static const struct hf_proxy *candidate(const struct hf_rules *rules, const struct hf_dest *dest)
{
        const struct hf_proxy *https = for_port(rules, 443), *http = for_port(rules, 80);

        if (dest->port == 0) {
                const struct hf_proxy *any[] = {https, http, rules->all};

                for (size_t i = 0; i < HF_LEN(any); i++)
                        if (usable(any[i]))
                                return any[i];
                return https ? https : http;
        }
        if (is_endpoint(rules, dest))
                return rules->endpoint_tls ? https : http;
        return for_port(rules, dest->port);
}

static bool is_proxy_addr(const struct hf_proxy *proxy, const struct hf_addr *addr, uint16_t port)
{
        const struct hf_proxy *first = proxy;

        for (; proxy; proxy = proxy->next == first ? NULL : proxy->next)
                if (proxy->addr.family && proxy->port == port && hf_addr_eq(&proxy->addr, addr))
                        return true;
        return false;
}

/* A name has no port of its own in a look-up, so there (PORT 0) the proxy's host is the proxy. */
static bool is_proxy_name(const struct hf_proxy *proxy, struct hf_span name, uint16_t port)
{
        const struct hf_proxy *first = proxy;

        for (; proxy; proxy = proxy->next == first ? NULL : proxy->next)
                if ((port == 0 || proxy->port == port) && hf_span_caseeq(proxy->host, name))
                        return true;
        return false;
}

static bool is_itself(const struct hf_rules *rules, const struct hf_dest *dest)
{
        return is_proxy_addr(rules->https, dest->addr, dest->port) ||
               is_proxy_addr(rules->http, dest->addr, dest->port) ||
               is_proxy_addr(rules->all, dest->addr, dest->port) ||
               (rules->proxies && hf_addrset_has(rules->proxies, dest->addr, dest->port));
}

/* HF_WHY_OWN, HF_WHY_ATTACHED or HF_WHY_PROXY: neither. */
static enum hf_why judge_nets(const struct hf_self *self, const struct hf_addr *addr)
{
        enum hf_why why = HF_WHY_PROXY;

        for (unsigned i = 0; self && i < self->count; i++) {
                const struct hf_self_net *net = &self->nets[i];

                if (hf_addr_eq(&net->addr, addr))
                        return HF_WHY_OWN;
                /* A prefix of no bits would be the whole world, not a network. */
                if (net->bits > 0 && hf_addr_in_prefix(addr, &net->addr, net->bits))
                        why = HF_WHY_ATTACHED;
        }
        return why;
}

/* What the address alone says; HF_WHY_PROXY: nothing against a tunnel. NAMED: the user asked for
 * just this one, private or not. */
static enum hf_why judge_addr(const struct hf_rules *rules, const struct hf_dest *dest, bool named)
{
        bool private = false;
        enum hf_why why;

        switch (hf_addr_classify(dest->addr)) {
        case HF_ADDR_LOOPBACK:
        case HF_ADDR_UNSPECIFIED:
                return HF_WHY_LOOPBACK;
        case HF_ADDR_LINKLOCAL:
        case HF_ADDR_MULTICAST:
                return HF_WHY_LINKLOCAL;
        case HF_ADDR_PRIVATE:
                private
                = true;
                break;
        case HF_ADDR_PUBLIC:
                break;
        }
        if (private && !named)
                return HF_WHY_PRIVATE;
        why = judge_nets(rules->self, dest->addr);
        if (why == HF_WHY_OWN || (why == HF_WHY_ATTACHED && !private))
                return why;
        return is_itself(rules, dest) ? HF_WHY_ITSELF : HF_WHY_PROXY;
}

static enum hf_why judge_name(const struct hf_rules *rules, struct hf_span name, uint16_t port)
{
        if (hf_span_caseeq(name, HF_SPAN("localhost")))
                return HF_WHY_LOOPBACK;
        if (rules->self && rules->self->name[0] && hf_span_caseeq(name, hf_span(rules->self->name)))
                return HF_WHY_OWN;
        if (is_proxy_name(rules->https, name, port) || is_proxy_name(rules->http, name, port) ||
            is_proxy_name(rules->all, name, port))
                return HF_WHY_ITSELF;
        return HF_WHY_PROXY;
}

static bool is_exempt(const struct hf_rules *rules, const struct hf_dest *dest)
{
        if (rules->no_proxy_index)
                return hf_noproxy_index_match(rules->no_proxy_index, dest);
        return hf_noproxy_match(rules->no_proxy, dest);
}

static enum hf_only only(const struct hf_rules *rules, const struct hf_dest *dest)
{
        return rules->only.s ? hf_noproxy_only(rules->only, dest) : HF_ONLY_LISTED;
}

static bool is_direct_addr(const struct hf_rules *rules, const struct hf_dest *dest)
{
        return dest->addr && rules->direct && hf_addrset_has(rules->direct, dest->addr, dest->port);
}

static struct hf_route judge(const struct hf_rules *rules, const struct hf_dest *dest)
{
        const struct hf_proxy *proxy = candidate(rules, dest);
        enum hf_only listed = only(rules, dest);
        struct hf_route route = {NULL, HF_WHY_PROXY, false};

        if (!proxy) {
                route.why = dest->addr && is_itself(rules, dest) ? HF_WHY_ITSELF : HF_WHY_NO_PROXY;
                return route;
        }
        if (dest->addr)
                route.why = judge_addr(rules, dest, listed == HF_ONLY_NAMED);
        if (route.why == HF_WHY_PROXY && dest->name.s)
                route.why = judge_name(rules, dest->name, dest->port);
        if (route.why != HF_WHY_PROXY)
                return route;

        if (is_exempt(rules, dest))
                route.why = HF_WHY_EXEMPT;
        else if (is_direct_addr(rules, dest))
                route.why = HF_WHY_LOCALNAME;
        else if (listed == HF_ONLY_NOT)
                route.why = HF_WHY_ONLY;
        else if (!usable(proxy))
                route.why = HF_WHY_TLSPROXY;
        else
                route.proxy = proxy;
        return route;
}

/* What `strict` lets out directly, and why: to this machine, to the proxy, and to what no_proxy
 * names. HF_WHY_PROXY: nothing else. */
static enum hf_why judge_open(const struct hf_rules *rules, const struct hf_dest *dest)
{
        static const struct hf_addr any4 = {.family = 4}, any6 = {.family = 6};
        const struct hf_addr *addr = dest->addr;
        enum hf_why why;

        /* 0.0.0.0 is this host, but newer kernels route the rest of 0.0.0.0/8. */
        if (addr && (hf_addr_classify(addr) == HF_ADDR_LOOPBACK || hf_addr_eq(addr, &any4) ||
                     hf_addr_eq(addr, &any6)))
                return HF_WHY_LOOPBACK;
        if (addr && judge_nets(rules->self, addr) == HF_WHY_OWN)
                return HF_WHY_OWN;
        if (addr && is_itself(rules, dest))
                return HF_WHY_ITSELF;
        why = !addr && dest->name.s ? judge_name(rules, dest->name, dest->port) : HF_WHY_PROXY;
        if (why != HF_WHY_PROXY)
                return why;
        if (is_exempt(rules, dest))
                return HF_WHY_EXEMPT;
        return is_direct_addr(rules, dest) ? HF_WHY_LOCALNAME : HF_WHY_PROXY;
}

struct hf_route hf_route(const struct hf_rules *rules, const struct hf_dest *dest)
{
        struct hf_route route = judge(rules, dest);

        if (rules->strict && !route.proxy) {
                enum hf_why why = judge_open(rules, dest);

                route.refused = why == HF_WHY_PROXY;
                if (!route.refused)
                        route.why = why;
        }
        return route;
}

/* Is NAME an address as getaddrinfo(3) reads one? Besides literals in good form there are those
 * of inet_aton(3): 127.1, 0x7f000001, 0177.0.0.1. No host name ends in a number. */
static bool is_numeric(struct hf_span name)
{
        struct hf_addr addr;
        size_t last = name.n;
        bool hex;

        if (hf_addr_parse(name, &addr))
                return true;
        while (last > 0 && name.s[last - 1] != '.')
                last--;
        if (last == name.n)
                return false;
        hex = name.n - last >= 2 && name.s[last] == '0' && hf_lower(name.s[last + 1]) == 'x';
        for (size_t i = last + (hex ? 2 : 0); i < name.n; i++)
                if (hex ? hf_hexval(name.s[i]) < 0 : !hf_is_digit(name.s[i]))
                        return false;
        return true;
}

struct hf_route hf_route_name(const struct hf_rules *rules, struct hf_span name, uint16_t port)
{
        const struct hf_dest dest = {.name = name, .port = port};
        /* The proxy's own name is looked up whatever the port: its addresses must become known
         * before connect() meets one of them. */
        struct hf_route route = {NULL, judge_name(rules, name, 0), false};

        if (is_numeric(name))
                route.why = HF_WHY_LITERAL;
        if (route.why != HF_WHY_PROXY)
                return route;
        route = hf_route(rules, &dest);
        if (route.proxy && !memchr(name.s, '.', name.n) && !hf_route_is_certain(rules, &dest))
                route = (struct hf_route){NULL, HF_WHY_LOCALNAME, false};
        return route;
}

bool hf_route_by_name(const struct hf_rules *rules, const struct hf_dest *dest)
{
        return dest->port == 443 || dest->port == 80 || is_endpoint(rules, dest) ||
               hf_route_is_certain(rules, dest);
}

bool hf_route_is_certain(const struct hf_rules *rules, const struct hf_dest *dest)
{
        return rules->strict || only(rules, dest) == HF_ONLY_NAMED;
}

const char *hf_why_text(enum hf_why why)
{
        switch (why) {
        case HF_WHY_PROXY:
                return "through the proxy";
        case HF_WHY_NO_PROXY:
                return "no proxy is set for this port";
        case HF_WHY_LOOPBACK:
                return "this machine";
        case HF_WHY_LINKLOCAL:
                return "link-local or multicast";
        case HF_WHY_PRIVATE:
                return "a private address";
        case HF_WHY_OWN:
                return "this machine's own address";
        case HF_WHY_ATTACHED:
                return "a directly attached network";
        case HF_WHY_ITSELF:
                return "the proxy itself";
        case HF_WHY_EXEMPT:
                return "no_proxy names it";
        case HF_WHY_ONLY:
                return "HFPROXY_ONLY does not name it";
        case HF_WHY_LOCALNAME:
                return "a local name's address";
        case HF_WHY_TLSPROXY:
                return "its proxy wants TLS, which this library does not speak";
        case HF_WHY_LITERAL:
                return "an address, not a name";
        }
        return "?";
}
