#include "cli/cmd/swarm_history.hpp"

#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/cmd/history.hpp"
#include "cli/cmd/service_progress.hpp"
#include "cli/cmd/verbs.hpp"
#include "davit/services.hpp"
#include "davit/swarm_look.hpp"

#include <cstdio>

namespace davit::cli {

namespace {

// Whose history is meant, and which service of it (of a stack: all).
struct Subject {
    std::string owner, service;
};

Subject of_service(Context& context, const std::string& name) {
    const swarm::Service service = swarm::service(context.engine(), name);
    return {Swarm::history_of(service), service.spec.name};
}

Subject of_stack(Context&, const std::string& name) { return {Swarm::history_of_stack(name), {}}; }

using Find = Subject (*)(Context&, const std::string&);

int list(Globals& globals, const Args& args, const char* usage, const char* help, Find find) {
    HistoryFlags flags;
    std::vector<std::string> names;
    Options options(globals, usage, help);
    flags.add_to(options);
    options.arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    const Subject subject = find(context, names.front());
    if (revisions(context.engine(), subject.owner).empty() && state_of(context.engine(), subject.owner).empty())
        throw error(Errc::not_found, "{} has no history", owner_title(subject.owner));
    list_history(context.engine(), subject.owner, flags);
    return 0;
}

int prune(Globals& globals, const Args& args, const char* usage, Find find) {
    HistoryPruneFlags flags;
    std::vector<std::string> names;
    Options options(globals, usage,
                    "Forget old revisions, with the contents and nameless images that only they need\n\nThe last one "
                    "stays as long as something of it is there.");
    flags.add_to(options);
    options.arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    flags.check();
    Context context(globals);
    prune_history(context, find(context, names.front()).owner, flags);
    return 0;
}

int diff(Globals& globals, const Args& args, const char* usage, const char* help, Find find) {
    std::vector<std::string> words;
    std::string format = "text";
    Options options(globals, usage, help);
    options.value("format", format, "Format the output. Values: [text | json]").arguments(words, 1, 3);
    if (!options.parse(args)) return 0;
    Context context(globals);
    Engine& engine = context.engine();
    const Subject subject = find(context, words[0]);
    const auto all = revisions(engine, subject.owner);
    const int from = words.size() > 1 ? revision_number(words[1]) : rollback_target(engine, subject.owner);
    if (all.empty()) throw error(Errc::not_found, "{} has no history", owner_title(subject.owner));
    const int to = words.size() > 2 ? revision_number(words[2]) : all.back().number;
    print_revision_diff(revision(engine, subject.owner, from), revision(engine, subject.owner, to), subject.service,
                        format);
    return 0;
}

constexpr const char* diff_help = "Show what differs between two revisions\n\nWith one: from it to the last one. With "
                                  "none: what the last change was. Values that may be secrets are\nnot shown; contents "
                                  "of configs and secrets are told by their keyed hashes.";

// "history prune NAME": a stack or service may be called prune.
bool is_prune(const Globals& globals, const Args& args) {
    return !globals.describe && args.size() > 1 && args.front() == "prune";
}

} // namespace

static int run_service_history_prune(Globals& globals, const Args& args) {
    return prune(globals, args, "service history prune [OPTIONS] SERVICE", of_service);
}

int run_service_history(Globals& globals, const Args& args) {
    static const Verb further[] = {{"prune", "Forget old revisions", run_service_history_prune}};
    if (is_prune(globals, args)) return run_service_history_prune(globals, {args.begin() + 1, args.end()});
    const int code =
        list(globals, args, "service history [OPTIONS] SERVICE",
             "List the revisions of a service, the newest first\n\nOf a service of a stack, those of the stack: every "
             "'stack deploy' and every 'service create', 'update',\n'scale' and 'rollback' that changed something. "
             "'davit service rollback --to N' brings one back, 'davit service\ndiff' compares two, 'davit service "
             "history prune' forgets old ones.",
             of_service);
    if (globals.describe) globals.describe->group(further);
    return code;
}

static int run_stack_history_prune(Globals& globals, const Args& args) {
    return prune(globals, args, "stack history prune [OPTIONS] STACK", of_stack);
}

int run_stack_history(Globals& globals, const Args& args) {
    static const Verb further[] = {{"prune", "Forget old revisions", run_stack_history_prune}};
    if (is_prune(globals, args)) return run_stack_history_prune(globals, {args.begin() + 1, args.end()});
    const int code =
        list(globals, args, "stack history [OPTIONS] STACK",
             "List the revisions of a stack, the newest first\n\nEvery 'stack deploy', and every 'service update', "
             "'scale' and 'rollback' of one of its services, that changed\nsomething is one. 'davit stack rollback' "
             "brings one back, 'davit stack diff' compares two, 'davit stack\nhistory prune' forgets old ones. The "
             "history goes with 'stack rm'.",
             of_stack);
    if (globals.describe) globals.describe->group(further);
    return code;
}

int run_service_diff(Globals& globals, const Args& args) {
    return diff(globals, args, "service diff [OPTIONS] SERVICE [REVISION [REVISION]]", diff_help, of_service);
}

int run_stack_diff(Globals& globals, const Args& args) {
    return diff(globals, args, "stack diff [OPTIONS] STACK [REVISION [REVISION]]", diff_help, of_stack);
}

int run_stack_rollback(Globals& globals, const Args& args) {
    std::string to;
    bool detach = true, quiet = false;
    std::vector<std::string> names;
    Options options(globals, "stack rollback [OPTIONS] STACK",
                    "Bring an earlier revision of a stack back\n\nIts services get the specifications and images that "
                    "they had then, by their rollback_config; services that\nit lacks are removed. It becomes a new "
                    "revision, so that a second rollback leads forward again.");
    options
        .flag("d,detach", detach,
              "Exit immediately instead of waiting for the stack services to converge (default true)")
        .flag("q,quiet", quiet, "Suppress progress output")
        .value("to", to, "The revision (default: the last good one before what runs)", "REVISION")
        .arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    context.interrupts();
    const std::string owner = Swarm::history_of_stack(names.front()), name = printable(names.front());
    const int number = rollback_target(context.engine(), owner, to.empty() ? 0 : revision_number(to));
    const Revision target = revision(context.engine(), owner, number);
    std::fprintf(stderr, "Back to revision %d of %s, of %s\n", number, name.c_str(), revision_title(target).c_str());
    if (context.dry_run()) return 0;
    context.mute();
    Swarm swarm(context.engine_options());
    const RolledBack done = swarm.rollback_stack(
        names.front(), number,
        [](const std::string& line) {
            std::printf("%s\n", printable(line).c_str());
            std::fflush(stdout);
        },
        context.stop());
    if (done.made)
        std::fprintf(stderr, "Revision %d of %s is back, as revision %d.\n", done.to, name.c_str(), done.made);
    else std::fprintf(stderr, "What there is of %s is revision %d already.\n", name.c_str(), done.to);
    if (detach) return 0;
    ErrorList errors;
    for (const swarm::Service& service : swarm.stack(names.front()).services)
        errors.run([&] { wait_for_service(context, swarm, service.id, service.id, quiet); });
    errors.throw_if_any();
    return 0;
}

} // namespace davit::cli
