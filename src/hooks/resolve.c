/* SPDX-License-Identifier: MIT */
/* getaddrinfo(): a name that would be tunnelled gets a placeholder, any other is really looked up
 * (design.md 4). Whatever is returned was made by libc's own getaddrinfo(), so its freeaddrinfo()
 * can free it. */
#include "hook.h"

#include "core/local.h"
#include "process/config.h"
#include "process/etc.h"
#include "process/log.h"
#include "process/lookup.h"
#include "process/names.h"
#include "process/program.h"
#include "process/proxyaddr.h"
#include "process/real.h"

#include <netdb.h>
#include <netinet/in.h>

#define NAME_MAX_LEN 253  /* RFC 1035; musl takes 254 */
#define SUFFIXES_MAX 16   /* of a search list that are tried */
#define PORT_UNKNOWN (-1) /* the service has a name that nobody knows */

/* glibc's AI_IDN and AI_CANONIDN, which <netdb.h> shows only with _GNU_SOURCE. */
#define AI_IDN_FLAGS (0x40 | 0x80)

/* A look-up on its way, as libc takes it. */
struct lookup {
        const char *node, *service;
        const struct addrinfo *hints;
        struct addrinfo **res;
        struct hf_span name; /* node without its trailing dot */
        uint16_t port;       /* 0: not known */
};

static int pass(const struct lookup *lookup)
{
        return hf_real_getaddrinfo(lookup->node, lookup->service, lookup->hints, lookup->res);
}

/* A host name in the letters that may go into a CONNECT line; anything else is libc's affair. */
static bool read_name(const char *node, struct hf_span *ret_name)
{
        size_t n = 0;
        bool label = false; /* something stands behind the last dot */

        for (; node[n]; n++) {
                char c = hf_lower(node[n]);

                if (n > NAME_MAX_LEN)
                        return false;
                if (c == '.' ? !label
                             : !((c >= 'a' && c <= 'z') || hf_is_digit(c) || c == '-' || c == '_'))
                        return false;
                label = c != '.';
        }
        if (n > 0 && !label)
                n--;
        if (n == 0 || n > NAME_MAX_LEN)
                return false;
        *ret_name = (struct hf_span){node, n};
        return true;
}

static bool is_for_tcp(const struct addrinfo *hints)
{
        if (!hints)
                return true;
        return !(hints->ai_flags & (AI_NUMERICHOST | AI_PASSIVE)) &&
               (hints->ai_family == AF_UNSPEC || hints->ai_family == AF_INET ||
                hints->ai_family == AF_INET6) &&
               (hints->ai_socktype == 0 || hints->ai_socktype == SOCK_STREAM) &&
               (hints->ai_protocol == 0 || hints->ai_protocol == IPPROTO_TCP);
}

