/* SPDX-License-Identifier: MIT */
/* Random scripts of calls against a model of what TCP sockets show: see model.h.
 *
 *      HFPROXY_MODEL_SEED=7          from that seed on instead of the usual ones
 *      HFPROXY_MODEL_SCRIPTS=1000    so many for each seed
 *      HFPROXY_MODEL_SCRIPT='…'      this one alone, as a failure prints it
 *
 *      HFPROXY_MODEL_FAST=1          it ends with the first failure
 *
 * With the word `timeout`: handshakes of which the time runs out. */
#define _GNU_SOURCE
#include "model.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

enum { SEEDS = 8 };

static unsigned number_of(const char *name, unsigned otherwise)
{
        const char *text = getenv(name);

        return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static bool probe_works(void)
{
        struct sock *s = &model.socks[0];
        struct sockaddr_in sa;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        bool works = probe() == 1;

        s->way = (uint8_t)far_way(TO_TUN);
        far_address(&sa, s);
        works &= connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0 && errno == EINPROGRESS;
        works &= tunnelled() ? probe() > 1 : probe() == 1;
        close(fd);
        return works && probe() == 1;
}

/* Without this a leak would go unseen. (In a process of its own, or one would be left for all
 * scripts.) */
static void probe_tells_pending(void **state)
{
        int status = -1;
        pid_t child = fork();

        (void)state;
        if (child == 0)
                _exit(probe_works() ? 0 : 1);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
}

/* Scripts that once failed. */
#define FIVE(script) script script script script script
static const struct row {
        const char *name, *script;
} found[] = {
        {"duplicated_before_connect", "open:0,4,0 dup:0,5,6 connect:0,1,0 again:1,0,0 peer:1,0,0"},
        {"two_descriptors_in_one_set", "set:1,0,0 open:0,1,0 connect:0,6,0 dup:0,5,1 add:0,0,0 "
                                       "add:1,0,4 release:0,0,0 peer:0,0,0 "
                                       "reply:0,0,40 epoll:0,0,0 epoll:0,0,0"},
        {"set_with_the_number_of_a_duplicate",
         "open:0,5,0 open:0,4,0 dup:1,1,5 open:0,0,0 close_range:2,0,0 set:1,0,0 add:3,0,132 "
         "connect:3,2,0 reply:3,7,30 epoll:0,0,0"},
        {"socket_with_the_number_of_an_exclusive_one",
         "set:1,0,0 open:0,6,0 add:0,0,189 close:0,0,0 open:0,3,0 connect:0,8,0"},
        {"many_sets_one_after_the_other",
         "open:0,0,0 " FIVE(
                 "set:1,0,0 add:0,0,0 set_close:0,0,0 ") "set:1,0,0 add:0,0,0 connect:0,0,0 "
                                                         "epoll:0,0,0 reply:0,0,40 epoll:0,0,0"},
        {"many_sets_and_sockets", FIVE("open:0,0,0 set:1,0,0 add:0,0,0 set_close:0,0,0 "
                                       "close:0,0,0 ") "open:0,0,0 set:1,0,0 "
                                                       "add:0,0,0 connect:0,0,0 epoll:0,0,0 "
                                                       "reply:0,0,40 epoll:0,0,0"},
        {"closed_by_a_forked_child",
         "open:0,4,0 dup:0,2,0 open:0,3,0 set:0,0,0 connect:0,5,0 add:0,0,92 release:0,0,0 "
         "recv:0,1,129 fork:0,1,0 epoll:0,0,0"},
};

static void run_found(void **state)
{
        const struct row *row = *state;

        setenv("HFPROXY_MODEL_SCRIPT", row->script, 1);
        run_text(state);
        unsetenv("HFPROXY_MODEL_SCRIPT");
}

int main(int argc, char **argv)
{
        static struct table t;
        static char names[64][32];
        unsigned first = number_of("HFPROXY_MODEL_SEED", 1);

        with_timeouts = argc > 1 && !strcmp(argv[1], "timeout");
        setenv("HFPROXY_TIMEOUT", with_timeouts ? "0.3" : "60", 1);
        signal(SIGPIPE, SIG_IGN);
        world_enter(argc, argv, NULL);
        while (open("/dev/null", O_RDWR) < 3) /* whatever was closed when we came */
                ;
        far_start();
        far_reset();
        probe_start();
        scripts_per_seed = number_of("HFPROXY_MODEL_SCRIPTS", with_timeouts ? 5 : 200);
        table_add(&t, "probe_tells_pending", probe_tells_pending, NULL);
        if (getenv("HFPROXY_MODEL_SCRIPT")) {
                table_add(&t, "script", run_text, NULL);
                return table_run("model", &t);
        }
        if (!getenv("HFPROXY_MODEL_SEED"))
                TABLE_ADD(&t, run_found, found);
        for (unsigned i = 0; i < SEEDS; i++) {
                snprintf(names[i], sizeof names[i], "seed_%u", first + i);
                table_add(&t, names[i], run_seed, (void *)(uintptr_t)(first + i));
        }
        return table_run("model", &t);
}
