/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "world.h"
#include "server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct world *world;
enum mode mode;

static void bail(const char *what)
{
        printf("Bail out! %s: %s\n", what, strerror(errno));
        exit(1);
}

static void write_file(const char *path, const char *text)
{
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
                bail(path);
        close(fd);
}

static void enter_namespace(const char *setup)
{
        char map[64];
        unsigned uid = getuid(), gid = getgid();

        if (unshare((uid ? CLONE_NEWUSER : 0) | CLONE_NEWNET | CLONE_NEWNS) < 0)
                bail("unshare");
        if (uid) {
                write_file("/proc/self/setgroups", "deny");
                snprintf(map, sizeof map, "0 %u 1", uid);
                write_file("/proc/self/uid_map", map);
                snprintf(map, sizeof map, "0 %u 1", gid);
                write_file("/proc/self/gid_map", map);
        }
        if (system("PATH=$PATH:/sbin:/usr/sbin; set -e; ip link set lo up;"
                   "mount --make-rprivate /;"
                   "for n in 203.0.113.0/24 10.9.9.0/24 169.254.7.0/24 100.64.7.0/24; do"
                   " ip route add local $n dev lo; done;"
                   "ip -6 route add local 2001:db8:10::/64 dev lo;"
                   "ip addr add 198.51.100.7/24 dev lo") != 0 ||
            (setup && system(setup) != 0))
                bail("setting up the namespace");
}

/* The sanitizer's runtime and a colon, or nothing: it must come first, or the process dies. */
static const char *find_runtime(void)
{
        static char path[4096];
        FILE *maps = fopen("/proc/self/maps", "re");
        char line[4200];

        while (maps && fgets(line, sizeof line, maps)) {
                char *p = strchr(line, '/');

                if (p && (strstr(p, "/libasan.so") || strstr(p, "/libtsan.so"))) {
                        snprintf(path, sizeof path, "%.*s:", (int)strcspn(p, "\n"), p);
                        break;
                }
        }
        if (maps)
                fclose(maps);
        return path;
}

static void go_inside(const char *self, const char *runtime, char **argv)
{
        static const char *const names[] = {"http_proxy", "https_proxy", "all_proxy", "no_proxy",
                                            "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"};
        const char *library = getenv("HFPROXY_TEST_LIBRARY"), *more = getenv("HFPROXY_TEST_MORE");
        char preload[12288], inner[32];

        for (size_t i = 0; i < HF_LEN(names); i++)
                unsetenv(names[i]);
        if (mode == PRELOADED) {
                setenv("https_proxy", world_proxy_url(world->proxy_port), 1);
                setenv("http_proxy", world_proxy_url(world->proxy_port), 1);
        }
        if (!getenv("HFPROXY_TIMEOUT"))
                setenv("HFPROXY_TIMEOUT", "2", 1);
        if (mode != CONTROL) {
                if (!library || access(library, R_OK) < 0)
                        bail("HFPROXY_TEST_LIBRARY");
                snprintf(preload, sizeof preload, "%s%s%s%s", runtime, library, more ? ":" : "",
                         more ? more : "");
                setenv("LD_PRELOAD", preload, 1);
        }
        snprintf(inner, sizeof inner, "%d", (int)mode);
        setenv("WORLD_MODE", inner, 1);
        execv(self, argv);
        bail("exec");
}

