// SPDX-License-Identifier: MIT
// download OUT URL...: all of them at once, into files in the directory OUT, by Boost.Asio on one
// thread. http:// only; a 302 leads to the same URL.
#include <boost/asio.hpp>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

class download : public std::enable_shared_from_this<download> {
public:
        download(asio::io_context &io, std::string out, std::string url)
            : io_(io), resolver_(io), socket_(io), out_(std::move(out)), url_(std::move(url))
        {
        }

        void start()
        {
                const auto slash = url_.find('/', 7), colon = url_.find(':', 7);
                const auto host = url_.substr(7, std::min(slash, colon) - 7);
                const auto port = colon < slash ? url_.substr(colon + 1, slash - colon - 1) : "80";
                const auto self = shared_from_this();

                request_ = "GET " + url_.substr(slash) + " HTTP/1.0\r\nHost: " + host + "\r\n\r\n";
                resolver_.async_resolve(host, port, [self](error_code e, tcp::resolver::results_type found) {
                        self->check(e);
                        self->connect(found);
                });
        }

private:
        void check(error_code e)
        {
                if (e)
                        throw std::runtime_error(url_ + ": " + e.message());
        }

        void connect(const tcp::resolver::results_type &found)
        {
                const auto self = shared_from_this();
                asio::async_connect(socket_, found, [self](error_code e, const tcp::endpoint &) {
                        self->check(e);
                        self->exchange();
                });
        }

        void exchange()
        {
                const auto self = shared_from_this();
                asio::async_write(socket_, asio::buffer(request_), [self](error_code e, std::size_t) {
                        self->check(e);
                        asio::async_read(self->socket_, asio::dynamic_buffer(self->answer_),
                                         [self](error_code end, std::size_t) {
                                                 if (end != asio::error::eof)
                                                         self->check(end);
                                                 self->finish();
                                         });
                });
        }

        void finish()
        {
                const auto status = answer_.substr(0, 13);
                if (status == "HTTP/1.1 302 ") {
                        std::make_shared<download>(io_, out_, url_)->start();
                        return;
                }
                if (status != "HTTP/1.1 200 ")
                        throw std::runtime_error(url_ + ": " + answer_);
                std::ofstream file(out_ + url_.substr(url_.rfind('/')), std::ios::binary);
                file << answer_.substr(answer_.find("\r\n\r\n") + 4);
        }

        asio::io_context &io_;
        tcp::resolver resolver_;
        tcp::socket socket_;
        std::string out_, url_, request_, answer_;
};

int main(int argc, char **argv)
try {
        asio::io_context io(1);
        for (int i = 2; i < argc; i++)
                std::make_shared<download>(io, argv[1], argv[i])->start();
        io.run();
} catch (const std::exception &e) {
        std::cerr << e.what() << '\n';
        return 1;
}
