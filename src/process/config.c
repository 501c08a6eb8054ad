/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "env.h"
#include "log.h"
#include "self.h"
#include "sys.h"

#include "core/base64.h"

#define CONFIGS_MAX 64

struct hf_addrset hf_direct_addrs, hf_proxy_addrs;

_Atomic(bool) hf_config_is_strict;
static _Atomic(const struct hf_config *) current;
static _Atomic(const struct hf_config *) made[CONFIGS_MAX];

const struct hf_config *hf_config(void)
{
        return atomic_load_explicit(&current, memory_order_acquire);
}

/* Everything that a snapshot is made from; also what tells two of them apart. */
struct source {
        const char *proxy[HF_PAIR_FTP]; /* http, https, all; "" where there is none */
        const char *no_proxy;
        const char *endpoint;
        const char *list; /* HFPROXY_URL where it governs; "" elsewhere */
        unsigned by_list; /* bit p: pair p is the list's first */
        const char *only; /* HFPROXY_ONLY; "" where there is none */
        int64_t timeout_ms;
        bool io_uring_allowed;
        bool dns_local;
        bool strict;
        unsigned lost; /* bit p: what pair p holds cannot be read, and under `strict` that counts */
};

static void put_key(struct hf_out *out, const void *arg)
{
        const struct source *source = arg;
        const char *texts[] = {source->proxy[HF_PAIR_HTTP],
                               source->proxy[HF_PAIR_HTTPS],
                               source->proxy[HF_PAIR_ALL],
                               source->no_proxy,
                               source->endpoint,
                               source->list,
                               source->only};

        for (size_t i = 0; i < HF_LEN(texts); i++) {
                hf_out_put(out, hf_span(texts[i]));
                hf_out_char(out, '\0');
        }
        hf_out_uint(out, (unsigned long)source->timeout_ms);
        hf_out_char(out, source->io_uring_allowed ? 'u' : '-');
        hf_out_char(out, source->dns_local ? 'l' : '-');
        hf_out_uint(out, source->by_list);
        hf_out_char(out, source->strict ? 's' : '-');
        hf_out_uint(out, source->lost);
}

static void put_credentials(struct hf_out *out, const void *url)
{
        hf_url_put_credentials(out, url);
}

static void put_decoded(struct hf_out *out, const void *text)
{
        hf_url_put_decoded(out, *(const struct hf_span *)text);
}

static void put_auth(struct hf_out *out, const void *credentials)
{
        hf_out_put(out, HF_SPAN("Proxy-Authorization: Basic "));
        hf_base64_put(out, *(const struct hf_span *)credentials);
        hf_out_put(out, HF_SPAN("\r\n"));
}

static void put_public(struct hf_out *out, const void *url)
{
        hf_url_put_public(out, url);
}

static struct hf_span interned(struct hf_arena *arena, hf_compose *compose, const void *arg)
{
        const char *text = hf_arena_intern(arena, compose, arg);
        struct hf_out out = hf_out_count();

        if (!text)
                return HF_SPAN("");
        compose(&out, arg); /* there may be a NUL in it */
        return (struct hf_span){text, out.len};
}

/* TEXT lies in the snapshot's own memory, and so do the spans into it. */
static const struct hf_proxy *read_proxy(struct hf_arena *arena, struct hf_span text,
                                         struct hf_proxy *ret)
{
        struct hf_url url;

        if (hf_url_parse(text, &url) < 0)
                return NULL;
        *ret = (struct hf_proxy){.scheme = url.scheme};
        ret->port = url.port;
        ret->host = url.host;
        if (!hf_addr_parse(url.host, &ret->addr))
                ret->addr.family = 0;
        ret->text = interned(arena, put_public, &url);
        if (url.user.s && hf_scheme_is_socks(url.scheme)) {
                ret->user = interned(arena, put_decoded, &url.user);
                ret->pass = interned(arena, put_decoded, &url.pass);
        } else if (url.user.s) {
                struct hf_span credentials = interned(arena, put_credentials, &url);

                ret->auth = interned(arena, put_auth, &credentials);
        }
        return ret;
}

/* The proxies that HFPROXY_URL lists, as far as we speak to them, as a ring. The first; NULL: there
 * are not two of them. */
