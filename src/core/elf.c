/* SPDX-License-Identifier: MIT */
/* Written out by hand instead of with <elf.h>'s structs: the image may be of the other class or
 * byte order, unaligned and cut off anywhere. Offsets from the ELF specification:
 *
 *                      32-bit  64-bit                          32-bit  64-bit
 *      e_type            16      16            p_type             0       0
 *      e_machine         18      18            p_offset           4       8
 *      e_phoff           28      32            p_filesz          16      32
 *      e_phentsize       42      54            (size)            32      56
 *      e_phnum           44      56
 */
#include "elf.h"

#define ET_EXEC 2
#define ET_DYN 3
#define PT_INTERP 3
#define PT_NOTE 4
#define SHEBANG_MAX 256 /* BINPRM_BUF_SIZE: the kernel looks no further */

struct reader {
        struct hf_span image;
        bool is64;
        bool big; /* byte order */
};

/* The number of N bytes at OFFSET; 0 beyond the end (the callers check what must be there). */
static uint64_t number(const struct reader *r, uint64_t offset, unsigned n)
{
        uint64_t value = 0;

        if (offset > r->image.n || r->image.n - offset < n)
                return 0;
        for (unsigned i = 0; i < n; i++) {
                unsigned at = r->big ? i : n - 1 - i;

                value = value << 8 | (unsigned char)r->image.s[offset + at];
        }
        return value;
}

/* A number that is 4 bytes wide in one class and 8 in the other. */
static uint64_t word(const struct reader *r, uint64_t base, unsigned at32, unsigned at64)
{
        return r->is64 ? number(r, base + at64, 8) : number(r, base + at32, 4);
}

static bool slice(struct hf_span bytes, uint64_t offset, uint64_t n, struct hf_span *ret)
{
        if (offset > bytes.n || n > bytes.n - offset)
                return false;
        *ret = (struct hf_span){bytes.s + offset, (size_t)n};
        return true;
}

static uint64_t pad4(uint64_t n)
{
        return (n + 3) & ~(uint64_t)3;
}

/*      | namesz | descsz | type | name, padded to 4 | desc, padded to 4 | … */
static bool has_note(const struct reader *r, struct hf_span name)
{
        uint64_t at = 0;

        while (r->image.n - at >= 12) {
                uint64_t namesz = number(r, at, 4), descsz = number(r, at + 4, 4);
                struct hf_span found;

                if (!slice(r->image, at + 12, namesz, &found))
                        return false;
                while (found.n > 0 && found.s[found.n - 1] == '\0')
                        found.n--;
                if (found.n == name.n && (found.n == 0 || !memcmp(found.s, name.s, found.n)))
                        return true;
                at += 12 + pad4(namesz) + pad4(descsz);
                if (at > r->image.n)
                        return false;
        }
        return false;
}

bool hf_elf_has_note(struct hf_span bytes, struct hf_span name)
{
        const uint16_t probe = 1;
        unsigned char first;

        memcpy(&first, &probe, 1);
        return has_note(&(struct reader){.image = bytes, .big = first == 0}, name);
}

/* The kernel wants the NUL that ends the path inside the segment. */
static bool read_interp(struct hf_span segment, struct hf_span *ret_interp)
{
        const char *nul;

        if (segment.n < 2 || segment.s[segment.n - 1] != '\0')
                return false;
        nul = memchr(segment.s, '\0', segment.n);
        *ret_interp = (struct hf_span){segment.s, (size_t)(nul - segment.s)};
        return nul != segment.s;
}

/* As the kernel loads it: what execve() refuses is BAD, what it ignores is ignored. */
static enum hf_elf_kind read_segments(const struct reader *r, struct hf_elf *elf)
{
        const unsigned size = r->is64 ? 56 : 32;
        uint64_t type = number(r, 16, 2), offset = word(r, 0, 28, 32);
        uint64_t entry = number(r, r->is64 ? 54 : 42, 2), count = number(r, r->is64 ? 56 : 44, 2);
        struct hf_span headers;

        if ((type != ET_EXEC && type != ET_DYN) || entry != size || count == 0 ||
            !slice(r->image, offset, count * size, &headers))
                return HF_ELF_BAD;

        for (uint64_t i = 0; i < count; i++) {
                uint64_t base = offset + i * size;
                uint64_t p_type = number(r, base, 4);
                struct hf_span segment;
                bool inside = slice(r->image, word(r, base, 4, 8), word(r, base, 16, 32), &segment);

                if (p_type == PT_INTERP && !elf->interp.s &&
                    (!inside || !read_interp(segment, &elf->interp)))
                        return HF_ELF_BAD;
                if (p_type == PT_NOTE && inside &&
                    has_note(&(struct reader){.image = segment, .big = r->big}, HF_SPAN("Go")))
                        elf->go = true;
        }
        return elf->interp.s ? HF_ELF_DYNAMIC : HF_ELF_STATIC;
}

void hf_elf_read(struct hf_span image, struct hf_elf *ret_elf)
{
        struct reader r = {.image = image};
        struct hf_elf elf = {.kind = HF_ELF_NOT};

        if (image.n >= 4 && !memcmp(image.s, "\177ELF", 4)) {
                elf.kind = HF_ELF_BAD;
                if (image.n >= 52 && (image.s[4] == 1 || image.s[4] == 2) &&
                    (image.s[5] == 1 || image.s[5] == 2)) {
                        r.is64 = elf.is64 = image.s[4] == 2;
                        r.big = image.s[5] == 2;
                        elf.machine = (uint16_t)number(&r, 18, 2);
                        elf.kind = read_segments(&r, &elf);
                }
        }
        if (elf.kind == HF_ELF_BAD) {
                elf.interp = (struct hf_span){NULL, 0};
                elf.go = false;
        }
        *ret_elf = elf;
}

bool hf_elf_shebang(struct hf_span image, struct hf_span *ret_interp)
{
        static const char ends[] = " \t\n"; /* and its NUL */
        size_t at = 2, start;

        if (image.n < 2 || image.s[0] != '#' || image.s[1] != '!')
                return false;
        while (at < image.n && at < SHEBANG_MAX && (image.s[at] == ' ' || image.s[at] == '\t'))
                at++;
        start = at;
        while (at < image.n && at < SHEBANG_MAX && !memchr(ends, image.s[at], sizeof ends))
                at++;
        /* a path that goes on beyond what the kernel read is an error there (ENOEXEC) */
        if (at == start || (at == SHEBANG_MAX && image.n > SHEBANG_MAX))
                return false;
        *ret_interp = (struct hf_span){image.s + start, at - start};
        return true;
}
