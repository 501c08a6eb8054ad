/* SPDX-License-Identifier: MIT */
/* Our variables in an environment: told from other names by a few bytes, copied, and compared with
 * the copy. (That every name is found by itself: test_settings.c.) */
#include "table.h"

#include "core/vars.h"

static char texts[1024];
static struct hf_vars_copy copy = {.texts = texts, .size = sizeof texts};

/* Names that begin like ours; what most of them are kept apart by costs no call. */
static void knows_what_only_looks_like_ours(void **state)
{
        static const char *const others[] = {
                "",          "A",          "HF",       "HF_HOME",      "HF_TOKEN",     "HTTP_X",
                "HTTPS_X",   "NO_COLOR",   "GIT_DIR",  "NODE_OPTIONS", "NODE_ENV",     "GIT_SSH",
                "PIP_CERTS", "HTTP_PROXX", "NO_PROX",  "NO_PROXY_",    "http_PROXY",   "Http_proxy",
                "HFPROXY_",  "HFPROXY_XX", "ALL_PROX", "CARGO_HOME",   "SSL_CERT_DIR", "hf_hub",
        };

        (void)state;
        for (size_t i = 0; i < HF_LEN(others); i++)
                assert_int_equal(hf_var_among(hf_var_candidates(others[i]), others[i], '\0'), -1);
        assert_true(hf_var_candidates("HF_HOME") == 0);
        assert_true(hf_var_candidates("NO_COLOR") == 0);
        assert_true(hf_var_candidates("HTTP_X") == 0);
}

static void ends_a_name_where_it_is_told(void **state)
{
        const char *entry = "NO_PROXY=a";
        uint64_t candidates = hf_var_candidates(entry);

        (void)state;
        assert_int_equal(hf_var_among(candidates, entry, '='), HF_VAR_NO_PROXY);
        assert_int_equal(hf_var_among(candidates, entry, '\0'), -1);
}

/* Every beginning of every name, as a name and as an entry without '='. */
static void reads_nothing_behind_the_end(void **state)
{
        (void)state;
        for (int v = 0; v < HF_VARS; v++) {
                for (size_t n = 0; n <= strlen(hf_var_names[v]); n++) {
                        char text[HF_VAR_NAME_MAX + 1] = {0};
                        struct guard g;

                        memcpy(text, hf_var_names[v], n);
                        struct hf_span s = guard_make(&g, (struct hf_span){text, n + 1});
                        char *environment[] = {(char *)(uintptr_t)s.s, NULL};
                        const char *values[HF_VARS], *entry = NULL;

                        assert_int_equal(hf_var_among(hf_var_candidates(s.s), s.s, '='), -1);
                        hf_vars_collect(environment, values);
                        assert_true(hf_vars_copy(environment, &copy));
                        assert_null(copy.entries[0]);
                        assert_true(hf_vars_unchanged(environment, &copy, 0, &entry));
                        assert_null(entry);
                        guard_free(&g);
                }
        }
}

#define P "HTTPS_PROXY=http://p:3128"
#define N "no_proxy=a.test"

static const struct row {
        const char *name;
        const char *was[6], *is[6];
        int expected; /* which entry of `is` stands for the first of `was` that is ours; -1: changed
                       */
} rows[] = {
        {"sees_that_nothing_changed", {"A=1", P, "B=2", N}, {"A=1", P, "B=2", N}, 1},
        {"passes_over_what_is_not_ours", {P, N}, {"HF_HOME=x", P, "HTTP_X", "", N, "=="}, 1},
        {"passes_over_what_looks_like_ours", {P, N}, {"NODE_ENV=x", P, "HTTPS_X=", N}, 1},
        {"sees_another_value", {P, N}, {"HTTPS_PROXY=http://p:3129", N}, -1},
        {"sees_a_longer_value", {P, N}, {P "0", N}, -1},
        {"sees_a_shorter_value", {P, N}, {"HTTPS_PROXY=http://p:312", N}, -1},
        {"sees_another_name", {P, N}, {"https_proxy=http://p:3128", N}, -1},
        {"sees_one_become_ours", {N, "XTTPS_PROXY=x"}, {N, "HTTPS_PROXY=x"}, -1},
        {"sees_one_cease_to_be_ours", {P, N}, {P, "xo_proxy=a.test"}, -1},
        {"sees_one_appended", {P}, {P, N}, -1},
        {"sees_one_in_front", {P}, {N, P}, -1},
        {"sees_the_last_one_gone", {P, N}, {P}, -1},
        {"sees_the_first_one_gone", {P, N}, {N}, -1},
        {"sees_all_gone", {P, N}, {NULL}, -1},
        {"sees_the_first_one_where_there_was_none", {"A=1"}, {"A=1", P}, -1},
        {"sees_two_of_a_name_change_places", {P, "HTTPS_PROXY=2"}, {"HTTPS_PROXY=2", P}, -1},
        {"takes_two_of_a_name", {P, "HTTPS_PROXY=2"}, {P, "HTTPS_PROXY=2"}, 0},
};

