/* SPDX-License-Identifier: MIT */
/* Look-ups where libc's are not to be had (see real.h): no name has an address. */
#include "real.h"

#include <errno.h>
#include <netdb.h>

static int unavailable(void)
{
        errno = ENOSYS;
        return EAI_SYSTEM;
}

static struct hostent *no_entry(void)
{
        errno = ENOSYS;
        h_errno = NO_RECOVERY;
        return NULL;
}

static int no_entry_r(struct hostent **result, int *error)
{
        *result = NULL;
        *error = NO_RECOVERY;
        return ENOSYS;
}

int hf_fallback_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                            struct addrinfo **res)
{
        (void)node, (void)service, (void)hints, (void)res;
        return unavailable();
}

int hf_fallback_getaddrinfo_a(int mode, struct gaicb **list, int n, struct sigevent *event)
{
        (void)mode, (void)list, (void)n, (void)event;
        return unavailable();
}

int hf_fallback_gai_error(struct gaicb *request)
{
        (void)request;
        return unavailable();
}

int hf_fallback_getnameinfo(const struct sockaddr *sa, socklen_t len, char *host,
                            socklen_t host_size, char *service, socklen_t service_size, int flags)
{
        (void)sa, (void)len, (void)host, (void)host_size, (void)service, (void)service_size;
        (void)flags;
        return unavailable();
}

struct hostent *hf_fallback_gethostbyname(const char *node)
{
        (void)node;
        return no_entry();
}

struct hostent *hf_fallback_gethostbyname2(const char *node, int family)
{
        (void)node, (void)family;
        return no_entry();
}

struct hostent *hf_fallback_gethostbyaddr(const void *bytes, socklen_t len, int family)
{
        (void)bytes, (void)len, (void)family;
        return no_entry();
}

int hf_fallback_gethostbyname_r(const char *node, struct hostent *entry, char *buf, size_t size,
                                struct hostent **result, int *error)
{
        (void)node, (void)entry, (void)buf, (void)size;
        return no_entry_r(result, error);
}

int hf_fallback_gethostbyname2_r(const char *node, int family, struct hostent *entry, char *buf,
                                 size_t size, struct hostent **result, int *error)
{
        (void)node, (void)family, (void)entry, (void)buf, (void)size;
        return no_entry_r(result, error);
}

int hf_fallback_gethostbyaddr_r(const void *bytes, socklen_t len, int family, struct hostent *entry,
                                char *buf, size_t size, struct hostent **result, int *error)
{
        (void)bytes, (void)len, (void)family, (void)entry, (void)buf, (void)size;
        return no_entry_r(result, error);
}
