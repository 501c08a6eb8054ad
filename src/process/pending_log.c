/* SPDX-License-Identifier: MIT */
/* What the log says about the end of a handshake: a line for each connection at info, and for each
 * kind of refusal, once a process, what the user can do about it. */
#include "pending_record.h"

#include "log.h"
#include "sys.h"

/* The destination, "host:port", in BUF. */
static struct hf_span target(const struct hf_pending *record, char buf[HF_HANDSHAKE_TARGET_MAX])
{
        struct hf_out out = hf_out_write(buf, HF_HANDSHAKE_TARGET_MAX);

        hf_handshake_put_target(&out, &record->machine);
        return (struct hf_span){buf, out.len};
}

static const char *error_name(int error)
{
        switch (error) {
        case EACCES:
                return "EACCES";
        case EAFNOSUPPORT:
                return "EAFNOSUPPORT";
        case ECONNREFUSED:
                return "ECONNREFUSED";
        case ECONNRESET:
                return "ECONNRESET";
        case EHOSTUNREACH:
                return "EHOSTUNREACH";
        case ENETUNREACH:
                return "ENETUNREACH";
        case EOPNOTSUPP:
                return "EOPNOTSUPP";
        case ETIMEDOUT:
                return "ETIMEDOUT";
        default:
                return "errno";
        }
}

static bool offers(const char *schemes, const char *scheme)
{
        struct hf_span wanted = hf_span(scheme);

        for (size_t i = 0; schemes[i]; i++)
                if ((i == 0 || schemes[i - 1] == ' ') && strlen(schemes + i) >= wanted.n &&
                    hf_span_caseeq((struct hf_span){schemes + i, wanted.n}, wanted))
                        return true;
        return false;
}

/* 407, and 401, as tinyproxy says it. */
static void advise_login(const struct hf_pending *record)
{
        const struct hf_span *proxy = &record->proxy->text;
        int status = record->machine.http.status;
        const char *schemes = record->machine.http.schemes;

        if (schemes[0] && !offers(schemes, "Basic"))
                hf_log_once(
                        HF_ONCE_407, HF_LOG_ERROR,
                        "%S wants a log-in (%d) by %s: only Basic, with the name and password of "
                        "the proxy's URL, is supported here; run px or cntlm on this machine and "
                        "give its address as the proxy",
                        proxy, status, schemes);
        else if (record->proxy->auth.n > 0)
                hf_log_once(HF_ONCE_407, HF_LOG_ERROR,
                            "%S refuses the name and password of its URL (%d)", proxy, status);
        else
                hf_log_once(HF_ONCE_407, HF_LOG_ERROR,
                            "%S wants a name and a password (%d): write them into the proxy's URL, "
                            "http://name:password@host:port",
                            proxy, status);
}

static void advise_status(const struct hf_pending *record, const struct hf_span *dest)
{
        const struct hf_span *proxy = &record->proxy->text;
        int status = record->machine.http.status;

        if (status == 407 || status == 401)
                advise_login(record);
        else if (status == 403 && record->port != 443)
                hf_log_once(
                        HF_ONCE_403, HF_LOG_ERROR,
                        "%S does not let us through to %S (403): many proxies refuse CONNECT to "
                        "ports other than 443",
                        proxy, dest);
        else if (status == 403)
                hf_log_once(HF_ONCE_403, HF_LOG_ERROR,
                            "%S does not let us through to %S (403): its rules forbid that host",
                            proxy, dest);
        else if (status == 500 || (status >= 502 && status <= 504)) /* squid and tinyproxy: 500 */
                hf_log_once(HF_ONCE_5XX, HF_LOG_ERROR,
                            "%S cannot reach %S (%d): it is the proxy that looks the name up and "
                            "connects",
                            proxy, dest, status);
        else
                hf_log_once(HF_ONCE_STATUS, HF_LOG_ERROR,
                            "%S answers CONNECT %S with %d: is it an HTTP proxy, and does it allow "
                            "CONNECT?",
                            proxy, dest, status);
}

static void advise_socks(const struct hf_pending *record, const struct hf_span *dest)
{
        const struct hf_span *proxy = &record->proxy->text;
        const struct hf_socks *socks = &record->machine.socks;
        unsigned code = socks->code % 90; /* SOCKS4 counts from there */

        if (socks->refusal == HF_SOCKS_LOGIN)
                hf_log_once(HF_ONCE_407, HF_LOG_ERROR,
                            "%S refuses the name and password of its URL", proxy);
        else if (socks->refusal == HF_SOCKS_METHOD && socks->user.s)
                hf_log_once(HF_ONCE_407, HF_LOG_ERROR,
                            "%S wants another log-in than name and password, which is all that is "
                            "supported here",
                            proxy);
        else if (socks->refusal == HF_SOCKS_METHOD)
                hf_log_once(HF_ONCE_407, HF_LOG_ERROR,
                            "%S wants a name and a password: write them into the proxy's URL, "
                            "socks5h://name:password@host:port",
                            proxy);
        else
                hf_log_once(HF_ONCE_SOCKS_REPLY + (code <= 8 ? code : 0), HF_LOG_ERROR,
                            "%S does not let us through to %S: %s (SOCKS reply %d)", proxy, dest,
                            hf_socks_reply_text(socks), (int)socks->code);
}

