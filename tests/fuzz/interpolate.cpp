// Texts with variables: expanded or refused, always to an end; the listing of variables agrees.
#include "compose/template.hpp"

#include <cstdint>

using namespace davit::compose;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    static const std::string value = "value", empty;
    const Lookup lookup = [](std::string_view name) { return name == "A" ? &value : name == "E" ? &empty : nullptr; };
    Expansion out = expand(text, lookup);
    if (out.error && out.error->offset > size) __builtin_trap();
    if (text.find('$') == std::string_view::npos && (out.error || out.text != text)) __builtin_trap();
    std::map<std::string, Variable> variables;
    collect_variables(text, variables);
    if (!out.error)
        for (const std::string& name : out.unset)
            if (!variables.count(name)) __builtin_trap();
    return 0;
}
