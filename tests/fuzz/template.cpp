// --format templates of any text: printed or refused.
#include "cli/format/template.hpp"
#include "davit/error.hpp"

#include <cstdint>
#include <nlohmann/json.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const nlohmann::json row = {
        {"Name", "web-1"}, {"State", "running"}, {"ExitCode", 3}, {"Publishers", {{{"URL", "::"}}}}, {"Labels", "a=b"}};
    try {
        davit::cli::Template(std::string(reinterpret_cast<const char*>(data), size)).execute(row);
    } catch (const davit::Error&) {}
    return 0;
}
