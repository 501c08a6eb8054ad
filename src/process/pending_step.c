/* SPDX-License-Identifier: MIT */
/* The one verb. Everything here is done by raw system calls that return at once, with all signals
 * blocked and the record claimed. */
#include "pending_record.h"

#include "log.h"
#include "sys.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/time.h>

#define CHUNK 512          /* of the reply: looked at, then consumed, from the stack */
#define ADDR_SHARE_MS 5000 /* for every address of a proxy but the last, at most */

#ifndef TCP_FASTOPEN_CONNECT
#define TCP_FASTOPEN_CONNECT 30
#endif

#define OVER 1 /* what the phases return besides 0 (wait) and -errno: the tunnel stands, */
#define ON 2   /* or: take the next one */

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

/* A failed socket is dead: whatever the proxy sent cannot be read, the next send gives EPIPE and
 * poll says POLLOUT|POLLHUP, and it can be connected again. In this order: the disconnect leaves
 * ECONNRESET behind, which is nobody's error. */
static void disconnect(int fd)
{
        const struct sockaddr none = {.sa_family = AF_UNSPEC};

        hf_sys_connect(fd, &none, sizeof none);
        get_int(fd, SOL_SOCKET, SO_ERROR, 0);
}

/* connect(2) that returns at once, on a blocking socket too, without touching its flags: with the
 * shortest SO_SNDTIMEO the kernel waits for one tick and says EINPROGRESS. Only a socket
 * that blocks pays for this. */
static int connect_at_once(int fd, const struct sockaddr_storage *sa, socklen_t len)
{
        const struct timeval tick = {.tv_usec = 1};
        struct timeval own = {0};
        socklen_t own_len = sizeof own;
        long flags = hf_syscall3(SYS_fcntl, fd, F_GETFL, 0);
        int r;

        if (flags < 0)
                return (int)flags;
        if (flags & O_NONBLOCK)
                return hf_sys_connect(fd, sa, len);
        r = hf_sys_getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &own, &own_len);
        if (r < 0)
                return r;
        hf_sys_setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tick, sizeof tick);
        r = hf_sys_connect(fd, sa, len);
        hf_sys_setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &own, own_len);
        return r;
}

/* Errors that say something about the call or the socket and nothing about the proxy: they are
 * the caller's, and the socket stays as it is. (It may be connected already.) */
static bool is_callers_error(int error)
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
        r = connect_at_once(fd, &sa, len);
        record->settle = r == -EINPROGRESS;
        return r == -EINPROGRESS ? 0 : r;
}

/* That the network cannot be reached (there is no IPv6 here) says less than another address's
 * "connection refused". */
static void note_error(struct hf_pending *record, int error)
{
        if (record->first_error == 0 || record->first_error == -ENETUNREACH)
                record->first_error = error;
}

/* Starts on the next address that takes a start: ON, or -errno when there is none left. */
static int next_addr(struct hf_pending *record, int fd)
{
        while (record->next < record->addrs.count) {
                int64_t now = hf_sys_now(), left = record->deadline - now;
                bool last = record->next + 1 == record->addrs.count;
                int r;

                if (left <= 0)
                        return -ETIMEDOUT;
                r = begin(record, fd, &record->addrs.addrs[record->next++]);
                if (r == 0) {
                        left = left / 2 < ADDR_SHARE_MS ? left / 2 : ADDR_SHARE_MS;
                        record->addr_deadline = last ? record->deadline : now + left;
                        record->phase = HF_PENDING_CONNECTING;
                        return ON;
                }
                if (is_callers_error(r))
                        return r;
                note_error(record, r);
                disconnect(fd);
        }
        return record->first_error ? record->first_error : -ENETUNREACH;
}

/* Judged by poll and never by what connect(2) returned: a closed port on loopback gives EINPROGRESS
 * first. */
