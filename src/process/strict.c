/* SPDX-License-Identifier: MIT */
#include "strict.h"

#include "log.h"
#include "sys.h"

#include <errno.h>
#include <netinet/in.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#define FAMILY_SMC 43 /* AF_SMC: TCP under another name, with the addresses of IP */

bool hf_strict_open(const struct hf_addr *addr, uint16_t port)
{
        const struct hf_config *config = hf_config();
        const struct hf_dest dest = {.addr = addr, .port = port};
        struct hf_route route;

        if (!config)
                return true;
        route = hf_route(&config->rules, &dest);
        return !route.proxy && !route.refused;
}

/* An option of the level SOL_SOCKET; -1: FD is no socket. */
static int option(int fd, int name)
{
        int value = 0;
        socklen_t len = sizeof value;

        return hf_sys_getsockopt(fd, SOL_SOCKET, name, &value, &len) < 0 ? -1 : value;
}

static bool is_ip_domain(int domain)
{
        return domain == AF_INET || domain == AF_INET6 || domain == FAMILY_SMC;
}

bool hf_strict_is_ip(int fd)
{
        return is_ip_domain(option(fd, SO_DOMAIN));
}

bool hf_strict_connects(int fd)
{
        return hf_strict_is_ip(fd) && option(fd, SO_TYPE) != SOCK_DGRAM;
}

/* What it sends goes where the addresses of the call say, and not where connect() was judged. */
static bool sends_packets(int fd, bool fastopen)
{
        int domain = option(fd, SO_DOMAIN), protocol;

        if (domain == AF_PACKET)
                return true;
        if (!is_ip_domain(domain))
                return false;
        protocol = option(fd, SO_PROTOCOL);
        return fastopen || domain == FAMILY_SMC ||
               (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP);
}

static bool refused(const struct hf_addr *addr, uint16_t port)
{
        char text[HF_ADDR_TEXT_MAX];
        struct hf_out out = hf_out_write(text, sizeof text);
        struct hf_span host;

        hf_addr_put(&out, addr);
        host = (struct hf_span){text, out.len};
        hf_log_once(HF_ONCE_STRICT_SEND, HF_LOG_ERROR,
                    "a packet to %S port %d is not sent, nor are others that no tunnel can carry "
                    "(UDP for one): HFPROXY_TUNNEL=strict; no_proxy opens what it names",
                    &host, (int)port);
        return true;
}

/* Where FD is connected to. A socket that is not sends nothing without an address. */
static bool refuses_peer(int fd)
{
        struct sockaddr_storage peer;
        socklen_t len = sizeof peer;
        struct hf_addr addr;
        uint16_t port;
        long r = hf_syscall3(SYS_getpeername, fd, &peer, &len);

        if (r == -EOPNOTSUPP)
                return option(fd, SO_DOMAIN) == AF_PACKET;
        if (r < 0 || hf_addr_from_sockaddr(&peer, len, &addr, &port) < 0)
                return false;
        return !hf_strict_open(&addr, port) && sends_packets(fd, false) && refused(&addr, port);
}

bool hf_strict_refuses(int fd, const struct sockaddr *addr, socklen_t len, bool fastopen)
{
        struct sockaddr_storage copy;
        struct hf_addr to;
        uint16_t port;

        if (!addr || len == 0)
                return refuses_peer(fd);
        /* What the kernel rejects, it rejects in its own words. */
        if (len > sizeof copy || len < sizeof copy.ss_family || !hf_sys_readable(addr, len))
                return false;
        memcpy(&copy, addr, len);
        if (copy.ss_family == AF_PACKET)
                return option(fd, SO_DOMAIN) == AF_PACKET;
        if (copy.ss_family == AF_UNSPEC) {
                /* To an IPv4 socket that is AF_INET, to an IPv6 one no address at all. */
                if (refuses_peer(fd))
                        return true;
                copy.ss_family = AF_INET;
        }
        if (hf_addr_from_sockaddr(&copy, len, &to, &port) < 0)
                return false;
        return !hf_strict_open(&to, port) && sends_packets(fd, fastopen) && refused(&to, port);
}

bool hf_strict_refuses_msg(int fd, const struct msghdr *msg, int flags)
{
        struct msghdr copy;

        if (!hf_sys_readable(msg, sizeof copy))
                return false;
        memcpy(&copy, msg, sizeof copy);
        /* sendmsg(2) cuts what is too long. */
        if (copy.msg_namelen > sizeof(struct sockaddr_storage) && copy.msg_namelen <= INT32_MAX)
                copy.msg_namelen = sizeof(struct sockaddr_storage);
        return hf_strict_refuses(fd, copy.msg_name, copy.msg_namelen, flags & MSG_FASTOPEN);
}

unsigned hf_strict_count_open(int fd, const struct mmsghdr *msgs, unsigned n, int flags)
{
        /* A struct mmsghdr, which is of _GNU_SOURCE. */
        const struct message {
                struct msghdr head;
                unsigned len;
        } *each = (const void *)msgs;
        unsigned i = 0;

        while (i < n && !hf_strict_refuses_msg(fd, &each[i].head, flags))
                i++;
        return i;
}

void hf_strict_log(const struct hf_dest *dest, enum hf_why why)
{
        char literal[HF_ADDR_TEXT_MAX];
        struct hf_out out = hf_out_write(literal, sizeof literal);
        struct hf_span host = dest->name;

        if (!host.s) {
                hf_addr_put(&out, dest->addr);
                host = (struct hf_span){literal, out.len};
        }
        hf_log_once(HF_ONCE_STRICT_CONNECT, HF_LOG_ERROR,
                    "connections that no proxy can take are refused (ENETUNREACH), as "
                    "HFPROXY_TUNNEL=strict asks; no_proxy opens what it names. The first: %S port "
                    "%d (%s)",
                    &host, (int)dest->port, hf_why_text(why));
        hf_log(HF_LOG_INFO, "%S port %d refused (%s)", &host, (int)dest->port, hf_why_text(why));
}
