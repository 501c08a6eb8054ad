/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "core/settings.h"

static struct hf_settings read_one(enum hf_var var, const char *value)
{
        const char *values[HF_VARS] = {[0] = NULL};
        struct hf_settings s;

        values[var] = value;
        hf_settings_read(values, &s);
        return s;
}

static const struct timeout_row {
        const char *name, *text;
        int64_t ms; /* 0: malformed, so the default */
} timeouts[] = {
        {"timeout_seconds", "2", 2000},
        {"timeout_decimals", "0.25", 250},
        {"timeout_without_leading_digit", ".5", 500},
        {"timeout_with_trailing_dot", "3.", 3000},
        {"timeout_blanks", " 7 ", 7000},
        {"timeout_rounds_up", "0.0001", 1},
        {"timeout_rounds_up_past_a_digit", "1.0001", 1001},
        {"timeout_largest", "86400", 86400000},
        {"timeout_rejects_zero", "0", 0},
        {"timeout_rejects_decimal_zero", "0.000", 0},
        {"timeout_rejects_more_than_a_day", "86400.001", 0},
        {"timeout_rejects_negative", "-1", 0},
        {"timeout_rejects_plus", "+1", 0},
        {"timeout_rejects_words", "abc", 0},
        {"timeout_rejects_units", "30s", 0},
        {"timeout_rejects_comma", "0,5", 0},
        {"timeout_rejects_dot", ".", 0},
        {"timeout_rejects_two_dots", "1.2.3", 0},
        {"timeout_rejects_exponent", "1e3", 0},
        {"timeout_rejects_inf", "inf", 0},
        {"timeout_rejects_huge", "99999999999999999999", 0},
        {"timeout_rejects_long_text", "0.00000000000000000000000000000000000000001", 0},
};

static void check_timeout(void **state)
{
        const struct timeout_row *row = *state;
        struct hf_settings s = read_one(HF_VAR_HFPROXY_TIMEOUT, row->text);

        assert_int_equal(s.timeout_ms, row->ms ? row->ms : 30000);
        assert_int_equal(s.bad != 0, row->ms == 0);
}

static const struct word_row {
        const char *name;
        enum hf_var var;
        const char *text;
        int expected; /* of the field that belongs to var */
        bool bad;
} word_rows[] = {
        {"prefer_lower", HF_VAR_HFPROXY_PREFER, "lower", HF_PREFER_LOWER, false},
        {"prefer_upper", HF_VAR_HFPROXY_PREFER, "UPPER", HF_PREFER_UPPER, false},
        {"prefer_keep", HF_VAR_HFPROXY_PREFER, " keep ", HF_PREFER_KEEP, false},
        {"prefer_empty", HF_VAR_HFPROXY_PREFER, "", HF_PREFER_LIVE, false},
        {"prefer_unknown", HF_VAR_HFPROXY_PREFER, "left", HF_PREFER_LIVE, true},
        {"tunnel_on", HF_VAR_HFPROXY_TUNNEL, "on", 1, false},
        {"tunnel_off", HF_VAR_HFPROXY_TUNNEL, "off", 0, false},
        {"tunnel_strict", HF_VAR_HFPROXY_TUNNEL, "strict", 2, false},
        {"tunnel_unknown", HF_VAR_HFPROXY_TUNNEL, "maybe", 1, true},
        {"socks_bridge", HF_VAR_HFPROXY_SOCKS, "bridge", 0, false},
        {"socks_env", HF_VAR_HFPROXY_SOCKS, "Env", 1, false},
        {"socks_empty", HF_VAR_HFPROXY_SOCKS, "", 0, false},
        {"socks_unknown", HF_VAR_HFPROXY_SOCKS, "5", 0, true},
        {"dns_proxy", HF_VAR_HFPROXY_DNS, "proxy", 0, false},
        {"dns_local", HF_VAR_HFPROXY_DNS, "local", 1, false},
        {"dns_empty", HF_VAR_HFPROXY_DNS, "", 0, false},
        {"dns_unknown", HF_VAR_HFPROXY_DNS, "8.8.8.8", 0, true},
        {"io_uring_allow", HF_VAR_HFPROXY_IO_URING, "allow", 1, false},
        {"io_uring_refuse", HF_VAR_HFPROXY_IO_URING, "refuse", 0, false},
        {"io_uring_unset", HF_VAR_HFPROXY_IO_URING, "", 0, false},
        {"io_uring_unknown", HF_VAR_HFPROXY_IO_URING, "1", 0, true},
        {"level_error", HF_VAR_HFPROXY_LOG_LEVEL, "error", 0, false},
        {"level_debug", HF_VAR_HFPROXY_LOG_LEVEL, "Debug", 3, false},
        {"level_unknown", HF_VAR_HFPROXY_LOG_LEVEL, "7", 2, true},
        {"level_non_utf8", HF_VAR_HFPROXY_LOG_LEVEL, "\xff\xfe", 2, true},
        {"xet_1", HF_VAR_HFPROXY_DISABLE_XET, "1", 1, false},
        {"xet_true", HF_VAR_HFPROXY_DISABLE_XET, "TRUE", 1, false},
        {"xet_0", HF_VAR_HFPROXY_DISABLE_XET, "0", 0, false},
        {"xet_empty", HF_VAR_HFPROXY_DISABLE_XET, "", 0, false},
        {"xet_unknown", HF_VAR_HFPROXY_DISABLE_XET, "2", 0, true},
};

