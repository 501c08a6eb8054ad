/* SPDX-License-Identifier: MIT */
/* A name server at 127.0.0.1, for names that libc finds and /etc/hosts does not have: it knows
 *
 *      near.example.test   10.9.9.9
 *      far.example.test    203.0.113.60
 *
 * and no other (RFC 1035: a question of one name, an answer of one A record). */
#pragma once

#include "hosts.h"

#include <pthread.h>

/* The question's name, label by label, in TEXT; where it ends in the packet. */
static inline size_t read_question(const unsigned char *packet, size_t n, char *text, size_t size)
{
        size_t at = 12, len = 0;

        while (at < n && packet[at]) {
                size_t label = packet[at++];

                if (at + label >= n || len + label + 2 > size)
                        return n;
                if (len > 0)
                        text[len++] = '.';
                memcpy(text + len, packet + at, label);
                len += label;
                at += label;
        }
        text[len] = '\0';
        return at + 1;
}

static inline void *nameserver_run(void *arg)
{
        static const struct {
                const char *name;
                unsigned char addr[4];
        } known[] = {{"near.example.test", {10, 9, 9, 9}}, {"far.example.test", {203, 0, 113, 60}}};
        int fd = *(int *)arg;

        for (;;) {
                unsigned char packet[1024];
                char name[256];
                struct sockaddr_storage client;
                socklen_t len = sizeof client;
                ssize_t got = recvfrom(fd, packet, 512, 0, (struct sockaddr *)&client, &len);
                size_t n = got < 12 ? 0 : (size_t)got, end;
                const unsigned char *addr = NULL;

                if (n == 0)
                        continue;
                end = read_question(packet, n, name, sizeof name);
                if (end + 4 > n)
                        continue;
                for (size_t i = 0; i < HF_LEN(known); i++)
                        if (!strcmp(known[i].name, name))
                                addr = known[i].addr;
                packet[2] = 0x85; /* an answer, with authority */
                packet[3] = addr ? 0x80 : 0x83;
                memset(packet + 6, 0, 6); /* no answers, nothing more */
                n = end + 4;
                if (addr && packet[end + 1] == 1) { /* A */
                        static const unsigned char record[] = {0xc0, 12, 0, 1, 0, 1,
                                                               0,    0,  0, 9, 0, 4};

                        packet[7] = 1;
                        memcpy(packet + n, record, sizeof record);
                        memcpy(packet + n + sizeof record, addr, 4);
                        n += sizeof record + 4;
                }
                sendto(fd, packet, n, 0, (struct sockaddr *)&client, len);
        }
        return NULL;
}

static inline void nameserver_start(void)
{
        static int fd;
        const struct sockaddr_in in = {.sin_family = AF_INET,
                                       .sin_port = htons(53),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        pthread_t thread;

        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (bind(fd, (const struct sockaddr *)&in, sizeof in) < 0 ||
            pthread_create(&thread, NULL, nameserver_run, &fd) != 0) {
                printf("Bail out! no name server: %s\n", strerror(errno));
                exit(1);
        }
        pthread_detach(thread);
}
