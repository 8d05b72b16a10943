#include "engine/engine_impl.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "base/thread.hpp"
#include "base/units.hpp"
#include "compose/place.hpp"
#include "engine/build_request.hpp"
#include "engine/events/record.hpp"
#include "engine/image_lookup.hpp"
#include "engine/pause_image.hpp"
#include "image/pull.hpp"
#include "model/image_reference.hpp"
#include "model/pause_image.hpp"
#include "reconcile/plan_builder.hpp"

#include <algorithm>
#include <atomic>
#include <fmt/format.h>
#include <map>
#include <set>
#include <thread>

namespace davit {

namespace {

// The variant is left to the store: an image for linux/arm64 serves linux/arm64/v8.
bool serves(const image::Image& image, const std::string& platform) {
    if (platform.empty()) return true;
    const auto slash = platform.find('/');
    if (slash == std::string::npos) return image.platform.os == platform || image.platform.architecture == platform;
    const std::string rest = platform.substr(slash + 1);
    return image.platform.os == platform.substr(0, slash) &&
           image.platform.architecture == rest.substr(0, rest.find('/'));
}

// How old an image may be before this policy fetches it again; nothing: age does not matter.
std::optional<std::int64_t> refresh_after(const std::string& policy, const std::string& after) {
    std::string span;
    if (policy == "daily") span = "24h";
    else if (policy == "weekly") span = "168h";
    else if (policy.rfind("every_", 0) == 0) span = policy.substr(6);
    else if (policy == "refresh") span = after;
    if (span.empty()) return std::nullopt;
    return parse_duration(span);
}

} // namespace

void Engine::Impl::pull_one(image::Store& images, const std::string& project, const ImagePull& pull, bool quiet,
                            std::stop_token stop) {
    Event event;
    event.op = OpKind::pull_image;
    event.resource = "image:" + pull.reference;
    event.project = project;
    event.service = pull.service;
    event.kind = EventKind::operation_started;
    emit(event);
    image::FetchOptions how;
    how.platform = pull.platform;
    how.keep_free = config.keep_free;
    how.stop = std::move(stop);
    how.warning = [&](const std::string& text) { warn(project, text); };
    if (!quiet)
        how.progress = [&](const image::PullProgress& p) {
            Event progress = event;
            progress.kind = EventKind::operation_progress;
            progress.text = image::stage_text(p.stage);
            if (!p.layer.empty()) {
                progress.attributes = image::layer_attributes(p);
                progress.text = progress.attributes.at("layer") + " " + progress.text;
            }
            progress.current = p.current;
            progress.total = p.total;
            emit(progress);
        };
    registry::read_daemon_config(how);
    try {
        const auto reference = registry::Reference::parse(pull.reference);
        const image::Image pulled = image::pull(images, reference, how);
        record_image_event(store.roots(), "pull", reference.familiar(), reference.familiar(), pulled.config.labels);
        event.kind = EventKind::operation_done;
        emit(event);
    } catch (const Error& e) {
        event.kind = EventKind::operation_failed;
        event.text = e.what();
        emit(event);
        throw;
    }
}

namespace {

SourcePos image_place(const Project& project, const std::string& service) {
    SourcePos at = compose::place_of(project, "services." + service + ".image");
    if (const Service* s = project.find(service); s && !at.line) at = s->origin.pos;
    return at;
}

} // namespace

void Engine::Impl::pull_all(const Project& project, const std::vector<ImagePull>& pulls, bool quiet,
                            bool ignore_failures, std::stop_token stop) {
    if (pulls.empty()) return;
    image::Store& images = this->images();
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::optional<Error> first;
    auto work = [&] {
        const auto failed = [&](const ImagePull& pull, const Error& e) {
            const std::lock_guard guard(mutex);
            if (!first && !ignore_failures)
                first = Error(e)
                            .with_resource("image:" + pull.reference)
                            .with_at(e.at().line ? e.at() : image_place(project, pull.service));
            if (ignore_failures) warn(project.name, e.what());
        };
        for (std::size_t i = next++; i < pulls.size(); i = next++) try {
                pull_one(images, project.name, pulls[i], quiet, stop);
            } catch (const Error& e) {
                failed(pulls[i], e);
            } catch (const std::exception& e) { // no memory: a thread must not end the program
                failed(pulls[i], Error(Errc::failed, e.what()));
            }
    };
    const std::size_t limit = config.parallel > 0 ? static_cast<std::size_t>(config.parallel) : 8;
    std::vector<std::jthread> threads;
    add_workers(threads, std::min(limit, pulls.size()), work);
    work();
    threads.clear(); // joins
    if (first) throw *first;
}

namespace {

Error with_others(const image::Store& images, const std::string& reference, Error error) {
    if (const auto parsed = registry::Reference::try_parse(reference)) image::hint_at_others(error, images, *parsed);
    return error.with_resource("image:" + reference);
}

// What `--no-build` leaves without an image.
Error not_built(const Project& project, const Service& service, const std::string& reference) {
    const SourcePos at = compose::place_of(project, "services." + service.name + ".build");
    return error(Errc::not_found, "No such image: {}", reference)
        .with_hint(fmt::format("service {} is to be built, which --no-build forbids: 'davit build {}' makes it",
                               service.name, service.name))
        .with_resource("image:" + reference)
        .with_at(at.line ? at : service.origin.pos);
}

} // namespace

namespace {

std::string effective_policy(const Service& service, PullMode mode) {
    if (mode == PullMode::always) return "always";
    if (mode == PullMode::missing) return "missing";
    if (mode == PullMode::never) return "never";
    if (service.pull_policy.empty() || service.pull_policy == "if_not_present") return "missing";
    return service.pull_policy;
}

// What is to be fetched and what is to be built, before anything is.
class ImageNeeds {
public:
    ImageNeeds(const Project& project, const image::Store& images, const ImageWishes& wishes)
        : project_(project), images_(images), wishes_(wishes), lookup_(images) {}

