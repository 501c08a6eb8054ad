/* SPDX-License-Identifier: MIT */
#include "mirror_job.h"

#include "compose.h"
#include "state.h"
#include "url.h"

/* --- composed values ------------------------------------------------------------------------ */

const char *hf_mirror_composed(struct hf_mirror_job *job, hf_compose *compose, const void *arg,
                               const char *raw, enum hf_var var)
{
        struct hf_out out = raw ? hf_out_compare(hf_span(raw)) : hf_out_count();
        const char *text;

        /* The raw value first: a megabyte is not worth a look. */
        if (out.cap <= HF_VALUE_MAX) {
                compose(&out, arg);
                if (raw && hf_out_matched(&out))
                        return raw;
        }
        if (out.cap > HF_VALUE_MAX || out.len > HF_VALUE_MAX) {
                job->view->unmended |= UINT32_C(1) << var;
                return raw;
        }
        text = hf_arena_intern(job->arena, compose, arg);
        return text ? text : raw;
}

/* --- before --------------------------------------------------------------------------------- */

/* What was hidden may have been put back by exec, or not. */
static bool is_as_left(const char *now, const struct hf_record *r)
{
        if (!now)
                return !r->was_set || r->flags & HF_STATE_HIDDEN;
        return r->was_set && hf_hash(hf_span(now)) == r->hash;
}

static void recover(struct hf_mirror_job *job)
{
        struct hf_view *view = job->view;
        struct hf_span records = hf_state_check(job->values[HF_VAR_HFPROXY_STATE]);
        struct hf_record r;

        if (hf_state_find(records, HF_VAR_HFPROXY_STATE, &r))
                view->heard = r.hash;
        job->url_is_new = view->url && !(hf_state_find(records, HF_VAR_HFPROXY_URL, &r) &&
                                         r.hash == hf_hash(hf_span(view->url)));

        for (int v = 0; v < HF_VARS_MANAGED; v++) {
                const char *now = job->values[v];

                view->before[v] = now;
                view->flags[v] = 0;
                job->age[v] = HF_AGE_OLD;
                if (records.n == 0 || !hf_state_find(records, (enum hf_var)v, &r))
                        continue;
                /* Somebody took it away, exec perhaps (stale.h): of a pair nothing needs to be said
                 * of that, but where HFPROXY_URL would fill it again. */
                if (!now && v < 2 * HF_PAIRS && hf_record_is_made(&r) && !view->url)
                        continue;
                if (!is_as_left(now, &r)) {
                        view->flags[v] = HF_STATE_NEWEST;
                        job->age[v] = HF_AGE_NOW;
                        continue;
                }
                view->flags[v] = (uint8_t)(r.flags & (HF_STATE_NEWEST | HF_STATE_UPPER));
                job->age[v] = r.flags & HF_STATE_NEWEST ? HF_AGE_NEWEST : HF_AGE_OLD;
                if (r.before.s) {
                        const char *text =
                                hf_arena_intern(job->arena, hf_compose_decoded, &r.before);

                        view->before[v] = text ? text : now;
                        if (v < 2 * HF_PAIRS)
                                job->decided |= (uint8_t)(1u << (v / 2));
                } else if (!(r.flags & HF_STATE_SAME)) {
                        view->before[v] = NULL;
                }
        }
}

/* --- pairs ---------------------------------------------------------------------------------- */

/* What is left of a pair once damaged and outdated values are gone. */
struct pair {
        const char *lower, *upper; /* NULL: unset, unreadable, or outdated */
        bool newest;               /* one of them is the user's newest word */
        bool off;                  /* the user took both away after us */
};

static const char *readable(struct hf_mirror_job *job, enum hf_var var)
{
        const char *text = job->view->before[var];
        struct hf_url url;

        if (!hf_mirror_nonempty(text) || var >= HF_VAR_no_proxy ||
            hf_url_parse(hf_span(text), &url) == 0)
                return text;
        job->view->unreadable |= UINT32_C(1) << var;
        return NULL;
}

static struct pair read_pair(struct hf_mirror_job *job, enum hf_pair p)
{
        struct hf_view *view = job->view;
        enum hf_var lo = (enum hf_var)(2 * p), up = (enum hf_var)(2 * p + 1);
        struct pair pair = {readable(job, lo), readable(job, up), false, false};
        unsigned lo_age = job->age[lo], up_age = job->age[up];

        /* HTTP_PROXY in a CGI program is a request header that anybody can send
         * (httpoxy, CVE-2016-5385): it does not exist for us. */
        if (job->cgi && p == HF_PAIR_HTTP) {
                pair.upper = NULL;
                up_age = HF_AGE_OLD;
        }
        pair.off = lo_age && up_age && !view->before[lo] && !view->before[up];

