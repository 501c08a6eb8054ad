/* SPDX-License-Identifier: MIT */
/* names a HOST PORT PATH: as cpp-httplib, looks HOST up by getaddrinfo_a(), GETs PATH
 * names udp HOST PORT: sends a datagram to HOST without connect(), prints what comes back */
#define _GNU_SOURCE
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct addrinfo *look_up_a(const char *host, const char *port)
{
        const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
        struct gaicb request = {.ar_name = host, .ar_service = port, .ar_request = &hints};
        struct gaicb *list[] = {&request};
        const struct timespec patience = {30, 0};
        int r = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);

        if (r == 0)
                r = gai_suspend((const struct gaicb *const *)list, 1, &patience);
        if (r == 0 || r == EAI_ALLDONE)
                r = gai_error(&request);
        if (r != 0) {
                fprintf(stderr, "%s: %s\n", host, gai_strerror(r));
                exit(1);
        }
        return request.ar_result;
}

static int get(const char *host, const char *port, const char *path)
{
        struct addrinfo *ai = look_up_a(host, port);
        int fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
        char buf[65536];
        ssize_t n;

        if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0) {
                perror("connect");
                return 1;
        }
        freeaddrinfo(ai);
        dprintf(fd, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", path, host);
        while ((n = read(fd, buf, sizeof buf)) > 0)
                fwrite(buf, 1, (size_t)n, stdout);
        return 0;
}

static int udp(const char *host, const char *port)
{
        const struct addrinfo hints = {.ai_family = AF_INET};
        struct addrinfo *ai;
        char buf[64], name[64];
        int fd = socket(AF_INET, SOCK_DGRAM, 0), r = getaddrinfo(host, NULL, &hints, &ai);
        ssize_t n;

        if (r == 0)
                r = getnameinfo(ai->ai_addr, ai->ai_addrlen, name, sizeof name, NULL, 0,
                                NI_NUMERICHOST);
        if (r != 0) {
                fprintf(stderr, "%s: %s\n", host, gai_strerror(r));
                return 1;
        }
        ((struct sockaddr_in *)ai->ai_addr)->sin_port = htons((unsigned short)atoi(port));
        if (sendto(fd, "ping", 4, 0, ai->ai_addr, ai->ai_addrlen) != 4) {
                perror("sendto");
                return 1;
        }
        n = recv(fd, buf, sizeof buf, 0);
        printf("%s %.*s\n", name, n > 0 ? (int)n : 0, buf);
        return 0;
}

int main(int argc, char **argv)
{
        if (argc == 5 && !strcmp(argv[1], "a"))
                return get(argv[2], argv[3], argv[4]);
        if (argc == 4 && !strcmp(argv[1], "udp"))
                return udp(argv[2], argv[3]);
        fputs("usage: names a HOST PORT PATH | udp HOST PORT\n", stderr);
        return 2;
}
