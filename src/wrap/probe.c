/* SPDX-License-Identifier: MIT */
/* Is the proxy alive? Alive is what answers a TCP connect. All addresses of all proxies are tried
 * at once, so that a second is enough for them together; the names among them are looked up in a
 * thread each, because getaddrinfo(3) knows no deadline (a thread that is still waiting when
 * COMMAND starts ends with the exec). connect(2) is called past the library, which is preloaded
 * here too: this is no connection of the user's, and no line of his log. */
#include "wrap.h"
#include "core/addr.h"
#include "core/url.h"
#include "process/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BUDGET_MS 1000
#define PROXIES 3
#define ADDRS 8 /* of one name; more are not tried */

struct proxy {
        char host[256];
        uint16_t port;
        bool v6;

        bool alive;
        int error;        /* the last failed connect's errno, or 0 */
        int lookup_error; /* EAI_*, or 0 */
        unsigned open;    /* connects that are not decided yet, and the look-up as one */
        int lookup_fd;    /* readable when the thread is through, or -1 */
        int lookup_end;   /* the thread's end of it */
        struct addrinfo *addrs;
        int fds[ADDRS];
};

static int64_t now_ms(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void failed(struct proxy *proxy, int error)
{
        /* "Refuses" says more than "no route to its other address". */
        if (proxy->error != ECONNREFUSED)
                proxy->error = error;
        proxy->open--;
}

static void start_connect(struct proxy *proxy, size_t slot, const void *addr, socklen_t len)
{
        int family = ((const struct sockaddr *)addr)->sa_family, fd, r;

        proxy->open++;
        fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
        if (fd < 0) {
                failed(proxy, errno);
                return;
        }
        r = hf_sys_connect(fd, addr, len);
        if (r == -EINPROGRESS) {
                proxy->fds[slot] = fd;
                return;
        }
        close(fd);
        if (r < 0)
                failed(proxy, -r);
        else
                proxy->alive = true;
}

/* One connect of the proxy's is decided. */
static void finish_connect(struct proxy *proxy, size_t slot)
{
        int error = 0, fd = proxy->fds[slot];
        socklen_t len = sizeof(error);

        proxy->fds[slot] = -1;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
                error = errno;
        close(fd);
        if (error)
                failed(proxy, error);
        else
                proxy->alive = true;
}

static void *look_up(void *arg)
{
        struct proxy *proxy = arg;
        struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
        char port[8];

        (void)snprintf(port, sizeof(port), "%u", proxy->port);
        proxy->lookup_error = getaddrinfo(proxy->host, port, &hints, &proxy->addrs);
        close(proxy->lookup_end); /* the waiting end becomes readable */
        return NULL;
}

static void start_look_up(struct proxy *proxy)
{
        pthread_t thread;
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0) {
                proxy->lookup_error = EAI_SYSTEM;
                return;
        }
        proxy->lookup_end = fds[1];
        proxy->open++;
        if (pthread_create(&thread, NULL, look_up, proxy) == 0) {
                pthread_detach(thread);
                proxy->lookup_fd = fds[0];
                return;
        }
        close(fds[0]);
        close(fds[1]);
        proxy->open--;
        proxy->lookup_error = EAI_AGAIN;
}

static void finish_look_up(struct proxy *proxy)
{
        size_t slot = 0;

        close(proxy->lookup_fd);
        proxy->lookup_fd = -1;
        proxy->open--;
        if (proxy->lookup_error)
                return;
        for (struct addrinfo *ai = proxy->addrs; ai && slot < ADDRS; ai = ai->ai_next)
                start_connect(proxy, slot++, ai->ai_addr, ai->ai_addrlen);
}

static void start(struct proxy *proxy)
{
        struct sockaddr_storage sa;
        struct hf_addr addr;

        proxy->lookup_fd = -1;
        for (size_t i = 0; i < ADDRS; i++)
                proxy->fds[i] = -1;
        if (hf_addr_parse(hf_span(proxy->host), &addr)) {
                socklen_t len = hf_addr_to_sockaddr(&addr, proxy->port, false, &sa);

                start_connect(proxy, 0, &sa, len);
        } else {
                start_look_up(proxy);
        }
}

