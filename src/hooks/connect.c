/* SPDX-License-Identifier: MIT */
/* connect(): the destination is judged, and the call goes on as the kernel's or as a tunnel. */
#include "hook.h"
#include "connect.h"

#include "core/util.h"
#include "process/config.h"
#include "process/log.h"
#include "process/lookup.h"
#include "process/names.h"
#include "process/pending.h"
#include "process/proxyaddr.h"
#include "process/real.h"
#include "process/strict.h"
#include "process/sys.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#define TCP_STATE_CLOSE 7 /* TCP_CLOSE of <netinet/tcp.h>, which musl lacks under this name */

/* The kernel's own limit; with a longer address it says EINVAL before it looks at it. */
#define ADDR_MAX ((socklen_t)sizeof(struct sockaddr_storage))

/* A call on its way. */
struct call {
        int fd;
        const struct sockaddr *addr; /* the caller's own, for the kernel */
        socklen_t len;
        sa_family_t family;
        const struct hf_config
                *config; /* NULL: no proxy now; a placeholder may be left from before */
        int64_t since;
        struct hf_addr to;
        struct hf_dest dest; /* addr: where the program thinks it goes; NULL behind a placeholder */
        bool nowait;         /* whatever the socket does */
        bool only_tunnel;    /* what is the kernel's is not done but noted in `passed` */
        bool passed;
};

enum socket_kind {
        SOCKET_OTHER,  /* nothing for us: a datagram socket, or no socket at all */
        SOCKET_FRESH,  /* TCP, unconnected */
        SOCKET_IN_USE, /* TCP, connected, connecting or listening: connect() will tell it so */
};

static enum socket_kind socket_kind(int fd)
{
        uint8_t state = 0;
        socklen_t len = sizeof state;
        struct sockaddr_storage peer;
        int protocol = 0, type = 0;

        /* Its first byte is the state. Sockets that are not TCP do not have it. */
        if (hf_sys_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &state, &len) == 0)
                return state == TCP_STATE_CLOSE ? SOCKET_FRESH : SOCKET_IN_USE;

        len = sizeof protocol;
        if (hf_sys_getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) < 0)
                return SOCKET_OTHER;
        len = sizeof type;
        if (hf_sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_STREAM ||
            (protocol != IPPROTO_TCP && protocol != 262 /* IPPROTO_MPTCP */))
                return SOCKET_OTHER;
        len = sizeof peer;
        return hf_syscall3(SYS_getpeername, fd, &peer, &len) < 0 ? SOCKET_FRESH : SOCKET_IN_USE;
}

static int pass(struct call *call)
{
        call->passed = true;
        if (call->only_tunnel)
                return 0;
        return hf_real_connect(call->fd, call->addr, call->len);
}

