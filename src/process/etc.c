/* SPDX-License-Identifier: MIT */
#include "etc.h"

#include "sys.h"

#include <fcntl.h>
#include <sys/stat.h>

/* Copied, not mapped: a mapped file that is cut short meanwhile kills its reader. */
void hf_file_read(const char *path, struct hf_file *ret_file)
{
        int fd = hf_sys_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
        struct stat st;
        size_t size, have = 0;
        char *p;

        *ret_file = (struct hf_file){.text = {"", 0}};
        if (fd < 0)
                return;
        if (hf_sys_fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0)
                goto out;
        size = st.st_size < HF_FILE_MAX ? (size_t)st.st_size : HF_FILE_MAX;
        p = hf_sys_map(size);
        if (!p)
                goto out;
        while (have < size) {
                long n = hf_sys_read(fd, p + have, size - have);

                if (n <= 0)
                        break;
                have += (size_t)n;
        }
        ret_file->text = (struct hf_span){p, have};
        ret_file->mapped = size;
out:
        hf_sys_close(fd);
}

void hf_file_free(struct hf_file *file)
{
        if (file->mapped)
                hf_sys_unmap((void *)(uintptr_t)file->text.s, file->mapped);
}
