/* SPDX-License-Identifier: MIT */
/* Compiled with _FORTIFY_SOURCE and -O2, whatever the rest is compiled with: buffers whose size the
 * compiler knows and lengths that it does not know make these calls go to __poll_chk & co. */
#define _GNU_SOURCE
#include "waits.h"

#include <unistd.h>

static volatile nfds_t one = 1;

int chk_poll(struct pollfd *pfd, int ms)
{
        struct pollfd pfds[2] = {*pfd, {.fd = -1}};
        int r = poll(pfds, one, ms);

        *pfd = pfds[0];
        return r;
}

int chk_ppoll(struct pollfd *pfd, int ms)
{
        const struct timespec ts = in_ms(ms);
        struct pollfd pfds[2] = {*pfd, {.fd = -1}};
        int r = ppoll(pfds, one, ms < 0 ? NULL : &ts, NULL);

        *pfd = pfds[0];
        return r;
}

ssize_t chk_recv(int fd, char *buf, size_t n)
{
        char known[256];
        ssize_t r = recv(fd, known, n, 0);

        if (r > 0)
                memcpy(buf, known, (size_t)r);
        return r;
}

ssize_t chk_read(int fd, char *buf, size_t n)
{
        char known[256];
        ssize_t r = read(fd, known, n);

        if (r > 0)
                memcpy(buf, known, (size_t)r);
        return r;
}
