/* SPDX-License-Identifier: MIT */
/*
 * get HOST PATH FILE: one GET on port 80 into FILE, by a socket that blocks, getaddrinfo() and stdio
 * of whatever libc it is built with: here musl, whose stdio reads by readv(). It reads no variable.
 */
#define _POSIX_C_SOURCE 200809L
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void die(const char *what)
{
        perror(what);
        exit(1);
}

static FILE *open_connection(const char *host)
{
        struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
        int r = getaddrinfo(host, "80", &hints, &list);
        FILE *stream;
        int fd;

        if (r) {
                fprintf(stderr, "%s: %s\n", host, gai_strerror(r));
                exit(1);
        }
        fd = socket(list->ai_family, SOCK_STREAM, 0);
        if (fd < 0 || connect(fd, list->ai_addr, list->ai_addrlen) < 0)
                die("connect");
        freeaddrinfo(list);
        stream = fdopen(fd, "r+");
        if (!stream)
                die("fdopen");
        return stream;
}

int main(int argc, char **argv)
{
        char buf[16384];
        FILE *stream, *file;
        size_t n;

        if (argc != 4)
                return 2;
        stream = open_connection(argv[1]);
        fprintf(stream, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", argv[2], argv[1]);
        if (fflush(stream))
                die("send");
        if (!fgets(buf, sizeof(buf), stream) || !strstr(buf, " 200 ")) {
                fprintf(stderr, "no file, but: %s\n", buf);
                return 1;
        }
        while (fgets(buf, sizeof(buf), stream) && strcmp(buf, "\r\n"))
                continue;
        file = fopen(argv[3], "w");
        if (!file)
                die(argv[3]);
        while ((n = fread(buf, 1, sizeof(buf), stream)))
                fwrite(buf, 1, n, file);
        if (ferror(stream) || fclose(file))
                die("receive");
        return 0;
}
