/* SPDX-License-Identifier: MIT */
/* Bridging (HFPROXY_SOCKS, HFPROXY_ONLY): what a client sees, what everybody else sees, and that
 * both come out the same whichever way the environment took from process to process. */
#include "environment.h"

#define ARENA (64 * 1024)
#define P "http://p:3128"
#define Q "http://q:8080"
#define S5 "socks5://s:1080"
#define S5H "socks5h://s:1080"
#define HTTP_UNSET "http_proxy", "HTTP_PROXY"
#define HTTPS_UNSET "https_proxy", "HTTPS_PROXY"
#define ALL_UNSET "all_proxy", "ALL_PROXY"
#define UNSET HTTP_UNSET, HTTPS_UNSET, ALL_UNSET
#define HTTP(url) "http_proxy=" url, "HTTP_PROXY=" url
#define HTTPS(url) "https_proxy=" url, "HTTPS_PROXY=" url
#define ALL(url) "all_proxy=" url, "ALL_PROXY=" url

struct row {
        const char *name;
        const char *env[8];    /* the user's */
        const char *client[9]; /* "NAME=value", or "NAME" for unset */
        const char *shown[9];  /* to a launcher, and to a program that exec starts */
};

/* clang-format off */
static const struct row rows[] = {
        /* SOCKS in one of them */
        {"clash", {"http_proxy=" P, "https_proxy=" P, "all_proxy=" S5},
         {HTTP(P), HTTPS(P), ALL_UNSET}, {HTTP(P), HTTPS(P), ALL(S5)}},
        {"clash_upper", {"HTTP_PROXY=" P, "HTTPS_PROXY=" P, "ALL_PROXY=" S5},
         {HTTP(P), HTTPS(P), ALL_UNSET}, {HTTP(P), HTTPS(P), ALL(S5)}},
        {"gnome", {"http_proxy=http://p:3128/", "https_proxy=http://p:3128/", "all_proxy=socks://s:1080/"},
         {HTTP("http://p:3128/"), HTTPS("http://p:3128/"), ALL_UNSET},
         {HTTP("http://p:3128/"), HTTPS("http://p:3128/"), ALL(S5H "/")}},
        {"socks_for_https", {"http_proxy=" P, "HTTPS_PROXY=" S5H}, {HTTP(P), HTTPS_UNSET, ALL_UNSET},
         {HTTP(P), HTTPS(S5H), ALL_UNSET}},
        {"socks_for_http", {"http_proxy=" S5H, "HTTPS_PROXY=" P}, {HTTP_UNSET, HTTPS(P), ALL_UNSET},
         {HTTP(S5H), HTTPS(P), ALL_UNSET}},
        {"gnome_socks_for_https", {"https_proxy=socks://s"}, {UNSET}, {HTTP_UNSET, HTTPS(S5), ALL_UNSET}},
        {"gnome_socks_in_quotes", {"https_proxy=\"SOCKS://s\""}, {UNSET}, {HTTP_UNSET, HTTPS(S5), ALL_UNSET}},
        {"damage_is_mended", {"ALL_PROXY=' socks5://u:p@w@s '", "http_proxy=" P},
         {HTTP(P), HTTPS_UNSET, ALL_UNSET}, {HTTP(P), HTTPS("socks5://u:p%40w@s:1080"), ALL("socks5://u:p%40w@s:1080")}},

        /* all_proxy alone: the others are filled for those who ignore it */
        {"all_only", {"ALL_PROXY=" S5}, {UNSET}, {HTTP(S5), HTTPS(S5), ALL(S5)}},
        {"all_only_by_name", {"ALL_PROXY=" S5H}, {UNSET}, {HTTP(S5), HTTPS(S5), ALL(S5H)}},
        {"all_only_gnome", {"ALL_PROXY=socks://s:1080"}, {UNSET}, {HTTP(S5), HTTPS(S5), ALL(S5H)}},
        {"all_only_socks4a", {"ALL_PROXY=socks4a://s"}, {UNSET}, {HTTP_UNSET, HTTPS_UNSET, ALL("socks4a://s:1080")}},
        {"fills_what_is_unset_only", {"ALL_PROXY=" S5H, "http_proxy=" P}, {HTTP(P), HTTPS_UNSET, ALL_UNSET},
         {HTTP(P), HTTPS(S5), ALL(S5H)}},
        {"fills_what_is_empty", {"ALL_PROXY=" S5H, "http_proxy=", "HTTP_PROXY="}, {UNSET}, {HTTP(S5), HTTPS(S5), ALL(S5H)}},
        {"does_not_believe_a_cgi_header", {"ALL_PROXY=" S5, "HTTP_PROXY=" Q, "REQUEST_METHOD=GET"}, {UNSET},
         {HTTP(S5), HTTPS(S5), ALL(S5)}},

        /* what clients would fall back to */
        {"hides_http_all_beside_socks", {"https_proxy=" S5, "all_proxy=" P}, {HTTP(P), HTTPS_UNSET, ALL_UNSET},
         {HTTP(P), HTTPS(S5), ALL(P)}},
        {"leaves_ftp", {"ftp_proxy=" S5, "https_proxy=" P}, {"ftp_proxy=" S5, "FTP_PROXY=" S5, HTTPS(P)},
         {"ftp_proxy=" S5, HTTPS(P)}},

        /* HFPROXY_URL */
        {"url", {"HFPROXY_URL=" S5H}, {UNSET}, {HTTP(S5), HTTPS(S5), ALL(S5H)}},
        {"url_gnome", {"HFPROXY_URL=socks://s"}, {UNSET}, {HTTP(S5), HTTPS(S5), ALL(S5H)}},
        {"url_as_given", {"HFPROXY_URL=" S5}, {UNSET}, {HTTP(S5), HTTPS(S5), ALL(S5)}},
        {"url_socks4a", {"HFPROXY_URL=socks4a://s:1"}, {UNSET}, {HTTP("socks4a://s:1"), HTTPS("socks4a://s:1"), ALL("socks4a://s:1")}},
        {"url_over_others", {"HFPROXY_URL=" S5H, "https_proxy=" P, "ALL_PROXY=" Q}, {UNSET}, {HTTP(S5), HTTPS(S5), ALL(S5H)}},
        {"url_list", {"HFPROXY_URL=" S5H "," P}, {UNSET}, {HTTP(S5), HTTPS(S5), ALL(S5H)}},
        {"url_list_of_http", {"HFPROXY_URL=p:3128, " S5H}, {HTTP(P), HTTPS(P), ALL(P)}, {HTTP(P), HTTPS(P), ALL(P)}},
        {"url_list_with_a_bad_one", {"HFPROXY_URL=ftp://x," S5H, "http_proxy=" P}, {UNSET}, {HTTP(S5), HTTPS(S5), ALL(S5H)}},

        /* both spellings */
        {"two_that_differ", {"all_proxy=" S5, "ALL_PROXY=" P}, {UNSET}, {HTTP(S5), HTTPS(S5), ALL(S5)}},
        {"two_that_differ_upper", {"https_proxy=" S5, "HTTPS_PROXY=" P, "HFPROXY_PREFER=upper"}, {HTTPS(P)}, {HTTPS(P)}},
        {"two_that_are_kept", {"https_proxy=" S5, "HTTPS_PROXY=" P, "HFPROXY_PREFER=keep"}, {UNSET},
         {"https_proxy=" S5, "HTTPS_PROXY=" P}},
        {"two_that_are_kept_gnome", {"https_proxy=socks://s", "HTTPS_PROXY=" P, "HFPROXY_PREFER=keep"}, {UNSET},
         {"https_proxy=" S5, "HTTPS_PROXY=" P}},
        {"two_that_are_kept_http_first", {"https_proxy=" P, "HTTPS_PROXY=" S5, "HFPROXY_PREFER=keep"},
         {"https_proxy=" P, "HTTPS_PROXY=" S5}, {"https_proxy=" P, "HTTPS_PROXY=" S5}},

        /* left in place */
        {"env", {"ALL_PROXY=socks://s", "HFPROXY_SOCKS=env"}, {HTTP_UNSET, HTTPS_UNSET, ALL(S5H)}, {HTTP_UNSET, HTTPS_UNSET, ALL(S5H)}},
        {"tunnel_off", {"ALL_PROXY=" S5, "HFPROXY_TUNNEL=off"}, {HTTP_UNSET, HTTPS_UNSET, ALL(S5)}, {HTTPS_UNSET, ALL(S5)}},
        {"tunnel_off_only", {"https_proxy=" P, "HFPROXY_TUNNEL=off", "HFPROXY_ONLY=hf"}, {HTTPS(P)}, {HTTPS(P)}},
        {"tunnel_strict", {"ALL_PROXY=" S5, "HFPROXY_TUNNEL=strict"}, {UNSET}, {HTTP(S5), HTTPS(S5), ALL(S5)}},
        {"tunnel_strict_unreadable", {"ALL_PROXY=" S5, "https_proxy=socks9://s", "HFPROXY_TUNNEL=strict"},
         {HTTP_UNSET, "https_proxy=socks9://s", "HTTPS_PROXY", ALL_UNSET}, {HTTP(S5), "https_proxy=socks9://s", "HTTPS_PROXY", ALL(S5)}},
        {"unreadable", {"ALL_PROXY=socks9://s"}, {"all_proxy", "ALL_PROXY=socks9://s", HTTPS_UNSET}, {"ALL_PROXY=socks9://s"}},
        {"http_alone", {"ALL_PROXY=" P}, {HTTP(P), HTTPS(P), ALL(P)}, {HTTP(P), HTTPS(P), ALL(P)}},

        /* HFPROXY_ONLY */
        {"only", {"HTTPS_PROXY=" P, "HFPROXY_ONLY=hf"}, {UNSET}, {HTTP_UNSET, HTTPS(P), ALL_UNSET}},
        {"only_all", {"all_proxy=p:3128", "HFPROXY_ONLY=hf"}, {UNSET}, {HTTP(P), HTTPS(P), ALL(P)}},
        {"only_url", {"HFPROXY_URL=" P, "HFPROXY_ONLY=hf"}, {UNSET}, {HTTP(P), HTTPS(P), ALL(P)}},
        {"only_socks", {"all_proxy=" S5H, "HFPROXY_ONLY=hf", "HFPROXY_SOCKS=env"}, {UNSET}, {HTTP(S5), HTTPS(S5), ALL(S5H)}},
        {"only_ftp", {"ftp_proxy=" P, "HFPROXY_ONLY=hf"}, {"ftp_proxy", "FTP_PROXY"}, {"ftp_proxy=" P, "FTP_PROXY=" P}},
        {"only_leaves_tls_to_the_client", {"https_proxy=https://p:1", "HFPROXY_ONLY=hf"}, {HTTPS("https://p:1")}, {HTTPS("https://p:1")}},
        {"only_empty", {"https_proxy=" P, "HFPROXY_ONLY="}, {HTTPS(P)}, {HTTPS(P)}},

        /* no_proxy is no proxy */
        {"completes_no_proxy", {"ALL_PROXY=" S5, "no_proxy=a"},
         {ALL_UNSET, "no_proxy=a,localhost,127.0.0.1,::1,0.0.0.0", "NO_PROXY=a,localhost,127.0.0.1,::1,0.0.0.0", "no_grpc_proxy"},
         {"no_proxy=a,localhost,127.0.0.1,::1,0.0.0.0", "NO_PROXY=a,localhost,127.0.0.1,::1,0.0.0.0", "no_grpc_proxy"}},
};
/* clang-format on */