    void add(const Service& service) {
        const std::string reference = image_reference(project_, service);
        if (service.build && (wishes_.build || service.pull_policy == "build") && !wishes_.no_build)
            build(service.name);
        else need(service, reference);
        for (const auto& hook : service.pre_start)
            if (!hook.image.empty() && hook.image != reference) need(service, hook.image);
        for (const auto& mount : service.volumes)
            if (mount.type == MountType::image) need(service, mount.source);
    }

    std::vector<ImagePull> pulls;
    std::vector<std::string> builds; // services

private:
    void need(const Service& service, const std::string& reference) {
        std::string policy = effective_policy(service, wishes_.pull);
        const auto& found = lookup_.find(reference, service.platform);
        const std::string builder = builder_of(service, reference);
        if (found && policy == "never" && !serves(*found, service.platform)) throw other_platform(service, reference);
        if (found && !serves(*found, service.platform) && policy == "missing") policy = "always";
        bool fetch = !found || policy == "always";
        if (const auto limit = refresh_after(policy, service.pull_refresh_after); found && limit) {
            const auto pulled = images_.named_at(registry::Reference::parse(reference));
            fetch = pulled && sys::realtime_ns() - *pulled > *limit;
        }
        if (!fetch) return;
        const bool buildable = !builder.empty();
        if (buildable && (service.image.empty() || policy == "build" || policy == "never" || wishes_.build)) {
            if (found && !wishes_.build) return;
            if (wishes_.no_build) throw not_built(project_, service, reference);
            build(builder);
            return;
        }
        if (policy == "never" || policy == "build") throw not_fetched(service, reference);
        if (std::none_of(pulls.begin(), pulls.end(), [&](const auto& p) { return p.reference == reference; }))
            pulls.push_back({reference, buildable ? builder : service.name, service.platform, buildable && !found});
    }

    // The service that builds this image: itself, or another that gives its build the same name. "" if none does.
    std::string builder_of(const Service& service, const std::string& reference) const {
        auto makes = [&](const Service& s) { return s.build && image_reference(project_, s) == reference; };
        if (makes(service)) return service.name;
        for (const auto& [name, other] : project_.services)
            if (makes(other)) return name;
        return "";
    }

    void build(const std::string& service) {
        if (std::find(builds.begin(), builds.end(), service) == builds.end()) builds.push_back(service);
    }

    Error other_platform(const Service& service, const std::string& reference) const {
        return with_others(images_, reference,
                           error(Errc::not_found,
                                 "image with reference {} was found but does not provide the specified platform ({})",
                                 registry::Reference::parse(reference).familiar(), service.platform)
                               .with_at(service.origin.pos));
    }

    Error not_fetched(const Service& service, const std::string& reference) const {
        return with_others(
            images_, reference,
            error(Errc::not_found, "No such image: {}", registry::Reference::parse(reference).familiar())
                .with_hint(fmt::format(
                    "pull_policy forbids to fetch it here: 'davit image pull {}', or 'davit image load -i FILE'",
                    reference))
                .with_at(image_place(project_, service.name)));
    }

