/* SPDX-License-Identifier: MIT */
/*
 * multi poll|epoll OUT URL...: all of them at once, into files in the directory OUT, by libcurl's
 * multi interface: curl_multi_poll(), or curl_multi_socket_action() on an epoll set of our own.
 * Proxy variables are switched off.
 */
#include <curl/curl.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static void check(int code, const char *what)
{
        if (code)
                errx(1, "%s: error %d", what, code);
}

static void add(CURLM *multi, const char *out, const char *url)
{
        char path[4096];
        CURL *easy = curl_easy_init();

        snprintf(path, sizeof(path), "%s%s", out, strrchr(url, '/'));
        FILE *file = fopen(path, "w");
        if (!easy || !file)
                err(1, "%s", path);
        curl_easy_setopt(easy, CURLOPT_URL, url);
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
        curl_easy_setopt(easy, CURLOPT_CAINFO, getenv("CURL_CA_BUNDLE"));
        curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, file);
        curl_easy_setopt(easy, CURLOPT_PRIVATE, file);
        check(curl_multi_add_handle(multi, easy), url);
}

static void take_results(CURLM *multi)
{
        int left;
        for (CURLMsg *msg; (msg = curl_multi_info_read(multi, &left));) {
                CURL *easy = msg->easy_handle;
                FILE *file;

                if (msg->data.result)
                        errx(1, "%s", curl_easy_strerror(msg->data.result));
                curl_easy_getinfo(easy, CURLINFO_PRIVATE, &file);
                if (fclose(file))
                        err(1, "fclose");
                curl_multi_remove_handle(multi, easy);
                curl_easy_cleanup(easy);
        }
}

static void run_by_poll(CURLM *multi)
{
        for (int running = 1; running;) {
                check(curl_multi_perform(multi, &running), "curl_multi_perform");
                take_results(multi);
                if (running)
                        check(curl_multi_poll(multi, NULL, 0, 1000, NULL), "curl_multi_poll");
        }
}

static int epfd;
static long timer_ms = -1;

static int set_timer(CURLM *multi, long ms, void *data)
{
        (void)multi;
        (void)data;
        timer_ms = ms;
        return 0;
}

/* libcurl's wish for FD. KNOWN is not NULL once we have an entry for it. */
static int watch(CURL *easy, curl_socket_t fd, int what, void *data, void *known)
{
        CURLM *multi = data;
        struct epoll_event event = {.data.fd = fd};

        (void)easy;
        if (what == CURL_POLL_REMOVE) {
                epoll_ctl(epfd, EPOLL_CTL_DEL, fd, NULL); /* may be closed already */
                return 0;
        }
        if (what & CURL_POLL_IN)
                event.events |= EPOLLIN;
        if (what & CURL_POLL_OUT)
                event.events |= EPOLLOUT;
        if (epoll_ctl(epfd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event))
                err(1, "epoll_ctl");
        curl_multi_assign(multi, fd, &epfd);
        return 0;
}

static void run_by_epoll(CURLM *multi)
{
        int running = 1;

        epfd = epoll_create1(EPOLL_CLOEXEC);
        curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch);
        curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, multi);
        curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
        curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
        while (running) {
                struct epoll_event events[8];
                int n = epoll_wait(epfd, events, 8, (int)timer_ms);
                if (n < 0)
                        err(1, "epoll_wait");
                if (n == 0) {
                        timer_ms = -1;
                        curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
                }
                for (int i = 0; i < n; i++) {
                        int what = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                                   (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                                   (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
                        curl_multi_socket_action(multi, events[i].data.fd, what, &running);
                }
                take_results(multi);
        }
}

int main(int argc, char **argv)
{
        if (argc < 4)
                errx(2, "usage: multi poll|epoll OUT URL...");
        curl_global_init(CURL_GLOBAL_DEFAULT);
        CURLM *multi = curl_multi_init();
        for (int i = 3; i < argc; i++)
                add(multi, argv[2], argv[i]);
        if (strcmp(argv[1], "poll") == 0)
                run_by_poll(multi);
        else
                run_by_epoll(multi);
        curl_multi_cleanup(multi);
        return 0;
}
