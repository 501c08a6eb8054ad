/* SPDX-License-Identifier: MIT */
/* What kind of executable a file is, from its first bytes (a script, an ELF image of either
 * class and byte order), so that hfwrap can say what the library will and will not do in it. */
#pragma once

#include "util.h"

enum hf_elf_kind {
        HF_ELF_NOT,     /* not ELF: a script ("#!") or something else */
        HF_ELF_DYNAMIC, /* asks for an interpreter: the library can load */
        HF_ELF_STATIC,  /* no interpreter: nothing can be preloaded */
        HF_ELF_BAD,     /* ELF magic, but damaged */
};

struct hf_elf {
        enum hf_elf_kind kind;
        bool is64;             /* ELFCLASS64 */
        uint16_t machine;      /* EM_* */
        bool go;               /* carries the note "Go" (reads its environment from the stack and
                                  makes its system calls itself) */
        struct hf_span interp; /* PT_INTERP's path inside the image, without its NUL */
};

/* IMAGE is the whole file, mapped or read; every offset in it is checked. */
void hf_elf_read(struct hf_span image, struct hf_elf *ret_elf);

/* Is there a note named NAME among the notes in BYTES (a PT_NOTE segment, native byte order)?
 * Used by the library on its own process's program headers. */
bool hf_elf_has_note(struct hf_span bytes, struct hf_span name);

/* "#!/path arg" → the interpreter's path; false when IMAGE is no script. */
bool hf_elf_shebang(struct hf_span image, struct hf_span *ret_interp);
