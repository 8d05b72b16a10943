#include "davit/stats.hpp"

#include "base/error.hpp"
#include "base/process.hpp"
#include "base/units.hpp"

#include <algorithm>
#include <cerrno>
#include <set>
#include <sstream>

namespace davit {

namespace {

// As many cells as there are titles: what follows belongs to the last one.
std::vector<std::string> cells_of(const std::string& line, std::size_t most) {
    std::vector<std::string> out;
    std::istringstream words(line);
    for (std::string word; words >> word;) {
        if (most && out.size() == most) out.back() += " " + word;
        else out.push_back(word);
    }
    return out;
}

std::string output_of_ps(const std::vector<std::string>& options) {
    SpawnOptions how;
    how.argv = {"ps"};
    how.argv.insert(how.argv.end(), options.begin(), options.end());
    Output output;
    try {
        output = run(std::move(how));
    } catch (Error& e) {
        throw e.with_context("running ps").with_hint("options of top are those of this machine's ps: install procps");
    }
    if (output.status.code != 0)
        throw error(Errc::invalid_project, "ps: {}", output.err.substr(0, output.err.find('\n')));
    return output.out;
}

} // namespace

ProcessTable process_table(const ContainerInfo& container, const std::vector<std::string>& ps_options) {
    ProcessTable out;
    const std::vector<ProcessInfo> inside = processes(container);
    if (ps_options.empty()) {
        out.titles = {"UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"};
        for (const ProcessInfo& p : inside)
            out.rows.push_back({p.user, std::to_string(p.pid), std::to_string(p.parent), p.cpu, p.started, p.terminal,
                                p.time, p.command});
        return out;
    }
    std::set<std::int64_t> pids;
    for (const ProcessInfo& p : inside) pids.insert(p.pid);
    // "-o pid,args" is of ps's own terminal: those of the container are asked for by number.
    std::vector<std::string> options = ps_options;
    std::string list;
    for (const std::int64_t pid : pids) list += (list.empty() ? "" : ",") + std::to_string(pid);
    const auto selects = [](const std::string& o) {
        return o.find('-') != 0 || o == "-e" || o == "-A" || o.find('e') == 1;
    };
    if (std::none_of(options.begin(), options.end(), selects) || options.front() == "-o") {
        options.emplace_back("-p");
        options.push_back(list);
    }
    std::istringstream lines(output_of_ps(options));
    std::string line;
    std::getline(lines, line);
    out.titles = cells_of(line, 0);
    const auto pid = std::find(out.titles.begin(), out.titles.end(), "PID");
    if (pid == out.titles.end()) throw error(Errc::invalid_project, "Couldn't find PID field in ps output");
    const auto column = static_cast<std::size_t>(pid - out.titles.begin());
    while (std::getline(lines, line)) {
        auto cells = cells_of(line, out.titles.size());
        if (cells.size() <= column) continue;
        if (const auto number = parse_int(cells[column]); number && pids.contains(*number))
            out.rows.push_back(std::move(cells));
    }
    return out;
}

} // namespace davit
