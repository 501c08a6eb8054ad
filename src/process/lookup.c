/* SPDX-License-Identifier: MIT */
#include "lookup.h"

#include "config.h"
#include "real.h"
#include "sys.h"

#include <errno.h>
#include <netdb.h>
#include <stdatomic.h>

#define NO_ANSWER_SECONDS 60
#define NAME_MAX_LEN 255

/* Names without an answer: the upper half of a hash, and until when (seconds), in one word. A
 * place that two names want belongs to the later one. */
static _Atomic(uint64_t) no_answers[256];

static _Atomic(uint64_t) *place_of(struct hf_span name, int family, uint64_t *ret_tag)
{
        uint64_t hash = hf_hash(name) * 31 + (unsigned)family;

        *ret_tag = hash >> 32 << 32;
        return &no_answers[hash % HF_LEN(no_answers)];
}

static bool had_no_answer(struct hf_span name, int family)
{
        uint64_t tag,
                word = atomic_load_explicit(place_of(name, family, &tag), memory_order_relaxed);

        return word != 0 && word >> 32 << 32 == tag &&
               (uint64_t)(hf_sys_now() / 1000) < (word & UINT32_MAX);
}

static void note_no_answer(struct hf_span name, int family)
{
        uint64_t tag, until = (uint64_t)(hf_sys_now() / 1000) + NO_ANSWER_SECONDS;
        _Atomic(uint64_t) *place = place_of(name, family, &tag);

        atomic_store_explicit(place, tag | (until & UINT32_MAX), memory_order_relaxed);
}

void hf_lookup(struct hf_span name, int family, bool patient, struct hf_lookup *ret)
{
        const struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
        struct addrinfo *list = NULL;
        int saved_errno = errno;
        char text[NAME_MAX_LEN + 1];

        ret->count = 0;
        if (name.n > NAME_MAX_LEN || (!patient && had_no_answer(name, family)))
                return;
        memcpy(text, name.s, name.n);
        text[name.n] = '\0';
        if (hf_real_getaddrinfo(text, NULL, &hints, &list) == 0) {
                for (const struct addrinfo *ai = list; ai && ret->count < HF_LOOKUP_MAX;
                     ai = ai->ai_next) {
                        uint16_t port;

                        if (hf_addr_from_sockaddr(ai->ai_addr, ai->ai_addrlen,
                                                  &ret->addrs[ret->count], &port) == 0)
                                ret->count++;
                }
                freeaddrinfo(list);
        }
        if (ret->count == 0)
                note_no_answer(name, family);
        errno = saved_errno;
}

void hf_lookup_note_direct(const struct addrinfo *list, uint16_t port)
{
        for (; list; list = list->ai_next) {
                struct hf_addr addr;
                uint16_t ignored;

                if (list->ai_addr &&
                    hf_addr_from_sockaddr(list->ai_addr, list->ai_addrlen, &addr, &ignored) == 0)
                        hf_addrset_add(&hf_direct_addrs, &addr, port);
        }
}
