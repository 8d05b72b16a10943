// Archives of any bytes are read to their end or refused, never more than was there.
#include "archive/tar_reader.hpp"
#include "davit/error.hpp"

#include <cstdint>

using namespace davit::archive;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    MemorySource source(std::string(reinterpret_cast<const char*>(data), size));
    TarReader reader(source);
    TarEntry entry;
    std::size_t bytes = 0;
    try {
        while (reader.next(entry))
            for (auto piece = reader.data(); !piece.empty(); piece = reader.data()) bytes += piece.size();
    } catch (const davit::Error&) {}
    if (bytes > size) __builtin_trap();
    return 0;
}