        /* The newer word makes the older one of its pair obsolete, for good. */
        if (lo_age > up_age && pair.lower && pair.upper) {
                pair.upper = view->before[up] = NULL;
                view->flags[up] = 0;
                up_age = HF_AGE_OLD;
        } else if (up_age > lo_age && pair.upper && pair.lower) {
                pair.lower = view->before[lo] = NULL;
                view->flags[lo] = 0;
                lo_age = HF_AGE_OLD;
        }
        pair.newest = (lo_age && pair.lower) || (up_age && pair.upper);
        if (job->url_is_new && p < HF_PAIR_FTP) {
                pair.newest = pair.off = false;
                view->flags[lo] = view->flags[up] = 0;
        }
        return pair;
}

/* Both are set, to different things. */
static bool choose_upper(struct hf_mirror_job *job, enum hf_pair p)
{
        struct hf_view *view = job->view;
        bool earlier = view->flags[2 * p] & HF_STATE_UPPER;
        bool upper = job->settings->prefer == HF_PREFER_UPPER;

        view->conflicts |= 1u << p;
        if (job->settings->prefer == HF_PREFER_LIVE && p < HF_PAIR_NO) {
                bool open = !earlier && !(job->decided & 1u << p);

                if (open)
                        view->undecided |= 1u << p;
                upper = earlier || (open && job->facts->upper_lives & 1u << p);
                if (upper)
                        view->flags[2 * p] |= HF_STATE_UPPER;
        }
        return upper;
}

static bool same_value(struct hf_mirror_job *job, enum hf_pair p, const struct pair *pair)
{
        hf_compose *mend = p == HF_PAIR_NO ? hf_compose_mended_list : hf_compose_mended_url;
        const char *lower =
                hf_mirror_composed(job, mend, pair->lower, pair->lower, (enum hf_var)(2 * p));
        const char *upper =
                hf_mirror_composed(job, mend, pair->upper, pair->upper, (enum hf_var)(2 * p + 1));

        return !strcmp(lower, upper);
}

/* Which text serves both spellings; NULL: none does (neither is set, or both stay as they
 * are, see *RET_KEEP). */
static const char *choose(struct hf_mirror_job *job, enum hf_pair p, const struct pair *pair,
                          bool *ret_keep)
{
        *ret_keep = false;
        if (!hf_mirror_nonempty(pair->lower))
                return hf_mirror_nonempty(pair->upper) ? pair->upper : NULL;
        if (!hf_mirror_nonempty(pair->upper) || same_value(job, p, pair))
                return pair->lower;
        if (job->settings->prefer == HF_PREFER_KEEP) {
                job->view->conflicts |= 1u << p;
                *ret_keep = true;
                return NULL;
        }
        return choose_upper(job, p) ? pair->upper : pair->lower;
}

static void set_both(struct hf_view *view, enum hf_pair p, const char *text)
{
        view->value[2 * p] = view->value[2 * p + 1] = text;
}

static void set_raw(struct hf_mirror_job *job, enum hf_pair p, const char *lower, const char *upper)
{
        job->raw[2 * p] = lower;
        job->raw[2 * p + 1] = upper;
}

static void do_proxy_pair(struct hf_mirror_job *job, enum hf_pair p)
{
        struct hf_view *view = job->view;
        enum hf_var lo = (enum hf_var)(2 * p), up = (enum hf_var)(2 * p + 1);
        struct pair pair = read_pair(job, p);
        const char *text = NULL;
        bool keep = false;

        view->value[lo] = view->before[lo];
        view->value[up] = view->before[up];
        if (job->url && p < HF_PAIR_FTP && !pair.newest && !pair.off) {
                text = job->url;
                view->by_url |= 1u << p;
                set_raw(job, p, text, text);
        } else {
                text = choose(job, p, &pair, &keep);
                set_raw(job, p, text, text);
                if (text)
                        text = hf_mirror_composed(job, hf_compose_mended_url, text, text,
                                                  text == pair.lower ? lo : up);
        }
        if (!(view->conflicts & 1u << p))
                view->flags[lo] &= (uint8_t)~HF_STATE_UPPER;
        if (keep) {
                view->value[lo] =
                        hf_mirror_composed(job, hf_compose_mended_url, pair.lower, pair.lower, lo);
                view->value[up] =
                        hf_mirror_composed(job, hf_compose_mended_url, pair.upper, pair.upper, up);
                text = view->value[lo];
                set_raw(job, p, pair.lower, pair.upper);
        } else if (text) {
                set_both(view, p, text);
        }
        if (p < HF_PAIR_FTP)
                view->proxy[p] = text;
}

bool hf_mirror_may_fill(const struct hf_mirror_job *job, enum hf_pair p)
{
        unsigned lost = job->view->unreadable >> 2 * p & 3;

        return !job->view->proxy[p] && !(lost && job->settings->tunnel == HF_TUNNEL_STRICT);
}

