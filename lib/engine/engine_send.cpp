// Engine: a plan on its way to the supervisor.
#include "engine/engine_impl.hpp"

#include "base/error.hpp"
#include "base/thread.hpp"
#include "compose/place.hpp"
#include "engine/restage.hpp"
#include "engine/swarm/template_steps.hpp"

#include <algorithm>
#include <utility>

namespace davit {

// It starts beside the staging of containers, which needs nothing of it.
Engine::Impl::Supervisor Engine::Impl::start_supervisor(const std::string& project, bool needed) {
    if (!needed) return {};
    return async_started([this, project] { return start_task_supervisor(store, project); });
}

void Engine::Impl::send(Plan plan, std::stop_token stop, Supervisor started, const EventSink& also) {
    if (plan.empty()) return SupervisorClient::look_after(store.roots(), plan.project);
    heed(stop);
    auto supervisor = started.valid() ? started.get() : start_task_supervisor(store, plan.project);
    std::string failed; // the first one is what the plan's failure is about
    EventSink both = [ours = sink(), &also, &failed](const Event& event) {
        if (event.kind == EventKind::operation_failed && failed.empty()) failed = event.resource;
        if (also) also(event);
        ours(event);
    };
    try {
        supervisor.apply(plan, both, std::move(stop));
    } catch (Error& e) {
        if (e.resource().empty()) e.with_resource(failed);
        throw;
    }
}

void Engine::Impl::prepare_starts(const Plan& plan, const Project* model) {
    Restager restager(store, plan.project, secret_text(model));
    for (const Operation& op : plan.operations) {
        if (op.kind != OpKind::start_container && op.kind != OpKind::restart_container) continue;
        if (const auto record = store.container(plan.project, op.container_id)) restager.prepare(*record);
    }
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

// The longest of the names that the text has, as a key or an index of the attribute's.
template <typename List, typename Name, typename Path>
std::string longest_named(std::string_view text, const List& list, Name&& name, Path&& path) {
    std::string found;
    std::size_t length = 0, index = 0;
    for (const auto& entry : list) {
        const std::string& wanted = name(entry);
        if (wanted.size() > length && text.find(wanted) != std::string_view::npos) {
            found = path(entry, index);
            length = wanted.size();
        }
        ++index;
    }
    return found;
}

// Which entry of the attribute.
std::string entry_of(const Service& service, std::string_view part, const std::string& text) {
    const auto by_key = [](const auto& entry, std::size_t) { return "." + entry.first; };
    const auto by_index = [](const auto&, std::size_t i) { return fmt::format("[{}]", i); };
    if (part == ".sysctls")
        return longest_named(
            text, service.sysctls,
            [](const auto& entry) { // the kernel's message has slashes
                std::string path = entry.first;
                std::replace(path.begin(), path.end(), '.', '/');
                return path;
            },
            by_key);
    if (part == ".ulimits")
        return longest_named(
            text, service.ulimits, [](const auto& e) { return e.first; }, by_key);
    if (part == ".volumes")
        return longest_named(
            text, service.volumes, [](const auto& e) { return e.target; }, by_index);
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
        if (!c.start_failure) {
            const std::string part = part_of(error.what());
            const auto service = project.services.find(c.record.service);
            return put("services." + c.record.service + part +
                       (service == project.services.end() ? "" : entry_of(service->second, part, error.what())));
        }
        Error known(c.start_failure->kind(), error.what()); // the supervisor has only the words
        known.with_os(c.start_failure->os()).with_hint(c.start_failure->hint()).with_at(c.start_failure->at());
        known.with_resource(error.resource());
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
    impl_->prepare_starts(plan, nullptr);
    impl_->send(plan, std::move(stop));
    // What is taken away last takes the project with it.
    const auto removes = [](const Operation& op) {
        return op.kind == OpKind::remove_container || op.kind == OpKind::remove_network ||
               op.kind == OpKind::remove_volume;
    };
    if (std::all_of(plan.operations.begin(), plan.operations.end(), removes)) impl_->forget_if_empty(plan.project);
}

} // namespace davit
