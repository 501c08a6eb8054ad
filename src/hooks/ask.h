/* SPDX-License-Identifier: MIT */
/* A name that a program asks for, by whatever function, and the judgement of design.md 4 over it:
 * a placeholder, or what libc's own look-up gives. May allocate and block, as look-ups do. */
#pragma once

#include "process/config.h"

struct hf_ask {
        const char *node;    /* as the program wrote it */
        struct hf_span name; /* the same without a dot at its end */
        int family;          /* AF_UNSPEC, AF_INET or AF_INET6 */
        uint16_t port;       /* 0: not known */
        bool shown; /* the address may be wanted for itself: to be written to other hosts */
        bool later; /* libc's look-up of `node` runs in the background, not here */

        /* libc's own look-up of NODE (or of a longer name below a search suffix). 0: something
         * was found, of which addr() tells the addresses, number I or false. The last one made is
         * the program's answer. Under `strict` it asks hf_lookup_refused() before libc. */
        int (*look)(struct hf_ask *ask, const char *node);
        bool (*addr)(const struct hf_ask *ask, unsigned i, struct hf_addr *ret_addr);
};

/* The first look at NODE: the configuration to judge by, with ask->node and ask->name filled in, or
 * NULL: no name that anything but libc has to do with, or no proxy. In resolve.c. */
const struct hf_config *hf_ask_begin(struct hf_ask *ask, const char *node);

/* True: *RET_ADDR is the placeholder to give. False: libc's answer stands, whatever it is; look()
 * has been called for it, unless ask->later. */
bool hf_ask_placeholder(struct hf_ask *ask, const struct hf_config *config,
                        struct hf_addr *ret_addr);

/* What addr() tells belongs to the name; if that stays direct, so do they. (For an answer that came
 * later; hf_ask_placeholder() does it by itself.) */
void hf_ask_note(struct hf_ask *ask, const struct hf_config *config);
