// `ecs`: ECS task definitions kept on this machine, in the words of `aws ecs`.
#include "davit/ecs.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/cmd/swarm_group.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/diagnostics.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace davit::cli {

namespace {

void print_document(const std::string& text) { std::fputs((printable_json(text) + "\n").c_str(), stdout); }

// As aws has its files: file://PATH.
std::string definition_text(std::string file) {
    constexpr std::string_view scheme = "file://";
    if (file.starts_with(scheme)) file.erase(0, scheme.size());
    return file == "-" ? sys::read_all(STDIN_FILENO) : read_file(file);
}

int ecs_register(Globals& globals, const Args& args) {
    std::string input;
    std::vector<std::string> files;
    Options options(globals, "ecs register [OPTIONS] FILE",
                    "Keep a task definition as the next revision of its family\n\nFILE is JSON as `aws ecs "
                    "register-task-definition --cli-input-json` takes it; \"-\" is standard input. A revision never "
                    "changes, and `davit -f ecs:FAMILY:N up` runs it.");
    options.value("cli-input-json", input, "The file, as aws names it: file://PATH").arguments(files, 0, 1);
    if (!options.parse(args)) return 0;
    if (files.empty() == input.empty()) throw error(Errc::usage, "name one file: davit ecs register FILE");
    const std::string file = files.empty() ? input : files.front();
    Context context(globals);
    std::vector<Diagnostic> warnings;
    const auto made = ecs::register_task_definition(context.engine(), definition_text(file), file, warnings);
    print_diagnostics(warnings, globals.progress == "json");
    print_document(made.json);
    return 0;
}

int ecs_list(Globals& globals, const Args& args) {
    std::string prefix, status = "ACTIVE";
    std::vector<std::string> none;
    Options options(globals, "ecs list [OPTIONS]", "List task definitions");
    options.value("family-prefix", prefix, "Only families that begin so")
        .value("status", status, "Values: [ACTIVE | INACTIVE]")
        .arguments(none, 0, 0);
    if (!options.parse(args)) return 0;
    if (status != "ACTIVE" && status != "INACTIVE")
        throw error(Errc::usage, "unknown status \"{}\"", status).with_hint("ACTIVE or INACTIVE");
    Context context(globals);
    nlohmann::ordered_json out = {{"taskDefinitionArns", nlohmann::ordered_json::array()}};
    for (const auto& definition : ecs::task_definitions(context.engine(), prefix))
        if (definition.active == (status == "ACTIVE")) out["taskDefinitionArns"].push_back(definition.arn);
    print_document(out.dump(4));
    return 0;
}

int ecs_describe(Globals& globals, const Args& args) {
    std::vector<std::string> names;
    Options options(globals, "ecs describe FAMILY[:N]",
                    "Print a task definition; without a number the last active one");
    options.arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    print_document(ecs::task_definition(context.engine(), names.front()).json);
    return 0;
}

int ecs_deregister(Globals& globals, const Args& args) {
    std::vector<std::string> names;
    Options options(globals, "ecs deregister FAMILY:N",
                    "Make a task definition inactive\n\nIt stays, and its number is never given again.");
    options.arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    Context context(globals);
    print_document(ecs::deregister_task_definition(context.engine(), names.front()).json);
    return 0;
}

} // namespace

int run_ecs(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"deregister", "Make a task definition inactive", ecs_deregister},
        {"describe", "Print a task definition", ecs_describe},
        {"list", "List task definitions", ecs_list, VerbGroup::project, "ls"},
        {"register", "Keep a task definition as a new revision", ecs_register},
    };
    return run_group(globals, args, "ecs", "Keep ECS task definitions", verbs);
}

} // namespace davit::cli