static void expect_all(const struct environment *e, const char *const *entries, size_t n)
{
        for (size_t i = 0; i < n && entries[i]; i++)
                environment_expect(e, entries[i]);
}

static void check_row(void **state)
{
        const struct row *row = *state;
        struct environment e, launcher;

        environment_init(&e, ARENA);
        environment_init(&launcher, ARENA);
        for (size_t i = 0; i < HF_LEN(row->env) && row->env[i]; i++)
                environment_put(&e, row->env[i]);
        environment_copy(&e, &launcher);
        launcher.facts.shows_all = true;
        environment_run(&e);
        environment_run(&launcher);
        expect_all(&e, row->client, HF_LEN(row->client));
        expect_all(&launcher, row->shown, HF_LEN(row->shown));
        environment_hand_on(&e);
        expect_all(&e, row->shown, HF_LEN(row->shown));
        environment_free(&e);
        environment_free(&launcher);
}

/* --- from process to process ---------------------------------------------------------------- */

static const struct then {
        const char *name;
        bool shows_all; /* the first process is a launcher */
        bool handed;    /* by exec */
        const char *env[4];
        const char *then[4];
        const char *expect[9]; /* in a client */
        const char *proxy[3];  /* http, https, all for connect() */
} thens[] = {
        {"stays_hidden", false, false, {"ALL_PROXY=" S5}, {0}, {UNSET}, {NULL, NULL, S5}},
        {"stays_hidden_when_handed_on",
         false,
         true,
         {"ALL_PROXY=" S5},
         {0},
         {UNSET},
         {NULL, NULL, S5}},
        {"stays_hidden_below_a_launcher",
         true,
         false,
         {"ALL_PROXY=" S5},
         {0},
         {UNSET},
         {NULL, NULL, S5}},
        {"a_newer_http_one_is_seen",
         false,
         false,
         {"ALL_PROXY=" S5},
         {"ALL_PROXY=" P},
         {HTTP(P), HTTPS(P), ALL(P)},
         {P, P, P}},
        {"a_newer_socks_one_is_hidden",
         false,
         false,
         {"ALL_PROXY=" S5},
         {"all_proxy=socks5h://t:1"},
         {UNSET},
         {NULL, NULL, "socks5h://t:1"}},
        {"what_was_filled_follows",
         false,
         true,
         {"ALL_PROXY=" S5},
         {"ALL_PROXY=socks5://t:1"},
         {UNSET},
         {NULL, NULL, "socks5://t:1"}},
        {"an_emptied_one_is_none",
         false,
         false,
         {"ALL_PROXY=" S5},
         {"ALL_PROXY=", "all_proxy="},
         {HTTP_UNSET, HTTPS_UNSET, "all_proxy=", "ALL_PROXY="},
         {NULL, NULL, NULL}},
        {"a_shells_unset_counts",
         true,
         false,
         {"ALL_PROXY=" S5},
         {"ALL_PROXY", "all_proxy"},
         {UNSET, "no_proxy"},
         {NULL, NULL, NULL}},
        {"a_shells_unset_of_the_source_counts",
         true,
         false,
         {"all_proxy=" S5},
         {"all_proxy"},
         {UNSET, "no_proxy", "HFPROXY_STATE"},
         {NULL, NULL, NULL}},
        {"without_state_what_was_hidden_is_gone",
         false,
         false,
         {"ALL_PROXY=" S5},
         {"HFPROXY_STATE"},
         {UNSET},
         {NULL, NULL, NULL}},
        {"comes_back_under_env",
         false,
         false,
         {"ALL_PROXY=" S5},
         {"HFPROXY_SOCKS=env"},
         {HTTP_UNSET, HTTPS_UNSET, ALL(S5)},
         {NULL, NULL, S5}},
        {"what_was_filled_goes_under_env",
         true,
         false,
         {"ALL_PROXY=" S5},
         {"HFPROXY_SOCKS=env"},
         {HTTP_UNSET, HTTPS_UNSET, ALL(S5)},
         {NULL, NULL, S5}},
        {"without_the_url_the_old_come_back",
         false,
         true,
         {"HFPROXY_URL=" S5H, "https_proxy=" P, "all_proxy=" S5},
         {"HFPROXY_URL"},
         {HTTP_UNSET, HTTPS(P), ALL_UNSET},
         {NULL, P, S5}},
        {"a_newer_word_beats_a_hidden_url",
         false,
         false,
         {"HFPROXY_URL=" S5H},
         {"HTTPS_PROXY=" P},
         {HTTP_UNSET, HTTPS(P), ALL_UNSET},
         {S5H, P, S5H}},
        {"is_not_hidden_without_the_list",
         false,
         false,
         {"https_proxy=" P, "HFPROXY_ONLY=hf"},
         {"HFPROXY_ONLY"},
         {HTTPS(P)},
         {NULL, P, NULL}},
};

