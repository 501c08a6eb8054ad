/* SPDX-License-Identifier: MIT */
/* The far end of every connection. All of it by raw system calls, on descriptors of high numbers:
 * the library sees nothing of it.
 *
 * Loopback delivers within the call that sends, or a moment later, when the kernel is busy; what
 * goes to the tun device waits there until we carry it over. */
#define _GNU_SOURCE
#include "model.h"

#include <fcntl.h>
#include <linux/tcp.h>
#include <sched.h>

#define HIGH 600

#define OK "HTTP/1.1 200 Connection established\r\n\r\n"
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG_OK "HTTP/1.1 200 Fine\r\nA: " X64 X64 X64 X64 "\r\nB: " X64 X64 X64 X64 X64 "\r\n\r\n"
#define INTERIM "HTTP/1.1 102 Processing\r\nX-A: b\r\n\r\n"
#define NO_403 "HTTP/1.1 403 Forbidden\r\n"
#define NO_407 "HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n"
#define REPLY(text) text, sizeof(text) - 1
#define WHOLE(text) REPLY(text), sizeof(text) - 1
#define GRANT4 "\0\x5a\x01\xbb\x7f\0\0\x01"
#define REST4 "\x01\xbb\x7f\0\0\x01"

static const struct reply http_replies[] = {
        {WHOLE(OK), 0},
        {WHOLE(OK), 0},
        {WHOLE(LONG_OK), 0},
        {WHOLE("HTTP/1.0 200\n\n"), 0},
        {WHOLE(INTERIM OK), 0},
        {REPLY(NO_403 "A: b\r\n\r\n<h1>no</h1>"), sizeof NO_403 - 1, EACCES},
        {REPLY(NO_407 "<h1>no</h1>"), sizeof NO_407 - 1, EACCES},
        {WHOLE("HTTP/1.1 502 Bad Gateway\r\n"), EHOSTUNREACH},
        {WHOLE("HTTP/1.1 504 Gateway Timeout\r\n"), ETIMEDOUT},
        {REPLY("SSH-2.0-OpenSSH\r\n"), 1, ECONNREFUSED},
};

/* One message each way, as by HTTP. */
static const struct reply socks_replies[] = {
        {WHOLE(GRANT4), 0},
        {WHOLE(GRANT4), 0},
        {WHOLE(GRANT4), 0},
        {WHOLE("\0\x5a\0\0\0\0\0\0"), 0},
        {WHOLE("\0\x5a\xff\xff\xff\xff\xff\xff"), 0},
        {REPLY("\0\x5c" REST4 "<h1>no</h1>"), 2, EACCES},
        {REPLY("\0\x5d" REST4), 2, EACCES},
        {REPLY("\0\x5b" REST4), 2, ECONNREFUSED},
        {REPLY("\0\x5f" REST4), 2, ECONNREFUSED},
        {REPLY("SSH-2.0-OpenSSH\r\n"), 1, ECONNREFUSED},
};
const size_t reply_count = HF_LEN(http_replies);
_Static_assert(HF_LEN(socks_replies) == HF_LEN(http_replies), "the same scripts serve both");

static int listeners[2];
static uint16_t ports[WAYS];
static bool has_tun;

static struct sock *helped; /* its port is not known yet */

const struct reply *reply_of(const struct sock *s)
{
        const struct reply *replies = world->protocol == SOCKS4 ? socks_replies : http_replies;

        return s->far.reply ? &replies[s->far.reply - 1] : NULL;
}

static long raw(long nr, long a, long b, long c, long d, long e)
{
        return raw_call(nr, a, b, c, d, e);
}

int far_high(int fd)
{
        long moved = raw(SYS_fcntl, fd, F_DUPFD_CLOEXEC, HIGH, 0, 0);

        raw(SYS_close, fd, 0, 0, 0, 0);
        if (fd < 0 || moved < 0) {
                printf("Bail out! the far end has no descriptors\n");
                exit(1);
        }
        return (int)moved;
}

static struct sockaddr_in inet(const char *host, uint16_t port)
{
        struct sockaddr_storage sa;
        struct sockaddr_in in;

        address(&sa, host, port, false);
        memcpy(&in, &sa, sizeof in);
        return in;
}

