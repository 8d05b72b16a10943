#include "archive/held_entries.hpp"

#include "base/error.hpp"

namespace davit::archive {

namespace {

constexpr std::size_t most_names = 256u << 20, most_xattrs = 32u << 20;
constexpr std::size_t around_a_name = 200; // bytes, about

} // namespace

void HeldEntries::names(std::size_t bytes) {
    held_ += bytes + around_a_name;
    if (held_ > most_names)
        throw error(Errc::failed, "the {}'s directories and links need more than {} MiB of memory", what_,
                    most_names >> 20);
}

void HeldEntries::directory(const std::string& path, const TarEntry& entry) {
    std::size_t size = 0;
    for (const auto& [name, value] : entry.xattrs) size += name.size() + value.size();
    if ((xattrs_ += size) > most_xattrs)
        throw error(Errc::failed, "the {}'s directories have more than {} MiB of extended attributes", what_,
                    most_xattrs >> 20);
    names(path.size() + size);
}

} // namespace davit::archive