static void check_then(void **state)
{
        const struct then *row = *state;
        struct environment e;

        environment_init(&e, ARENA);
        for (size_t i = 0; i < HF_LEN(row->env) && row->env[i]; i++)
                environment_put(&e, row->env[i]);
        e.facts.shows_all = row->shows_all;
        environment_run(&e);
        if (row->handed)
                environment_hand_on(&e);
        for (size_t i = 0; i < HF_LEN(row->then) && row->then[i]; i++)
                environment_put(&e, row->then[i]);
        e.facts.shows_all = false;
        environment_run(&e);
        expect_all(&e, row->expect, HF_LEN(row->expect));
        for (int p = 0; p < HF_PAIR_FTP; p++) {
                const char *got = e.view.proxy[p], *want = row->proxy[p];

                if ((got != NULL) != (want != NULL) || (got && strcmp(got, want) != 0))
                        fail_msg("connect() uses %s as %s, not %s", got ? got : "none",
                                 hf_var_names[2 * p], want ? want : "none");
        }
        environment_free(&e);
}

/* --- properties ----------------------------------------------------------------------------- */

static const char *const pieces[] = {
        P,    Q,   S5,  S5H, "socks://s", "socks4a://s:2", "",          "", "https://p:1",
        "\"", " ", "p", ",", "@",         "ftp://x",       "u:pass@h:1"};
