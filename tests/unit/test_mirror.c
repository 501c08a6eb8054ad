/* SPDX-License-Identifier: MIT */
/* The rules of the environment, row by row, and the property that they change nothing on their own
 * output. Rows that begin with "then" in their name go through two processes. */
#include "environment.h"

#define ARENA (64 * 1024)
#define MADE "localhost,127.0.0.1,::1,0.0.0.0,box,192.0.2.7"
#define GRPC                                                                                       \
        ",127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,169.254.0.0/16,"       \
        "fc00::/7,fe80::/10,.local,.internal,.svc,.cluster.local,.lan,.home.arpa,.localhost,"      \
        "192.0.2.7/24"
#define P "http://p:3128"
#define Q "http://q:8080"

static struct hf_self box = {
        .name = "box",
        .count = 3,
        .nets = {{{4, {127, 0, 0, 1}}, 8},
                 {{4, {192, 0, 2, 7}}, 24},
                 {{6, {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, 64}},
};

struct row {
        const char *name;
        const char *env[8];    /* the user's */
        const char *then[8];   /* changed after the first process, if anything */
        const char *expect[8]; /* "NAME=value", or "NAME" for unset */
        unsigned upper_lives;
};

/* clang-format off */
static const struct row rows[] = {
        /* one spelling set: the other gets the same value */
        {"mirrors_http_upper", {"HTTP_PROXY=" P}, {0}, {"http_proxy=" P, "HTTP_PROXY=" P}, 0},
        {"mirrors_http_lower", {"http_proxy=" P}, {0}, {"HTTP_PROXY=" P, "http_proxy=" P}, 0},
        {"mirrors_https_upper", {"HTTPS_PROXY=" P}, {0}, {"https_proxy=" P}, 0},
        {"mirrors_https_lower", {"https_proxy=" P}, {0}, {"HTTPS_PROXY=" P}, 0},
        {"mirrors_all_upper", {"ALL_PROXY=" P}, {0}, {"all_proxy=" P}, 0},
        {"mirrors_all_lower", {"all_proxy=" P}, {0}, {"ALL_PROXY=" P}, 0},
        {"mirrors_ftp_upper", {"FTP_PROXY=" P}, {0}, {"ftp_proxy=" P}, 0},
        {"mirrors_ftp_lower", {"ftp_proxy=" P}, {0}, {"FTP_PROXY=" P}, 0},
        {"mirrors_no_proxy_upper", {"NO_PROXY=a"}, {0}, {"no_proxy=a", "NO_PROXY=a"}, 0},
        {"mirrors_no_proxy_lower", {"no_proxy=a"}, {0}, {"NO_PROXY=a", "no_proxy=a"}, 0},
        {"leaves_equal_ones", {"https_proxy=" P, "HTTPS_PROXY=" P}, {0},
         {"https_proxy=" P, "HTTPS_PROXY=" P, "no_grpc_proxy"}, 0},
        {"does_nothing_without_a_proxy", {0}, {0},
         {"http_proxy", "no_proxy", "NO_PROXY", "no_grpc_proxy", "HF_HUB_DISABLE_XET", "HFPROXY_STATE"}, 0},

        /* empty */
        {"takes_upper_for_empty_lower", {"https_proxy=", "HTTPS_PROXY=" P}, {0},
         {"https_proxy=" P, "HTTPS_PROXY=" P}, 0},
        {"takes_lower_for_empty_upper", {"https_proxy=" P, "HTTPS_PROXY="}, {0},
         {"https_proxy=" P, "HTTPS_PROXY=" P}, 0},
        {"leaves_two_empty_ones", {"https_proxy=", "HTTPS_PROXY="}, {0},
         {"https_proxy=", "HTTPS_PROXY=", "no_proxy", "HFPROXY_STATE"}, 0},
        {"leaves_one_empty_one", {"HTTPS_PROXY="}, {0}, {"https_proxy", "HTTPS_PROXY=", "HFPROXY_STATE"}, 0},
        {"takes_upper_no_proxy_for_empty_lower", {"no_proxy=", "NO_PROXY=a"}, {0}, {"no_proxy=a"}, 0},

        /* different */
        {"prefers_lower", {"https_proxy=" P, "HTTPS_PROXY=" Q}, {0}, {"https_proxy=" P, "HTTPS_PROXY=" P}, 0},
        {"prefers_lower_no_proxy", {"no_proxy=a", "NO_PROXY=b"}, {0}, {"no_proxy=a", "NO_PROXY=a"}, 0},
        {"prefers_a_live_upper", {"https_proxy=" P, "HTTPS_PROXY=" Q}, {0},
         {"https_proxy=" Q, "HTTPS_PROXY=" Q}, 1u << HF_PAIR_HTTPS},
        {"obeys_prefer_lower", {"https_proxy=" P, "HTTPS_PROXY=" Q, "HFPROXY_PREFER=lower"}, {0},
         {"HTTPS_PROXY=" P}, 1u << HF_PAIR_HTTPS},
        {"obeys_prefer_upper", {"https_proxy=" P, "HTTPS_PROXY=" Q, "HFPROXY_PREFER=upper"}, {0},
         {"https_proxy=" Q, "HTTPS_PROXY=" Q}, 0},
        {"obeys_prefer_upper_no_proxy", {"no_proxy=a", "NO_PROXY=b", "HFPROXY_PREFER=upper"}, {0},
         {"no_proxy=b", "NO_PROXY=b"}, 0},
        {"obeys_prefer_keep", {"https_proxy=p", "HTTPS_PROXY=" Q, "HFPROXY_PREFER=keep"}, {0},
         {"https_proxy=http://p:80", "HTTPS_PROXY=" Q}, 0},
        {"makes_twins_under_keep", {"HTTPS_PROXY=" Q, "HFPROXY_PREFER=keep"}, {0}, {"https_proxy=" Q}, 0},
        {"completes_both_under_keep", {"no_proxy=a", "NO_PROXY=b", "https_proxy=" P, "HFPROXY_PREFER=keep"}, {0},
         {"no_proxy=a," MADE, "NO_PROXY=b," MADE}, 0},
        {"takes_bad_prefer_for_the_default", {"https_proxy=" P, "HTTPS_PROXY=" Q, "HFPROXY_PREFER=left"}, {0},
         {"HTTPS_PROXY=" P}, 0},

        /* all_proxy */
        {"fills_from_all", {"ALL_PROXY=" P}, {0},
         {"http_proxy=" P, "HTTP_PROXY=" P, "https_proxy=" P, "HTTPS_PROXY=" P, "ftp_proxy"}, 0},
        {"fills_what_is_unset_only", {"all_proxy=" P, "http_proxy=" Q}, {0},
         {"http_proxy=" Q, "https_proxy=" P, "HTTPS_PROXY=" P}, 0},
        {"fills_what_is_empty", {"all_proxy=" P, "https_proxy="}, {0}, {"https_proxy=" P, "HTTPS_PROXY=" P}, 0},
        {"does_not_fill_from_socks", {"all_proxy=socks5h://p:1"}, {0}, {"https_proxy", "HTTP_PROXY"}, 0},

        /* SOCKS spellings and damage */
        {"respells_socks", {"ALL_PROXY=socks://127.0.0.1:7890/", "HFPROXY_SOCKS=env"}, {0},
         {"all_proxy=socks5h://127.0.0.1:7890/", "ALL_PROXY=socks5h://127.0.0.1:7890/"}, 0},
        {"takes_quotes_off", {"HTTPS_PROXY=\"" P "\""}, {0}, {"https_proxy=" P, "HTTPS_PROXY=" P}, 0},
        {"takes_cr_off", {"https_proxy=" P "\r"}, {0}, {"https_proxy=" P, "HTTPS_PROXY=" P}, 0},
        {"adds_a_scheme", {"https_proxy=p:3128"}, {0}, {"https_proxy=" P}, 0},
        {"adds_a_port", {"https_proxy=http://p"}, {0}, {"https_proxy=http://p:80"}, 0},
        {"encodes_a_password", {"https_proxy=CORP\\user:p@ss#w/rd@p:3128"}, {0},
         {"HTTPS_PROXY=http://CORP%5Cuser:p%40ss%23w%2Frd@p:3128"}, 0},
        {"sees_equal_ones_through_damage", {"https_proxy=p:3128", "HTTPS_PROXY=" P}, {0}, {"https_proxy=" P}, 0},
        {"leaves_an_unreadable_one", {"https_proxy=http://[bad"}, {0},
         {"https_proxy=http://[bad", "HTTPS_PROXY", "no_proxy", "HFPROXY_STATE"}, 0},
        {"takes_upper_for_unreadable_lower", {"https_proxy=ftp://x", "HTTPS_PROXY=" P}, {0}, {"https_proxy=" P}, 0},

        /* CGI */
        {"does_not_mirror_under_cgi", {"HTTP_PROXY=" P, "REQUEST_METHOD=GET"}, {0},
         {"http_proxy", "HTTP_PROXY=" P, "no_proxy", "HFPROXY_STATE"}, 0},
        {"does_not_mirror_under_empty_request_method", {"HTTP_PROXY=" P, "REQUEST_METHOD="}, {0}, {"http_proxy"}, 0},
        {"mirrors_https_under_cgi", {"HTTPS_PROXY=" P, "REQUEST_METHOD=GET"}, {0}, {"https_proxy=" P}, 0},
        {"trusts_lower_under_cgi", {"http_proxy=" P, "HTTP_PROXY=" Q, "REQUEST_METHOD=GET", "HFPROXY_PREFER=upper"}, {0},
         {"http_proxy=" P, "HTTP_PROXY=" P}, 0},
        {"fills_under_cgi", {"all_proxy=" P, "HTTP_PROXY=" Q, "REQUEST_METHOD=GET"}, {0},
         {"http_proxy=" P, "HTTP_PROXY=" P}, 0},
        {"then_drops_the_twin_under_cgi", {"HTTP_PROXY=" P}, {"REQUEST_METHOD=GET"}, {"http_proxy", "HTTP_PROXY=" P}, 0},
        {"then_does_not_trust_a_header", {"http_proxy=" P}, {"REQUEST_METHOD=GET", "HTTP_PROXY=" Q},
         {"http_proxy=" P, "HTTP_PROXY=" P}, 0},

        /* no_proxy */
        {"completes_no_proxy", {"https_proxy=" P}, {0}, {"no_proxy=" MADE, "NO_PROXY=" MADE}, 0},
        {"keeps_what_no_proxy_has", {"https_proxy=" P, "no_proxy=corp.test,LOCALHOST,127.0.0.1"}, {0},
         {"no_proxy=corp.test,LOCALHOST,127.0.0.1,::1,0.0.0.0,box,192.0.2.7"}, 0},
        {"leaves_a_star_alone", {"https_proxy=" P, "no_proxy=*"}, {0}, {"no_proxy=*", "NO_PROXY=*"}, 0},
        {"mends_no_proxy", {"https_proxy=" P, "NO_PROXY=[::1];*.corp.test fd00::/8,10.0.0.0/8"}, {0},
         {"no_proxy=::1,.corp.test,10.0.0.0/8,localhost,127.0.0.1,0.0.0.0,box,192.0.2.7"}, 0},
        {"mends_no_proxy_without_a_proxy", {"no_proxy=[::1];a"}, {0}, {"no_proxy=::1,a", "NO_PROXY=::1,a"}, 0},

        /* gRPC */
        {"exempts_grpc_where_lower_was_made", {"HTTPS_PROXY=" P, "NO_PROXY=a"}, {0},
         {"no_grpc_proxy=a," MADE GRPC}, 0},
        {"leaves_grpc_where_lower_was_set", {"https_proxy=" P}, {0}, {"no_grpc_proxy"}, 0},
        {"leaves_a_set_no_grpc_proxy", {"HTTPS_PROXY=" P, "no_grpc_proxy=x"}, {0}, {"no_grpc_proxy=x"}, 0},

        /* HFPROXY_URL */
        {"url_fills_all", {"HFPROXY_URL=p:3128"}, {0},
         {"http_proxy=" P, "HTTP_PROXY=" P, "https_proxy=" P, "HTTPS_PROXY=" P, "all_proxy=" P, "ALL_PROXY=" P, "ftp_proxy"}, 0},
        {"url_wins", {"HFPROXY_URL=" P, "https_proxy=" Q, "HTTPS_PROXY=" Q, "all_proxy=socks5://s:1"}, {0},
         {"https_proxy=" P, "HTTPS_PROXY=" P, "all_proxy=" P}, 0},
        {"bad_url_counts_as_unset", {"HFPROXY_URL=http://", "https_proxy=" Q}, {0}, {"HTTPS_PROXY=" Q, "all_proxy"}, 0},
        {"empty_url_counts_as_unset", {"HFPROXY_URL="}, {0}, {"HTTPS_PROXY", "HFPROXY_STATE"}, 0},
        {"then_a_newer_word_beats_the_url", {"HFPROXY_URL=" P}, {"HTTPS_PROXY=" Q},
         {"https_proxy=" Q, "HTTPS_PROXY=" Q, "http_proxy=" P}, 0},
        {"then_without_the_url_the_old_come_back", {"HFPROXY_URL=" P, "https_proxy=" Q}, {"HFPROXY_URL"},
         {"https_proxy=" Q, "HTTPS_PROXY=" Q, "http_proxy", "ALL_PROXY"}, 0},
        {"then_the_url_stays_beaten", {"HFPROXY_URL=" P, "https_proxy=" P}, {"https_proxy=" Q},
         {"https_proxy=" Q, "HTTPS_PROXY=" Q, "all_proxy=" P}, 0},
        {"then_taken_away_stays_away", {"HFPROXY_URL=" P}, {"all_proxy", "ALL_PROXY", "https_proxy", "HTTPS_PROXY"},
         {"https_proxy", "HTTPS_PROXY", "http_proxy=" P, "all_proxy"}, 0},

        {"then_another_url_beats_a_newer_word", {"HFPROXY_URL=" P}, {"https_proxy=http://r:1", "HFPROXY_URL=" Q},
         {"https_proxy=" Q, "HTTPS_PROXY=" Q, "http_proxy=" Q}, 0},
        {"then_a_first_url_beats_the_old", {"https_proxy=" P}, {"HFPROXY_URL=" Q}, {"https_proxy=" Q, "HTTPS_PROXY=" Q}, 0},

        /* what we made is never authoritative */
        {"then_follows_its_source", {"HTTPS_PROXY=" P}, {"HTTPS_PROXY=" Q}, {"https_proxy=" Q, "HTTPS_PROXY=" Q}, 0},
        {"then_goes_with_its_source", {"HTTPS_PROXY=" P}, {"HTTPS_PROXY"},
         {"https_proxy", "HTTPS_PROXY", "no_proxy", "no_grpc_proxy", "HFPROXY_STATE"}, 0},
        {"then_both_gone_are_forgotten", {"HTTPS_PROXY=" P}, {"HTTPS_PROXY", "https_proxy"}, {"https_proxy", "HTTPS_PROXY", "HFPROXY_STATE"}, 0},
        {"then_a_set_twin_wins", {"HTTPS_PROXY=" P}, {"https_proxy=" Q}, {"https_proxy=" Q, "HTTPS_PROXY=" Q}, 0},
        {"then_an_emptied_twin_wins", {"HTTPS_PROXY=" P}, {"https_proxy="}, {"https_proxy=", "HTTPS_PROXY"}, 0},
        {"then_a_lost_twin_is_made_again", {"HTTPS_PROXY=" P}, {"https_proxy"}, {"https_proxy=" P}, 0},
        {"then_filled_follows_all", {"ALL_PROXY=" P}, {"ALL_PROXY=" Q}, {"https_proxy=" Q, "http_proxy=" Q, "all_proxy=" Q}, 0},
        {"then_filled_goes_with_all", {"ALL_PROXY=" P}, {"ALL_PROXY"}, {"https_proxy", "HTTP_PROXY", "all_proxy", "no_proxy"}, 0},
        {"then_the_loser_comes_back", {"https_proxy=" P, "HTTPS_PROXY=" Q}, {"https_proxy"},
         {"https_proxy=" Q, "HTTPS_PROXY=" Q}, 0},
        {"then_the_choice_stands", {"https_proxy=" P, "HTTPS_PROXY=" Q}, {"HF_ENDPOINT=x"},
         {"https_proxy=" Q, "HTTPS_PROXY=" Q}, 1u << HF_PAIR_HTTPS},
        {"then_no_proxy_is_the_users", {"https_proxy=" P, "no_proxy=a"}, {"no_proxy=b"}, {"no_proxy=b," MADE, "NO_PROXY=b," MADE}, 0},
        {"then_no_proxy_shrinks_with_the_proxy", {"https_proxy=" P, "no_proxy=[::1]"}, {"https_proxy"},
         {"no_proxy=::1", "NO_PROXY=::1", "HTTPS_PROXY"}, 0},
        {"then_damaged_state_counts_as_none", {"HTTPS_PROXY=" P}, {"HFPROXY_STATE=1;#0", "HTTPS_PROXY"},
         {"HTTPS_PROXY=" P, "https_proxy=" P}, 0},
        {"then_without_state_all_is_the_users", {"HTTPS_PROXY=" P}, {"HFPROXY_STATE", "HTTPS_PROXY"}, {"HTTPS_PROXY=" P}, 0},

        /* Xet */
        {"disables_xet_by_both_names", {"HFPROXY_DISABLE_XET=1"}, {0},
         {"HF_HUB_DISABLE_XET=1", "HF_HUB_DISABLE_XETHUB=1", "no_proxy"}, 0},
        {"disables_xet_when_told_yes", {"HFPROXY_DISABLE_XET=Yes"}, {0}, {"HF_HUB_DISABLE_XET=1"}, 0},
        {"leaves_xet_on_zero", {"HFPROXY_DISABLE_XET=0"}, {0}, {"HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_XETHUB"}, 0},
        {"never_overwrites_xet", {"HFPROXY_DISABLE_XET=1", "HF_HUB_DISABLE_XET=0"}, {0},
         {"HF_HUB_DISABLE_XET=0", "HF_HUB_DISABLE_XETHUB=1"}, 0},
        {"honours_the_name_users_were_told", {"HF_HUB_DISABLE_XETHUB=1"}, {0},
         {"HF_HUB_DISABLE_XET=1", "HF_HUB_DISABLE_XETHUB=1"}, 0},
        {"does_not_honour_a_false_one", {"HF_HUB_DISABLE_XETHUB=0"}, {0}, {"HF_HUB_DISABLE_XET", "HFPROXY_STATE"}, 0},
        {"then_xet_comes_back", {"HFPROXY_DISABLE_XET=1"}, {"HFPROXY_DISABLE_XET"},
         {"HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_XETHUB", "HFPROXY_STATE"}, 0},
        {"then_xet_unset_stays_unset", {"HFPROXY_DISABLE_XET=1"}, {"HF_HUB_DISABLE_XET"}, {"HF_HUB_DISABLE_XET"}, 0},

        /* CA */
        {"fills_the_ca_variables", {"HFPROXY_CA_BUNDLE=/ca.pem", "PIP_CERT=/mine"}, {0},
         {"SSL_CERT_FILE=/ca.pem", "REQUESTS_CA_BUNDLE=/ca.pem", "CURL_CA_BUNDLE=/ca.pem", "GIT_SSL_CAINFO=/ca.pem",
          "PIP_CERT=/mine", "AWS_CA_BUNDLE=/ca.pem", "CARGO_HTTP_CAINFO=/ca.pem", "NODE_EXTRA_CA_CERTS=/ca.pem"}, 0},
};
/* clang-format on */

static void check_row(void **state)
{
        const struct row *row = *state;
        struct environment e;

        environment_init(&e, ARENA);
        e.facts = (struct hf_facts){.self = &box, .upper_lives = row->upper_lives};
        for (size_t i = 0; i < HF_LEN(row->env) && row->env[i]; i++)
                environment_put(&e, row->env[i]);
        environment_run(&e);
        e.facts.upper_lives = 0; /* only the first process probes */
        for (size_t i = 0; i < HF_LEN(row->then) && row->then[i]; i++)
                environment_put(&e, row->then[i]);
        if (row->then[0])
                environment_run(&e);
        for (size_t i = 0; i < HF_LEN(row->expect) && row->expect[i]; i++)
                environment_expect(&e, row->expect[i]);
        environment_free(&e);
}

/* --- properties ----------------------------------------------------------------------------- */

static const char *const pieces[] = {
        P,
        Q,
        "",
        "\"",
        "\r",
        " ",
        "p",
        "socks://s:1",
        "socks5h://s:1080",
        "socks5://s:1080",
        "socks4a://s:2",
        "http://u:p@ss@h:1",
        "%41",
        ";",
        "*",
        ",",
        "[::1]",
        "fd00::/8",
        "*.x",
        "a.test",
        "10.0.0.0/8",
        "\xff\xfe",
        "::",
};
static const char *const words[] = {"1",   "0",       "",    "upper", "keep",  "lower",
                                    "GET", "/ca.pem", "env", "off",   "strict"};

/* A variable gets a value that it might well have, or loses the one it has. */
static void disturb(struct environment *e, uint64_t *seed)
{
        int var = (int)random_below(seed, HF_VARS);
        char text[200];
        struct hf_span value = {text, 0};

        if (random_below(seed, 4) == 0) {
                environment_set(e, var, NULL);
                return;
        }
        if (var < HF_VAR_no_grpc_proxy || var == HF_VAR_HFPROXY_URL)
                value = random_text(seed, pieces, HF_LEN(pieces), 3, text, sizeof text - 1);
        else
                value = random_text(seed, words, HF_LEN(words), 1, text, sizeof text - 1);
        text[value.n] = '\0';
        environment_set(e, var, text);
}

static void expect_unchanged(struct environment *e, uint64_t seed)
{
        struct environment was;
        char when[40];

        environment_init(&was, 1);
        environment_copy(e, &was);
        environment_run(e);
        snprintf(when, sizeof when, "seed %llu", (unsigned long long)seed);
        environment_expect_same(e, &was, when);
        environment_free(&was);
}

/* Over random environments, changed at random between processes. */
static void changes_nothing_on_its_own_output(void **state)
{
        (void)state;
        for (uint64_t start = 1; start <= 3000; start++) {
                uint64_t seed = start * 0x9e3779b97f4a7c15u;
                struct environment e;

                environment_init(&e, ARENA);
                e.facts.self = start % 3 ? &box : NULL;
                e.facts.shows_all = start % 5 == 0;
                for (int generation = 0; generation < 4; generation++) {
                        for (unsigned n = random_below(&seed, 8); n > 0; n--)
                                disturb(&e, &seed);
                        e.facts.upper_lives = random_below(&seed, 16);
                        environment_run(&e);
                        e.facts.upper_lives = random_below(&seed, 16);
                        expect_unchanged(&e, start);
                        if (random_below(&seed, 2))
                                environment_hand_on(&e);
                }
                environment_free(&e);
        }
}

/* Whatever was set at first comes back when all that we made is undone. */
static void gives_back_what_the_user_had(void **state)
{
        (void)state;
        for (uint64_t start = 1; start <= 1000; start++) {
                uint64_t seed = start * 0x9e3779b97f4a7c15u;
                char *own[HF_VARS_MANAGED];
                struct environment e;

                environment_init(&e, ARENA);
                e.facts.self = &box;
                for (int n = 0; n < 8; n++)
                        disturb(&e, &seed);
                environment_set(&e, HF_VAR_HFPROXY_STATE, NULL);
                for (int v = 0; v < HF_VARS_MANAGED; v++)
                        own[v] = e.values[v] ? strdup(e.values[v]) : NULL;
                environment_run(&e);
                environment_run(&e);
                for (int v = 0; v < HF_VARS_MANAGED; v++) {
                        const char *before = e.view.before[v];

                        if ((own[v] != NULL) != (before != NULL) ||
                            (before && strcmp(own[v], before) != 0))
                                fail_msg("seed %llu: %s was %s, remembered as %s",
                                         (unsigned long long)start, hf_var_names[v],
                                         own[v] ? own[v] : "(unset)", before ? before : "(unset)");
                        free(own[v]);
                }
                environment_free(&e);
        }
}

/* --- sizes ---------------------------------------------------------------------------------- */

static char *long_text(const char *head, size_t size)
{
        char *text = malloc(size + 1);

        assert_non_null(text);
        memset(text, 'x', size);
        memcpy(text, head, strlen(head));
        text[size] = '\0';
        return text;
}

static void leaves_what_is_over_64k(void **state)
{
        char *text = long_text("\"http://u:", 100 * 1024);
        struct environment e;

        (void)state;
        memcpy(text + 100 * 1024 - 8, "@p:3128\"", 8);
        environment_init(&e, 4 * 1024 * 1024);
        environment_set(&e, HF_VAR_https_proxy, text);
        environment_run(&e);
        assert_string_equal(e.values[HF_VAR_https_proxy], text);
        assert_string_equal(e.values[HF_VAR_HTTPS_PROXY], text);
        assert_true(e.view.unmended & 1u << HF_VAR_https_proxy);
        expect_unchanged(&e, 0);
        environment_free(&e);
        free(text);
}

/* No variable may hold the whole list: with its last '@', a client sends what stands before it, the
 * first proxy's password too, to the last proxy. */
static void hands_out_no_list_over_64k(void **state)
{
        char *text = long_text("http://u:", 100 * 1024);
        struct environment e;

        (void)state;
        memcpy(text + 100 * 1024 - 24, "@p:3128,http://v:w@q:312", 24);
        environment_init(&e, 4 * 1024 * 1024);
        environment_set(&e, HF_VAR_HFPROXY_URL, text);
        environment_run(&e);
        assert_null(e.values[HF_VAR_http_proxy]);
        assert_true(e.view.url_unreadable);
        assert_false(e.view.unmended);
        expect_unchanged(&e, 0);
        environment_free(&e);
        free(text);
}

static void hands_out_the_first_of_a_list_over_64k(void **state)
{
        char *text = long_text("http://p:3128,http://v:", 100 * 1024);
        struct environment e;

        (void)state;
        memcpy(text + 100 * 1024 - 6, "@q:312", 6);
        environment_init(&e, 4 * 1024 * 1024);
        environment_set(&e, HF_VAR_HFPROXY_URL, text);
        environment_run(&e);
        assert_string_equal(e.values[HF_VAR_http_proxy], "http://p:3128");
        assert_false(e.view.url_unreadable);
        expect_unchanged(&e, 0);
        environment_free(&e);
        free(text);
}

static void hands_out_one_url_over_64k_as_it_is(void **state)
{
        char *text = long_text("http://u:", 100 * 1024);
        struct environment e;

        (void)state;
        memcpy(text + 100 * 1024 - 7, ",@p:312", 7);
        environment_init(&e, 4 * 1024 * 1024);
        environment_set(&e, HF_VAR_HFPROXY_URL, text);
        environment_run(&e);
        assert_string_equal(e.values[HF_VAR_http_proxy], text);
        assert_string_equal(e.values[HF_VAR_ALL_PROXY], text);
        expect_unchanged(&e, 0);
        environment_free(&e);
        free(text);
}

static void keeps_the_state_under_64k(void **state)
{
        static char lists[2][30 * 1024], url[30 * 1024];
        struct environment e;

        (void)state;
        for (size_t i = 0; i < sizeof url - 1; i++) {
                lists[0][i] = lists[1][i] = i < 6 ? "[::1];"[i] : 'x';
                url[i] = i < 5 ? "\"p:1\""[i] : ' ';
        }
        lists[1][10] = 'y';
        environment_init(&e, 8 * 1024 * 1024);
        environment_set(&e, HF_VAR_no_proxy, lists[0]);
        environment_set(&e, HF_VAR_NO_PROXY, lists[1]);
        environment_set(&e, HF_VAR_https_proxy, url);
        environment_run(&e);
        assert_true(strlen(e.values[HF_VAR_HFPROXY_STATE]) <= 64 * 1024);
        assert_true(e.view.unmended != 0);
        expect_unchanged(&e, 0);
        environment_free(&e);
}

static void takes_no_proxy_of_100000_entries(void **state)
{
        size_t size = 100000 * 11;
        char *text = malloc(size + 1);
        struct environment e;

        (void)state;
        assert_non_null(text);
        for (size_t i = 0; i < 100000; i++)
                snprintf(text + 11 * i, 12, "h%05zu.tst,", i % 100000);
        environment_init(&e, 8 * 1024 * 1024);
        environment_set(&e, HF_VAR_NO_PROXY, text);
        environment_set(&e, HF_VAR_https_proxy, P);
        environment_run(&e);
        assert_string_equal(e.values[HF_VAR_no_proxy], text);
        assert_string_equal(e.view.no_proxy, text);
        expect_unchanged(&e, 0);
        environment_free(&e);
        free(text);
}

static void stays_raw_when_the_arena_is_full(void **state)
{
        const char *values[HF_VARS] = {[HF_VAR_https_proxy] = "p:3128"};
        struct hf_settings settings;
        struct hf_facts facts = {0};
        struct hf_arena arena = {0};
        struct hf_view view;

        (void)state;
        hf_settings_read(values, &settings);
        hf_view(values, &settings, &facts, &arena, &view);
        assert_ptr_equal(view.value[HF_VAR_https_proxy], values[HF_VAR_https_proxy]);
        assert_ptr_equal(view.value[HF_VAR_HTTPS_PROXY], values[HF_VAR_https_proxy]);
        assert_null(view.value[HF_VAR_no_proxy]);
}

static void hands_connect_the_users_own_list(void **state)
{
        const char *values[HF_VARS] = {[HF_VAR_https_proxy] = P,
                                       [HF_VAR_ALL_PROXY] = "socks://s",
                                       [HF_VAR_NO_PROXY] = "fd00::/8"};
        struct hf_settings settings;
        struct hf_facts facts = {.self = &box};
        _Alignas(8) static char memory[ARENA];
        struct hf_arena arena = {.base = memory, .size = ARENA};
        struct hf_view view;

        (void)state;
        hf_settings_read(values, &settings);
        hf_view(values, &settings, &facts, &arena, &view);
        assert_string_equal(view.no_proxy, "fd00::/8");
        assert_string_equal(view.proxy[HF_PAIR_HTTPS], P);
        assert_string_equal(view.proxy[HF_PAIR_ALL], "socks5h://s:1080");
        assert_null(view.proxy[HF_PAIR_HTTP]);
}

int main(void)
{
        struct table t = {0};

        TABLE_ADD(&t, check_row, rows);
        table_add(&t, "changes_nothing_on_its_own_output", changes_nothing_on_its_own_output, NULL);
        table_add(&t, "gives_back_what_the_user_had", gives_back_what_the_user_had, NULL);
        table_add(&t, "leaves_what_is_over_64k", leaves_what_is_over_64k, NULL);
        table_add(&t, "hands_out_no_list_over_64k", hands_out_no_list_over_64k, NULL);
        table_add(&t, "hands_out_the_first_of_a_list_over_64k",
                  hands_out_the_first_of_a_list_over_64k, NULL);
        table_add(&t, "hands_out_one_url_over_64k_as_it_is", hands_out_one_url_over_64k_as_it_is,
                  NULL);
        table_add(&t, "keeps_the_state_under_64k", keeps_the_state_under_64k, NULL);
        table_add(&t, "takes_no_proxy_of_100000_entries", takes_no_proxy_of_100000_entries, NULL);
        table_add(&t, "stays_raw_when_the_arena_is_full", stays_raw_when_the_arena_is_full, NULL);
        table_add(&t, "hands_connect_the_users_own_list", hands_connect_the_users_own_list, NULL);
        return table_run("mirror", &t);
}
