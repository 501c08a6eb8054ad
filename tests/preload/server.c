/* SPDX-License-Identifier: MIT */
/* The world's servers: echo on the ports of the web, and the proxy, which serves as the far end of
 * its tunnels itself. A thread a connection. */
#define _GNU_SOURCE
#include "server.h"
#include "world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

void put(int fd, const void *bytes, size_t n)
{
        const char *p = bytes;

        while (n > 0) {
                ssize_t r = send(fd, p, n, MSG_NOSIGNAL);

                if (r <= 0)
                        return;
                p += r;
                n -= (size_t)r;
        }
}

void put_text(int fd, const char *text)
{
        put(fd, text, strlen(text));
}

void echo(int fd)
{
        char buf[4096];
        ssize_t n;

        while ((n = recv(fd, buf, sizeof buf, 0)) > 0)
                put(fd, buf, (size_t)n);
}

void await_acknowledged(int fd)
{
        int unsent = 1;

        while (ioctl(fd, SIOCOUTQ, &unsent) == 0 && unsent > 0)
                sched_yield();
}

/* A client that has just sent something keeps its acknowledgements back for 40 ms: after a few the
 * byte is there as well, and seen. */
#define SLOW_MS 3

void put_slowly(int fd, const void *bytes, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                int64_t since = now_ms();
                int unsent = 1;

                put(fd, (const char *)bytes + i, 1);
                while (ioctl(fd, SIOCOUTQ, &unsent) == 0 && unsent > 0 &&
                       now_ms() < since + SLOW_MS)
                        sched_yield();
        }
}