static const char *const words[] = {"", "env", "off", "strict", "keep", "upper", "hf", "GET"};

static void fill(struct environment *e, uint64_t *seed)
{
        for (unsigned n = random_below(seed, 8); n > 0; n--) {
                bool proxy = random_below(seed, 4) > 0;
                int var = (int)(proxy ? random_below(seed, HF_VAR_no_proxy)
                                      : random_below(seed, HF_VARS));
                char text[200];
                struct hf_span value;

                if (var == HF_VAR_HFPROXY_STATE)
                        continue;
                value = var < HF_VAR_no_proxy || var == HF_VAR_HFPROXY_URL
                                ? random_text(seed, pieces, HF_LEN(pieces), 2, text,
                                              sizeof text - 1)
                                : random_text(seed, words, HF_LEN(words), 1, text, sizeof text - 1);
                text[value.n] = '\0';
                environment_set(e, var, text);
        }
}

/* The same environment reaches one client directly, and others by a launcher, by another client,
 * and by one whose exec handed on: each must come to the same. */
static void comes_out_the_same_by_every_way(void **state)
{
        unsigned hidden = 0;

        (void)state;
        for (uint64_t start = 1; start <= 2000; start++) {
                uint64_t seed = start * 0x9e3779b97f4a7c15u;
                struct environment client, launcher, handed;
                char when[80];

                environment_init(&client, ARENA);
                environment_init(&launcher, ARENA);
                environment_init(&handed, ARENA);
                fill(&client, &seed);
                client.facts.upper_lives = random_below(&seed, 16);
                environment_copy(&client, &launcher);
                launcher.facts.shows_all = true;
                environment_run(&client);
                environment_run(&launcher);
                client.facts.upper_lives = launcher.facts.upper_lives = 0;

                environment_copy(&client, &handed);
                environment_hand_on(&handed);
                for (int v = 0; v < HF_VARS_MANAGED; v++) {
                        const char *a = handed.values[v], *b = launcher.values[v];

                        hidden += v < HF_VAR_no_proxy && client.view.hidden[v];
                        if ((a != NULL) != (b != NULL) || (a && strcmp(a, b) != 0))
                                fail_msg("seed %llu: exec hands on %s=%s, a launcher %s",
                                         (unsigned long long)start, hf_var_names[v],
                                         a ? a : "(unset)", b ? b : "(unset)");
                }

                handed.facts.shows_all = true;
                environment_run(&handed);
                snprintf(when, sizeof when, "seed %llu, a launcher below a client",
                         (unsigned long long)start);
                environment_expect_same(&handed, &launcher, when);

                launcher.facts.shows_all = false;
                environment_run(&launcher);
                snprintf(when, sizeof when, "seed %llu, a client below a launcher",
                         (unsigned long long)start);
                environment_expect_same(&launcher, &client, when);

                environment_hand_on(&launcher);
                environment_run(&launcher);
                snprintf(when, sizeof when, "seed %llu, a client below a client",
                         (unsigned long long)start);
                environment_expect_same(&launcher, &client, when);

                environment_free(&client);
                environment_free(&launcher);
                environment_free(&handed);
        }
        assert_in_range(hidden, 500, UINT32_MAX); /* or nothing was tested */
}

