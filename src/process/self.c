/* SPDX-License-Identifier: MIT */
#include "self.h"

#include "sys.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdatomic.h>
#include <sys/utsname.h>

/* netlink(7), rtnetlink(7): all addresses of all interfaces by one RTM_GETADDR dump. getifaddrs(3)
 * would allocate and sort; SIOCGIFCONF knows no IPv6. */

#define PATIENCE_MS 1000

enum { UNREAD, READING, NAMED, READ };

static struct hf_self self, name_only, nothing;
static _Atomic(int) state;

static void read_name(struct hf_self *s)
{
        struct utsname name;

        if (hf_syscall3(SYS_uname, &name, 0, 0) < 0)
                return;
        memcpy(s->name, name.nodename, strnlen(name.nodename, sizeof s->name - 1));
}

static void take_address(const struct nlmsghdr *msg)
{
        const struct ifaddrmsg *ifa = NLMSG_DATA(msg);
        struct hf_self_net *net = &self.nets[self.count];
        size_t left = msg->nlmsg_len - NLMSG_LENGTH(sizeof *ifa);
        size_t size = ifa->ifa_family == AF_INET ? 4 : 16;
        const unsigned char *address = NULL, *local = NULL;

        if ((ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6) ||
            self.count == HF_SELF_NETS)
                return;
        for (const struct rtattr *a = IFA_RTA(ifa); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
                if (RTA_PAYLOAD(a) < size)
                        continue;
                /* On a point-to-point link IFA_ADDRESS is the other end. */
                if (a->rta_type == IFA_ADDRESS)
                        address = RTA_DATA(a);
                else if (a->rta_type == IFA_LOCAL)
                        local = RTA_DATA(a);
        }
        if (!local)
                local = address;
        if (!local)
                return;
        memset(net, 0, sizeof *net);
        net->addr.family = ifa->ifa_family == AF_INET ? 4 : 6;
        memcpy(net->addr.bytes, local, size);
        net->bits = ifa->ifa_prefixlen;
        self.count++;
}

static void read_addresses(void)
{
        struct {
                struct nlmsghdr head;
                struct ifaddrmsg body;
        } request = {.head = {.nlmsg_len = sizeof request,
                              .nlmsg_type = RTM_GETADDR,
                              .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
                     .body = {.ifa_family = AF_UNSPEC}};
        static _Alignas(struct nlmsghdr) char buf[32 * 1024];
        struct iovec iov = {&request, sizeof request};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
        int fd = hf_sys_socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        bool done = fd < 0 || hf_sys_sendmsg(fd, &msg, 0) < 0;

        while (!done) {
                /* The kernel answers at once; what only looks like one must not hang the program.
                 */
                struct pollfd wait = {.fd = fd, .events = POLLIN};
                long n = hf_sys_poll(&wait, 1, PATIENCE_MS);

                if (n > 0)
                        n = hf_sys_recv(fd, buf, sizeof buf, 0);
                struct nlmsghdr *m = (struct nlmsghdr *)(void *)buf;

                if (n == -EINTR)
                        continue;
                if (n <= 0)
                        break;
                for (; NLMSG_OK(m, (size_t)n); m = NLMSG_NEXT(m, n)) {
                        done = done || m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR;
                        if (m->nlmsg_type == RTM_NEWADDR)
                                take_address(m);
                }
        }
        if (fd >= 0)
                hf_sys_close(fd);
}

const struct hf_self *hf_self(void)
{
        int seen = UNREAD;

        if (atomic_load_explicit(&state, memory_order_acquire) == READ)
                return &self;
        if (atomic_compare_exchange_strong(&state, &seen, READING)) {
                read_name(&name_only);
                atomic_store_explicit(&state, NAMED, memory_order_release);
                read_name(&self);
                read_addresses();
                atomic_store_explicit(&state, READ, memory_order_release);
                return &self;
        }
        /* Another thread is at it, or this is a signal handler above it: nobody can wait here. */
        return seen == READ ? &self : seen == NAMED ? &name_only : &nothing;
}

bool hf_self_is_known(void)
{
        return atomic_load_explicit(&state, memory_order_acquire) == READ;
}
