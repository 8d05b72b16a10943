#include "compose/place.hpp"

#include "compose/loader.hpp"

#include <algorithm>

namespace davit::compose {

SourcePos place_of(const Project& project, std::string_view path) {
    const auto& files = project.compose_files;
    if (files.empty() || std::find(files.begin(), files.end(), "-") != files.end()) return {};
    LoadOptions o;
    o.files = files;
    o.current_dir = o.project_directory = project.working_dir;
    o.project_name = project.name;
    o.environment = project.environment;
    try {
        const LoadedTree loaded = load_tree(o);
        const Pos pos = locate(*loaded.root, path);
        return pos.line ? loaded.tree->where(pos) : SourcePos();
    } catch (const Error&) {
        return {}; // what it is asked for is told without a place then
    }
}

} // namespace davit::compose