static void check_row(void **state)
{
        const struct row *row = *state;
        char *was[HF_LEN(row->was) + 1] = {0}, *is[HF_LEN(row->is) + 1] = {0};
        const char *entry = NULL;

        /* Copied, so that no text is told by where it lies. */
        for (size_t i = 0; i < HF_LEN(row->was) && row->was[i]; i++)
                was[i] = strdup(row->was[i]);
        for (size_t i = 0; i < HF_LEN(row->is) && row->is[i]; i++)
                is[i] = strdup(row->is[i]);
        assert_true(hf_vars_copy(was, &copy));
        assert_int_equal(hf_vars_unchanged(is, &copy, 0, &entry), row->expected >= 0);
        if (row->expected >= 0)
                assert_ptr_equal(entry, is[row->expected]);
        for (size_t i = 0; i < HF_LEN(was); i++)
                free(was[i]);
        for (size_t i = 0; i < HF_LEN(is); i++)
                free(is[i]);
}

static void takes_no_environment_for_an_empty_one(void **state)
{
        char *environment[] = {P, NULL};
        const char *entry;

        (void)state;
        assert_true(hf_vars_copy(NULL, &copy));
        assert_true(hf_vars_unchanged(NULL, &copy, 0, &entry));
        assert_false(hf_vars_unchanged(environment, &copy, 0, &entry));
        assert_true(hf_vars_copy(environment, &copy));
        assert_false(hf_vars_unchanged(NULL, &copy, 0, &entry));
}

static void copies_only_what_fits(void **state)
{
        char *many[HF_LEN(copy.entries) + 1];
        static char big[sizeof texts + 1];
        char *one[] = {big, NULL};

        (void)state;
        for (size_t i = 0; i < HF_LEN(many); i++)
                many[i] = N;
        many[HF_LEN(copy.entries)] = NULL;
        assert_false(hf_vars_copy(many, &copy));
        many[HF_LEN(copy.entries) - 1] = NULL;
        assert_true(hf_vars_copy(many, &copy));

        memset(big, 'x', sizeof big - 1);
        memcpy(big, "no_proxy=", 9);
        assert_int_equal(hf_vars_size(one), sizeof texts + 1);
        assert_false(hf_vars_copy(one, &copy));
        big[sizeof texts - 1] = '\0';
        assert_int_equal(hf_vars_size(one), sizeof texts);
        assert_true(hf_vars_copy(one, &copy));
        assert_string_equal(copy.entries[0], big);
}

int main(void)
{
        struct table t = {0};

        TABLE_ADD(&t, check_row, rows);
        table_add(&t, "knows_what_only_looks_like_ours", knows_what_only_looks_like_ours, NULL);
        table_add(&t, "ends_a_name_where_it_is_told", ends_a_name_where_it_is_told, NULL);
        table_add(&t, "reads_nothing_behind_the_end", reads_nothing_behind_the_end, NULL);
        table_add(&t, "takes_no_environment_for_an_empty_one",
                  takes_no_environment_for_an_empty_one, NULL);
        table_add(&t, "copies_only_what_fits", copies_only_what_fits, NULL);
        return table_run("vars", &t);
}
