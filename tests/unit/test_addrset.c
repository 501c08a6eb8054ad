/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "core/addrset.h"

#include <pthread.h>

static struct hf_addrset set;

static struct hf_addr parsed(const char *text)
{
        struct hf_addr addr = {0};

        if (!hf_addr_parse(hf_span(text), &addr))
                fail_msg("\"%s\" is an address", text);
        return addr;
}

static struct hf_addr numbered(unsigned n)
{
        return (struct hf_addr){4, {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

static int empty(void **state)
{
        (void)state;
        memset(&set, 0, sizeof set);
        return 0;
}

/* ADDED is added with PORT; is ASKED in it with ASKED_PORT? */
static const struct row {
        const char *name, *added;
        uint16_t port;
        const char *asked;
        uint16_t asked_port;
        bool has;
} rows[] = {
        {"has_what_was_added", "192.0.2.1", 443, "192.0.2.1", 443, true},
        {"has_not_another_port", "192.0.2.1", 443, "192.0.2.1", 80, false},
        {"has_not_another_address", "192.0.2.1", 443, "192.0.2.2", 443, false},
        {"port_zero_is_every_port", "192.0.2.1", 0, "192.0.2.1", 80, true},
        {"port_zero_is_asked", "192.0.2.1", 0, "192.0.2.1", 0, true},
        {"one_port_is_not_every_port", "192.0.2.1", 443, "192.0.2.1", 0, false},
        {"has_ipv6", "2001:db8::1", 443, "2001:db8:0::1", 443, true},
        {"has_not_ipv6_of_the_same_bytes", "192.0.2.1", 443, "c000:201::", 443, false},
        {"has_mapped_as_ipv4", "::ffff:192.0.2.1", 443, "192.0.2.1", 443, true},
};

static void check_row(void **state)
{
        const struct row *row = *state;
        struct hf_addr added = parsed(row->added), asked = parsed(row->asked);

        assert_false(hf_addrset_has(&set, &asked, row->asked_port));
        assert_true(hf_addrset_add(&set, &added, row->port));
        assert_int_equal(hf_addrset_has(&set, &asked, row->asked_port), row->has);
}

static void several_ports_of_one_address(void **state)
{
        struct hf_addr addr = parsed("192.0.2.1");

        (void)state;
        for (uint16_t port = 1; port <= 100; port++)
                assert_true(hf_addrset_add(&set, &addr, port));
        for (uint16_t port = 1; port <= 100; port++)
                assert_true(hf_addrset_has(&set, &addr, port));
        assert_false(hf_addrset_has(&set, &addr, 101));
}

static void same_again_takes_no_room(void **state)
{
        struct hf_addr addr = parsed("192.0.2.1");

        (void)state;
        for (int i = 0; i < 10000; i++)
                assert_true(hf_addrset_add(&set, &addr, 443));
        assert_int_equal(set.count, 1);
}

static void takes_no_absent_address(void **state)
{
        struct hf_addr none = {0};

        (void)state;
        assert_false(hf_addrset_add(&set, &none, 443));
        assert_false(hf_addrset_has(&set, &none, 443));
}

static void full_set_stays_as_it_was(void **state)
{
        unsigned n = 0;

        (void)state;
        for (struct hf_addr addr = numbered(0); hf_addrset_add(&set, &addr, 443);
             addr = numbered(n))
                n++;
        assert_int_equal(n, HF_ADDRSET_SLOTS / 4 * 3);
        for (unsigned i = 0; i < n + 100; i++) {
                struct hf_addr addr = numbered(i);

                assert_int_equal(hf_addrset_has(&set, &addr, 443), i < n);
        }
        struct hf_addr known = numbered(7);
        assert_true(hf_addrset_add(&set, &known, 443));
}

/* A writer that never came back (a fork, a handler that jumped) stops nobody. */
static void slot_left_half_written(void **state)
{
        struct hf_addr addr = parsed("192.0.2.1");

        (void)state;
        for (size_t i = 0; i < HF_ADDRSET_SLOTS; i += 2)
                set.slots[i].state = 1;
        assert_false(hf_addrset_has(&set, &addr, 443));
        assert_true(hf_addrset_add(&set, &addr, 443));
        assert_true(hf_addrset_has(&set, &addr, 443));
}

static void *add_all(void *arg)
{
        (void)arg;
        for (unsigned i = 0; i < 2000; i++) {
                struct hf_addr addr = numbered(i);

                if (!hf_addrset_add(&set, &addr, 443) || !hf_addrset_has(&set, &addr, 443))
                        return &set;
        }
        return NULL;
}

static void four_threads_add_the_same(void **state)
{
        pthread_t threads[4];

        (void)state;
        for (size_t i = 0; i < HF_LEN(threads); i++)
                assert_int_equal(pthread_create(&threads[i], NULL, add_all, NULL), 0);
        for (size_t i = 0; i < HF_LEN(threads); i++) {
                void *failed;

                pthread_join(threads[i], &failed);
                assert_null(failed);
        }
}

int main(void)
{
        static struct table t;

        TABLE_ADD(&t, check_row, rows);
        table_add(&t, "several_ports_of_one_address", several_ports_of_one_address, NULL);
        table_add(&t, "same_again_takes_no_room", same_again_takes_no_room, NULL);
        table_add(&t, "takes_no_absent_address", takes_no_absent_address, NULL);
        table_add(&t, "full_set_stays_as_it_was", full_set_stays_as_it_was, NULL);
        table_add(&t, "slot_left_half_written", slot_left_half_written, NULL);
        table_add(&t, "four_threads_add_the_same", four_threads_add_the_same, NULL);
        for (size_t i = 0; i < t.n; i++)
                t.cases[i].setup_func = empty;
        return table_run("addrset", &t);
}
