/* SPDX-License-Identifier: MIT */
#include "log.h"

#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/stat.h>

#define LINE_MAX_BYTES 700 /* on the stack, as small as handlers' stacks are */

static struct {
        char path[4096]; /* empty: no log; "-": descriptor 2 */
        uint64_t stderr_dev, stderr_ino;
        char program[64];
} target;
static _Atomic(int) threshold = -1; /* lines above this level are not written */
static _Atomic(uint64_t) said;      /* bit k: hf_log_once(k) has been */

static bool identify(int fd, uint64_t *ret_dev, uint64_t *ret_ino)
{
        struct stat st;

        if (hf_sys_fstat(fd, &st) < 0)
                return false;
        *ret_dev = st.st_dev;
        *ret_ino = st.st_ino;
        return true;
}

static void read_program_name(void)
{
        int fd = hf_sys_open("/proc/self/comm", O_RDONLY | O_CLOEXEC, 0);
        long n = fd < 0 ? 0 : hf_sys_read(fd, target.program, sizeof target.program - 1);

        if (fd >= 0)
                hf_sys_close(fd);
        if (n > 0 && target.program[n - 1] == '\n')
                n--;
        target.program[n > 0 ? n : 0] = '\0';
}

void hf_log_init(struct hf_span path, enum hf_level level)
{
        if (path.n == 0 || path.n >= sizeof target.path)
                return;
        memcpy(target.path, path.s, path.n);
        target.path[path.n] = '\0';
        if (!strcmp(target.path, "-") && !identify(2, &target.stderr_dev, &target.stderr_ino))
                return;
        read_program_name();
        atomic_store_explicit(&threshold, (int)level, memory_order_release);
}

bool hf_log_on(enum hf_level level)
{
        return (int)level <= atomic_load_explicit(&threshold, memory_order_acquire);
}

static void write_line(const char *line, size_t n)
{
        uint64_t dev = 0, ino = 0;

        if (!strcmp(target.path, "-")) {
                /* A program that closed its stderr may have a socket there by now. */
                if (identify(2, &dev, &ino) && dev == target.stderr_dev && ino == target.stderr_ino)
                        hf_sys_write(2, line, n);
                return;
        }

        int fd = hf_sys_open(target.path,
                             O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                             0600);
        if (fd < 0)
                return;
        hf_sys_write(fd, line, n);
        hf_sys_close(fd);
}

/* Whatever a host name, a proxy's reply or a setting may hold: it cannot forge a second line, nor
 * talk to the terminal. */
static void put_printable(struct hf_out *out, struct hf_span text)
{
        for (size_t i = 0; i < text.n; i++) {
                char c = text.s[i];

                if (c < ' ' || c > '~')
                        c = '?';
                hf_out_char(out, c);
        }
}

static void put_int(struct hf_out *out, int value)
{
        if (value < 0)
                hf_out_char(out, '-');
        hf_out_uint(out, value < 0 ? 0ul - (unsigned long)value : (unsigned long)value);
}

static void vlog(const char *format, va_list args)
{
        char line[LINE_MAX_BYTES + 1];
        struct hf_out out = hf_out_write(line, LINE_MAX_BYTES);

        hf_out_put(&out, HF_SPAN("hfproxy: "));
        hf_out_put(&out, hf_span(target.program));
        hf_out_char(&out, '[');
        hf_out_uint(&out, (unsigned long)hf_sys_getpid());
        hf_out_put(&out, HF_SPAN("]: "));
        for (const char *f = format; *f; f++) {
                if (*f != '%' || f[1] == '\0') {
                        hf_out_char(&out, *f);
                        continue;
                }
                f++;
                if (*f == 's')
                        put_printable(&out, hf_span(va_arg(args, const char *)));
                else if (*f == 'S')
                        put_printable(&out, *va_arg(args, const struct hf_span *));
                else if (*f == 'd')
                        put_int(&out, va_arg(args, int));
                else if (*f == 'u')
                        hf_out_uint(&out, va_arg(args, unsigned long));
                else
                        hf_out_char(&out, *f);
        }

        size_t n = out.len < LINE_MAX_BYTES ? out.len : LINE_MAX_BYTES;
        line[n] = '\n';
        write_line(line, n + 1);
}

void hf_log(enum hf_level level, const char *format, ...)
{
        va_list args;

        if (!hf_log_on(level))
                return;
        va_start(args, format);
        vlog(format, args);
        va_end(args);
}

void hf_log_once(unsigned key, enum hf_level level, const char *format, ...)
{
        uint64_t bit = UINT64_C(1) << (key & 63);
        va_list args;

        if (!hf_log_on(level) || (atomic_fetch_or(&said, bit) & bit))
                return;
        va_start(args, format);
        vlog(format, args);
        va_end(args);
}
