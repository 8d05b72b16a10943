#include "cli/cmd/pull_told.hpp"

#include "base/printable.hpp"
#include "cli/docker_errors.hpp"

#include <unistd.h>

namespace davit::cli {

namespace {

// "docker.io/library/redis:7" → "library/redis"
std::string path_of(const ImageName& name) {
    const std::string rest = name.canonical.substr(name.canonical.find('/') + 1);
    return rest.substr(0, rest.find_first_of(":@"));
}

// "docker.io/library/redis:7", without a digest's tag.
std::string shown(const ImageName& name) { return name.canonical; }

} // namespace

std::string digest_of(const image::Image& image, const ImageName& name) {
    if (!name.digest.empty()) return name.digest;
    for (const std::string& digest : image.digests)
        if (digest.starts_with(name.repository + "@")) return digest.substr(name.repository.size() + 1);
    return image.manifest_digest;
}

void LayerLines::begin() {
    if (std::exchange(begun_, true)) return;
    std::fprintf(to_, "%s: Pulling from %s\n", printable(name_.tag.empty() ? name_.canonical : name_.tag).c_str(),
                 printable(path_of(name_)).c_str());
}

void LayerLines::tell(const std::string& layer, const char* state) {
    if (!told_[layer].insert(state).second) return;
    begin();
    std::fprintf(to_, "%s: %s\n", printable(layer).c_str(), state);
    std::fflush(to_);
}

void LayerLines::see(const Event& event) {
    const auto layer = event.attributes.find("layer"), state = event.attributes.find("state");
    if (event.kind != EventKind::operation_progress || layer == event.attributes.end() ||
        state == event.attributes.end())
        return;
    const std::string& id = layer->second;
    if (state->second == "Already exists") {
        if (begun_) tell(id, "Already exists");
        else present_.push_back(id);
        return;
    }
    for (const std::string& there : std::exchange(present_, {})) tell(there, "Already exists");
    tell(id, "Pulling fs layer");
    const bool complete = state->second == "Pull complete";
    if (complete || state->second == "Extracting") tell(id, "Download complete");
    if (complete) tell(id, "Pull complete");
}

void LayerLines::end(const std::string& digest, bool fresh) {
    begin();
    std::fprintf(to_, "Digest: %s\nStatus: %s %s\n", digest.c_str(),
                 fresh ? "Downloaded newer image for" : "Image is up to date for", printable(name_.familiar).c_str());
    std::fflush(to_);
}

Error unresolved(const Error& error, const ImageName& name) {
    if (!docker_is_spoken() || error.kind() == Errc::interrupted) return error;
    std::string text = error.what();
    const bool of_registry = text.find("registry") != std::string::npos || error.kind() == Errc::unavailable;
    if (!of_registry) return error;
    // Nobody listens there: as docker has it, without davit's words before.
    if (const std::size_t request = text.find("failed to do request: "); request != std::string::npos)
        text.erase(0, request);
    const bool missing = error.kind() == Errc::not_found && text.find("cannot be found") == std::string::npos;
    return Error(error.kind(), fmt::format("failed to resolve reference \"{}\": {}", shown(name),
                                           missing ? shown(name) + ": not found" : text));
}

void PullTold::see(const Event& event) {
    if (event.op != OpKind::pull_image) return;
    const ImageName name = parse_image_name(spec_.service.image);
    if (event.kind == EventKind::operation_failed) failure_ = event.text;
    if (spec_.quiet_pull) return;
    if (lines_ && docker_is_spoken() && ::isatty(STDERR_FILENO) == 0) lines_->see(event);
    if (event.kind == EventKind::operation_started) {
        lines_.emplace(stderr, name);
        const auto there = find_image(engine_, name.familiar);
        before_ = there ? there->id : "";
        if (spec_.pull != PullMode::always)
            std::fprintf(stderr, "Unable to find image '%s' locally\n", printable(name.familiar).c_str());
    }
    if (event.kind != EventKind::operation_done || !docker_is_spoken() || !lines_) return;
    if (const auto image = find_image(engine_, name.familiar))
        lines_->end(digest_of(*image, name), image->id != before_);
}

Error PullTold::explained(const Error& error) const {
    if (failure_.empty() || failure_ != error.what()) return error;
    return unresolved(error, parse_image_name(spec_.service.image));
}

} // namespace davit::cli
