#include "cli/watching.hpp"

#include "base/printable.hpp"
#include "cli/load_options.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace davit::cli {

Project built_when_watched(Project project) {
    for (auto& [unused, service] : project.services)
        if (service.build && service.develop && !service.develop->watch.empty()) service.pull_policy = "build";
    return project;
}

std::string watch_text(const WatchEvent& event) {
    using Kind = WatchEvent::Kind;
    const std::string service = printable(event.service);
    switch (event.kind) {
    case Kind::enabled: return "Watch enabled\n";
    case Kind::syncing:
        return fmt::format("Syncing service \"{}\" after {} changes were detected\n", service, event.changes);
    case Kind::rebuilding:
        return fmt::format("Rebuilding service(s) [\"{}\"] after changes were detected...\n", service);
    case Kind::rebuilt: return fmt::format("service(s) [\"{}\"] successfully built\n", service);
    case Kind::restarted: return fmt::format("service(s) [\"{}\"] restarted\n", service);
    case Kind::reconfiguring: return "The configuration has changed: bringing the project up again\n";
    case Kind::warning: return "warning: " + printable(event.text, "\n") + "\n";
    case Kind::failed:
        return (service.empty() ? "" : fmt::format("service \"{}\": ", service)) + printable(event.text, "\n") + "\n";
    case Kind::hook_output: return printable(event.text, "\n\t") + (event.text.ends_with('\n') ? "" : "\n");
    case Kind::synced:
    case Kind::restarting:
    case Kind::reconfigured: break;
    }
    return {};
}

void watch_files(Context& context, const Project& project, const Watching& what,
                 const std::function<void(const std::string&, bool)>& print, std::stop_token stop) {
    WatchOptions options;
    options.services = what.services;
    options.prune = what.prune;
    options.up = what.up;
    const auto& files = project.compose_files;
    // What came from standard input cannot come again.
    if (std::find(files.begin(), files.end(), "-") == files.end())
        options.reload = [&]() -> std::optional<Project> {
            LoadOptions load = load_options(context.globals());
            load.named = what.services;
            return built_when_watched(std::move(davit::load(load).project));
        };
    const auto sink = [&](const WatchEvent& event) {
        if (what.seen) what.seen(event);
        if (const std::string text = watch_text(event); !text.empty())
            print(text, event.kind == WatchEvent::Kind::failed || event.kind == WatchEvent::Kind::warning);
    };
    watch(context.engine(), project, options, sink, std::move(stop));
}

} // namespace davit::cli