void reset_on_close(int fd)
{
        const struct linger hard = {.l_onoff = 1};

        setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void note_request(const char *text)
{
        pthread_mutex_lock(&lock);
        snprintf(world->request, sizeof world->request, "%s", text);
        pthread_mutex_unlock(&lock);
        atomic_fetch_add(&world->asked, 1);
}

/* Reads to the end of the request. False if the client went away before. */
static bool read_request(int fd)
{
        char text[sizeof world->request] = "";
        const char *end;
        size_t have = 0;

        while (!(end = strstr(text, "\r\n\r\n"))) {
                ssize_t n = recv(fd, text + have, sizeof text - 1 - have, 0);

                if (n <= 0)
                        return false;
                have += (size_t)n;
                text[have] = '\0';
        }
        note_request(text);
        atomic_fetch_add(&world->early_bytes, (unsigned)(text + have - (end + 4)));
        return true;
}

/* What came before the reply that is sent now: nothing should have. */
void count_early_bytes(int fd)
{
        int n = 0;

        if (ioctl(fd, FIONREAD, &n) == 0 && n > 0)
                atomic_fetch_add(&world->early_bytes, (unsigned)n);
}

/* Nothing should come any more. */
void drain(int fd)
{
        char buf[512];
        ssize_t n;

        while ((n = recv(fd, buf, sizeof buf, 0)) > 0)
                atomic_fetch_add(&world->early_bytes, (unsigned)n);
}

/* Until world->released, or the client goes. */
static void wait_for_release(int fd)
{
        struct pollfd pfd = {.fd = fd, .events = POLLRDHUP};

        while (!atomic_load(&world->released) && poll(&pfd, 1, 1) == 0)
                ;
}

void answer(int fd, enum behaviour b, struct hf_span reply)
{
        if (b == GRANTS_WHEN_RELEASED || b == REFUSES_WHEN_RELEASED || b == RESETS_WHEN_RELEASED)
                wait_for_release(fd);
        count_early_bytes(fd);
        if (b == GRANTS_BYTE_BY_BYTE)
                put_slowly(fd, reply.s, reply.n);
        else
                put(fd, reply.s, reply.n);
        switch (b) {
        case GRANTS:
        case GRANTS_WHEN_RELEASED:
        case GRANTS_WITH_BANNER:
        case GRANTS_BYTE_BY_BYTE:
        case GRANTS_LONG_HEADERS:
        case GRANTS_BARE:
        case GRANTS_AFTER_100:
                echo(fd);
                return;
        case REFUSES_403:
        case REFUSES_WHEN_RELEASED:
        case REFUSES_407_NTLM:
        case REFUSES_407_BASIC:
        case REFUSES_502:
        case REFUSES_503:
        case REFUSES_504:
        case REFUSES_1:
        case REFUSES_3:
        case REFUSES_5:
        case REFUSES_7:
        case REFUSES_8:
        case TALKS_GARBAGE:
                shutdown(fd, SHUT_WR);
                drain(fd);
                return;
        case REFUSES_BODY: /* stays open: the page must not be readable */
        case TALKS_SSH:
        case TALKS_TOO_LONG:
        case HANGS:
                drain(fd);
                return;
        case RESETS:
        case RESETS_WHEN_RELEASED:
        case RESETS_MIDWAY:
                reset_on_close(fd);
                return;
        case REFUSES_404:
        case CLOSES_MIDWAY:
        case CLOSES:
        case CLOSES_AT_ONCE:
        case SCRIPTED:
                return;
        }
}

#define OK_LINE "HTTP/1.1 200 Connection established\r\n\r\n"

static const struct hf_span replies[] = {
        [GRANTS] = BYTES(OK_LINE),
        [GRANTS_WHEN_RELEASED] = BYTES(OK_LINE),
        [GRANTS_WITH_BANNER] = BYTES(OK_LINE BANNER),
        [GRANTS_BYTE_BY_BYTE] = BYTES(OK_LINE),
        [GRANTS_BARE] = BYTES("HTTP/1.0 200\n\n"),
        [GRANTS_AFTER_100] = BYTES("HTTP/1.1 102 Processing\r\nX-A: b\r\n\r\n" OK_LINE),
        [REFUSES_403] = BYTES("HTTP/1.1 403 Forbidden\r\n\r\n"),
        [REFUSES_WHEN_RELEASED] = BYTES("HTTP/1.1 403 Forbidden\r\n\r\n"),
        [REFUSES_404] = BYTES("HTTP/1.1 404 Not Found\r\n\r\n"),
        [REFUSES_407_NTLM] = BYTES("HTTP/1.1 407 Who?\r\nProxy-Authenticate: Negotiate\r\n"
                                   "Proxy-Authenticate: NTLM\r\n\r\n"),
        [REFUSES_407_BASIC] =
                BYTES("HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n"),
        [REFUSES_502] = BYTES("HTTP/1.1 502 Bad Gateway\r\n\r\n"),
        [REFUSES_503] = BYTES("HTTP/1.1 503 Service Unavailable\r\n\r\n"),
        [REFUSES_504] = BYTES("HTTP/1.1 504 Gateway Timeout\r\n\r\n"),
        [REFUSES_BODY] = BYTES("HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\n<h1>No</h1>"),
        [TALKS_GARBAGE] = BYTES("\x05\xff\x01\x02 not HTTP at all\r\n\r\n"),
        [TALKS_SSH] = BYTES("SSH-2.0-OpenSSH_9.2\r\n"),
        [CLOSES_MIDWAY] = BYTES("HTTP/1.1 200 Conn"),
        [RESETS_MIDWAY] = BYTES("HTTP/1.1 200 Conn"),
        [SCRIPTED] = {NULL, 0},
};

/* A granting reply with SIZE bytes of headers. */
static struct hf_span with_headers(char *buf, size_t size)
{
        struct hf_out out = hf_out_write(buf, size + 64);

        hf_out_put(&out, HF_SPAN("HTTP/1.1 200 Fine\r\n"));
        for (size_t n = 0; n < size; n += 128) {
                hf_out_put(&out, HF_SPAN("X-Long: "));
                for (int i = 0; i < 128 - 8 - 2; i++)
                        hf_out_char(&out, 'h');
                hf_out_put(&out, HF_SPAN("\r\n"));
        }
        hf_out_put(&out, HF_SPAN("\r\n"));
        return (struct hf_span){buf, out.len};
}

static void serve_http(int fd, enum behaviour b)
{
        char buf[70 * 1024 + 64];
        struct hf_span reply = replies[b];

        if (!read_request(fd))
                return;
        if (b == GRANTS_LONG_HEADERS)
                reply = with_headers(buf, 60 * 1024);
        else if (b == TALKS_TOO_LONG)
                reply = with_headers(buf, 70 * 1024);
        answer(fd, b, reply);
}

static void proxy(int fd)
{
        enum behaviour b = (enum behaviour)atomic_load(&world->behaviour);

        atomic_fetch_add(&world->accepted, 1);
        if (b == CLOSES_AT_ONCE)
                return;
        if (b == SCRIPTED)
                serve_script(fd);
        else if (world->protocol == SOCKS5)
                serve_socks(fd, b);
        else if (world->protocol == SOCKS4)
                serve_socks4(fd, b);
        else
                serve_http(fd, b);
}

struct listener {
        int fd;
        void (*serve)(int fd);
};

struct connection {
        int fd;
        void (*serve)(int fd);
};

static void serve_echo(int fd)
{
        atomic_fetch_add(&world->served, 1);
        echo(fd);
}

static void serve_banner(int fd)
{
        atomic_fetch_add(&world->served, 1);
        put_text(fd, BANNER);
        echo(fd);
}

static void *serve_one(void *arg)
{
        struct connection c = *(struct connection *)arg;

        free(arg);
        c.serve(c.fd);
        close(c.fd);
        if (c.serve == proxy)
                atomic_fetch_sub(&world->busy, 1);
        return NULL;
}

static void *accept_all(void *arg)
{
        const struct listener *l = arg;

        for (;;) {
                struct connection *c = malloc(sizeof *c);
                pthread_t thread;
                int one = 1;

                if (!c)
                        return NULL;
                c->serve = l->serve;
                c->fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
                if (c->fd < 0) {
                        free(c);
                        continue;
                }
                if (c->serve == proxy)
                        atomic_fetch_add(&world->busy, 1);
                setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                if (pthread_create(&thread, NULL, serve_one, c) == 0)
                        pthread_detach(thread);
        }
}

/* ADDR: "::" for all addresses of both families. BACKLOG -1: nobody listens after all. */
static int listen_on(const char *addr, uint16_t port, int backlog)
{
        struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
        int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), off = 0, on = 1;

        inet_pton(AF_INET6, addr, &to.sin6_addr);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0 ||
            bind(fd, (struct sockaddr *)&to, sizeof to) < 0 ||
            (backlog >= 0 && listen(fd, backlog) < 0)) {
                printf("Bail out! listening on port %d: %s\n", port, strerror(errno));
                exit(1);
        }
        return fd;
}

