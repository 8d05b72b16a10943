// Engine: a plan on its way to the supervisor.
#include "engine/engine_impl.hpp"

#include "base/error.hpp"
#include "compose/place.hpp"

#include <algorithm>
#include <utility>

namespace davit {

// It starts beside the staging of containers, which needs nothing of it.
Engine::Impl::Supervisor Engine::Impl::start_supervisor(const std::string& project, bool needed) {
    if (!needed) return {};
    return std::async(std::launch::async,
                      [this, project] { return SupervisorClient::connect_or_start(store.roots(), project); });
}

void Engine::Impl::send(Plan plan, std::stop_token stop, Supervisor started, const EventSink& also) {
    if (plan.empty()) return SupervisorClient::look_after(store.roots(), plan.project);
    auto supervisor = started.valid() ? started.get() : SupervisorClient::connect_or_start(store.roots(), plan.project);
    EventSink both = [ours = sink(), &also](const Event& event) {
        if (also) also(event);
        ours(event);
    };
    supervisor.apply(plan, both, std::move(stop));
}

namespace {

// The attribute that the words of a failed start are about.
std::string part_of(std::string_view text) {
    static const std::pair<std::string_view, const char*> words[] = {{"find user", "user"},
                                                                     {"find group", "group_add"},
                                                                     {"port is already", "ports"},
                                                                     {"ddress already in use", "ports"},
                                                                     {"ports are not available", "ports"},
                                                                     {"ysctl", "sysctls"},
                                                                     {"working directory", "working_dir"},
                                                                     {"rlimit", "ulimits"},
                                                                     {"limit of", "ulimits"},
                                                                     {"device", "devices"},
                                                                     {"seccomp", "security_opt"},
                                                                     {"apparmor", "security_opt"},
                                                                     {"IPC namespace", "ipc"},
                                                                     {"joins a namespace", "network_mode"},
                                                                     {"executable", "command"},
                                                                     {"exec", "command"},
                                                                     {"mount", "volumes"}};
    for (const auto& [word, part] : words)
        if (text.find(word) != std::string_view::npos) return std::string(".") + part;
    return {};
}

} // namespace

void Engine::Impl::put_at(Error& error, const Event& failed, const Project& project,
                          const std::vector<BuiltContainer>& built) const {
    if (error.at().line || failed.op == OpKind::wait_container) return;
    auto put = [&](const std::string& path) {
        if (SourcePos at = compose::place_of(project, path); at.line) error.with_at(std::move(at));
    };
    for (const auto& c : built) {
        if (c.record.id != failed.container_id) continue;
        if (!c.start_failure && c.record.oneoff) return; // the command line may be what is wrong
        if (!c.start_failure) return put("services." + c.record.service + part_of(error.what()));
        Error known(c.start_failure->kind(), error.what()); // the supervisor has only the words
        known.with_os(c.start_failure->os()).with_hint(c.start_failure->hint()).with_at(c.start_failure->at());
        for (const auto& context : error.context()) known.with_context(context);
        error = known;
        return;
    }
    for (const auto& [key, network] : project.networks)
        if (failed.resource == "network:" + network.name) return put("networks." + key);
    for (const auto& [key, volume] : project.volumes)
        if (failed.resource == "volume:" + volume.name) return put("volumes." + key);
}

void Engine::apply(const Plan& plan, std::stop_token stop) {
    if (!impl_->approved(plan)) return;
    const FileLock held = impl_->lock(plan.project, stop);
    impl_->send(plan, std::move(stop));
    // What is taken away last takes the project with it.
    const auto removes = [](const Operation& op) {
        return op.kind == OpKind::remove_container || op.kind == OpKind::remove_network ||
               op.kind == OpKind::remove_volume;
    };
    if (std::all_of(plan.operations.begin(), plan.operations.end(), removes)) impl_->forget_if_empty(plan.project);
}

} // namespace davit
