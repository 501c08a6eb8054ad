/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "core/elf.h"

#define INTERP "/lib64/ld-linux-x86-64.so.2"

/* What an image is made of. Files are built here, not taken from the machine: both classes and
 * byte orders are needed, and damage. */
static const struct image {
        const char *name;
        bool is64, big;
        uint16_t type;         /* ET_* */
        const char *interp;    /* PT_INTERP's text, or NULL */
        const char *note;      /* name of the second of two notes, or NULL */
        size_t patch, patch_n; /* overwrite so many bytes there … */
        uint8_t patch_byte;    /* … with this */
        size_t cut;            /* bytes taken off the end */
        enum hf_elf_kind kind;
} images[] = {
        {"reads_dynamic_64", true, false, 3, INTERP, NULL, 0, 0, 0, 0, HF_ELF_DYNAMIC},
        {"reads_dynamic_32", false, false, 3, INTERP, NULL, 0, 0, 0, 0, HF_ELF_DYNAMIC},
        {"reads_dynamic_64_big_endian", true, true, 2, INTERP, NULL, 0, 0, 0, 0, HF_ELF_DYNAMIC},
        {"reads_dynamic_32_big_endian", false, true, 2, INTERP, NULL, 0, 0, 0, 0, HF_ELF_DYNAMIC},
        {"reads_static_64", true, false, 2, NULL, "GNU", 0, 0, 0, 0, HF_ELF_STATIC},
        {"reads_static_32", false, false, 2, NULL, NULL, 0, 0, 0, 0, HF_ELF_STATIC},
        {"reads_static_pie", true, false, 3, NULL, NULL, 0, 0, 0, 0, HF_ELF_STATIC},
        {"reads_go_64", true, false, 2, NULL, "Go", 0, 0, 0, 0, HF_ELF_STATIC},
        {"reads_go_32", false, false, 2, NULL, "Go", 0, 0, 0, 0, HF_ELF_STATIC},
        {"reads_go_big_endian", true, true, 2, NULL, "Go", 0, 0, 0, 0, HF_ELF_STATIC},
        {"reads_dynamic_go", true, false, 2, INTERP, "Go", 0, 0, 0, 0, HF_ELF_DYNAMIC},
        {"is_not_go_by_a_longer_name", true, false, 2, NULL, "Gold", 0, 0, 0, 0, HF_ELF_STATIC},
        {"is_not_go_by_a_shorter_name", true, false, 2, NULL, "G", 0, 0, 0, 0, HF_ELF_STATIC},
        {"damaged_object_file", true, false, 1, INTERP, NULL, 0, 0, 0, 0, HF_ELF_BAD},
        {"damaged_core_file", true, false, 4, INTERP, NULL, 0, 0, 0, 0, HF_ELF_BAD},
        {"damaged_class_zero", false, false, 3, INTERP, NULL, 4, 1, 0, 0, HF_ELF_BAD},
        {"damaged_class_three", false, false, 3, INTERP, NULL, 4, 1, 3, 0, HF_ELF_BAD},
        {"damaged_order_zero", true, false, 3, INTERP, NULL, 5, 1, 0, 0, HF_ELF_BAD},
        {"damaged_order_three", true, false, 3, INTERP, NULL, 5, 1, 3, 0, HF_ELF_BAD},
        {"damaged_phoff_zero", true, false, 3, INTERP, NULL, 54, 2, 0, 0, HF_ELF_BAD},
        {"damaged_phoff_huge", true, false, 3, INTERP, NULL, 32, 8, 0xff, 0, HF_ELF_BAD},
        {"damaged_phnum_zero", true, false, 3, INTERP, NULL, 56, 2, 0, 0, HF_ELF_BAD},
        {"damaged_phnum_huge", true, false, 3, INTERP, NULL, 56, 2, 0xff, 0, HF_ELF_BAD},
        {"damaged_interp_offset", true, false, 3, INTERP, NULL, 72, 8, 0xff, 0, HF_ELF_BAD},
        {"damaged_interp_size", true, false, 3, INTERP, NULL, 96, 8, 0xff, 0, HF_ELF_BAD},
        {"damaged_interp_size_zero", true, false, 3, INTERP, NULL, 96, 8, 0, 0, HF_ELF_BAD},
        {"damaged_interp_without_nul", true, false, 3, INTERP, NULL, 96, 1, 9, 0, HF_ELF_BAD},
        {"damaged_interp_empty", true, false, 3, "", NULL, 0, 0, 0, 0, HF_ELF_BAD},
        {"damaged_interp_begins_with_nul", true, false, 3, INTERP, NULL, 176, 1, 0, 0, HF_ELF_BAD},
        {"damaged_interp_cut_off", true, false, 3, INTERP, NULL, 0, 0, 0, 60, HF_ELF_BAD},
        {"ignores_damaged_note_offset", true, false, 3, NULL, "Go", 128, 8, 0xff, 0, HF_ELF_STATIC},
        {"ignores_damaged_note_name", true, false, 3, NULL, "Go", 0, 0, 0, 22, HF_ELF_STATIC},
        {"not_elf_by_its_magic", true, false, 3, INTERP, NULL, 1, 1, 'F', 0, HF_ELF_NOT},
};