static uint16_t port_of(int fd)
{
        struct sockaddr_in6 sa;
        socklen_t len = sizeof sa;

        getsockname(fd, (struct sockaddr *)&sa, &len);
        return ntohs(sa.sin6_port);
}

/* A listener whose queue is full: further SYNs are not answered. */
static uint16_t fill(int fd)
{
        struct sockaddr_in6 to;
        socklen_t len = sizeof to;

        getsockname(fd, (struct sockaddr *)&to, &len);
        for (int i = 0; i < 4; i++) {
                int c = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

                connect(c, (struct sockaddr *)&to, sizeof to);
        }
        return port_of(fd);
}

void server_start(struct world *w)
{
        static const uint16_t ports[] = {80, 443, 8080, 9000, 9443};
        static struct listener listeners[HF_LEN(ports) + 4];
        int up[2];
        char byte = 0;

        world = w;
        if (pipe(up) < 0)
                exit(1);
        if (fork() != 0) {
                close(up[1]);
                if (read(up[0], &byte, 1) != 1)
                        exit(1);
                close(up[0]);
                return;
        }
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_IGN);
        /* Bound, for ever: were it closed, a client could get that port as its own, and connect to
         * itself. */
        w->dead_port = port_of(listen_on("::", 0, -1));
        listeners[0] = (struct listener){listen_on("::ffff:127.0.0.1", 0, 1024), proxy};
        w->proxy_port = port_of(listeners[0].fd);
        listeners[1] = (struct listener){listen_on("::1", 0, 1024), proxy};
        w->proxy6_port = port_of(listeners[1].fd);
        w->full_port = fill(listen_on("::ffff:127.0.0.1", 0, 0));
        listeners[2] = (struct listener){listen_on("::ffff:127.0.0.2", w->full_port, 1024), proxy};
        listeners[3] = (struct listener){listen_on("::", 0, 1024), serve_banner};
        w->banner_port = port_of(listeners[3].fd);
        w->has_late = late_start();
        for (size_t i = 0; i < HF_LEN(ports); i++)
                listeners[i + 4] = (struct listener){listen_on("::", ports[i], 1024), serve_echo};
        for (size_t i = 0; i < HF_LEN(listeners); i++) {
                pthread_t thread;

                if (pthread_create(&thread, NULL, accept_all, &listeners[i]) != 0)
                        exit(1);
        }
        if (write(up[1], &byte, 1) != 1)
                exit(1);
        for (;;)
                pause();
}
