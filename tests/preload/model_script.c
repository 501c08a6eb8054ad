/* SPDX-License-Identifier: MIT */
/* Scripts. Each runs in a process of its own, so one that crashes or hangs has failed, like one
 * that the model disagrees with; and it leaves in shared memory what it did so far. */
#define _GNU_SOURCE
#include "model.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

const struct kind kinds[] = {
        {"open", op_open, 12, false, false, 8, 0, 1},
        {"connect", op_connect, 40, true, false, 10, 0, 0},
        {"connect_blocking", op_connect_blocking, 10, true, true, 9, 5, 0},
        {"again", op_again, 8, true, true, 0, 0, 0},
        {"so_error", op_so_error, 6, true, true, 0, 5, 0},
        {"peer", op_peer, 6, true, true, 0, 0, 0},
        {"dup", op_dup, 6, true, false, 6, HANDLES, 0},
        {"close", op_close, 6, true, false, 0, 0, 0},
        {"close_range", op_close_range, 2, true, false, 3, 0, 0},
        {"shutdown", op_shutdown, 3, true, false, 0, 0, 0},
        {"block", op_block, 3, true, true, 2, 5, 0},
        {"unblock", op_unblock, 8, true, false, 2, 0, 0},
        {"send", op_send, 12, true, true, 6, 255, 0},
        {"recv", op_recv, 16, true, true, 7, 255, 0},
        {"poll", op_poll, 12, false, false, 255, 255, 255},
        {"select", op_select, 8, false, false, 255, 255, 255},
        {"set", op_set, 8, false, false, 0, 0, 2},
        {"set_close", op_set_close, 1, false, false, 0, 0, SETS},
        {"add", op_add, 22, true, false, SETS, 255, 0},
        {"mod", op_mod, 8, true, false, SETS, 255, 0},
        {"del", op_del, 3, true, false, SETS, 0, 0},
        {"nest", op_nest, 2, false, false, 2, 0, 1},
        {"epoll", op_epoll, 36, false, false, 32, 8, SETS},
        {"fork", op_fork, 1, true, false, 7, 0, 0},
        {"release", op_release, 18, true, false, 0, 0, 0},
        {"reply", op_reply, 30, true, false, 10, 48, 0},
        {"say", op_say, 10, true, false, 0, 255, 0},
        {"fin", op_fin, 3, true, false, 0, 0, 0},
        {"gone", op_gone, 2, true, false, 2, 0, 0},
        {"reset", op_reset, 2, true, false, 2, 0, 0},
        {"read", op_read, 8, true, false, 0, 0, 0},
        {"expire", op_expire, 10, true, false, 0, 4, 0},
};
const size_t kind_count = HF_LEN(kinds);

static unsigned patience = 10; /* seconds for a script */

unsigned scripts_per_seed = 200;
bool with_timeouts;

/* What a script leaves behind. */
static struct left {
        struct op ops[OPS_MAX];
        _Atomic(unsigned) n, number, expired, abandoned;
        _Atomic(bool) waits_long;
        char why[1024];
} * left;

/* A handshake may be over by itself any moment now: nothing can be said of it. */
static bool is_late(void)
{
        for (unsigned i = 0; with_timeouts && i < SOCKS; i++)
                if (model.socks[i].handles && model.socks[i].phase == PENDING &&
                    now_ms() > model.socks[i].since + ALMOST_MS)
                        return true;
        return false;
}

/* Did the last operation take so long that a time ran out on its way? (What waits for that is no
 * such one.) */
static bool was_too_slow(void)
{
        return is_late() && left->n > 0 && kinds[left->ops[left->n - 1].code].run != op_expire;
}

void model_abandon(void)
{
        left->abandoned++;
        _exit(0);
}

void model_fail(const char *format, ...)
{
        va_list ap;

        if (was_too_slow())
                model_abandon();
        va_start(ap, format);
        vsnprintf(left->why, sizeof left->why, format, ap);
        va_end(ap);
        _exit(1);
}

void note_expired(void)
{
        left->expired++;
}

/* ---- one script ---- */

