/* SPDX-License-Identifier: MIT */
/* Every way of waiting for a connection, times everything that may become of it. Which ways:
 * waits_*.c. */
#define _GNU_SOURCE
#include "waits.h"

#define K ANYWHERE

/* By every protocol. (Each of these tables ends with an outcome that has no name.) */
static const struct outcome outcomes[] = {
        {"granted", GRANTS, 0, K},
        {"granted_with_banner", GRANTS_WITH_BANNER, 0, K | BANNER_FIRST},
        {"granted_byte_by_byte", GRANTS_BYTE_BY_BYTE, 0, 0},
        {"granted_small_buffer", GRANTS, 0, K | SMALL_BUFFER},
        {"granted_late", GRANTS_WHEN_RELEASED, 0, K | IS_LATE},
        {"refused_late", REFUSES_WHEN_RELEASED, EACCES, K | IS_LATE},
        {"reset_late", RESETS_WHEN_RELEASED, ECONNRESET, IS_LATE},
        {"garbage", TALKS_GARBAGE, ECONNREFUSED, 0},
        {"another_protocol", TALKS_SSH, ECONNREFUSED, 0},
        {"closed", CLOSES, ECONNRESET, 0},
        {"closed_at_once", CLOSES_AT_ONCE, ECONNRESET, NO_REQUEST},
        {"closed_midway", CLOSES_MIDWAY, ECONNRESET, 0},
        {"reset", RESETS, ECONNRESET, 0},
        {"reset_midway", RESETS_MIDWAY, ECONNRESET, 0},
        {"dead_port", GRANTS, ECONNREFUSED, K | DEAD_PORT},
        {0},
};

static const struct outcome http_outcomes[] = {
        {"granted_with_long_headers", GRANTS_LONG_HEADERS, 0, 0},
        {"granted_with_long_headers_small_buffer", GRANTS_LONG_HEADERS, 0, SMALL_BUFFER | IS_SLOW},
        {"granted_bare", GRANTS_BARE, 0, 0},
        {"granted_after_100", GRANTS_AFTER_100, 0, 0},
        {"refused_403", REFUSES_403, EACCES, 0},
        {"refused_404", REFUSES_404, EACCES, 0},
        {"refused_407_ntlm", REFUSES_407_NTLM, EACCES, 0},
        {"refused_407_basic", REFUSES_407_BASIC, EACCES, 0},
        {"refused_502", REFUSES_502, EHOSTUNREACH, 0},
        {"refused_503", REFUSES_503, EHOSTUNREACH, 0},
        {"refused_504", REFUSES_504, ETIMEDOUT, 0},
        {"refused_with_a_page", REFUSES_BODY, EACCES, 0},
        {"too_long", TALKS_TOO_LONG, ECONNREFUSED, 0},
        {0},
};

static const struct outcome socks5_outcomes[] = {
        {"granted_with_a_long_name", GRANTS_LONG_HEADERS, 0, 0},
        {"granted_with_an_ipv6_address", GRANTS_BARE, 0, 0},
        {"granted_without_login", GRANTS_AFTER_100, 0, 0},
        {"refused_1", REFUSES_1, ECONNREFUSED, 0},
        {"refused_2", REFUSES_403, EACCES, 0},
        {"refused_2_and_closed", REFUSES_404, EACCES, 0},
        {"refused_2_with_a_page", REFUSES_BODY, EACCES, 0},
        {"refused_3", REFUSES_3, ENETUNREACH, 0},
        {"refused_4", REFUSES_502, EHOSTUNREACH, 0},
        {"refused_5", REFUSES_5, ECONNREFUSED, 0},
        {"refused_6", REFUSES_504, ETIMEDOUT, 0},
        {"refused_7", REFUSES_7, EOPNOTSUPP, 0},
        {"refused_8", REFUSES_8, EAFNOSUPPORT, 0},
        {"no_method", REFUSES_407_NTLM, EACCES, NO_REQUEST},
        {"wrong_password", REFUSES_407_BASIC, EACCES, NO_REQUEST},
        {"unknown_type", TALKS_TOO_LONG, ECONNREFUSED, 0},
        {0},
};

/* By SOCKS4a: one message each way, a user that nobody can check, and three refusals. What SOCKS5
 * says of log-ins and of the network has no like there; a wrong user is 93. */
static const struct outcome socks4_outcomes[] = {
        {"granted_with_ones", GRANTS_LONG_HEADERS, 0, 0},
        {"granted_with_zeroes", GRANTS_BARE, 0, 0},
        {"granted_with_what_looks_like_replies", GRANTS_AFTER_100, 0, 0},
        {"refused_91", REFUSES_502, ECONNREFUSED, 0},
        {"refused_92", REFUSES_403, EACCES, 0},
        {"refused_92_and_closed", REFUSES_404, EACCES, 0},
        {"refused_92_with_a_page", REFUSES_BODY, EACCES, 0},
        {"refused_93", REFUSES_407_BASIC, EACCES, 0},
        {"refused_94", TALKS_TOO_LONG, ECONNREFUSED, 0},
        {0},
};

static const struct outcome *const by_protocol[] = {
        [HTTP] = http_outcomes,
        [SOCKS4] = socks4_outcomes,
        [SOCKS5] = socks5_outcomes,
};

/* With a time limit so short that the other rows had better not meet it. */
static const struct outcome timeouts[] = {
        {"silent", HANGS, ETIMEDOUT, TIMES_OUT},
        {0},
};

static const struct way *const ways[] = {poll_ways,   epoll_ways, sets_ways,
                                         number_ways, raw_ways,   hasty_ways};

static struct row {
        const struct outcome *outcome;
        const struct way *way;
        char name[96];
} rows[4096];

static void runs(void **state)
{
        const struct row *row = *state;

        cell_run(row->outcome, row->way);
}

static int end(void **state)
{
        (void)state;
        cell_end();
        return 0;
}

static void add_ways(struct table *t, const struct outcome *outcome, const char *only)
{
        for (size_t i = 0; i < HF_LEN(ways); i++) {
                for (const struct way *way = ways[i]; way->name; way++) {
                        struct row *row = &rows[t->n];

                        if (!cell_is_useful(outcome, way))
                                continue;
                        snprintf(row->name, sizeof row->name, "%s.%s", way->name, outcome->name);
                        if (only && !strstr(row->name, only))
                                continue;
                        row->outcome = outcome;
                        row->way = way;
                        table_add(t, row->name, runs, row);
                        t->cases[t->n - 1].teardown_func = end;
                }
        }
}

static void add_all(struct table *t, const struct outcome *each, const char *only)
{
        for (; each->name; each++)
                add_ways(t, each, only);
}

/* test_waits [noproxy|control|all|timeout [part of a name]] */
int main(int argc, char **argv)
{
        bool timeout = argc > 1 && !strcmp(argv[1], "timeout");
        const char *only = argc > 2 ? argv[2] : NULL;
        static struct table t;

        setenv("HFPROXY_TIMEOUT", timeout ? "0.15" : "25", 1);
        world_enter(argc, argv, NULL);
        if (timeout) {
                add_all(&t, timeouts, only);
        } else {
                add_all(&t, outcomes, only);
                add_all(&t, by_protocol[world->protocol], only);
        }
        return table_run("waits", &t);
}
