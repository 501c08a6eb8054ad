/* SPDX-License-Identifier: MIT */
/* The small world in which a preload test lives: a network namespace of its own, in which addresses
 * that look public are local, an echo server on the ports of the web, and a proxy that behaves as
 * it is told. world_enter() makes it, then executes the test again inside it:
 *
 *      no argument   under LD_PRELOAD=libhfproxy.so with a proxy configured
 *      noproxy       under LD_PRELOAD=libhfproxy.so with none
 *      control       without the library
 *
 * (any other word is the test's own, and goes with the first.)
 *
 * The cases that do not speak of the proxy must come out alike in all three. */
#pragma once

#include "../unit/table.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum behaviour {
        GRANTS,
        GRANTS_WITH_BANNER,    /* the server's first bytes in the segment of the reply */
        GRANTS_BYTE_BY_BYTE,   /* each byte by itself */
        GRANTS_LONG_HEADERS,   /* 60 KiB; by SOCKS5 a name of 255 bytes; by SOCKS4 an address of
                                  ones */
        GRANTS_BARE,           /* HTTP/1.0, no reason, bare LF; by SOCKS5 an IPv6 address; by SOCKS4
                                  one of zeroes */
        GRANTS_AFTER_100,      /* an interim reply first; by SOCKS5 without a log-in; by SOCKS4 an
                                  address that looks like replies */
        GRANTS_WHEN_RELEASED,  /* waits for world->released */
        REFUSES_WHEN_RELEASED, /* 403 */
        RESETS_WHEN_RELEASED,
        REFUSES_403,       /* by SOCKS5 reply 2; by SOCKS4 92 */
        REFUSES_404,       /* the same, and closes */
        REFUSES_407_NTLM,  /* by SOCKS5 no log-in is acceptable; by SOCKS4 93 */
        REFUSES_407_BASIC, /* by SOCKS5 the password is wrong; by SOCKS4 93 */
        REFUSES_502,       /* by SOCKS5 reply 4; by SOCKS4 91 */
        REFUSES_503,
        REFUSES_504, /* by SOCKS5 reply 6; by SOCKS4 91 */
        REFUSES_1,   /* SOCKS5 replies that have no like in HTTP; by SOCKS4 91 */
        REFUSES_3,
        REFUSES_5,
        REFUSES_7,
        REFUSES_8,
        REFUSES_BODY, /* as 403, with a page behind it */
        TALKS_GARBAGE,
        TALKS_SSH,
        TALKS_TOO_LONG, /* 70 KiB of headers; by SOCKS5 an address of no known type; by SOCKS4 94 */
        CLOSES,
        CLOSES_AT_ONCE, /* without reading the request */
        CLOSES_MIDWAY,
        RESETS,
        RESETS_MIDWAY,
        HANGS,
        SCRIPTED, /* as world->script says, by the client's port */
};

/* What the proxy does at byte AT of the request that it reads, or of its own reply. */
struct script {
        uint16_t at;
        uint8_t side; /* enum script_side */
        uint8_t what; /* enum script_what */
};
enum script_side {
        GRANTS_ALWAYS,
        AT_REQUEST,
        AT_REQUEST_PLAIN, /* of a client without a log-in; by SOCKS4 for an address, not a name */
        AT_OK,
        AT_OK_WITH_FIELDS, /* by SOCKS5 without a log-in, and a name */
        AT_403,            /* by SOCKS5 reply 2; by SOCKS4 91 */
        AT_407,            /* by SOCKS5 a wrong password; by SOCKS4 93 */
        AT_502,            /* by SOCKS5 reply 4; by SOCKS4 92 */
        AT_NO_METHOD,      /* SOCKS5 alone has these */
        AT_OK_NAME,
        AT_OK_V6,
        AT_OK_PLAIN, /* to a client without a log-in */
        AT_OK_PLAIN_V6,
        SCRIPT_SIDES,
};
enum script_what {
        THEN_CLOSES,
        THEN_RESETS,
        THEN_STALLS,
        THEN_GARBAGE, /* GARBAGE, and closes */
        THEN_PAUSES,  /* until all is acknowledged, and goes on with the rest and BANNER */
};

#define GARBAGE "\x7f"

/* How many bytes long the reply of a side is, or all of a SOCKS proxy's, one behind the other; 0:
 * the protocol has no such side. */
size_t script_length(enum script_side side);

/* What a side is about. */
bool script_is_request(enum script_side side);
bool script_grants(enum script_side side);
bool script_is_plain(enum script_side side); /* the client has no log-in */

#define BANNER "220 hello from the server\r\n"

/* Without a proxy: the same servers as elsewhere, but not even a SYN reaches them while world->held
 * and before world->released. */
#define LATE "192.0.2.2"

/* What the proxy speaks: HTTP, or what HFPROXY_TEST_PROXY says (socks5h, socks4a). */
enum protocol { HTTP, SOCKS4 = 4, SOCKS5 = 5 };

struct world {
        enum protocol protocol;
        uint16_t proxy_port;  /* 127.0.0.1 */
        uint16_t proxy6_port; /* ::1 */
        uint16_t dead_port;   /* nobody listens there */
        uint16_t full_port;   /* 127.0.0.1: nobody accepts, SYNs are lost; 127.0.0.2: the proxy */
        uint16_t banner_port; /* an echo server that says BANNER first */
        bool has_late;        /* LATE is there (it needs /dev/net/tun) */
        _Atomic(int) behaviour;
        _Atomic(int) released;
        _Atomic(int) held;             /* packets to LATE wait for world->released */
        _Atomic(int) busy;             /* connections at the proxy that are not yet over */
        _Atomic(unsigned) accepted;    /* connections at the proxy */
        _Atomic(unsigned) asked;       /* requests that it has read */
        _Atomic(unsigned) early_bytes; /* that came behind a request and before its reply, or
                                          after a refusal: there must be none */
        _Atomic(struct script) script[65536];
        _Atomic(unsigned) served; /* connections at the echo servers */
        char request[4096];       /* the last one that reached the proxy */
};

extern struct world *world;

enum mode { PRELOADED, NOPROXY, CONTROL };

extern enum mode mode;

/* Returns in the inner process only. SETUP: shell commands for the namespace, or NULL. */
void world_enter(int argc, char **argv, const char *setup);

/* The scheme of that protocol. */
const char *world_scheme(void);

/* The proxy's URL with user "u" and password "p@ss". */
const char *world_proxy_url(uint16_t port);

/* Milliseconds of a clock that only runs forward. */
int64_t now_ms(void);

/* Is every other thread of this process asleep? */
bool others_asleep(void);

/* Is FD ready for EVENTS within ten seconds? */
bool ready(int fd, short events);

/* Sends a word and gets it back. */
void expect_echo(int fd);
void expect_read(int fd, const char *text);

/* What the proxy was asked: "CONNECT host:port HTTP/1.1", by whatever protocol. */
void expect_request(const char *line);

struct sockaddr_storage;
unsigned address(struct sockaddr_storage *sa, const char *literal, uint16_t port, bool v6);
