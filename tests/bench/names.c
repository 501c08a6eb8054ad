/* SPDX-License-Identifier: MIT */
/* names table|few|threads|lists|starts COUNT: what look-ups cost, preloaded or not, with a proxy or
 * not. A line a row:
 *
 *   name ROW MICROSECONDS
 *
 *   table     COUNT look-ups each: of one name that /etc/hosts has (which is all that libc alone
 * can do here), of one name, of names that are new, of one for which two hundred others have to be
 * passed over, of one that is in the full table, and of those for which there is no room any more
 *   few       the first three of them
 *   threads   COUNT look-ups of new names, by one thread and by sixteen
 *   lists     look-ups and connects with no_proxy of 5, of 8,000 and of 100,000 entries, and what
 * it takes to set that (names_lists.c) starts    COUNT programs that do nothing, with no_proxy of
 * 5, of 3,800 and of 8,000 entries */
#define _GNU_SOURCE
#include "names.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ROOM 65536 /* HF_NAMES_MAX */
#define IDS (1U << 20)
#define THREADS 16

int look_up(const char *node)
{
        const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
        struct addrinfo *list;

        if (getaddrinfo(node, "443", &hints, &list) != 0)
                return 0;
        freeaddrinfo(list);
        return 1;
}

void print_row(const char *row, double microseconds)
{
        printf("name %s %.2f\n", row, microseconds);
}

/* COUNT names that begin with NAME and a number, from FIRST on; how many have an answer. */
static unsigned look_up_new(const char *name, unsigned first, unsigned count)
{
        unsigned found = 0;

        for (unsigned i = 0; i < count; i++) {
                char node[64];

                snprintf(node, sizeof node, "%s%u.names.test", name, first + i);
                found += (unsigned)look_up(node);
        }
        return found;
}

/* (Who finds nothing, as libc alone, has no number.) */
static void row_of_one(const char *row, const char *node, unsigned count)
{
        int64_t begin = now_ns();
        unsigned found = 0;

        for (unsigned i = 0; i < count; i++)
                found += (unsigned)look_up(node);
        if (found == count)
                print_row(row, (double)(now_ns() - begin) / count / 1e3);
}

static void row_of_new(const char *row, const char *name, unsigned count, int may_fail)
{
        int64_t begin = now_ns();

        if (look_up_new(name, 1, count) == count || may_fail)
                print_row(row, (double)(now_ns() - begin) / count / 1e3);
}

/* The place that the library's table has for NODE (process/names.c). */
static uint32_t place_of(const char *node)
{
        uint64_t hash = 0xcbf29ce484222325u;

        for (; *node; node++)
                hash = (hash ^ (unsigned char)*node) * 0x100000001b3u;
        return (uint32_t)(hash ^ hash >> 20 ^ hash >> 40) % IDS;
}

/* Two hundred names and more want one of 128 places; the one that is asked for wants the last of
 * them, and came last. */
static void row_of_crowd(const char *row, unsigned count)
{
        char node[32];

        for (unsigned i = 0, n = 0; n < 330; i++) {
                snprintf(node, sizeof node, "c%u.crowd.test", i);
                if (place_of(node) / 128 == 4321) {
                        look_up(node);
                        n++;
                }
        }
        for (unsigned i = 0;; i++) {
                snprintf(node, sizeof node, "l%u.crowd.test", i);
                if (place_of(node) == 4321 * 128 + 127)
                        break;
        }
        row_of_one(row, node, count);
}

static void run_table(unsigned count, int all)
{
        row_of_one("in_hosts", "localhost", count);
        row_of_one("one", "one.names.test", count);
        row_of_new("new", "new", count, 0);
        if (!all)
                return;
        row_of_crowd("crowd", count);
        look_up_new("new", 1 + count, ROOM);
        row_of_one("known_full", "one.names.test", count);
        row_of_new("new_full", "full", count, 1);
}

/* ---- threads ---- */

struct worker {
        char name[16];
        unsigned count;
        pthread_t thread;
        pthread_barrier_t *start;
};

static void *work(void *arg)
{
        const struct worker *worker = arg;

        pthread_barrier_wait(worker->start);
        look_up_new(worker->name, 1, worker->count);
        return NULL;
}

static void row_of_threads(const char *row, unsigned threads, unsigned count)
{
        static struct worker workers[THREADS];
        pthread_barrier_t start;
        int64_t begin;

        pthread_barrier_init(&start, NULL, threads + 1);
        for (unsigned t = 0; t < threads; t++) {
                struct worker *worker = &workers[t];

                snprintf(worker->name, sizeof worker->name, "t%u-%u-", threads, t);
                worker->count = (count + threads - 1) / threads;
                worker->start = &start;
                errno = pthread_create(&worker->thread, NULL, work, worker);
                if (errno)
                        die("thread");
        }
        begin = now_ns();
        pthread_barrier_wait(&start);
        for (unsigned t = 0; t < threads; t++)
                pthread_join(workers[t].thread, NULL);
        print_row(row, (double)(now_ns() - begin) / (workers[0].count * threads) / 1e3);
        pthread_barrier_destroy(&start);
}

static void run_threads(unsigned count)
{
        look_up("warm-up.names.test");
        row_of_threads("threads1", 1, count);
        row_of_threads("threads16", THREADS, count);
}

int main(int argc, char **argv)
{
        unsigned count = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;

        if (argc == 2 && !strcmp(argv[1], "nothing")) /* what `starts` starts */
                return 0;
        errno = 0;
        if (count == 0 || count > ROOM / 4)
                die("usage: names table|few|threads|lists|starts COUNT");
        if (!strcmp(argv[1], "table"))
                run_table(count, 1);
        else if (!strcmp(argv[1], "few"))
                run_table(count, 0);
        else if (!strcmp(argv[1], "threads"))
                run_threads(count);
        else if (!strcmp(argv[1], "lists"))
                run_lists(count);
        else if (!strcmp(argv[1], "starts"))
                run_starts(count, argv[0]);
        else
                die(argv[1]);
        return 0;
}
