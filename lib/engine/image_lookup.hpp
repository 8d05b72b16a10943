// Images by reference, each looked up once: many services share one.
#pragma once

#include "image/store.hpp"

#include <map>
#include <optional>
#include <string>

namespace davit {

class ImageLookup {
public:
    explicit ImageLookup(const image::Store& images) : images_(images) {}
    const std::optional<image::Image>& find(const std::string& reference) {
        auto it = found_.find(reference);
        if (it == found_.end()) it = found_.emplace(reference, images_.find(reference)).first;
        return it->second;
    }

private:
    const image::Store& images_;
    std::map<std::string, std::optional<image::Image>> found_;
};

} // namespace davit
