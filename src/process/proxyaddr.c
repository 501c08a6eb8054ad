/* SPDX-License-Identifier: MIT */
#include "proxyaddr.h"

#include "log.h"
#include "real.h"
#include "sys.h"

#include <errno.h>
#include <netdb.h>
#include <stdatomic.h>

#define FRESH_MS 60000
#define FAILED_MS 5000
#define HOST_MAX 255

/* A few proxies a process: the first entry of the same host, or an empty one. An entry is read and
 * written under a try-lock that nobody waits for: who finds it taken looks up by himself. */
static struct entry {
        _Atomic(int) holder; /* process id; one that is not ours stayed behind in a fork */
        uint8_t host_len;    /* 0: empty */
        bool failed, stale;
        char host[HOST_MAX];
        int64_t when;
        struct hf_proxyaddr found;
} entries[16];

/* Threads inside our own look-up. */
static _Atomic(int) busy[16];
static _Atomic(int) n_busy;

static int thread_id(void)
{
        return (int)hf_syscall3(SYS_gettid, 0, 0, 0);
}

bool hf_proxyaddr_busy(void)
{
        int self;

        if (atomic_load_explicit(&n_busy, memory_order_relaxed) == 0)
                return false;
        self = thread_id();
        for (size_t i = 0; i < HF_LEN(busy); i++)
                if (atomic_load_explicit(&busy[i], memory_order_relaxed) == self)
                        return true;
        return false;
}

/* With all places taken the thread goes on unmarked: more than a dozen threads in this very
 * look-up, *and* a name service module that connects through a proxy. */
static size_t busy_enter(void)
{
        int self = thread_id();

        atomic_fetch_add(&n_busy, 1);
        for (size_t i = 0; i < HF_LEN(busy); i++) {
                int none = 0;

                if (atomic_compare_exchange_strong(&busy[i], &none, self))
                        return i;
        }
        return HF_LEN(busy);
}

static void busy_leave(size_t place)
{
        if (place < HF_LEN(busy))
                atomic_store(&busy[place], 0);
        atomic_fetch_sub(&n_busy, 1);
}

static bool hold(struct entry *entry)
{
        int self = hf_sys_getpid();

        for (int tries = 0; tries < 100; tries++) {
                int seen = 0;

                if (atomic_compare_exchange_strong_explicit(&entry->holder, &seen, self,
                                                            memory_order_acquire,
                                                            memory_order_relaxed))
                        return true;
                if (seen != self && atomic_compare_exchange_strong_explicit(
                                            &entry->holder, &seen, self, memory_order_acquire,
                                            memory_order_relaxed))
                        return true;
        }
        return false;
}

static void release(struct entry *entry)
{
        atomic_store_explicit(&entry->holder, 0, memory_order_release);
}

/* The entry of HOST, held; an empty one if there is none; NULL when that cannot be. */
static struct entry *find(struct hf_span host)
{
        if (host.n > HOST_MAX)
                return NULL;
        for (size_t i = 0; i < HF_LEN(entries); i++) {
                struct entry *entry = &entries[i];

                if (!hold(entry))
                        return NULL;
                if (entry->host_len == 0 ||
                    hf_span_caseeq((struct hf_span){entry->host, entry->host_len}, host))
                        return entry;
                release(entry);
        }
        return NULL;
}

static void collect(const struct addrinfo *list, uint16_t port, struct hf_proxyaddr *ret)
{
        ret->count = 0;
        for (; list; list = list->ai_next) {
                struct hf_addr addr;
                uint16_t ignored;
                bool seen = false;

                if (!list->ai_addr ||
                    hf_addr_from_sockaddr(list->ai_addr, list->ai_addrlen, &addr, &ignored) < 0)
                        continue;
                hf_addrset_add(&hf_proxy_addrs, &addr, port);
                for (uint8_t i = 0; i < ret->count; i++)
                        seen = seen || hf_addr_eq(&ret->addrs[i], &addr);
                if (!seen && ret->count < HF_PROXYADDR_MAX)
                        ret->addrs[ret->count++] = addr;
        }
}

