#include "engine/engine_impl.hpp"

#include "base/programs.hpp"
#include "base/sys.hpp"

namespace davit {

namespace {

Roots roots_of(const EngineOptions& options) {
    Roots roots = Roots::from_environment();
    if (!options.state_dir.empty()) roots.state = options.state_dir;
    if (!options.run_dir.empty()) roots.run = options.run_dir;
    check_roots(roots);
    return roots;
}

} // namespace

Engine::Impl::Impl(EngineOptions with) : config(std::move(with)), store(roots_of(config)) {
    if (!config.libexec_dir.empty()) name_programs(config.libexec_dir);
}

image::Store& Engine::Impl::images() {
    const std::lock_guard guard(images_mutex_);
    if (images_) images_->make_directories();
    else images_.emplace(store.roots().images());
    return *images_;
}

void Engine::Impl::emit(const Event& event) {
    const std::lock_guard guard(*events_mutex);
    if (!config.events) return;
    Event stamped = event;
    if (stamped.time_ns == 0) stamped.time_ns = sys::realtime_ns();
    config.events(stamped);
}

void Engine::Impl::warn(const std::string& project, const std::string& text) {
    Event event;
    event.kind = EventKind::warning;
    event.project = project;
    event.text = text;
    emit(event);
}

EventSink Engine::Impl::sink() {
    return [this](const Event& event) { emit(event); };
}

Engine::Engine(EngineOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

const std::string& Engine::state_dir() const { return impl_->store.roots().state; }
const std::string& Engine::run_dir() const { return impl_->store.roots().run; }

Plan Engine::plan_up(const Project& project, const UpOptions& options) {
    Project wanted = selected(project, options.services, options.no_deps);
    ReconcileOptions reconcile = reconcile_options(project, options, !options.no_start);
    for (const auto& provided : take_providers(wanted)) reconcile.targets.erase(provided.service.name);
    return impl_->plan(wanted, reconcile).result.plan;
}

void Engine::up(const Project& project, const UpOptions& options, std::stop_token stop) {
    impl_->up(project, options, !options.no_start, {"up", {}, {}, false, options.scale}, std::move(stop));
}

void Engine::create(const Project& project, const CreateOptions& options, std::stop_token stop) {
    UpOptions up;
    static_cast<CreateOptions&>(up) = options;
    impl_->up(project, up, false, {"create", {}, {}, false, options.scale}, std::move(stop));
}

void Engine::scale(const Project& project, const std::map<std::string, int>& replicas, bool no_deps,
                   std::stop_token stop) {
    UpOptions up;
    for (const auto& [service, unused] : replicas) up.services.push_back(service);
    up.scale = replicas;
    up.no_deps = no_deps;
    impl_->up(project, up, true, {}, std::move(stop));
}

} // namespace davit