static bool is_decided(const struct proxy *proxy)
{
        return proxy->alive || proxy->open == 0;
}

/* Waits until every proxy is decided or the time is over. */
static void wait_for(struct proxy *proxies, size_t n, int64_t deadline)
{
        for (;;) {
                struct pollfd fds[PROXIES * (ADDRS + 1)];
                unsigned count = 0;
                int64_t left = deadline - now_ms();
                bool decided = true;

                for (size_t i = 0; i < n; i++) {
                        decided = decided && is_decided(&proxies[i]);
                        for (size_t k = 0; k < ADDRS; k++)
                                fds[count++] = (struct pollfd){proxies[i].fds[k], POLLOUT, 0};
                        fds[count++] = (struct pollfd){proxies[i].lookup_fd, POLLIN, 0};
                }
                if (decided || left <= 0)
                        return;
                if (poll(fds, count, (int)left) < 0 && errno != EINTR)
                        return;
                for (size_t i = 0; i < n; i++) {
                        const struct pollfd *own = fds + i * (ADDRS + 1);

                        for (size_t k = 0; k < ADDRS; k++)
                                if (own[k].fd >= 0 && own[k].revents)
                                        finish_connect(&proxies[i], k);
                        if (own[ADDRS].fd >= 0 && own[ADDRS].revents)
                                finish_look_up(&proxies[i]);
                }
        }
}

/* The proxies of the environment, those of more use first, each address once. */
static size_t collect(struct proxy *proxies)
{
        static const char *const names[PROXIES] = {"https_proxy", "all_proxy", "http_proxy"};
        size_t n = 0;

        for (size_t i = 0; i < HF_LEN(names); i++) {
                struct proxy *proxy = &proxies[n];
                const char *value = getenv(names[i]);
                struct hf_url url;
                bool known = false;

                if (!value || hf_url_parse(hf_span(value), &url) < 0 ||
                    url.host.n >= sizeof(proxy->host))
                        continue;
                memcpy(proxy->host, url.host.s, url.host.n);
                proxy->host[url.host.n] = '\0';
                proxy->port = url.port;
                proxy->v6 = url.host_is_v6;
                for (size_t k = 0; k < n; k++)
                        known = known || (proxies[k].port == proxy->port &&
                                          !strcmp(proxies[k].host, proxy->host));
                if (!known)
                        n++;
        }
        return n;
}

static void say_dead(const struct proxy *proxy)
{
        char name[sizeof(proxy->host) + 16];

        (void)snprintf(name, sizeof(name), proxy->v6 ? "[%s]:%u" : "%s:%u", proxy->host,
                       proxy->port);
        if (proxy->open > 0)
                hf_say("the proxy %s does not answer within %d s", name, BUDGET_MS / 1000);
        else if (proxy->error == ECONNREFUSED)
                hf_say("the proxy %s refuses connections (is it running?)", name);
        else if (proxy->error)
                hf_say("the proxy %s cannot be reached: %s", name, strerror(proxy->error));
        else
                hf_say("the proxy %s cannot be looked up: %s", name,
                       gai_strerror(proxy->lookup_error));
}

void hf_probe(void)
{
        /* Static: a thread that is still looking up writes here until the exec. */
        static struct proxy proxies[PROXIES];
        int64_t deadline = now_ms() + BUDGET_MS;
        size_t n = collect(proxies), dead = 0;

        for (size_t i = 0; i < n; i++)
                start(&proxies[i]);
        wait_for(proxies, n, deadline);
        for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < ADDRS; k++)
                        if (proxies[i].fds[k] >= 0)
                                close(proxies[i].fds[k]);
        /* One line is enough: who starts one proxy finds out about the next. */
        while (dead < n && proxies[dead].alive)
                dead++;
        if (dead < n)
                say_dead(&proxies[dead]);
}
