/* SPDX-License-Identifier: MIT */
/* getnameinfo(): a placeholder gives its name back, all else is libc's. */
#define _GNU_SOURCE
#include "hosts.h"

#define NAME "cas.example.test"

static const struct row {
        const char *name;
        int flags;
        socklen_t host_size, service_size;
        int result;
        const char *host, *service; /* expected; NULL: not asked for; `placeholder`: in digits */
} rows[] = {
        {"name_and_service", 0, 64, 32, 0, NAME, "https"},
        {"name_alone", 0, 64, 0, 0, NAME, NULL},
        {"service_alone", 0, 0, 32, 0, NULL, "https"},
        {"name_required", NI_NAMEREQD, 64, 32, 0, NAME, "https"},
        {"numeric_host", NI_NUMERICHOST, 64, 32, 0, placeholder, "https"},
        {"numeric_service", NI_NUMERICSERV, 64, 32, 0, NAME, "443"},
        {"both_numeric", NI_NUMERICHOST | NI_NUMERICSERV, 64, 32, 0, placeholder, "443"},
        {"no_fqdn", NI_NOFQDN, 64, 32, 0, NAME, "https"},
        {"datagram", NI_DGRAM, 64, 32, 0, NAME, "https"},
        {"just_enough_room", 0, sizeof NAME, 32, 0, NAME, "https"},
        {"one_byte_too_few", 0, sizeof NAME - 1, 32, EAI_OVERFLOW, NULL, NULL},
        {"one_byte", 0, 1, 32, EAI_OVERFLOW, NULL, NULL},
        {"no_room_for_service", 0, 64, 2, EAI_OVERFLOW, NULL, NULL},
        {"bad_flags", 0x4000000, 64, 32, EAI_BADFLAGS, NULL, NULL},
        {"nothing_asked_for", NI_NAMEREQD, 0, 0, EAI_NONAME, NULL, NULL},
};

static void tells(const struct sockaddr *sa, socklen_t len, const struct row *row)
{
        char host[64] = "untouched", service[32] = "";
        int r;

        errno = 4711;
        r = getnameinfo(sa, len, row->host_size ? host : NULL, row->host_size,
                        row->service_size ? service : NULL, row->service_size, row->flags);
        if (r != row->result)
                fail_msg("%d %s, not %d", r, r ? gai_strerror(r) : "", row->result);
        if (row->result)
                return;
        if (row->host == placeholder)
                assert_true(is_placeholder(host));
        else if (row->host)
                assert_string_equal(host, row->host);
        if (row->service)
                assert_string_equal(service, row->service);
}

static void of_a_placeholder(void **state)
{
        struct sockaddr_storage sa;
        struct sockaddr_in in;
        char mapped[64], digits[INET_ADDRSTRLEN];
        socklen_t len;

        len = look_up(NAME, AF_INET, 443, &sa);
        tells((struct sockaddr *)&sa, len, *state);
        memcpy(&in, &sa, sizeof in);
        inet_ntop(AF_INET, &in.sin_addr, digits, sizeof digits);

        len = look_up(NAME, AF_INET6, 443, &sa);
        tells((struct sockaddr *)&sa, len, *state);

        /* as accept() and getpeername() give it on a socket of both families */
        snprintf(mapped, sizeof mapped, "%s", digits);
        len = address(&sa, mapped, 443, true);
        if (((const struct row *)*state)->host != placeholder)
                tells((struct sockaddr *)&sa, len, *state);
}

static const struct other {
        const char *name, *literal;
        int flags, result;
        const char *host;
} others[] = {
        {"known_to_etc_hosts", "203.0.113.32", 0, 0, "public.example"},
        {"private", "10.9.9.1", NI_NAMEREQD, 0, "private.example"},
        /* (There is no name server to say that it has no name.) */
        {"unknown", "203.0.113.99", 0, -1, NULL},
        {"unknown_in_digits", "203.0.113.99", NI_NUMERICHOST, 0, "203.0.113.99"},
        {"never_handed_out", "240.170.1.2", 0, -1, NULL},
        {"never_handed_out_in_digits", "240.170.1.2", NI_NUMERICHOST, 0, "240.170.1.2"},
        {"never_handed_out_ipv6", "100::f0aa:102", 0, -1, NULL},
        {"beside_ours_in_the_same_net", "100::1", 0, -1, NULL},
        {"fake_ip_of_others", "198.18.0.7", 0, -1, NULL},
};

static void of_another(void **state)
{
        const struct other *row = *state;
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, row->literal, 443, strchr(row->literal, ':'));
        char host[64];
        int r;

        if (mode == PRELOADED)
                look_up(NAME, AF_INET, 443, &(struct sockaddr_storage){0});
        r = getnameinfo((struct sockaddr *)&sa, len, host, sizeof host, NULL, 0, row->flags);
        assert_int_equal(r == 0, row->result == 0);
        if (row->host)
                assert_string_equal(host, row->host);
}

static void bad_lengths(void **state)
{
        struct sockaddr_storage sa;
        char host[64];

        (void)state;
        address(&sa, "203.0.113.32", 443, false);
        for (socklen_t len = 0; len < sizeof(struct sockaddr_in); len++)
                assert_int_equal(
                        getnameinfo((struct sockaddr *)&sa, len, host, sizeof host, NULL, 0, 0),
                        EAI_FAMILY);
        sa.ss_family = 4711;
        assert_int_equal(
                getnameinfo((struct sockaddr *)&sa, sizeof sa, host, sizeof host, NULL, 0, 0),
                EAI_FAMILY);
}

int main(int argc, char **argv)
{
        static struct table t;

        world_enter(argc, argv, HOSTS_SETUP);
        TABLE_ADD(&t, of_another, others);
        table_add(&t, "bad_lengths", bad_lengths, NULL);
        if (mode == PRELOADED)
                TABLE_ADD(&t, of_a_placeholder, rows);
        return table_run_with("nameinfo", &t, names_setup);
}
