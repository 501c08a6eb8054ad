/* SPDX-License-Identifier: MIT */
/* A place where connections take as long as the test wants, without any proxy: 192.0.2.2 lies
 * behind a tun device, at whose other end we turn every packet round. What a client sends to
 * 192.0.2.2 arrives at 192.0.2.1, which is ours, as if it came from 192.0.2.2, and so does the
 * answer. The kernel then shows what its sockets do when a connection comes up, or is refused,
 * while somebody waits for it: the control of everything that the library does in that time. */
#define _GNU_SOURCE
#include "server.h"
#include "world.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void *turn_round(void *arg)
{
        int fd = *(int *)arg;
        char packet[2048], source[4];
        ssize_t n;

        while ((n = read(fd, packet, sizeof packet)) > 0) {
                if (n < 20 || packet[0] >> 4 != 4)
                        continue;
                while (atomic_load(&world->held) && !atomic_load(&world->released))
                        poll(NULL, 0, 1);
                /* The sum over both addresses stays the same. */
                memcpy(source, packet + 12, 4);
                memcpy(packet + 12, packet + 16, 4);
                memcpy(packet + 16, source, 4);
                if (write(fd, packet, (size_t)n) < 0)
                        continue;
        }
        return NULL;
}

bool late_start(void)
{
        struct ifreq ifr = {.ifr_name = "late0"};
        static int fd;
        pthread_t thread;

        ifr.ifr_flags = IFF_TUN | IFF_NO_PI;
        fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
        return fd >= 0 && ioctl(fd, TUNSETIFF, &ifr) == 0 &&
               system("PATH=$PATH:/sbin:/usr/sbin; ip addr add 192.0.2.1/24 dev late0 &&"
                      "ip link set late0 up") == 0 &&
               pthread_create(&thread, NULL, turn_round, &fd) == 0;
}