/* Go, wget, urllib and apt ignore all_proxy; curl, requests and reqwest fall back to it. */
static void fill_from_all(struct hf_mirror_job *job)
{
        struct hf_view *view = job->view;
        const char *all = view->proxy[HF_PAIR_ALL];
        struct hf_url url;

        if (!all || hf_url_parse(hf_span(all), &url) < 0 || hf_scheme_is_socks(url.scheme))
                return;
        for (enum hf_pair p = HF_PAIR_HTTP; p <= HF_PAIR_HTTPS; p++) {
                if (!hf_mirror_may_fill(job, p))
                        continue;
                view->proxy[p] = all;
                set_both(view, p, all);
                set_raw(job, p, all, all);
        }
}

static const char *completed(struct hf_mirror_job *job, const char *text, enum hf_var var)
{
        struct hf_compose_list list = hf_mirror_list(job, text);

        if (text && hf_span_eq(hf_span_trim(hf_span(text)), HF_SPAN("*")))
                return text;             /* curl and requests honour it only alone */
        if (list.text.n <= HF_VALUE_MAX) /* or it is left as it is */
                hf_compose_note_held(&list);
        return hf_mirror_composed(job, hf_compose_completed_list, &list, text, var);
}

static void do_no_proxy(struct hf_mirror_job *job, bool any_proxy)
{
        struct hf_view *view = job->view;
        struct pair pair = read_pair(job, HF_PAIR_NO);
        bool keep = false;
        const char *text = choose(job, HF_PAIR_NO, &pair, &keep);

        view->value[HF_VAR_no_proxy] = view->before[HF_VAR_no_proxy];
        view->value[HF_VAR_NO_PROXY] = view->before[HF_VAR_NO_PROXY];
        view->no_proxy = keep ? pair.lower : text;
        if (keep) {
                for (enum hf_var v = HF_VAR_no_proxy; v <= HF_VAR_NO_PROXY; v++) {
                        const char *own = view->before[v];

                        view->value[v] = any_proxy ? completed(job, own, v)
                                                   : hf_mirror_composed(job, hf_compose_mended_list,
                                                                        own, own, v);
                }
                return;
        }

        enum hf_var from = text && text == pair.upper ? HF_VAR_NO_PROXY : HF_VAR_no_proxy;
        if (any_proxy)
                set_both(view, HF_PAIR_NO, completed(job, text, from));
        else if (text)
                set_both(view, HF_PAIR_NO,
                         hf_mirror_composed(job, hf_compose_mended_list, text, text, from));
}

/* HFPROXY_URL's first proxy. Where that is too long to be composed, one URL stays as it is; but a
 * list is nothing that a client could read: it would send the first proxy's password to another. */
static void read_url(struct hf_mirror_job *job)
{
        const char *url = job->values[HF_VAR_HFPROXY_URL];
        struct hf_view *view = job->view;

        if (!hf_mirror_nonempty(url))
                return;
        if (hf_url_list_first(hf_span(url), &view->url_entry_bad).s)
                job->url = hf_mirror_composed(job, hf_compose_first_url, url,
                                              hf_url_list_is_one(hf_span(url)) ? url : NULL,
                                              HF_VAR_http_proxy);
        if (job->url) {
                view->url = url;
        } else {
                view->url_unreadable = true;
                view->url_entry_bad = false;
                view->unmended = 0; /* that is no variable's */
        }
}

bool hf_view_wants_self(const char *const values[HF_VARS])
{
        for (int v = 0; v < HF_VAR_no_proxy; v++)
                if (hf_mirror_nonempty(values[v]))
                        return true;
        return hf_mirror_nonempty(values[HF_VAR_HFPROXY_URL]) ||
               hf_state_hides(hf_state_check(values[HF_VAR_HFPROXY_STATE]));
}

void hf_view(const char *const values[HF_VARS], const struct hf_settings *settings,
             const struct hf_facts *facts, struct hf_arena *arena, struct hf_view *ret)
{
        struct hf_mirror_job job = {.values = values,
                                    .settings = settings,
                                    .facts = facts,
                                    .arena = arena,
                                    .view = ret,
                                    .cgi = values[HF_VAR_REQUEST_METHOD] != NULL};

        memset(ret, 0, sizeof *ret);
        read_url(&job);

        recover(&job);
        for (enum hf_pair p = HF_PAIR_HTTP; p < HF_PAIR_NO; p++)
                do_proxy_pair(&job, p);
        fill_from_all(&job);
        hf_mirror_bridge(&job);
        do_no_proxy(&job, ret->proxy[HF_PAIR_HTTP] || ret->proxy[HF_PAIR_HTTPS] ||
                                  ret->proxy[HF_PAIR_ALL]);
        hf_mirror_inject(&job);
        if (!facts->shows_all)
                hf_mirror_hide(ret);
        hf_view_keep_within_limit(ret);
}
