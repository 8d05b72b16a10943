#include "compose/env_files.hpp"

#include "base/file.hpp"

#include <sys/stat.h>

namespace davit::compose {

std::optional<std::vector<std::pair<std::string, std::string>>> read_env_file(Tree& tree, const std::string& path,
                                                                              bool raw, const Lookup& outside,
                                                                              const Lookup& earlier,
                                                                              Diagnostics& diag) {
    struct stat st {};
    if (stat(path.c_str(), &st) != 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
    if (S_ISDIR(st.st_mode)) {
        diag.error({}, {}, fmt::format("{} is a directory, and a file of variables is needed", path));
        return std::vector<std::pair<std::string, std::string>>();
    }
    std::uint16_t file = tree.add_file(path, read_file(path));
    DotenvResult result =
        raw ? parse_raw_env(tree.file_text(file), outside) : parse_dotenv(tree.file_text(file), outside, earlier);
    auto at = [file](const DotenvError& e) { return Pos{static_cast<std::uint32_t>(e.line), 1, file}; };
    for (const auto& e : result.errors) diag.error(at(e), {}, e.message, e.hint);
    for (const auto& e : result.unset)
        diag.warning(at(e), {}, fmt::format("the variable {} is not set; an empty text is used for it", e.message),
                     fmt::format("set it in the environment or in a line above, or write ${{{}:-default}}", e.message));
    for (const auto& e : result.warnings) diag.warning(at(e), {}, e.message, e.hint);
    return std::move(result.values);
}

void merge_env_files(Tree& tree, Environment& environment, const std::vector<std::string>& paths, Diagnostics& diag) {
    Environment from_files;
    Lookup outside = [&](std::string_view name) -> const std::string* {
        auto it = environment.find(name);
        return it == environment.end() ? nullptr : &it->second;
    };
    Lookup earlier = [&](std::string_view name) -> const std::string* {
        auto it = from_files.find(name);
        return it == from_files.end() ? nullptr : &it->second;
    };
    for (const std::string& path : paths) {
        auto values = read_env_file(tree, path, false, outside, earlier, diag);
        if (!values) {
            diag.error({}, {}, fmt::format("the env file {} does not exist", path),
                       "create it, or leave it out of --env-file and COMPOSE_ENV_FILES");
            continue;
        }
        for (auto& [key, value] : *values) from_files.insert_or_assign(std::move(key), std::move(value));
    }
    environment.merge(from_files);
}

} // namespace davit::compose
