/* SPDX-License-Identifier: MIT */
/* What exec hands on of the variables that were hidden, from environments as programs make them out
 * of their own. (What it is of each variable: test_mirror_bridge.c.) */
#include "environment.h"

#define ARENA (64 * 1024)
#define S5 "socks5://s:1080"
#define T5 "socks5://t:1080"
#define P "http://p:3128"

static const struct row {
        const char *name;
        const char *env[4];    /* the user's, before a client hides them */
        const char *then[4];   /* changed by that client */
        const char *expect[8]; /* what is added, no more and no less */
} rows[] = {
        {"adds_all_that_is_hidden",
         {"all_proxy=" S5},
         {0},
         {"http_proxy=" S5, "HTTP_PROXY=" S5, "https_proxy=" S5, "HTTPS_PROXY=" S5, "all_proxy=" S5,
          "ALL_PROXY=" S5}},
        {"adds_nothing_to_what_is_not_hidden", {"all_proxy=" P}, {0}, {0}},
        {"adds_nothing_without_state", {"all_proxy=" S5}, {"HFPROXY_STATE"}, {0}},
        {"adds_nothing_by_a_damaged_state", {"all_proxy=" S5}, {"HFPROXY_STATE=1;#0"}, {0}},
        {"leaves_a_pair_that_is_set",
         {"all_proxy=" S5, "https_proxy=" S5},
         {"https_proxy=" P},
         {"http_proxy=" S5, "HTTP_PROXY=" S5, "all_proxy=" S5, "ALL_PROXY=" S5}},
        {"leaves_a_pair_that_is_set_in_upper_case",
         {"all_proxy=" S5, "https_proxy=" S5},
         {"HTTPS_PROXY=" P},
         {"http_proxy=" S5, "HTTP_PROXY=" S5, "all_proxy=" S5, "ALL_PROXY=" S5}},
        {"leaves_a_pair_that_is_empty", {"https_proxy=" S5}, {"https_proxy="}, {0}},
        {"fills_nothing_from_an_all_proxy_that_is_gone", {"all_proxy=" S5}, {"ALL_PROXY=" T5}, {0}},
        {"fills_nothing_from_an_emptied_all_proxy", {"all_proxy=" S5}, {"all_proxy="}, {0}},
        {"fills_from_an_all_proxy_that_is_put_back",
         {"all_proxy=" S5},
         {"all_proxy=" S5},
         {"http_proxy=" S5, "HTTP_PROXY=" S5, "https_proxy=" S5, "HTTPS_PROXY=" S5}},
        {"keeps_what_the_user_set_beside_another_all_proxy",
         {"all_proxy=" S5, "https_proxy=" S5},
         {"all_proxy=" P},
         {"https_proxy=" S5, "HTTPS_PROXY=" S5}},
        {"adds_nothing_of_a_url_that_is_gone", {"HFPROXY_URL=" S5}, {"HFPROXY_URL"}, {0}},
        {"adds_the_url_in_the_pairs_that_are_unset",
         {"HFPROXY_URL=" S5},
         {"all_proxy=" P},
         {"http_proxy=" S5, "HTTP_PROXY=" S5, "https_proxy=" S5, "HTTPS_PROXY=" S5}},
        {"adds_two_that_differ",
         {"https_proxy=" S5, "HTTPS_PROXY=" T5, "HFPROXY_PREFER=keep"},
         {0},
         {"https_proxy=" S5, "HTTPS_PROXY=" T5}},
        {"adds_what_a_list_hides",
         {"https_proxy=\"p:3128\"", "HFPROXY_ONLY=hf"},
         {0},
         {"https_proxy=" P, "HTTPS_PROXY=" P}},
};

static void put_all(struct environment *e, const char *const *entries, size_t n)
{
        for (size_t i = 0; i < n && entries[i]; i++)
                environment_put(e, entries[i]);
}

static void check_row(void **state)
{
        const struct row *row = *state;
        struct environment e, want;

        environment_init(&e, ARENA);
        environment_init(&want, ARENA);
        put_all(&e, row->env, HF_LEN(row->env));
        environment_run(&e);
        put_all(&e, row->then, HF_LEN(row->then));
        environment_copy(&e, &want);
        put_all(&want, row->expect, HF_LEN(row->expect));
        environment_hand_on(&e);
        environment_expect_same(&e, &want, row->name);
        environment_free(&e);
        environment_free(&want);
}

/* Then nothing is added rather than something wrong. */
static void adds_nothing_when_the_arena_is_full(void **state)
{
        const char *values[HF_VARS], *added[HF_VARS_MANAGED];
        struct hf_arena none = {0};
        struct environment e;

        (void)state;
        environment_init(&e, ARENA);
        environment_put(&e, "all_proxy=" S5);
        environment_run(&e);
        for (int v = 0; v < HF_VARS; v++)
                values[v] = e.values[v];
        assert_false(hf_handon(values, &none, added));
        for (int v = 0; v < HF_VARS_MANAGED; v++)
                assert_null(added[v]);
        environment_free(&e);
}

int main(void)
{
        struct table t = {0};

        TABLE_ADD(&t, check_row, rows);
        table_add(&t, "adds_nothing_when_the_arena_is_full", adds_nothing_when_the_arena_is_full,
                  NULL);
        return table_run("handon", &t);
}
