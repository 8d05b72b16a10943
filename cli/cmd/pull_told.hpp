// What docker says of an image that is fetched: by `pull` on standard output, by `run` and `create` on standard error.
#pragma once

#include "base/error.hpp"
#include "davit/containers.hpp"
#include "davit/event.hpp"
#include "davit/images.hpp"

#include <cstdio>
#include <string>

namespace davit::cli {

// The digest that the name stands for; that of its manifest where the registry's is not known.
std::string digest_of(const image::Image& image, const ImageName& name);

// "7: Pulling from library/redis", the digest and what has become of it.
void print_pulled(std::FILE* to, const ImageName& name, const std::string& digest, bool fresh);

// Why a registry did not give an image, as docker's engine tells it; in davit's own words the error itself.
Error unresolved(const Error& error, const ImageName& name);

// Watches the events of one `run` or `create`.
class PullTold {
public:
    PullTold(Engine& engine, const ContainerSpec& spec) : engine_(engine), spec_(spec) {}
    void see(const Event& event);
    // The error of the whole command, if it was the pull's.
    Error explained(const Error& error) const;

private:
    Engine& engine_;
    const ContainerSpec& spec_;
    std::string before_, failure_; // the image's id; why it did not come
};

} // namespace davit::cli
