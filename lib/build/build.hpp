// One build, from its request to the image.
#pragma once

#include "build/progress.hpp"
#include "davit/build.hpp"
#include "image/store.hpp"
#include "project/paths.hpp"

#include <functional>
#include <stop_token>
#include <string>

namespace davit::build {

struct Surroundings {
    Roots roots;
    image::Store& images;
    // An image of a registry, fetched into the store. Called from several threads.
    std::function<image::Image(const std::string& reference, const std::string& platform,
                               const std::function<void(std::uint64_t current, std::uint64_t total)>& progress)>
        pull;
    // Its configuration alone, from there. Called from one thread.
    std::function<image::Image(const std::string& reference, const std::string& platform)> look;
    std::string platform; // of this machine: "linux/amd64"
    std::string prefix;   // before steps' names, where several builds share one progress: the service
};

// Blocks until the image is there. Errors as Engine::build().
BuildResult build(const BuildRequest& request, const Surroundings& surroundings, Progress& progress,
                  std::stop_token stop);

} // namespace davit::build
