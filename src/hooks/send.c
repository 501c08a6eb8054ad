/* SPDX-License-Identifier: MIT */
/* What writes to a socket. (No _GNU_SOURCE, see connect.c; <sys/sendfile.h> and <unistd.h> would
 * give some of these functions another name.) */
#include "connect.h"
#include "data.h"
#include "datagram.h"

#include "process/real.h"
#include "process/sys.h"

#define NOWAIT_RWF 8U       /* RWF_NOWAIT */
#define NOWAIT_SPLICE 2U    /* SPLICE_F_NONBLOCK */
#define CONTROL_MAX 1048576 /* no kernel takes as much */

/* A struct mmsghdr, which is of _GNU_SOURCE. */
struct message {
        struct msghdr head;
        unsigned len;
};

HF_EXPORT ssize_t __send(int fd, const void *buf, size_t n, int flags);
HF_EXPORT int sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags);
HF_EXPORT ssize_t write(int fd, const void *buf, size_t n);
HF_EXPORT ssize_t __write(int fd, const void *buf, size_t n);
HF_EXPORT ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t offset, int flags);
HF_EXPORT ssize_t pwritev64v2(int fd, const struct iovec *iov, int n, off_t offset, int flags);
HF_EXPORT ssize_t sendfile(int out, int in, off_t *offset, size_t n);
HF_EXPORT ssize_t sendfile64(int out, int in, off_t *offset, size_t n);
HF_EXPORT ssize_t splice(int in, off_t *in_at, int out, off_t *out_at, size_t n, unsigned flags);

/* ---- bytes ---- */

HF_EXPORT ssize_t send(int fd, const void *buf, size_t n, int flags)
{
        return hf_send_refused(fd, flags & MSG_DONTWAIT) ? -1 : hf_real_send(fd, buf, n, flags);
}

ssize_t __send(int fd, const void *buf, size_t n, int flags) __attribute__((alias("send")));

ssize_t write(int fd, const void *buf, size_t n)
{
        return hf_send_refused(fd, false) ? -1 : hf_real_write(fd, buf, n);
}

ssize_t __write(int fd, const void *buf, size_t n) __attribute__((alias("write")));

HF_EXPORT ssize_t writev(int fd, const struct iovec *iov, int n)
{
        return hf_send_refused(fd, false) ? -1 : hf_real_writev(fd, iov, n);
}

/* With an offset it is no call for a socket, as the kernel will say. */
ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t offset, int flags)
{
        if (offset == -1 && hf_send_refused(fd, (unsigned)flags & NOWAIT_RWF))
                return -1;
        return hf_real_pwritev2(fd, iov, n, offset, flags);
}

ssize_t pwritev64v2(int fd, const struct iovec *iov, int n, off_t offset, int flags)
{
        if (offset == -1 && hf_send_refused(fd, (unsigned)flags & NOWAIT_RWF))
                return -1;
        return hf_real_pwritev64v2(fd, iov, n, offset, flags);
}

/* (Nothing is sent *from* a socket this way: EINVAL.) */
ssize_t sendfile(int out, int in, off_t *offset, size_t n)
{
        return hf_send_refused(out, false) ? -1 : hf_real_sendfile(out, in, offset, n);
}

ssize_t sendfile64(int out, int in, off_t *offset, size_t n)
{
        return hf_send_refused(out, false) ? -1 : hf_real_sendfile64(out, in, offset, n);
}

ssize_t splice(int in, off_t *in_at, int out, off_t *out_at, size_t n, unsigned flags)
{
        if (hf_data_refused(in, flags & NOWAIT_SPLICE) ||
            hf_send_refused(out, flags & NOWAIT_SPLICE))
                return -1;
        return hf_real_splice(in, in_at, out, out_at, n, flags);
}

/* ---- to an address: another one, behind a placeholder, or the implicit connect() of MSG_FASTOPEN
 * ---- */