static const struct hf_proxy *read_list(struct hf_arena *arena, const char *text,
                                        struct hf_proxy *list)
{
        struct hf_span rest = hf_url_list(hf_span(text)), entry;
        size_t n = 0;

        while (n < HF_PROXY_LIST_MAX && hf_url_list_next(&rest, &entry))
                if (read_proxy(arena, entry, &list[n]) && hf_scheme_is_spoken(list[n].scheme))
                        n++;
        for (size_t i = 0; i < n; i++)
                list[i].next = &list[(i + 1) % n];
        return n > 1 ? list : NULL;
}

/* The host and port of HF_ENDPOINT, where it names a port. Other URLs than http(s) do not count. */
static void read_endpoint(struct hf_rules *rules, const char *text)
{
        struct hf_span rest = hf_span_trim(hf_span(text));
        struct hf_url url;

        rules->endpoint_tls =
                rest.n > 8 && hf_span_caseeq((struct hf_span){rest.s, 8}, HF_SPAN("https://"));
        if (!rules->endpoint_tls &&
            !(rest.n > 7 && hf_span_caseeq((struct hf_span){rest.s, 7}, HF_SPAN("http://"))))
                return;
        if (hf_url_parse(rest, &url) < 0 || url.port == (rules->endpoint_tls ? 443 : 80))
                return;
        rules->endpoint_host = url.host;
        rules->endpoint_port = url.port;
}

/* The structure and behind it the slots of no_proxy's index and, in an arena of exactly known worst
 * size, every text it points to. */
static struct hf_config *build(const struct source *source, const struct hf_out *key)
{
        size_t texts = 8 * key->len + 4096;
        size_t slots = hf_noproxy_index_slots(hf_span(source->no_proxy));
        size_t index = slots * sizeof(struct hf_noproxy_slot);
        size_t size = sizeof(struct hf_config) + index + texts;
        struct hf_config *config = hf_sys_map(size);

        if (!config)
                return NULL;

        struct hf_arena arena = {.base = (char *)(config + 1) + index, .size = texts};
        struct hf_rules *rules = &config->rules;
        char *own = (char *)(uintptr_t)hf_arena_intern(&arena, put_key, source);

        if (!own) {
                hf_sys_unmap(config, size);
                return NULL;
        }
        config->key = own;
        config->key_len = key->len;
        config->hash = key->hash;
        config->timeout_ms = source->timeout_ms;
        config->io_uring_allowed = source->io_uring_allowed;
        config->dns_local = source->dns_local;

        const char *text[7]; /* in the order of put_key() */
        for (size_t i = 0; i < HF_LEN(text); i++) {
                text[i] = own;
                own += strlen(own) + 1;
        }
        rules->http = read_proxy(&arena, hf_span(text[0]), &config->http);
        rules->https = read_proxy(&arena, hf_span(text[1]), &config->https);
        rules->all = read_proxy(&arena, hf_span(text[2]), &config->all);

        const struct hf_proxy *list = read_list(&arena, text[5], config->list);
        if (list && source->by_list & 1u << HF_PAIR_HTTP)
                rules->http = list;
        if (list && source->by_list & 1u << HF_PAIR_HTTPS)
                rules->https = list;
        if (list && source->by_list & 1u << HF_PAIR_ALL)
                rules->all = list;
        rules->no_proxy = hf_span(text[3]);
        if (hf_noproxy_index_make(&config->no_proxy_index, rules->no_proxy,
                                  (struct hf_noproxy_slot *)(config + 1), slots))
                rules->no_proxy_index = &config->no_proxy_index;
        read_endpoint(rules, text[4]);
        if (*text[6])
                rules->only = hf_span(text[6]);
        rules->strict = source->strict;
        rules->http_lost = source->lost & 1U << HF_PAIR_HTTP;
        rules->https_lost = source->lost & 1U << HF_PAIR_HTTPS;
        rules->self = hf_self();
        rules->direct = &hf_direct_addrs;
        rules->proxies = &hf_proxy_addrs;
        return config;
}

