#include "archive/ahead_source.hpp"
#include "base/error.hpp"

#include <algorithm>
#include <doctest/doctest.h>

using namespace davit;
using namespace davit::archive;

namespace {

// Byte i is i % 251; `size` of them, at most `step` at once, then the end or an error.
class CountingSource : public ByteSource {
public:
    CountingSource(std::size_t size, std::size_t step, bool fails = false) : size_(size), step_(step), fails_(fails) {}
    std::size_t read(char* to, std::size_t max) override {
        const std::size_t n = std::min({max, step_, size_ - at_});
        if (n == 0 && fails_) throw error(Errc::unavailable, "broken");
        for (std::size_t i = 0; i < n; ++i) to[i] = static_cast<char>((at_ + i) % 251);
        at_ += n;
        return n;
    }
    std::size_t position() const { return at_; }

private:
    std::size_t size_, step_, at_ = 0;
    bool fails_;
};

// How many bytes came, as long as each was right.
std::size_t count_right(ByteSource& source, std::size_t at_once) {
    std::vector<char> buffer(at_once);
    std::size_t at = 0;
    while (std::size_t n = source.read(buffer.data(), buffer.size()))
        for (std::size_t i = 0; i < n; ++i, ++at)
            if (buffer[i] != static_cast<char>(at % 251)) return at;
    return at;
}

} // namespace

TEST_CASE("what is read ahead is the stream, whatever the sizes") {
    for (std::size_t size : {0u, 1u, 1000u, 262144u, 262145u, 3000000u})
        for (std::size_t step : {777u, 262144u, 5000000u})
            for (std::size_t at_once : {1000u, 300000u}) {
                CountingSource from(size, step);
                AheadSource ahead(from);
                CHECK(count_right(ahead, at_once) == size);
                char byte;
                CHECK(ahead.read(&byte, 1) == 0);
            }
}

TEST_CASE("an error comes after the bytes before it, and again when asked again") {
    CountingSource from(600000, 1000, true);
    AheadSource ahead(from);
    std::vector<char> buffer(600000);
    for (std::size_t got = 0; got < 600000;) got += ahead.read(buffer.data(), buffer.size() - got);
    CHECK_THROWS_AS(ahead.read(buffer.data(), 1), Error);
    CHECK_THROWS_AS(ahead.read(buffer.data(), 1), Error);
}

TEST_CASE("a stream that nobody reads on is left after a bounded part of it") {
    CountingSource from(1u << 30, 4096);
    {
        AheadSource ahead(from);
        char byte;
        CHECK(ahead.read(&byte, 1) == 1);
    }
    CHECK(from.position() <= 5 * 262144 + 4096);
}