/* The port of SERVICE, 0 if there is none. */
static int read_port(const char *service)
{
        const struct addrinfo hints = {
                .ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
        struct hf_span text = hf_span(service ? service : "");
        struct addrinfo *list;
        struct sockaddr_in in;

        if (text.n == 0)
                return 0;
        if (hf_is_digit(text.s[0]))
                return (int)hf_parse_uint(text, 65535);
        if (hf_span_eq(text, HF_SPAN("https")))
                return 443;
        if (hf_span_eq(text, HF_SPAN("http")))
                return 80;
        if (hf_real_getaddrinfo("127.0.0.1", service, &hints, &list))
                return PORT_UNKNOWN;
        memcpy(&in, list->ai_addr, sizeof in);
        freeaddrinfo(list);
        return ntohs(in.sin_port);
}

/* The numeric host that libc is given: ADDR, written so that its text is at least MIN bytes long.
 * For AI_CANONNAME returns the text that it was given, in glibc as a block of its own and in
 * musl inside the list, so the name can only be written over it. (inet_aton(3) takes octal numbers
 * with any number of zeros; a scope of zeros is none.) */
static void put_numeric(struct hf_out *out, const struct hf_addr *addr, size_t min)
{
        if (addr->family == 4 && min > 7) {
                uint8_t first = addr->bytes[0];
                size_t rest = sizeof "360.0.0.0" - 1;

                do
                        hf_out_char(out, '0');
                while (out->len + rest < min);
                hf_out_char(out, (char)('0' + (first >> 6)));
                hf_out_char(out, (char)('0' + (first >> 3 & 7)));
                hf_out_char(out, (char)('0' + (first & 7)));
                for (size_t i = 1; i < 4; i++) {
                        hf_out_char(out, '.');
                        hf_out_uint(out, addr->bytes[i]);
                }
                return;
        }
        hf_addr_put(out, addr);
        if (out->len >= min)
                return;
        hf_out_char(out, '%');
        do
                hf_out_char(out, '0');
        while (out->len < min);
}

static int give_placeholder(const struct lookup *lookup)
{
        struct addrinfo hints = {.ai_family = AF_UNSPEC};
        char text[NAME_MAX_LEN + 64];
        struct hf_out out = hf_out_write(text, sizeof text - 1);
        struct hf_addr addr;
        bool canon;
        int r;

        if (lookup->hints)
                hints = *lookup->hints;
        canon = hints.ai_flags & AI_CANONNAME;
        if (hf_names_put(lookup->name, hints.ai_family == AF_INET6 ? 6 : 4, &addr) < 0)
                return pass(lookup);
        put_numeric(&out, &addr, canon ? lookup->name.n : 0);
        text[out.len] = '\0';

        /* glibc applies AI_ADDRCONFIG to numeric hosts too. */
        hints.ai_flags &= ~(AI_ADDRCONFIG | AI_V4MAPPED | AI_ALL | AI_IDN_FLAGS);
        hints.ai_flags |= AI_NUMERICHOST;
        r = hf_real_getaddrinfo(text, lookup->service, &hints, lookup->res);
        if (r == 0 && canon && (*lookup->res)->ai_canonname &&
            strlen((*lookup->res)->ai_canonname) >= lookup->name.n) {
                memcpy((*lookup->res)->ai_canonname, lookup->name.s, lookup->name.n);
                (*lookup->res)->ai_canonname[lookup->name.n] = '\0';
        }
        return r;
}

/* Pinned in /etc/hosts to an address that would not be tunnelled? */
static bool is_pinned(const struct lookup *lookup, const struct hf_rules *rules)
{
        struct hf_addr addr;
        struct hf_dest dest = {lookup->name, &addr, lookup->port};
        struct hf_file hosts;
        struct hf_span rest;
        bool pinned = false;

        hf_file_read("/etc/hosts", &hosts);
        rest = hosts.text;
        /* What was remembered of other names does not count: this one has its own line. */
        while (!pinned && hf_hosts_next(&rest, lookup->name, &addr)) {
                struct hf_route route = hf_route(rules, &dest);

                pinned = !route.proxy && route.why != HF_WHY_LOCALNAME;
        }
        hf_file_free(&hosts);
        return pinned;
}

/* Under `options ndots:N`: below each suffix first, as libc would. 0: found. */
static int look_below(const struct lookup *lookup, struct hf_span search)
{
        struct hf_span suffix;
        int r = EAI_NONAME;

        for (unsigned i = 0; r && i < SUFFIXES_MAX && hf_resolv_next(&search, &suffix); i++) {
                char text[NAME_MAX_LEN + 2];
                struct hf_out out = hf_out_write(text, sizeof text - 1);

                hf_out_put(&out, lookup->name);
                hf_out_char(&out, '.');
                hf_out_put(&out, suffix);
                hf_out_char(&out, '.');
                if (out.len >= sizeof text)
                        continue;
                text[out.len] = '\0';
                r = hf_real_getaddrinfo(text, lookup->service, lookup->hints, lookup->res);
        }
        return r;
}

/* What the local network knows goes direct. 0: it knew the name, and *res is filled in. */
static int look_locally(const struct lookup *lookup)
{
        struct hf_file resolv_conf;
        struct hf_span search;
        unsigned dots = 0, ndots;
        int r = EAI_NONAME;

        hf_file_read("/etc/resolv.conf", &resolv_conf);
        search = hf_resolv_search(resolv_conf.text);
        ndots = hf_resolv_ndots(resolv_conf.text);
        for (size_t i = 0; i < lookup->name.n; i++)
                dots += lookup->name.s[i] == '.';
        if (hf_local_name(search, lookup->name))
                r = pass(lookup);
        else if (search.s && ndots > 1 && dots < ndots && !lookup->node[lookup->name.n])
                r = look_below(lookup, search);
        hf_file_free(&resolv_conf);
        return r;
}

static int resolve(const struct lookup *lookup, const struct hf_config *config)
{
        struct hf_route route = hf_route_name(&config->rules, lookup->name, lookup->port);
        int r;

        if (!route.proxy) {
                r = pass(lookup);
                if (r == 0 && route.why == HF_WHY_ITSELF)
                        hf_proxyaddr_learn(&config->rules, lookup->name, *lookup->res);
                if (r == 0 && (route.why == HF_WHY_EXEMPT || route.why == HF_WHY_LOCALNAME ||
                               route.why == HF_WHY_OWN))
                        hf_lookup_note_direct(*lookup->res, lookup->port);
                return r;
        }
        if (is_pinned(lookup, &config->rules))
                return pass(lookup);
        if (look_locally(lookup) == 0) {
                hf_lookup_note_direct(*lookup->res, lookup->port);
                return 0;
        }
        hf_proxyaddr_refresh(route.proxy);
        return give_placeholder(lookup);
}

HF_EXPORT int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                          struct addrinfo **res)
{
        const struct hf_config *config = hf_config();
        struct lookup lookup = {node, service, hints, res, {NULL, 0}, 0};
        int port, r, saved_errno;

        if (!config || !node || !is_for_tcp(hints) || !read_name(node, &lookup.name) ||
            hf_proxyaddr_busy() || hf_program_is_go())
                return pass(&lookup);
        saved_errno = errno;
        port = read_port(service);
        if (port < 0)
                return pass(&lookup);
        lookup.port = (uint16_t)port;
        r = resolve(&lookup, config);
        if (r == 0)
                errno = saved_errno;
        return r;
}