static int step_connecting(struct hf_pending *record, int fd)
{
        struct pollfd pfd = {.fd = fd, .events = POLLOUT};
        int error = ETIMEDOUT;

        hf_sys_poll(&pfd, 1, 0);
        if (pfd.revents & (POLLERR | POLLHUP | POLLNVAL)) {
                error = get_int(fd, SOL_SOCKET, SO_ERROR, 0);
                if (error == 0)
                        return -ECONNABORTED; /* somebody disconnected it */
        } else if (pfd.revents & POLLOUT) {
                record->phase = HF_PENDING_GREETING;
                return ON;
        } else if (hf_sys_now() < record->addr_deadline) {
                record->events = POLLOUT;
                return 0;
        }
        note_error(record, -error);
        disconnect(fd);
        return next_addr(record, fd);
}

/* 0: the whole request is out. 1: not yet. */
static int send_request(struct hf_pending *record, int fd)
{
        struct iovec iov[3];
        size_t sent = 0;
        int n;

        while ((n = hf_http_connect_output(&record->machine, sent, iov)) > 0) {
                const struct msghdr msg = {.msg_iov = iov, .msg_iovlen = (size_t)n};
                long r = hf_sys_sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);

                if (r == -EAGAIN)
                        return 1;
                if (r < 0) /* what the proxy said before it closed is worth more: read it first */
                        return 0;
                sent = (size_t)r;
        }
        return 0;
}

/* Takes exactly N bytes that were peeked at. */
static int consume(int fd, char *buf, size_t n)
{
        while (n > 0) {
                long r = hf_sys_recv(fd, buf, n, MSG_DONTWAIT);

                if (r <= 0)
                        return -ECONNRESET; /* another thread reads from a socket not yet connected
                                             */
                n -= (size_t)r;
        }
        return 0;
}

/* Peeked at first, for what follows the reply is the application's; consumed at once, for an
 * unread rest makes poll spin and fills a small SO_RCVBUF. */
static int read_reply(struct hf_pending *record, int fd)
{
        char buf[CHUNK];

        for (;;) {
                size_t used = 0;
                long n = hf_sys_recv(fd, buf, sizeof buf, MSG_PEEK | MSG_DONTWAIT);
                int r;

                if (n == -EAGAIN || n == -EINTR)
                        return 0;
                if (n <= 0)
                        return -ECONNRESET; /* closed, reset, or dead by whatever other means */
                r = hf_http_connect_input(&record->machine, buf, (size_t)n, &used);
                if (r < 0)
                        return r;
                if (consume(fd, buf, used) < 0)
                        return -ECONNRESET;
                if (r > 0)
                        return OVER;
                if ((size_t)n < sizeof buf)
                        return 0;
        }
}

static int step_greeting(struct hf_pending *record, int fd)
{
        bool unsent = send_request(record, fd) > 0;
        int r = read_reply(record, fd);

        if (r != 0)
                return r;
        if (hf_sys_now() >= record->deadline)
                return -ETIMEDOUT;
        record->events = (short)(POLLIN | (unsent ? POLLOUT : 0));
        return 0;
}

static int advance(struct hf_pending *record, int fd)
{
        int r = ON;

        while (r == ON)
                r = record->phase == HF_PENDING_CONNECTING ? step_connecting(record, fd)
                                                           : step_greeting(record, fd);
        return r;
}

/* On a socket whose connect(2) gave EINPROGRESS the kernel's own connect has yet to return 0 once.
 * Ours is about to. */
static void settle(const struct hf_pending *record, int fd)
{
        struct sockaddr_storage sa;
        socklen_t len = hf_addr_to_sockaddr(&record->addrs.addrs[record->next - 1],
                                            record->proxy->port, record->family == AF_INET6, &sa);

        hf_sys_connect(fd, &sa, len);
}

