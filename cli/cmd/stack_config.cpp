#include "base/error.hpp"
#include "base/sys.hpp"
#include "cli/cmd/stack.hpp"
#include "cli/cmd/stack_files.hpp"
#include "cli/docker_errors.hpp"
#include "cli/load_options.hpp"
#include "cli/options.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <unistd.h>

namespace davit::cli {

namespace {

std::vector<std::string> comma_separated(const std::string& word) {
    std::vector<std::string> out(1);
    for (char c : word)
        if (c == ',') out.emplace_back();
        else out.back() += c;
    return out;
}

} // namespace

StackOptions stack_options(const std::vector<std::string>& files) {
    if (files.empty()) throw error(Errc::usage, "specify a Compose file (with --compose-file)");
    StackOptions out;
    std::error_code code;
    for (const std::string& word : files) // "a.yaml,b.yaml" are two; a file of that very name is one
        if (word.find(',') == std::string::npos || std::filesystem::exists(word, code)) out.files.push_back(word);
        else
            for (std::string& file : comma_separated(word)) out.files.push_back(std::move(file));
    out.current_dir = std::filesystem::current_path(code).string();
    out.environment = process_environment();
    if (std::find(out.files.begin(), out.files.end(), "-") != out.files.end())
        out.stdin_text = sys::read_all(STDIN_FILENO);
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
    std::fputs(as_client([&] { return render_stack(stack); }).c_str(), stdout);
    return 0;
}

} // namespace davit::cli
