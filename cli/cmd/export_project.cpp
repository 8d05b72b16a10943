#include "cli/cmd/export_project.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/load_options.hpp"
#include "cli/terminal.hpp"
#include "davit/export.hpp"
#include "davit/revisions.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::cli {

namespace {

namespace fs = std::filesystem;

template <typename T>
struct Word {
    const char* word;
    T value;
};

constexpr Word<ExportTarget> target_words[] = {{"swarm", ExportTarget::swarm},
                                               {"systemd", ExportTarget::systemd},
                                               {"kubernetes", ExportTarget::kubernetes},
                                               {"ecs", ExportTarget::ecs}};
constexpr Word<EcsFormat> format_words[] = {{"taskdef", EcsFormat::taskdef},
                                            {"cli", EcsFormat::cli},
                                            {"cloudformation", EcsFormat::cloudformation},
                                            {"terraform", EcsFormat::terraform}};
constexpr Word<EcsLayout> layout_words[] = {{"service", EcsLayout::service}, {"task", EcsLayout::task}};

template <typename T, std::size_t N>
T by_word(const Word<T> (&words)[N], const std::string& flag, const std::string& value) {
    std::string all;
    for (const Word<T>& w : words) {
        if (value == w.word) return w.value;
        all += (all.empty() ? "" : ", ") + std::string(w.word);
    }
    throw error(Errc::usage, "unknown value \"{}\" of {}", value, flag).with_hint("it is one of " + all);
}

// Not for directories and devices; what cannot be read is the report's to tell.
std::optional<std::string> readable_file(const std::string& path) {
    std::error_code failed;
    if (!fs::is_regular_file(path, failed)) return std::nullopt;
    try {
        return read_file(path);
    } catch (const Error&) {
        return std::nullopt;
    }
}

std::optional<FileFacts> facts_of(const std::string& path) {
    std::error_code failed;
    FileFacts out;
    out.real = fs::canonical(path, failed).string();
    if (failed) return std::nullopt;
    const fs::file_status status = fs::status(out.real, failed);
    if (failed || (status.type() != fs::file_type::regular && status.type() != fs::file_type::directory))
        return std::nullopt;
    out.directory = status.type() == fs::file_type::directory;
    out.mode = static_cast<std::uint32_t>(status.permissions() & fs::perms::mask);
    if (out.directory) {
        for (fs::directory_iterator it(out.real, failed), end; !failed && it != end; it.increment(failed))
            out.names.push_back(it->path().filename().string());
        std::sort(out.names.begin(), out.names.end());
    } else {
        out.size = fs::file_size(out.real, failed);
    }
    return failed ? std::nullopt : std::optional(std::move(out));
}

// CI that exports on several machines gives them one key. Who may not keep one is told by the report.
std::string version_key() {
    if (const char* given = std::getenv("DAVIT_EXPORT_KEY"); given && *given) return given;
    try {
        return machine_hash_key();
    } catch (const Error&) {
        return {};
    }
}

ExportOptions export_options(const ExportFlags& f) {
    ExportOptions out;
    out.target = by_word(target_words, "--to", f.to);
    if (out.target != ExportTarget::ecs && (!f.format.empty() || !f.layout.empty() || f.with_vpc))
        throw error(Errc::usage, "--format, --layout and --with-vpc belong to --to ecs");
    if (!f.format.empty()) out.format = by_word(format_words, "--format", f.format);
    if (!f.layout.empty()) out.layout = by_word(layout_words, "--layout", f.layout);
    if (f.with_vpc && out.format != EcsFormat::cloudformation)
        throw error(Errc::usage, "--with-vpc belongs to --format cloudformation");
    out.with_vpc = f.with_vpc;
    out.registry = f.registry;
    while (out.registry.ends_with('/')) out.registry.pop_back();
    out.program = fs::read_symlink("/proc/self/exe").string();
    out.read_file = readable_file;
    out.look_at = facts_of;
    out.version_key = version_key;
    return out;
}

// -o FILE names the main file where it can have a name of its own: Swarm's; its others stand beside it.
bool names_file(const ExportOptions& options, const std::string& output) {
    return options.target == ExportTarget::swarm && !output.ends_with('/') && !fs::is_directory(output);
}

void write_export(ExportResult& result, const ExportOptions& options, const std::string& output) {
    fs::path directory = output;
    if (names_file(options, output)) {
        result.files.front().path = directory.filename();
        directory = directory.parent_path();
    }
    for (const ExportedFile& file : result.files) {
        const fs::path path = directory / file.path;
        if (!path.parent_path().empty()) fs::create_directories(path.parent_path());
        const UniqueFd fd = sys::open(path.string(), O_WRONLY | O_CREAT | O_TRUNC, file.executable ? 0777 : 0666);
        sys::write_all(fd.get(), file.text);
    }
}

void print_main_file(const ExportResult& result) {
    if (result.files.size() > 1)
        throw error(Errc::usage, "the export has {} files", result.files.size()).with_hint("say where: -o DIRECTORY");
    const std::string& text = result.files.front().text;
    if (is_terminal(STDOUT_FILENO)) std::fputs(printable(text, "\n\t").c_str(), stdout);
    else std::fwrite(text.data(), 1, text.size(), stdout);
}

void print_report(const ExportResult& result, const std::string& how, std::FILE* to) {
    if (how == "none") return;
    const std::string text = how == "json" ? printable_json(report_json(result)) + "\n"
                                           : printable(report_text(result, how == "all"), "\n\t");
    std::fputs(text.c_str(), to);
}

} // namespace

namespace {

void check_report(const ExportFlags& flags) {
    if (flags.report != "text" && flags.report != "all" && flags.report != "json" && flags.report != "none")
        throw error(Errc::usage, "unknown value \"{}\" of --report", flags.report)
            .with_hint("it is one of text, all, json, none");
}

void refuse_losses(int lost) {
    throw error(Errc::invalid_project, "{} keys would be dropped, and nothing was written", lost)
        .with_hint("leave --strict out, or take them out of the file");
}

} // namespace

ExportTarget export_target(const std::string& word) { return by_word(target_words, "--to", word); }

ExportResult export_loaded(const Project& project, const ExportFlags& flags) {
    const ExportOptions options = export_options(flags);
    check_report(flags);
    ExportResult result = export_project(project, options);
    const int lost = count_findings(result, ExportFinding::Kind::dropped);
    print_report(result, flags.report, stderr);
    if (flags.strict && lost > 0) refuse_losses(lost);
    write_export(result, options, flags.output);
    return result;
}

int export_project_files(Globals& globals, const ExportFlags& flags) {
    const ExportOptions options = export_options(flags);
    check_report(flags);
    const LoadResult loaded = options.target == ExportTarget::systemd ? load_project(globals, flags.services)
                                                                      : load_project_to_export(globals, flags.services);
    ExportResult result = export_project(loaded.project, options);
    const int lost = count_findings(result, ExportFinding::Kind::dropped);
    const bool refused = flags.strict && lost > 0;
    // With the export on standard output the report goes where it does not get in its way.
    const bool to_stdout = flags.output.empty() || flags.output == "-";
    if (!refused && !globals.dry_run) {
        if (to_stdout) print_main_file(result);
        else write_export(result, options, flags.output);
    }
    print_report(result, flags.report, to_stdout ? stderr : stdout);
    if (refused) refuse_losses(lost);
    return 0;
}

} // namespace davit::cli
