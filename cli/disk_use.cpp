#include "cli/disk_use.hpp"

#include "cli/format/size.hpp"
#include "davit/system.hpp"

#include <cstddef>

namespace davit::cli {

namespace {

constexpr std::size_t most_named = 3;
constexpr std::uint64_t worth_naming = 1 << 20;

std::string named(const DiskUse& use) {
    const std::string size = human_size(static_cast<double>(use.bytes));
    switch (use.kind) {
    case DiskUse::Kind::log: return "the log of container " + use.name + " (" + use.path + ", " + size + ")";
    case DiskUse::Kind::written: return "what container " + use.name + " has written (" + use.path + ", " + size + ")";
    case DiskUse::Kind::volume: return "volume " + use.name + " (" + size + ")";
    case DiskUse::Kind::images: break;
    }
    return "images (" + size + ")";
}

} // namespace

std::string biggest_on_disk() {
    std::string text;
    try {
        Engine engine;
        std::size_t count = 0;
        for (const DiskUse& use : disk_use(engine))
            if (use.bytes >= worth_naming && count++ < most_named) text += (text.empty() ? "" : ", ") + named(use);
    } catch (const Error&) {
        return {}; // the hint is for another error
    }
    return text;
}

} // namespace davit::cli
