/* SPDX-License-Identifier: MIT */
#include "handon.h"

#include "compose.h"
#include "state.h"

/* The text itself is not in HFPROXY_STATE but its hash, and what it was made of: the user's own
 * text of this variable, of its twin, or of what it was filled from. */
struct search {
        const char *const *values;
        struct hf_span records;
        struct hf_arena *arena;
        uint64_t hash;
};

/* What the rules may have made of SOURCE, if it has the hash. */
static const char *made_of(const struct search *search, const char *source)
{
        static hf_compose *const ways[] = {hf_compose_mended_url, hf_compose_handed_url,
                                           hf_compose_filled_url};

        for (size_t i = 0; i < HF_LEN(ways); i++) {
                struct hf_out out = hf_out_count();

                ways[i](&out, source);
                if (out.hash == search->hash)
                        return hf_arena_intern(search->arena, ways[i], source);
        }
        return NULL;
}

/* The same of what variable VAR held before us. */
static const char *made_of_var(const struct search *search, enum hf_var var)
{
        struct hf_record r;

        if (!hf_state_find(search->records, var, &r) || !r.before.s)
                return NULL;

        const char *before = hf_arena_intern(search->arena, hf_compose_decoded, &r.before);
        return before ? made_of(search, before) : NULL;
}

/* Do VALUES hold another all_proxy than the one that was hidden? Then nothing is filled from that:
 * it is the user's no more. */
static bool all_proxy_differs(const struct search *search)
{
        struct hf_record r;

        for (enum hf_var v = HF_VAR_all_proxy; v <= HF_VAR_ALL_PROXY; v++)
                if (search->values[v] && !(hf_state_find(search->records, v, &r) && r.was_set &&
                                           hf_hash(hf_span(search->values[v])) == r.hash))
                        return true;
        return false;
}

static const char *find_text(const struct search *search, enum hf_var var)
{
        const char *url = search->values[HF_VAR_HFPROXY_URL];
        const char *text = made_of_var(search, var);

        if (!text)
                text = made_of_var(search, var ^ 1);
        if (!text && url)
                url = hf_arena_intern(search->arena, hf_compose_first_url, url);
        if (!text && url)
                text = made_of(search, url);
        if (!text && var < HF_VAR_all_proxy && !all_proxy_differs(search)) {
                text = made_of_var(search, HF_VAR_all_proxy);
                if (!text)
                        text = made_of_var(search, HF_VAR_ALL_PROXY);
        }
        return text;
}

bool hf_handon(const char *const values[HF_VARS], struct hf_arena *arena,
               const char *ret_values[HF_VARS_MANAGED])
{
        struct search search = {values, hf_state_check(values[HF_VAR_HFPROXY_STATE]), arena, 0};
        struct hf_record r;
        bool any = false;

        memset(ret_values, 0, HF_VARS_MANAGED * sizeof *ret_values);
        if (search.records.n == 0)
                return false;
        for (enum hf_var v = 0; v < HF_VAR_no_proxy; v++) {
                if (values[v] || values[v ^ 1] || !hf_state_find(search.records, v, &r) ||
                    !(r.flags & HF_STATE_HIDDEN))
                        continue;
                search.hash = r.hash;
                ret_values[v] = find_text(&search, v);
                any = any || ret_values[v];
        }
        return any;
}
