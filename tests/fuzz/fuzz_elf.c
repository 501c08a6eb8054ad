/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include "core/elf.h"

static bool inside(struct hf_span part, struct hf_span whole)
{
        return part.s >= whole.s && part.n <= whole.n && part.s + part.n <= whole.s + whole.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct hf_span image = fuzz_span(data, size), interp;
        struct hf_elf elf;

        hf_elf_read(image, &elf);
        FUZZ_CHECK((elf.kind == HF_ELF_DYNAMIC) == (elf.interp.s != NULL));
        if (elf.interp.s) {
                FUZZ_CHECK(inside(elf.interp, image) && elf.interp.n > 0);
                FUZZ_CHECK(!memchr(elf.interp.s, '\0', elf.interp.n));
        }
        if (elf.kind == HF_ELF_NOT || elf.kind == HF_ELF_BAD)
                FUZZ_CHECK(!elf.go);
        if (hf_elf_has_note(image, HF_SPAN("Go")))
                FUZZ_CHECK(size >= 14);
        if (hf_elf_shebang(image, &interp)) {
                FUZZ_CHECK(elf.kind == HF_ELF_NOT);
                FUZZ_CHECK(inside(interp, image) && interp.n > 0 && interp.n < 256);
        }
        return 0;
}
