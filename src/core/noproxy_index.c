/* SPDX-License-Identifier: MIT */
/* What an entry names is its key: a name, or a prefix with its length, and the port. A destination
 * has a few keys by which it may be listed (its name and each domain above it; its address cut to
 * each length that the list uses; with and without its port), and each is one look into the table.
 * The hash only says where to look: whether an entry names the destination is decided by the same
 * code that reads lists. */
#include "noproxy_index.h"

#include "noproxy_entry.h"

#define FNV_BASIS 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

static uint64_t mix(uint64_t hash, uint8_t byte)
{
        return (hash ^ byte) * FNV_PRIME;
}

/* The low bits choose the slot and the high ones are the tag, so all must depend on everything. */
static uint64_t finish(uint64_t hash, enum hf_noproxy_kind kind, uint16_t port)
{
        hash = mix(mix(mix(hash, (uint8_t)kind), (uint8_t)(port >> 8)), (uint8_t)port);
        hash = (hash ^ hash >> 29) * 0xbf58476d1ce4e5b9u;
        return hash ^ hash >> 32;
}

static uint64_t hash_prefix(const struct hf_addr *addr, unsigned bits)
{
        uint64_t hash = mix(mix(FNV_BASIS, addr->family), (uint8_t)bits);
        unsigned whole = bits / 8, rest = bits % 8;

        for (unsigned i = 0; i < whole; i++)
                hash = mix(hash, addr->bytes[i]);
        if (rest > 0)
                hash = mix(hash, (uint8_t)(addr->bytes[whole] >> (8 - rest)));
        return hash;
}

/* From the end, so that on the way through a name all its domains come by. */
static uint64_t hash_name(struct hf_span name)
{
        uint64_t hash = FNV_BASIS;

        for (size_t i = name.n; i > 0; i--)
                hash = mix(hash, (uint8_t)hf_lower(name.s[i - 1]));
        return hash;
}

static uint64_t hash_entry(const struct hf_noproxy_entry *e)
{
        uint64_t hash = e->kind == HF_NOPROXY_NAME  ? hash_name(e->name)
                        : e->kind == HF_NOPROXY_NET ? hash_prefix(&e->addr, e->bits)
                                                    : FNV_BASIS;

        return finish(hash, e->kind, e->port);
}

static uint32_t tag_of(uint64_t hash)
{
        return (uint32_t)(hash >> 32);
}

static struct hf_noproxy_entry entry_at(const struct hf_noproxy_index *index, uint32_t slot)
{
        size_t at = index->slots[slot].at - 1;
        struct hf_span rest = {index->list.s + at, index->list.n - at}, text = {rest.s, 0};

        hf_noproxy_next(&rest, &text);
        return hf_noproxy_read(text);
}

/* ---- making it ---- */

size_t hf_noproxy_index_slots(struct hf_span list)
{
        struct hf_span text;
        size_t n = 4;

        if (list.n >= UINT32_MAX)
                return 0;
        for (size_t entries = 0; hf_noproxy_next(&list, &text);)
                if (2 * ++entries > n)
                        n *= 2;
        return n;
}

static bool is_same(const struct hf_noproxy_entry *a, const struct hf_noproxy_entry *b)
{
        if (a->kind != b->kind || a->port != b->port)
                return false;
        if (a->kind == HF_NOPROXY_NAME)
                return hf_span_caseeq(a->name, b->name);
        if (a->kind == HF_NOPROXY_NET)
                return a->bits == b->bits && hf_addr_in_prefix(&a->addr, &b->addr, a->bits);
        return true;
}

/* An entry that stands in the list twice is kept once: a thousand equal ones make no long way. */
static void add(struct hf_noproxy_index *index, const struct hf_noproxy_entry *e, uint32_t at)
{
        uint64_t hash = hash_entry(e);
        uint32_t slot = (uint32_t)hash & index->mask;

        for (; index->slots[slot].at; slot = (slot + 1) & index->mask) {
                struct hf_noproxy_entry other;

                if (index->slots[slot].tag != tag_of(hash))
                        continue;
                other = entry_at(index, slot);
                if (is_same(e, &other))
                        return;
        }
        index->slots[slot] = (struct hf_noproxy_slot){at + 1, tag_of(hash)};
}

