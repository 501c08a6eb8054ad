/* SPDX-License-Identifier: MIT */
/* The TCP connection to the proxy: one address after the other, on the program's own socket. By
 * raw system calls that return at once, with the record claimed. */
#include "pending_record.h"

#include "sys.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/time.h>

#define ADDR_SHARE_MS 5000 /* for every address but the last one of all, at most */

#ifndef TCP_FASTOPEN_CONNECT
#define TCP_FASTOPEN_CONNECT 30
#endif

static int get_int(int fd, int level, int name, int otherwise)
{
        int value = otherwise;
        socklen_t len = sizeof value;

        return hf_sys_getsockopt(fd, level, name, &value, &len) < 0 ? otherwise : value;
}

static int set_int(int fd, int level, int name, int value)
{
        return hf_sys_setsockopt(fd, level, name, &value, sizeof value);
}

/* In this order: the disconnect leaves ECONNRESET behind, which is nobody's error. */
void hf_pending_disconnect(int fd)
{
        const struct sockaddr none = {.sa_family = AF_UNSPEC};

        hf_sys_connect(fd, &none, sizeof none);
        get_int(fd, SOL_SOCKET, SO_ERROR, 0);
}

/* connect(2) that returns at once, on a blocking socket too, without touching its flags: with the
 * shortest SO_SNDTIMEO the kernel waits for one tick and says EINPROGRESS. Only a socket
 * that blocks pays for this. */
static int connect_at_once(struct hf_pending *record, int fd, const struct sockaddr_storage *sa,
                           socklen_t len)
{
        const struct timeval tick = {.tv_usec = 1};
        struct timeval own = {0};
        socklen_t own_len = sizeof own;
        long flags = hf_syscall3(SYS_fcntl, fd, F_GETFL, 0);
        int r;

        if (flags < 0)
                return (int)flags;
        record->blocks = !(flags & O_NONBLOCK);
        if (!record->blocks)
                return hf_sys_connect(fd, sa, len);
        r = hf_sys_getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &own, &own_len);
        if (r < 0)
                return r;
        record->own_ms = hf_pending_ms(&own);
        hf_sys_setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tick, sizeof tick);
        r = hf_sys_connect(fd, sa, len);
        hf_sys_setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &own, own_len);
        return r;
}

bool hf_pending_callers_error(int error)
{
        return error == -EISCONN || error == -EALREADY || error == -EBADF || error == -ENOTSOCK ||
               error == -EINVAL || error == -EAFNOSUPPORT || error == -EPROTOTYPE;
}

/* An IPv4 proxy and a socket for IPv6 alone: the option can go while the socket is not bound. */
static int allow_v4(struct hf_pending *record, int fd)
{
        if (!get_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0))
                return 0;
        if (set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) < 0)
                return -ENETUNREACH;
        record->v6only = true;
        return 0;
}

static int begin(struct hf_pending *record, int fd, const struct hf_addr *addr)
{
        bool v6 = record->family == AF_INET6;
        struct sockaddr_storage sa;
        socklen_t len;
        int r;

        if (!v6 && addr->family == 6)
                return -ENETUNREACH;
        if (v6 && addr->family == 4 && (r = allow_v4(record, fd)) < 0)
                return r;
        len = hf_addr_to_sockaddr(addr, record->proxy->port, v6, &sa);
        r = connect_at_once(record, fd, &sa, len);
        record->settle = r == -EINPROGRESS;
        record->up = r == 0;
        return r == -EINPROGRESS ? 0 : r;
}

/* That the network cannot be reached (there is no IPv6 here) says less than another address's
 * "connection refused". */
static void note_error(struct hf_pending *record, int error)
{
        if (record->first_error == 0 || record->first_error == -ENETUNREACH)
                record->first_error = error;
}

/* The addresses of one proxy. 0: there is none left. */
static int dial_proxy(struct hf_pending *record, int fd, int64_t now)
{
        while (record->next < record->addrs.count) {
                int64_t left = record->deadline - now;
                bool last = record->next + 1 == record->addrs.count &&
                            !hf_pending_has_next_proxy(record);
                int r;

                if (left <= 0)
                        return -ETIMEDOUT;
                r = begin(record, fd, &record->addrs.addrs[record->next++]);
                if (r == 0) {
                        left = left / 2 < ADDR_SHARE_MS ? left / 2 : ADDR_SHARE_MS;
                        record->addr_deadline = last ? record->deadline : now + left;
                        return 1;
                }
                if (hf_pending_callers_error(r))
                        return r;
                note_error(record, r);
                hf_pending_disconnect(fd);
        }
        return 0;
}

int hf_pending_dial(struct hf_pending *record, int fd, int64_t now)
{
        int r;

        do
                r = dial_proxy(record, fd, now);
        while (r == 0 && hf_pending_next_proxy(record));
        if (r != 0)
                return r;
        return record->first_error ? record->first_error : -ENETUNREACH;
}

int hf_pending_dial_next(struct hf_pending *record, int fd, int error, int64_t now)
{
        note_error(record, error);
        hf_pending_disconnect(fd);
        return hf_pending_dial(record, fd, now);
}

/* Judged by poll and never by the EINPROGRESS of connect(2): a closed port on loopback gives that
 * first. Its 0 can be believed, with TCP_FASTOPEN_CONNECT off. */
int hf_pending_dialled(struct hf_pending *record, int fd)
{
        while (!record->up) {
                struct pollfd pfd = {.fd = fd, .events = POLLOUT};
                int error, r;

                hf_sys_poll(&pfd, 1, 0);
                if (!(pfd.revents & (POLLERR | POLLHUP | POLLNVAL))) {
                        record->events = POLLOUT;
                        return pfd.revents & POLLOUT ? 1 : 0;
                }
                if (!hf_pending_began(record))
                        return -ECONNABORTED; /* the error is for the one who did */
                error = get_int(fd, SOL_SOCKET, SO_ERROR, 0);
                if (error == 0)
                        return -ECONNABORTED; /* somebody disconnected it */
                r = hf_pending_dial_next(record, fd, -error, hf_sys_now());
                if (r < 0)
                        return r;
        }
        return 1;
}

void hf_pending_prepare(struct hf_pending *record, int fd)
{
        /* With it connect(2) returns 0 before anything was sent, even with the proxy down. */
        record->fastopen = get_int(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 0) > 0 &&
                           set_int(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 0) == 0;
}

void hf_pending_lower_mark(struct hf_pending *record, int fd)
{
        record->lowat = get_int(fd, SOL_SOCKET, SO_RCVLOWAT, 1);
        if (record->lowat > 1)
                set_int(fd, SOL_SOCKET, SO_RCVLOWAT, 1);
}

void hf_pending_put_back(const struct hf_pending *record, int fd, bool failed)
{
        if (record->lowat > 1)
                set_int(fd, SOL_SOCKET, SO_RCVLOWAT, record->lowat);
        if (failed && record->fastopen)
                set_int(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
        if (failed && record->v6only)
                set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
}
