/* SPDX-License-Identifier: MIT */
/* "Which proxy, or direct, and why": the one place that decides, for connect(), for look-ups, for
 * the log line, and for the no_proxy that clients see. design.md 3 is the contract. */
#pragma once

#include "addrset.h"
#include "noproxy_index.h"
#include "url.h"

/* A proxy as connect() uses it. */
struct hf_proxy {
        enum hf_scheme scheme;
        uint16_t port;
        struct hf_span host; /* from its URL, without brackets */
        struct hf_addr addr; /* family 0 when the host is a name */
        struct hf_span auth; /* "Proxy-Authorization: Basic …\r\n", or empty */
        struct hf_span user; /* as they are sent by SOCKS, any bytes; absent if there are none */
        struct hf_span pass;
        struct hf_span text; /* scheme://host:port for the log: never a credential */
        /* Where HFPROXY_URL lists several: the one to try when this takes no connection; a ring.
         * NULL: it is the only one. */
        const struct hf_proxy *next;
};

/* This machine: its name and the addresses of its interfaces with their networks. */
#define HF_SELF_NETS 1024
struct hf_self {
        char name[65]; /* host name, NUL-terminated; empty if unknown */
        uint16_t count;
        struct hf_self_net {
                struct hf_addr addr;
                uint8_t bits; /* length of the attached network's prefix */
        } nets[HF_SELF_NETS];
};

struct hf_rules {
        /* For port 80, 443 and any other; NULL: none of its own, `all` serves if there is one. */
        const struct hf_proxy *http, *https, *all;
        struct hf_span no_proxy;                       /* the user's own list, not the mended one */
        const struct hf_noproxy_index *no_proxy_index; /* of it; may be NULL */
        struct hf_span only;                           /* HFPROXY_ONLY; absent: everything */
        struct hf_span endpoint_host; /* HF_ENDPOINT's, if it names a port, else absent */
        uint16_t endpoint_port;
        bool endpoint_tls;          /* that port counts as 443, else as 80 */
        bool strict;                /* what cannot be tunnelled does not leave */
        bool http_lost, https_lost; /* its variable cannot be read, and nothing stands in for it */
        const struct hf_self *self; /* may be NULL */
        const struct hf_addrset *direct;  /* may be NULL: addresses of names that stay direct */
        const struct hf_addrset *proxies; /* may be NULL: addresses of the proxies' own names */
};

enum hf_why {
        HF_WHY_PROXY,     /* through route.proxy */
        HF_WHY_NO_PROXY,  /* no proxy is set for this port */
        HF_WHY_LOOPBACK,  /* loopback or the unspecified address */
        HF_WHY_LINKLOCAL, /* link-local or multicast */
        HF_WHY_PRIVATE,   /* a private range */
        HF_WHY_OWN,       /* this machine's own address */
        HF_WHY_ATTACHED,  /* a directly attached network */
        HF_WHY_ITSELF,    /* the proxy itself */
        HF_WHY_EXEMPT,    /* named in no_proxy */
        HF_WHY_ONLY,      /* not named in HFPROXY_ONLY */
        HF_WHY_LOCALNAME, /* a local or exempt name resolved to this address */
        HF_WHY_TLSPROXY,  /* its proxy is spoken to by TLS, which this library cannot */
        HF_WHY_LITERAL,   /* a look-up of something that is an address already */
};

struct hf_route {
        const struct hf_proxy *proxy; /* non-NULL exactly when why is HF_WHY_PROXY */
        enum hf_why why;
        bool refused; /* by `strict`: what has no proxy here must not leave directly either */
};

struct hf_route hf_route(const struct hf_rules *rules, const struct hf_dest *dest);

/* The same for a name before it is looked up; PORT 0 when the look-up has no service. PROXY: a
 * tunnel would apply to it, so it gets a placeholder. (With port 0: some port has a proxy.) */
struct hf_route hf_route_name(const struct hf_rules *rules, struct hf_span name, uint16_t port);

/* Is a name that has a proxy tunnelled without a look at its addresses? On the web's own ports (and
 * HF_ENDPOINT's) yes; on any other it may be a service of the local network. */
bool hf_route_by_name(const struct hf_rules *rules, const struct hf_dest *dest);

/* The same whatever the port, and whatever the local network may know about the name: nobody there
 * is to be asked (`strict`), or the user named it (HFPROXY_ONLY). */
bool hf_route_is_certain(const struct hf_rules *rules, const struct hf_dest *dest);

/* For the log: "no_proxy names it". */
const char *hf_why_text(enum hf_why why);
