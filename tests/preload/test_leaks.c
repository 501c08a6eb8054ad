/* SPDX-License-Identifier: MIT */
/* What ten thousand connects of every outcome leave behind: nothing. */
#define _GNU_SOURCE
#include "outcomes.h"

#include <dirent.h>
#include <malloc.h>

struct inventory {
        int fds, threads, mappings;
        long pages; /* resident */
        size_t heap;
};

static int entries(const char *path)
{
        DIR *dir = opendir(path);
        int n = 0;

        assert_non_null(dir);
        while (readdir(dir))
                n++;
        closedir(dir);
        return n;
}

static int lines(const char *path)
{
        FILE *file = fopen(path, "re");
        int n = 0, c;

        assert_non_null(file);
        while ((c = fgetc(file)) != EOF)
                n += c == '\n';
        fclose(file);
        return n;
}

static struct inventory take_inventory(void)
{
        struct inventory now = {.fds = entries("/proc/self/fd"),
                                .threads = entries("/proc/self/task")};
        FILE *file = fopen("/proc/self/statm", "re");

        assert_non_null(file);
        assert_int_equal(fscanf(file, "%*d %ld", &now.pages), 1);
        fclose(file);
        now.mappings = lines("/proc/self/maps");
        now.heap = mallinfo2().uordblks;
        return now;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

static void nothing_is_left(void **state)
{
        struct inventory before, after;

        (void)state;
        connect_many(2000);
        before = take_inventory();
        connect_many(10000);
        after = take_inventory();
        assert_int_equal(after.fds, before.fds);
        assert_int_equal(after.threads, before.threads);
        if (SANITIZED) /* they keep books of their own */
                return;
        assert_int_equal(after.mappings, before.mappings);
        assert_int_equal(after.heap, before.heap);
        /* Of the table some more may have been touched, but no more than all. */
        if ((after.pages - before.pages) * getpagesize() > 16 << 20)
                fail_msg("%ld pages more", after.pages - before.pages);
}

int main(int argc, char **argv)
{
        static struct table t;

        outcomes_enter(argc, argv);
        table_add(&t, "nothing_is_left", nothing_is_left, NULL);
        return table_run("leaks", &t);
}
