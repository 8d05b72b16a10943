// davit::watch(): the watched services of a project, over changes of its configuration.
#include "davit/watch.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/thread.hpp"
#include "davit/events.hpp"
#include "dockerfile/ignore.hpp"
#include "engine/watch/service_watch.hpp"
#include "engine/watch/tree_watch.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

namespace davit {

namespace {

std::vector<const Service*> watched_services(const Project& project, const std::vector<std::string>& names) {
    const auto chosen = match_services(project, names, Dependencies::ignore);
    std::vector<const Service*> out;
    for (const auto& [name, service] : project.services)
        if ((names.empty() || chosen.contains(name)) && service.develop && !service.develop->watch.empty())
            out.push_back(&service);
    return out;
}

// The file with the ignore patterns of a service's build, whether it is there or not: that of its Dockerfile, or of the
// context. Empty: the context is no directory.
std::vector<std::string> ignore_files(const Service& service) {
    if (!service.build || !service.build->context.starts_with("/")) return {};
    const std::string& context = service.build->context;
    const std::string name = service.build->dockerfile.empty() ? "Dockerfile" : service.build->dockerfile;
    const std::string dockerfile = name.starts_with("/") ? name : context + "/" + name;
    return {dockerfile + ".dockerignore", context + "/.dockerignore"};
}

// Rules' paths have no symbolic links any more, and neither has what the watcher tells.
std::string real_path(const std::string& path) {
    std::error_code code;
    const auto real = std::filesystem::weakly_canonical(path, code);
    return code ? path : real.string();
}

WatchRules rules_of(const Service& service) {
    ContextIgnore context;
    for (const std::string& file : ignore_files(service))
        if (context.directory.empty() && exists(file))
            context = {real_path(service.build->context), dockerfile::ignore_patterns(read_file(file))};
    Service seen = service;
    for (Mount& mount : seen.volumes)
        if (mount.type == MountType::bind) mount.source = real_path(mount.source);
    return WatchRules(seen, context);
}

// A file that is a link changes when it leads elsewhere, and when what it leads to does.
void add_watched_file(std::set<std::string>& to, const std::string& path) {
    if (!path.starts_with("/")) return;
    const std::filesystem::path whole = path;
    to.insert((std::filesystem::path(real_path(whole.parent_path().string())) / whole.filename()).string());
    to.insert(real_path(path));
}

std::set<std::string> configuration_files(const Project& project) {
    std::set<std::string> out;
    const auto add = [&](const std::string& path) { add_watched_file(out, path); };
    for (const std::string& file : project.compose_files) add(file);
    for (const std::string& file : project.env_files) add(file);
    add(project.working_dir + "/.env");
    for (const auto& [unused, service] : project.services) {
        for (const EnvFile& file : service.env_file) add(file.path);
        for (const std::string& file : service.label_file) add(file);
        if (service.extends && !service.extends->file.empty()) add(service.extends->file);
    }
    return out;
}

class WatchSession {
public:
    WatchSession(Engine& engine, const WatchOptions& options, const WatchSink& sink, std::stop_token stop)
        : engine_(engine), options_(options), stop_(std::move(stop)), sink_([this, &sink](const WatchEvent& event) {
              const std::lock_guard guard(mutex_);
              if (sink) sink(event);
          }) {}

    void run(Project project) {
        Round how;
        while (!stop_.stop_requested()) {
            auto next = round(project, how);
            if (!next) return;
            project = std::move(*next);
        }
    }

private:
    // How a round begins: what the one before leaves to it.
    struct Round {
        bool first = true, changed = false; // changed: the project is another
        std::optional<std::int64_t> since;  // what has happened from then on was not told
        std::set<std::string> last;         // what it was told last
    };
    using Next = std::optional<Project>; // to go on with; nothing: stopped