/* Bound, and listening if LISTENS; *PORT is which. */
static int server(const char *host, bool listens, uint16_t *port)
{
        struct sockaddr_in sa = inet(host, 0);
        socklen_t len = sizeof sa;
        int fd = far_high(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));

        if (bind(fd, (struct sockaddr *)&sa, len) < 0 || (listens && listen(fd, 64) < 0) ||
            getsockname(fd, (struct sockaddr *)&sa, &len) < 0) {
                printf("Bail out! the far end cannot listen on %s: %s\n", host, strerror(errno));
                exit(1);
        }
        *port = ntohs(sa.sin_port);
        return fd;
}

static void set_proxy(const char *name, const char *host, uint16_t port)
{
        char url[96];

        snprintf(url, sizeof url, "%s://u:p%%40ss@%s:%d", world_scheme(), host, port);
        setenv(name, url, 1);
}

void far_start(void)
{
        has_tun = tun_start();
        listeners[0] = server("127.0.0.1", true, &ports[TO_LO]);
        listeners[1] = server(has_tun ? TUN_NEAR : "127.0.0.1", true, &ports[TO_TUN]);
        server("127.0.0.1", false, &ports[TO_LO_DEAD]);
        server(has_tun ? TUN_NEAR : "127.0.0.1", false, &ports[TO_TUN_DEAD]);
        if (!tunnelled())
                return;
        set_proxy("http_proxy", "127.0.0.1", ports[TO_LO]);
        set_proxy("https_proxy", TUN_FAR, ports[TO_TUN]);
}

uint16_t far_port(unsigned way)
{
        return ports[way];
}

enum way far_way(enum way way)
{
        return has_tun || way == TO_LO ? way : way == TO_TUN ? TO_LO : TO_LO_DEAD;
}

void far_choose(enum way way)
{
        if (tunnelled() && way == TO_LO_DEAD)
                set_proxy("all_proxy", "127.0.0.1", ports[way]);
        if (tunnelled() && way == TO_TUN_DEAD)
                set_proxy("all_proxy", TUN_FAR, ports[way]);
}

void far_address(struct sockaddr_in *sa, const struct sock *s)
{
        static const uint16_t by_way[WAYS] = {80, 443, 9443, 9443};
        char host[32];

        if (!tunnelled()) {
                *sa = inet(s->way == TO_LO || s->way == TO_LO_DEAD ? "127.0.0.1" : TUN_FAR,
                           ports[s->way]);
                return;
        }
        snprintf(host, sizeof host, "203.0.113.%d", 10 + (int)(s - model.socks));
        *sa = inet(host, by_way[s->way]);
}

/* ---- connections ---- */

static void reset_on_close(int fd)
{
        const struct linger hard = {.l_onoff = 1};

        raw(SYS_setsockopt, fd, SOL_SOCKET, SO_LINGER, (long)&hard, sizeof hard);
}

void far_hurry(int fd)
{
        const int on = 1;

        raw(SYS_setsockopt, fd, IPPROTO_TCP, TCP_NODELAY, (long)&on, sizeof on);
}

static void take(int way, int fd, uint16_t port)
{
        far_hurry(fd);
        for (unsigned i = 0; i < SOCKS; i++) {
                struct sock *s = &model.socks[i];

                if (s->way == way && s->far.port == port && s->far.fd < 0 && !s->far.gone &&
                    !s->far.reset) {
                        s->far.fd = fd;
                        return;
                }
        }
        if (helped && helped->way == way && helped->far.fd < 0) {
                helped->far.fd = fd;
                helped->far.port = port;
                return;
        }
        reset_on_close(fd);
        raw(SYS_close, fd, 0, 0, 0, 0);
}

