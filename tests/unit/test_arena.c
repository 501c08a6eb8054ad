/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "core/arena.h"

#include <pthread.h>

static void put_text(struct hf_out *out, const void *text)
{
        hf_out_put(out, hf_span(text));
}

static struct hf_arena make(size_t size)
{
        return (struct hf_arena){.base = test_calloc(1, size), .size = size};
}

static void gives_one_text_one_place(void **state)
{
        struct hf_arena arena = make(1024);
        const char *a = hf_arena_intern(&arena, put_text, "one");
        const char *b = hf_arena_intern(&arena, put_text, "two");
        size_t used = arena.used;

        (void)state;
        assert_string_equal(a, "one");
        assert_string_equal(b, "two");
        assert_ptr_equal(hf_arena_intern(&arena, put_text, "one"), a);
        assert_ptr_equal(hf_arena_intern(&arena, put_text, "two"), b);
        assert_int_equal(arena.used, used);
        test_free(arena.base);
}

static void keeps_an_empty_text(void **state)
{
        struct hf_arena arena = make(64);

        (void)state;
        assert_string_equal(hf_arena_intern(&arena, put_text, ""), "");
        test_free(arena.base);
}

static void says_when_it_is_full(void **state)
{
        struct hf_arena arena = make(256);
        char text[8] = "a";
        unsigned kept = 0;

        (void)state;
        while (hf_arena_intern(&arena, put_text, text)) {
                kept++;
                text[0]++;
                assert_true(kept < 100);
        }
        assert_true(kept > 0);
        /* What is there is found all the same, and it never writes past its end (ASan, valgrind).
         */
        assert_non_null(hf_arena_intern(&arena, put_text, "a"));
        test_free(arena.base);
}

static void refuses_what_never_fits(void **state)
{
        struct hf_arena arena = make(64);
        struct hf_arena none = {0};
        char text[100];

        (void)state;
        memset(text, 'x', sizeof text);
        text[sizeof text - 1] = '\0';
        assert_null(hf_arena_intern(&arena, put_text, text));
        assert_non_null(hf_arena_intern(&arena, put_text, "short"));
        assert_null(hf_arena_intern(&none, put_text, ""));
        test_free(arena.base);
}

#define THREADS 8
#define TEXTS 100

static void *intern_many(void *arg)
{
        struct hf_arena *arena = arg;
        char text[32];

        for (int round = 0; round < 50; round++)
                for (int i = 0; i < TEXTS; i++) {
                        snprintf(text, sizeof text, "text %d", i);
                        const char *got = hf_arena_intern(arena, put_text, text);
                        if (!got || strcmp(got, text) != 0)
                                return arg; /* anything but NULL */
                }
        return NULL;
}

static void serves_threads_without_growing(void **state)
{
        struct hf_arena arena = make(256 * 1024);
        pthread_t threads[THREADS];
        void *result;

        (void)state;
        for (int i = 0; i < THREADS; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, intern_many, &arena), 0);
        for (int i = 0; i < THREADS; i++) {
                assert_int_equal(pthread_join(threads[i], &result), 0);
                assert_null(result);
        }
        /* At worst every thread stored every text once. */
        assert_true(arena.used <= (size_t)THREADS * TEXTS * 40);
        test_free(arena.base);
}

int main(void)
{
        struct table t = {0};

        table_add(&t, "gives_one_text_one_place", gives_one_text_one_place, NULL);
        table_add(&t, "keeps_an_empty_text", keeps_an_empty_text, NULL);
        table_add(&t, "says_when_it_is_full", says_when_it_is_full, NULL);
        table_add(&t, "refuses_what_never_fits", refuses_what_never_fits, NULL);
        table_add(&t, "serves_threads_without_growing", serves_threads_without_growing, NULL);
        return table_run("arena", &t);
}
