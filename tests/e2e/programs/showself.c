/* SPDX-License-Identifier: MIT */
/* showself [--signal N] ARG…: its process id and then argv[0] and every ARG, each ended by a NUL;
 * with
 * --signal it then dies by signal N. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
        printf("%ld%c", (long)getpid(), 0);
        for (int i = 0; i < argc; i++)
                printf("%s%c", argv[i], 0);
        fflush(stdout);
        if (argc > 2 && !strcmp(argv[1], "--signal"))
                return raise((int)strtol(argv[2], NULL, 10));
        return 0;
}
