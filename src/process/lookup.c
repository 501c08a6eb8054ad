/* SPDX-License-Identifier: MIT */
#include "lookup.h"

#include "config.h"
#include "etc.h"
#include "log.h"
#include "proxyaddr.h"
#include "real.h"
#include "self.h"
#include "sys.h"

#include "core/host.h"
#include "core/local.h"

#include <errno.h>
#include <netdb.h>
#include <stdatomic.h>

#define REMEMBERED_SECONDS 60
#define NAME_MAX_LEN 255

static uint64_t hash_of(struct hf_span name, int family)
{
        return hf_hash(name) * 31 + (unsigned)family;
}

static uint64_t now_seconds(void)
{
        return (uint64_t)(hf_sys_now() / 1000);
}

/* The upper half of a hash, and until when (seconds) this is to be believed, in one word. */
static uint64_t make_tag(uint64_t hash)
{
        return hash >> 32 << 32 | ((now_seconds() + REMEMBERED_SECONDS) & UINT32_MAX);
}

static bool is_valid(uint64_t tag, uint64_t hash)
{
        return tag != 0 && tag >> 32 == hash >> 32 && now_seconds() < (tag & UINT32_MAX);
}

/* ---- no answer ---- */

/* A place that two names want belongs to the later one. */
static _Atomic(uint64_t) no_answers[256];

bool hf_lookup_failed(struct hf_span name, int family)
{
        uint64_t hash = hash_of(name, family);

        return is_valid(
                atomic_load_explicit(&no_answers[hash % HF_LEN(no_answers)], memory_order_relaxed),
                hash);
}

void hf_lookup_note_failed(struct hf_span name, int family)
{
        uint64_t hash = hash_of(name, family);

        atomic_store_explicit(&no_answers[hash % HF_LEN(no_answers)], make_tag(hash),
                              memory_order_relaxed);
}

/* ---- an answer ---- */

/* Read and written by anybody at any time: a place in which the words of two writers are mixed has
 * a wrong sum, and is empty. */
static struct place {
        _Atomic(uint64_t) words[4]; /* tag, two of address, sum */
} answers[256];

enum { TAG, ADDR, ADDR_TOO, SUM, WORDS };

/* (The family too: the same bytes mean two things.) */
static uint64_t sum(const uint64_t words[WORDS], uint64_t hash, uint8_t family)
{
        const uint64_t all[] = {words[TAG], words[ADDR], words[ADDR_TOO], hash, family};

        return hf_hash((struct hf_span){(const char *)all, sizeof all});
}

static bool recall(uint64_t hash, struct hf_addr *ret_addr)
{
        struct place *place = &answers[hash % HF_LEN(answers)];
        uint64_t words[WORDS];
        struct hf_addr addr = {0};

        for (int i = 0; i < WORDS; i++)
                words[i] = atomic_load_explicit(&place->words[i], memory_order_relaxed);
        if (!is_valid(words[TAG], hash))
                return false;
        addr.family = words[SUM] == sum(words, hash, 4)   ? 4
                      : words[SUM] == sum(words, hash, 6) ? 6
                                                          : 0;
        memcpy(addr.bytes, &words[ADDR], sizeof addr.bytes);
        *ret_addr = addr;
        return addr.family != 0;
}

static void remember(uint64_t hash, const struct hf_addr *addr)
{
        struct place *place = &answers[hash % HF_LEN(answers)];
        uint64_t words[WORDS] = {make_tag(hash)};

        memcpy(&words[ADDR], addr->bytes, sizeof addr->bytes);
        words[SUM] = sum(words, hash, addr->family);
        for (int i = 0; i < WORDS; i++)
                atomic_store_explicit(&place->words[i], words[i], memory_order_relaxed);
}

int hf_lookup_first(struct hf_span name, int family, struct hf_addr *ret_addr)
{
        uint64_t hash = hash_of(name, family);
        struct hf_lookup found;

        if (recall(hash, ret_addr))
                return 0;
        hf_lookup(name, family, false, &found);
        if (found.count == 0)
                return hf_strict() ? -ENETUNREACH : -EHOSTUNREACH;
        remember(hash, &found.addrs[0]);
        *ret_addr = found.addrs[0];
        return 0;
}

/* ---- strict ---- */

static struct hf_span without_dot(const char *name)
{
        struct hf_span span = hf_span(name);

        if (span.n > 0 && span.s[span.n - 1] == '.')
                span.n--;
        return span;
}

/* libc's own idea of what is an address: scopes, and the short forms of inet_aton(3). */
static bool is_address(const char *name)
{
        const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
        struct addrinfo *list;

        if (hf_real_getaddrinfo(name, NULL, &hints, &list) != 0)
                return false;
        freeaddrinfo(list);
        return true;
}

