/* SPDX-License-Identifier: MIT */
/* gethostbyname() and its three sisters. They are asked for an address that is passed on to others
 * (a node's own, in a cluster) more often than for one to connect to, so what is near is given as
 * it is, and only the rest gets a placeholder (design.md 4). */
#include "hook.h"
#include "ask.h"
#include "hostent.h"

#include "process/lookup.h"
#include "process/real.h"

#include <netdb.h>
#include <netinet/in.h>

/* Of _GNU_SOURCE in musl. */
HF_EXPORT struct hostent *gethostbyname2(const char *node, int family);
HF_EXPORT int gethostbyname_r(const char *node, struct hostent *entry, char *buf, size_t size,
                              struct hostent **result, int *error);
HF_EXPORT int gethostbyname2_r(const char *node, int family, struct hostent *entry, char *buf,
                               size_t size, struct hostent **result, int *error);

/* A call on its way, as libc takes it. */
struct call {
        struct hf_ask ask; /* first: what its look() is given is this */
        bool by_family;    /* one of gethostbyname2*() */
        struct hostent *entry;
        char *buf;
        size_t size;
        int *error;            /* NULL: the form with static storage */
        struct hostent *found; /* by the last look(), or NULL */
        int result;            /* of its _r form */
};

int hf_hostent_make(struct hf_span name, int family, const void *bytes, struct hostent *entry,
                    char *buf, size_t size)
{
        struct parts {
                char *addrs[2], *aliases[1];
                unsigned char addr[16];
                char name[];
        } * parts;
        size_t before = -(uintptr_t)buf % _Alignof(struct parts);
        size_t addr_size = family == AF_INET6 ? 16 : 4;

        if (size < before || size - before < offsetof(struct parts, name) + name.n + 1)
                return -ERANGE;
        parts = (struct parts *)(void *)(buf + before);
        parts->addrs[0] = (char *)parts->addr;
        parts->addrs[1] = parts->aliases[0] = NULL;
        memcpy(parts->addr, bytes, addr_size);
        memcpy(parts->name, name.s, name.n);
        parts->name[name.n] = '\0';
        *entry = (struct hostent){.h_name = parts->name,
                                  .h_aliases = parts->aliases,
                                  .h_addrtype = family,
                                  .h_length = (int)addr_size,
                                  .h_addr_list = parts->addrs};
        return 0;
}

/* `strict` refuses the look-up of NODE: no name server is asked, but we know ourselves. */
static int answer_strictly(struct call *call, const char *node)
{
        int family = call->ask.family, error = NETDB_SUCCESS;
        struct hf_addr own;

        call->result = 0;
        if ((family != AF_INET && family != AF_INET6) || !hf_lookup_own(node, family, &own)) {
                call->result = errno = ENETUNREACH;
                error = NO_RECOVERY;
        } else if (hf_hostent_make(hf_span(node), family, own.bytes, call->entry, call->buf,
                                   call->size) < 0) {
                call->result = errno = ERANGE;
                error = NETDB_INTERNAL;
        } else {
                call->found = call->entry;
        }
        *(call->error ? call->error : &h_errno) = error;
        return call->found || error == NETDB_INTERNAL ? 0 : -1;
}

static int look(struct hf_ask *ask, const char *node)
{
        struct call *call = (struct call *)ask;

        call->found = NULL;
        if (hf_strict() && node && hf_lookup_refused(node, ask->family))
                return answer_strictly(call, node);
        if (!call->error) {
                call->found = call->by_family ? hf_real_gethostbyname2(node, ask->family)
                                              : hf_real_gethostbyname(node);
                return call->found ? 0 : -1;
        }
        call->result = call->by_family
                               ? hf_real_gethostbyname2_r(node, ask->family, call->entry, call->buf,
                                                          call->size, &call->found, call->error)
                               : hf_real_gethostbyname_r(node, call->entry, call->buf, call->size,
                                                         &call->found, call->error);
        /* It is there, but not to be read in so small a buffer: the program will come again. */
        if (call->result == ERANGE)
                return 0;
        return call->found ? 0 : -1;
}

