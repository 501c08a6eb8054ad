/* SPDX-License-Identifier: MIT */
/* How connections end (outcomes), times how a program waits for them (ways): each pair is a test
 * case. A way connects the cell's sockets and waits as some program does, checks what each call
 * shows as it goes, and says what became of them; the cell then looks at what is left.
 *
 * Without a proxy the same ways meet the kernel's own outcomes. Those are the controls: what a way
 * expects of the library is what it saw the kernel do. */
#pragma once

#include "world.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>

enum { WAITS_SOCKETS = 8 };

/* Longer than anything here takes, by far. */
#define PATIENCE 20000

enum {                        /* of an outcome */
       BANNER_FIRST = 1 << 0, /* the server speaks first */
       IS_LATE = 1 << 1,      /* not before world->released */
       DEAD_PORT = 1 << 2,    /* of the proxy, or the server */
       SMALL_BUFFER = 1 << 3, /* SO_RCVBUF */
       IS_SLOW = 1 << 4,      /* for one socket at a time, then */
       ANYWHERE = 1 << 5,     /* the kernel has it, too */
       NO_REQUEST = 1 << 6,   /* reaches the proxy */
       TIMES_OUT = 1 << 7,    /* with a time limit of its own for the whole program */
};

struct outcome {
        const char *name;
        enum behaviour behaviour;
        int error; /* 0: connected */
        int is;
};

enum {                       /* of a way */
       READS_ONLY = 1 << 0,  /* learns nothing of a connection on which nothing comes */
       ERRORS_ONLY = 1 << 1, /* learns nothing of a connection that stands */
       LATE_ONLY = 1 << 2,   /* has nothing to say of other outcomes */
       RELEASES = 1 << 3,    /* a late outcome, by itself */
       ASKS_AGAIN = 1 << 4,  /* connect() itself has said how it ended */
       BLOCKS = 1 << 5,      /* the sockets do */
       UNSEEN = 1 << 6,      /* by the library, which is not to blame for a spurious event */
       SELECTS = 1 << 7,     /* the wait tells readable and writable only */
       EDGE = 1 << 8,        /* how it is registered with epoll */
       ONESHOT = 1 << 9,
       EXCLUSIVE = 1 << 10,
       BEFORE = 1 << 11, /* connect() */
};

struct cell;
struct epoll_event;
typedef int poll_fn(struct pollfd *pfd, int ms); /* one descriptor; -1: for ever */
typedef int epoll_fn(int epfd, struct epoll_event *events, int n, int ms);

struct way {
        const char *name;
        void (*run)(struct cell *);
        int is;
        int sockets; /* 0: one */
        short wants; /* poll events to wait for; 0: POLLOUT */
        poll_fn *poll;
        epoll_fn *epoll;
        ssize_t (*move)(int fd); /* once: EARLY sent, or BANNER read */
};

struct cell {
        const struct outcome *outcome;
        const struct way *way;
        int error; /* what is to come of it here */
        int n;
        int fds[WAITS_SOCKETS];
        struct sockaddr_storage to;
        socklen_t len;
        bool reported[WAITS_SOCKETS]; /* the way has been told the error */
        bool took_banner, sent_early; /* the way has read BANNER, sent EARLY */
        _Atomic(bool) begun;
        pthread_t releaser;
        bool has_releaser;
        int epfd; /* closed at the end; -1 */
        unsigned asked, accepted, served;
};

/* The tables; each ends with a way that has no name. */
extern const struct way poll_ways[], epoll_ways[], sets_ways[], number_ways[], raw_ways[],
        hasty_ways[];

#define EARLY "as early as can be\r\n"

/* Runs one cell, and ends it whatever happened. */
void cell_run(const struct outcome *outcome, const struct way *way);
void cell_end(void);

/* Does the pair say anything in this mode? */
bool cell_is_useful(const struct outcome *outcome, const struct way *way);

/* connect() on the I-th socket: EINPROGRESS is expected, or the outcome if it blocks. */
void begin(struct cell *c, int i);
typedef int connect_fn(int fd, const struct sockaddr *to, socklen_t len);
void begin_by(struct cell *c, int i, connect_fn *by);

/* What a wait showed of a socket (GOT, of the ASKED events) is what the kernel shows. */
void expect_events(const struct cell *c, int got, int asked);

/* The outcome as SO_ERROR tells it. */
void expect_so_error(struct cell *c, int i);

/* A call on the I-th socket gave ERROR. */
void expect_error(struct cell *c, int i, int error);

/* For a way that comes by again and again: lets a late outcome come after a few times. */
void came_by(struct cell *c);

/* Is it the kernel that takes a reset while somebody looks? It shows one thing after the other: the
 * error, then the state; and to epoll these are two edges. */
static inline bool takes_reset(const struct cell *c)
{
        return mode != PRELOADED && c->error && c->outcome->is & IS_LATE;
}

static inline short wanted(const struct cell *c)
{
        return c->way->wants ? c->way->wants : POLLOUT;
}

/* Milliseconds left of PATIENCE since START; fails when nothing is left. */
int left(int64_t start);

/* For one wait. Nobody can end one that the library does not see when the handshake's time is up:
 * then the program has a limit of its own, and looks what there is. */
static inline int patience(const struct cell *c)
{
        return c->way->is & UNSEEN && c->outcome->is & TIMES_OUT ? 20 : PATIENCE;
}

static inline struct timespec in_ms(int ms)
{
        return (struct timespec){ms / 1000, ms % 1000 * 1000000L};
}

/* waits_chk.c: the calls that a fortified program makes. */
poll_fn chk_poll, chk_ppoll;
ssize_t chk_recv(int fd, char *buf, size_t n);
ssize_t chk_read(int fd, char *buf, size_t n);

/* waits_poll.c: how a program uses way->poll. */
void wait_once(struct cell *c);
void wait_for_ever(struct cell *c);
void wait_shortly(struct cell *c); /* 0 and 1 ms, in turn */
void wait_interrupted(struct cell *c);

/* A signal every few milliseconds, each counted. */
void signals_start(void);
int signals_stop(void);

/* waits_epoll.c: one socket, registered as way->is and way->wants say, waited for by way->epoll. */
void epoll_once(struct cell *c);
typedef int ctl_fn(int epfd, int op, int fd, struct epoll_event *event);
void epoll_once_by(struct cell *c, ctl_fn *ctl, connect_fn *connect_by);
epoll_fn by_epoll_wait;

/* A new set for the cell. */
int epoll_new(struct cell *c);
uint32_t epoll_flags(const struct way *way);
void epoll_add(int epfd, int fd, uint32_t events, uint64_t data);
