/* SPDX-License-Identifier: MIT */
/* A place by the identity, one only: who comes later has it. A place is written between two
 * changes of its `turn`, odd in between; the data are atomics themselves, stored with release and
 * loaded with acquire, so who saw a new one sees the `turn` that came before it, too. Nobody
 * waits: a place that is being written is no answer to a reader and taken for a writer (it stays so
 * in a copy that a fork made at that moment). */
#include "peer.h"

#include "pending_record.h"
#include "sys.h"

#define PLACES 4096

struct place {
        _Atomic(uint32_t) turn;
        _Atomic(uint32_t) port; /* and V6 */
        _Atomic(uint64_t) id;
        _Atomic(uint64_t) addr[2];
};

#define V6 (1U << 16) /* the socket is of AF_INET6, whatever the address */
#define IPV4 (1U << 17)

static _Atomic(void *) the_places; /* PLACES of them */

/* Cookies are dealt in blocks of 4096 to each processor and there in order: the sockets of one
 * block never meet, and the blocks begin at different places. */
static size_t place_of(uint64_t id)
{
        return (id + (id >> 12) * 1597) % PLACES;
}

bool hf_peer_any(void)
{
        return atomic_load_explicit(&the_places, memory_order_relaxed) != NULL;
}

void hf_peer_remember(uint64_t id, const struct sockaddr *sa, socklen_t len)
{
        struct place *places, *place;
        struct hf_addr addr;
        uint64_t words[2];
        uint32_t turn;
        uint16_t port;

        if (hf_addr_from_sockaddr(sa, len, &addr, &port) < 0 ||
            !(places = hf_sys_map_once(&the_places, PLACES * sizeof *places)))
                return;
        place = &places[place_of(id)];
        turn = atomic_load_explicit(&place->turn, memory_order_relaxed);
        if (turn & 1 ||
            !atomic_compare_exchange_strong_explicit(&place->turn, &turn, turn + 1,
                                                     memory_order_acquire, memory_order_relaxed))
                return;
        memcpy(words, addr.bytes, sizeof words);
        atomic_store_explicit(&place->id, id, memory_order_release);
        for (size_t i = 0; i < 2; i++)
                atomic_store_explicit(&place->addr[i], words[i], memory_order_release);
        atomic_store_explicit(&place->port,
                              port | (sa->sa_family == AF_INET6 ? V6 : 0) |
                                      (addr.family == 4 ? IPV4 : 0),
                              memory_order_release);
        atomic_store_explicit(&place->turn, turn + 2, memory_order_release);
}

bool hf_peer_recall(int fd, struct sockaddr_storage *ret_addr, socklen_t *ret_len)
{
        const struct place *places = atomic_load_explicit(&the_places, memory_order_acquire),
                           *place;
        struct hf_addr addr = {0};
        uint64_t id, words[2];
        uint32_t turn, port;

        if (!places || hf_socket_id(fd, &id) < 0)
                return false;
        place = &places[place_of(id)];
        turn = atomic_load_explicit(&place->turn, memory_order_acquire);
        if (turn & 1 || atomic_load_explicit(&place->id, memory_order_acquire) != id)
                return false;
        for (size_t i = 0; i < 2; i++)
                words[i] = atomic_load_explicit(&place->addr[i], memory_order_acquire);
        port = atomic_load_explicit(&place->port, memory_order_acquire);
        if (atomic_load_explicit(&place->turn, memory_order_relaxed) != turn)
                return false;
        memcpy(addr.bytes, words, sizeof words);
        addr.family = port & IPV4 ? 4 : 6;
        *ret_len = hf_addr_to_sockaddr(&addr, (uint16_t)port, port & V6, ret_addr);
        return true;
}
