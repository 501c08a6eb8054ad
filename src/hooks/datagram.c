/* SPDX-License-Identifier: MIT */
/* A placeholder is good for a connection by the proxy only. Where it meets a datagram socket, or
 * bind(), the name is really looked up and the call goes on with what it finds. */
#include "hook.h"
#include "datagram.h"

#include "process/config.h"
#include "process/lookup.h"
#include "process/real.h"
#include "process/sys.h"

/* The name behind ADDR, if it is a placeholder; absent otherwise. What the kernel would reject is
 * none. */
static struct hf_span name_at(const struct sockaddr *addr, socklen_t len, uint16_t *ret_port,
                              sa_family_t *ret_family)
{
        const struct hf_span absent = {0};
        struct hf_addr a;

        if (!addr || len < sizeof *ret_family || len > sizeof(struct sockaddr_storage) ||
            !hf_sys_readable(addr, len) || hf_addr_from_sockaddr(addr, len, &a, ret_port) < 0 ||
            !hf_names_is_placeholder(&a))
                return absent;
        memcpy(ret_family, addr, sizeof *ret_family);
        return hf_names_get(&a);
}

/* (Its address counts for nothing on a connected stream.) */
static bool is_stream(int fd)
{
        int type = 0;
        socklen_t len = sizeof type;

        return hf_sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type == SOCK_STREAM;
}

static int family_asked(sa_family_t family)
{
        return family == AF_INET ? AF_INET : AF_UNSPEC; /* a mapped address serves AF_INET6 too */
}

int hf_datagram_to(int fd, const struct sockaddr *addr, socklen_t len, struct hf_datagram *ret)
{
        sa_family_t family = AF_UNSPEC;
        uint16_t port = 0;
        struct hf_span name = name_at(addr, len, &port, &family);
        struct hf_addr real;
        int r;

        if (!name.s || is_stream(fd))
                return 0;
        r = hf_lookup_first(name, family_asked(family), &real);
        if (r < 0)
                return r;
        ret->len = hf_addr_to_sockaddr(&real, port, family == AF_INET6, &ret->addr);
        return 1;
}

/* One of the addresses that the name has: that which is this machine's, if one is. */
__attribute__((noinline)) static int bind_name(int fd, struct hf_span name, uint16_t port,
                                               sa_family_t family)
{
        struct hf_lookup found;
        int saved_errno = errno, r = -1;

        hf_lookup(name, family_asked(family), true, &found);
        errno = found.count == 0 && hf_strict() ? ENETUNREACH : EADDRNOTAVAIL;
        for (uint8_t i = 0; i < found.count && r < 0 && errno == EADDRNOTAVAIL; i++) {
                struct sockaddr_storage sa;
                socklen_t len = hf_addr_to_sockaddr(&found.addrs[i], port, family == AF_INET6, &sa);

                r = hf_real_bind(fd, (const struct sockaddr *)&sa, len);
        }
        if (r == 0)
                errno = saved_errno;
        return r;
}

HF_EXPORT int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
        struct hf_span name = {0};
        sa_family_t family = AF_UNSPEC;
        uint16_t port = 0;

        if (hf_names_any())
                name = name_at(addr, len, &port, &family);
        return name.s ? bind_name(fd, name, port, family) : hf_real_bind(fd, addr, len);
}
