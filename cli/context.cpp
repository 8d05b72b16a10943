#include "cli/context.hpp"

#include "cli/client_config.hpp"

#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/diagnostics.hpp"
#include "cli/display/dry_run.hpp"
#include "cli/docker_errors.hpp"
#include "cli/load_options.hpp"
#include "cli/privileges.hpp"
#include "cli/suggest.hpp"
#include "davit/load.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace davit::cli {

Context::Context(Globals& globals) : globals_(globals) {}
Context::~Context() = default;

void Context::load(const std::vector<std::string>& named_services, bool environment) {
    // Which services are named decides what is read and kept: a project of other names is no use.
    if (project_ && (environment_ || !environment) &&
        std::all_of(named_services.begin(), named_services.end(),
                    [&](const auto& name) { return !project_->disabled_services.count(name); }))
        return;
    LoadOptions options = load_options(globals_);
    options.named = named_services;
    options.resolve_environment = options.resolve_labels = environment_ = environment;
    LoadResult result = davit::load(options);
    print_diagnostics(result.warnings, globals_.progress == "json");
    unacted_ = unacted_attributes(result);
    project_ = std::move(result.project);
    name_ = project_->name;
}

const Project& Context::project(const std::vector<std::string>& named_services) {
    load(named_services, true);
    print_diagnostics(std::exchange(unacted_, {}), globals_.progress == "json");
    resolved_ = true;
    return *project_;
}

const Project& Context::as_written() {
    load({}, false);
    print_diagnostics(std::exchange(unacted_, {}), globals_.progress == "json");
    return *project_;
}

// As docker compose: an error, unless the environment names the project. False then.
bool Context::knows(const std::vector<std::string>& services) const {
    bool all = true;
    for (const std::string& service : services) try {
            match_services(*project_, {service}, Dependencies::ignore);
        } catch (const Error& e) {
            std::vector<std::string> known;
            for (const auto& [name, unused] : project_->services) known.push_back(name);
            const std::string text = e.what() + did_you_mean(service, known);
            const char* name = std::getenv("COMPOSE_PROJECT_NAME");
            if (!name || !*name) throw error(Errc::not_found, "{}", text);
            print_warning(text);
            all = false;
        }
    return all;
}

ProjectRef Context::ref(const std::vector<std::string>& named_services) {
    if (!resolved_) {
        resolved_ = true;
        name_only_ = globals_.files.empty() && !globals_.project_name.empty();
        if (name_only_) {
            name_ = globals_.project_name;
        } else {
            try {
                load(named_services, false);
            } catch (const Error&) {
                const char* name = std::getenv("COMPOSE_PROJECT_NAME");
                if (!name || !*name) throw;
                name_only_ = true;
                name_ = name;
            }
        }
    }
    if (name_only_) return ProjectRef(name_);
    load(named_services, false);
    if (knows(named_services)) return *project_;
    name_only_ = true; // as with a file that cannot be loaded: what is there of these services is acted on
    return ProjectRef(name_);
}

const Project* Context::model() {
    ref();
    return name_only_ ? nullptr : &*project_;
}

Display& Context::display() {
    if (!display_) {
        display_ = make_display(globals_);
        interrupts().on_suspend([this] { display_->suspended(); });
        interrupts().on_resume([this] { display_->resumed(); });
    }
    return *display_;
}

Interrupts& Context::interrupts() {
    if (!interrupts_) interrupts_ = std::make_unique<Interrupts>(all_signals_);
    return *interrupts_;
}

void Context::mute() {
    if (!muted_.exchange(true) && display_) display_->pause();
}

void Context::on_event(const Event& event) {
    // What runs already is told once, however many calls a command makes.
    if (event.kind == EventKind::operation_done && event.operation == 0 &&
        !told_.insert(event.resource + ' ' + event.text).second)
        return;
    if (event.kind == EventKind::warning && !told_.insert(event.text).second) return; // the same of each container
    if (event.kind == EventKind::warning && docker_is_spoken())
        if (const auto told = docker_warning(event.text)) {
            if (!told->empty()) std::fprintf(stderr, "%s\n", told->c_str());
            return;
        }
    const bool shown = !muted_ || event.kind == EventKind::operation_failed;
    if (shown && !(hidden_ && hidden_(event))) display().on(event);
    if (extra_sink_) extra_sink_(event);
}

void Context::on_build(const BuildEvent& event) {
    if (!build_display_)
        build_display_ = make_build_display(quiet_build_ ? BuildProgress::quiet : project_build_progress(globals_, ""));
    failed_step_.see(event);
    build_display_->on(event);
    // Of JSON the step's own lines are there already.
    if (event.kind == BuildEvent::Kind::failed && !diagnostics_are_json())
        std::fputs(failed_step_.text().c_str(), stderr);
}

EngineOptions Context::engine_options() {
    require_root();
    EngineOptions options;
    options.parallel = globals_.parallel;
    options.build_args = build_proxies();
    options.events = [this](const Event& event) { on_event(event); };
    options.builds = [this](const BuildEvent& event) { on_build(event); };
    // By docker's names what docker compose shows of a dry run: its progress, and nothing where there is nothing to do.
    if (dry_run() && globals_.program != "davit")
        options.approve = [this](const Plan& plan) {
            for (const Event& event : events_of(plan)) on_event(event);
            return false;
        };
    else if (dry_run())
        options.approve = [json = globals_.progress == "json"](const Plan& plan) {
            const std::string text = json ? to_json(plan) + "\n" : to_summary(plan);
            if (plan.empty()) std::fputs("Nothing to do.\n", stderr);
            else std::fputs((json ? printable_json(text) : printable(text, "\n\t")).c_str(), stdout);
            return false;
        };
    return options;
}

Engine& Context::engine() {
    if (!engine_) engine_ = std::make_unique<Engine>(engine_options());
    return *engine_;
}

int Context::act(const std::function<void(Engine&)>& fn) {
    interrupts(); // before the engine starts threads: they inherit the blocked signals
    fn(engine());
    return interrupts().requested() ? 130 : 0;
}

std::vector<ContainerInfo> containers_of(Context& context, const ContainerFilter& filter) {
    std::vector<ContainerInfo> all = context.engine().containers(context.project_name());
    std::erase_if(all, [&](const ContainerInfo& c) {
        const auto& names = filter.services;
        if (!names.empty() && std::find(names.begin(), names.end(), c.service) == names.end()) return true;
        if (c.oneoff && !filter.oneoffs) return true;
        if (filter.index && c.number != filter.index) return true;
        const bool live = c.state == ContainerState::running || c.state == ContainerState::paused ||
                          c.state == ContainerState::restarting;
        return !filter.stopped && !live;
    });
    return all;
}

ContainerInfo running_container(Context& context, const std::string& service, int index) {
    auto found = containers_of(context, {{service}, false, false, index});
    if (found.empty() && !index) found = containers_of(context, {{service}, false, true, 0}); // what 'run' started
    if (!found.empty()) return found.front();
    if (index) throw error(Errc::not_found, "service \"{}\" is not running container #{}", service, index);
    throw error(Errc::not_found, "service \"{}\" is not running", service);
}

} // namespace davit::cli
