/* SPDX-License-Identifier: MIT */
/* connect(), from its first call to the one that is told how it ended. */
#include "pending_record.h"

#include "log.h"
#include "sys.h"

#include <fcntl.h>

static bool blocks(int fd)
{
        long flags = hf_syscall3(SYS_fcntl, fd, F_GETFL, 0);

        return flags >= 0 && !(flags & O_NONBLOCK);
}

/* The record, filled in, and TCP begun on the first address. 0 and *ret_tunnel, claimed; -errno: it
 * failed at once, nothing is pending. */
static int start(const struct hf_request *request, const struct hf_proxy *proxy,
                 const struct hf_proxyaddr *addrs, uint64_t id, struct hf_tunnel *ret_tunnel)
{
        struct hf_pending *record;
        int fd = request->fd, r;

        r = hf_pending_take(fd, id, request->since, &record);
        if (r < 0)
                return r;
        record->family = request->family;
        record->deadline = record->addr_deadline = request->since + request->config->timeout_ms;
        record->proxy = record->first_proxy = proxy;
        record->port = request->dest->port;
        record->addrs = *addrs;
        record->asked_len =
                request->len < sizeof record->asked ? request->len : sizeof record->asked;
        memcpy(&record->asked, request->addr, record->asked_len);
        r = hf_handshake_init(&record->machine, proxy, request->dest);
        if (r < 0) {
                hf_pending_free(record);
                hf_pending_log_unsuitable(proxy, r);
                /* as for a password that is wrong */
                return hf_handshake_can_log_in(proxy) ? r : -EACCES;
        }
        hf_pending_prepare(record, fd);
        r = hf_pending_dial(record, fd, request->since);
        if (r < 0) {
                hf_pending_abandon(record, fd, r);
                return r;
        }
        if (!record->blocks || request->nowait)
                hf_pending_lower_mark(record, fd);
        record->left = request->nowait; /* a next connect() is owed the 0 */
        *ret_tunnel = (struct hf_tunnel){record, id, fd, record->alone, true};
        return 0;
}

/* The proxy to begin with, and its addresses; may look names up, as those of a list must be known
 * before they are wanted in a step. One that can carry DEST, if there is any. NULL: none has an
 * address. */
static const struct hf_proxy *choose(const struct hf_proxy *proxy, const struct hf_dest *dest,
                                     struct hf_proxyaddr *ret_addrs)
{
        const struct hf_proxy *first = hf_pending_first_proxy(proxy), *chosen = NULL;
        struct hf_proxyaddr addrs;

        proxy = first;
        do {
                bool better = !chosen || (!hf_handshake_can_carry(chosen, dest) &&
                                          hf_handshake_can_carry(proxy, dest));

                if (hf_proxyaddr(proxy, better ? ret_addrs : &addrs) == 0 && better)
                        chosen = proxy;
                proxy = proxy->next;
        } while (proxy && proxy != first);
        return chosen;
}

int hf_pending_connect(const struct hf_request *request)
{
        const struct hf_proxy *proxy;
        struct hf_tunnel tunnel;
        struct hf_proxyaddr addrs;
        struct hf_step step;
        bool again = false;
        uint64_t id, mask;
        int r = hf_socket_id(request->fd, &id);

        if (r < 0)
                return r;
        proxy = choose(request->proxy, request->dest, &addrs);
        if (!proxy) {
                const struct hf_span *name = &request->dest->name;

                hf_log(HF_LOG_INFO, "%S:%d via %S: failed: the proxy's own name does not resolve",
                       name, (int)request->dest->port, &request->proxy->text);
                return -EHOSTUNREACH;
        }
        mask = hf_signals_block();
        r = start(request, proxy, &addrs, id, &tunnel);
        if (r == 0) {
                bool blocking = tunnel.alone || (tunnel.record->blocks && !request->nowait);
                int64_t own_ms = tunnel.record->own_ms;

                /* The proxy may be on this machine: then TCP is up, and the request leaves now. */
                enum hf_progress progress = hf_pending_step_claimed(&tunnel, &step);

                if (!blocking) /* how it ended, if it did, is for the next call to tell */
                        r = -EINPROGRESS;
                else if (progress == HF_GOES_ON)
                        r = hf_pending_drive_on(&tunnel, &step, own_ms, mask);
                else
                        r = hf_pending_conclude(&tunnel, progress, &step, true);
        } else if (r == -EALREADY) {
                again = true; /* another thread was faster */
        }
        hf_signals_restore(mask);
        if (again)
                return hf_pending_again(request->fd, &r) ? r : -EISCONN;
        return r;
}

bool hf_pending_again(int fd, int *ret_result)
{
        struct hf_tunnel tunnel;
        struct hf_step step;
        enum hf_progress progress;
        int r;

        if (!hf_pending_find(fd, &tunnel))
                return false;
        if (blocks(fd)) {
                *ret_result = hf_pending_drive(&tunnel, -EALREADY);
                return true;
        }
        progress = hf_pending_step(&tunnel, &step);
        if (progress == HF_GOES_ON) {
                *ret_result = -EALREADY;
                return true;
        }
        /* Where nothing is owed the kernel's own connect() says 0 once, then EISCONN. */
        r = progress == HF_OVER ? hf_pending_collect(&tunnel, true) : HF_NOTHING;
        if (r == HF_NOTHING)
                return false;
        *ret_result = r;
        return true;
}

void hf_pending_drop(int fd)
{
        struct hf_tunnel tunnel;
        uint64_t mask;

        if (!hf_pending_hold(fd, &tunnel, &mask))
                return;
        if (tunnel.record->phase != HF_PENDING_OVER)
                hf_pending_forsake(tunnel.record, fd);
        hf_pending_free(tunnel.record);
        hf_signals_restore(mask);
}
