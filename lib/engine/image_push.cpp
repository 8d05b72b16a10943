#include "engine/image_push.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "base/thread.hpp"
#include "build/layer_blobs.hpp"
#include "compose/place.hpp"
#include "engine/engine_impl.hpp"
#include "engine/roots.hpp"
#include "image/push.hpp"
#include "reconcile/plan_builder.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

namespace davit {

namespace {

std::optional<PushedLayer> arrived(const image::PushProgress& progress) {
    using Stage = image::PushProgress::Stage;
    using How = PushedLayer::How;
    switch (progress.stage) {
    case Stage::present: return PushedLayer{progress.layer, How::present, ""};
    case Stage::mounted: return PushedLayer{progress.layer, How::mounted, progress.from};
    case Stage::pushed: return PushedLayer{progress.layer, How::pushed, ""};
    case Stage::skipped: return PushedLayer{progress.layer, How::skipped, ""};
    default: return std::nullopt;
    }
}

} // namespace

PushedImage push_told(image::Store& store, const registry::Reference& reference, const std::string& platform,
                      bool quiet, const PushTeller& tell, const std::function<void(const PushedLayer&)>& layer,
                      std::stop_token stop) {
    image::PushTotals totals;
    image::PushOptions how;
    registry::read_daemon_config(how);
    how.platform = platform;
    how.blobs = build::layer_blobs();
    how.stop = std::move(stop);
    how.warning = [&](const std::string& text) { tell(EventKind::warning, text, 0, 0); };
    how.progress = [&](const image::PushProgress& progress) {
        totals.add(progress);
        if (!quiet) tell(EventKind::operation_progress, totals.text(), totals.current(), totals.total());
        if (const auto there = arrived(progress); there && layer) layer(*there);
    };
    tell(EventKind::operation_started, "", 0, 0);
    try {
        const image::Pushed done = image::push(store, reference, how);
        tell(EventKind::operation_done, "", 0, 0);
        return {reference.canonical(), reference.tag(), done.digest, done.size};
    } catch (const Error& e) {
        tell(EventKind::operation_failed, e.what(), 0, 0);
        throw;
    }
}

PushedImage push_image(Engine& engine, const std::string& name, const PushImageOptions& options, std::stop_token stop) {
    const auto reference = registry::Reference::parse(name);
    const auto tell = [&, resource = "image:" + reference.familiar()](EventKind kind, const std::string& text,
                                                                      std::uint64_t current, std::uint64_t total) {
        if (!options.events) return;
        Event event;
        event.kind = kind;
        event.time_ns = sys::realtime_ns();
        event.op = OpKind::push_image;
        event.resource = resource;
        event.text = text;
        event.current = current;
        event.total = total;
        options.events(event);
    };
    image::Store store(roots_of(engine).images());
    return about("image:" + reference.familiar(), [&] {
        return push_told(store, reference, options.platform, false, tell, options.layer, std::move(stop));
    });
}

namespace {

struct ServicePush {
    std::string reference, service;
};

// As docker compose: what is built here and has a name of its own; the rest came from a registry.
std::vector<ServicePush> pushes_of(const Project& project, std::vector<std::string>& skipped) {
    std::vector<ServicePush> out;
    const auto add = [&](const std::string& reference, const std::string& service) {
        if (std::none_of(out.begin(), out.end(), [&](const auto& p) { return p.reference == reference; }))
            out.push_back({reference, service});
    };
    for (const auto& [name, service] : project.services) {
        if (!service.build || service.image.empty()) {
            skipped.push_back(service.image.empty() ? name : service.image);
            continue;
        }
        add(service.image, name);
        for (const auto& tag : service.build->tags) add(tag, name);
    }
    return out;
}

SourcePos place_of_image(const Project& project, const std::string& service) {
    SourcePos at = compose::place_of(project, "services." + service + ".image");
    if (const Service* s = project.find(service); s && !at.line) at = s->origin.pos;
    return at;
}

} // namespace

void Engine::push(const Project& project, const PushOptions& options, std::stop_token stop) {
    Project wanted = enable_services(project, options.services);
    wanted = select_services(wanted, options.services,
                             options.include_dependencies ? Dependencies::include : Dependencies::ignore);
    std::vector<std::string> skipped;
    const std::vector<ServicePush> pushes = pushes_of(wanted, skipped);
    if (impl_->config.approve) {
        PlanBuilder plan(project.name);
        for (const auto& push : pushes) plan.add(OpKind::push_image, "image:" + push.reference, "push");
        if (!impl_->approved(plan.take())) return;
    }
    image::Store store(impl_->store.roots().images());
    const auto tell = [&](const std::string& reference, const std::string& service) -> PushTeller {
        Event event;
        event.op = OpKind::push_image;
        event.resource = "image:" + reference;
        event.project = project.name;
        event.service = service;
        return [this, event](EventKind kind, const std::string& text, std::uint64_t current, std::uint64_t total) {
            Event now = event;
            now.kind = kind;
            now.text = text;
            now.current = current;
            now.total = total;
            impl_->emit(now);
        };
    };
    for (const auto& name : skipped) tell(name, "")(EventKind::operation_skipped, "not built here", 0, 0);
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::optional<Error> first;
    auto work = [&] {
        for (std::size_t i = next++; i < pushes.size(); i = next++) try {
                const auto& [reference, service] = pushes[i];
                push_told(store, registry::Reference::parse(reference), "", options.quiet, tell(reference, service), {},
                          stop);
            } catch (const Error& e) {
                const std::lock_guard guard(mutex);
                if (options.ignore_failures && e.kind() != Errc::interrupted) {
                    impl_->warn(project.name, e.what());
                    continue;
                }
                if (!first) first = Error(e).with_at(e.at().line ? e.at() : place_of_image(project, pushes[i].service));
            }
    };
    const std::size_t limit = impl_->config.parallel > 0 ? static_cast<std::size_t>(impl_->config.parallel) : 4;
    std::vector<std::jthread> threads;
    add_workers(threads, std::min(limit, pushes.size()), work);
    work();
    threads.clear(); // joins
    if (first) throw *first;
}

} // namespace davit
