#include "base/error.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/format/json_text.hpp"
#include "cli/format/table.hpp"
#include "cli/options.hpp"

#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <regex.h>

namespace davit::cli {

namespace {

bool live(ContainerState state) {
    return state == ContainerState::running || state == ContainerState::paused || state == ContainerState::restarting;
}

// "exited(1), running(2)", by the state's name; what runs only, unless all are asked for.
std::string status_of(const ProjectInfo& project, bool all) {
    std::map<std::string, int> by_name;
    for (const auto& [state, number] : project.containers)
        if (number && (all || live(state))) by_name[to_string(state)] += number;
    std::string out;
    for (const auto& [name, number] : by_name)
        out += (out.empty() ? "" : ", ") + name + "(" + std::to_string(number) + ")";
    return out;
}

// The value of name=… is a regular expression, as in docker.
bool matches(const std::string& pattern, const std::string& name) {
    regex_t compiled{};
    if (::regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0)
        throw error(Errc::usage, "invalid regular expression \"{}\" in --filter", pattern);
    const bool found = ::regexec(&compiled, name.c_str(), 0, nullptr, 0) == 0;
    ::regfree(&compiled);
    return found;
}

std::string files_of(const ProjectInfo& project) {
    std::string out;
    for (const std::string& file : project.config_files) out += (out.empty() ? "" : ",") + file;
    return out;
}

} // namespace

int run_ls(Globals& globals, const Args& args) {
    bool all = false, quiet = false;
    std::string format = "table", filter;
    Options options(globals, "ls [OPTIONS]", "List running compose projects");
    options.flag("a,all", all, "Show all stopped Compose projects")
        .value("filter", filter, "Filter output based on conditions provided: name=REGULAR EXPRESSION", "filter")
        .value("format", format, "Format the output. Values: [table | json] (default \"table\")")
        .flag("q,quiet", quiet, "Only display project names");
    if (!options.parse(args)) return 0;
    if (!filter.empty() && !filter.starts_with("name="))
        throw error(Errc::usage, "unsupported filter \"{}\"", filter).with_hint("name=…");
    if (format != "table" && format != "json")
        throw error(Errc::usage, "unsupported format \"{}\"", format).with_hint("table or json");
    Context context(globals);
    Table table{{"NAME", "STATUS", "CONFIG FILES"}, {}, false, 20};
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    std::string names;
    for (const ProjectInfo& project : context.engine().projects()) {
        const std::string status = status_of(project, all);
        if (status.empty()) continue;
        if (!filter.empty() && !matches(filter.substr(5), project.name)) continue;
        names += project.name + "\n";
        table.rows.push_back({project.name, status, files_of(project)});
        list.push_back({{"Name", project.name}, {"Status", status}, {"ConfigFiles", files_of(project)}});
    }
    const std::string out = quiet ? names : format == "json" ? json_text(list) + "\n" : table.to_string();
    std::fputs(out.c_str(), stdout);
    return 0;
}

} // namespace davit::cli
