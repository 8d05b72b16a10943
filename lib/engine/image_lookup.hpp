// Images by reference, each looked up once: many services share one.
#pragma once

#include "image/platform.hpp"
#include "image/store.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace davit {

class ImageLookup {
public:
    explicit ImageLookup(const image::Store& images) : images_(images) {}
    // platform: what the service asks for; of a name of several the one that serves it, else what the name is of.
    const std::optional<image::Image>& find(const std::string& reference, const std::string& platform = {}) {
        const std::pair key(reference, platform);
        auto it = found_.find(key);
        if (it == found_.end()) it = found_.emplace(key, image_for(images_, reference, platform)).first;
        return it->second;
    }

    static std::optional<image::Image> image_for(const image::Store& images, const std::string& reference,
                                                 const std::string& platform) {
        const auto name = platform.empty() ? std::nullopt : registry::Reference::try_parse(reference);
        if (name)
            if (auto image = images.find(*name, image::parse_platform(platform))) return image;
        return images.find(reference);
    }

private:
    const image::Store& images_;
    std::map<std::pair<std::string, std::string>, std::optional<image::Image>> found_;
};

} // namespace davit