static bool run_op(const struct op *op)
{
        const struct kind *kind = &kinds[op->code % kind_count];

        if (kind->handle && !sock_at(op->a))
                return false;
        if (!kind->run(op))
                return false;
        far_settle();
        model_update();
        if (kind->looks)
                model_look(sock_at(op->a));
        return true;
}

static uint8_t any_handle(uint64_t *seed)
{
        for (int tries = 0; tries < 30; tries++) {
                uint32_t handle = random_below(seed, HANDLES);

                if (sock_at(handle))
                        return (uint8_t)handle;
        }
        return 0;
}

static struct op any_op(uint64_t *seed)
{
        unsigned all = 0;
        struct op op = {0};
        const struct kind *kind;
        uint32_t at;

        for (size_t i = 0; i < kind_count; i++)
                all += kinds[i].weight;
        at = random_below(seed, all);
        while (at >= kinds[op.code].weight)
                at -= kinds[op.code++].weight;
        kind = &kinds[op.code];
        op.a = kind->handle ? any_handle(seed)
                            : (uint8_t)random_below(seed, kind->more ? kind->more : 255);
        op.b = kind->b ? (uint8_t)random_below(seed, kind->b) : 0;
        op.c = kind->c ? (uint8_t)random_below(seed, kind->c) : 0;
        return op;
}

/* OPS, N of them; or, with a SEED, made up on the way. */
static void run_script(const struct op *ops, unsigned n, uint64_t *seed)
{
        unsigned most = seed ? 10 + random_below(seed, OPS_MAX - 20) : n;

        alarm(patience);
        left->n = 0;
        far_reset();
        for (unsigned i = 0, tries = 0; i < most && tries < 4000 && !model.over; tries++) {
                struct op op = seed ? any_op(seed) : ops[i];

                if (is_late()) {
                        left->abandoned++;
                        model.over = true;
                        break;
                }
                left->ops[left->n] = op; /* in case it does not come back */
                left->n++;
                if (!run_op(&op) && seed) {
                        left->n--;
                        continue;
                }
                i++;
        }
        model_finish();
        if (model.forks)
                _exit(0);
}

/* ---- in processes ---- */

/* 0: well; otherwise left->why says more. */
static int in_process(void (*run)(const void *), const void *arg)
{
        int status;
        pid_t child;

        left->why[0] = '\0';
        fflush(stdout);
        child = fork();
        if (child == 0) {
                static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

                for (size_t i = 0; i < HF_LEN(signals); i++) /* cmocka's would go on here */
                        signal(signals[i], SIG_DFL);
                run(arg);
                _exit(0);
        }
        while (waitpid(child, &status, 0) < 0)
                ;
        if (WIFSIGNALED(status) && !left->why[0])
                snprintf(left->why, sizeof left->why, "%s in the last operation",
                         WTERMSIG(status) == SIGALRM ? "it hangs" : strsignal(WTERMSIG(status)));
        else if (status && !left->why[0])
                snprintf(left->why, sizeof left->why, "it exits with %d", WEXITSTATUS(status));
        return status;
}

/* Scripts FROM to TO of a seed. */
struct range {
        uint64_t first;
        unsigned from, to;
};

static void run_range(const void *arg)
{
        const struct range *range = arg;

        for (unsigned i = range->from; i <= range->to; i++) {
                uint64_t seed = (range->first * 1000003 + i + 1) * UINT64_C(0x9e3779b97f4a7c15);

                left->number = i;
                run_script(NULL, 0, &seed);
        }
}

struct list {
        unsigned n;
        struct op ops[OPS_MAX];
};

static void run_one(const void *arg)
{
        const struct list *script = arg;

        run_script(script->ops, script->n, NULL);
}

/* Takes away what is not needed to fail: halves, quarters, …, single operations. */
static void shrink(struct list *script)
{
        int64_t until = now_ms() + 30000;
        unsigned size = script->n / 2 + 1;

        while (size > 0 && now_ms() < until) {
                bool any = false;

                for (unsigned at = 0; at < script->n && now_ms() < until;) {
                        struct list less = *script;
                        unsigned n = size < less.n - at ? size : less.n - at;

                        memmove(less.ops + at, less.ops + at + n,
                                (less.n - at - n) * sizeof *less.ops);
                        less.n -= n;
                        if (in_process(run_one, &less)) {
                                *script = less;
                                any = true;
                        } else {
                                at += n;
                        }
                }
                size = size > 1 ? size / 2 : any ? 1 : 0;
        }
}