static bool is_stream(int fd)
{
        int type = 0;
        socklen_t len = sizeof type;

        return hf_sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

static void log_direct(const struct call *call, const struct hf_dest *dest, enum hf_why why)
{
        char literal[HF_ADDR_TEXT_MAX + 2];
        struct hf_out out = hf_out_write(literal, sizeof literal);
        struct hf_span host = dest->name;

        if (why == HF_WHY_TLSPROXY)
                hf_log_once(
                        HF_ONCE_TLSPROXY, HF_LOG_WARN,
                        "connections whose proxy is https:// go direct, unless the program itself "
                        "speaks TLS to it (does the proxy speak plain HTTP? then say http://)");
        if (!hf_log_on(HF_LOG_INFO) || !is_stream(call->fd))
                return;
        if (!host.s) {
                if (dest->addr->family == 6)
                        hf_out_char(&out, '[');
                hf_addr_put(&out, dest->addr);
                if (dest->addr->family == 6)
                        hf_out_char(&out, ']');
                host = (struct hf_span){literal, out.len};
        }
        hf_log(HF_LOG_INFO, "%S:%d direct (%s)", &host, (int)dest->port, hf_why_text(why));
}

/* Behind a placeholder on a way that leads to no proxy: on with the address that the name really
 * has. A blocking connect() tries one after the other, as its program would have. */
static int connect_real_addr(const struct call *call, const struct hf_lookup *found)
{
        bool v6 = call->family == AF_INET6;
        int saved_errno = errno, r = -1;

        errno = found->count ? ENETUNREACH : EHOSTUNREACH;
        for (uint8_t i = 0; i < found->count; i++) {
                struct sockaddr_storage sa;
                socklen_t len;

                if (!v6 && found->addrs[i].family == 6)
                        continue;
                len = hf_addr_to_sockaddr(&found->addrs[i], call->dest.port, v6, &sa);
                r = hf_real_connect(call->fd, (const struct sockaddr *)&sa, len);
                if (r == 0)
                        errno = saved_errno;
                if (r == 0 || (errno != ECONNREFUSED && errno != EHOSTUNREACH &&
                               errno != ENETUNREACH && errno != ETIMEDOUT))
                        break;
        }
        return r;
}

/* The kernel has its own answer for everything but a fresh TCP socket; unless another thread has
 * just begun a tunnel on it: then the kernel knows of the proxy only. */
static int connect_unfresh(struct call *call)
{
        int r;

        return hf_pending_again(call->fd, &r) ? hf_sys(r) : pass(call);
}

static bool is_strict(const struct call *call)
{
        return call->config && call->config->rules.strict;
}

static int refuse(const struct call *call, enum hf_why why)
{
        hf_strict_log(&call->dest, why);
        return hf_sys(-ENETUNREACH);
}

static int tunnel(const struct call *call, const struct hf_proxy *proxy)
{
        const struct hf_request request = {
                .fd = call->fd,
                .addr = call->addr,
                .len = call->len,
                .family = call->family,
                .config = call->config,
                .proxy = proxy,
                .dest = &call->dest,
                .since = call->since,
                .nowait = call->nowait,
        };

        return hf_sys(hf_pending_connect(&request));
}

/* The one address of FOUND that would not be tunnelled, if there is one: then none is. */
static bool judge_found(const struct call *call, const struct hf_lookup *found,
                        struct hf_route *ret_route)
{
        for (uint8_t i = 0; i < found->count; i++) {
                const struct hf_dest dest = {call->dest.name, &found->addrs[i], call->dest.port};
                struct hf_route route = hf_route(&call->config->rules, &dest);

                if (!route.proxy) {
                        *ret_route = route;
                        return true;
                }
        }
        return false;
}

/* To a placeholder, so to a name. (Its own stack frame: the way by address needs none of it.) */
__attribute__((noinline)) static int connect_name(struct call *call)
{
        const struct hf_config *config = call->config;
        struct hf_route route = {NULL, HF_WHY_NO_PROXY, false};
        enum socket_kind kind = socket_kind(call->fd);
        struct hf_lookup found = {0};

        if (kind == SOCKET_IN_USE)
                return connect_unfresh(call);
        call->since = hf_sys_now(); /* a look-up takes its time, too */
        if (config && (kind == SOCKET_FRESH || is_strict(call)))
                route = hf_route(&config->rules, &call->dest);
        if ((route.refused || (route.proxy && kind == SOCKET_OTHER)) && hf_strict_is_ip(call->fd))
                return refuse(call, route.why);
        if (route.proxy && hf_route_by_name(&config->rules, &call->dest))
                return tunnel(call, route.proxy);

        /* Where the proxy can take it in any case, a name server that is silent costs time once. */
        hf_lookup(call->dest.name, call->family == AF_INET ? AF_INET : AF_UNSPEC, !route.proxy,
                  &found);
        if (route.proxy && !judge_found(call, &found, &route))
                return tunnel(call, route.proxy);
        log_direct(call, &call->dest, route.why);
        return connect_real_addr(call, &found);
}

static int connect_addr(struct call *call)
{
        struct hf_route route = hf_route(&call->config->rules, &call->dest);
        enum socket_kind kind;

        /* (Only under `strict` do these come here.) */
        if (route.proxy && (call->dest.port == 0 || hf_names_is_placeholder(&call->to)))
                route = (struct hf_route){NULL, HF_WHY_NO_PROXY, true};
        if (!route.proxy && !route.refused) {
                log_direct(call, &call->dest, route.why);
                return pass(call);
        }
        kind = socket_kind(call->fd);
        if (kind == SOCKET_OTHER && is_strict(call) && hf_strict_connects(call->fd))
                return refuse(call, route.why);
        if (kind != SOCKET_FRESH)
                return connect_unfresh(call);
        if (!route.proxy)
                return refuse(call, route.why);
        call->since = hf_sys_now();
        return tunnel(call, route.proxy);
}

/* With a proxy configured, or with something left over from when there was one. */
static int connect_judged(struct call *call)
{
        uint16_t port;
        int r;

        /* What the kernel rejects, it rejects in its own words. */
        if (call->len < sizeof call->family || call->len > ADDR_MAX ||
            !hf_sys_readable(call->addr, call->len))
                return pass(call);
        memcpy(&call->family, call->addr, sizeof call->family);

        if (call->family == AF_UNSPEC && hf_pending_maybe(call->fd)) {
                r = pass(call);
                if (r == 0 && !call->only_tunnel)
                        hf_pending_drop(call->fd);
                return r;
        }
        if (hf_addr_from_sockaddr(call->addr, call->len, &call->to, &port) < 0)
                return pass(call);
        if (hf_pending_maybe(call->fd) && hf_pending_again(call->fd, &r))
                return hf_sys(r);
        /* (The kernel does connect to port 0.) */
        if ((port == 0 && !is_strict(call)) || hf_proxyaddr_busy())
                return pass(call);

        call->dest.port = port;
        if (hf_names_is_placeholder(&call->to)) {
                call->dest.name = hf_names_get(&call->to);
                if (call->dest.name.s)
                        return connect_name(call);
                hf_log_once(
                        HF_ONCE_FOREIGN_PLACEHOLDER, HF_LOG_WARN,
                        "an address like our placeholders, but no name in this process ever had "
                        "it: another process's?");
                if (!is_strict(call))
                        return pass(call);
        }
        if (!call->config)
                return pass(call);
        call->dest.addr = &call->to;
        return connect_addr(call);
}

/* Is there anything to judge by? */
static bool may_tunnel(const struct hf_config *config)
{
        return config || hf_pending_any() || hf_names_any();
}

__attribute__((noinline)) static int connect_slowly(int fd, const struct sockaddr *addr,
                                                    socklen_t len, const struct hf_config *config)
{
        struct call call = {.fd = fd, .addr = addr, .len = len, .config = config};

        return connect_judged(&call);
}

bool hf_connect_tunnelled(int fd, const struct sockaddr *addr, socklen_t len, bool nowait,
                          int *ret_result)
{
        const struct hf_config *config = hf_config();
        struct call call = {.fd = fd,
                            .addr = addr,
                            .len = len,
                            .config = config,
                            .nowait = nowait,
                            .only_tunnel = true};
        int r;

        if (!may_tunnel(config))
                return false;
        r = connect_judged(&call);
        if (call.passed)
                return false;
        *ret_result = r;
        return true;
}

HF_EXPORT int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
        const struct hf_config *config = hf_config();

        if (!may_tunnel(config))
                return hf_real_connect(fd, addr, len);
        return connect_slowly(fd, addr, len, config);
}

HF_EXPORT int __connect(int fd, const struct sockaddr *addr, socklen_t len)
        __attribute__((alias("connect")));