    const Project& project_;
    const image::Store& images_;
    const ImageWishes& wishes_;
    ImageLookup lookup_;
};

} // namespace

void Engine::Impl::ensure_images(const Project& project, const std::vector<const Service*>& services,
                                 const ImageWishes& wishes, std::stop_token stop) {
    const image::Store& images = this->images();
    if (std::any_of(services.begin(), services.end(), [](const Service* s) { return s->image == pause_image; }) &&
        !images.find(pause_image))
        make_pause_image(store.roots());
    ImageNeeds needs(project, images, wishes);
    for (const Service* service : services) needs.add(*service);
    // What can be built is, where no registry has it.
    std::vector<ImagePull> first, rest;
    for (const ImagePull& pull : needs.pulls) (pull.build && !wishes.no_build ? first : rest).push_back(pull);
    pull_all(project, rest, wishes.quiet, false, stop);
    pull_all(project, first, wishes.quiet, true, stop);
    for (const ImagePull& pull : first)
        if (!images.find(pull.reference)) needs.builds.push_back(pull.service);
    if (needs.builds.empty()) return;
    const auto tell = [&](EventKind kind) {
        for (const std::string& name : needs.builds) {
            Event event;
            event.kind = kind;
            event.op = OpKind::build_image;
            event.project = project.name;
            event.service = name;
            const auto of =
                std::find_if(services.begin(), services.end(), [&](const Service* s) { return s->name == name; });
            const Service* service = of != services.end() ? *of : project.find(name);
            event.resource = "image:" + (service ? image_reference(project, *service) : name);
            emit(event);
        }
    };
    tell(EventKind::operation_started);
    build_all(project, needs.builds, {}, config.builds, std::move(stop));
    tell(EventKind::operation_done);
}

namespace {

// What the containers of these services are made of.
std::set<std::pair<std::string, std::string>> references_of(const Project& project,
                                                            const std::vector<const Service*>& services) {
    std::set<std::pair<std::string, std::string>> out; // with the platform
    for (const Service* service : services) {
        out.emplace(image_reference(project, *service), service->platform);
        for (const auto& hook : service->pre_start)
            if (!hook.image.empty()) out.emplace(hook.image, service->platform);
        for (const auto& mount : service->volumes)
            if (mount.type == MountType::image) out.emplace(mount.source, service->platform);
    }
    return out;
}

} // namespace

image::Hold Engine::Impl::provide_images(const Project& project, const std::vector<const Service*>& services,
                                         const ImageWishes& wishes, std::stop_token stop) {
    const image::Store& images = this->images();
    const auto references = references_of(project, services);
    for (int attempt = 1;; ++attempt) {
        ensure_images(project, services, wishes, stop);
        std::set<std::string> ids;
        for (const auto& [reference, platform] : references)
            if (const auto image = ImageLookup::image_for(images, reference, platform)) ids.insert(image->id);
        image::Hold held = images.hold({ids.begin(), ids.end()});
        // A prune may have come in between: then it is fetched again.
        const bool all = std::all_of(references.begin(), references.end(),
                                     [&](const auto& wanted) { return images.find(wanted.first).has_value(); });
        if (all || attempt == 3) return held;
    }
}

namespace {

// That of the command line counts for every service whose image has a name.
std::string policy_for(const Service& service, PullMode mode) {
    if (mode == PullMode::always) return "always";
    if (mode == PullMode::missing) return "missing";
    if (mode == PullMode::never) return "never";
    return service.pull_policy;
}

bool is_latest(const std::string& reference) {
    const auto parsed = registry::Reference::try_parse(reference);
    return parsed && parsed->digest().empty() && parsed->tag() == "latest";
}

} // namespace

void Engine::pull(const Project& project, const PullOptions& options, std::stop_token stop) {
    Project wanted = enable_services(project, options.services);
    wanted = select_services(wanted, options.services,
                             options.include_dependencies ? Dependencies::include : Dependencies::ignore);
    const image::Store& images = impl_->images();
    std::vector<ImagePull> pulls;
    for (const auto& [name, service] : wanted.services) {
        if (service.provider) continue;
        const std::string reference = image_reference(wanted, service);
        Event skipped;
        skipped.kind = EventKind::operation_skipped;
        skipped.op = OpKind::pull_image;
        skipped.project = project.name;
        skipped.service = name;
        skipped.resource = "image:" + reference;
        const auto skip = [&](const char* why) {
            skipped.text = why;
            impl_->emit(skipped);
        };
        if (service.build && service.image.empty()) {
            skipped.resource = name; // nobody knows its image by a name
            skip("No image to be pulled");
            continue;
        }
        const std::string policy = policy_for(service, options.policy);
        if (policy == "never" || policy == "build") {
            skip("");
            continue;
        }
        // A tag that is expected to move is looked up again, for that is what was asked for.
        if ((policy == "missing" || policy == "if_not_present") && !is_latest(reference))
            if (const auto here = ImageLookup::image_for(images, reference, service.platform);
                here && serves(*here, service.platform)) {
                skip("Image is already present locally");
                continue;
            }
        if (service.build && options.ignore_buildable) {
            skip("Image can be built");
            continue;
        }
        if (std::none_of(pulls.begin(), pulls.end(), [&](const auto& p) { return p.reference == reference; }))
            pulls.push_back({reference, name, service.platform, service.build.has_value()});
    }
    if (impl_->config.approve) {
        PlanBuilder plan(project.name);
        for (const auto& pull : pulls) plan.add(OpKind::pull_image, "image:" + pull.reference, "pull");
        if (!impl_->approved(plan.take())) return;
    }
    impl_->pull_all(project, pulls, options.quiet, options.ignore_failures, std::move(stop));
}

} // namespace davit
