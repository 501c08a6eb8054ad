/* SPDX-License-Identifier: MIT */
/* getaddrinfo(): a name that would be tunnelled gets a placeholder, any other is really looked up
 * (design.md 4). Whatever is returned was made by libc's own getaddrinfo(), so its freeaddrinfo()
 * can free it. */
#include "hook.h"
#include "ask.h"
#include "resolve.h"

#include "process/lookup.h"
#include "process/program.h"
#include "process/proxyaddr.h"
#include "process/real.h"

#include <netdb.h>
#include <netinet/in.h>

#define NAME_MAX_LEN 253  /* RFC 1035; musl takes 254 */
#define LABEL_MAX_LEN 63  /* and this */
#define PORT_UNKNOWN (-1) /* the service has a name that nobody knows */

/* glibc's AI_IDN and AI_CANONIDN, which <netdb.h> shows only with _GNU_SOURCE. */
#define AI_IDN_FLAGS (0x40 | 0x80)

/* A look-up on its way, as libc takes it. */
struct lookup {
        struct hf_ask ask; /* first: what its look() is given is this */
        const char *service;
        const struct addrinfo *hints;
        struct addrinfo *list;
        int result; /* of the last look() */
};

/* A host name in the letters that may go into a CONNECT line; anything else is libc's affair. */
static bool read_name(const char *node, struct hf_span *ret_name)
{
        size_t n = 0, label = 0; /* bytes behind the last dot */

        for (; node[n]; n++) {
                char c = hf_lower(node[n]);

                if (n > NAME_MAX_LEN)
                        return false;
                if (c == '.' ? label == 0
                             : !((c >= 'a' && c <= 'z') || hf_is_digit(c) || c == '-' || c == '_'))
                        return false;
                label = c == '.' ? 0 : label + 1;
                if (label > LABEL_MAX_LEN)
                        return false;
        }
        if (n > 0 && label == 0)
                n--;
        if (n == 0 || n > NAME_MAX_LEN)
                return false;
        *ret_name = (struct hf_span){node, n};
        return true;
}

const struct hf_config *hf_ask_begin(struct hf_ask *ask, const char *node)
{
        const struct hf_config *config = hf_config();

        if (!config || !node || !read_name(node, &ask->name) || hf_proxyaddr_busy() ||
            hf_program_is_go())
                return NULL;
        ask->node = node;
        return config;
}

enum purpose {
        NOT_OURS, /* no name, or not for TCP */
        CONNECTS,
        MAY_SHOW, /* gethostbyname() and connect() of Python, which ask alike; AI_PASSIVE */
};

/* SOCK_DGRAM with no service is a way to ask for one address only once; with one it is UDP.
 * AI_PASSIVE means nothing where there is a name: a server has it to bind to its own, gRPC to
 * connect. */
static enum purpose read_purpose(const struct addrinfo *hints, uint16_t port)
{
        if (!hints)
                return CONNECTS;
        if (hints->ai_flags & AI_NUMERICHOST ||
            (hints->ai_family != AF_UNSPEC && hints->ai_family != AF_INET &&
             hints->ai_family != AF_INET6))
                return NOT_OURS;
        if ((hints->ai_socktype == 0 || hints->ai_socktype == SOCK_STREAM) &&
            (hints->ai_protocol == 0 || hints->ai_protocol == IPPROTO_TCP))
                return hints->ai_flags & AI_PASSIVE ? MAY_SHOW : CONNECTS;
        if (hints->ai_socktype == SOCK_DGRAM && hints->ai_protocol == 0 && port == 0 &&
            !(hints->ai_flags & AI_PASSIVE))
                return MAY_SHOW;
        return NOT_OURS;
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

/* libc's own getaddrinfo() for ADDR, as the address of the name. */
static int give_address(const struct lookup *lookup, const struct hf_addr *addr,
                        struct addrinfo **res)
{
        struct hf_span name = lookup->ask.name;
        struct addrinfo hints = {.ai_family = AF_UNSPEC};
        char text[NAME_MAX_LEN + 64];
        struct hf_out out = hf_out_write(text, sizeof text - 1);
        bool canon;
        int r;

        if (lookup->hints)
                hints = *lookup->hints;
        canon = hints.ai_flags & AI_CANONNAME;
        put_numeric(&out, addr, canon ? name.n : 0);
        text[out.len] = '\0';

