/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "gate.h"
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct gate *gate;

struct gate_counts *gate_now(void)
{
        return &gate->rounds[atomic_load(&gate->round) % HF_LEN(gate->rounds)];
}

/* ---- the proxy ---- */

static bool read_request(int fd)
{
        char text[4096] = "";
        size_t have = 0;

        if (world->protocol == SOCKS5)
                return socks_read_greeting(fd);
        if (world->protocol == SOCKS4)
                return socks4_read_request(fd, text, sizeof text);
        while (have < 4 || memcmp(text + have - 4, "\r\n\r\n", 4) != 0) {
                ssize_t n = recv(fd, text + have, 1, 0); /* not a byte more than the request */

                if (n <= 0 || ++have == sizeof text)
                        return false;
        }
        return true;
}

/* Until the gate opens. False: the client went away. */
static bool watch(int fd, struct gate_counts *counts)
{
        struct pollfd pfd = {.fd = fd, .events = POLLIN};
        int delay = atomic_load(&gate->delay);
        int64_t until_ms = now_ms() + delay;
        char buf[512];

        while (!atomic_load(&gate->open) && (delay < 0 || now_ms() < until_ms)) {
                if (poll(&pfd, 1, 1) <= 0)
                        continue;
                ssize_t n = recv(fd, buf, sizeof buf, 0);

                if (n <= 0)
                        return false;
                atomic_fetch_add(&counts->early, (unsigned)n);
        }
        while (recv(fd, buf, 1, MSG_DONTWAIT) == 1)
                atomic_fetch_add(&counts->early, 1);
        return true;
}

#define OK_LINE "HTTP/1.1 200 OK\r\n\r\n"
#define NO_LINE "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"

/* What a proxy of each protocol says; each in one segment. */
static const struct words {
        struct hf_span grant, grant_with_banner, refusal;
} words[] = {
        [HTTP] = {BYTES(OK_LINE), BYTES(OK_LINE BANNER), BYTES(NO_LINE)},
        [SOCKS4] = {BYTES(SOCKS4_GRANT), BYTES(SOCKS4_GRANT BANNER), BYTES(SOCKS4_NO "no")},
        [SOCKS5] = {BYTES(SOCKS_GRANT), BYTES(SOCKS_GRANT BANNER), BYTES(SOCKS_NO "no")},
};

/* False: the client went away before there was a tunnel. */
static bool serve_request(int fd, struct gate_counts *counts)
{
        enum gate_script script = (enum gate_script)atomic_load(&gate->script);
        const struct words *say = &words[world->protocol];
        const struct linger hard = {.l_onoff = 1};
        char rest[512];

        if (!read_request(fd))
                return false;
        atomic_fetch_add(&counts->asked, 1);
        if (!watch(fd, counts))
                return false;
        if (world->protocol == SOCKS5 &&
            !socks_read_request(fd, true, script == GATE_SLOW, rest, sizeof rest))
                return false;
        switch (script) {
        case GATE_GRANTS:
                put(fd, say->grant.s, say->grant.n);
                break;
        case GATE_BANNER:
                put(fd, say->grant_with_banner.s, say->grant_with_banner.n);
                break;
        case GATE_SLOW:
                put_slowly(fd, say->grant.s, say->grant.n);
                break;
        case GATE_403:
                put(fd, say->refusal.s, say->refusal.n);
                return true;
        case GATE_RESETS:
                setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
                return true;
        }
        atomic_fetch_add(&counts->granted, 1);
        char buf[65536];
        ssize_t n;

        while ((n = recv(fd, buf, sizeof buf, 0)) > 0)
                put(fd, buf, (size_t)n);
        return false;
}

struct connection {
        int fd;
        struct gate_counts *counts;
};

static void *serve(void *arg)
{
        struct connection c = *(struct connection *)arg;

        free(arg);
        if (!serve_request(c.fd, c.counts))
                atomic_fetch_add(&c.counts->gone, 1);
        close(c.fd);
        return NULL;
}

static void serve_all(int listener)
{
        for (;;) {
                int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), one = 1;
                struct connection *c = malloc(sizeof *c);
                pthread_t thread;

                if (fd < 0 || !c)
                        _exit(1);
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                *c = (struct connection){fd, gate_now()};
                atomic_fetch_add(&c->counts->accepted, 1);
                if (pthread_create(&thread, NULL, serve, c) != 0)
                        _exit(1);
                pthread_detach(thread);
        }
}

