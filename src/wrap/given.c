/* SPDX-License-Identifier: MIT */
/* A shell is not a clean pipe for the environment: dash and busybox drop every entry whose name is
 * no shell identifier (bash's exported functions, BASH_FUNC_module%%; names with dots or
 * dashes), all shells set some variables of their own, and hfwrap's variables reach COMMAND changed
 * if the caller exported one of the same name. COMMAND must see what the caller exported, so hfwrap
 * has these entries read from the kernel's copy of what it was started with (/proc/PID/environ),
 * and brought here by a variable.
 *
 * One line an entry: NAME=VALUE, or NAME alone for one of the shell's own that the caller did not
 * have. Bytes that a shell might trip over are %XX. Linux takes 128 KiB a string; entries that do
 * not fit are left to the shell. */
#include "wrap.h"

#include <stdio.h>
#include <stdlib.h>

#define GIVEN_MAX ((size_t)120 * 1024)

static const char *const shells_own[] = {
        "IFS",   "OPTIND", "OPTERR", "LINENO", "PPID",   "PWD", "OLDPWD",
        "SHLVL", "PS1",    "PS2",    "PS4",    "RANDOM", "_",
};

static bool is_identifier(struct hf_span name)
{
        for (size_t i = 0; i < name.n; i++) {
                char c = hf_lower(name.s[i]);

                if (c != '_' && !(c >= 'a' && c <= 'z') && !(i > 0 && hf_is_digit(c)))
                        return false;
        }
        return name.n > 0;
}

static bool is_ours(struct hf_span name)
{
        struct hf_span prefix = HF_SPAN("hfwrap_");

        return name.n >= prefix.n && !memcmp(name.s, prefix.s, prefix.n);
}

/* The index of NAME among the shell's own, or HF_LEN(shells_own). */
static size_t own_index(struct hf_span name)
{
        size_t i = 0;

        while (i < HF_LEN(shells_own) && !hf_span_eq(name, hf_span(shells_own[i])))
                i++;
        return i;
}

static bool is_plain(char c)
{
        return c > ' ' && c < 0x7f && c != '%';
}

static void print_entry(struct hf_span entry, size_t *used)
{
        size_t n = 1;

        for (size_t i = 0; i < entry.n; i++)
                n += is_plain(entry.s[i]) ? 1 : 3;
        if (n > GIVEN_MAX - *used)
                return;
        *used += n;
        for (size_t i = 0; i < entry.n; i++)
                if (is_plain(entry.s[i]))
                        (void)putchar(entry.s[i]);
                else
                        (void)printf("%%%02x", (unsigned char)entry.s[i]);
        (void)putchar('\n');
}

void hf_given_print(long pid)
{
        bool had[HF_LEN(shells_own)] = {false};
        size_t used = 0, room = 0;
        char path[64], *entry = NULL;
        FILE *f;

        (void)snprintf(path, sizeof(path), "/proc/%ld/environ", pid);
        f = fopen(path, "re");
        if (!f) /* no /proc: nothing to be done about it */
                return;
        while (getdelim(&entry, &room, '\0', f) > 0) {
                const char *equals = strchr(entry, '=');
                struct hf_span name = {entry, equals ? (size_t)(equals - entry) : 0};
                size_t own = own_index(name);

                if (own < HF_LEN(shells_own))
                        had[own] = true;
                else if (name.n == 0 || (is_identifier(name) && !is_ours(name)))
                        continue;
                print_entry(hf_span(entry), &used);
        }
        for (size_t i = 0; i < HF_LEN(shells_own); i++)
                if (!had[i])
                        print_entry(hf_span(shells_own[i]), &used);
        free(entry);
        (void)fclose(f);
}

/* The next line of *REST, decoded in place and NUL-terminated; NULL at the end. */
static char *next_entry(char **rest)
{
        char *line = *rest, *to = line, *from = line;

        if (*from == '\0')
                return NULL;
        for (; *from != '\0' && *from != '\n'; from++) {
                if (from[0] == '%' && hf_hexval(from[1]) >= 0 && hf_hexval(from[2]) >= 0) {
                        *to++ = (char)(hf_hexval(from[1]) << 4 | hf_hexval(from[2]));
                        from += 2;
                } else {
                        *to++ = *from;
                }
        }
        *rest = *from == '\n' ? from + 1 : from;
        *to = '\0';
        return line;
}

void hf_given_back(void)
{
        const char *given = getenv("hfwrap_given");
        char *copy = given ? strdup(given) : NULL, *rest = copy, *entry;

        /* First: the caller may have one of that name. */
        unsetenv("hfwrap_given");

        while (copy && (entry = next_entry(&rest))) {
                char *equals = strchr(entry, '=');

                if (!equals) {
                        unsetenv(entry);
                        continue;
                }
                *equals = '\0';
                setenv(entry, equals + 1, 1);
        }
        free(copy);
}
