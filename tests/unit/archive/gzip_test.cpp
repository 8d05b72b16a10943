#include "archive/gzip.hpp"

#include "archive/inflate.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace davit::archive;

namespace {

std::string text(std::size_t size) {
    std::string out;
    for (std::size_t n = 0; out.size() < size; ++n) out += std::to_string(n * 2654435761u % 100003) + "\n";
    out.resize(size);
    return out;
}

std::string packed(const std::string& bytes, std::size_t piece) {
    std::string out;
    GzipStream gzip([&](std::string_view s) { out += s; });
    for (std::size_t at = 0; at < bytes.size(); at += piece) gzip.data(std::string_view(bytes).substr(at, piece));
    gzip.finish();
    return out;
}

std::string unpacked(const std::string& bytes) {
    MemorySource source(bytes);
    auto plain = make_inflater(source);
    std::string out(1 << 16, '\0'), all;
    while (std::size_t n = plain->read(out.data(), out.size())) all.append(out, 0, n);
    return all;
}

} // namespace

TEST_CASE("gzip: what goes in comes out, one member, no time in it") {
    for (std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, std::size_t{3000000}}) {
        const std::string bytes = text(size), result = packed(bytes, 70000);
        CAPTURE(size);
        REQUIRE(result.size() >= 18);
        CHECK(result.substr(0, 4) == std::string("\x1f\x8b\x08\x00", 4));
        CHECK(result.substr(4, 4) == std::string(4, '\0'));
        CHECK(unpacked(result) == bytes);
        if (size > 1000) CHECK(result.size() < size);
    }
}

TEST_CASE("gzip: the same bytes are the same blob, in whatever pieces they come") {
    const std::string bytes = text(1500000);
    CHECK(packed(bytes, 65536) == packed(bytes, 1500000));
    CHECK(packed(bytes, 65536) == packed(bytes, 1000));
}
