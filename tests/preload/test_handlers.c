/* SPDX-License-Identifier: MIT */
/* Signal handlers that have connections of their own to make while a handshake is under way, on
 * small stacks, too. */
#define _GNU_SOURCE
#include "masked.h"

#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

static int setup(void **state)
{
        (void)state;
        gate_set(GATE_GRANTS, -1);
        return 0;
}

static _Atomic(int) result;
static int same_fd;

static int connect_and_echo(void)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), r = 1;
        struct pollfd pfd = {.fd = fd, .events = POLLOUT};
        struct sockaddr_in to = {.sin_family = AF_INET,
                                 .sin_port = htons(443),
                                 .sin_addr.s_addr = htonl(0xcb00710a)};
        char buf[4];

        if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno != EINPROGRESS)
                goto out;
        r++;
        if (poll(&pfd, 1, 10000) != 1 || pfd.revents != POLLOUT)
                goto out;
        r++;
        pfd.events = POLLIN;
        if (send(fd, "sig", 3, MSG_NOSIGNAL) != 3 || poll(&pfd, 1, 10000) != 1)
                goto out;
        r++;
        if (recv(fd, buf, sizeof buf, 0) == 3 && !memcmp(buf, "sig", 3))
                r = 0;
out:
        close(fd);
        return r;
}

static void connect_in_handler(int sig)
{
        int kept = errno;

        (void)sig;
        atomic_store(&result, connect_and_echo());
        errno = kept;
}

static void poll_the_same_in_handler(int sig)
{
        struct pollfd pfd = {.fd = same_fd, .events = POLLOUT};
        int kept = errno;

        (void)sig;
        atomic_store(&result, poll(&pfd, 1, 0) != 0 && mode == PRELOADED);
        errno = kept;
}

static const struct handler {
        const char *name;
        void (*handler)(int sig);
} handlers[] = {{"connects", connect_in_handler}, {"polls_the_same", poll_the_same_in_handler}};

struct row {
        const struct handler *handler;
        const struct wait *wait;
        char name[64];
};

/* In the midst of a wait for another handshake, which is EINTR, and goes on. */
static void in_a_handler(void **state)
{
        const struct row *row = *state;
        struct sigaction sa = {.sa_handler = row->handler->handler};
        struct sending s = {pthread_self(), SIGUSR2, 1, false};
        int epfd = epoll_create1(EPOLL_CLOEXEC), fd = held(epfd);
        pthread_t thread;
        sigset_t none;

        if (row->handler->handler == connect_in_handler)
                atomic_store(&gate->delay, 5); /* for the handler's own */
        same_fd = fd;
        atomic_store(&result, -1);
        sigaction(SIGUSR2, &sa, NULL);
        sigemptyset(&none);
        send_soon(&thread, &s);
        while (atomic_load(&result) < 0)
                row->wait->wait(fd, epfd, &none);
        pthread_join(thread, NULL);
        signal(SIGUSR2, SIG_DFL);
        assert_int_equal(atomic_load(&result), 0);
        if (mode == PRELOADED) {
                gate_open();
                assert_true(ready(fd, POLLOUT));
                expect_echo(fd);
        }
        assert_int_equal(atomic_load(&gate_now()->early), 0);
        close(fd);
        close(epfd);
}

/* ---- small stacks ---- */

/* Eight KiB as SIGSTKSZ once was, and what the machine's vector registers have grown by since;
 * below it a page that is no memory. */
static size_t small_size(void)
{
        size_t frame = getauxval(51 /* AT_MINSIGSTKSZ */);

        return 8192 + (frame > 2048 ? frame - 2048 : 0);
}

static void on_a_small_stack(void **state)
{
        size_t size = (small_size() + 4095) / 4096 * 4096;
        char *pages =
                mmap(NULL, size + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        const stack_t alt = {.ss_sp = pages + 4096 + (size - small_size()),
                             .ss_size = small_size()},
                      none = {.ss_flags = SS_DISABLE};
        struct sigaction sa = {.sa_handler = connect_in_handler, .sa_flags = SA_ONSTACK};

        (void)state;
        assert_true(pages != MAP_FAILED);
        assert_int_equal(mprotect(pages, 4096, PROT_NONE), 0);
        gate_set(GATE_SLOW, 2);
        assert_int_equal(connect_and_echo(), 0); /* the loader has found all that it calls */
        assert_int_equal(sigaltstack(&alt, NULL), 0);
        atomic_store(&result, -1);
        sigaction(SIGUSR1, &sa, NULL);
        raise(SIGUSR1);
        signal(SIGUSR1, SIG_DFL);
        sigaltstack(&none, NULL);
        munmap(pages, size + 4096);
        assert_int_equal(atomic_load(&result), 0);
}

int main(int argc, char **argv)
{
        static struct row rows[HF_LEN(handlers)][HF_LEN(waits)];
        static struct table t;

        gate_enter(argc, argv);
        for (size_t i = 0; i < HF_LEN(handlers); i++) {
                for (size_t j = 0; j < HF_LEN(waits); j++) {
                        struct row *row = &rows[i][j];

                        row->handler = &handlers[i];
                        row->wait = &waits[j];
                        snprintf(row->name, sizeof row->name, "handler_%s_in_%s", handlers[i].name,
                                 waits[j].name);
                        table_add(&t, row->name, in_a_handler, row);
                }
        }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* their frames are larger */
        table_add(&t, "on_a_small_stack", on_a_small_stack, NULL);
#else
        (void)on_a_small_stack;
#endif
        return table_run_with("handlers", &t, setup);
}