        /* glibc applies AI_ADDRCONFIG to numeric hosts too. */
        hints.ai_flags &= ~(AI_ADDRCONFIG | AI_V4MAPPED | AI_ALL | AI_IDN_FLAGS);
        hints.ai_flags |= AI_NUMERICHOST;
        r = hf_real_getaddrinfo(text, lookup->service, &hints, res);
        if (r == 0 && canon && (*res)->ai_canonname && strlen((*res)->ai_canonname) >= name.n) {
                memcpy((*res)->ai_canonname, name.s, name.n);
                (*res)->ai_canonname[name.n] = '\0';
        }
        return r;
}

/* Is this look-up refused, so that libc must not make it? Then *RET_RESULT and *RES are the answer:
 * no name server is asked, but we know ourselves. */
static bool answer_strictly(const char *node, const char *service, const struct addrinfo *hints,
                            struct addrinfo **res, int *ret_result)
{
        struct lookup own = {.service = service, .hints = hints};
        int family = hints ? hints->ai_family : AF_UNSPEC;
        struct hf_addr addr;

        if (!hf_strict() || !node || (hints && hints->ai_flags & AI_NUMERICHOST) ||
            !hf_lookup_refused(node, family))
                return false;
        *ret_result = EAI_FAIL;
        if (hf_lookup_own(node, family, &addr)) {
                own.ask.name = hf_span(node);
                *ret_result = give_address(&own, &addr, res);
        }
        return true;
}

static int look(struct hf_ask *ask, const char *node)
{
        struct lookup *lookup = (struct lookup *)ask;

        if (lookup->list)
                freeaddrinfo(lookup->list);
        lookup->list = NULL;
        if (!answer_strictly(node, lookup->service, lookup->hints, &lookup->list, &lookup->result))
                lookup->result =
                        hf_real_getaddrinfo(node, lookup->service, lookup->hints, &lookup->list);
        return lookup->result;
}

static bool addr(const struct hf_ask *ask, unsigned i, struct hf_addr *ret_addr)
{
        uint16_t ignored;

        for (const struct addrinfo *ai = ((const struct lookup *)ask)->list; ai; ai = ai->ai_next)
                if (ai->ai_addr &&
                    hf_addr_from_sockaddr(ai->ai_addr, ai->ai_addrlen, ret_addr, &ignored) == 0 &&
                    i-- == 0)
                        return true;
        return false;
}

static const struct hf_config *begin(struct lookup *lookup, const char *node)
{
        const struct hf_config *config = hf_ask_begin(&lookup->ask, node);
        enum purpose purpose;
        int port;

        if (!config || (port = read_port(lookup->service)) < 0)
                return NULL;
        purpose = read_purpose(lookup->hints, (uint16_t)port);
        if (purpose == NOT_OURS)
                return NULL;
        lookup->ask.family = lookup->hints ? lookup->hints->ai_family : AF_UNSPEC;
        lookup->ask.port = (uint16_t)port;
        lookup->ask.shown = purpose == MAY_SHOW;
        lookup->ask.look = look;
        lookup->ask.addr = addr;
        return config;
}

bool hf_resolve(const char *node, const char *service, const struct addrinfo *hints, bool later,
                struct addrinfo **res, int *ret_result)
{
        struct lookup lookup = {.ask = {.later = later}, .service = service, .hints = hints};
        const struct hf_config *config = begin(&lookup, node);
        struct hf_addr placeholder;
        int saved_errno = errno;

        if (!config)
                return answer_strictly(node, service, hints, res, ret_result);
        if (hf_ask_placeholder(&lookup.ask, config, &placeholder)) {
                if (lookup.list)
                        freeaddrinfo(lookup.list);
                *ret_result = give_address(&lookup, &placeholder, res);
        } else if (later) {
                if (lookup.list)
                        freeaddrinfo(lookup.list);
                errno = saved_errno;
                return answer_strictly(node, service, hints, res, ret_result);
        } else {
                *ret_result = lookup.result;
                if (lookup.list)
                        *res = lookup.list;
        }
        if (*ret_result == 0)
                errno = saved_errno;
        return true;
}

void hf_resolve_note(const char *node, const char *service, const struct addrinfo *hints,
                     struct addrinfo *list)
{
        struct lookup lookup = {.service = service, .hints = hints, .list = list};
        const struct hf_config *config = begin(&lookup, node);

        if (config)
                hf_ask_note(&lookup.ask, config);
}

HF_EXPORT int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                          struct addrinfo **res)
{
        int r;

        if (hf_config() && hf_resolve(node, service, hints, false, res, &r))
                return r;
        return hf_real_getaddrinfo(node, service, hints, res);
}
