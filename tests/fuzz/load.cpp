// A compose file of any bytes loads or is refused with a davit::Error; what loads prints and loads again.
#include "davit/load.hpp"

#include <cstdint>
#include <string>

namespace {
davit::LoadOptions options(std::string text) {
    davit::LoadOptions o;
    o.files = {"-"};
    o.stdin_text = std::move(text);
    o.current_dir = "/nonexistent";
    o.project_name = "fuzz";
    o.environment = {{"A", "value"}, {"EMPTY", ""}};
    o.resolve_environment = false;
    return o;
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string printed;
    try {
        auto result = davit::load(options(std::string(reinterpret_cast<const char*>(data), size)));
        printed = davit::render(result.project, davit::RenderFormat::yaml);
    } catch (const davit::Error&) {
        return 0;
    }
    davit::load(options(printed)); // a throw here is a bug: the printed project must load
    return 0;
}
