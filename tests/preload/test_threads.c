/* SPDX-License-Identifier: MIT */
/* Many threads at once: each with sockets of its own, and all with one epoll set, or one socket,
 * between them. */
#define _GNU_SOURCE
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static int setup(void **state)
{
        (void)state;
        gate_set(GATE_GRANTS, 0);
        return 0;
}

/* SEND, and the same back; 0, or the line that says otherwise. */
static int echoes(int fd)
{
        char buf[8];

        if (send(fd, "thread\n", 7, MSG_NOSIGNAL) != 7 || !ready(fd, POLLIN))
                return __LINE__;
        return recv(fd, buf, sizeof buf, 0) == 7 && !memcmp(buf, "thread\n", 7) ? 0 : __LINE__;
}

static void run(size_t n, void *(*body)(void *), void *arg)
{
        pthread_t threads[32];

        for (size_t i = 0; i < n; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, body, arg), 0);
        void *failed = NULL;

        for (size_t i = 0; i < n; i++) {
                void *result;

                pthread_join(threads[i], &result);
                failed = failed ? failed : result;
        }
        if (failed)
                fail_msg("a thread failed in line %d", (int)(intptr_t)failed);
}

/* ---- sockets of their own ---- */

static void *connects_fifty_times(void *arg)
{
        (void)arg;
        for (int i = 0; i < 50; i++) {
                int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error = -1,
                    r;
                socklen_t len = sizeof error;

                if (begin(fd) != EINPROGRESS || !ready(fd, POLLOUT))
                        return (void *)(intptr_t)__LINE__;
                if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error)
                        return (void *)(intptr_t)__LINE__;
                r = echoes(fd);
                close(fd);
                if (r)
                        return (void *)(intptr_t)r;
        }
        return NULL;
}

static const struct scripted {
        const char *name;
        enum gate_script script;
} scripts[] = {{"sixteen_threads", GATE_GRANTS}, {"sixteen_threads_slowly", GATE_SLOW}};

static void sixteen_threads(void **state)
{
        const struct scripted *row = *state;

        gate_set(row->script, 0);
        run(16, connects_fifty_times, NULL);
        if (mode == PRELOADED) {
                assert_int_equal(atomic_load(&gate_now()->granted), 800);
                until("gone", &gate_now()->gone, 800);
        }
        assert_int_equal(atomic_load(&gate_now()->early), 0);
}

/* Each with a set of its own, and the numbers of closed sockets go round among them. */
static void *epolls_fifty_times(void *arg)
{
        int epfd = epoll_create1(EPOLL_CLOEXEC);

        (void)arg;
        for (int i = 0; i < 50; i++) {
                int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r;
                struct epoll_event event = {.events = EPOLLOUT | (i & 1 ? EPOLLET : 0),
                                            .data.u64 = 1};

                if (begin(fd) != EINPROGRESS || epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) < 0)
                        return (void *)(intptr_t)__LINE__;
                if (epoll_wait(epfd, &event, 1, 10000) != 1 || event.events != EPOLLOUT)
                        return (void *)(intptr_t)__LINE__;
                r = echoes(fd);
                close(fd); /* and so out of the set */
                if (r)
                        return (void *)(intptr_t)r;
        }
        close(epfd);
        return NULL;
}

static void sixteen_sets(void **state)
{
        (void)state;
        run(16, epolls_fifty_times, NULL);
        if (mode == PRELOADED)
                assert_int_equal(atomic_load(&gate_now()->granted), 800);
        assert_int_equal(atomic_load(&gate_now()->early), 0);
}

/* ---- one set for all ---- */

#define SOCKETS 200

struct pool {
        uint32_t how;
        int epfd, over;
        int fds[SOCKETS];
        atomic_flag busy[SOCKETS]; /* level-triggered, several threads hear of the same socket */
        _Atomic(int) stage[SOCKETS];
        _Atomic(unsigned) done;
};

enum { CONNECTING, SENT, DONE };