/* Is ERROR what the proxy said, and not that it fell silent behind it? */
static bool is_said(const struct hf_pending *record, int error)
{
        const struct hf_handshake *m = &record->machine;

        if (m->is_socks)
                return m->socks.refusal != HF_SOCKS_NONE;
        return m->http.status && m->http.status / 100 != 2 && error != ECONNRESET &&
               !(error == ETIMEDOUT && m->http.status != 504);
}

static void advise(const struct hf_pending *record, int error, const struct hf_span *dest)
{
        const struct hf_span *proxy = &record->proxy->text;
        bool is_socks = record->machine.is_socks;
        unsigned long ms = (unsigned long)(hf_sys_now() - record->since);

        if (record->phase == HF_PENDING_CONNECTING && error == ETIMEDOUT)
                hf_log_once(HF_ONCE_UNREACHABLE, HF_LOG_ERROR,
                            "%S does not answer, %u ms were given: is its address right?", proxy,
                            ms);
        else if (record->phase == HF_PENDING_CONNECTING && error != ECONNRESET)
                hf_log_once(HF_ONCE_UNREACHABLE, HF_LOG_ERROR,
                            "%S cannot be reached (%s): is the proxy running, and is its address "
                            "right?",
                            proxy, error_name(error));
        else if (is_said(record, error) && is_socks)
                advise_socks(record, dest);
        else if (is_said(record, error))
                advise_status(record, dest);
        else if (error == ECONNREFUSED)
                hf_log_once(HF_ONCE_GARBAGE, HF_LOG_ERROR,
                            "%S does not answer as %s proxy does: is that port %s, or TLS?", proxy,
                            is_socks ? "such a SOCKS" : "an HTTP", is_socks ? "HTTP" : "SOCKS");
        else if (error == ETIMEDOUT)
                hf_log_once(HF_ONCE_TIMEOUT, HF_LOG_ERROR,
                            "%S takes the connection but gave no answer for %S in %u ms "
                            "(HFPROXY_TIMEOUT)",
                            proxy, dest, ms);
        else
                hf_log_once(
                        HF_ONCE_RESET, HF_LOG_ERROR,
                        "%S closes the connection instead of answering: is it %s proxy, and may "
                        "this machine use it?",
                        proxy, is_socks ? "such a SOCKS" : "an HTTP");
}

void hf_pending_log(const struct hf_pending *record, int result)
{
        const struct hf_span *proxy = &record->proxy->text;
        char buf[HF_HANDSHAKE_TARGET_MAX];
        struct hf_span dest;
        unsigned long ms;
        int said;

        if (!hf_log_on(HF_LOG_ERROR))
                return;
        dest = target(record, buf);
        ms = (unsigned long)(hf_sys_now() - record->since);
        if (result == 0) {
                hf_log(HF_LOG_INFO, "%S via %S: connected in %u ms", &dest, proxy, ms);
                return;
        }
        said = hf_handshake_said(&record->machine);
        if (said)
                hf_log(HF_LOG_INFO, "%S via %S: failed in %u ms: %s %d, the proxy said %d", &dest,
                       proxy, ms, error_name(-result), -result, said);
        else
                hf_log(HF_LOG_INFO, "%S via %S: failed in %u ms: %s %d", &dest, proxy, ms,
                       error_name(-result), -result);
        advise(record, -result, &dest);
}

void hf_pending_log_unsuitable(const struct hf_proxy *proxy, int error)
{
        if (error == -EAFNOSUPPORT) {
                hf_log_once(HF_ONCE_UNSUITABLE, HF_LOG_ERROR,
                            "%S: SOCKS4 has no room for an IPv6 address: is the proxy SOCKS5 too? "
                            "then say socks5h://",
                            &proxy->text);
        } else if (!hf_handshake_can_log_in(proxy)) {
                hf_log_once(HF_ONCE_UNSUITABLE, HF_LOG_ERROR,
                            "%S: SOCKS has no room for a name or a password of over 255 bytes%s",
                            &proxy->text,
                            proxy->scheme < HF_SCHEME_SOCKS5 ? ", nor SOCKS4 for a NUL" : "");
        }
}
