/* SPDX-License-Identifier: MIT */
/* get HOST PORT PATH: prints what a web server answers. It knows nothing of proxies; no libc but
 * POSIX, so that it can be built with musl too. */
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
        struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
        char buf[4096];
        int fd, r;
        ssize_t n;

        if (argc != 4)
                return 2;
        r = getaddrinfo(argv[1], argv[2], &hints, &list);
        if (r) {
                fprintf(stderr, "%s: %s\n", argv[1], gai_strerror(r));
                return 1;
        }
        fd = socket(list->ai_family, SOCK_STREAM, 0);
        if (fd < 0 || connect(fd, list->ai_addr, list->ai_addrlen) < 0) {
                perror("connect");
                return 1;
        }
        freeaddrinfo(list);
        n = snprintf(buf, sizeof buf, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", argv[3], argv[1]);
        if (write(fd, buf, (size_t)n) != n)
                return 1;
        while ((n = read(fd, buf, sizeof buf)) > 0)
                fwrite(buf, 1, (size_t)n, stdout);
        close(fd);
        return n < 0;
}
