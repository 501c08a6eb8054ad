/* SPDX-License-Identifier: MIT */
/*
 * download OUT URL...: all of them at once, into files in the directory OUT, by libevent's evhttp.
 * http:// only; a 302 leads to the same URL.
 */
#include <err.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct event_base *base;
static const char *out;

static void start(const char *url);

static void done(struct evhttp_request *request, void *data)
{
        const char *url = data;
        int status = request ? evhttp_request_get_response_code(request) : 0;
        char path[4096];

        if (status == 302) {
                start(url);
                return;
        }
        if (status != 200)
                errx(1, "%s: status %d", url, status);
        struct evbuffer *body = evhttp_request_get_input_buffer(request);
        snprintf(path, sizeof(path), "%s%s", out, strrchr(url, '/'));
        FILE *file = fopen(path, "w");
        if (!file)
                err(1, "%s", path);
        size_t length = evbuffer_get_length(body);
        if (fwrite(evbuffer_pullup(body, -1), 1, length, file) != length || fclose(file))
                err(1, "%s", path);
}

static void start(const char *url)
{
        struct evhttp_uri *uri = evhttp_uri_parse(url);
        const char *host = evhttp_uri_get_host(uri);
        int port = evhttp_uri_get_port(uri);
        struct evhttp_connection *connection = evhttp_connection_base_new(
                base, NULL, host, (unsigned short)(port < 0 ? 80 : port));
        struct evhttp_request *request = evhttp_request_new(done, (void *)url);

        if (!connection || !request)
                errx(1, "%s: no connection", url);
        evhttp_connection_free_on_completion(connection);
        evhttp_add_header(evhttp_request_get_output_headers(request), "Host", host);
        evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close");
        if (evhttp_make_request(connection, request, EVHTTP_REQ_GET, evhttp_uri_get_path(uri)))
                errx(1, "%s: no request", url);
        evhttp_uri_free(uri);
}

int main(int argc, char **argv)
{
        if (argc < 3)
                errx(2, "usage: download OUT URL...");
        base = event_base_new();
        out = argv[1];
        for (int i = 2; i < argc; i++)
                start(argv[i]);
        event_base_dispatch(base);
        event_base_free(base);
        return 0;
}
