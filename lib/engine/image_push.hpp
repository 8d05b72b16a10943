// Pushing one image, told as events.
#pragma once

#include "davit/event.hpp"
#include "davit/images.hpp"
#include "image/store.hpp"
#include "registry/reference.hpp"

#include <functional>
#include <stop_token>

namespace davit {

// kind, text, bytes now, bytes in all
using PushTeller = std::function<void(EventKind, const std::string&, std::uint64_t, std::uint64_t)>;

// Tells of its beginning, progress (unless quiet) and end; throws as push_image().
PushedImage push_told(image::Store& store, const registry::Reference& reference, const std::string& platform,
                      bool quiet, const PushTeller& tell, const std::function<void(const PushedLayer&)>& layer,
                      std::stop_token stop);

} // namespace davit
