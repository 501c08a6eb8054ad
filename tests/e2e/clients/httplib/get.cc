/* SPDX-License-Identifier: MIT */
/* get ORIGIN PATH FILE: one GET by cpp-httplib with its defaults, piece by piece into FILE, as
 * llama.cpp's -hf does it. The library reads no proxy variable. */
#include <httplib.h>

#include <fstream>
#include <iostream>

int main(int argc, char **argv)
{
        if (argc != 4)
                return 2;
        std::ofstream file(argv[3], std::ios::binary);
        httplib::Client client(argv[1]);
        client.set_follow_location(true);
        auto result = client.Get(argv[2], [&](const char *data, size_t length) {
                return static_cast<bool>(file.write(data, static_cast<std::streamsize>(length)));
        });
        if (!result) {
                std::cerr << "cpp-httplib: " << httplib::to_string(result.error()) << "\n";
                return 1;
        }
        if (result->status != 200) {
                std::cerr << "status " << result->status << "\n";
                return 1;
        }
        return !file.flush();
}