/* Data: the index, as a program would have a pointer there. */
static int rearm(struct pool *pool, size_t i, uint32_t events)
{
        struct epoll_event event = {.events = events | pool->how, .data.u64 = i};

        return epoll_ctl(pool->epfd, EPOLL_CTL_MOD, pool->fds[i], &event);
}

static int attend(struct pool *pool, size_t i, uint32_t events)
{
        int fd = pool->fds[i], error = -1;
        socklen_t len = sizeof error;
        char buf[8];

        switch (atomic_load(&pool->stage[i])) {
        case CONNECTING:
                if (!(events & EPOLLOUT))
                        return __LINE__;
                if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error)
                        return __LINE__;
                if (send(fd, "pooled\n", 7, MSG_NOSIGNAL) != 7)
                        return __LINE__;
                atomic_store(&pool->stage[i], SENT);
                return rearm(pool, i, EPOLLIN) < 0 ? __LINE__ : 0;
        case SENT:
                if (recv(fd, buf, sizeof buf, 0) < 0) /* an event that was on its way */
                        return errno != EAGAIN                                           ? __LINE__
                               : pool->how & EPOLLONESHOT && rearm(pool, i, EPOLLIN) < 0 ? __LINE__
                                                                                         : 0;
                if (memcmp(buf, "pooled\n", 7) != 0)
                        return __LINE__;
                atomic_store(&pool->stage[i], DONE);
                if (epoll_ctl(pool->epfd, EPOLL_CTL_DEL, fd, NULL) < 0)
                        return __LINE__;
                if (atomic_fetch_add(&pool->done, 1) + 1 == SOCKETS)
                        return eventfd_write(pool->over, 1) < 0 ? __LINE__ : 0;
        }
        return 0;
}

static void *serves_the_pool(void *arg)
{
        struct pool *pool = arg;
        struct epoll_event events[16];

        while (atomic_load(&pool->done) < SOCKETS) {
                int n = epoll_wait(pool->epfd, events, HF_LEN(events), 10000);

                if (n <= 0)
                        return (void *)(intptr_t)__LINE__;
                for (int k = 0; k < n; k++) {
                        size_t i = events[k].data.u64;
                        int r;

                        if (i == SOCKETS) /* over */
                                continue;
                        if (i > SOCKETS)
                                return (void *)(intptr_t)__LINE__;
                        while (atomic_flag_test_and_set(&pool->busy[i]))
                                sched_yield(); /* the one that armed it again is about to leave */
                        r = attend(pool, i, events[k].events);
                        atomic_flag_clear(&pool->busy[i]);
                        if (r)
                                return (void *)(intptr_t)r;
                }
        }
        return NULL;
}

static const struct shared {
        const char *name;
        uint32_t how;
        bool before; /* registered before connect */
        enum gate_script script;
} shareds[] = {
        {"shared_set", 0, false, GATE_GRANTS},
        {"shared_set_oneshot", EPOLLONESHOT, false, GATE_GRANTS},
        {"shared_set_edge", EPOLLET, false, GATE_GRANTS},
        {"shared_set_edge_slowly", EPOLLET, false, GATE_SLOW},
        {"shared_set_before", 0, true, GATE_GRANTS},
        {"shared_set_slowly", 0, false, GATE_SLOW},
        {"shared_set_oneshot_slowly", EPOLLONESHOT, false, GATE_SLOW},
};

