/* SPDX-License-Identifier: MIT */
#include "probe.h"

#include "sys.h"

#include <errno.h>

#define PATIENCE_MS 200

/* Does the proxy of TEXT stand on a loopback address that refuses? A silent one does not count: a
 * process must not start slower than it has to. */
static bool refuses(const char *text)
{
        struct sockaddr_storage sa;
        struct hf_addr addr;
        struct hf_url url;
        int error = 0;
        socklen_t size = sizeof error;

        if (hf_url_parse(hf_span(text), &url) < 0)
                return false;
        if (hf_span_caseeq(url.host, HF_SPAN("localhost")))
                url.host = HF_SPAN("127.0.0.1");
        if (!hf_addr_parse(url.host, &addr) || hf_addr_classify(&addr) != HF_ADDR_LOOPBACK)
                return false;

        socklen_t len = hf_addr_to_sockaddr(&addr, url.port, false, &sa);
        int fd = hf_sys_socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return false;
        int r = hf_sys_connect(fd, &sa, len);
        if (r == -EINPROGRESS) {
                struct pollfd p = {.fd = fd, .events = POLLOUT};

                if (hf_sys_poll(&p, 1, PATIENCE_MS) == 1 &&
                    hf_sys_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0)
                        r = -error;
        }
        hf_sys_close(fd);
        return r == -ECONNREFUSED;
}

unsigned hf_probe_conflicts(const struct hf_view *view)
{
        unsigned lives = 0;

        for (enum hf_pair p = HF_PAIR_HTTP; p < HF_PAIR_NO; p++)
                if (view->undecided & 1u << p && refuses(view->before[2 * p]) &&
                    !refuses(view->before[2 * p + 1]))
                        lives |= 1u << p;
        return lives;
}
