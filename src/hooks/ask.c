/* SPDX-License-Identifier: MIT */
#include "ask.h"

#include "core/local.h"
#include "process/etc.h"
#include "process/lookup.h"
#include "process/names.h"
#include "process/proxyaddr.h"
#include "process/sys.h"

#include <netdb.h>

#define SUFFIXES_MAX 16 /* of a search list that are tried */
#define TEXT_MAX 255    /* of a name below one, or without its dot (read_name() takes 253) */
#define SILENT_MS 1000  /* who took that long to say nothing is not there */

/* ---- what is remembered of an answer ---- */

/* The proxy's own name. It may be known in one family only, so this goes into the set of its
 * addresses and not into the cache that connect() goes by. */
static void learn_proxy(const struct hf_ask *ask, const struct hf_config *config,
                        const struct hf_addr *addr)
{
        struct sockaddr_storage sa;
        struct addrinfo info = {.ai_addr = (struct sockaddr *)&sa};

        info.ai_addrlen = hf_addr_to_sockaddr(addr, 0, false, &sa);
        hf_proxyaddr_learn(&config->rules, ask->name, &info);
}

static void note_direct(const struct hf_ask *ask)
{
        struct hf_addr addr;

        for (unsigned i = 0; ask->addr(ask, i, &addr); i++)
                hf_addrset_add(&hf_direct_addrs, &addr, ask->port);
}

/* The same because of a name of the local network. */
static void note_local(const struct hf_ask *ask)
{
        struct hf_addr addr;

        for (unsigned i = 0; ask->addr(ask, i, &addr); i++)
                if (hf_lookup_local_counts(&addr, ask->port))
                        hf_addrset_add(&hf_direct_addrs, &addr, ask->port);
}

static void note_because(const struct hf_ask *ask, const struct hf_config *config, enum hf_why why)
{
        struct hf_addr addr;

        for (unsigned i = 0; why == HF_WHY_ITSELF && ask->addr(ask, i, &addr); i++)
                learn_proxy(ask, config, &addr);
        if (why == HF_WHY_EXEMPT || why == HF_WHY_OWN)
                note_direct(ask);
        if (why == HF_WHY_LOCALNAME)
                note_local(ask);
}

void hf_ask_note(struct hf_ask *ask, const struct hf_config *config)
{
        note_because(ask, config, hf_route_name(&config->rules, ask->name, ask->port).why);
}

/* ---- what the machine and its network know ---- */

/* Pinned in /etc/hosts to an address that would not be tunnelled? */
static bool is_pinned(const struct hf_ask *ask, const struct hf_rules *rules)
{
        struct hf_addr addr;
        struct hf_dest dest = {ask->name, &addr, ask->port};
        struct hf_file hosts;
        struct hf_span rest;
        bool pinned = false;

        hf_file_read("/etc/hosts", &hosts);
        rest = hosts.text;
        /* What was remembered of other names does not count: this one has its own line. */
        while (!pinned && hf_hosts_next(&rest, ask->name, &addr)) {
                struct hf_route route = hf_route(rules, &dest);

                pinned = !route.proxy && route.why != HF_WHY_LOCALNAME;
        }
        hf_file_free(&hosts);
        return pinned;
}

/* Under `options ndots:N`: below each suffix first, as libc would. 0: found. */
static int look_below(struct hf_ask *ask, struct hf_span search, int64_t since)
{
        struct hf_span suffix;
        int r = -1;

        for (unsigned i = 0; r && i < SUFFIXES_MAX && hf_resolv_next(&search, &suffix); i++) {
                char text[TEXT_MAX];
                struct hf_out out = hf_out_write(text, sizeof text - 1);

                hf_out_put(&out, ask->name);
                hf_out_char(&out, '.');
                hf_out_put(&out, suffix);
                hf_out_char(&out, '.');
                if (out.len >= sizeof text)
                        continue;
                text[out.len] = '\0';
                r = ask->look(ask, text);
                if (r && hf_sys_now() - since >= SILENT_MS)
                        break;
        }
        return r;
}

