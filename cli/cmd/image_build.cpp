#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/cmd/build_flags.hpp"
#include "cli/cmd/image.hpp"
#include "cli/display/build_display.hpp"
#include "cli/interrupts.hpp"
#include "davit/build.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace davit::cli {

namespace {

int print_checks(const BuildResult& result) {
    if (result.checks.empty()) {
        std::puts("Check complete, no warnings found.");
        return 0;
    }
    std::printf("Check complete, %zu warning%s found!\n", result.checks.size(),
                result.checks.size() == 1 ? " has been" : "s have been");
    for (const BuildCheck& check : result.checks)
        std::printf("\nWARNING: %s - %s\n%s:%d\n", check.rule.c_str(), printable(check.message).c_str(),
                    printable(check.file).c_str(), check.line);
    return 1;
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
        if (flags.request.check_only) return print_checks(result);
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
    try {
        if (!options.parse(args)) return 0;
    } catch (Error& e) {
        // docker tells an option that it cannot read from the rest.
        e.with_exit_code(flags.arguments.size() == 1 ? 125 : 1);
        throw;
    }
    try {
        flags.apply();
        if (globals.dry_run) flags.request.check_only = true;
        return build(flags);
    } catch (Error& e) {
        if (e.exit_code() == 0) e.with_exit_code(e.kind() == Errc::interrupted ? 130 : 1);
        throw;
    }
}

} // namespace davit::cli
