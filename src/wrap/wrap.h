/* SPDX-License-Identifier: MIT */
/* hfproxy-launch: the last step of hfwrap. It is dynamically linked and preloaded itself, so what
 * our constructor did to its environment reaches every kind of COMMAND through execve(2), also
 * those that no library can be loaded into. In order: what the shell took from the environment is
 * given back (given.c), COMMAND is found (find.c) and looked at (look.c), the proxy is looked at
 * (probe.c), COMMAND is started in this very process (start.c). */
#pragma once

#include "core/util.h"

enum { /* exit statuses */
       HF_EXIT_OWN = 125,
       HF_EXIT_CANNOT_RUN = 126,
       HF_EXIT_NOT_FOUND = 127,
};

/* One line on stderr, "hfwrap: " and the rest as printf(3) has it; control characters become '?',
 * so whatever a COMMAND is called it stays one line. */
__attribute__((format(printf, 1, 2))) void hf_say(const char *format, ...);

/* Prints, for hfwrap to hand on in the variable hfwrap_given, what a shell does not leave alone in
 * the environment of process PID: see given.c. */
void hf_given_print(long pid);

/* Puts what hfwrap_given holds into this process's environment, and takes that variable out. */
void hf_given_back(void);

/* What may be quoted of a command's name, which may be a proxy's URL whose -p was forgotten: see
 * hf_url_quotable(). */
const char *hf_quotable(const char *command);

/* The file that execvp(3) would run for COMMAND, in RET_PATH (PATH_MAX bytes): 0, -ENOENT, -EISDIR,
 * -EACCES, -ENAMETOOLONG or what else stat(2) says. */
int hf_find(const char *command, char *ret_path);

enum hf_look {
        HF_LOOK_FINE,    /* the library loads into it, or nothing is known to speak against it */
        HF_LOOK_STATIC,  /* nothing can be preloaded into it */
        HF_LOOK_GO,      /* makes its system calls itself */
        HF_LOOK_SECURE,  /* setuid, setgid or with file capabilities: ld.so preloads nothing */
        HF_LOOK_32BIT,   /* ld.so would print an error about the library */
        HF_LOOK_MACHINE, /* for another processor: likewise */
};

/* What kind of program runs when the file PATH is started with ARGV: a script is followed to its
 * interpreter, "#!/usr/bin/env NAME" to NAME. RET_PATH (PATH_MAX bytes) is the program's file. */
enum hf_look hf_look(const char *path, char *ret_path);

/* Says in one line if a proxy that the environment names does not answer. One second at most. */
void hf_probe(void);

/* Becomes COMMAND: PATH is its file. Returns the exit status when it cannot, having said why. */
int hf_start(const char *path, char *const argv[]);
