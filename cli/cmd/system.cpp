#include "davit/system.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/cmd/system.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/format/json_text.hpp"
#include "cli/options.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

nlohmann::ordered_json leak_row(const Leak& leak, bool fixed) {
    return {{"Kind", to_string(leak.kind)}, {"Name", leak.name}, {"Project", leak.project}, {"Text", leak.text},
            {"Remedy", leak.remedy},        {"Fixed", fixed}};
}

int doctor(Globals& globals, const Args& args) {
    bool fix = false;
    std::string format;
    Options options(globals, "system doctor [OPTIONS]",
                    "Find what davit left in the kernel and on disk that no record or living project accounts for");
    options.flag("fix", fix, "Remove what is found")
        .value("format", format, "Format the output. Values: [text | json]");
    options.epilog("Exit status: 0 when nothing is left over, 1 when something is.");
    if (!options.parse(args)) return 0;
    if (!format.empty() && format != "text" && format != "json")
        throw error(Errc::usage, "--format {}: choose text or json", format);
    Context context(globals);
    Engine& engine = context.engine();
    const std::vector<Leak> leaks = find_leaks(engine);
    std::size_t left = leaks.size();
    ErrorList errors;
    for (const Leak& leak : leaks) {
        bool fixed = false;
        if (fix && !context.dry_run())
            errors.run([&] {
                in_context("removing " + leak.name, [&] { remove_leak(engine, leak); });
                fixed = true;
                --left;
            });
        if (format == "json") {
            std::printf("%s\n", json_text(leak_row(leak, fixed)).c_str());
            continue;
        }
        std::printf("%s %s: %s\n", to_string(leak.kind), printable(leak.name).c_str(), printable(leak.text).c_str());
        if (fixed) std::printf("  removed\n");
        else if (!leak.remedy.empty()) std::printf("  by hand: %s\n", printable(leak.remedy).c_str());
    }
    if (format != "json" && leaks.empty()) std::printf("Nothing is left over.\n");
    if (format != "json" && left && !fix) std::printf("%zu found; `davit system doctor --fix` removes them.\n", left);
    errors.throw_if_any();
    return left ? 1 : 0;
}

} // namespace

int run_system(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"boot", "Start what should run after a reboot, of all projects", run_system_boot, VerbGroup::machine},
        {"df", "Show what takes the disk", run_system_df, VerbGroup::machine},
        {"doctor", "Find what is left over and remove it", doctor, VerbGroup::machine},
        {"events", "Get real time events from the machine", run_system_events, VerbGroup::machine},
        {"info", "Display information about this machine", run_system_info, VerbGroup::machine},
        {"install", "Have systemd do that", run_system_install, VerbGroup::machine},
        {"prune", "Remove what nobody needs", run_system_prune, VerbGroup::machine},
        {"shutdown", "Stop all containers before the machine goes down", run_system_shutdown, VerbGroup::machine},
        {"uninstall", "Take the systemd unit away again", run_system_uninstall, VerbGroup::machine},
    };
    return run_group(globals, args, "system", "Look after davit itself", verbs);
}

} // namespace davit::cli
