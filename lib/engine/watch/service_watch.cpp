#include "engine/watch/service_watch.hpp"

#include "base/error.hpp"
#include "base/thread.hpp"
#include "davit/images.hpp"
#include "engine/watch/sync.hpp"
#include "engine/watch/tree_watch.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace davit {

using Kind = WatchEvent::Kind;

ServiceWatch::ServiceWatch(Engine& engine, const Project& project, const Service& service, WatchRules rules,
                           WatchMemory& memory, const WatchOptions& options, WatchSink sink)
    : engine_(engine), project_(project), service_(service), rules_(std::move(rules)), memory_(memory),
      options_(options), sink_(std::move(sink)) {}

ServiceWatch::~ServiceWatch() {
    if (thread_.joinable()) {
        thread_.request_stop();
        thread_.join();
    }
    memory_.pending.insert(pending_.begin(), pending_.end());
}

void ServiceWatch::tell(Kind kind, std::string text, std::size_t changes, std::int64_t milliseconds) {
    WatchEvent event;
    event.kind = kind;
    event.service = service_.name;
    event.text = std::move(text);
    event.changes = changes;
    event.milliseconds = milliseconds;
    sink_(event);
}

template <typename F>
bool ServiceWatch::attempt(const std::string& what, F&& fn) {
    try {
        std::forward<F>(fn)();
        return true;
    } catch (const Error& e) {
        if (stop_.stop_requested()) return false;
        tell(Kind::failed, what + ": " + e.describe());
        return false;
    }
}

void ServiceWatch::begin(bool first, std::stop_token stop) {
    stop_ = std::move(stop);
    if (first && rules_.initial_paths().empty())
        for (const ContainerInfo& container : containers()) memory_.up_to_date.insert(container.id);
    else look_ = true;
    // Of rules that are gone.
    std::erase_if(memory_.synced, [&](const WatchCopy& copy) {
        const auto now = rules_.plan({copy.host}).sync;
        return std::find(now.begin(), now.end(), copy) == now.end();
    });
    pending_.merge(memory_.pending);
    memory_.pending.clear();
    thread_ = started<std::jthread>([this](const std::stop_token& ending) { work(ending); });
}

void ServiceWatch::changed(const std::set<std::string>& paths) {
    // What no rule is about wakes nobody.
    if (rules_.plan(paths).empty()) return;
    {
        const std::lock_guard guard(mutex_);
        pending_.insert(paths.begin(), paths.end());
    }
    wake_.notify_one();
}

void ServiceWatch::look_if(const std::string& service) {
    if (service != service_.name) return;
    {
        const std::lock_guard guard(mutex_);
        look_ = true;
    }
    wake_.notify_one();
}

void ServiceWatch::work(const std::stop_token& ending) {
    std::stop_callback wake(stop_, [this] {
        const std::lock_guard guard(mutex_); // not between the question and the wait
        wake_.notify_one();
    });
    while (!stop_.stop_requested()) {
        std::set<std::string> paths;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, ending, [&] { return !pending_.empty() || look_ || stop_.stop_requested(); });
            if (ending.stop_requested() || stop_.stop_requested()) return;
            paths = std::exchange(pending_, {});
            look_ = false;
        }
        if (paths.empty()) attempt("syncing", [&] { bring({}); });
        else handle(paths);
    }
}

