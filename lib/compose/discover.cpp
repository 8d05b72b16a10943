#include "compose/loader.hpp"

#include <sys/stat.h>

namespace davit::compose {

namespace {

constexpr const char* kNames[] = {"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"};
constexpr const char* kOverrides[] = {"compose.override.yml", "compose.override.yaml", "docker-compose.override.yml",
                                      "docker-compose.override.yaml"};

bool exists_path(const std::string& path) {
    struct stat st {};
    return stat(path.c_str(), &st) == 0;
}

template <typename Names>
std::vector<std::string> candidates(const Names& names, const std::string& directory) {
    std::vector<std::string> out;
    for (const char* name : names)
        if (std::string path = join_path(directory, name); exists_path(path)) out.push_back(path);
    return out;
}

void add_first(std::vector<std::string>& out, const std::vector<std::string>& found, std::string_view what,
               std::vector<std::string>& warnings) {
    if (found.empty()) return;
    if (found.size() > 1) warnings.push_back(fmt::format("several {} files are here; {} is used", what, found[0]));
    out.push_back(found[0]);
}

} // namespace

std::vector<std::string> find_compose_files(const std::string& directory, std::vector<std::string>& warnings) {
    for (std::string dir = clean_path(directory);; dir = parent_path(dir)) {
        std::vector<std::string> out;
        add_first(out, candidates(kNames, dir), "compose", warnings);
        if (!out.empty()) {
            add_first(out, candidates(kOverrides, dir), "override", warnings);
            return out;
        }
        if (dir == "/" || dir == ".") return {};
    }
}

void fetch_files(LoadOptions& o) {
    if (!o.resources) return;
    for (std::string& file : o.files)
        if (file != "-")
            if (auto local = o.resources(file)) file = std::move(*local);
}

std::string working_directory(const LoadOptions& o) {
    if (!o.project_directory.empty())
        return is_absolute(o.project_directory) ? clean_path(o.project_directory)
                                                : join_path(o.current_dir, o.project_directory);
    for (const auto& file : o.files)
        if (file != "-") return parent_path(is_absolute(file) ? clean_path(file) : join_path(o.current_dir, file));
    return o.current_dir;
}

} // namespace davit::compose
