/* SPDX-License-Identifier: MIT */
#include "stale.h"

#include "compose.h"
#include "state.h"

struct job {
        const char *const *values;
        struct hf_span records;
        uint32_t stale; /* found so far */
};

static bool reads(const char *value, uint64_t hash)
{
        return value && hf_hash(hf_span(value)) == hash;
}

/* May a text of this hash have been filled from VAR? */
static bool fills(const struct job *job, enum hf_var var, uint64_t hash)
{
        struct hf_out out = hf_out_count();

        if (!job->values[var] || job->stale & UINT32_C(1) << var)
                return false;
        hf_compose_filled_url(&out, job->values[var]); /* SOCKS */
        return out.hash == hash || reads(job->values[var], hash);
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
        if (!recorded || !hf_record_is_made(&other))
                return !twin;
        /* Both are ours: filled from all_proxy, or (a no_proxy) from this machine's own names. */
        if (var < 2 * HF_PAIR_ALL)
                return !fills(job, HF_VAR_all_proxy, r->hash) &&
                       !fills(job, HF_VAR_ALL_PROXY, r->hash);
        return false;
}

uint32_t hf_stale(const char *const values[HF_VARS])
{
        struct job job = {values, hf_state_check(values[HF_VAR_HFPROXY_STATE]), 0};
        struct hf_record r;

        /* all_proxy before what is filled from it */
        for (int v = 2 * HF_PAIRS - 1; v >= 0; v--)
                if (values[v] && hf_state_find(job.records, (enum hf_var)v, &r) &&
                    hf_record_is_made(&r) && reads(values[v], r.hash) &&
                    is_stale(&job, (enum hf_var)v, &r))
                        job.stale |= UINT32_C(1) << v;
        return job.stale;
}
