/* SPDX-License-Identifier: MIT */
/* The one verb. Everything here is done by raw system calls that return at once, with all signals
 * blocked and the record claimed. */
#include "pending_record.h"

#include "interest.h"
#include "log.h"
#include "peer.h"
#include "sys.h"

#define CHUNK 512 /* of the reply: looked at, then consumed, from the stack */

/* Whoever waits in poll(2) looks again so often at the least: what another thread's step reads,
 * poll(2) never tells this one. */
#define WATCH_MS 50

/* What the phases return besides 0 (wait) and -errno. */
#define DONE 1 /* the tunnel stands */
#define LOST 2 /* another process goes on with it */
#define TURN 5 /* read_reply(): it is our turn to send */

/* ---- the handshake ---- */

/* What send_request() returns besides: */
#define UNSENT 3 /* not all of it is out */
#define SENT 4   /* it went out just now, so there can be no reply yet */

/* Whatever it is our turn to send. 0: it is out, or what the proxy said before it closed is to be
 * read first. WRITABLE: the socket is known to be. */
static int send_request(struct hf_pending *record, int fd, bool writable)
{
        struct iovec iov[HF_HANDSHAKE_IOV];
        size_t sent = 0;
        int n;

        while ((n = hf_handshake_output(&record->machine, sent, iov)) > 0) {
                const struct msghdr msg = {.msg_iov = iov, .msg_iovlen = (size_t)n};
                struct pollfd pfd = {.fd = fd, .events = POLLOUT};
                long r;

                /* Looked at first: only bytes that move decide whose handshake it is. */
                if (!writable && hf_sys_poll(&pfd, 1, 0) == 0)
                        return UNSENT;
                if (!hf_pending_move(record))
                        return LOST;
                writable = false;
                r = hf_sys_sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
                if (r == -EAGAIN)
                        return UNSENT;
                if (r < 0)
                        return 0;
                sent = (size_t)r;
        }
        return sent ? SENT : 0;
}

/* Takes exactly N bytes that were peeked at. */
static int consume(int fd, char *buf, size_t n)
{
        while (n > 0) {
                long r = hf_sys_recv(fd, buf, n, MSG_DONTWAIT);

                if (r <= 0) /* another thread reads from a socket not yet connected */
                        return -ECONNRESET;
                n -= (size_t)r;
        }
        return 0;
}

/* Peeked at first, for what follows the reply is the application's; consumed at once, for an
 * unread rest makes poll spin and fills a small SO_RCVBUF. */
static int read_reply(struct hf_pending *record, int fd)
{
        struct iovec iov[HF_HANDSHAKE_IOV];
        char buf[CHUNK];

        for (;;) {
                size_t used = 0;
                long n = hf_sys_recv(fd, buf, sizeof buf, MSG_PEEK | MSG_DONTWAIT);
                int r;

                if (n == -EAGAIN || n == -EINTR)
                        return 0;
                if (n <= 0)
                        return -ECONNRESET; /* closed, reset, or dead by whatever other means */
                if (!hf_pending_move(record))
                        return LOST;
                r = hf_handshake_input(&record->machine, buf, (size_t)n, &used);
                if (r < 0)
                        return r;
                if (consume(fd, buf, used) < 0)
                        return -ECONNRESET;
                if (r > 0)
                        return DONE;
                if (hf_handshake_output(&record->machine, 0, iov) > 0)
                        return TURN;
                /* To the very end: an edge that was told already is not told again. */
        }
}

static int greet(struct hf_pending *record, int fd, bool writable)
{
        for (;;) {
                int out = send_request(record, fd, writable), r;

                record->events = (short)(POLLIN | (out == UNSENT ? POLLOUT : 0));
                if (out == LOST || out == SENT)
                        return out == LOST ? LOST : 0;
                r = read_reply(record, fd);
                if (r != TURN)
                        return r;
                writable = false;
        }
}

static int advance(struct hf_pending *record, int fd)
{
        bool writable = false;

        if (record->phase == HF_PENDING_CONNECTING) {
                int r = hf_pending_dialled(record, fd);

                if (r <= 0)
                        return r;
                record->phase = HF_PENDING_GREETING;
                hf_pending_served(record);
                writable = true;
        }
        return greet(record, fd, writable);
}

