// Compressed streams of any bytes end or are refused, and cut anywhere give nothing that is not there.
#include "archive/inflate.hpp"
#include "davit/error.hpp"

#include <cstdint>

using namespace davit::archive;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t enough = 4u << 20; // of a bomb
    MemorySource source(std::string(reinterpret_cast<const char*>(data), size));
    char buffer[4096];
    std::size_t bytes = 0;
    try {
        auto plain = make_inflater(source);
        while (bytes < enough) {
            const std::size_t n = plain->read(buffer, sizeof buffer);
            if (n > sizeof buffer) __builtin_trap();
            if (n == 0) break;
            bytes += n;
        }
    } catch (const davit::Error&) {}
    return 0;
}
