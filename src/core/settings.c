/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <errno.h>

#define TIMEOUT_DEFAULT_MS 30000
#define TIMEOUT_MAX_S 86400

static bool is(const char *value, const char *word)
{
        return hf_span_caseeq(hf_span_trim(hf_span(value)), hf_span(word));
}

bool hf_settings_true(const char *value)
{
        struct hf_span v = hf_span(value);

        return value && (hf_span_caseeq(v, HF_SPAN("1")) || hf_span_caseeq(v, HF_SPAN("on")) ||
                         hf_span_caseeq(v, HF_SPAN("yes")) || hf_span_caseeq(v, HF_SPAN("true")));
}

static bool is_false(const char *value)
{
        return is(value, "0") || is(value, "off") || is(value, "no") || is(value, "false");
}

/* Decimal seconds ("2", "0.25", ".5") as milliseconds, rounded up so that no positive number
 * becomes 0; -EINVAL for anything else. No strtod: it follows the program's locale. */
static int64_t read_seconds(struct hf_span text)
{
        const char *dot = memchr(text.s, '.', text.n);
        size_t whole = dot ? (size_t)(dot - text.s) : text.n;
        int64_t ms = 0;
        int64_t unit = 100;
        bool rest = false;

        if (text.n == 0 || text.n > 32 || (dot && text.n == 1))
                return -EINVAL;
        if (whole > 0) {
                long s = hf_parse_uint((struct hf_span){text.s, whole}, TIMEOUT_MAX_S);

                if (s < 0)
                        return -EINVAL;
                ms = s * 1000;
        }
        for (size_t i = whole + 1; i < text.n; i++) {
                if (!hf_is_digit(text.s[i]))
                        return -EINVAL;
                ms += (text.s[i] - '0') * unit;
                rest = rest || (unit == 0 && text.s[i] != '0');
                unit /= 10;
        }
        ms += rest;
        return ms > 0 && ms <= TIMEOUT_MAX_S * 1000 ? ms : -EINVAL;
}

/* The index of VALUE among WORDS (NULL-terminated); the default when it is unset or empty, and
 * with a bit in *BAD when it is none of them. */
static unsigned read_word(const char *const values[], enum hf_var var, const char *const words[],
                          unsigned otherwise, uint64_t *bad)
{
        const char *value = values[var];

        if (!value || !*value)
                return otherwise;
        for (unsigned i = 0; words[i]; i++)
                if (is(value, words[i]))
                        return i;
        *bad |= UINT64_C(1) << var;
        return otherwise;
}

void hf_settings_read(const char *const values[HF_VARS], struct hf_settings *ret)
{
        static const char *const prefer[] = {"live", "lower", "upper", "keep", NULL};
        static const char *const tunnel[] = {"off", "on", "strict", NULL};
        static const char *const socks[] = {"bridge", "env", NULL};
        static const char *const dns[] = {"proxy", "local", NULL};
        static const char *const io_uring[] = {"refuse", "allow", NULL};
        static const char *const levels[] = {"error", "warn", "info", "debug", NULL};
        struct hf_settings s = {.timeout_ms = TIMEOUT_DEFAULT_MS};
        const char *value;

        s.prefer = (enum hf_prefer)read_word(values, HF_VAR_HFPROXY_PREFER, prefer, HF_PREFER_LIVE,
                                             &s.bad);
        s.tunnel = (enum hf_tunnel_mode)read_word(values, HF_VAR_HFPROXY_TUNNEL, tunnel,
                                                  HF_TUNNEL_ON, &s.bad);
        s.socks_env = read_word(values, HF_VAR_HFPROXY_SOCKS, socks, 0, &s.bad);
        s.dns_local = read_word(values, HF_VAR_HFPROXY_DNS, dns, 0, &s.bad);
        s.io_uring = read_word(values, HF_VAR_HFPROXY_IO_URING, io_uring, 0, &s.bad);
        s.log_level = (uint8_t)read_word(values, HF_VAR_HFPROXY_LOG_LEVEL, levels, 2, &s.bad);

        value = values[HF_VAR_HFPROXY_TIMEOUT];
        if (value && *value) {
                int64_t ms = read_seconds(hf_span_trim(hf_span(value)));

                if (ms > 0)
                        s.timeout_ms = ms;
                else
                        s.bad |= UINT64_C(1) << HF_VAR_HFPROXY_TIMEOUT;
        }

        value = values[HF_VAR_HFPROXY_DISABLE_XET];
        s.disable_xet = hf_settings_true(value);
        if (value && *value && !s.disable_xet && !is_false(value))
                s.bad |= UINT64_C(1) << HF_VAR_HFPROXY_DISABLE_XET;

        value = values[HF_VAR_HFPROXY_LOG];
        if (value && *value)
                s.log = hf_span(value);

        value = values[HF_VAR_HFPROXY_ONLY];
        if (value && *value)
                s.only = hf_span(value);
        *ret = s;
}

const char *hf_settings_expects(enum hf_var var)
{
        if (var == HF_VAR_HFPROXY_PREFER)
                return "lower, upper or keep";
        if (var == HF_VAR_HFPROXY_TUNNEL)
                return "on, off or strict";
        if (var == HF_VAR_HFPROXY_SOCKS)
                return "bridge or env";
        if (var == HF_VAR_HFPROXY_DNS)
                return "proxy or local";
        if (var == HF_VAR_HFPROXY_IO_URING)
                return "allow or refuse";
        if (var == HF_VAR_HFPROXY_TIMEOUT)
                return "a number of seconds above 0, at most 86400";
        if (var == HF_VAR_HFPROXY_LOG_LEVEL)
                return "error, warn, info or debug";
        if (var == HF_VAR_HFPROXY_DISABLE_XET)
                return "1 or 0";
        if (var == HF_VAR_HFPROXY_CA_BUNDLE)
                return "a file that can be read";
        return "a proxy URL such as http://proxy:3128";
}
