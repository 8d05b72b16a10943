// Documents of images, of any bytes: read or refused; a manifest that is read is written and read the same.
#include "image/manifest.hpp"
#include "davit/error.hpp"
#include "image/platform.hpp"
#include "registry/challenge.hpp"

#include <cstdint>

using namespace davit::image;
using namespace davit::registry;

namespace {

template <typename F>
void refusable(F&& read) {
    try {
        read();
    } catch (const davit::Error&) {}
}

bool same(const std::vector<Descriptor>& a, const std::vector<Descriptor>& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (a[i].digest != b[i].digest || a[i].size != b[i].size || a[i].urls != b[i].urls) return false;
    return true;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    refusable([&] { kind_of_document(text); });
    refusable([&] { choose_platform(parse_index(text), host_platform()); });
    refusable([&] {
        auto configuration = parse_configuration(text);
        if (!configuration.diff_ids.empty() &&
            !chain_id(configuration.diff_ids, configuration.diff_ids.size()).starts_with("sha"))
            __builtin_trap();
    });
    refusable([&] {
        Manifest first = parse_manifest(text);
        Manifest second = parse_manifest(write_manifest(first));
        if (first.config.digest != second.config.digest || !same(first.layers, second.layers)) __builtin_trap();
    });
    parse_challenges(text);
    return 0;
}
