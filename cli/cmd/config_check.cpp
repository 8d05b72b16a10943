#include "cli/cmd/config_check.hpp"

#include "cli/diagnostics.hpp"

#include <cstdio>

namespace davit::cli {

int check_files(const std::function<LoadOptions()>& options, bool json, bool quiet) {
    auto print = [&](const std::vector<Diagnostic>& all) {
        if (quiet) return;
        for (const Diagnostic& d : all) std::printf("%s\n", json ? json_line(d).c_str() : editor_line(d).c_str());
    };
    // Mistakes are the output here, not a failure of the command.
    try {
        LoadResult result = load(options());
        print(result.warnings);
        print(unacted_attributes(result));
        return 0;
    } catch (const LoadError& e) {
        print(e.diagnostics());
    } catch (const Error& e) {
        if (e.kind() != Errc::invalid_project) throw;
        print({{Diagnostic::Severity::error, e.at(), {}, e.what(), e.hint(), {}}});
    }
    return 1;
}

} // namespace davit::cli
