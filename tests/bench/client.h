/* SPDX-License-Identifier: MIT */
/* The client under measurement. It goes to FAR_NAME, and whatever is preloaded into it makes a
 * tunnel of that; or it speaks CONNECT itself, as lean as that can be written by hand. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

struct client {
        struct sockaddr_in to; /* whom to connect to: the far end, or the proxy */
        bool by_hand;          /* ... and then CONNECT is spoken here */
        char expected;         /* what the far end should answer to ASK_WHO; 0: not asked */
};

/* The request, of REQUEST_LENGTH bytes; and whether TEXT, N bytes of a reply so far, grants it.
 * A refusal ends the program. */
extern const char by_hand_request[];
extern const size_t by_hand_request_length;
bool by_hand_granted(const char *text, size_t n);

/* Ends the program unless FD, connected, leads where it should. */
void check_far_end(const struct client *c, int fd);

/* Closes without a TIME_WAIT: thousands of these would slow down the later ones. */
void close_hard(int fd);

/* COUNT non-blocking connects at once. Prints: seconds from the first to the last, and the
 * seconds of CPU time spent. */
void run_epoll(const struct client *c, unsigned count);
