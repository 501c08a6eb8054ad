/* SPDX-License-Identifier: MIT */
/* HFPROXY_TUNNEL=strict and every other way to ask for a name than getaddrinfo() (test_strict.c):
 * no name server is asked, not even the one on this machine. HFPROXY_DNS=local counts for nothing.
 */
#define _GNU_SOURCE
#include "hosts.h"

#define ROOM 1024
#define UNKNOWN "cas.example.test"
#define EXEMPT "a.exempt.test"
#define FAR "203.0.113.10"
#define HERE "127.0.0.1"
#define OWN "198.51.100.7"

static int name_server = -1; /* a socket there: nothing may ever come */
static char own_name[65];

static int setup(void **state)
{
        names_setup(state);
        setenv("no_proxy", "exempt.test", 1);
        return 0;
}

static bool was_asked(void)
{
        bool any = false;
        char buf[512];

        while (recv(name_server, buf, sizeof buf, MSG_DONTWAIT) >= 0)
                any = true;
        return any;
}

/* ---- from a name to an address ---- */

/* The four ways of asking; each gives 0 or h_errno. */

static int by_name(const char *node, struct hostent *ret, char *buf)
{
        struct hostent *found = gethostbyname(node);

        (void)buf;
        if (found)
                *ret = *found;
        return found ? 0 : h_errno;
}

static int by_name2(const char *node, struct hostent *ret, char *buf)
{
        struct hostent *found = gethostbyname2(node, AF_INET);

        (void)buf;
        if (found)
                *ret = *found;
        return found ? 0 : h_errno;
}

static int by_name_r(const char *node, struct hostent *ret, char *buf)
{
        struct hostent *found;
        int error = 0, r = gethostbyname_r(node, ret, buf, ROOM, &found, &error);

        assert_int_equal(r == 0, found != NULL);
        return found ? 0 : error;
}

static int by_name2_r(const char *node, struct hostent *ret, char *buf)
{
        struct hostent *found;
        int error = 0, r = gethostbyname2_r(node, AF_INET, ret, buf, ROOM, &found, &error);

        assert_int_equal(r == 0, found != NULL);
        return found ? 0 : error;
}

static int (*const ways[])(const char *, struct hostent *, char *) = {by_name, by_name2, by_name_r,
                                                                      by_name2_r};

static const struct row {
        const char *name, *node;              /* no node: our own name */
        const char *expected, *without_proxy; /* NULL: none */
} rows[] = {
        {"unknown", UNKNOWN, placeholder, NULL},
        {"of_the_local_network", "node.local", placeholder, NULL},
        {"in_hosts", "private.example", "10.9.9.1", "10.9.9.1"},
        {"exempt_and_unknown", EXEMPT, NULL, NULL},
        {"odd_bytes", "exa mple.test", NULL, NULL},
        {"localhost", "localhost", HERE, HERE},
        {"own_name", NULL, OWN, OWN},
        {"address", FAR, FAR, FAR},
        {"short_address", "127.1", HERE, HERE},
};

static const char *node_of(const struct row *row)
{
        return row->node ? row->node : own_name;
}

static void asks(void **state)
{
        const struct row *row = *state;
        const char *expected = mode == PRELOADED ? row->expected : row->without_proxy;

        if (mode == CONTROL)
                return;
        for (size_t i = 0; i < HF_LEN(ways); i++) {
                char buf[ROOM], text[INET_ADDRSTRLEN];
                struct hostent entry;
                int r = ways[i](node_of(row), &entry, buf), error = errno;

                assert_false(was_asked());
                assert_int_equal(r, expected ? 0 : NO_RECOVERY);
                if (expected)
                        expect_address(inet_ntop(AF_INET, entry.h_addr_list[0], text, sizeof text),
                                       expected);
                else
                        assert_int_equal(error, ENETUNREACH);
        }
}

/* As libc says it: the program comes again with more room. */
static void own_name_in_too_small_a_buffer(void **state)
{
        char buf[8];
        struct hostent entry, *found = &entry;
        int error = 0;

        (void)state;
        assert_int_equal(gethostbyname_r(own_name, &entry, buf, sizeof buf, &found, &error),
                         ERANGE);
        assert_null(found);
        assert_int_equal(error, NETDB_INTERNAL);
        assert_int_equal(errno, ERANGE);
}

#if defined(GAI_WAIT) && !defined(__SANITIZE_THREAD__) /* which dies of libc's threads */
#define ASKS_IN_THE_BACKGROUND
static void asks_in_the_background(void **state)
{
        static const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
        struct gaicb requests[HF_LEN(rows)], *list[HF_LEN(rows)];

        (void)state;
        for (size_t i = 0; i < HF_LEN(rows); i++) {
                requests[i] = (struct gaicb){.ar_name = node_of(&rows[i]), .ar_request = &hints};
                list[i] = &requests[i];
        }
        getaddrinfo_a(GAI_WAIT, list, HF_LEN(rows), NULL);
        assert_false(was_asked());
        for (size_t i = 0; i < HF_LEN(rows); i++) {
                const char *expected = mode == PRELOADED ? rows[i].expected : rows[i].without_proxy;
                char text[INET_ADDRSTRLEN];

                assert_int_equal(gai_error(list[i]), expected ? 0 : EAI_FAIL);
                if (!expected)
                        continue;
                getnameinfo(requests[i].ar_result->ai_addr, requests[i].ar_result->ai_addrlen, text,
                            sizeof text, NULL, 0, NI_NUMERICHOST);
                expect_address(text, expected);
                freeaddrinfo(requests[i].ar_result);
        }
}
#endif

/* ---- and back ---- */

