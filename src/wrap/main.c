/* SPDX-License-Identifier: MIT */
/* Started by hfwrap only:
 *
 *      hfproxy-launch -e PID [-u]
 *              prints what the shell PID does not hand on of its environment; -u: is
 *              HFPROXY_URL a proxy's, or a list of them?
 *      hfproxy-launch [-q] [-n] -l LIBRARY -- COMMAND [ARG…]
 *              -q no findings, -n no look at the proxy; the variable hfwrap_given holds what -e
 *              printed
 */
#include "wrap.h"
#include "core/url.h"

#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LIBRARY_NAME "/libhfproxy.so"

struct options {
        const char *library;
        long shell;
        bool url, quiet, no_check;
};

static int is_library(struct dl_phdr_info *info, size_t size, void *arg)
{
        const char *path = arg, *name = info->dlpi_name ? info->dlpi_name : "";
        size_t n = strlen(name), tail = sizeof(LIBRARY_NAME) - 1;

        (void)size;
        /* One that the caller had preloaded under another path serves as well. */
        return !strcmp(name, path) || (n >= tail && !strcmp(name + n - tail, LIBRARY_NAME));
}

/* Takes LIBRARY out of LD_PRELOAD; the rest stays in its order. */
static void remove_preload(const char *library)
{
        const char *list = getenv("LD_PRELOAD");
        size_t used = 0, n = strlen(library);
        char *kept;

        kept = list ? malloc(strlen(list) + 1) : NULL;
        if (!kept)
                return;
        while (*list != '\0') {
                size_t len = strcspn(list, ": ");

                if (len > 0 && (len != n || memcmp(list, library, n) != 0)) {
                        if (used > 0)
                                kept[used++] = ':';
                        memcpy(kept + used, list, len);
                        used += len;
                }
                list += len + (list[len] != '\0');
        }
        kept[used] = '\0';
        if (used > 0)
                setenv("LD_PRELOAD", kept, 1);
        else
                unsetenv("LD_PRELOAD");
        free(kept);
}

static void say_look(enum hf_look look, const char *program)
{
        static const char *const what[] = {
                [HF_LOOK_STATIC] = "is a static program",
                [HF_LOOK_GO] = "is a Go program",
                [HF_LOOK_SECURE] =
                        "runs with the rights of another user (setuid, setgid or capabilities)",
                [HF_LOOK_32BIT] = "is a 32-bit program",
                [HF_LOOK_MACHINE] = "is a program for another processor",
        };
        const char *only = getenv("HFPROXY_ONLY");

        if (look != HF_LOOK_FINE)
                hf_say("'%s' %s: it gets the proxy variables, but not the library%s", program,
                       what[look], only && *only ? ", and does not know HFPROXY_ONLY" : "");
}

static int launch(const struct options *options, char *const argv[])
{
        char path[PATH_MAX], program[PATH_MAX];
        enum hf_look look;
        int r;

        /* Without it not even the variables are right: no promise of ours would hold. */
        if (!dl_iterate_phdr(is_library, (void *)(uintptr_t)options->library)) {
                hf_say("cannot load the library '%s'", options->library);
                return HF_EXIT_OWN;
        }
        hf_given_back();
        r = hf_find(argv[0], path);
        if (r < 0) {
                hf_say("cannot run '%s': %s", hf_quotable(argv[0]), strerror(-r));
                return r == -ENOENT ? HF_EXIT_NOT_FOUND : HF_EXIT_CANNOT_RUN;
        }
        look = hf_look(path, program);
        if (look == HF_LOOK_32BIT || look == HF_LOOK_MACHINE)
                remove_preload(options->library);
        if (!options->quiet)
                say_look(look, program);
        if (!options->quiet && !options->no_check)
                hf_probe();
        return hf_start(path, argv);
}

static int prepare(const struct options *options)
{
        bool bad;

        /* The library leaves out what it cannot read of a list; here it is a mistake that can be
         * said at once. The text itself is not shown: it may hold a password. */
        if (options->url && (!hf_url_list_first(hf_span(getenv("HFPROXY_URL")), &bad).s || bad)) {
                hf_say("-p: not a proxy's URL; it looks like http://host:port or "
                       "socks5h://user:password@host:port");
                return HF_EXIT_OWN;
        }
        hf_given_print(options->shell);
        if (fflush(stdout) != 0) {
                hf_say("cannot write: %s", strerror(errno));
                return HF_EXIT_OWN;
        }
        return 0;
}

int main(int argc, char *argv[])
{
        struct options options = {NULL, 0, false, false, false};
        int c;

        opterr = 0;
        while ((c = getopt(argc, argv, "+e:ul:nq")) != -1) {
                switch (c) {
                case 'e':
                        options.shell = hf_parse_uint(hf_span(optarg), INT_MAX);
                        break;
                case 'u':
                        options.url = true;
                        break;
                case 'l':
                        options.library = optarg;
                        break;
                case 'n':
                        options.no_check = true;
                        break;
                case 'q':
                        options.quiet = true;
                        break;
                default:
                        options.shell = -1;
                        break;
                }
        }
        if (options.shell > 0 && optind == argc)
                return prepare(&options);
        if (options.shell == 0 && options.library && optind < argc)
                return launch(&options, argv + optind);
        hf_say("hfproxy-launch is a part of hfwrap and is not started by itself");
        return HF_EXIT_OWN;
}