static void note(struct hf_noproxy_index *index, const struct hf_noproxy_entry *e)
{
        index->ports = index->ports || e->port;
        index->any = index->any || e->kind == HF_NOPROXY_ANY;
        index->names = index->names || e->kind == HF_NOPROXY_NAME;
        if (e->kind == HF_NOPROXY_NET && e->addr.family == 4)
                index->lengths4 |= UINT64_C(1) << e->bits;
        else if (e->kind == HF_NOPROXY_NET)
                index->lengths6[e->bits / 64] |= UINT64_C(1) << e->bits % 64;
}

bool hf_noproxy_index_make(struct hf_noproxy_index *ret, struct hf_span list,
                           struct hf_noproxy_slot *slots, size_t n)
{
        struct hf_noproxy_index index = {.list = list, .slots = slots, .mask = (uint32_t)(n - 1)};
        struct hf_span rest = list, text;

        if (n == 0)
                return false;
        for (size_t entries = 0; hf_noproxy_next(&rest, &text);) {
                struct hf_noproxy_entry e = hf_noproxy_read(text);

                if (2 * ++entries > n)
                        return false;
                if (e.kind == HF_NOPROXY_NOTHING)
                        continue;
                note(&index, &e);
                add(&index, &e, (uint32_t)(text.s - list.s));
        }
        *ret = index;
        return true;
}

/* ---- looking something up ---- */

static bool is_listed(const struct hf_noproxy_index *index, uint64_t hash, uint16_t port,
                      const struct hf_noproxy_target *target)
{
        uint32_t slot = (uint32_t)hash & index->mask;

        for (; index->slots[slot].at; slot = (slot + 1) & index->mask) {
                struct hf_noproxy_entry e;

                if (index->slots[slot].tag != tag_of(hash))
                        continue;
                e = entry_at(index, slot);
                if (e.port == port && hf_noproxy_names(&e, target))
                        return true;
        }
        return false;
}

static bool name_is_listed(const struct hf_noproxy_index *index, uint16_t port,
                           const struct hf_noproxy_target *target)
{
        struct hf_span name = target->name;
        uint64_t hash = FNV_BASIS;

        for (size_t i = name.n; i > 0; i--) {
                hash = mix(hash, (uint8_t)hf_lower(name.s[i - 1]));
                if ((i == 1 || name.s[i - 2] == '.') &&
                    is_listed(index, finish(hash, HF_NOPROXY_NAME, port), port, target))
                        return true;
        }
        return false;
}

static bool addr_is_listed(const struct hf_noproxy_index *index, uint16_t port,
                           const struct hf_noproxy_target *target)
{
        const uint64_t *words = target->addr->family == 4 ? &index->lengths4 : index->lengths6;
        unsigned count = target->addr->family == 4 ? 1 : HF_LEN(index->lengths6);

        for (unsigned word = 0; word < count; word++)
                for (uint64_t left = words[word]; left; left &= left - 1) {
                        unsigned bits = 64 * word + (unsigned)__builtin_ctzll(left);
                        uint64_t hash = hash_prefix(target->addr, bits);

                        if (is_listed(index, finish(hash, HF_NOPROXY_NET, port), port, target))
                                return true;
                }
        return false;
}

static bool target_is_listed(const struct hf_noproxy_index *index, uint16_t port,
                             const struct hf_noproxy_target *target)
{
        if (index->any && is_listed(index, finish(FNV_BASIS, HF_NOPROXY_ANY, port), port, target))
                return true;
        if (index->names && target->name.s && name_is_listed(index, port, target))
                return true;
        return target->addr && target->addr->family && addr_is_listed(index, port, target);
}

bool hf_noproxy_index_match(const struct hf_noproxy_index *index, const struct hf_dest *dest)
{
        struct hf_noproxy_target target;

        hf_noproxy_read_target(dest, &target);
        return target_is_listed(index, 0, &target) ||
               (index->ports && dest->port && target_is_listed(index, dest->port, &target));
}