/* --- the rest ------------------------------------------------------------------------------- */

static void wants_self_for_what_is_hidden(void **state)
{
        struct environment e;
        const char *values[HF_VARS];

        (void)state;
        environment_init(&e, ARENA);
        environment_put(&e, "ALL_PROXY=" S5);
        environment_run(&e);
        for (int v = 0; v < HF_VARS; v++)
                values[v] = e.values[v];
        assert_true(hf_view_wants_self(values));
        values[HF_VAR_HFPROXY_STATE] = NULL;
        assert_false(hf_view_wants_self(values));
        environment_free(&e);
}

/* A text that HFPROXY_STATE has no room for cannot be given back, so it is not hidden. */
static void does_not_hide_what_it_cannot_remember(void **state)
{
        size_t size = 40 * 1024;
        char *text = test_calloc(1, size + 1);
        struct environment e;

        (void)state;
        memset(text, ';', size); /* three bytes each there */
        memcpy(text, "socks5://u:", 11);
        memcpy(text + size - 5, "@s:22", 5);
        environment_init(&e, 4 * 1024 * 1024);
        environment_set(&e, HF_VAR_all_proxy, text);
        environment_run(&e);
        assert_string_equal(e.values[HF_VAR_all_proxy], text);
        assert_true(e.view.unmended & 1u << HF_VAR_all_proxy);
        assert_true(strlen(e.values[HF_VAR_HFPROXY_STATE]) < 64 * 1024);
        environment_free(&e);
        test_free(text);
}

int main(void)
{
        struct table t = {0};

        TABLE_ADD(&t, check_row, rows);
        TABLE_ADD(&t, check_then, thens);
        table_add(&t, "comes_out_the_same_by_every_way", comes_out_the_same_by_every_way, NULL);
        table_add(&t, "wants_self_for_what_is_hidden", wants_self_for_what_is_hidden, NULL);
        table_add(&t, "does_not_hide_what_it_cannot_remember",
                  does_not_hide_what_it_cannot_remember, NULL);
        return table_run("mirror_bridge", &t);
}