static void write_down(const struct list *script, char *text, size_t size)
{
        size_t at = 0;

        text[0] = '\0';
        for (unsigned i = 0; i < script->n && at + 40 < size; i++) {
                const struct op *op = &script->ops[i];

                at += (size_t)snprintf(text + at, size - at, "%s:%d,%d,%d ",
                                       kinds[op->code % kind_count].name, op->a, op->b, op->c);
        }
}

/* False: it is none. */
static bool read_list(const char *text, struct list *ret)
{
        char name[32];
        unsigned a, b, c;
        int n;

        for (ret->n = 0; ret->n < OPS_MAX; text += n) {
                uint8_t code = 0;

                if (sscanf(text, " %31[^:]:%u,%u,%u %n", name, &a, &b, &c, &n) != 4)
                        return !text[strspn(text, " \n")];
                while (code < kind_count && strcmp(kinds[code].name, name) != 0)
                        code++;
                if (code == kind_count)
                        return false;
                ret->ops[ret->n++] = (struct op){code, (uint8_t)a, (uint8_t)b, (uint8_t)c};
        }
        return true;
}

/* ---- tests ---- */

/* (Where threads play a part, perhaps not the first time.) */
static bool fails_again(const struct list *script)
{
        for (int i = 0; i < 5; i++)
                if (in_process(run_one, script))
                        return true;
        return false;
}

/* It fails only after others: how many of them does it take? */
static unsigned history_of(struct range range)
{
        unsigned last = range.to, n = 1;

        for (; n < last; n *= 2) {
                range.from = last - n;
                if (in_process(run_range, &range))
                        return n;
        }
        return last;
}

static void has_failed(const struct list *script, const struct range *range)
{
        static char text[8192], why[1024];
        struct list less = *script;
        unsigned whole = less.n;
        char what[96];

        snprintf(what, sizeof what, "seed %u, script %u", (unsigned)range->first, range->to);
        strcpy(why, left->why);
        if (fails_again(&less)) {
                patience = 3;
                shrink(&less);
                patience = 10;
                in_process(run_one, &less);
                strcpy(why, left->why);
        } else {
                snprintf(what, sizeof what, "seed %u, script %u after %u others",
                         (unsigned)range->first, range->to, history_of(*range));
        }
        write_down(&less, text, sizeof text);
        /* (Longer than cmocka's messages may be.) */
        fprintf(stderr, "# HFPROXY_MODEL_SCRIPT='%s'\n", text);
        fail_msg("%s: %s\n# %u operations of %u", what, why, less.n, whole);
}

static void need_memory(void)
{
        if (!left)
                left = mmap(NULL, sizeof *left, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                            -1, 0);
        assert_true(left != MAP_FAILED);
}

void run_seed(void **state)
{
        static bool failed;
        struct range range = {(uint64_t)(uintptr_t)*state, 0, scripts_per_seed - 1};
        static struct list script;

        if (failed && getenv("HFPROXY_MODEL_FAST"))
                skip();
        need_memory();
        left->expired = left->abandoned = 0;
        if (in_process(run_range, &range) == 0) {
                if (with_timeouts)
                        print_message("# %u handshakes expired, %u scripts were too slow\n",
                                      (unsigned)left->expired, (unsigned)left->abandoned);
                return;
        }
        failed = true;
        script.n = left->n;
        memcpy(script.ops, left->ops, sizeof script.ops);
        range.to = left->number;
        has_failed(&script, &range);
}

void run_text(void **state)
{
        static struct list script;

        (void)state;
        need_memory();
        assert_true(read_list(getenv("HFPROXY_MODEL_SCRIPT"), &script));
        if (in_process(run_one, &script) != 0)
                fail_msg("%s (in operation %u)", left->why, (unsigned)left->n);
}
