#include "cli/cmd/config_digests.hpp"

#include "base/error.hpp"
#include "davit/images.hpp"

#include <set>

namespace davit::cli {

void pin_images(Project& project) {
    std::set<std::string> names;
    for (const auto& [key, service] : project.services)
        if (!service.image.empty()) names.insert(service.image);
    const auto pinned = pinned_images(names);
    for (auto& [key, service] : project.services)
        if (!service.image.empty()) service.image = pinned.at(service.image);
}

void pin_images(MergedFiles& files) {
    std::set<std::string> names;
    for (const ImageUse& use : files.images()) {
        if (use.image.find('$') != std::string::npos)
            throw error(Errc::usage, "the digest of {} needs the values of its variables", use.image)
                .with_at(use.at)
                .with_hint("leave out --no-interpolate");
        names.insert(use.image);
    }
    files.rename_images(pinned_images(names));
}

} // namespace davit::cli