void world_enter(int argc, char **argv, const char *setup)
{
        const char *inside = getenv("WORLD_MODE"), *proxy = getenv("HFPROXY_TEST_PROXY");
        char self[4096];
        int fd;

        if (inside) {
                mode = (enum mode)atoi(inside);
                fd = atoi(getenv("WORLD_FD"));
                world = mmap(NULL, sizeof *world, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
                if (world == MAP_FAILED)
                        bail("mmap");
                alarm(300); /* whatever waits for ever must not hang the suite */
                return;
        }
        if (argc > 1)
                mode = !strcmp(argv[1], "control")   ? CONTROL
                       : !strcmp(argv[1], "noproxy") ? NOPROXY
                                                     : PRELOADED;

        /* Both read here, as from another mount namespace a chroot's paths look different. Not
         * /proc/self/exe itself, which under valgrind is valgrind. */
        const char *runtime = find_runtime();
        ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
        self[n < 0 ? 0 : n] = '\0';
        enter_namespace(setup);

        char number[32];
        fd = memfd_create("world", 0);
        if (fd < 0 || ftruncate(fd, sizeof *world) < 0)
                bail("memfd");
        world = mmap(NULL, sizeof *world, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (world == MAP_FAILED)
                bail("mmap");
        world->protocol = proxy && !strcmp(proxy, "socks5h")   ? SOCKS5
                          : proxy && !strcmp(proxy, "socks4a") ? SOCKS4
                                                               : HTTP;
        snprintf(number, sizeof number, "%d", fd);
        setenv("WORLD_FD", number, 1);
        server_start(world);
        go_inside(self, runtime, argv);
}

const char *world_scheme(void)
{
        return world->protocol == SOCKS5   ? "socks5h"
               : world->protocol == SOCKS4 ? "socks4a"
                                           : "http";
}

const char *world_proxy_url(uint16_t port)
{
        static char url[64];

        snprintf(url, sizeof url, "%s://u:p%%40ss@127.0.0.1:%d", world_scheme(), port);
        return url;
}

int64_t now_ms(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool ready(int fd, short events)
{
        struct pollfd pfd = {.fd = fd, .events = events};
        int64_t until = now_ms() + 10000;
        int r;

        do
                r = poll(&pfd, 1, (int)(until - now_ms()));
        while (r < 0 && errno == EINTR && now_ms() < until);
        return r == 1 && (pfd.revents & events);
}

void expect_read(int fd, const char *text)
{
        char buf[256];
        size_t have = 0, n = strlen(text);

        while (have < n) {
                ssize_t r;

                if (!ready(fd, POLLIN))
                        fail_msg("nothing to read after %zu of %zu bytes", have, n);
                r = recv(fd, buf + have, n - have, 0);
                if (r <= 0)
                        fail_msg("recv: %zd, %s", r, strerror(errno));
                have += (size_t)r;
        }
        assert_memory_equal(buf, text, n);
}

void expect_echo(int fd)
{
        static _Atomic(unsigned) count;
        char word[32];

        snprintf(word, sizeof word, "word %u\r\n", atomic_fetch_add(&count, 1));
        assert_int_equal(send(fd, word, strlen(word), MSG_NOSIGNAL), strlen(word));
        expect_read(fd, word);
}

void expect_request(const char *line)
{
        char wanted[512];

        snprintf(wanted, sizeof wanted, "%s\r\n", line);
        if (strncmp(world->request, wanted, strlen(wanted)) != 0)
                fail_msg("the proxy was asked \"%.80s\", not \"%s\"", world->request, line);
        if (!strstr(world->request, "\r\nProxy-Authorization: Basic dTpwQHNz\r\n"))
                fail_msg("no credentials in \"%s\"", world->request);
}

unsigned address(struct sockaddr_storage *sa, const char *literal, uint16_t port, bool v6)
{
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
        char mapped[64];

        memset(sa, 0, sizeof *sa);
        if (!v6) {
                assert_int_equal(inet_pton(AF_INET, literal, &in.sin_addr), 1);
                memcpy(sa, &in, sizeof in);
                return sizeof in;
        }
        snprintf(mapped, sizeof mapped, "%s%s", strchr(literal, ':') ? "" : "::ffff:", literal);
        assert_int_equal(inet_pton(AF_INET6, mapped, &in6.sin6_addr), 1);
        memcpy(sa, &in6, sizeof in6);
        return sizeof in6;
}

bool others_asleep(void)
{
        long self = syscall(SYS_gettid);
        DIR *tasks = opendir("/proc/self/task");
        const struct dirent *task;
        bool asleep = tasks != NULL;

        while (asleep && (task = readdir(tasks))) {
                char path[300], text[256] = "";
                const char *state;
                int fd;

                if (task->d_name[0] == '.' || atol(task->d_name) == self)
                        continue;
                snprintf(path, sizeof path, "/proc/self/task/%s/stat", task->d_name);
                fd = open(path, O_RDONLY | O_CLOEXEC);
                if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
                        text[0] = '\0';
                close(fd);
                state = strrchr(text, ')');
                asleep = state && state[1] == ' ' && state[2] == 'S';
        }
        if (tasks)
                closedir(tasks);
        return asleep;
}
