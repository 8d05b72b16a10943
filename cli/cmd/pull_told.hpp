// What docker says of an image that is fetched: by `pull` on standard output, by `run` and `create` on standard error.
#pragma once

#include "base/error.hpp"
#include "davit/containers.hpp"
#include "davit/event.hpp"
#include "davit/images.hpp"

#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace davit::cli {

// The digest that the name stands for; that of its manifest where the registry's is not known.
std::string digest_of(const image::Image& image, const ImageName& name);

// Away from a terminal: "7: Pulling from library/redis", then a line for each state of a layer that does not count
// bytes. An image whose layers are all here is told without them.
class LayerLines {
public:
    LayerLines(std::FILE* to, ImageName name) : to_(to), name_(std::move(name)) {}
    void see(const Event& event);
    // The digest and what has become of it.
    void end(const std::string& digest, bool fresh);

private:
    void begin();
    void tell(const std::string& layer, const char* state);

    std::FILE* to_;
    ImageName name_;
    bool begun_ = false;
    std::vector<std::string> present_;                  // not told yet
    std::map<std::string, std::set<std::string>> told_; // layer → states
};

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
    std::optional<LayerLines> lines_;
};

} // namespace davit::cli
