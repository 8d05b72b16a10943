#include "base/error.hpp"
#include "cli/cmd/service.hpp"
#include "cli/cmd/stack.hpp"
#include "cli/cmd/stack_files.hpp"
#include "cli/context.hpp"
#include "cli/docker_errors.hpp"
#include "cli/format/template.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

std::vector<swarm::Service> services_of_stack(Engine& engine, const std::string& stack) {
    std::vector<swarm::Service> out = swarm::services(engine);
    std::erase_if(out, [&](const swarm::Service& s) { return swarm::stack_of(s.spec.labels) != stack; });
    return out;
}

} // namespace

int run_stack_ls(Globals& globals, const Args& args) {
    std::string format;
    std::vector<std::string> none;
    Options options(globals, "stack ls [OPTIONS]", "List stacks");
    options
        .value("format", format,
               "Format output using a custom template: 'table', 'table TEMPLATE', 'json', or a Go template")
        .arguments(none, 0, 0);
    if (!options.parse(args)) return 0;
    Context context(globals);
    std::vector<swarm::StackInfo> found = swarm::stacks(context.engine());
    std::stable_sort(found.begin(), found.end(),
                     [](const swarm::StackInfo& a, const swarm::StackInfo& b) { return natural_less(a.name, b.name); });
    std::vector<nlohmann::json> rows;
    for (const swarm::StackInfo& s : found)
        rows.push_back({{"Name", s.name}, {"Services", std::to_string(s.services)}});
    const nlohmann::json headers = {{"Name", "NAME"}, {"Services", "SERVICES"}};
    std::fputs(
        render_list(ListFormat::parse(format, "stack.stackContext"), rows, {"Name", "Services"}, headers).c_str(),
        stdout);
    return 0;
}

int run_stack_ps(Globals& globals, const Args& args) {
    TaskListFlags flags;
    std::vector<std::string> stack;
    Options options(globals, "stack ps [OPTIONS] STACK", "List the tasks in the stack");
    flags.add_to(options);
    options.arguments(stack, 1, 1);
    if (!options.parse(args)) return 0;
    check_stack_name(stack[0]);
    Context context(globals);
    Engine& engine = context.engine();
    if (!list_tasks(engine, tasks_of(engine, services_of_stack(engine, stack[0])), flags, false))
        as_client([&] { throw error(Errc::not_found, "nothing found in stack: {}", stack[0]); });
    return 0;
}

int run_stack_services(Globals& globals, const Args& args) {
    ServiceListFlags flags;
    std::vector<std::string> stack;
    Options options(globals, "stack services [OPTIONS] STACK", "List the services in the stack");
    flags.add_to(options);
    options.arguments(stack, 1, 1);
    if (!options.parse(args)) return 0;
    check_stack_name(stack[0]);
    Context context(globals);
    Engine& engine = context.engine();
    const std::vector<swarm::Service> found = passing(services_of_stack(engine, stack[0]), flags.filters);
    if (found.empty()) std::fprintf(stderr, "Nothing found in stack: %s\n", stack[0].c_str());
    else list_services(engine, found, flags);
    return 0;
}

} // namespace davit::cli