void ServiceWatch::handle(const std::set<std::string>& paths) {
    const WatchSteps steps = rules_.plan(paths);
    // A failed rebuild leaves the containers as they are: the rest of the batch is for them.
    const bool rebuilt = steps.rebuild && rebuild();
    bool synced = true;
    if (!steps.sync.empty()) {
        const auto begin = std::chrono::steady_clock::now();
        tell(Kind::syncing, {}, steps.sync.size());
        synced = attempt("syncing", [&] { bring(steps.sync); });
        const auto took = std::chrono::steady_clock::now() - begin;
        if (synced)
            tell(Kind::synced, {}, steps.sync.size(),
                 std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
    } else if (rebuilt) {
        attempt("syncing", [&] { bring({}); });
    }
    if (steps.restart && !rebuilt && synced) restart();
    if (synced)
        for (const std::size_t rule : steps.exec) run_hooks(rule);
}

std::vector<ContainerInfo> ServiceWatch::containers() {
    std::vector<ContainerInfo> out = engine_.containers(project_.name);
    std::erase_if(out, [&](const ContainerInfo& c) {
        return c.service != service_.name || c.oneoff || c.state == ContainerState::removing ||
               c.state == ContainerState::dead;
    });
    return out;
}

std::vector<WatchCopy> ServiceWatch::everything() const {
    std::set<WatchCopy> out = memory_.synced;
    for (const std::string& path : rules_.initial_paths())
        for (WatchCopy& copy :
             rules_.initial(list_tree(path, [&](const std::string& directory) { return rules_.enters(directory); })))
            out.insert(std::move(copy));
    return {out.begin(), out.end()};
}

void ServiceWatch::bring(const std::vector<WatchCopy>& copies) {
    memory_.synced.insert(copies.begin(), copies.end());
    const auto present = containers();
    std::set<std::string> ids;
    for (const ContainerInfo& container : present) ids.insert(container.id);
    std::erase_if(memory_.up_to_date, [&](const std::string& id) { return !ids.contains(id); });
    std::optional<Error> first;
    for (const ContainerInfo& container : present) try {
            // One that is about to start is mounted by somebody else; its start is told.
            if (container.state == ContainerState::created) memory_.up_to_date.erase(container.id);
            else bring_to(container, copies);
        } catch (const Error& e) {
            if (!first) first = e;
        }
    if (first) throw *first;
}

void ServiceWatch::bring_to(const ContainerInfo& container, const std::vector<WatchCopy>& copies) {
    const bool knows = memory_.up_to_date.contains(container.id);
    // What fails now is brought next time with everything else.
    memory_.up_to_date.erase(container.id);
    constexpr int most_attempts = 3; // it ends, begins again, or is made anew at this very moment
    ContainerInfo now = container;
    for (int attempt = 1;; ++attempt) try {
            sync_into(engine_, now, knows ? copies : everything());
            memory_.up_to_date.insert(container.id);
            return;
        } catch (const Error& e) {
            const auto again = engine_.container(project_.name, container.id);
            if (!again || again->state == ContainerState::removing) return; // its successor gets everything
            if (e.kind() != Errc::unavailable || attempt == most_attempts) throw;
            now = *again;
        }
}

bool ServiceWatch::rebuild() {
    tell(Kind::rebuilding);
    const auto before = containers();
    std::set<std::string> images;
    for (const ContainerInfo& container : before) images.insert(container.image_id);
    const bool done = attempt("rebuilding", [&] {
        UpOptions up;
        up.services = {service_.name};
        up.no_deps = true;
        up.build = true;
        up.ignore_orphans = true;
        up.recreate = Recreate::always;
        if (!before.empty()) up.scale[service_.name] = static_cast<int>(before.size());
        engine_.up(project_, up, stop_);
    });
    if (!done) return false;
    tell(Kind::rebuilt);
    attempt("starting what depends on it", [&] {
        StartOptions start;
        const auto dependents = dependents_of(project_, service_.name);
        for (const ContainerInfo& c : engine_.containers(project_.name))
            if (!c.oneoff && std::find(dependents.begin(), dependents.end(), c.service) != dependents.end() &&
                c.state != ContainerState::running && c.state != ContainerState::paused &&
                std::find(start.services.begin(), start.services.end(), c.service) == start.services.end())
                start.services.push_back(c.service);
        if (!start.services.empty()) engine_.start(ProjectRef(project_), start, stop_);
    });
    if (options_.prune) prune(images);
    return true;
}

// Of those that its containers had, what nobody has any more and has no name. Revisions have no say: whoever watches
// makes one with each edit.
void ServiceWatch::prune(const std::set<std::string>& images) {
    RemoveImageOptions how;
    how.force = true;
    for (const std::string& id : images) try {
            const auto image = find_image(engine_, id);
            if (image && image->tags.empty() && containers_of(engine_, *image).empty()) remove_image(engine_, id, how);
        } catch (const Error& e) {
            if (e.kind() != Errc::not_found && e.kind() != Errc::conflict)
                tell(Kind::warning, fmt::format("removing the image before: {}", e.what()));
        }
}

void ServiceWatch::restart() {
    tell(Kind::restarting);
    RestartOptions options;
    options.services = {service_.name};
    if (attempt("restarting", [&] { engine_.restart(ProjectRef(project_), options, stop_); })) tell(Kind::restarted);
}

void ServiceWatch::run_hooks(std::size_t rule) {
    const auto& hook = service_.develop->watch.at(rule).exec;
    for (const ContainerInfo& container : containers())
        if (container.state == ContainerState::running)
            attempt("exec in " + container.name, [&] { run_hook(container, *hook); });
}

void ServiceWatch::run_hook(const ContainerInfo& container, const ServiceHook& hook) {
    ExecOptions exec;
    exec.command = hook.command.value_or(std::vector<std::string>{});
    if (!hook.user.empty()) exec.user = hook.user;
    if (!hook.working_dir.empty()) exec.working_dir = hook.working_dir;
    exec.privileged = hook.privileged;
    exec.interactive = false;
    for (const auto& [name, value] : hook.environment)
        if (value) exec.environment.push_back(name + "=" + *value);
    const auto output = [&](ExecStream, std::string_view text) {
        WatchEvent event;
        event.kind = Kind::hook_output;
        event.service = service_.name;
        event.container = container.name;
        event.text = std::string(text);
        sink_(event);
    };
    const int code = engine_.exec(container, exec, {}, output, stop_);
    if (code != 0) throw error(Errc::failed, "the hook ended with exit code {}", code);
}

} // namespace davit
