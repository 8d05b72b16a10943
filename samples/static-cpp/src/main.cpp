// counter PORT: answers with how often it was asked. counter --check: whether it does.
#include "server.hpp"

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <unistd.h>

namespace {
constexpr std::uint16_t usual_port = 8080;
}

int main(int argc, char** argv) {
    if (argc == 2 && std::string_view(argv[1]) == "--check") return ask(usual_port).empty();
    std::uint16_t port = 0;
    const char* text = argc == 2 ? argv[1] : "";
    if (const auto [end, wrong] = std::from_chars(text, text + std::strlen(text), port); wrong != std::errc() || *end) {
        std::fputs("usage: counter PORT | --check\n", stderr);
        return 2;
    }
    std::signal(SIGTERM, [](int) { ::_exit(0); }); // as pid 1 there is no default action
    std::printf("listening on port %d\n", port);
    std::fflush(stdout);
    return serve(port, [count = 0]() mutable { return "asked " + std::to_string(++count) + " times\n"; });
}
