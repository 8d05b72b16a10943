#include "cli/cmd/copy_ends.hpp"

#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/docker_errors.hpp"
#include "cli/terminal.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <unistd.h>

namespace davit::cli {

CopyEnd::CopyEnd(const std::string& text) : path(text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos || colon == 0 || text[0] == '.' || text[0] == '/') return;
    of = text.substr(0, colon);
    path = text.substr(colon + 1);
}

CopyOptions copy_options(bool follow, bool archive, bool quiet) {
    if (quiet) return {follow, archive, {}, {}};
    auto warn = [](const std::string& text) {
        std::fprintf(stderr, "warning: %s (-a keeps it)\n", printable(text).c_str());
    };
    auto left_out = [](const std::string& text) { std::fprintf(stderr, "warning: %s\n", printable(text).c_str()); };
    return {follow, archive, warn, left_out};
}

void check_output_path(const std::string& path, const char* what) {
    const std::size_t slash = path.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
    if (::access(directory.c_str(), F_OK) != 0)
        throw error(Errc::usage, "{}: invalid output path: stat {}: no such file or directory", what, directory);
    if (std::error_code code; docker_is_spoken() && std::filesystem::is_directory(path, code))
        throw error(Errc::usage, "{}: cannot write to a directory", what);
}

void refuse_archive_on_terminal() {
    if (is_terminal(STDOUT_FILENO) && docker_is_spoken())
        throw error(Errc::usage, "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    if (is_terminal(STDOUT_FILENO))
        throw error(Errc::usage, "refusing to write a tar archive to a terminal")
            .with_hint("redirect the output, or name a file");
}

} // namespace davit::cli
