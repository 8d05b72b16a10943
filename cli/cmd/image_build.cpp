#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/client_config.hpp"
#include "cli/cmd/build_flags.hpp"
#include "cli/cmd/image.hpp"
#include "cli/display/build_display.hpp"
#include "cli/docker_errors.hpp"
#include "cli/format/build_calls.hpp"
#include "cli/format/build_checks.hpp"
#include "cli/format/build_metadata.hpp"
#include "cli/format/json_text.hpp"
#include "cli/interrupts.hpp"
#include "davit/build.hpp"
#include "davit/load.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <typeinfo>
#include <unistd.h>

namespace davit::cli {

namespace {

constexpr const char* after_build = "after the build";

int print_call(const BuildFlags& flags, const BuildResult& result) {
    std::fputs(call_text(flags, result).c_str(), stdout);
    if (result.check_failure) throw *result.check_failure;
    return call_status(flags, result);
}

// The image is there already: buildx does not call that a failed build.
void write_result(const std::string& path, const std::string& text, const char* missing) {
    const std::size_t slash = path.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    if (!exists(directory))
        throw error(Errc::not_found, fmt::runtime(missing), path, path.substr(0, slash)).with_context(after_build);
    write_file_atomic(path, text, 0644);
}

void write_results(const BuildFlags& flags, const BuildResult& result) {
    if (!flags.iid_file.empty())
        write_result(flags.iid_file, build_id(result), "writing image ID file: open {0}: no such file or directory");
    if (flags.metadata_file.empty()) return;
    write_result(flags.metadata_file,
                 json_text(flags.request.check_only ? call_metadata(flags, result) : build_metadata(result), 2) + "\n",
                 "invalid output path: stat {1}: no such file or directory");
}

} // namespace

namespace {

// What scripts look for in the output of a build.
Error in_words_of_buildkit(const Error& e, const std::string& which = {}) {
    Error out(e.kind(), "failed to solve: " + which + e.what());
    out.with_os(e.os()).with_at(e.at()).with_hint(e.hint());
    for (const std::string& context : e.context()) out.with_context(context);
    return out;
}

Error parse_error(const Error& e) {
    return in_words_of_buildkit(e, fmt::format("dockerfile parse error on line {}: ", e.at().line));
}

} // namespace

BuildResult build_shown(Engine& engine, const BuildFlags& flags, Interrupts& interrupts) {
    const BuildProgress mode = flags.quiet ? BuildProgress::quiet : build_progress(flags.progress);
    auto display = make_build_display(flags.request.check_only ? BuildProgress::quiet : mode);
    FailedStep failed;
    if (!flags.iid_file.empty()) ::unlink(flags.iid_file.c_str()); // no build that fails leaves an old one
    try {
        BuildResult result = engine.build(
            flags.request,
            [&](const BuildEvent& event) {
                failed.see(event);
                display->on(event);
            },
            interrupts.token());
        display->close();
        return result;
    } catch (Error& e) {
        display->close();
        const bool parsing =
            docker_is_spoken() && failed.name().find("load build definition from ") != std::string::npos;
        // There the context is none of the build's steps.
        const bool preparing = docker_is_spoken() && failed.name() == "[internal] load build context";
        if (!parsing && !preparing) std::fputs(failed.text().c_str(), stderr);
        if (docker_is_spoken()) std::fputs(build_excerpt(flags.request, e.at()).c_str(), stderr);
        e.with_exit_code(0); // of a step's program; a build that fails ends with 1
        if (parsing && e.at().line > 0) throw parse_error(e);
        const bool fetching = docker_is_spoken() && failed.name().find("load metadata for ") != std::string::npos;
        if ((e.at().line > 0 || fetching) && typeid(e) == typeid(Error)) throw in_words_of_buildkit(e);
        throw;
    } catch (...) {
        display->close();
        std::fputs(failed.text().c_str(), stderr);
        throw;
    }
}

namespace {

int build(BuildFlags& flags) {
    Interrupts interrupts;
    Engine engine = image_engine();
    if (flags.request.context == "-" || flags.request.dockerfile == "-") flags.request.context_stream = STDIN_FILENO;
    flags.request.output_stream = STDOUT_FILENO;
    const BuildResult result = build_shown(engine, flags, interrupts);
    write_results(flags, result);
    if (flags.request.check_only) return print_call(flags, result);
    if (flags.quiet || flags.progress == "quiet") // "none" shows nothing at all
        std::printf("%s\n", build_id(result).c_str());
    return 0;
}

} // namespace

namespace {

// How buildx tells what went wrong before anything was built.
std::string buildx_words(const BuildFlags& flags, const Error& e) {
    const std::string text = e.what();
    constexpr std::string_view no_stage = "the Dockerfile has no stage '";
    if (text.starts_with(no_stage))
        return fmt::format("failed to solve: target stage \"{}\" could not be found",
                           text.substr(no_stage.size(), text.find('\'', no_stage.size()) - no_stage.size()));
    if (text.starts_with("the build context ") && text.ends_with(" is not there"))
        return fmt::format("unable to prepare context: path \"{}\" not found", flags.request.context);
    if (text.starts_with("there is no Dockerfile at ")) {
        const std::string& named = flags.request.dockerfile;
        const std::string file = named.empty() ? "Dockerfile" : named.substr(named.rfind('/') + 1);
        return fmt::format("failed to solve: failed to read dockerfile: open {}: no such file or directory", file);
    }
    return text;
}

// What the options ask for and nobody can do. in_build: what buildx finds out once it has begun.
int refused(const Error& e, bool in_build) {
    const std::string text = e.what();
    const char* what = text.starts_with("ERROR: ") ? "" : in_build ? "ERROR: failed to build: " : "ERROR: ";
    std::fprintf(stderr, "%s%s\n", what, printable(text, "\n\t").c_str());
    return 1;
}

} // namespace

int run_image_build(Globals& globals, const Args& args) {
    BuildFlags flags;
    if (globals.docker_words) { // there it is buildx's, by whatever name
        globals.docker_word = "buildx build";
        globals.docker_aliases = "docker build, docker builder build, docker image build, docker buildx b";
    }
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
    for (const auto& text : flags.warnings) std::fprintf(stderr, "WARNING: %s\n", text.c_str());
    bool in_build = false;
    try {
        flags.read();
        in_build = true;
        flags.settle();
    } catch (const Error& e) {
        if (docker_is_spoken() && !e.exit_code()) return refused(e, in_build);
        report_exception();
        return e.exit_code() ? e.exit_code() : 1;
    }
    add_build_proxies(globals, flags.request.args);
    if (globals.dry_run) flags.request.check_only = true;
    for (const auto& text : flags.without_effect) std::fprintf(stderr, "WARNING: %s\n", printable(text).c_str());
    if (!docker_is_spoken()) return build(flags);
    try {
        return build(flags);
    } catch (const LoadError&) {
        throw;
    } catch (const Error& e) {
        if (e.kind() == Errc::interrupted) throw;
        std::fflush(stdout);
        if (!e.context().empty() && e.context().back() == after_build) return refused(e, false);
        std::fprintf(stderr, "ERROR: failed to build: %s\n", printable(buildx_words(flags, e), "\n\t").c_str());
        return 1;
    }
}

} // namespace davit::cli