/* The snapshot of SOURCE: one that exists, or a new one; NULL: 64 different ones exist already. */
static const struct hf_config *intern(const struct source *source)
{
        struct hf_out key = hf_out_count();
        struct hf_config *fresh = NULL;

        put_key(&key, source);
        for (unsigned i = 0; i < CONFIGS_MAX; i++) {
                const struct hf_config *seen = atomic_load_explicit(&made[i], memory_order_acquire);

                if (!seen) {
                        if (!fresh)
                                fresh = build(source, &key);
                        if (!fresh)
                                return NULL;
                        if (atomic_compare_exchange_strong(&made[i], &seen, fresh))
                                return fresh;
                }
                if (seen->hash == key.hash && seen->key_len == key.len) {
                        struct hf_out out =
                                hf_out_compare((struct hf_span){seen->key, seen->key_len});

                        put_key(&out, source);
                        if (hf_out_matched(&out))
                                return seen; /* `fresh`, if a racing thread was faster, is lost */
                }
        }
        return NULL;
}

/* Bit p: pair p was set to something that is no proxy's URL, and nothing else that the user wrote
 * serves in its place. HFPROXY_URL stands for all of them. */
static unsigned lost_pairs(const char *const values[HF_VARS], const struct hf_view *view)
{
        unsigned lost = view->url_unreadable ? (1U << HF_PAIR_FTP) - 1 : 0;

        for (int v = 0; v < 2 * HF_PAIR_FTP; v++) {
                const char *twin = view->before[v ^ 1];
                bool twin_serves = twin && *twin && !(view->unreadable & UINT32_C(1) << (v ^ 1));

                /* (A web client sets HTTP_PROXY in a CGI program.) */
                if (view->unreadable & UINT32_C(1) << v && !twin_serves &&
                    !(view->by_url & 1U << v / 2) &&
                    !(v == HF_VAR_HTTP_PROXY && values[HF_VAR_REQUEST_METHOD]))
                        lost |= 1U << v / 2;
        }
        return lost;
}

static void compute(void)
{
        const char *values[HF_VARS];
        struct hf_settings settings;
        struct hf_facts facts = {0};
        struct hf_arena arena;
        struct hf_view view;

        hf_env_collect(values);
        hf_settings_read(values, &settings);
        bool strict = settings.tunnel == HF_TUNNEL_STRICT;
        if (settings.tunnel == HF_TUNNEL_OFF || (!strict && !hf_view_wants_self(values))) {
                atomic_store_explicit(&current, NULL, memory_order_release);
                return;
        }
        if (!hf_env_map_arena(&arena))
                return;
        hf_view(values, &settings, &facts, &arena, &view);

        const char *endpoint = values[HF_VAR_HF_ENDPOINT];
        struct source source = {.no_proxy = view.no_proxy ? view.no_proxy : "",
                                .endpoint = endpoint ? endpoint : "",
                                .list = view.by_url && view.url ? view.url : "",
                                .by_list = view.by_url,
                                .only = settings.only.s ? settings.only.s : "",
                                .timeout_ms = settings.timeout_ms,
                                .io_uring_allowed = settings.io_uring,
                                .dns_local = settings.dns_local && !strict,
                                .strict = strict,
                                .lost = strict ? lost_pairs(values, &view) : 0};
        bool any = strict;

        for (int p = 0; p < HF_PAIR_FTP; p++) {
                bool has = view.proxy[p] && !(source.lost & 1U << p);

                source.proxy[p] = has ? view.proxy[p] : "";
                any = any || has;
        }
        if (any) {
                const struct hf_config *config = intern(&source);

                if (config) {
                        atomic_store_explicit(&current, config, memory_order_release);
                        atomic_store_explicit(&hf_config_is_strict, strict, memory_order_relaxed);
                } else
                        hf_log_once(
                                HF_ONCE_CONFIGS, HF_LOG_WARN,
                                "the proxy set-up changed too often: later changes are ignored");
        } else {
                atomic_store_explicit(&current, NULL, memory_order_release);
        }
        hf_env_unmap_arena(&arena);
}

void hf_config_refresh(void)
{
        static _Atomic(unsigned) changes;
        unsigned seen = atomic_fetch_add(&changes, 1) + 1;

        /* Two threads may come here at once and finish in either order: whoever was overtaken while
         * it computed computes again, so the last word is made from the last state. */
        for (;;) {
                compute();
                unsigned now = atomic_load(&changes);
                if (now == seen)
                        return;
                seen = now;
        }
}
