/* SPDX-License-Identifier: MIT */
/* Random scripts of calls, and a model that knows what a plain TCP socket would show after each.
 *
 *      model.c         the model: what a socket is, what it shows, what a set must report
 *      model_far.c     the far end of every connection, played in this thread: the proxy, or in a
 *                      control the server itself
 *      model_tun.c     a network that holds SYNs back
 *      model_calls.c   what the program calls: connect, getsockopt, dup, close, fcntl, …
 *      model_data.c    … what moves data
 *      model_waits.c   … poll, select, and what is due
 *      model_sets.c    … epoll_create, epoll_ctl
 *      model_epoll.c   … epoll_wait
 *      model_forks.c   … fork
 *      model_moves.c   what the far end does
 *      model_finish.c  the end of every script
 *      model_script.c  scripts: made, written down, read, run, shrunk
 *
 * An operation names handles (descriptors), not sockets; one that says nothing in the state it
 * meets is passed over. So any part of a script is a script, and a failing one can be cut down. */
#pragma once

#include "world.h"
#include "gate.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SOCKS = 6, HANDLES = 12, SETS = 3, REGS = 24, OPS_MAX = 160, ALIASES = 4 };

struct op {
        uint8_t code, a, b, c;
};

/* ---- the model ---- */

/* What the library does otherwise, and is known: see model.c. */
extern const struct known {
        bool oneshots;
} known;

enum phase {
        IDLE,    /* never connected, or disconnected */
        PENDING, /* connect() has given EINPROGRESS, and the end is not known */
        UP,
        FAILED, /* and nobody has been told */
        DEAD,   /* told; the kernel's own failures leave another socket than IDLE */
        LOST,   /* another process's: only to be closed */
};

enum way { TO_LO, TO_TUN, TO_LO_DEAD, TO_TUN_DEAD, WAYS };

/* The far end of a connection. */
struct far {
        int fd;        /* -1: not accepted yet, or closed */
        uint16_t port; /* the client's; 0: none */
        uint8_t reply; /* of `replies`, + 1; 0: not chosen yet */
        size_t sent;   /* of the reply and what the server says behind it */
        size_t got;    /* read and found right */
        bool fin, gone, reset;
        uint64_t sent_at_end; /* what the client had sent when the far end closed */
};

struct sock {
        uint8_t handles; /* 0: free */
        uint8_t phase;   /* enum phase */
        uint8_t way;     /* enum way */
        uint8_t number;  /* of the connection in this script */
        bool held;       /* its SYN has not arrived */
        bool greeted;    /* bytes were sent on it */
        bool blocking;
        bool settled; /* connect() has returned 0 */
        bool unseen;  /* no call has named it since it came to its end: nobody has looked */
        bool waited;  /* named by a wait since connect() */
        bool foreign; /* begun by an ancestor of this process */
        bool shut, reset, edgy; /* EDGY: more edges than we know of may come */
        int error;              /* FAILED: its errno; UP: what the kernel keeps */
        size_t tx, rx;          /* the program's bytes */
        size_t looked;          /* far.sent when a call was made on it */
        int64_t since, begun;   /* when connect() was called, and had come back */
        struct far far;
};

struct handle {
        int fd; /* -1: free */
        uint8_t sock;
};

struct reg {
        bool used;
        bool nested; /* `sock` is a set */
        bool zombie; /* its descriptor is closed, the socket is not */
        bool due;    /* edge-triggered: there is something new */
        bool off;    /* one-shot: it has fired */
        bool fuzzy;  /* edge-triggered or one-shot: which of several fired is not known */
        uint8_t sock;
        int fd;
        uint32_t events;
        uint64_t data;
};

struct set {
        int fd; /* -1: free */
        struct reg regs[REGS];
};

struct model {
        struct sock socks[SOCKS + 1]; /* the last one stands for those that are closed here only */
        struct handle handles[HANDLES];
        struct set sets[SETS];
        uint8_t connections, forks;
        bool is_child; /* a parent has the same descriptors, and does nothing */
        bool over;
};

extern struct model model;

/* Through the proxy, or is there none? */
static inline bool tunnelled(void)
{
        return mode == PRELOADED;
}

/* Every event of poll(2) that a TCP socket can show, and what it shows now. LOST: anything. */
#define ALL_EVENTS (POLLIN | POLLRDNORM | POLLRDHUP | POLLOUT | POLLWRNORM | POLLERR | POLLHUP)
short model_mask(const struct sock *s);

/* What became known since the last operation. */
void model_update(void);

/* A call has named S, and so looked. */
void model_look(struct sock *s);

/* A failure was told, by connect() or another call. */
void model_told(struct sock *s, bool by_connect);

/* Something new on S for the sets that asked for any of EVENTS. */
void model_edge(const struct sock *s, uint32_t events);

/* A one-shot registration of S that has fired may do so once more. */
void model_fuzz(const struct sock *s);