struct writer {
        char bytes[512];
        bool big;
};

static void put_number(struct writer *w, size_t at, unsigned n, uint64_t value)
{
        for (unsigned i = 0; i < n; i++) {
                unsigned shift = 8 * (w->big ? n - 1 - i : i);

                w->bytes[at + i] = (char)(unsigned char)(value >> shift);
        }
}

static size_t put_note(struct writer *w, size_t at, const char *name)
{
        size_t n = strlen(name) + 1;

        put_number(w, at, 4, n);
        put_number(w, at + 4, 4, 6);
        put_number(w, at + 8, 4, 4);
        memcpy(w->bytes + at + 12, name, n);
        return at + 12 + (n + 3) / 4 * 4 + 8;
}

static void put_segment(struct writer *w, const struct image *im, unsigned i, uint64_t type,
                        uint64_t offset, uint64_t n)
{
        size_t at = im->is64 ? 64 + 56U * i : 52 + 32U * i;

        put_number(w, at, 4, type);
        put_number(w, at + (im->is64 ? 8U : 4U), im->is64 ? 8 : 4, offset);
        put_number(w, at + (im->is64 ? 32U : 16U), im->is64 ? 8 : 4, n);
}

static size_t build(struct writer *w, const struct image *im)
{
        size_t at = im->is64 ? 64 + 2 * 56 : 52 + 2 * 32, start;

        *w = (struct writer){.big = im->big};
        memcpy(w->bytes, "\177ELF", 4);
        w->bytes[4] = im->is64 ? 2 : 1;
        w->bytes[5] = im->big ? 2 : 1;
        put_number(w, 16, 2, im->type);
        put_number(w, 18, 2, 62);
        put_number(w, im->is64 ? 32 : 28, im->is64 ? 8 : 4, im->is64 ? 64 : 52);
        put_number(w, im->is64 ? 54 : 42, 2, im->is64 ? 56 : 32);
        put_number(w, im->is64 ? 56 : 44, 2, 2);
        if (im->interp) {
                size_t n = strlen(im->interp) + 1;

                memcpy(w->bytes + at, im->interp, n);
                put_segment(w, im, 0, 3, at, n);
                at += n;
        }
        start = at;
        at = put_note(w, at, "GNU");
        if (im->note) {
                at = put_note(w, at, im->note);
                put_segment(w, im, 1, 4, start, at - start);
        }
        memset(w->bytes + im->patch, im->patch_byte, im->patch_n);
        return at - im->cut;
}

static void check_image(void **state)
{
        const struct image *row = *state;
        struct writer w;
        size_t n = build(&w, row);
        struct guard g;
        struct hf_elf elf;
        bool go = row->note && !strcmp(row->note, "Go") && row->patch_n == 0 && row->cut == 0;

        hf_elf_read(guard_make(&g, (struct hf_span){w.bytes, n}), &elf);
        assert_int_equal(elf.kind, row->kind);
        assert_int_equal(elf.go, go);
        if (row->kind == HF_ELF_DYNAMIC)
                assert_true(hf_span_eq(elf.interp, HF_SPAN(INTERP)));
        else
                assert_null(elf.interp.s);
        if (row->kind == HF_ELF_DYNAMIC || row->kind == HF_ELF_STATIC) {
                assert_int_equal(elf.is64, row->is64);
                assert_int_equal(elf.machine, 62);
        }
        guard_free(&g);
}

/* Cut off anywhere, with any byte spoilt: no read beyond the end, no claim without grounds. */
static void survives_any_damage(void **state)
{
        struct writer w;
        struct hf_elf elf;

        (void)state;
        for (size_t i = 0; i < HF_LEN(images); i++) {
                size_t n = build(&w, &images[i]);

                for (size_t cut = 0; cut <= n; cut++) {
                        struct guard g;
                        struct hf_span image = {w.bytes, cut};

                        image = guard_make(&g, image);
                        hf_elf_read(image, &elf);
                        if (cut < 64 && images[i].is64)
                                assert_true(elf.kind == HF_ELF_NOT || elf.kind == HF_ELF_BAD);
                        guard_free(&g);
                }
                for (size_t at = 0; at < n; at++) {
                        struct guard g;
                        char was = w.bytes[at];

                        w.bytes[at] = (char)~was;
                        hf_elf_read(guard_make(&g, (struct hf_span){w.bytes, n}), &elf);
                        assert_true(!elf.interp.s || elf.interp.n < n);
                        w.bytes[at] = was;
                        guard_free(&g);
                }
        }
}

static void reads_this_very_program(void **state)
{
        FILE *file = fopen("/proc/self/exe", "rb");
        size_t size = 64 * 1024 * 1024, n;
        char *image = malloc(size);
        struct hf_elf elf;

        (void)state;
        assert_true(file && image);
        n = fread(image, 1, size, file);
        assert_int_equal(fclose(file), 0);
        hf_elf_read((struct hf_span){image, n}, &elf);
        assert_int_equal(elf.kind, HF_ELF_DYNAMIC);
        assert_true(elf.is64);
        assert_false(elf.go);
        free(image);
}