static bool accept_all(void)
{
        bool any = false;

        for (int way = TO_LO; way <= TO_TUN; way++) {
                struct sockaddr_in sa;
                socklen_t len = sizeof sa;
                long fd;

                while ((fd = raw(SYS_accept4, listeners[way], (long)&sa, (long)&len,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) >= 0) {
                        take(way, far_high((int)fd), ntohs(sa.sin_port));
                        len = sizeof sa;
                        any = true;
                }
        }
        return any;
}

static void move_everything(void)
{
        while (tun_carry(helped) || accept_all())
                ;
}

static void leave_alone(int *fd)
{
        if (*fd >= 0) {
                reset_on_close(*fd);
                raw(SYS_close, *fd, 0, 0, 0, 0);
        }
        *fd = -1;
}

void far_forsake(void)
{
        for (unsigned i = 0; i < SOCKS; i++) {
                if (model.socks[i].far.fd >= 0)
                        raw(SYS_close, model.socks[i].far.fd, 0, 0, 0, 0);
                model.socks[i].far = (struct far){.fd = -1};
                model.socks[i].phase = LOST;
        }
}

void far_reset(void)
{
        for (unsigned i = 0; i < SOCKS; i++)
                leave_alone(&model.socks[i].far.fd);
        memset(&model, 0, sizeof model);
        tun_forget();
        helped = NULL;
        for (unsigned i = 0; i < SOCKS; i++)
                model.socks[i].far.fd = -1;
        for (unsigned i = 0; i < HANDLES; i++)
                model.handles[i].fd = -1;
        for (unsigned i = 0; i < SETS; i++)
                model.sets[i].fd = -1;
        move_everything();
}

/* ---- has everything arrived? ---- */

enum { ESTABLISHED = 1, SYN_SENT = 2, FIN_WAIT1 = 4, FIN_WAIT2 = 5, CLOSED = 7 };

static bool info(int fd, struct tcp_info *ret)
{
        socklen_t len = sizeof *ret;

        memset(ret, 0, sizeof *ret);
        return fd >= 0 &&
               raw(SYS_getsockopt, fd, IPPROTO_TCP, TCP_INFO, (long)ret, (long)&len) == 0;
}

static bool has_fin(const struct tcp_info *end)
{
        return end->tcpi_state != ESTABLISHED && end->tcpi_state != FIN_WAIT1 &&
               end->tcpi_state != FIN_WAIT2 && end->tcpi_state != SYN_SENT;
}

static int client_fd(const struct sock *s)
{
        for (unsigned i = 0; i < HANDLES; i++)
                if (model.handles[i].fd >= 0 && &model.socks[model.handles[i].sock] == s)
                        return model.handles[i].fd;
        return -1;
}

static bool arrived(struct sock *s)
{
        struct tcp_info near, far;
        bool has_near = info(client_fd(s), &near), has_far = info(s->far.fd, &far);
        uint64_t sent = near.tcpi_bytes_sent - near.tcpi_bytes_retrans;

        if (s->phase == LOST || s->way > TO_TUN || s->phase == FAILED)
                return true;
        if (!has_near)
                return !has_far || has_fin(&far);
        if (s->held || s->far.port == 0)
                return true;
        if (near.tcpi_state == SYN_SENT)
                return false;
        s->greeted |= sent > 0;
        if (has_far && (far.tcpi_bytes_received < sent || (s->shut && !has_fin(&far))))
                return false;
        if (near.tcpi_state == CLOSED) {
                /* It answers to a far end that is gone. */
                if (s->phase == UP && s->far.gone && sent > s->far.sent_at_end)
                        s->far.reset = true;
                return true;
        }
        return near.tcpi_bytes_received >= s->far.sent && (!s->far.fin || has_fin(&near)) &&
               !s->far.reset && !(s->far.gone && sent > s->far.sent_at_end);
}

void far_settle(void)
{
        int64_t until = now_ms() + 3000;
        unsigned late;

        for (;;) {
                late = SOCKS;
                move_everything();
                for (unsigned i = 0; i < SOCKS; i++)
                        if (model.socks[i].far.port && !arrived(&model.socks[i]))
                                late = i;
                if (late == SOCKS)
                        return;
                EXPECT(now_ms() < until, "on connection %d not everything arrives",
                       model.socks[late].number);
                sched_yield();
        }
}

void far_known(struct sock *s)
{
        struct sockaddr_in sa = {0};
        socklen_t len = sizeof sa;

        raw(SYS_getsockname, client_fd(s), (long)&sa, (long)&len, 0, 0);
        s->far = (struct far){.fd = -1, .port = ntohs(sa.sin_port)};
}

void far_release(struct sock *s)
{
        s->held = false;
        tun_let(s, true);
        if (!s->far.port)
                helped = s;
}

void far_drop(const struct sock *s)
{
        tun_let(s, false);
}

bool far_accepted(struct sock *s)
{
        if (s->far.port == 0)
                helped = s;
        move_everything();
        if (s->far.port != 0)
                helped = NULL;
        return s->far.fd >= 0;
}
