/* SPDX-License-Identifier: MIT */
/* Which of the values that we made have outlived their source, and that a program with this library
 * in it comes to the same without them. Of the rows that begin with "launcher" the first program is
 * one that nothing is hidden from. */
#include "environment.h"

#include "core/stale.h"

#define ARENA (64 * 1024)
#define P "http://p:3128"
#define Q "http://q:8080"
#define S "socks5h://s:1080"
#define BIT(name) (UINT32_C(1) << HF_VAR_##name)

static struct hf_self box = {.name = "box"};

static const struct row {
        const char *name;
        const char *env[6];  /* the user's */
        const char *then[4]; /* what a program changes in its child's environment */
        uint32_t stale;
} rows[] = {
        {"no_state", {0}, {"https_proxy=" P}, 0},
        {"nothing_changed", {"HTTPS_PROXY=" P}, {0}, 0},
        {"source_changed", {"HTTPS_PROXY=" P}, {"HTTPS_PROXY=" Q}, BIT(https_proxy)},
        {"source_changed_lower", {"https_proxy=" P}, {"https_proxy=" Q}, BIT(HTTPS_PROXY)},
        {"source_emptied", {"HTTPS_PROXY=" P}, {"HTTPS_PROXY="}, BIT(https_proxy)},
        {"source_gone", {"HTTPS_PROXY=" P}, {"HTTPS_PROXY"}, BIT(https_proxy)},
        {"mended_source_stands", {"HTTPS_PROXY=p:3128"}, {0}, 0},
        {"mended_source_gone", {"HTTPS_PROXY=p:3128"}, {"HTTPS_PROXY"}, BIT(https_proxy)},
        {"other_pairs_stand",
         {"HTTPS_PROXY=" P, "HTTP_PROXY=" P},
         {"HTTPS_PROXY=" Q},
         BIT(https_proxy)},
        {"twin_changed", {"HTTPS_PROXY=" P}, {"https_proxy=" Q}, 0},
        {"twin_gone", {"HTTPS_PROXY=" P}, {"https_proxy"}, 0},
        {"both_gone", {"HTTPS_PROXY=" P}, {"https_proxy", "HTTPS_PROXY"}, 0},
        {"both_changed", {"HTTPS_PROXY=" P}, {"https_proxy=" Q, "HTTPS_PROXY=" Q}, 0},
        {"the_users_loser_is_his", {"https_proxy=" P, "HTTPS_PROXY=" Q}, {"https_proxy"}, 0},
        {"ftp", {"ftp_proxy=" P}, {"ftp_proxy=" Q}, BIT(FTP_PROXY)},
        {"no_proxy", {"https_proxy=" P, "no_proxy=a"}, {"no_proxy=b"}, BIT(NO_PROXY)},
        {"no_proxy_gone", {"https_proxy=" P, "no_proxy=a"}, {"no_proxy"}, BIT(NO_PROXY)},
        {"own_no_proxy_stands", {"https_proxy=" P}, {0}, 0},
        {"own_no_proxy_changed", {"https_proxy=" P}, {"NO_PROXY=b"}, BIT(no_proxy)},
        {"own_no_proxy_halved", {"https_proxy=" P}, {"NO_PROXY"}, 0},
        {"filled_stands", {"all_proxy=" P}, {0}, 0},
        {"filled_halved", {"all_proxy=" P}, {"HTTPS_PROXY"}, 0},
        {"filled_source_changed",
         {"all_proxy=" P},
         {"all_proxy=" Q, "ALL_PROXY=" Q},
         BIT(http_proxy) | BIT(HTTP_PROXY) | BIT(https_proxy) | BIT(HTTPS_PROXY)},
        {"filled_source_gone",
         {"ALL_PROXY=" P},
         {"all_proxy", "ALL_PROXY"},
         BIT(http_proxy) | BIT(HTTP_PROXY) | BIT(https_proxy) | BIT(HTTPS_PROXY)},
        {"url_stands", {"HFPROXY_URL=" P}, {0}, 0},
        {"url_halved", {"HFPROXY_URL=" P}, {"HTTPS_PROXY"}, 0},
        {"url_newer_word", {"HFPROXY_URL=" P}, {"HTTPS_PROXY=" Q}, BIT(https_proxy)},
        {"url_gone_gives_the_users_own_no_end",
         {"HFPROXY_URL=" P, "https_proxy=" Q, "HTTPS_PROXY=" Q, "HTTP_PROXY=" Q, "all_proxy=" Q},
         {"HFPROXY_URL"},
         BIT(http_proxy) | BIT(ALL_PROXY)},
        {"filled_goes_with_its_source_and_its_twin",
         {"all_proxy=" P},
         {"all_proxy"},
         BIT(ALL_PROXY) | BIT(http_proxy) | BIT(HTTP_PROXY) | BIT(https_proxy) | BIT(HTTPS_PROXY)},
        {"launcher_socks_filled_stands", {"all_proxy=" S}, {0}, 0},
        {"launcher_socks_filled_goes",
         {"all_proxy=" S},
         {"all_proxy"},
         BIT(ALL_PROXY) | BIT(http_proxy) | BIT(HTTP_PROXY) | BIT(https_proxy) | BIT(HTTPS_PROXY)},
        {"launcher_socks_filled_halved", {"ALL_PROXY=" S}, {"HTTPS_PROXY"}, 0},
        {"hidden_and_set_again", {"all_proxy=" S}, {"ALL_PROXY=" S}, 0},
        {"hidden_and_filled_again", {"all_proxy=" S}, {"http_proxy=socks5://s:1080"}, 0},
        {"a_list_of_urls_stands", {"HFPROXY_URL=" P "," Q}, {"no_proxy=a"}, BIT(NO_PROXY)},
        {"damaged_state", {"HTTPS_PROXY=" P}, {"HTTPS_PROXY=" Q, "HFPROXY_STATE=1;x"}, 0},
};