static void restore_options(const struct hf_pending *record, int fd)
{
        if (record->fastopen)
                set_int(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
        if (record->v6only)
                set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
}

/* The end. RESULT: 0 or -errno. */
static int finish(struct hf_pending *record, int fd, int result)
{
        if (result == 0 && record->settle)
                settle(record, fd);
        if (result < 0 && !is_callers_error(result)) {
                disconnect(fd);
                if (record->phase == HF_PENDING_CONNECTING)
                        hf_proxyaddr_stale(record->proxy);
        }
        if (result < 0)
                restore_options(record, fd);
        if (!is_callers_error(result))
                hf_pending_log(record, result);
        hf_pending_free(record);
        return result;
}

int hf_pending_step(const struct hf_tunnel *tunnel, int *ret_result, short *ret_events,
                    int *ret_wait_ms)
{
        struct hf_pending *record = tunnel->record;
        uint64_t mask = hf_signals_block(), now_id;
        int r = 0;

        *ret_events = 0;
        *ret_wait_ms = 1;
        if (!hf_pending_claim(record)) {
                hf_signals_restore(mask);
                return 0;
        }
        if (atomic_load_explicit(&record->id, memory_order_relaxed) != tunnel->id) {
                hf_pending_unclaim(record);
                *ret_result = hf_pending_look_back(tunnel->fd);
                r = 1;
        } else if (hf_socket_id(tunnel->fd, &now_id) < 0 || now_id != tunnel->id) {
                /* Closed, and perhaps reused, by another thread: a stranger's socket must not see
                 * our credentials, nor be disconnected. */
                hf_pending_free(record);
                *ret_result = -EBADF;
                r = 1;
        } else {
                int result = advance(record, tunnel->fd);

                if (result != 0) {
                        *ret_result = finish(record, tunnel->fd, result == OVER ? 0 : result);
                        r = 1;
                } else {
                        int64_t until = record->phase == HF_PENDING_CONNECTING
                                                ? record->addr_deadline
                                                : record->deadline;
                        int64_t left = until - hf_sys_now() + 1;

                        *ret_events = record->events;
                        *ret_wait_ms = left < 1 ? 1 : left > INT32_MAX ? INT32_MAX : (int)left;
                        hf_pending_unclaim(record);
                }
        }
        hf_signals_restore(mask);
        return r;
}

int hf_pending_start(int fd, sa_family_t family, const struct hf_config *config,
                     const struct hf_proxy *proxy, const struct hf_dest *dest, int64_t since,
                     struct hf_tunnel *ret_tunnel)
{
        struct hf_tunnel tunnel = {.fd = fd};
        struct hf_proxyaddr addrs;
        struct hf_pending *record;
        struct hf_span host = dest->name;
        char literal[HF_ADDR_TEXT_MAX];
        uint64_t mask;
        int r = hf_socket_id(fd, &tunnel.id);

        ret_tunnel->record = NULL;
        if (r < 0)
                return r;
        if (!host.s) {
                struct hf_out out = hf_out_write(literal, sizeof literal);

                hf_addr_put(&out, dest->addr);
                host = (struct hf_span){literal, out.len};
        }
        r = hf_proxyaddr(proxy, &addrs); /* may look a name up */
        if (r < 0) {
                hf_log(HF_LOG_INFO, "%S:%d via %S: failed: the proxy's own name does not resolve",
                       &host, (int)dest->port, &proxy->text);
                return r;
        }

        mask = hf_signals_block();
        r = hf_pending_take(fd, tunnel.id, &record);
        if (r ==
            -EALREADY) { /* another thread was faster: to the end with it, if it is not there */
                r = hf_pending_find(fd, ret_tunnel) ? 0 : hf_pending_look_back(fd);
                if (r == 0 && ret_tunnel->record == NULL)
                        r = -EISCONN;
                goto out;
        }
        if (r < 0)
                goto out;
        record->family = family;
        record->since = since;
        record->deadline = since + config->timeout_ms;
        record->proxy = proxy;
        record->port = dest->port;
        record->addrs = addrs;
        r = hf_http_connect_init(&record->machine, host, dest->port, proxy->auth);
        if (r < 0) {
                hf_pending_free(record);
                goto out;
        }
        /* With it connect(2) returns 0 before anything was sent, even with the proxy down. */
        record->fastopen = get_int(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 0) > 0 &&
                           set_int(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 0) == 0;
        r = next_addr(record, fd);
        if (r < 0) {
                finish(record, fd, r);
                goto out;
        }
        tunnel.record = record;
        tunnel.alone = record->alone;
        *ret_tunnel = tunnel;
        r = 0;
        hf_pending_unclaim(record);
out:
        hf_signals_restore(mask);
        return r;
}
