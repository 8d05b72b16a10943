#include "cli/logs/last_words.hpp"

#include "cli/logs/reader.hpp"

#include <cstdio>
#include <fmt/format.h>

namespace davit::cli {

namespace {

constexpr std::size_t shown_lines = 10;

bool is_broken(const ContainerInfo& c) {
    return !c.oneoff && (c.health == Health::unhealthy || (c.state == ContainerState::exited && c.exit_code != 0) || c.state == ContainerState::restarting);
}

} // namespace

void print_last_words(Engine& engine, const Roots& roots, const std::string& project) {
    const ProjectPaths paths(roots, project);
    for (const ContainerInfo& c : engine.containers(project)) {
        if (!is_broken(c)) continue;
        LogReader reader(paths.log(c.id), LogRange{shown_lines, {}, {}});
        std::string text;
        while (auto line = reader.next()) text += "  | " + line->text + '\n';
        if (auto line = reader.rest()) text += "  | " + line->text + '\n';
        fmt::print(stderr, "{}\n{}", text.empty() ? c.name + " wrote nothing" : "last lines of " + c.name + ":", text);
    }
}

} // namespace davit::cli