static void take(const struct environment *e, const char *values[HF_VARS])
{
        for (int v = 0; v < HF_VARS; v++)
                values[v] = e->values[v];
}

static void check_row(void **state)
{
        const struct row *row = *state;
        const char *values[HF_VARS];
        struct environment e;
        uint32_t stale;

        environment_init(&e, ARENA);
        e.facts.self = &box;
        for (size_t i = 0; i < HF_LEN(row->env) && row->env[i]; i++)
                environment_put(&e, row->env[i]);
        e.facts.shows_all = !strncmp(row->name, "launcher_", 9);
        environment_run(&e);
        for (size_t i = 0; i < HF_LEN(row->then) && row->then[i]; i++)
                environment_put(&e, row->then[i]);
        take(&e, values);
        stale = hf_stale(values);
        for (int v = 0; v < HF_VARS_MANAGED; v++)
                if ((stale ^ row->stale) & UINT32_C(1) << v)
                        fail_msg("%s is%s stale", hf_var_names[v],
                                 stale & UINT32_C(1) << v ? "" : " not");
        environment_free(&e);
}

static void disturb(struct environment *e, uint64_t *seed)
{
        static const char *const texts[] = {NULL, NULL, P, Q, "p:3128", "", "a,b", "socks5://s:1"};
        unsigned n = random_below(seed, 2 * HF_PAIRS + 2);
        int var = n < 2 * HF_PAIRS    ? (int)n
                  : n == 2 * HF_PAIRS ? HF_VAR_HFPROXY_URL
                                      : HF_VAR_REQUEST_METHOD;

        environment_set(e, var, texts[random_below(seed, HF_LEN(texts))]);
}

static void expect_same_view(struct environment *e, uint64_t start)
{
        const char *values[HF_VARS];
        struct hf_settings settings;
        struct hf_view with, without;
        uint32_t stale;

        take(e, values);
        stale = hf_stale(values);
        hf_settings_read(values, &settings);
        hf_view(values, &settings, &e->facts, &e->arena, &with);
        for (int v = 0; v < HF_VARS_MANAGED; v++)
                if (stale & UINT32_C(1) << v)
                        values[v] = NULL;
        hf_view(values, &settings, &e->facts, &e->arena, &without);
        for (int v = 0; v < HF_VARS_MANAGED; v++) {
                const char *a =
                        v < HF_VAR_no_proxy && with.hidden[v] ? with.hidden[v] : with.value[v];
                const char *b = v < HF_VAR_no_proxy && without.hidden[v] ? without.hidden[v]
                                                                         : without.value[v];

                if ((a != NULL) != (b != NULL) || (a && strcmp(a, b) != 0))
                        fail_msg("seed %llu: %s is %s, and %s without what is stale (%x)",
                                 (unsigned long long)start, hf_var_names[v], a ? a : "(unset)",
                                 b ? b : "(unset)", (unsigned)stale);
        }
}

/* Over random environments, changed at random between processes. */
static void our_own_rules_do_not_miss_it(void **state)
{
        (void)state;
        for (uint64_t start = 1; start <= 3000; start++) {
                uint64_t seed = start * 0x9e3779b97f4a7c15u;
                struct environment e;

                environment_init(&e, ARENA);
                e.facts.self = &box;
                for (int generation = 0; generation < 4; generation++) {
                        for (unsigned n = random_below(&seed, 6); n > 0; n--)
                                disturb(&e, &seed);
                        e.facts.shows_all = random_below(&seed, 2);
                        expect_same_view(&e, start);
                        environment_run(&e);
                }
                environment_free(&e);
        }
}

int main(void)
{
        static struct table t;

        TABLE_ADD(&t, check_row, rows);
        table_add(&t, "our_own_rules_do_not_miss_it", our_own_rules_do_not_miss_it, NULL);
        return table_run("stale", &t);
}
