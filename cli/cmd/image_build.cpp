#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/cmd/build_flags.hpp"
#include "cli/cmd/image.hpp"
#include "cli/display/build_display.hpp"
#include "cli/interrupts.hpp"
#include "davit/build.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace davit::cli {

namespace {

int print_checks(const BuildResult& result) {
    if (result.checks.empty() && !result.check_failure) std::puts("Check complete, no warnings found.");
    else if (!result.checks.empty())
        std::printf("Check complete, %zu %s found!\n", result.checks.size(),
                    result.checks.size() == 1 ? "warning has been" : "warnings have been");
    for (const BuildCheck& check : result.checks)
        std::printf("\nWARNING: %s - %s\n%s:%d\n", check.rule.c_str(), printable(check.message).c_str(),
                    printable(check.file).c_str(), check.line);
    if (result.check_failure) throw *result.check_failure;
    return result.checks.empty() ? 0 : 1;
}

// Columns as wide as their widest cell, three blanks between them, as docker's.
void print_table(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (widths.size() <= i) widths.push_back(0);
            widths[i] = std::max(widths[i], row[i].size());
        }
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            if (i + 1 < row.size()) line.append(widths[i] - row[i].size() + (widths.size() == 2 ? 1 : 3), ' ');
        }
        std::puts(printable(line).c_str());
    }
}

int print_targets(const BuildResult& result) {
    if (result.check_failure) throw *result.check_failure;
    std::vector<std::vector<std::string>> rows{{"TARGET", "DESCRIPTION"}};
    for (const BuildTarget& target : result.targets)
        rows.push_back({(target.name.empty() ? "(default)" : target.name + (target.is_default ? " (default)" : "")),
                        target.description});
    print_table(rows);
    return 0;
}

int print_outline(const BuildFlags& flags, const BuildResult& result) {
    if (result.check_failure) throw *result.check_failure;
    std::string target = flags.request.target;
    for (const BuildTarget& one : result.targets)
        if (target.empty() && one.is_default) target = one.name;
    if (!target.empty()) std::printf("TARGET: %s\n\n", printable(target).c_str());
    std::vector<std::vector<std::string>> rows{{"BUILD ARG", "VALUE", "DESCRIPTION"}};
    for (const BuildParameter& parameter : result.parameters)
        rows.push_back({parameter.name, parameter.value, parameter.description});
    if (rows.size() > 1) {
        print_table(rows);
        std::puts("");
    }
    return 0;
}

int print_call(const BuildFlags& flags, const BuildResult& result) {
    if (flags.call == "targets") return print_targets(result);
    if (flags.call == "outline") return print_outline(flags, result);
    return print_checks(result);
}

void write_results(const BuildFlags& flags, const BuildResult& result) {
    if (!flags.iid_file.empty()) write_file_atomic(flags.iid_file, result.image_id, 0644);
    if (flags.metadata_file.empty()) return;
    nlohmann::json metadata{{"containerimage.digest", result.manifest_digest},
                            {"containerimage.config.digest", result.image_id}};
    std::string names;
    for (const auto& name : result.names) names += (names.empty() ? "" : ",") + name;
    if (!names.empty()) metadata["image.name"] = names;
    write_file_atomic(flags.metadata_file, metadata.dump(2) + "\n", 0644);
}

int build(BuildFlags& flags) {
    Interrupts interrupts;
    Engine engine = image_engine();
    if (flags.request.context == "-" || flags.request.dockerfile == "-") flags.request.context_stream = STDIN_FILENO;
    flags.request.output_stream = STDOUT_FILENO;
    const BuildProgress mode = flags.quiet ? BuildProgress::quiet : build_progress(flags.progress);
    auto display = make_build_display(flags.request.check_only ? BuildProgress::quiet : mode);
    FailedStep failed;
    try {
        const BuildResult result = engine.build(
            flags.request,
            [&](const BuildEvent& event) {
                failed.see(event);
                display->on(event);
            },
            interrupts.token());
        display->close();
        if (flags.request.check_only) return print_call(flags, result);
        write_results(flags, result);
        if (flags.quiet && !result.image_id.empty()) std::printf("%s\n", result.image_id.c_str());
        return 0;
    } catch (...) {
        display->close();
        std::fputs(failed.text().c_str(), stderr);
        throw;
    }
}

} // namespace

int run_image_build(Globals& globals, const Args& args) {
    BuildFlags flags;
    Options options(globals, "image build [OPTIONS] PATH | URL | -", "Build an image from a Dockerfile");
    flags.add_to(options);
    // docker's exit codes tell an option that cannot be read from the rest.
    constexpr int unreadable = 125;
    try {
        if (!options.parse(args)) return 0;
    } catch (const Error&) {
        report_exception();
        return unreadable;
    }
    try {
        flags.apply();
    } catch (const Error& e) {
        report_exception();
        return e.exit_code() ? e.exit_code() : 1;
    }
    if (globals.dry_run) flags.request.check_only = true;
    return build(flags);
}

} // namespace davit::cli
