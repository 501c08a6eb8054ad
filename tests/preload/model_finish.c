/* SPDX-License-Identifier: MIT */
/* The end of every script. */
#define _GNU_SOURCE
#include "model.h"

/* Whatever was not yet said is said now, and a last look must show it. */
static void conclude(void)
{
        const struct op polls = {.a = 255, .b = 2, .c = 0x10};
        uint8_t set = 0;

        for (unsigned i = 0; i < HANDLES; i++) {
                struct sock *s = sock_at(i);
                const struct op looks = {.a = (uint8_t)i};

                if (!s || s->phase != PENDING)
                        continue;
                far_release(s);
                far_settle();
                model_update();
                op_peer(&looks); /* the request leaves */
                far_settle();
        }
        for (unsigned i = 0; i < HANDLES; i++) {
                struct sock *s = sock_at(i);
                const struct op reply = {.a = (uint8_t)i, .b = 1, .c = 40};

                if (!s || s->phase != PENDING)
                        continue;
                if (!op_reply(&reply) && tunnelled() && far_accepted(s))
                        far_fin(s); /* behind what was a whole reply it is not pending */
                far_settle();
                model_update();
                EXPECT(s->phase != PENDING, "the model leaves connection %d pending", s->number);
        }
        for (set = 0; set < SETS; set++) {
                const struct op waits = {.a = set, .c = 1};

                op_epoll(&waits);
        }
        op_poll(&polls);
        op_select(&polls);
        for (unsigned i = 0; i < HANDLES; i++) {
                struct sock *s = sock_at(i);
                const struct op sends = {.a = (uint8_t)i, .b = 0, .c = 5};
                const struct op says = {.a = (uint8_t)i, .c = 3};
                struct op receives = {.a = (uint8_t)i, .b = 4, .c = 254};

                if (!s || s->phase == LOST)
                        continue;
                op_say(&says);
                far_settle();
                for (int round = 0; round < 8 && model_readable(s); round++)
                        op_recv(&receives);
                op_send(&sends);
                far_settle();
                model_update();
                op_read(&sends);
        }
}

void model_finish(void)
{
        unsigned calls;

        if (!model.over)
                conclude();
        for (unsigned i = 0; i < HANDLES; i++) {
                const struct op closes = {.a = (uint8_t)i};

                op_close(&closes);
        }
        for (uint8_t i = 0; i < SETS; i++) {
                const struct op closes = {.a = i};

                op_set_close(&closes);
        }
        calls = probe();
        EXPECT(calls == 1, "all is closed, and yet something is pending (%u calls)", calls);
}