__attribute__((noinline)) static ssize_t sendto_judged(int fd, const void *buf, size_t n, int flags,
                                                       const struct sockaddr *addr, socklen_t len)
{
        struct hf_datagram to;
        int r = addr && hf_datagram_any() ? hf_datagram_to(fd, addr, len, &to) : 0;

        if (r < 0)
                return hf_sys(r);
        if (r > 0) {
                addr = (const struct sockaddr *)&to.addr;
                len = to.len;
        }
        if (hf_strict() && hf_strict_refuses(fd, addr, len, flags & MSG_FASTOPEN))
                return hf_sys(-ENETUNREACH);
        return hf_real_sendto(fd, buf, n, flags, addr, len);
}

HF_EXPORT ssize_t sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr,
                         socklen_t len)
{
        int r;

        if (__builtin_expect(flags & MSG_FASTOPEN && addr, 0) &&
            hf_connect_tunnelled(fd, addr, len, flags & MSG_DONTWAIT, &r))
                return r < 0 ? -1 : hf_real_sendto(fd, buf, n, flags & ~MSG_FASTOPEN, NULL, 0);
        if (hf_data_refused(fd, flags & MSG_DONTWAIT))
                return -1;
        if ((addr && hf_datagram_any()) || hf_strict())
                return sendto_judged(fd, buf, n, flags, addr, len);
        return hf_real_sendto(fd, buf, n, flags, addr, len);
}

/* True: tunnelled, with *RET_RESULT, and MSG's address is used up. */
static bool connect_tunnelled(int fd, struct msghdr *msg, int flags, int *ret_result)
{
        socklen_t len = msg->msg_namelen;

        if (!(flags & MSG_FASTOPEN) || !msg->msg_name)
                return false;
        if (len > sizeof(struct sockaddr_storage) && len <= INT32_MAX)
                len = sizeof(struct sockaddr_storage); /* sendmsg(2) cuts, connect(2) complains */
        if (!hf_connect_tunnelled(fd, msg->msg_name, len, flags & MSG_DONTWAIT, ret_result))
                return false;
        msg->msg_name = NULL;
        msg->msg_namelen = 0;
        return true;
}

/* ---- messages, which may carry descriptors to another process ---- */

/* The descriptors in MSG whose handshake is under way are brought to its end. Lengths are read
 * as 32 bits: musl's are, with padding that may hold anything. What the kernel will reject is not
 * followed any further. */
static void finish_rights(const struct msghdr *msg)
{
        const char *control = msg->msg_control;
        size_t len = (uint32_t)msg->msg_controllen;
        struct cmsghdr head;

        if (len < sizeof head || len > CONTROL_MAX || !hf_sys_readable(control, len))
                return;
        for (size_t at = 0; at + sizeof head <= len;) {
                size_t size;

                memcpy(&head, control + at, sizeof head);
                size = (uint32_t)head.cmsg_len;
                if (size < sizeof head || size > len - at)
                        return;
                for (size_t i = sizeof head; i + sizeof(int) <= size; i += sizeof(int)) {
                        int fd;

                        if (head.cmsg_level != SOL_SOCKET || head.cmsg_type != SCM_RIGHTS)
                                break;
                        memcpy(&fd, control + at + i, sizeof fd);
                        if (hf_pending_maybe(fd))
                                hf_pending_finish(fd);
                }
                at += (size + sizeof(size_t) - 1) & ~(sizeof(size_t) - 1);
        }
}

/* As hf_datagram_to(), into MSG. */
static int address_message(int fd, struct msghdr *msg, struct hf_datagram *to)
{
        socklen_t len = msg->msg_namelen;
        int r = 0;

        if (len > sizeof to->addr && len <= INT32_MAX)
                len = sizeof to->addr; /* as the kernel does in a message */
        if (msg->msg_name && hf_datagram_any())
                r = hf_datagram_to(fd, msg->msg_name, len, to);
        if (r > 0) {
                msg->msg_name = &to->addr;
                msg->msg_namelen = to->len;
        }
        return r;
}

