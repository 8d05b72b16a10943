#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/cmd/common.hpp"
#include "cli/cmd/history.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/logs/last_words.hpp"

#include <cstdio>

namespace davit::cli {

namespace {

void go_back(Context& context, const std::string& project, const RollbackOptions& options) {
    UnmetConditions unmet;
    context.also_to([&](const Event& event) { unmet.see(event); });
    RolledBack done;
    try {
        done = context.engine().rollback(project, options, context.stop());
    } catch (const Error& e) {
        if (e.kind() == Errc::interrupted) throw;
        context.mute();
        if (options.wait) print_last_words(context.engine(), project);
        else unmet.tell(context.engine(), project);
        throw;
    }
    context.mute();
    if (context.dry_run()) return;
    const std::string name = printable(project);
    if (done.made)
        std::fprintf(stderr, "Revision %d of %s is back, as revision %d.\n", done.to, name.c_str(), done.made);
    else std::fprintf(stderr, "What there is of %s is revision %d already.\n", name.c_str(), done.to);
}

} // namespace

int run_rollback(Globals& globals, const Args& args) {
    RollbackOptions rollback;
    std::string to;
    std::optional<int> timeout;
    int wait_timeout = 0;
    Options options(globals, "rollback [OPTIONS]",
                    "Bring an earlier revision of the project back\n\nIts services are started with the settings, "
                    "images, configs and secrets that they had then; services\nthat it lacks are removed. It becomes "
                    "a new revision, so that a second rollback leads forward again.");
    options.value("t,timeout", timeout, "Specify a shutdown timeout in seconds for containers that are replaced")
        .value("to", to, "The revision (default: the last good one before what runs; after 'down' the last one)",
               "REVISION")
        .flag("wait", rollback.wait, "Wait for services to be running|healthy")
        .value("wait-timeout", wait_timeout,
               "Maximum duration in seconds to wait for the project to be running|healthy");
    if (!options.parse(args)) return 0;
    rollback.timeout = timeout_of(timeout);
    rollback.wait_timeout = std::chrono::seconds(wait_timeout);
    Context context(globals);
    const std::string project = project_with_history(context);
    rollback.to = rollback_target(context.engine(), project, to.empty() ? 0 : revision_number(to));
    const Revision target = revision(context.engine(), project, rollback.to);
    std::fprintf(stderr, "Back to revision %d of %s, of %s\n", target.number, printable(project).c_str(),
                 revision_title(target).c_str());
    return context.act([&](Engine&) { go_back(context, project, rollback); });
}

} // namespace davit::cli
