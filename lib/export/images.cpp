// Images: what is run, who builds it, and where it is pushed.
#include "export/common.hpp"

#include <cctype>
#include <fmt/format.h>

namespace davit::exports {

namespace {

std::string last_part(const std::string& image) { return image.substr(image.rfind('/') + 1); }

} // namespace

// Names of images have no capitals.
std::string image_name(const std::string& project, const std::string& service) {
    std::string out = project + "-" + service;
    for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

const Service* builder_of(const Project& project, const Service& service) {
    if (service.build) return &service;
    const auto whole = [](const std::string& image) {
        return image.find_first_of(":@", image.rfind('/') + 1) == std::string::npos ? image + ":latest" : image;
    };
    for (const auto& [name, other] : project.services)
        if (other.build && !service.image.empty() &&
            whole(other.image.empty() ? image_name(project.name, name) : other.image) == whole(service.image))
            return &other;
    return nullptr;
}

std::string image_of(const Scope& scope, const Service& service) {
    const Service* const builder = builder_of(scope.project, service);
    if (!builder) return service.image;
    std::string image = builder->image.empty() ? image_name(scope.project.name, builder->name) : builder->image;
    if (!scope.options.registry.empty()) image = scope.options.registry + "/" + last_part(image);
    if (builder != &service) {
        if (image != service.image)
            scope.report.adjusted(key_path(service, "image"), image,
                                  builder->name + " builds it, and it is pushed there");
        return image;
    }
    if (!scope.options.registry.empty()) {
        scope.report.adjusted(key_path(service, "build"), image, "the engine builds nothing",
                              "before it is deployed: davit build " + service.name + ", tag it so, davit push");
    } else if (service.image.find('/') == std::string::npos) {
        scope.report.needs(key_path(service, "build"),
                           fmt::format("the engine builds nothing, and {} names no registry", image),
                           "--registry HOST/PATH, or an `image:` that names one");
    } else {
        scope.report.adjusted(key_path(service, "build"), image, "the engine builds nothing",
                              "before it is deployed: davit build, davit push");
    }
    scope.facts.images.push_back({service.name, image});
    return image;
}

} // namespace davit::exports