/* As far as it goes without a wait, and within its time. *RET_DUE: the time of what it waits for.
 */
static int advance_in_time(struct hf_pending *record, int fd, int64_t *ret_now, int64_t *ret_due)
{
        for (;;) {
                int r = advance(record, fd);

                if (r != 0)
                        return r;
                *ret_now = hf_sys_now();
                *ret_due = record->phase == HF_PENDING_CONNECTING ? record->addr_deadline
                                                                  : record->deadline;
                if (*ret_now < *ret_due)
                        return 0;
                if (record->phase == HF_PENDING_GREETING)
                        return -ETIMEDOUT;
                r = hf_pending_dial_next(record, fd, -ETIMEDOUT, *ret_now);
                if (r < 0)
                        return r;
        }
}

/* ---- what follows from it ---- */

/* For each descriptor of the socket FD. */
static unsigned for_each_alias(const struct hf_pending *record, int fd,
                               unsigned (*visit)(int fd, short events, bool changed), short events,
                               bool changed)
{
        uint64_t id = atomic_load_explicit(&record->id, memory_order_relaxed), now;
        unsigned any = 0;

        for (int i = 0; i < HF_PENDING_ALIASES; i++) {
                int alias = atomic_load_explicit(&record->fds[i], memory_order_relaxed);

                if (alias >= 0 && (alias == fd || (hf_socket_id(alias, &now) == 0 && now == id)))
                        any |= visit(alias, events, changed);
        }
        return any;
}

static unsigned restore(int fd, short unused, bool unused_too)
{
        (void)unused, (void)unused_too;
        hf_interest_restore(fd);
        return 0;
}

/* The end. RESULT: 0 or -errno. True: the record is still there, for the call that asks. */
static bool finish(struct hf_pending *record, int fd, int result)
{
        /* What the proxy said (EAFNOSUPPORT by SOCKS) is another matter. */
        bool callers = record->phase == HF_PENDING_CONNECTING && hf_pending_callers_error(result);

        record->result = result;
        if (result < 0 && !callers) {
                /* Who did not begin it must not end it for the one who did. */
                record->alive = !hf_pending_began(record) || !hf_pending_move(record);
                if (!record->alive)
                        hf_pending_disconnect(fd);
                if (record->phase == HF_PENDING_CONNECTING)
                        hf_proxyaddr_stale(record->proxy);
        }
        hf_pending_put_back(record, fd, result < 0);
        if (result == 0)
                hf_peer_remember(atomic_load_explicit(&record->id, memory_order_relaxed),
                                 (const struct sockaddr *)&record->asked, record->asked_len);
        if (!callers)
                hf_pending_log(record, result);
        record->phase = HF_PENDING_OVER;
        atomic_store_explicit(&record->due, INT64_MAX, memory_order_relaxed);
        if (record->told)
                for_each_alias(record, fd, restore, 0, false);
        /* 0 is nobody's business any more, unless the kernel has said it already to a connect()
         * that was given up: the next one is owed it. */
        if (result < 0 || (record->left && !record->settle))
                return true;
        hf_pending_free(record);
        return false;
}

/* One step of a claimed record. False: the record is free, or not the caller's. */
static bool step_once(const struct hf_tunnel *tunnel, enum hf_progress *ret_progress,
                      struct hf_step *ret)
{
        struct hf_pending *record = tunnel->record;
        int fd = tunnel->fd, r;
        int64_t due = 0, now = 0;
        uint64_t id;