static bool addr(const struct hf_ask *ask, unsigned i, struct hf_addr *ret_addr)
{
        const struct hostent *found = ((const struct call *)ask)->found;
        struct hf_addr a = {0};

        for (unsigned n = 0; found && found->h_addr_list[n]; n++) {
                if (n < i)
                        continue;
                a.family = found->h_addrtype == AF_INET6 ? 6 : 4;
                memcpy(a.bytes, found->h_addr_list[n], a.family == 6 ? 16 : 4);
                *ret_addr = a;
                return true;
        }
        return false;
}

/* The answer in CALL->entry: 0, or -ERANGE. */
static int give_placeholder(struct call *call, const struct hf_addr *placeholder)
{
        return hf_hostent_make(call->ask.name, call->ask.family, placeholder->bytes, call->entry,
                               call->buf, call->size);
}

/* NULL: libc's to answer. Else *RET_PLACEHOLDER says whether a placeholder is the answer, or
 * what the last look() gave. */
static bool judge(struct call *call, const char *node, struct hf_addr *ret_addr,
                  bool *ret_placeholder)
{
        const struct hf_config *config;

        if (call->ask.family != AF_INET && call->ask.family != AF_INET6)
                return false;
        config = hf_ask_begin(&call->ask, node);
        if (!config)
                return false;
        call->ask.shown = true;
        call->ask.look = look;
        call->ask.addr = addr;
        *ret_placeholder = hf_ask_placeholder(&call->ask, config, ret_addr);
        return true;
}

/* As in libc, what is returned is good until the next call, in whatever thread. */
static struct hostent *by_name(const char *node, int family, bool by_family)
{
        static struct hostent entry;
        static _Alignas(char *) char buf[HF_HOSTENT_SIZE];
        struct call call = {.ask = {.family = family},
                            .by_family = by_family,
                            .entry = &entry,
                            .buf = buf,
                            .size = sizeof buf};
        int saved_errno = errno;
        struct hf_addr placeholder;
        bool given;

        if (!judge(&call, node, &placeholder, &given)) {
                look(&call.ask, node);
                return call.found;
        }
        if (given) {
                give_placeholder(&call, &placeholder);
                call.found = &entry;
                h_errno = NETDB_SUCCESS;
        }
        if (call.found)
                errno = saved_errno;
        return call.found;
}

static int by_name_r(struct call *call, const char *node, struct hostent **result)
{
        int saved_errno = errno;
        struct hf_addr placeholder;
        bool given;

        if (!judge(call, node, &placeholder, &given)) {
                look(&call->ask, node);
                *result = call->found;
                return call->result;
        }
        if (given) {
                call->result = -give_placeholder(call, &placeholder);
                call->found = call->result ? NULL : call->entry;
                *call->error = call->result ? NETDB_INTERNAL : NETDB_SUCCESS;
        }
        *result = call->found;
        errno = call->found ? saved_errno : call->result == ERANGE ? ERANGE : errno;
        return call->result;
}

HF_EXPORT struct hostent *gethostbyname(const char *node)
{
        return hf_config() ? by_name(node, AF_INET, false) : hf_real_gethostbyname(node);
}

struct hostent *gethostbyname2(const char *node, int family)
{
        return hf_config() ? by_name(node, family, true) : hf_real_gethostbyname2(node, family);
}

int gethostbyname_r(const char *node, struct hostent *entry, char *buf, size_t size,
                    struct hostent **result, int *error)
{
        struct call call = {.ask = {.family = AF_INET},
                            .entry = entry,
                            .buf = buf,
                            .size = size,
                            .error = error};

        return hf_config() ? by_name_r(&call, node, result)
                           : hf_real_gethostbyname_r(node, entry, buf, size, result, error);
}

int gethostbyname2_r(const char *node, int family, struct hostent *entry, char *buf, size_t size,
                     struct hostent **result, int *error)
{
        struct call call = {.ask = {.family = family},
                            .by_family = true,
                            .entry = entry,
                            .buf = buf,
                            .size = size,
                            .error = error};

        return hf_config()
                       ? by_name_r(&call, node, result)
                       : hf_real_gethostbyname2_r(node, family, entry, buf, size, result, error);
}
