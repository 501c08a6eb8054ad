/* SPDX-License-Identifier: MIT */
/* A list of proxies (HFPROXY_URL=a,b): the first that takes a TCP connection serves, and is
 * remembered by the whole process. The others are tried on the same socket. */
#include "pending_record.h"

#include "log.h"
#include "names.h"

/* The one that served last, of whatever list. Snapshots are never freed. */
static _Atomic(const struct hf_proxy *) served;

const struct hf_proxy *hf_pending_first_proxy(const struct hf_proxy *proxy)
{
        const struct hf_proxy *last = atomic_load_explicit(&served, memory_order_relaxed);
        const struct hf_proxy *at = proxy;

        if (proxy->next && last)
                do {
                        if (at == last)
                                return at;
                        at = at->next;
                } while (at != proxy);
        return proxy;
}

void hf_pending_served(const struct hf_pending *record)
{
        if (record->proxy->next)
                atomic_store_explicit(&served, record->proxy, memory_order_relaxed);
}

bool hf_pending_has_next_proxy(const struct hf_pending *record)
{
        return record->proxy->next && record->proxy->next != record->first_proxy;
}

/* What the program asked for, as connect() saw it; a name is kept for ever. */
static struct hf_dest dest_of(const struct hf_pending *record, struct hf_addr *addr)
{
        struct hf_dest dest = {.addr = addr};

        hf_addr_from_sockaddr(&record->asked, record->asked_len, addr, &dest.port);
        if (hf_names_is_placeholder(addr)) {
                dest.name = hf_names_get(addr);
                dest.addr = NULL;
        }
        return dest;
}

bool hf_pending_next_proxy(struct hf_pending *record)
{
        const struct hf_proxy *failed = record->proxy, *proxy = failed;
        struct hf_addr addr;
        const struct hf_dest dest = dest_of(record, &addr);

        hf_proxyaddr_stale(failed);
        while (proxy->next && (proxy = proxy->next) != record->first_proxy) {
                if (!hf_proxyaddr_known(proxy, &record->addrs))
                        continue;
                if (hf_handshake_init(&record->machine, proxy, &dest) < 0)
                        continue;
                hf_log(HF_LOG_WARN, "%S takes no connection: %S is tried", &failed->text,
                       &proxy->text);
                record->proxy = proxy;
                record->next = 0;
                return true;
        }
        hf_handshake_init(&record->machine, failed, &dest); /* for what the log says */
        return false;
}
