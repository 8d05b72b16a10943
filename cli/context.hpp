// What a verb works with: the project of the globals and the environment, the engine, the display,
// the signals. Each is made when it is asked for.
#pragma once

#include "cli/app.hpp"
#include "cli/display/build_display.hpp"
#include "cli/display/display.hpp"
#include "cli/interrupts.hpp"
#include "davit/engine.hpp"
#include "davit/load.hpp"
#include "davit/project.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace davit::cli {

class Context {
public:
    explicit Context(Globals& globals);
    ~Context();

    Globals& globals() { return globals_; }
    bool dry_run() const { return globals_.dry_run; }

    // The project of the compose file, warnings printed. Throws LoadError. Services that are named
    // are enabled whatever their profiles say.
    const Project& project(const std::vector<std::string>& named_services = {});
    // The same as the files have it: env_file and label_file of services are not read.
    const Project& as_written();
    // For verbs that act on what exists, with docker compose's rules: with -p and without -f the file
    // stays unread; one that cannot be loaded, or lacks a service, does not matter when the environment gives the name.
    ProjectRef ref(const std::vector<std::string>& named_services = {});
    std::string project_name() { return ref().name; }
    // The file's project if ref() read one.
    const Project* model();

    Engine& engine();
    // For other things of the library that act: events are shown as the engine's are.
    EngineOptions engine_options();
    // Besides the display, events go here too.
    void also_to(EventSink sink) { extra_sink_ = std::move(sink); }
    Display& display();
    // These events are not shown. Before the engine is asked for.
    void hide(std::function<bool(const Event&)> which) { hidden_ = std::move(which); }
    // Builds are not shown; before the engine is asked for.
    void quiet_build() { quiet_build_ = true; }
    // No more progress is shown, and what was shown stays: the command's own output follows. Thread-safe.
    void mute();
    // For what hands them on. Before the signals are asked for.
    void take_all_signals() { all_signals_ = true; }
    Interrupts& interrupts();
    std::stop_token stop() { return interrupts().token(); }

    // Calls fn; with --dry-run the plans it leads to are printed and nothing is done.
    int act(const std::function<void(Engine&)>& fn);

private:
    // environment: also what env_file and label_file hold, which only making containers needs. A file that is gone must
    // not keep anybody from stopping what runs.
    void load(const std::vector<std::string>& named_services, bool environment);
    bool knows(const std::vector<std::string>& services) const;
    void on_event(const Event& event);
    void on_build(const BuildEvent& event);

    Globals& globals_;
    std::optional<Project> project_;
    std::vector<Diagnostic> unacted_; // not said yet
    bool name_only_ = false, resolved_ = false, environment_ = false;
    std::string name_;
    std::unique_ptr<Interrupts> interrupts_;
    std::unique_ptr<Display> display_;
    std::unique_ptr<BuildDisplay> build_display_;
    FailedStep failed_step_;
    bool quiet_build_ = false, all_signals_ = false;
    EventSink extra_sink_;
    std::function<bool(const Event&)> hidden_;
    std::set<std::string> told_;
    std::atomic<bool> muted_ = false;
    std::unique_ptr<Engine> engine_;
};

// Containers a verb means: of these services (all when empty; unknown names match nothing), by
// service and number.
struct ContainerFilter {
    std::vector<std::string> services;
    bool stopped = true;  // those that do not run too
    bool oneoffs = false; // those of `run`
    int index = 0;        // only this replica
};
std::vector<ContainerInfo> containers_of(Context& context, const ContainerFilter& filter);

// The running container `exec`, `attach`, `cp` … mean; the lowest replica unless index says otherwise.
// Throws Error(not_found) `service "x" is not running`.
ContainerInfo running_container(Context& context, const std::string& service, int index);

} // namespace davit::cli