    Next round(const Project& project, Round& how) {
        const auto chosen = watched_services(project, options_.services);
        if (chosen.empty() && how.first)
            throw error(Errc::usage, "none of the selected services is configured for watch, consider setting a "
                                     "'develop' section");
        std::vector<std::unique_ptr<ServiceWatch>> services;
        std::set<std::string> roots, ignores;
        for (const Service* service : chosen) {
            services.push_back(std::make_unique<ServiceWatch>(engine_, project, *service, rules_of(*service),
                                                              memory_[service->name], options_, sink_));
            const auto paths = services.back()->rules().paths();
            roots.insert(paths.begin(), paths.end());
            for (const std::string& file : ignore_files(*service)) add_watched_file(ignores, file);
            for (const std::string& warning : services.back()->rules().warnings())
                tell(WatchEvent::Kind::warning, warning);
        }
        std::set<std::string> configuration;
        if (options_.reload) configuration = configuration_files(project);
        roots.insert(configuration.begin(), configuration.end());
        roots.insert(ignores.begin(), ignores.end());
        TreeWatch tree(
            {roots.begin(), roots.end()},
            [&](const std::string& directory) {
                return std::any_of(services.begin(), services.end(),
                                   [&](const auto& service) { return service->rules().enters(directory); });
            },
            how.since);
        if (how.changed && options_.up) attempt("bringing it up", [&] { engine_.up(project, *options_.up, stop_); });
        std::stop_source over;
        std::stop_callback forward(stop_, [&] { over.request_stop(); });
        const auto looking = started<std::jthread>([&](const std::stop_token& end) {
            std::stop_callback ends(end, [&] { over.request_stop(); });
            follow_containers(project.name, services, over.get_token());
        });
        for (const auto& service : services) {
            service->begin(how.first, stop_);
            service->changed(how.last);
        }
        if (how.first) tell(WatchEvent::Kind::enabled);
        if (how.changed) tell(WatchEvent::Kind::reconfigured);
        Next next;
        bool changed_project = false;
        tree.run(
            [&](const std::set<std::string>& changed) {
                if (touches(changed, configuration)) next = reloaded(project);
                changed_project = next.has_value();
                if (!next && touches(changed, ignores)) next = project;
                if (!next) {
                    for (const auto& service : services) service->changed(changed);
                    return;
                }
                how.last = changed; // by the new rules
                over.request_stop();
            },
            over.get_token());
        over.request_stop();
        how.first = false;
        how.changed = changed_project;
        how.since = tree.told_until();
        return stop_.stop_requested() ? std::nullopt : std::move(next);
    }

    static bool touches(const std::set<std::string>& changed, const std::set<std::string>& files) {
        return std::any_of(files.begin(), files.end(), [&](const std::string& file) { return changed.contains(file); });
    }

    // Half-written, or wrong: the present configuration stays until it is right.
    Next reloaded(const Project& project) {
        Next out;
        attempt("loading the configuration", [&] {
            auto project_now = options_.reload();
            if (!project_now || *project_now == project) return;
            for (const Service* service : watched_services(*project_now, options_.services))
                rules_of(*service); // throws for what is wrong
            out = std::move(*project_now);
        });
        if (out) tell(WatchEvent::Kind::reconfiguring);
        return out;
    }

    // Whoever makes a container anew: it gets what was synced.
    void follow_containers(const std::string& name, const std::vector<std::unique_ptr<ServiceWatch>>& services,
                           std::stop_token stop) {
        const auto on = [&](const ContainerEvent& event) {
            if (event.action == "start")
                for (const auto& service : services) service->look_if(event.service);
            return true;
        };
        attempt("following the containers", [&] { follow_events(engine_, name, {}, on, stop); });
    }

    template <typename F>
    void attempt(const std::string& what, F&& fn) {
        try {
            std::forward<F>(fn)();
        } catch (const Error& e) {
            if (!stop_.stop_requested() && e.kind() != Errc::interrupted)
                tell(WatchEvent::Kind::failed, what + ": " + e.describe());
        }
    }

    void tell(WatchEvent::Kind kind, std::string text = {}) {
        WatchEvent event;
        event.kind = kind;
        event.text = std::move(text);
        sink_(event);
    }

    Engine& engine_;
    const WatchOptions& options_;
    const std::stop_token stop_;
    std::mutex mutex_;
    const WatchSink sink_;
    std::map<std::string, WatchMemory> memory_;
};

} // namespace

bool has_watch_rules(const Project& project, const std::vector<std::string>& services) {
    return !watched_services(project, services).empty();
}

void watch(Engine& engine, const Project& project, const WatchOptions& options, const WatchSink& sink,
           std::stop_token stop) {
    WatchSession(engine, options, sink, std::move(stop)).run(project);
}

} // namespace davit