static const struct reverse {
        const char *name, *addr;
        const char *expected; /* NULL: none */
} reverses[] = {
        {"back_from_far", FAR, NULL},
        {"back_from_loopback_unknown", "127.7.7.7", NULL},
        {"back_from_hosts", "10.9.9.1", "private.example"},
        {"back_from_far_v6", "2001:db8:10::7", NULL},
        {"back_from_hosts_v6", "2001:db8:10::40", "six.example"},
};

static void asks_back(void **state)
{
        const struct reverse *row = *state;
        bool v6 = strchr(row->addr, ':');
        int family = v6 ? AF_INET6 : AF_INET, error = 0, r;
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, row->addr, 443, v6), n = v6 ? 16 : 4;
        struct hostent entry, *found;
        unsigned char bytes[16];
        char buf[ROOM], host[256];

        if (mode == CONTROL)
                return;
        assert_int_equal(inet_pton(family, row->addr, bytes), 1);
        found = gethostbyaddr(bytes, n, family);
        assert_int_equal(found != NULL, row->expected != NULL);
        if (found)
                assert_string_equal(found->h_name, row->expected);
        else
                assert_true(h_errno == NO_RECOVERY && errno == ENETUNREACH);
        r = gethostbyaddr_r(bytes, n, family, &entry, buf, sizeof buf, &found, &error);
        assert_int_equal(r == 0, row->expected != NULL);
        assert_int_equal(found != NULL, row->expected != NULL);
        if (!found)
                assert_int_equal(error, NO_RECOVERY);

        /* There it is no error: who wants no name gets digits. */
        assert_int_equal(
                getnameinfo((struct sockaddr *)&sa, len, host, sizeof host, NULL, 0, NI_NAMEREQD),
                row->expected ? 0 : EAI_FAIL);
        assert_int_equal(getnameinfo((struct sockaddr *)&sa, len, host, sizeof host, NULL, 0, 0),
                         0);
        assert_string_equal(host, row->expected ? row->expected : row->addr);
        assert_false(was_asked());
}

/* ---- a placeholder elsewhere than in connect() ---- */

static void datagrams_to_a_placeholder(void **state)
{
        struct sockaddr_storage to, here;
        socklen_t to_len = look_up(UNKNOWN, AF_INET, 443, &to);
        socklen_t here_len = address(&here, HERE, 53, false);
        int fd = socket(AF_INET, SOCK_DGRAM, 0);
        struct iovec iov = {(char[]){"word"}, 4};
        struct msghdr msg = {.msg_name = &to, .msg_namelen = to_len, .msg_iov = &iov};
        struct mmsghdr msgs[3];

        (void)state;
        msg.msg_iovlen = 1;
        assert_int_equal(sendto(fd, "word", 4, 0, (struct sockaddr *)&to, to_len), -1);
        assert_int_equal(errno, ENETUNREACH);
        assert_int_equal(sendmsg(fd, &msg, 0), -1);
        assert_int_equal(errno, ENETUNREACH);
        assert_int_equal(bind(fd, (struct sockaddr *)&to, to_len), -1);
        assert_int_equal(errno, ENETUNREACH);
        assert_false(was_asked());

        memset(msgs, 0, sizeof msgs);
        for (int i = 0; i < 3; i++)
                msgs[i].msg_hdr = msg;
        assert_int_equal(sendmmsg(fd, msgs, 3, 0), -1);
        assert_int_equal(errno, ENETUNREACH);
        assert_false(was_asked());
        msgs[0].msg_hdr.msg_name = &here;
        msgs[0].msg_hdr.msg_namelen = here_len;
        assert_int_equal(sendmmsg(fd, msgs, 3, 0), 1);
        assert_true(was_asked());

        /* nor does it take others along that must not go */
        address(&here, FAR, 9000, false);
        assert_int_equal(sendmmsg(fd, msgs, 3, 0), -1);
        assert_int_equal(errno, ENETUNREACH);
        assert_int_equal(sendmmsg(fd, msgs, 1, 0), -1);
        assert_int_equal(errno, ENETUNREACH);
        assert_int_equal(sendmmsg(fd, (void *)8, 2, 0), -1);
        assert_int_equal(errno, EFAULT);
        close(fd);
}

/* The control: this test would see it. */
static void libc_asks(void **state)
{
        char buf[ROOM];
        struct hostent entry;

        (void)state;
        assert_int_not_equal(by_name_r(UNKNOWN, &entry, buf), 0);
        assert_true(was_asked());
}

static void open_name_server(void)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, HERE, 53, false);

        name_server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (bind(name_server, (struct sockaddr *)&sa, len) < 0)
                abort();
}

int main(int argc, char **argv)
{
        static struct table t;

        setenv("HFPROXY_TUNNEL", "strict", 1);
        setenv("HFPROXY_DNS", "local", 1);
        world_enter(argc, argv, HOSTS_SETUP);
        open_name_server();
        gethostname(own_name, sizeof own_name);
        TABLE_ADD(&t, asks, rows);
        TABLE_ADD(&t, asks_back, reverses);
        if (mode != CONTROL) {
                table_add(&t, "own_name_in_too_small_a_buffer", own_name_in_too_small_a_buffer,
                          NULL);
#ifdef ASKS_IN_THE_BACKGROUND
                table_add(&t, "asks_in_the_background", asks_in_the_background, NULL);
#endif
        }
        if (mode == PRELOADED)
                table_add(&t, "datagrams_to_a_placeholder", datagrams_to_a_placeholder, NULL);
        if (mode == CONTROL)
                table_add(&t, "libc_asks", libc_asks, NULL);
        return table_run_with("strict_names", &t, setup);
}
