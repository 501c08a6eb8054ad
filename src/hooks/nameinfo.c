/* SPDX-License-Identifier: MIT */
/* From an address to a name: a placeholder's is known here, any other's is libc's affair. */
#include "hook.h"
#include "hostent.h"

#include "process/config.h"
#include "process/lookup.h"
#include "process/names.h"
#include "process/real.h"

#include <netdb.h>
#include <netinet/in.h>

/* Of _GNU_SOURCE in musl. */
HF_EXPORT int gethostbyaddr_r(const void *bytes, socklen_t len, int family, struct hostent *entry,
                              char *buf, size_t size, struct hostent **result, int *error);

/* The name that stands behind a placeholder; absent for all other addresses. */
static struct hf_span name_at(const struct sockaddr *sa, socklen_t len)
{
        struct hf_addr addr;
        uint16_t port;

        if (hf_names_any() && sa && hf_addr_from_sockaddr(sa, len, &addr, &port) == 0)
                return hf_names_get(&addr);
        return (struct hf_span){0};
}

/* Under `strict`: must libc not look for a name of this address? */
static bool is_refused(const struct sockaddr *sa, socklen_t len)
{
        struct hf_addr addr;
        uint16_t port;

        return hf_strict() && sa && hf_addr_from_sockaddr(sa, len, &addr, &port) == 0 &&
               hf_lookup_reverse_refused(&addr);
}

/* The rest of the answer, and whatever there may be to complain of, is libc's: it is asked for the
 * address in digits, which needs no look-up. */
HF_EXPORT int getnameinfo(const struct sockaddr *restrict sa, socklen_t len, char *restrict host,
                          socklen_t host_size, char *restrict service, socklen_t service_size,
                          int flags)
{
        struct hf_span name = {0};
        char digits[80]; /* an address, and an interface behind it */
        int r;

        if (host && host_size > 0 && !(flags & NI_NUMERICHOST)) {
                name = name_at(sa, len);
                if (!name.s && is_refused(sa, len)) {
                        if (flags & NI_NAMEREQD)
                                return EAI_FAIL;
                        flags |= NI_NUMERICHOST;
                }
        }
        if (!name.s)
                return hf_real_getnameinfo(sa, len, host, host_size, service, service_size, flags);
        r = hf_real_getnameinfo(sa, len, digits, sizeof digits, service, service_size,
                                (flags & ~NI_NAMEREQD) | NI_NUMERICHOST);
        if (r == 0 && name.n >= host_size)
                return EAI_OVERFLOW;
        if (r == 0)
                memcpy(host, name.s, name.n + 1);
        return r;
}

/* 0: it is no address. */
static socklen_t put_sockaddr(const void *bytes, socklen_t len, int family,
                              struct sockaddr_storage *ret_sa)
{
        struct sockaddr_in in = {.sin_family = AF_INET};
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

        if (bytes && family == AF_INET && len == sizeof in.sin_addr) {
                memcpy(&in.sin_addr, bytes, len);
                memcpy(ret_sa, &in, sizeof in);
                return sizeof in;
        }
        if (bytes && family == AF_INET6 && len == sizeof in6.sin6_addr) {
                memcpy(&in6.sin6_addr, bytes, len);
                memcpy(ret_sa, &in6, sizeof in6);
                return sizeof in6;
        }
        return 0;
}

/* What gethostbyaddr() shall do. */
enum way { BY_LIBC, BY_NAME, REFUSED };

static enum way judge(const void *bytes, socklen_t len, int family, struct hf_span *ret_name)
{
        struct sockaddr_storage sa;

        if (!hf_names_any() && !hf_strict())
                return BY_LIBC;
        len = put_sockaddr(bytes, len, family, &sa);
        if (len == 0)
                return BY_LIBC;
        *ret_name = name_at((struct sockaddr *)&sa, len);
        if (ret_name->s)
                return BY_NAME;
        return is_refused((struct sockaddr *)&sa, len) ? REFUSED : BY_LIBC;
}

HF_EXPORT struct hostent *gethostbyaddr(const void *bytes, socklen_t len, int family)
{
        static struct hostent entry;
        static _Alignas(char *) char buf[HF_HOSTENT_SIZE];
        struct hf_span name;
        enum way way = judge(bytes, len, family, &name);

        if (way == BY_LIBC)
                return hf_real_gethostbyaddr(bytes, len, family);
        if (way == REFUSED) {
                h_errno = NO_RECOVERY;
                errno = ENETUNREACH;
                return NULL;
        }
        hf_hostent_make(name, family, bytes, &entry, buf, sizeof buf);
        h_errno = NETDB_SUCCESS;
        return &entry;
}

int gethostbyaddr_r(const void *bytes, socklen_t len, int family, struct hostent *entry, char *buf,
                    size_t size, struct hostent **result, int *error)
{
        struct hf_span name;
        enum way way = judge(bytes, len, family, &name);

        if (way == BY_LIBC)
                return hf_real_gethostbyaddr_r(bytes, len, family, entry, buf, size, result, error);
        *result = NULL;
        if (way == REFUSED) {
                *error = NO_RECOVERY;
                return errno = ENETUNREACH;
        }
        if (hf_hostent_make(name, family, bytes, entry, buf, size) < 0) {
                *error = NETDB_INTERNAL;
                return errno = ERANGE;
        }
        *result = entry;
        *error = NETDB_SUCCESS;
        return 0;
}