        *ret = (struct hf_step){.before = record->phase == HF_PENDING_OVER};
        *ret_progress = HF_OVER;
        atomic_store(&record->knocked, false);
        if (ret->before) {
                ret->result = record->result;
                ret->kept = true;
                ret->dead = !record->alive;
                return true;
        }
        if (!tunnel->checked && (hf_socket_id(fd, &id) < 0 || id != tunnel->id)) {
                /* Closed, and perhaps reused, by another thread: a stranger's socket must not see
                 * our credentials, nor be disconnected. */
                *ret_progress = HF_GONE;
                if (!record->alone && hf_pending_fd(record) >= 0)
                        return true;
                hf_pending_free(record);
                return false;
        }
        r = advance_in_time(record, fd, &now, &due);
        if (r == LOST) {
                *ret_progress = HF_GONE;
                hf_pending_free(record);
                return false;
        }
        if (r != 0) {
                ret->result = r == DONE ? 0 : r;
                ret->settle = record->settle;
                ret->kept = finish(record, fd, ret->result);
                return ret->kept;
        }
        *ret_progress = HF_GOES_ON;
        ret->events = record->events;
        ret->up = record->phase == HF_PENDING_GREETING;
        ret->ms = due - now < WATCH_MS ? (int)(due - now) : WATCH_MS;
        if (!record->alone) {
                unsigned armed;

                atomic_store_explicit(&record->due, due, memory_order_relaxed);
                hf_pending_expect(due);
                armed = for_each_alias(record, fd, hf_interest_arm, record->events,
                                       record->events != record->armed);
                record->armed = (short)(armed & HF_INTEREST_WAKES ? 0 : record->events);
                record->told |= armed != 0;
                ret->watched = armed || atomic_load_explicit(&record->waited, memory_order_relaxed);
        }
        return true;
}

enum hf_progress hf_pending_step_claimed(const struct hf_tunnel *tunnel, struct hf_step *ret)
{
        enum hf_progress progress = HF_GOES_ON;

        do {
                if (!step_once(tunnel, &progress, ret) || !hf_pending_unclaim(tunnel->record))
                        return progress;
                if (!hf_pending_claim(tunnel->record))
                        return progress;
        } while (atomic_load_explicit(&tunnel->record->id, memory_order_relaxed) == tunnel->id);
        hf_pending_let_go(tunnel->record);
        return progress;
}

enum hf_progress hf_pending_step_masked(const struct hf_tunnel *tunnel, struct hf_step *ret)
{
        struct hf_pending *record = tunnel->record;

        *ret = (struct hf_step){.ms = 1, .watched = true};
        if (!hf_pending_claim(record))
                return HF_GOES_ON;
        if (atomic_load_explicit(&record->id, memory_order_relaxed) == tunnel->id)
                return hf_pending_step_claimed(tunnel, ret);
        hf_pending_let_go(record);
        return HF_GONE;
}

enum hf_progress hf_pending_step(const struct hf_tunnel *tunnel, struct hf_step *ret)
{
        uint64_t mask = hf_signals_block();
        enum hf_progress progress = hf_pending_step_masked(tunnel, ret);

        hf_signals_restore(mask);
        return progress;
}

enum hf_progress hf_pending_step_patiently(const struct hf_tunnel *tunnel, struct hf_step *ret)
{
        struct hf_pending *record = tunnel->record;
        enum hf_progress progress = HF_GONE;
        uint64_t mask = hf_signals_block();

        hf_pending_claim_patiently(record);
        if (atomic_load_explicit(&record->id, memory_order_relaxed) == tunnel->id)
                progress = hf_pending_step_claimed(tunnel, ret);
        else
                hf_pending_let_go(record);
        hf_signals_restore(mask);
        return progress;
}

int hf_pending_collect(const struct hf_tunnel *tunnel, bool for_connect)
{
        struct hf_pending *record = tunnel->record;
        uint64_t mask = hf_signals_block();
        int result = HF_NOTHING;

        hf_pending_claim_patiently(record);
        if (atomic_load_explicit(&record->id, memory_order_relaxed) == tunnel->id &&
            record->phase == HF_PENDING_OVER && (for_connect || record->result < 0)) {
                result = record->result;
                if (result < 0 && record->alive)
                        record->result = -EPIPE; /* dead for good */
                else {
                        hf_pending_free(record);
                        record = NULL;
                }
        }
        if (record)
                hf_pending_let_go(record);
        hf_signals_restore(mask);
        return result;
}

void hf_pending_forsake(struct hf_pending *record, int fd)
{
        hf_pending_put_back(record, fd, true);
        if (record->told)
                for_each_alias(record, fd, restore, 0, false);
}

void hf_pending_abandon(struct hf_pending *record, int fd, int error)
{
        if (finish(record, fd, error))
                hf_pending_free(record);
}