static const struct note {
        const char *name;
        struct hf_span bytes;
        bool has; /* a note named "Go"; written for little-endian machines */
} notes[] = {
#define NOTE_GO "\4\0\0\0\2\0\0\0\4\0\0\0Go\0\0ab\0\0"
#define NOTE_GNU "\4\0\0\0\4\0\0\0\1\0\0\0GNU\0abcd"
        {"finds_a_note", BYTES(NOTE_GO), true},
        {"finds_the_second_note", BYTES(NOTE_GNU NOTE_GO), true},
        {"finds_a_note_without_padding", BYTES("\2\0\0\0\0\0\0\0\4\0\0\0Go"), true},
        {"finds_a_note_with_its_nul", BYTES("\3\0\0\0\0\0\0\0\4\0\0\0Go\0"), true},
        {"finds_no_note_in_nothing", BYTES(""), false},
        {"finds_no_other_note", BYTES(NOTE_GNU), false},
        {"finds_no_note_in_a_description", BYTES("\4\0\0\0\4\0\0\0\1\0\0\0GNU\0Go\0\0"), false},
        {"finds_no_note_cut_off", BYTES("\4\0\0\0\2\0\0\0\4\0\0\0Go"), false},
        {"finds_no_note_without_header", BYTES("\4\0\0\0\2\0\0\0Go\0\0"), false},
        {"survives_a_huge_name", BYTES("\xff\xff\xff\xff\0\0\0\0\4\0\0\0Go\0\0" NOTE_GO), false},
        {"survives_a_huge_description", BYTES("\4\0\0\0\xff\xff\xff\xff\4\0\0\0GNU\0" NOTE_GO),
         false},
};

static void check_note(void **state)
{
        const struct note *row = *state;
        struct guard g;

        assert_int_equal(hf_elf_has_note(guard_make(&g, row->bytes), HF_SPAN("Go")), row->has);
        guard_free(&g);
}

static const struct shebang {
        const char *name;
        struct hf_span text;
        const char *interp;
} shebangs[] = {
        {"reads_shebang", BYTES("#!/bin/sh\necho"), "/bin/sh"},
        {"reads_shebang_with_argument", BYTES("#!/usr/bin/env python3\n"), "/usr/bin/env"},
        {"reads_shebang_with_blanks", BYTES("#! \t/bin/sh -e\n"), "/bin/sh"},
        {"reads_shebang_without_newline", BYTES("#!/bin/sh"), "/bin/sh"},
        {"reads_shebang_before_nul", BYTES("#!/bin/sh\0x"), "/bin/sh"},
        {"keeps_cr_as_the_kernel_does", BYTES("#!/bin/sh\r\n"), "/bin/sh\r"},
        {"rejects_empty_file", BYTES(""), NULL},
        {"rejects_one_byte", BYTES("#"), NULL},
        {"rejects_shebang_alone", BYTES("#!"), NULL},
        {"rejects_shebang_without_path", BYTES("#!  \n/bin/sh"), NULL},
        {"rejects_comment", BYTES("# !/bin/sh\n"), NULL},
        {"rejects_blank_before_shebang", BYTES(" #!/bin/sh\n"), NULL},
        {"rejects_byte_order_mark", BYTES("\xef\xbb\xbf#!/bin/sh\n"), NULL},
        {"rejects_elf", BYTES("\177ELF"), NULL},
};

static void check_shebang(void **state)
{
        const struct shebang *row = *state;
        struct guard g;
        struct hf_span interp = HF_SPAN("before");

        assert_int_equal(hf_elf_shebang(guard_make(&g, row->text), &interp), row->interp != NULL);
        assert_true(hf_span_eq(interp, hf_span(row->interp ? row->interp : "before")));
        guard_free(&g);
}

static void rejects_a_path_longer_than_the_kernel_reads(void **state)
{
        char text[300];
        struct hf_span interp;

        (void)state;
        memset(text, 'a', sizeof text);
        memcpy(text, "#!/", 3);
        assert_false(hf_elf_shebang((struct hf_span){text, sizeof text}, &interp));
        text[255] = '\n';
        assert_true(hf_elf_shebang((struct hf_span){text, sizeof text}, &interp));
        assert_int_equal(interp.n, 253);
}

int main(void)
{
        static struct table t;

        TABLE_ADD(&t, check_image, images);
        TABLE_ADD(&t, check_note, notes);
        TABLE_ADD(&t, check_shebang, shebangs);
        table_add(&t, "survives_any_damage", survives_any_damage, NULL);
        table_add(&t, "reads_this_very_program", reads_this_very_program, NULL);
        table_add(&t, "rejects_a_path_longer_than_the_kernel_reads",
                  rejects_a_path_longer_than_the_kernel_reads, NULL);
        return table_run("elf", &t);
}
