/* SPDX-License-Identifier: MIT */
/* Four places for an identity; who finds them taken by others has the one that was written least
 * often. A place is written between two changes of its `turn`, odd in between; the data are atomics
 * themselves, stored with release and loaded with acquire, so who saw a new one sees the `turn`
 * that came before it, too. Nobody waits: a place that is being written is no answer to a reader
 * and taken for a writer (it stays so in a copy that a fork made at that moment). */
#include "peer.h"

#include "pending_record.h"
#include "sys.h"

#define SETS 1024
#define WAYS 4

struct place {
        _Atomic(uint32_t) turn;
        _Atomic(uint32_t) port; /* and V6 */
        _Atomic(uint64_t) id;
        _Atomic(uint64_t) addr[2];
};

#define V6 (1U << 16) /* the socket is of AF_INET6, whatever the address */
#define IPV4 (1U << 17)

static _Atomic(void *) the_places; /* SETS times WAYS */

/* Cookies are dealt in blocks of 4096 to each processor and there in order: as good as a hash, and
 * the sockets of one block never meet. */
static struct place *set_of(void *places, uint64_t id)
{
        return (struct place *)places + (id + (id >> 12) * 1597) % SETS * WAYS;
}

/* NULL: all are being written. */
static struct place *choose(struct place *set, uint64_t id)
{
        struct place *least = NULL;
        uint32_t least_turn = UINT32_MAX;

        for (struct place *place = set; place < set + WAYS; place++) {
                uint32_t turn = atomic_load_explicit(&place->turn, memory_order_relaxed);

                if (atomic_load_explicit(&place->id, memory_order_relaxed) == id)
                        return place;
                if (turn % 2 == 0 && turn < least_turn) {
                        least = place;
                        least_turn = turn;
                }
        }
        return least;
}

bool hf_peer_any(void)
{
        return atomic_load_explicit(&the_places, memory_order_relaxed) != NULL;
}

void hf_peer_remember(uint64_t id, const struct sockaddr *sa, socklen_t len)
{
        struct place *place;
        void *places;
        struct hf_addr addr;
        uint64_t words[2];
        uint32_t turn;
        uint16_t port;

        if (hf_addr_from_sockaddr(sa, len, &addr, &port) < 0 ||
            !(places = hf_sys_map_once(&the_places, SETS * WAYS * sizeof *place)))
                return;
        place = choose(set_of(places, id), id);
        if (!place)
                return;
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

static bool read_place(const struct place *place, uint64_t id, struct sockaddr_storage *ret_addr,
                       socklen_t *ret_len)
{
        uint32_t port, turn = atomic_load_explicit(&place->turn, memory_order_acquire);
        struct hf_addr addr = {0};
        uint64_t words[2];

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

bool hf_peer_recall(int fd, struct sockaddr_storage *ret_addr, socklen_t *ret_len)
{
        void *places = atomic_load_explicit(&the_places, memory_order_acquire);
        struct place *set;
        uint64_t id;

        if (!places || hf_socket_id(fd, &id) < 0)
                return false;
        set = set_of(places, id);
        for (int i = 0; i < WAYS; i++)
                if (read_place(&set[i], id, ret_addr, ret_len))
                        return true;
        return false;
}