static void shared_set(void **state)
{
        const struct shared *row = *state;
        static struct pool pool;
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = SOCKETS};

        gate_set(row->script, row->script == GATE_SLOW ? 0 : 20);
        pool.how = row->how;
        pool.epfd = epoll_create1(EPOLL_CLOEXEC);
        pool.over = eventfd(0, EFD_CLOEXEC);
        atomic_store(&pool.done, 0);
        assert_int_equal(epoll_ctl(pool.epfd, EPOLL_CTL_ADD, pool.over, &event), 0);
        for (size_t i = 0; i < SOCKETS; i++) {
                atomic_flag_clear(&pool.busy[i]);
                atomic_store(&pool.stage[i], CONNECTING);
                pool.fds[i] = tcp(SOCK_NONBLOCK);
                event = (struct epoll_event){.events = EPOLLOUT | row->how, .data.u64 = i};
                /* not EPOLLHUP of a fresh socket: with nobody waiting yet it is gone in time */
                if (row->before)
                        assert_int_equal(epoll_ctl(pool.epfd, EPOLL_CTL_ADD, pool.fds[i], &event),
                                         0);
                assert_int_equal(begin(pool.fds[i]), EINPROGRESS);
                if (!row->before)
                        assert_int_equal(epoll_ctl(pool.epfd, EPOLL_CTL_ADD, pool.fds[i], &event),
                                         0);
        }
        run(8, serves_the_pool, &pool);
        assert_int_equal(atomic_load(&pool.done), SOCKETS);
        for (size_t i = 0; i < SOCKETS; i++)
                close(pool.fds[i]);
        close(pool.epfd);
        close(pool.over);
        if (mode == PRELOADED) {
                assert_int_equal(atomic_load(&gate_now()->granted), SOCKETS);
                assert_int_equal(atomic_load(&gate_now()->early), 0);
        }
}

/* ---- one socket for all ---- */

static void *polls_the_socket(void *arg)
{
        return ready(*(int *)arg, POLLOUT) ? NULL : (void *)(intptr_t)__LINE__;
}

/* Eight threads wait on it, whichever of them takes the steps; the tunnel stands for all. */
static void one_socket(void **state)
{
        (void)state;
        for (int i = 0; i < 20; i++) {
                int fd;

                gate_set(i & 1 ? GATE_SLOW : GATE_GRANTS, i & 1 ? 0 : 5);
                fd = begun();
                run(8, polls_the_socket, &fd);
                expect_tunnel(fd);
                close(fd);
        }
}

struct closed {
        int fd;
        _Atomic(bool) waiting;
};

static void *waits_for_the_closed(void *arg)
{
        struct closed *c = arg;
        struct pollfd pfd = {.fd = c->fd, .events = POLLOUT};

        atomic_store(&c->waiting, true);
        poll(&pfd, 1, 300);
        return NULL;
}

/* One thread waits on a socket that another closes, and whose number is another connection at once:
 * no byte of the first one's handshake may go there. */
static void closed_under_a_wait(void **state)
{
        (void)state;
        for (int i = 0; i < 10; i++) {
                struct closed c;
                struct sockaddr_storage sa;
                pthread_t thread;
                int again;

                gate_set(GATE_GRANTS, -1);
                c.fd = begun();
                atomic_init(&c.waiting, false);
                assert_int_equal(pthread_create(&thread, NULL, waits_for_the_closed, &c), 0);
                while (!atomic_load(&c.waiting))
                        ;
                if (i & 1)
                        assert_int_equal(raw_call(SYS_close, c.fd, 0, 0, 0, 0), 0);
                else
                        close(c.fd);
                again = tcp(0);
                assert_int_equal(again, c.fd);
                assert_int_equal(connect(again, (struct sockaddr *)&sa,
                                         address(&sa, "127.0.0.1", 443, false)),
                                 0);
                gate_open();
                for (int n = 0; n < 5; n++)
                        expect_echo(again);
                pthread_join(thread, NULL);
                expect_echo(again);
                close(again);
        }
}

int main(int argc, char **argv)
{
        static struct table t;

        gate_enter(argc, argv);
        TABLE_ADD(&t, sixteen_threads, scripts);
        table_add(&t, "sixteen_sets", sixteen_sets, NULL);
        TABLE_ADD(&t, shared_set, shareds);
        table_add(&t, "one_socket", one_socket, NULL);
        table_add(&t, "closed_under_a_wait", closed_under_a_wait, NULL);
        return table_run_with("threads", &t, setup);
}
