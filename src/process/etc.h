/* SPDX-License-Identifier: MIT */
/* Files of /etc that decide about names, read anew for each look-up, as libc does. */
#pragma once

#include "core/util.h"

struct hf_file {
        struct hf_span text; /* at most HF_FILE_MAX bytes; empty if it cannot be read */
        size_t mapped;
};

#define HF_FILE_MAX (4U << 20)

void hf_file_read(const char *path, struct hf_file *ret_file);
void hf_file_free(struct hf_file *file);