/* Is a call on S that needs it connected brought to the end of the handshake there and then? */
bool model_finishes(const struct sock *s);
bool model_is_up(const struct sock *s); /* TCP is */
bool model_is_registered(const struct sock *s);
bool model_is_closed(const struct sock *s); /* in both directions */
size_t model_readable(const struct sock *s);

/* What a set reports of one registration: see model_due(). */
struct due {
        uint32_t must; /* 0: nothing */
        uint32_t may;  /* beside it, or instead of nothing */
};
struct due model_due(const struct reg *r);

/* Ends the process: the script has failed. */
_Noreturn void model_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define EXPECT(what, ...)                                                                          \
        do {                                                                                       \
                if (!(what))                                                                       \
                        model_fail(__VA_ARGS__);                                                   \
        } while (0)

/* R, as a call returned it with errno, is RESULT (0 or more) or failed with -RESULT. */
void expect_result(const char *call, long r, long result);

/* The I-th byte that the program (FROM 0) or the far end (1) says on connection NUMBER. */
static inline unsigned char model_byte(unsigned number, unsigned from, size_t i)
{
        return (unsigned char)('!' + (i * 7 + number * 31 + from * 13) % 94);
}

/* ---- the far end ---- */

struct reply {
        const char *text;
        size_t length;
        size_t decides; /* after so many bytes the client knows */
        int error;      /* 0: granted */
};
extern const size_t reply_count;
const struct reply *reply_of(const struct sock *s);

#define TUN_NEAR "198.18.0.1"
#define TUN_FAR "198.18.0.2"
bool tun_start(void);                             /* false: there is no such device here */
bool tun_carry(bool any_syn);                     /* did any packet come over? */
void tun_let(const struct sock *s, bool arrives); /* its SYN, if it is held; else it goes nowhere */
void tun_forget(void);                            /* all SYNs that are held */

void far_start(void);
int far_high(int fd); /* FD, under another number */
uint16_t far_port(unsigned way);
enum way far_way(enum way way); /* without such a device: the other one */
void far_reset(void);           /* before each script */
void far_forsake(void);         /* it is another process's */
void far_address(struct sockaddr_in *sa, const struct sock *s);
void far_choose(enum way way);  /* for the next connect(): which proxy */
void far_known(struct sock *s); /* after connect(): which connection is it? */
void far_hurry(int fd);         /* TCP_NODELAY */

/* Moves packets and accepts connections until everything that was sent has arrived. */
void far_settle(void);

/* What comes of one operation; false: it says nothing now. */
typedef bool move_fn(struct sock *s, unsigned b, unsigned c);
void far_release(struct sock *s);
void far_drop(const struct sock *s); /* its SYN, if it is held */
bool far_accepted(struct sock *s);
void far_say(struct sock *s, size_t n); /* of the reply and behind it */
void far_fin(struct sock *s);
void far_close(struct sock *s, bool reset);
void far_read(struct sock *s);  /* and compares */
void far_leave(struct sock *s); /* the program has closed it: it must have sent all */

/* While the program is in a call that does not return without it: another thread does this. */
enum action { GRANT, GRANT_AND_SPEAK, REFUSE, CLOSE, RESET, ACTIONS };
void far_help(struct sock *s, enum action action);
void far_help_end(void);

/* How many system calls one poll() takes: 1 while nothing is pending. */
void probe_start(void);
unsigned probe(void);

/* ---- operations ---- */

typedef bool op_fn(const struct op *op);
op_fn op_open, op_connect, op_connect_blocking, op_again, op_so_error, op_peer, op_dup, op_close,
        op_close_range, op_shutdown, op_block, op_unblock, op_send, op_recv, op_poll, op_select,
        op_set, op_set_close, op_add, op_mod, op_del, op_nest, op_epoll, op_fork, op_release,
        op_reply, op_say, op_fin, op_gone, op_reset, op_read, op_expire;

struct kind {
        const char *name;
        op_fn *run;
        uint8_t weight;
        bool handle;        /* A is a handle in use */
        bool looks;         /* a call on it that sees how far it is */
        uint8_t b, c, more; /* limits; MORE: of A when it is no handle */
};
extern const struct kind kinds[];
extern const size_t kind_count;

struct sock *sock_at(unsigned handle); /* NULL: none */
int fd_at(unsigned handle);
void model_close_handle(unsigned handle); /* the bookkeeping, after the call */
void model_give(unsigned handle, int fd, unsigned sock);
int free_handle(void);
void model_forget_fd(int fd, unsigned sock, bool last);

/* The whole of what is left: a last look at everything, and all is closed. */
void model_finish(void);

/* ---- scripts ---- */

/* Tests of the table. STATE: its seed. */
void run_seed(void **state);
void run_text(void **state); /* HFPROXY_MODEL_SCRIPT */
extern unsigned scripts_per_seed;
extern bool with_timeouts;
void note_expired(void);

/* After this time a handshake is over by itself, with_timeouts. (Where the far end takes almost as
 * long for its part, nothing can be said of how it ends, and the script is given up.) */
#define TIMEOUT_MS 300
#define ALMOST_MS 200
_Noreturn void model_abandon(void);
