/* SPDX-License-Identifier: MIT */
#include "local.h"

#define NDOTS_MAX 15 /* glibc's and musl's */

static const char *const domains[] = {"local", "internal",  "svc",      "cluster.local",
                                      "lan",   "home.arpa", "localhost"};

static bool next_line(struct hf_span *rest, struct hf_span *ret_line)
{
        const char *end;

        if (rest->n == 0)
                return false;
        end = memchr(rest->s, '\n', rest->n);
        ret_line->s = rest->s;
        ret_line->n = end ? (size_t)(end - rest->s) : rest->n;
        rest->s += ret_line->n + (end ? 1 : 0);
        rest->n -= ret_line->n + (end ? 1 : 0);
        return true;
}

static bool next_word(struct hf_span *rest, struct hf_span *ret_word)
{
        size_t n = 0;

        while (rest->n > 0 && hf_is_blank(rest->s[0])) {
                rest->s++;
                rest->n--;
        }
        while (n < rest->n && !hf_is_blank(rest->s[n]))
                n++;
        *ret_word = (struct hf_span){rest->s, n};
        rest->s += n;
        rest->n -= n;
        return n > 0;
}

struct hf_span hf_resolv_search(struct hf_span resolv_conf)
{
        struct hf_span found = {0}, line, word;

        while (next_line(&resolv_conf, &line)) {
                if (!next_word(&line, &word))
                        continue;
                if (hf_span_eq(word, HF_SPAN("search"))) {
                        found = hf_span_trim(line);
                } else if (hf_span_eq(word, HF_SPAN("domain")) && next_word(&line, &word)) {
                        found = word;
                }
        }
        return found;
}

unsigned hf_resolv_ndots(struct hf_span resolv_conf)
{
        static const char option[] = "ndots:";
        const size_t len = sizeof option - 1;
        struct hf_span line, word;
        unsigned ndots = 1;

        while (next_line(&resolv_conf, &line)) {
                if (!next_word(&line, &word) || !hf_span_eq(word, HF_SPAN("options")))
                        continue;
                while (next_word(&line, &word)) {
                        long value;

                        if (word.n <= len || memcmp(word.s, option, len))
                                continue;
                        value = hf_parse_uint((struct hf_span){word.s + len, word.n - len}, 1000);
                        if (value >= 0)
                                ndots = value > NDOTS_MAX ? NDOTS_MAX : (unsigned)value;
                }
        }
        return ndots;
}

bool hf_resolv_next(struct hf_span *rest, struct hf_span *ret_suffix)
{
        struct hf_span word;

        while (next_word(rest, &word)) {
                while (word.n > 0 && word.s[0] == '.') {
                        word.s++;
                        word.n--;
                }
                while (word.n > 0 && word.s[word.n - 1] == '.')
                        word.n--;
                if (word.n > 0) {
                        *ret_suffix = word;
                        return true;
                }
        }
        return false;
}

/* Strictly below it: NAME ends in a dot and SUFFIX. */
static bool is_below(struct hf_span name, struct hf_span suffix)
{
        size_t before;

        if (name.n < suffix.n + 2)
                return false;
        before = name.n - suffix.n;
        return name.s[before - 1] == '.' &&
               hf_span_caseeq((struct hf_span){name.s + before, suffix.n}, suffix);
}

bool hf_local_name(struct hf_span search, struct hf_span name)
{
        struct hf_span suffix;

        for (size_t i = 0; i < HF_LEN(domains); i++)
                if (is_below(name, hf_span(domains[i])))
                        return true;
        while (search.s && hf_resolv_next(&search, &suffix))
                if (memchr(suffix.s, '.', suffix.n) &&
                    (is_below(name, suffix) || hf_span_caseeq(name, suffix)))
                        return true;
        return false;
}

void hf_local_put_domains(struct hf_out *out)
{
        for (size_t i = 0; i < HF_LEN(domains); i++) {
                hf_out_put(out, HF_SPAN(",."));
                hf_out_put(out, hf_span(domains[i]));
        }
}

static bool line_has(struct hf_span line, struct hf_span name)
{
        struct hf_span word;

        while (next_word(&line, &word)) {
                if (word.s[word.n - 1] == '.')
                        word.n--;
                if (hf_span_caseeq(word, name))
                        return true;
        }
        return false;
}

/* The next line with an address: that, and the names. */
static bool next_host(struct hf_span *rest, struct hf_addr *ret_addr, struct hf_span *ret_names)
{
        struct hf_span line, word;

        while (next_line(rest, &line)) {
                const char *hash = line.n > 0 ? memchr(line.s, '#', line.n) : NULL;

                if (hash)
                        line.n = (size_t)(hash - line.s);
                if (next_word(&line, &word) && hf_addr_parse(word, ret_addr)) {
                        *ret_names = line;
                        return true;
                }
        }
        return false;
}

bool hf_hosts_next(struct hf_span *rest, struct hf_span name, struct hf_addr *ret_addr)
{
        struct hf_span names;
        struct hf_addr addr;

        while (next_host(rest, &addr, &names))
                if (line_has(names, name)) {
                        *ret_addr = addr;
                        return true;
                }
        return false;
}

bool hf_hosts_has(struct hf_span hosts, const struct hf_addr *addr)
{
        struct hf_span names, word;
        struct hf_addr seen;

        while (next_host(&hosts, &seen, &names))
                if (hf_addr_eq(&seen, addr) && next_word(&names, &word))
                        return true;
        return false;
}