/* Only an entry of that family counts: for want of one libc would go on to ask a name server. */
static bool is_in_hosts(struct hf_span name, int family)
{
        struct hf_file hosts;
        struct hf_span rest;
        struct hf_addr addr;
        bool found = false;

        hf_file_read("/etc/hosts", &hosts);
        rest = hosts.text;
        while (!found && hf_hosts_next(&rest, name, &addr))
                found = family == AF_UNSPEC || addr.family == (family == AF_INET6 ? 6 : 4);
        hf_file_free(&hosts);
        return found;
}

bool hf_lookup_refused(const char *name, int family)
{
        const struct hf_config *config = hf_config();
        struct hf_span span = without_dot(name);
        int saved_errno = errno;
        bool allowed;

        if (!config || !config->rules.strict || hf_proxyaddr_busy())
                return false;
        allowed = hf_route_name(&config->rules, span, 0).why == HF_WHY_ITSELF ||
                  is_in_hosts(span, family) || is_address(name);
        /* A program that reads a proxy's URL wrongly looks parts of a password up. */
        if (!allowed)
                hf_log_once(HF_ONCE_STRICT_NAME, HF_LOG_ERROR,
                            "no name server is asked, as HFPROXY_TUNNEL=strict asks: names come "
                            "from /etc/hosts or the proxy. The first: %s",
                            hf_host_is_sendable(span) ? name : "one that is no host's");
        errno = saved_errno;
        return !allowed;
}

bool hf_lookup_own(const char *name, int family, struct hf_addr *ret_addr)
{
        const struct hf_self *self = hf_self();
        struct hf_span span = without_dot(name);

        if (hf_span_caseeq(span, HF_SPAN("localhost"))) {
                static const struct hf_addr v4 = {4, {127, 0, 0, 1}}, v6 = {6, {[15] = 1}};

                *ret_addr = family == AF_INET6 ? v6 : v4;
                return true;
        }
        if (!self->name[0] || !hf_span_caseeq(span, hf_span(self->name)))
                return false;
        for (unsigned i = 0; i < self->count; i++) {
                const struct hf_addr *addr = &self->nets[i].addr;
                enum hf_addr_class class = hf_addr_classify(addr);

                if (class == HF_ADDR_LOOPBACK || class == HF_ADDR_LINKLOCAL ||
                    (family != AF_UNSPEC && addr->family != (family == AF_INET6 ? 6 : 4)))
                        continue;
                *ret_addr = *addr;
                return true;
        }
        return hf_lookup_own("localhost", family, ret_addr);
}

bool hf_lookup_reverse_refused(const struct hf_addr *addr)
{
        const struct hf_config *config = hf_config();
        struct hf_file hosts;
        bool found;

        if (!config || !config->rules.strict || hf_proxyaddr_busy())
                return false;
        hf_file_read("/etc/hosts", &hosts);
        found = hf_hosts_has(hosts.text, addr);
        hf_file_free(&hosts);
        return !found;
}

bool hf_lookup_local_counts(const struct hf_addr *addr, uint16_t port)
{
        const struct hf_config *config = hf_config();
        const struct hf_dest dest = {.addr = addr, .port = port};
        struct hf_span only;

        if (!config || config->rules.strict)
                return false;
        only = config->rules.only;
        return !only.s || hf_noproxy_only(only, &dest) != HF_ONLY_NAMED;
}

/* ---- the look-up ---- */

void hf_lookup(struct hf_span name, int family, bool patient, struct hf_lookup *ret)
{
        const struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
        struct addrinfo *list = NULL;
        int saved_errno = errno;
        char text[NAME_MAX_LEN + 1];

        ret->count = 0;
        if (name.n > NAME_MAX_LEN || (!patient && hf_lookup_failed(name, family)))
                return;
        memcpy(text, name.s, name.n);
        text[name.n] = '\0';
        if (hf_lookup_refused(text, family))
                return;
        if (hf_real_getaddrinfo(text, NULL, &hints, &list) == 0) {
                for (const struct addrinfo *ai = list; ai && ret->count < HF_LOOKUP_MAX;
                     ai = ai->ai_next) {
                        uint16_t port;

                        if (hf_addr_from_sockaddr(ai->ai_addr, ai->ai_addrlen,
                                                  &ret->addrs[ret->count], &port) == 0)
                                ret->count++;
                }
                freeaddrinfo(list);
        }
        if (ret->count == 0)
                hf_lookup_note_failed(name, family);
        errno = saved_errno;
}
