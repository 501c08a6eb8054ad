/* SPDX-License-Identifier: MIT */
/* starts system|popen|wordexp COMMAND, starts execl|spawn PROGRAM ARG…: by that function of libc.
 */
#define _GNU_SOURCE
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wordexp.h>

static int by_popen(const char *command)
{
        FILE *from = popen(command, "r");
        int c;

        while (from && (c = fgetc(from)) != EOF)
                putchar(c);
        return from ? pclose(from) : 1;
}

static int by_wordexp(const char *command)
{
        char text[4096];
        wordexp_t words;

        snprintf(text, sizeof text, "$(%s)", command);
        if (wordexp(text, &words, 0))
                return 1;
        for (size_t i = 0; i < words.we_wordc; i++)
                puts(words.we_wordv[i]);
        wordfree(&words);
        return 0;
}

/* With more arguments than travel in registers. */
static int by_execl(char **argv)
{
        char *a[10] = {NULL};

        for (int i = 0; i < 9 && argv[i]; i++)
                a[i] = argv[i];
        return execl(a[0], a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], (char *)NULL);
}

static int by_spawn(char **argv)
{
        int status = -1;
        pid_t pid;

        return posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) ||
               waitpid(pid, &status, 0) != pid || status;
}

int main(int argc, char *argv[])
{
        const char *how = argc < 3 ? "" : argv[1];

        return !strcmp(how, "system")    ? system(argv[2]) != 0
               : !strcmp(how, "popen")   ? by_popen(argv[2])
               : !strcmp(how, "wordexp") ? by_wordexp(argv[2])
               : !strcmp(how, "execl")   ? by_execl(argv + 2)
               : !strcmp(how, "spawn")   ? by_spawn(argv + 2)
                                         : 2;
}
