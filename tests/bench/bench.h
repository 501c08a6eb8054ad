/* SPDX-License-Identifier: MIT */
/* What the programs of the benchmark share. */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

/* The far end: looks public, lies on this machine (scripts/netns). 443 is tunnelled wherever
 * https_proxy is set. */
#define FAR_ADDRESS "203.0.113.10"
#define FAR_PORT 443
#define FAR_NAME "203.0.113.10:443"

/* What the far end is asked once a connection stands: who it is (one letter comes back, so that a
 * client that should have been tunnelled and was not is found out), and for so many bytes. */
#define ASK_WHO "who\n"
#define ASK_FOR_BYTES "get %llu\n"

/* Ends the program with what failed, and errno's text if that is set. */
_Noreturn void die(const char *what);

int64_t now_ns(void);

struct sockaddr_in ipv4(const char *address, uint16_t port);