void gate_start(void)
{
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof to;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        pid_t parent;

        gate = mmap(NULL, sizeof *gate, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (gate == MAP_FAILED || fd < 0 || bind(fd, (struct sockaddr *)&to, len) < 0 ||
            listen(fd, 1024) < 0 || getsockname(fd, (struct sockaddr *)&to, &len) < 0) {
                printf("Bail out! gate: %s\n", strerror(errno));
                exit(1);
        }
        gate->port = ntohs(to.sin_port);
        parent = getpid();
        if (fork() == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (getppid() != parent) /* a short test, and over already */
                        _exit(0);
                serve_all(fd);
        }
        close(fd);
}

void gate_enter(int argc, char **argv)
{
        setenv("HFPROXY_TIMEOUT", "20", 0);
        world_enter(argc, argv, NULL);
        gate_start();
        signal(SIGPIPE, SIG_IGN);
}

void gate_set(enum gate_script script, int delay)
{
        atomic_store(&gate->open, 0);
        atomic_store(&gate->script, (int)script);
        atomic_store(&gate->delay, delay);
        memset(&gate->rounds[(atomic_load(&gate->round) + 1) % HF_LEN(gate->rounds)], 0,
               sizeof gate->rounds[0]);
        atomic_fetch_add(&gate->round, 1);
        if (mode == PRELOADED) {
                setenv("https_proxy", world_proxy_url(gate->port), 1);
                setenv("http_proxy", world_proxy_url(gate->port), 1);
        }
}

void gate_open(void)
{
        atomic_store(&gate->open, 1);
}

/* ---- its clients ---- */

void until(const char *what, _Atomic(unsigned) *count, unsigned n)
{
        int64_t give_up = now_ms() + 10000;

        while (atomic_load(count) < n) {
                if (now_ms() > give_up)
                        fail_msg("%s: %u, not %u", what, atomic_load(count), n);
                sched_yield();
        }
}

int tcp(int flags)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

        assert_true(fd >= 0);
        return fd;
}

int begin(int fd)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, FAR, 443, false);

        return connect(fd, (struct sockaddr *)&sa, len) < 0 ? errno : 0;
}

int begin_stuck(int fd)
{
        struct sockaddr_storage sa;
        socklen_t len = address(&sa, "127.0.0.1", world->full_port, false);

        if (mode == PRELOADED) {
                setenv("https_proxy", world_proxy_url(world->full_port), 1);
                return begin(fd);
        }
        return connect(fd, (struct sockaddr *)&sa, len) < 0 ? errno : 0;
}

int raw_poll(int fd, short events, int timeout, short *ret_revents)
{
        struct pollfd pfd = {.fd = fd, .events = events};
        struct timespec ts = {timeout / 1000, timeout % 1000 * 1000000L};
        long r = raw_call(SYS_ppoll, (long)&pfd, 1, timeout < 0 ? 0 : (long)&ts, 0, 0);

        *ret_revents = pfd.revents;
        return (int)r;
}

void until_up(int fd)
{
        int64_t give_up = now_ms() + 10000;
        struct tcp_info info = {0};
        socklen_t len = sizeof info;

        do {
                assert_true(now_ms() < give_up);
                assert_int_equal(raw_call(SYS_getsockopt, fd, IPPROTO_TCP, TCP_INFO, (long)&info,
                                          (long)&len),
                                 0);
        } while (info.tcpi_state == TCP_SYN_SENT);
}

int begun(void)
{
        int fd = tcp(SOCK_NONBLOCK);

        assert_int_equal(begin(fd), EINPROGRESS);
        until_up(fd);
        return fd;
}

void expect_tunnel(int fd)
{
        char byte;

        expect_echo(fd);
        assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
        assert_int_equal(errno, EAGAIN);
        assert_int_equal(atomic_load(&gate_now()->early), 0);
        assert_int_equal(atomic_load(&gate_now()->granted), mode == PRELOADED);
}

int error_of(int fd)
{
        int error = 4711;
        socklen_t len = sizeof error;

        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
        assert_int_equal(len, sizeof error);
        return error;
}
