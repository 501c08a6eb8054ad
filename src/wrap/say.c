/* SPDX-License-Identifier: MIT */
#include "wrap.h"
#include "core/url.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

const char *hf_quotable(const char *command)
{
        return hf_url_quotable(hf_span(command)).s;
}

void hf_say(const char *format, ...)
{
        static const char prefix[] = "hfwrap: ";
        char line[1024];
        size_t n = sizeof(prefix) - 1, room = sizeof(line) - n - 1;
        va_list args;
        int r;

        memcpy(line, prefix, n);
        va_start(args, format);
        r = vsnprintf(line + n, room, format, args);
        va_end(args);
        if (r < 0)
                return;
        n += (size_t)r < room ? (size_t)r : room - 1;
        for (size_t i = 0; i < n; i++)
                if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
                        line[i] = '?';
        line[n++] = '\n';
        /* One write, so that lines of several processes do not mix; nobody to tell if it fails. */
        if (write(STDERR_FILENO, line, n) < 0)
                return;
}