static unsigned count_dots(struct hf_span name)
{
        unsigned dots = 0;

        for (size_t i = 0; i < name.n; i++)
                dots += name.s[i] == '.';
        return dots;
}

/* What the local network knows goes direct. True: it knew the name, and has been asked. Where it is
 * silent, that costs its time once a minute. */
static bool is_local(struct hf_ask *ask)
{
        struct hf_file resolv_conf;
        struct hf_span search;
        unsigned ndots;
        int64_t since;
        bool below;
        int r = -1;

        hf_file_read("/etc/resolv.conf", &resolv_conf);
        search = hf_resolv_search(resolv_conf.text);
        ndots = hf_resolv_ndots(resolv_conf.text);
        below = search.s && ndots > 1 && !ask->node[ask->name.n] && count_dots(ask->name) < ndots;
        if (hf_local_name(search, ask->name))
                below = false;
        else if (!below)
                goto out;
        if (hf_lookup_failed(ask->name, HF_LOOKUP_LOCAL))
                goto out;
        since = hf_sys_now();
        r = below ? look_below(ask, search, since) : ask->look(ask, ask->node);
        if (r && hf_sys_now() - since >= SILENT_MS)
                hf_lookup_note_failed(ask->name, HF_LOOKUP_LOCAL);
out:
        hf_file_free(&resolv_conf);
        return r == 0;
}

/* For who wants to see the address: is it one that means something to others, one on this machine
 * or in its networks? (One of them is enough. Where there is none to be read, as in a buffer that
 * is too small, the answer stands.) */
static bool is_near(struct hf_ask *ask, const struct hf_config *config)
{
        struct hf_addr addr;
        struct hf_dest dest = {ask->name, &addr, ask->port};

        if (hf_lookup_failed(ask->name, ask->family))
                return false;
        if (ask->look(ask, ask->node) != 0) {
                hf_lookup_note_failed(ask->name, ask->family);
                return false;
        }
        if (!ask->addr(ask, 0, &addr))
                return true;
        for (unsigned i = 0; ask->addr(ask, i, &addr); i++)
                if (!hf_route(&config->rules, &dest).proxy)
                        return true;
        return false;
}

/* ---- the judgement ---- */

/* The proxy's own name is looked up as its URL has it (http://squid:3128): hf_xet 1.1.5 puts a dot
 * behind it, with which neither /etc/hosts nor a search suffix counts. */
static int look_for_proxy(struct hf_ask *ask)
{
        char text[TEXT_MAX];

        memcpy(text, ask->name.s, ask->name.n);
        text[ask->name.n] = '\0';
        return ask->look(ask, text);
}

static void look_really(struct hf_ask *ask, const struct hf_config *config, enum hf_why why)
{
        if (ask->later)
                return;
        if ((why == HF_WHY_ITSELF ? look_for_proxy(ask) : ask->look(ask, ask->node)) == 0)
                note_because(ask, config, why);
}

bool hf_ask_placeholder(struct hf_ask *ask, const struct hf_config *config,
                        struct hf_addr *ret_addr)
{
        const struct hf_dest dest = {.name = ask->name, .port = ask->port};
        struct hf_route route = hf_route_name(&config->rules, ask->name, ask->port);
        bool certain = hf_route_is_certain(&config->rules, &dest);

        if (!route.proxy || is_pinned(ask, &config->rules)) {
                look_really(ask, config, route.why);
                return false;
        }
        if (!certain && is_local(ask)) {
                note_local(ask);
                return false;
        }
        hf_proxyaddr_refresh(route.proxy);
        if (!config->dns_local) {
                if (ask->shown && !certain && is_near(ask, config))
                        return false;
                if (hf_names_put(ask->name, ask->family == AF_INET6 ? 6 : 4, ret_addr) == 0)
                        return true;
        }
        look_really(ask, config, route.why);
        return false;
}
