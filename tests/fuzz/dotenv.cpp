// Environment files of any bytes: read, with errors that name a line of the file.
#include "compose/dotenv.hpp"

#include <algorithm>
#include <cstdint>

using namespace davit::compose;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto lines = std::count(text.begin(), text.end(), '\n') + 1;
    static const std::string value = "value";
    const Lookup outside = [](std::string_view name) { return name == "A" ? &value : nullptr; };
    for (const DotenvResult& result : {parse_dotenv(text, outside), parse_raw_env(text, outside)})
        for (const DotenvError& e : result.errors)
            if (e.line < 1 || e.line > lines) __builtin_trap();
    return 0;
}
