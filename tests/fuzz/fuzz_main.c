/* SPDX-License-Identifier: MIT */
/* Where there is no libFuzzer: runs a target once over each file of the directory named on the
 * command line, and once over every beginning of it. */
#include "fuzz.h"

#include <dirent.h>

static size_t read_file(const char *dir, const char *name, uint8_t **ret_data)
{
        const size_t max = 1024 * 1024;
        char path[4096];
        uint8_t *data = malloc(max);
        FILE *file;
        size_t n;

        FUZZ_CHECK(data);
        FUZZ_CHECK((size_t)snprintf(path, sizeof path, "%s/%s", dir, name) < sizeof path);
        file = fopen(path, "rb");
        FUZZ_CHECK(file);
        n = fread(data, 1, max, file);
        FUZZ_CHECK(!ferror(file) && fclose(file) == 0);
        *ret_data = data;
        return n;
}

static void run(const uint8_t *data, size_t size)
{
        uint8_t *copy = malloc(size ? size : 1);

        FUZZ_CHECK(copy);
        if (size > 0)
                memcpy(copy, data, size);
        LLVMFuzzerTestOneInput(copy, size);
        free(copy);
}

int main(int argc, char **argv)
{
        struct dirent *entry;
        unsigned files = 0;
        DIR *dir;

        if (argc != 2) {
                fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
                return 2;
        }
        dir = opendir(argv[1]);
        FUZZ_CHECK(dir);
        while ((entry = readdir(dir))) {
                uint8_t *data;
                size_t size, step;

                if (entry->d_name[0] == '.')
                        continue;
                size = read_file(argv[1], entry->d_name, &data);
                step = size / 1000 + 1;
                for (size_t n = 0; n < size; n += step)
                        run(data, n);
                run(data, size);
                free(data);
                files++;
        }
        FUZZ_CHECK(closedir(dir) == 0 && files > 0);
        printf("%u files\n", files);
        return 0;
}
