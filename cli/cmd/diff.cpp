// `diff`: what differs between two revisions.
#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/cmd/history.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/options.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

// The one that is there; the project has to have containers.
int current(Engine& engine, const std::string& project) {
    const auto all = revisions(engine, project);
    for (const ContainerInfo& c : engine.containers(project))
        if (!c.oneoff && !all.empty()) return all.back().number;
    throw error(Errc::not_found, "nothing of project {} is there to compare with", project)
        .with_hint("name two revisions: davit diff 1 2");
}

std::string lines_of(const RevisionChange& change) {
    auto line = [&](char sign, const std::string& value) {
        return fmt::format("{}{}: {}\n", sign, change.attribute.empty() ? "(all)" : change.attribute,
                           change.hidden ? "(not shown)" : value);
    };
    std::string out;
    for (const auto& value : change.before) out += line('-', value);
    for (const auto& value : change.after) out += line('+', value);
    return out;
}

std::string unified(const Revision& from, const Revision& to, const std::vector<RevisionChange>& changes) {
    if (changes.empty()) return {};
    std::string out = fmt::format("--- revision {}, {}\n+++ revision {}, {}\n", from.number, revision_title(from),
                                  to.number, revision_title(to));
    std::string thing;
    for (const auto& change : changes) {
        const std::string here = change.section + " " + change.name;
        if (here != thing) out += fmt::format("@@ {} @@\n", here);
        thing = here;
        out += lines_of(change);
    }
    return out;
}

std::string as_json(const std::vector<RevisionChange>& changes) {
    nlohmann::ordered_json out = nlohmann::ordered_json::array();
    for (const auto& c : changes)
        out.push_back({{"Section", c.section},
                       {"Name", c.name},
                       {"Attribute", c.attribute},
                       {"Before", c.before},
                       {"After", c.after},
                       {"Hidden", c.hidden}});
    return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

} // namespace

void print_revision_diff(const Revision& from, const Revision& to, const std::string& service,
                         const std::string& format) {
    auto changes = changes_between(from, to);
    if (!service.empty())
        std::erase_if(changes, [&](const auto& c) { return c.section != "service" || c.name != service; });
    if (format == "json") std::fputs(printable_json(as_json(changes)).c_str(), stdout);
    else if (format == "text") std::fputs(printable(unified(from, to, changes), "\n").c_str(), stdout);
    else throw error(Errc::usage, "unknown format \"{}\"", format).with_hint("text or json");
}

int run_diff(Globals& globals, const Args& args) {
    std::vector<std::string> numbers;
    std::string format = "text";
    Options options(globals, "diff [OPTIONS] [REVISION [REVISION]]",
                    "Show what differs between two revisions, by service and attribute\n\nWith one: from it to what "
                    "runs. With none: what the last change was. Values that may be secrets are\nnot shown; contents of "
                    "configs and secrets are told by their keyed hashes.");
    options.value("format", format, "Format the output. Values: [text | json]").arguments(numbers, 0, 2);
    if (!options.parse(args)) return 0;
    if (format != "text" && format != "json")
        throw error(Errc::usage, "unknown format \"{}\"", format).with_hint("text or json");
    Context context(globals);
    const std::string project = project_with_history(context);
    Engine& engine = context.engine();
    const int from = numbers.empty() ? rollback_target(engine, project) : revision_number(numbers[0]);
    const int to = numbers.size() == 2 ? revision_number(numbers[1]) : current(engine, project);
    print_revision_diff(revision(engine, project, from), revision(engine, project, to), {}, format);
    return 0;
}

} // namespace davit::cli
