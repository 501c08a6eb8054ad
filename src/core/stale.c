/* SPDX-License-Identifier: MIT */
#include "stale.h"

#include "state.h"

struct job {
        const char *const *values;
        struct hf_span records;
};

static bool reads(const char *value, uint64_t hash)
{
        return value && hf_hash(hf_span(value)) == hash;
}

/* Did we make it out of nothing? */
static bool is_made(const struct hf_record *r)
{
        return r->was_set && !r->before.s && !(r->flags & HF_STATE_SAME);
}

/* Is the pair of HFPROXY_URL's making? All that it fills has a record. */
static bool by_url(const struct job *job, unsigned flags, enum hf_var var, struct hf_record *ret)
{
        return var < 2 * HF_PAIR_FTP && !(flags & HF_STATE_NEWEST) &&
               hf_state_find(job->records, HF_VAR_HFPROXY_URL, ret);
}

/* R is VAR's record, and VAR still what it says. */
static bool is_stale(const struct job *job, enum hf_var var, const struct hf_record *r)
{
        const char *const *values = job->values;
        const char *twin = values[var ^ 1];
        struct hf_record other = {0}, url;
        bool recorded = hf_state_find(job->records, var ^ 1, &other);

        if (twin && !reads(twin, r->hash))
                return true;
        if (by_url(job, r->flags | other.flags, var, &url))
                return !reads(values[HF_VAR_HFPROXY_URL], url.hash);
        /* A pair that is gone altogether would be the user's word against HFPROXY_URL. */
        if (values[HF_VAR_HFPROXY_URL])
                return false;
        if (!recorded || !is_made(&other))
                return !twin;
        /* Both are ours: filled from all_proxy, or (a no_proxy) from this machine's own names. */
        if (var < 2 * HF_PAIR_ALL)
                return !reads(values[HF_VAR_all_proxy], r->hash) &&
                       !reads(values[HF_VAR_ALL_PROXY], r->hash);
        return false;
}

uint32_t hf_stale(const char *const values[HF_VARS])
{
        const struct job job = {values, hf_state_check(values[HF_VAR_HFPROXY_STATE])};
        uint32_t stale = 0;
        struct hf_record r;

        for (int v = 0; v < 2 * HF_PAIRS; v++)
                if (values[v] && hf_state_find(job.records, (enum hf_var)v, &r) && is_made(&r) &&
                    reads(values[v], r.hash) && is_stale(&job, (enum hf_var)v, &r))
                        stale |= UINT32_C(1) << v;
        return stale;
}
