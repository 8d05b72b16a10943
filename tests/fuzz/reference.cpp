// Image references: what parses prints, and what is printed parses to the same.
#include "registry/reference.hpp"
#include "davit/error.hpp"

#include <cstdint>
#include <string>

using davit::registry::Reference;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto first = Reference::try_parse({reinterpret_cast<const char*>(data), size});
    if (!first) return 0;
    auto second = Reference::try_parse(first->canonical());
    if (!second || !(*second == *first)) __builtin_trap();
    return 0;
}