static void check_word(void **state)
{
        const struct word_row *row = *state;
        struct hf_settings s = read_one(row->var, row->text);
        int got = row->var == HF_VAR_HFPROXY_PREFER      ? (int)s.prefer
                  : row->var == HF_VAR_HFPROXY_TUNNEL    ? (int)s.tunnel
                  : row->var == HF_VAR_HFPROXY_SOCKS     ? s.socks_env
                  : row->var == HF_VAR_HFPROXY_DNS       ? s.dns_local
                  : row->var == HF_VAR_HFPROXY_IO_URING  ? s.io_uring
                  : row->var == HF_VAR_HFPROXY_LOG_LEVEL ? s.log_level
                                                         : s.disable_xet;

        assert_int_equal(got, row->expected);
        assert_int_equal(s.bad == UINT64_C(1) << row->var, row->bad);
        if (row->bad)
                assert_true(strlen(hf_settings_expects(row->var)) > 0);
}

static void is_all_defaults_when_nothing_is_set(void **state)
{
        struct hf_settings s = read_one(HF_VAR_http_proxy, "x");

        (void)state;
        assert_int_equal(s.prefer, HF_PREFER_LIVE);
        assert_int_equal(s.tunnel, HF_TUNNEL_ON);
        assert_false(s.socks_env);
        assert_false(s.dns_local);
        assert_null(s.only.s);
        assert_false(s.disable_xet);
        assert_int_equal(s.timeout_ms, 30000);
        assert_null(s.log.s);
        assert_int_equal(s.log_level, 2);
        assert_true(s.bad == 0);
}

static void takes_100_kib_for_malformed(void **state)
{
        static const enum hf_var vars[] = {HF_VAR_HFPROXY_PREFER,      HF_VAR_HFPROXY_TUNNEL,
                                           HF_VAR_HFPROXY_TIMEOUT,     HF_VAR_HFPROXY_LOG_LEVEL,
                                           HF_VAR_HFPROXY_DISABLE_XET, HF_VAR_HFPROXY_IO_URING,
                                           HF_VAR_HFPROXY_SOCKS,       HF_VAR_HFPROXY_DNS};
        static char text[100 * 1024 + 1];

        (void)state;
        memset(text, '1', sizeof text - 1);
        for (size_t i = 0; i < HF_LEN(vars); i++)
                assert_true(read_one(vars[i], text).bad == UINT64_C(1) << vars[i]);
}

static void finds_every_variable_by_name(void **state)
{
        (void)state;
        for (int v = 0; v < HF_VARS; v++) {
                struct hf_span name = hf_span(hf_var_names[v]);
                char longer[64];

                assert_true(name.n <= HF_VAR_NAME_MAX);
                assert_int_equal(hf_var_find(name), v);
                assert_int_equal(hf_var_find((struct hf_span){name.s, name.n - 1}), -1);
                snprintf(longer, sizeof longer, "%sx", hf_var_names[v]);
                assert_int_equal(hf_var_find(hf_span(longer)), -1);
        }
        assert_int_equal(hf_var_find(hf_span("PATH")), -1);
        assert_int_equal(hf_var_find(hf_span("")), -1);
}

static void collects_the_first_of_each_name(void **state)
{
        char *entries[] = {"http_proxy=a", "http_proxy=b", "no_proxy",      "=x", "",
                           "NO_PROXY=",    "PATH=/bin",    "HTTP_PROXYY=c", NULL};
        const char *values[HF_VARS];

        (void)state;
        hf_vars_collect(entries, values);
        assert_string_equal(values[HF_VAR_http_proxy], "a");
        assert_string_equal(values[HF_VAR_NO_PROXY], "");
        assert_null(values[HF_VAR_no_proxy]);
        assert_null(values[HF_VAR_HTTP_PROXY]);
        hf_vars_collect(NULL, values);
        assert_null(values[HF_VAR_http_proxy]);
}

int main(void)
{
        struct table t = {0};

        TABLE_ADD(&t, check_timeout, timeouts);
        TABLE_ADD(&t, check_word, word_rows);
        table_add(&t, "is_all_defaults_when_nothing_is_set", is_all_defaults_when_nothing_is_set,
                  NULL);
        table_add(&t, "takes_100_kib_for_malformed", takes_100_kib_for_malformed, NULL);
        table_add(&t, "finds_every_variable_by_name", finds_every_variable_by_name, NULL);
        table_add(&t, "collects_the_first_of_each_name", collects_the_first_of_each_name, NULL);
        return table_run("settings", &t);
}
