// Swarm: the images of services.
#include "engine/swarm/swarm_impl.hpp"

#include "base/error.hpp"
#include "image/store.hpp"
#include "registry/reference.hpp"

namespace davit {

namespace {

// As the registry has called it, for whoever looks for it again.
std::string pinned_image(const std::string& name, const image::Store& images) {
    const auto reference = registry::Reference::try_parse(name);
    if (!reference || !reference->digest().empty()) return name;
    const auto found = images.find(*reference);
    if (!found) return name;
    const std::string prefix = reference->familiar_name() + "@";
    for (const auto& digest : found->digests)
        if (digest.starts_with(prefix)) return reference->familiar() + digest.substr(prefix.size() - 1);
    return name;
}

} // namespace

void Swarm::Impl::pull_image(const std::string& image, const std::string& service, const std::string& project,
                             PullMode mode, bool quiet, std::stop_token stop) {
    Project wanted;
    wanted.name = project;
    Service& one = wanted.services[service];
    one.name = service;
    one.image = image;
    PullOptions pull;
    pull.policy = mode;
    pull.quiet = quiet;
    engine.pull(wanted, pull, std::move(stop));
}

void Swarm::Impl::provide_image(swarm::ServiceSpec& spec, const std::string& project, const ServiceOptions& options,
                                std::vector<std::string>& warnings, std::stop_token stop) {
    auto& container = spec.task.container;
    if (!container.image_id.empty()) return; // a roll-back has looked
    const image::Store images(store.roots().images());
    if (!images.find(container.image)) try {
            pull_image(container.image, spec.name, project, PullMode::missing, options.quiet_pull, stop);
        } catch (const Error& e) {
            if (e.kind() == Errc::interrupted) throw;
            warnings.push_back(
                fmt::format("image {} could not be accessed: {}; its tasks are rejected", container.image, e.what()));
            return;
        }
    if (options.resolve_image == ResolveImage::never) return;
    const std::string known = pinned_image(container.image, images);
    // One that was built or loaded here is nobody else's to change.
    if (known != container.image && asked.insert(container.image).second) try {
            pull_image(container.image, spec.name, project, PullMode::always, options.quiet_pull, stop);
        } catch (const Error& e) {
            if (e.kind() == Errc::interrupted) throw;
            warnings.push_back(fmt::format("the registry cannot be asked what {} is by now: {}; it stays what it is "
                                           "on this machine",
                                           container.image, e.what()));
        }
    container.image = pinned_image(container.image, images);
}

} // namespace davit