__attribute__((noinline)) static ssize_t sendmsg_judged(int fd, const struct msghdr *msg, int flags)
{
        struct hf_datagram to;
        struct msghdr copy;
        int r;

        if (!hf_sys_readable(msg, sizeof copy))
                return hf_real_sendmsg(fd, msg, flags);
        memcpy(&copy, msg, sizeof copy);
        if (connect_tunnelled(fd, &copy, flags, &r))
                return r < 0 ? -1 : hf_real_sendmsg(fd, &copy, flags & ~MSG_FASTOPEN);
        if (hf_pending_any())
                finish_rights(&copy);
        if (hf_data_refused(fd, flags & MSG_DONTWAIT))
                return -1;
        r = address_message(fd, &copy, &to);
        if (r < 0)
                return hf_sys(r);
        if (hf_strict() && hf_strict_refuses_msg(fd, &copy, flags))
                return hf_sys(-ENETUNREACH);
        return hf_real_sendmsg(fd, r ? &copy : msg, flags);
}

HF_EXPORT ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
        if (__builtin_expect(flags & MSG_FASTOPEN, 0) || hf_pending_any() || hf_datagram_any() ||
            hf_strict())
                return sendmsg_judged(fd, msg, flags);
        return hf_real_sendmsg(fd, msg, flags);
}

/* The first message connects. The kernel would find the others' MSG_FASTOPEN on a connected socket,
 * and says so only if it sent none before: it sends one. */
static int send_first(int fd, struct message *msgs, const struct msghdr *first, int flags)
{
        ssize_t sent = hf_real_sendmsg(fd, first, flags & ~MSG_FASTOPEN);
        unsigned len = (unsigned)sent;

        if (sent < 0)
                return -1;
        memcpy(&msgs->len, &len, sizeof len);
        return 1;
}

/* One after the other, each to its own address. */
static int send_each(int fd, struct message *msgs, unsigned n, int flags)
{
        int saved_errno = errno;
        unsigned i;

        for (i = 0; i < n; i++) {
                struct hf_datagram to;
                struct msghdr copy;
                ssize_t sent = -1;
                unsigned len;
                int r;

                memcpy(&copy, &msgs[i], sizeof copy);
                r = address_message(fd, &copy, &to);
                if (r >= 0 && hf_strict() && hf_strict_refuses_msg(fd, &copy, flags))
                        r = -ENETUNREACH;
                if (hf_sys(r) >= 0)
                        sent = hf_real_sendmsg(fd, &copy, flags);
                if (sent < 0)
                        break;
                len = (unsigned)sent;
                memcpy(&msgs[i].len, &len, sizeof len);
        }
        if (i == 0)
                return -1;
        errno = saved_errno;
        return (int)i;
}

__attribute__((noinline)) static int sendmmsg_judged(int fd, struct mmsghdr *msgs, unsigned n,
                                                     int flags)
{
        struct message *each = (struct message *)msgs;
        unsigned count = n < HF_MESSAGES_MAX ? n : HF_MESSAGES_MAX;
        bool readable = hf_sys_readable(each, count * sizeof *each), addressed = false;

        for (unsigned i = 0; i < count; i++) {
                struct hf_datagram to;
                struct msghdr copy;
                int r;

                if (!readable && !hf_sys_readable(&each[i], sizeof *each)) {
                        count = i;
                        break;
                }
                memcpy(&copy, &each[i], sizeof copy);
                if (i == 0 && connect_tunnelled(fd, &copy, flags, &r))
                        return r < 0 ? -1 : send_first(fd, each, &copy, flags);
                if (hf_pending_any())
                        finish_rights(&copy);
                addressed = addressed || address_message(fd, &copy, &to) != 0;
        }
        if (n > 0 && hf_data_refused(fd, flags & MSG_DONTWAIT))
                return -1;
        if (addressed)
                return send_each(fd, each, count, flags);
        if (count > 0 && hf_strict()) {
                n = hf_strict_count_open(fd, msgs, count, flags);
                if (n == 0)
                        return hf_sys(-ENETUNREACH);
        }
        return hf_real_sendmmsg(fd, msgs, n, flags);
}

int sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
        if (__builtin_expect(flags & MSG_FASTOPEN, 0) || hf_pending_any() || hf_datagram_any() ||
            hf_strict())
                return sendmmsg_judged(fd, msgs, n, flags);
        return hf_real_sendmmsg(fd, msgs, n, flags);
}
