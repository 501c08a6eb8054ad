/* SPDX-License-Identifier: MIT */
/* What a program asks about its connection. */
#include "hook.h"

#include "core/addrset.h"
#include "process/config.h"
#include "process/peer.h"
#include "process/pending.h"
#include "process/real.h"
#include "process/sys.h"

/* SO_ERROR, of a socket that may be pending. The kernel first answers a question of the same form
 * that changes nothing: it rejects what it would reject, and then the answer's place is
 * known to be good. */
__attribute__((noinline)) static int so_error(int fd, void *value, socklen_t *len)
{
        socklen_t written;
        int error, r = hf_sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, value, len);

        if (r < 0)
                return hf_sys(r);
        if (!hf_pending_error(fd, &error))
                return hf_real_getsockopt(fd, SOL_SOCKET, SO_ERROR, value, len);
        memcpy(&written, len, sizeof written);
        if (written > 0)
                memcpy(value, &error, written < sizeof error ? written : sizeof error);
        return 0;
}

HF_EXPORT int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
        if (level == SOL_SOCKET && name == SO_ERROR && hf_pending_maybe(fd))
                return so_error(fd, value, len);
        return hf_real_getsockopt(fd, level, name, value, len);
}

static bool is_proxy(const struct sockaddr_storage *sa, socklen_t len)
{
        struct hf_addr addr;
        uint16_t port;

        return hf_addr_from_sockaddr(sa, len, &addr, &port) == 0 &&
               hf_addrset_has(&hf_proxy_addrs, &addr, port);
}

/* With tunnels in this process. The kernel's answer is changed where it is a proxy. ROOM, which
 * it overwrites, tells how much of the address it wrote. */
__attribute__((noinline)) static int peer_name(int fd, struct sockaddr *addr, socklen_t *len)
{
        struct sockaddr_storage peer, asked;
        socklen_t room = 0, peer_len = sizeof peer, asked_len;

        if (hf_sys_readable(len, sizeof room))
                memcpy(&room, len, sizeof room);
        if (hf_real_getpeername(fd, addr, len) < 0)
                return -1;
        memcpy(&peer_len, len, sizeof peer_len);
        if (peer_len > sizeof peer)
                return 0;
        if (room >= peer_len)
                memcpy(&peer, addr, peer_len);
        else if (hf_syscall3(SYS_getpeername, fd, &peer, &peer_len) < 0)
                return 0;
        if (is_proxy(&peer, peer_len) && hf_peer_recall(fd, &asked, &asked_len) &&
            asked_len == peer_len && room > 0)
                memcpy(addr, &asked, room < peer_len ? room : peer_len);
        return 0;
}

HF_EXPORT int getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
        if (hf_pending_maybe(fd) && hf_pending_unconnected(fd))
                return hf_sys(-ENOTCONN);
        return hf_peer_any() ? peer_name(fd, addr, len) : hf_real_getpeername(fd, addr, len);
}
