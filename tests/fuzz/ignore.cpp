// Ignore files: the first line is a path, the rest the file. A walk from the root finds what a look at the path does,
// and never misses anything in a directory that it does not enter.
#include "dockerfile/ignore.hpp"

#include "davit/error.hpp"

#include <cstdint>
#include <string_view>

using namespace davit::dockerfile;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::string_view path = text.substr(0, text.find('\n'));
    text.remove_prefix(path.size());
    try {
        const IgnoreList list(ignore_patterns(text));
        IgnoreList::Matched above;
        bool ignored = false, not_entered = false;
        for (std::size_t start = 0, end = 0; end != std::string_view::npos; start = end + 1) {
            end = path.find('/', start);
            const std::string_view part = path.substr(0, end);
            IgnoreList::Matched own;
            ignored = list.ignored(part, above, own);
            above = own;
            if (not_entered && !ignored) __builtin_trap();
            if (ignored && !list.may_hold_taken(part)) not_entered = true;
        }
        if (ignored != list.ignored(path)) __builtin_trap();
    } catch (const davit::Error&) {}
    return 0;
}