static void remember(struct hf_span host, const struct hf_proxyaddr *found)
{
        struct entry *entry = find(host);

        if (!entry)
                return;
        entry->failed = found->count == 0;
        entry->stale = false;
        entry->when = hf_sys_now();
        if (found->count > 0 || entry->host_len == 0)
                entry->found = *found; /* old addresses are better than none */
        memcpy(entry->host, host.s, host.n);
        entry->host_len = (uint8_t)host.n;
        release(entry);
}

/* What the cache says: 1 and *ret, -EHOSTUNREACH, or 0: look up. */
static int cached(const struct hf_proxy *proxy, int64_t max_age, struct hf_proxyaddr *ret)
{
        struct entry *entry = find(proxy->host);
        int r = 0;

        if (!entry)
                return 0;
        if (entry->host_len > 0) {
                int64_t age = hf_sys_now() - entry->when;

                if (entry->failed && age < FAILED_MS)
                        r = entry->found.count ? 1 : -EHOSTUNREACH;
                else if (!entry->failed && !entry->stale && age < max_age)
                        r = 1;
                if (r == 1)
                        *ret = entry->found;
        }
        release(entry);
        return r;
}

static int look_up(const struct hf_proxy *proxy, struct hf_proxyaddr *ret)
{
        const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
        struct addrinfo *list = NULL;
        struct hf_proxyaddr found = {0};
        int saved_errno = errno;
        char host[HOST_MAX + 1];
        size_t place;
        int r;

        if (proxy->host.n > HOST_MAX)
                return -EHOSTUNREACH;
        memcpy(host, proxy->host.s, proxy->host.n);
        host[proxy->host.n] = '\0';

        place = busy_enter();
        r = hf_real_getaddrinfo(host, NULL, &hints, &list);
        busy_leave(place);
        if (r == 0) {
                collect(list, proxy->port, &found);
                freeaddrinfo(list);
        }
        errno = saved_errno;

        remember(proxy->host, &found);
        if (found.count == 0 && cached(proxy, 0, &found) != 1) {
                hf_log_once(HF_ONCE_PROXY_NAME, HF_LOG_ERROR,
                            "the proxy's own name does not resolve: %S: is its URL right? (an "
                            "address instead of the name needs no look-up)",
                            &proxy->text);
                return -EHOSTUNREACH;
        }
        *ret = found;
        return 0;
}

static bool literal(const struct hf_proxy *proxy, struct hf_proxyaddr *ret)
{
        if (!proxy->addr.family)
                return false;
        ret->count = 1;
        ret->addrs[0] = proxy->addr;
        hf_addrset_add(&hf_proxy_addrs, &proxy->addr, proxy->port);
        return true;
}

bool hf_proxyaddr_known(const struct hf_proxy *proxy, struct hf_proxyaddr *ret)
{
        return literal(proxy, ret) || cached(proxy, INT64_MAX, ret) == 1;
}

int hf_proxyaddr(const struct hf_proxy *proxy, struct hf_proxyaddr *ret)
{
        int r;

        if (literal(proxy, ret))
                return 0;
        r = cached(proxy, INT64_MAX, ret);
        if (r != 0)
                return r < 0 ? r : 0;
        return look_up(proxy, ret);
}

void hf_proxyaddr_refresh(const struct hf_proxy *proxy)
{
        struct hf_proxyaddr found;

        if (!proxy->addr.family && cached(proxy, FRESH_MS, &found) == 0)
                look_up(proxy, &found);
}

void hf_proxyaddr_learn(const struct hf_rules *rules, struct hf_span name,
                        const struct addrinfo *found)
{
        const struct hf_proxy *proxies[] = {rules->https, rules->http, rules->all};

        /* Only into the set of addresses, not into the cache: the program may have asked for one
         * family alone. */
        for (size_t i = 0; i < HF_LEN(proxies); i++) {
                const struct hf_proxy *proxy = proxies[i];
                struct hf_proxyaddr addrs;

                for (; proxy; proxy = proxy->next == proxies[i] ? NULL : proxy->next)
                        if (hf_span_caseeq(proxy->host, name))
                                collect(found, proxy->port, &addrs);
        }
}

void hf_proxyaddr_stale(const struct hf_proxy *proxy)
{
        struct entry *entry;

        if (proxy->addr.family || !(entry = find(proxy->host)))
                return;
        entry->stale = true;
        release(entry);
}
