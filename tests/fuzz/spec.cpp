// config.json of any bytes: read or refused; what is read is written as it came, and reads the same again.
#include "davit/error.hpp"
#include "runtime/oci/document.hpp"

#include <cstdint>

using namespace davit::runtime;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const Spec spec = spec_from_json(std::string(reinterpret_cast<const char*>(data), size), "config.json");
        not_acted_on(spec);
        const std::string text = to_json(spec);
        const Spec again = spec_from_json(text, "config.json");
        if (to_json(again) != text) __builtin_trap();
    } catch (const davit::Error&) {}
    return 0;
}
