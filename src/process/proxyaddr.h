/* SPDX-License-Identifier: MIT */
/* The addresses of a proxy. Its own name is never looked up in the constructor: in the
 * getaddrinfo hook, where the program is looking something up anyway, or in connect() when the
 * cache is cold; refreshed after 60 s or a failed connect. Every address it ever had is remembered
 * in hf_proxy_addrs, so that it is never tunnelled through itself. */
#pragma once

#include "config.h"

#define HF_PROXYADDR_MAX 8

struct hf_proxyaddr {
        uint8_t count;
        struct hf_addr addrs[HF_PROXYADDR_MAX];
};

struct addrinfo;

/* 0, or -EHOSTUNREACH when the name does not resolve (a log line says so; the next five seconds
 * believe it). Looks up only if it must; a literal never. */
int hf_proxyaddr(const struct hf_proxy *proxy, struct hf_proxyaddr *ret);

/* The same without any look-up: false if that would take one. */
bool hf_proxyaddr_known(const struct hf_proxy *proxy, struct hf_proxyaddr *ret);

/* In a look-up of the program's: looks up the proxy's name too if that was not done in the last
 * 60 s. */
void hf_proxyaddr_refresh(const struct hf_proxy *proxy);

/* The program itself looked NAME up: if that is a proxy's, these are its addresses. */
void hf_proxyaddr_learn(const struct hf_rules *rules, struct hf_span name,
                        const struct addrinfo *found);

/* A connect to the proxy failed: the next hf_proxyaddr() looks again. */
void hf_proxyaddr_stale(const struct hf_proxy *proxy);

/* Is this thread inside our own look-up of a proxy's name? What a name service module connects to
 * there cannot wait for a proxy. */
bool hf_proxyaddr_busy(void);
