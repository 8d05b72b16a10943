#include "base/error.hpp"
#include "base/sys.hpp"
#include "cli/cmd/stack.hpp"
#include "cli/cmd/stack_files.hpp"
#include "cli/load_options.hpp"
#include "cli/options.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <unistd.h>

namespace davit::cli {

StackOptions stack_options(const std::vector<std::string>& files) {
    if (files.empty()) throw error(Errc::usage, "specify a Compose file (with --compose-file)");
    StackOptions out;
    std::error_code code;
    out.files = files;
    out.current_dir = std::filesystem::current_path(code).string();
    out.environment = process_environment();
    if (std::find(files.begin(), files.end(), "-") != files.end()) out.stdin_text = sys::read_all(STDIN_FILENO);
    return out;
}

int run_stack_config(Globals& globals, const Args& args) {
    std::vector<std::string> files, none;
    bool skip_interpolation = false, modern = false;
    Options options(globals, "stack config [OPTIONS]",
                    "Outputs the final config file, after doing merges and interpolations");
    options.list("c,compose-file", files, "Path to a Compose file, or \"-\" to read from stdin", "strings")
        .flag("skip-interpolation", skip_interpolation, "Skip interpolation and output only merged config")
        .flag("spec", modern, "Where version 3 refuses a key, read the files as compose files of today")
        .arguments(none, 0, 0);
    if (!options.parse(args)) return 0;
    StackOptions stack = stack_options(files);
    stack.interpolate = !skip_interpolation;
    stack.accept_modern = modern;
    std::fputs(render_stack(stack).c_str(), stdout);
    return 0;
}

} // namespace davit::cli
