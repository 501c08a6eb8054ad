/* SPDX-License-Identifier: MIT */
/* One array, indexed by the 20 bits in which placeholders differ, holds where a name's text lies;
 * texts are appended to one store. Both are mapped without reserve: only the pages of names that
 * were handed out cost memory. */
#include "names.h"

#include "log.h"
#include "sys.h"

#include <errno.h>
#include <stdatomic.h>

#define ID_BITS 20
#define IDS (1U << ID_BITS)
#define NAME_MAX_LEN 255
#define STORE_SIZE (16U << 20) /* enough for the longest names only */
#define PROBES_MAX 256

struct table {
        _Atomic(uint32_t) by_id[IDS]; /* 0, or where in `store` the text begins */
        _Atomic(uint32_t) used;       /* bytes of `store`; the first is never used */
        _Atomic(uint32_t) count;
        char store[STORE_SIZE]; /* texts with their NULs */
};

static _Atomic(void *) the_table; /* a struct table */

static const uint8_t v4_net[4] = {240, 160, 0, 0};
static const uint8_t v6_net[8] = {1, 0};

bool hf_names_any(void)
{
        return atomic_load_explicit(&the_table, memory_order_relaxed) != NULL;
}

static struct table *get_table(void)
{
        struct table *table = hf_sys_map_once(&the_table, sizeof *table);

        return table;
}

static bool is_stored(const struct table *table, uint32_t at, struct hf_span folded)
{
        return !strncmp(table->store + at, folded.s, folded.n) && !table->store[at + folded.n];
}

/* Where the text lies now; 0: no room. */
static uint32_t store(struct table *table, struct hf_span folded)
{
        uint32_t size = (uint32_t)folded.n + 1;
        uint32_t at;

        if (atomic_load_explicit(&table->used, memory_order_relaxed) > STORE_SIZE - 512)
                return 0;
        at = atomic_fetch_add_explicit(&table->used, size, memory_order_relaxed) + 1;
        if (at + size > STORE_SIZE)
                return 0;
        memcpy(table->store + at, folded.s, folded.n); /* its NUL is there: the mapping is zeros */
        return at;
}

/* The id of a name that is there, or is there now; -ENOMEM. */
static long find_or_add(struct table *table, struct hf_span folded)
{
        uint64_t hash = hf_hash(folded);
        uint32_t first = (uint32_t)(hash ^ hash >> ID_BITS ^ hash >> (2 * ID_BITS));
        uint32_t own = 0;

        for (uint32_t i = 0; i < PROBES_MAX; i++) {
                uint32_t id = (first + i) % IDS;
                uint32_t at = atomic_load_explicit(&table->by_id[id], memory_order_acquire);

                if (!at) {
                        if (!own) {
                                if (atomic_fetch_add(&table->count, 1) >= HF_NAMES_MAX) {
                                        atomic_fetch_sub(&table->count, 1);
                                        return -ENOMEM;
                                }
                                own = store(table, folded);
                        }
                        if (!own)
                                return -ENOMEM;
                        if (atomic_compare_exchange_strong_explicit(&table->by_id[id], &at, own,
                                                                    memory_order_release,
                                                                    memory_order_acquire))
                                return (long)id;
                        /* Another thread took this slot meanwhile, perhaps for the same name. */
                }
                if (is_stored(table, at, folded)) {
                        if (own)
                                atomic_fetch_sub(&table->count, 1); /* and the text is lost */
                        return (long)id;
                }
        }
        if (own)
                atomic_fetch_sub(&table->count, 1);
        return -ENOMEM;
}

int hf_names_put(struct hf_span name, int family, struct hf_addr *ret_addr)
{
        char text[NAME_MAX_LEN];
        struct table *table = get_table();
        struct hf_addr addr = {0};
        uint8_t *low;
        long id;

        if (name.n == 0 || name.n > NAME_MAX_LEN)
                return -EINVAL;
        if (!table)
                return -ENOMEM;
        for (size_t i = 0; i < name.n; i++)
                text[i] = hf_lower(name.s[i]);
        id = find_or_add(table, (struct hf_span){text, name.n});
        if (id < 0) {
                hf_log_once(HF_ONCE_NAMES_FULL, HF_LOG_ERROR,
                            "no room for the name %S (a process holds %d at most): it is really "
                            "looked up, and so are others from now on",
                            &name, HF_NAMES_MAX);
                return (int)id;
        }
        addr.family = family == 6 ? 6 : 4;
        if (addr.family == 6)
                memcpy(addr.bytes, v6_net, sizeof v6_net);
        low = addr.family == 6 ? addr.bytes + 12 : addr.bytes;
        memcpy(low, v4_net, sizeof v4_net);
        low[1] |= (uint8_t)(id >> 16);
        low[2] = (uint8_t)(id >> 8);
        low[3] = (uint8_t)id;
        *ret_addr = addr;
        return 0;
}

bool hf_names_is_placeholder(const struct hf_addr *addr)
{
        if (addr->family == 6)
                return !memcmp(addr->bytes, v6_net, sizeof v6_net);
        return addr->family == 4 && addr->bytes[0] == v4_net[0] &&
               (addr->bytes[1] & 0xf0) == v4_net[1];
}

struct hf_span hf_names_get(const struct hf_addr *addr)
{
        static const uint8_t zeros[4] = {0};
        const struct table *table = atomic_load_explicit(&the_table, memory_order_acquire);
        const struct hf_span absent = {0};
        const uint8_t *low = addr->family == 6 ? addr->bytes + 12 : addr->bytes;
        uint32_t at;

        if (!table || !hf_names_is_placeholder(addr))
                return absent;
        if (addr->family == 6 && memcmp(addr->bytes + 8, zeros, sizeof zeros))
                return absent;
        if (low[0] != v4_net[0] || (low[1] & 0xf0) != v4_net[1])
                return absent;
        at = atomic_load_explicit(
                &table->by_id[(uint32_t)(low[1] & 0x0f) << 16 | (uint32_t)low[2] << 8 | low[3]],
                memory_order_acquire);
        return at ? hf_span(table->store + at) : absent;
}
