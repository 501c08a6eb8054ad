/* SPDX-License-Identifier: MIT */
#include "route.h"

/* A candidate: the proxy that the port asks for, usable or not. */
static const struct hf_proxy *for_port(const struct hf_rules *rules, uint16_t port)
{
        const struct hf_proxy *own = port == 443 ? rules->https : port == 80 ? rules->http : NULL;

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

/* What the address alone says; HF_WHY_PROXY: nothing against a tunnel. */
static enum hf_why judge_addr(const struct hf_rules *rules, const struct hf_dest *dest)
{
        const struct hf_addr *addr = dest->addr;
        const struct hf_self *self = rules->self;
        bool attached = false;

        switch (hf_addr_classify(addr)) {
        case HF_ADDR_LOOPBACK:
        case HF_ADDR_UNSPECIFIED:
                return HF_WHY_LOOPBACK;
        case HF_ADDR_LINKLOCAL:
        case HF_ADDR_MULTICAST:
                return HF_WHY_LINKLOCAL;
        case HF_ADDR_PRIVATE:
                return HF_WHY_PRIVATE;
        case HF_ADDR_PUBLIC:
                break;
        }
        for (unsigned i = 0; self && i < self->count; i++) {
                const struct hf_self_net *net = &self->nets[i];

                if (hf_addr_eq(&net->addr, addr))
                        return HF_WHY_OWN;
                /* A prefix of no bits would be the whole world, not a network. */
                if (net->bits > 0 && hf_addr_in_prefix(addr, &net->addr, net->bits))
                        attached = true;
        }
        if (attached)
                return HF_WHY_ATTACHED;
        if (is_proxy_addr(rules->https, addr, dest->port) ||
            is_proxy_addr(rules->http, addr, dest->port) ||
            is_proxy_addr(rules->all, addr, dest->port) ||
            (rules->proxies && hf_addrset_has(rules->proxies, addr, dest->port)))
                return HF_WHY_ITSELF;
        return HF_WHY_PROXY;
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

struct hf_route hf_route(const struct hf_rules *rules, const struct hf_dest *dest)
{
        const struct hf_proxy *proxy = candidate(rules, dest);
        struct hf_route route = {NULL, HF_WHY_PROXY};

        if (!proxy) {
                route.why = HF_WHY_NO_PROXY;
                return route;
        }
        if (dest->addr)
                route.why = judge_addr(rules, dest);
        if (route.why == HF_WHY_PROXY && dest->name.s)
                route.why = judge_name(rules, dest->name, dest->port);
        if (route.why != HF_WHY_PROXY)
                return route;

        if (hf_noproxy_match(rules->no_proxy, dest))
                route.why = HF_WHY_EXEMPT;
        else if (dest->addr && rules->direct &&
                 hf_addrset_has(rules->direct, dest->addr, dest->port))
                route.why = HF_WHY_LOCALNAME;
        else if (!usable(proxy))
                route.why = HF_WHY_TLSPROXY;
        else
                route.proxy = proxy;
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
        struct hf_route route = {NULL, judge_name(rules, name, 0)};

        if (is_numeric(name))
                route.why = HF_WHY_LITERAL;
        if (route.why != HF_WHY_PROXY)
                return route;
        route = hf_route(rules, &dest);
        if (route.proxy && !memchr(name.s, '.', name.n))
                route = (struct hf_route){NULL, HF_WHY_LOCALNAME};
        return route;
}

bool hf_route_by_name(const struct hf_rules *rules, const struct hf_dest *dest)
{
        return dest->port == 443 || dest->port == 80 || is_endpoint(rules, dest);
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
        case HF_WHY_LOCALNAME:
                return "a local name's address";
        case HF_WHY_TLSPROXY:
                return "its proxy wants TLS, which this library does not speak";
        case HF_WHY_LITERAL:
                return "an address, not a name";
        }
        return "?";
}
