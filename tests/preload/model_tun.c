/* SPDX-License-Identifier: MIT */
/* A tun device, at whose other end we are: as server_late.c turns packets round, so that what goes
 * to one address comes back from it to the other one. Here no thread does it but the script, and a
 * SYN waits until it is let go. */
#define _GNU_SOURCE
#include "model.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

static int tun = -1;

/* SYNs that wait. */
static struct syn {
        uint16_t from, to; /* ports; 0: none */
        char packet[256];
        size_t size;
} syns[SOCKS];

static void carry_over(char *packet, size_t n)
{
        char source[4];

        memcpy(source, packet + 12, 4);
        memcpy(packet + 12, packet + 16, 4);
        memcpy(packet + 16, source, 4);
        raw_call(SYS_write, tun, (long)packet, (long)n, 0, 0);
}

static uint16_t port_in(const char *p)
{
        return (uint16_t)((unsigned char)p[0] << 8 | (unsigned char)p[1]);
}

/* May a SYN arrive? ANY: that of a connect() that has not come back yet, too. */
static bool may_arrive(uint16_t from, uint16_t to, bool any)
{
        for (unsigned i = 0; i < SOCKS; i++) {
                const struct sock *s = &model.socks[i];

                if (s->handles && s->far.port == from && far_port(s->way) == to)
                        return !s->held;
        }
        return any;
}

static void hold(const char *packet, size_t n, uint16_t from, uint16_t to)
{
        struct syn *room = NULL;

        for (size_t i = 0; i < SOCKS; i++)
                if (!syns[i].from || (syns[i].from == from && syns[i].to == to))
                        room = &syns[i];
        if (!room || n > sizeof room->packet)
                return;
        *room = (struct syn){.from = from, .to = to, .size = n};
        memcpy(room->packet, packet, n);
}

bool tun_carry(bool any_syn)
{
        static char packet[65536];
        bool any = false;
        long n;

        while (tun >= 0 && (n = raw_call(SYS_read, tun, (long)packet, sizeof packet, 0, 0)) > 0) {
                const char *tcp = packet + (packet[0] & 15) * 4;

                if (packet[0] >> 4 != 4 || packet[9] != IPPROTO_TCP)
                        continue;
                any = true;
                if ((tcp[13] & 0x12) == 0x02 &&
                    !may_arrive(port_in(tcp), port_in(tcp + 2), any_syn))
                        hold(packet, (size_t)n, port_in(tcp), port_in(tcp + 2));
                else
                        carry_over(packet, (size_t)n);
        }
        return any;
}

void tun_let(const struct sock *s, bool arrives)
{
        for (size_t i = 0; i < SOCKS; i++) {
                if (!s->far.port || syns[i].from != s->far.port || syns[i].to != far_port(s->way))
                        continue;
                if (arrives)
                        carry_over(syns[i].packet, syns[i].size);
                syns[i].from = 0;
        }
}

void tun_forget(void)
{
        memset(syns, 0, sizeof syns);
}

bool tun_start(void)
{
        struct ifreq ifr = {.ifr_name = "model0"};
        int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

        ifr.ifr_flags = IFF_TUN | IFF_NO_PI;
        if (fd < 0)
                return false;
        tun = far_high(fd);
        if (ioctl(tun, TUNSETIFF, &ifr) == 0 &&
            system("unset LD_PRELOAD; PATH=$PATH:/sbin:/usr/sbin;"
                   "ip addr add " TUN_NEAR "/30 dev model0 && ip link set model0 up") == 0)
                return true;
        raw_call(SYS_close, tun, 0, 0, 0, 0);
        tun = -1;
        return false;
}
