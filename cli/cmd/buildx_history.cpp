// `buildx history`: builds that have ended, as docker's plugin lists those of BuildKit.
#include "cli/cmd/buildx_history.hpp"

#include "base/date.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/builders.hpp"
#include "cli/cmd/image.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/display/build_display.hpp"
#include "cli/docker_errors.hpp"
#include "cli/format/json_text.hpp"
#include "cli/format/tabbed_table.hpp"
#include "cli/format/template.hpp"
#include "cli/format/time.hpp"
#include "cli/options.hpp"
#include "davit/build_history.hpp"
#include "davit/to_string.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

using Status = BuildRecord::Status;
using HistoryJson = nlohmann::ordered_json;

std::string last_part(const std::string& path) {
    const std::size_t end = path.find_last_not_of('/');
    const std::string whole = path.substr(0, end == std::string::npos ? 0 : end + 1);
    return whole.substr(whole.rfind('/') + 1);
}

// As buildx calls a build: the directory, with the Dockerfile where it is another one, and the target.
std::string name_of(const BuildRecord& r) {
    const bool local = !r.directory.empty();
    std::string out = last_part(local ? r.directory : r.context);
    const std::string file = last_part(r.dockerfile);
    if (r.dockerfile.starts_with('/') && local) {
        const std::string directory = last_part(std::filesystem::path(r.dockerfile).parent_path().string());
        if (file != "Dockerfile" || directory != out) out = directory + "/" + file;
    } else if (!file.empty() && file != "Dockerfile") {
        out += "/" + file;
    }
    return r.target.empty() ? out : out + " (" + r.target + ")";
}

const char* status_of(const BuildRecord& r) { return r.status == Status::completed ? "Completed" : "Error"; }

// "0.1s", "1m 5s"
std::string duration_of(const BuildRecord& r) {
    constexpr std::int64_t second = 1'000'000'000;
    const std::int64_t all = r.completed - r.created;
    if (all < 60 * second) return fmt::format("{:.1f}s", static_cast<double>(all) / 1e9);
    return fmt::format("{}m {:2}s", all / (60 * second), all / second % 60);
}

std::string full_reference(const BuildRecord& r) {
    const BuilderName builder = builder_named("");
    return builder.name + "/" + builder.node + "/" + r.id;
}

// By the beginning of nothing: whole, empty for the newest, "^1" for the one before it.
BuildRecord find_record(Engine& engine, const std::string& reference) {
    const std::vector<BuildRecord> all = build_records(engine);
    std::size_t back = 0;
    if (reference.starts_with('^')) {
        const char* end = reference.data() + reference.size();
        const auto [stop, failed] = std::from_chars(reference.data() + 1, end, back);
        if (failed != std::errc() || stop != end)
            throw error(Errc::usage, "invalid offset \"{}\": strconv.Atoi: parsing \"{}\": invalid syntax", reference,
                        reference.substr(1));
    } else if (!reference.empty()) {
        const std::string id = reference.substr(reference.rfind('/') + 1);
        const auto found = std::find_if(all.begin(), all.end(), [&](const BuildRecord& r) { return r.id == id; });
        if (found == all.end()) throw error(Errc::not_found, "no record found for ref \"{}\"", reference);
        return *found;
    }
    if (all.empty()) throw error(Errc::not_found, "no records found");
    if (back >= all.size()) throw error(Errc::not_found, "no record found for ref \"{}\"", reference);
    return all[back];
}

bool is_taken(const BuildRecord& r, const std::vector<std::string>& filters) {
    for (const std::string& filter : filters) {
        const std::size_t equals = filter.find('=');
        if (equals == std::string::npos) throw error(Errc::usage, "invalid filter \"{}\"", filter);
        const bool except = equals > 0 && filter[equals - 1] == '!';
        const std::string key = filter.substr(0, equals - (except ? 1 : 0)), value = filter.substr(equals + 1);
        bool has = false;
        if (key == "ref") has = r.id == value;
        else if (key == "status") has = value == to_string(r.status);
        else throw error(Errc::usage, "unsupported filter \"{}\"", filter);
        if (has == except) return false;
    }
    return true;
}

int list(Globals& globals, const Args& args) {
    std::string format;
    std::vector<std::string> filters, none;
    bool whole = false;
    Options options(globals, "buildx history ls [OPTIONS]", "List build records");
    options.value("format", format, "Format the output: table, json, or a Go template")
        .list("filter", filters, "Provide filter values (e.g., \"status=error\")")
        .flag("no-trunc", whole, "Don't truncate output")
        .each("builder", "string", check_builder, "")
        .hidden()
        .arguments(none, 0, 0);
    if (!options.parse(args)) return 0;
    const ListFormat shape = ListFormat::parse(format, "history.lsContext");
    Engine engine = image_engine();
    std::vector<nlohmann::json> rows;
    std::string lines;
    for (const BuildRecord& r : build_records(engine)) {
        if (!is_taken(r, filters)) continue;
        constexpr std::size_t widest = 36;
        std::string name = name_of(r);
        const nlohmann::json document = {{"ref", full_reference(r)},
                                         {"name", name},
                                         {"status", status_of(r)},
                                         {"created_at", rfc3339_nano(r.created)},
                                         {"completed_at", rfc3339_nano(r.completed)},
                                         {"total_steps", r.steps},
                                         {"completed_steps", r.done},
                                         {"cached_steps", r.cached}};
        lines += json_text(document) + "\n";
        if (!whole && shape.kind == ListFormat::Kind::table && name.size() > widest)
            name = ".." + name.substr(name.size() - widest + 2);
        rows.push_back(
            {{"Ref", r.id},
             {"FullRef", full_reference(r)},
             {"Name", name},
             {"Status", status_of(r)},
             {"CreatedAt", human_duration(std::chrono::nanoseconds(sys::realtime_ns() - r.created)) + " ago"},
             {"Duration", duration_of(r)},
             {"Link", ""}});
    }
    const nlohmann::json headers{{"Ref", "BUILD ID"},         {"Name", "NAME"},         {"Status", "STATUS"},
                                 {"CreatedAt", "CREATED AT"}, {"Duration", "DURATION"}, {"Link", ""}};
    const std::string out = shape.kind == ListFormat::Kind::json
                                ? lines
                                : render_list(shape, rows, {"Ref", "Name", "Status", "CreatedAt", "Duration"}, headers);
    std::fputs(out.c_str(), stdout);
    return 0;
}

HistoryJson pairs_document(const std::vector<std::pair<std::string, std::string>>& pairs) {
    std::vector<std::pair<std::string, std::string>> sorted = pairs;
    std::sort(sorted.begin(), sorted.end());
    HistoryJson out = HistoryJson::array();
    for (const auto& [name, value] : sorted) out.push_back({{"Name", name}, {"Value", value}});
    return out;
}

std::string inspect_document(const BuildRecord& r) {
    HistoryJson out{{"Name", name_of(r)}, {"Ref", r.id}, {"Context", r.context}};
    if (!r.dockerfile.empty()) out["Dockerfile"] = r.dockerfile;
    if (!r.target.empty()) out["Target"] = r.target;
    if (!r.platforms.empty()) out["Platform"] = r.platforms;
    out["StartedAt"] = rfc3339_nano(r.created);
    out["CompletedAt"] = rfc3339_nano(r.completed);
    out["Duration"] = r.completed - r.created;
    out["Status"] = to_string(r.status);
    if (r.status == Status::error) out["Error"] = {{"Message", r.error}};
    out["NumCompletedSteps"] = r.done;
    out["NumTotalSteps"] = r.steps;
    out["NumCachedSteps"] = r.cached;
    if (!r.args.empty()) out["BuildArgs"] = pairs_document(r.args);
    if (!r.labels.empty()) out["Labels"] = pairs_document(r.labels);
    out["Config"] = HistoryJson::object();
    if (!r.manifest_digest.empty())
        out["Attachments"] = HistoryJson::array({{{"Digest", r.manifest_digest}, {"Type", r.manifest_type}}});
    return json_text(out, 2) + "\n";
}

void print_pairs(const char* title, const std::vector<std::pair<std::string, std::string>>& pairs) {
    if (pairs.empty()) return;
    TabbedTable table({title, "VALUE"});
    for (const auto& one : pairs_document(pairs))
        table.add({one["Name"].get<std::string>(), one["Value"].get<std::string>()});
    std::fputs(table.to_string().c_str(), stdout);
    std::puts("");
}

void print_inspected(const BuildRecord& r) {
    const auto line = [](const char* title, const std::string& value) {
        if (!value.empty()) std::printf("%s\t%s\n", title, printable(value).c_str());
    };
    line("Name:\t", name_of(r));
    line("Ref:\t", r.id);
    line("Context:", r.context);
    line("Dockerfile:", r.dockerfile);
    line("Target:\t", r.target);
    line("Platforms:", fmt::format("{}", fmt::join(r.platforms, ", ")));
    const std::string started = rfc3339_nano(r.created);
    std::printf("\nStarted:\t%s %s\n", started.substr(0, 10).c_str(), started.substr(11, 8).c_str());
    std::printf("Duration:\t%s\n", duration_of(r).c_str());
    if (r.status == Status::canceled) line("Status:\t", "Canceled");
    if (r.status == Status::error) line("Error:\t", r.error);
    std::printf("Build Steps:\t%d/%d (%.0f%% cached)\n\n\n", r.done, r.steps,
                r.steps ? 100.0 * r.cached / r.steps : 0.0);
    print_pairs("BUILD ARG", r.args);
    print_pairs("LABEL", r.labels);
    if (!r.manifest_digest.empty())
        std::printf("Attachments:\nDIGEST\t\t\t\t\t\t\t\t\tPLATFORM\tTYPE\n%s\t\t\t%s\n\n", r.manifest_digest.c_str(),
                    r.manifest_type.c_str());
    std::printf("Print build logs: docker buildx history logs %s\n", r.id.c_str());
}

int inspect_record(Globals& globals, const Args& args) {
    std::string format;
    std::vector<std::string> references;
    Options options(globals, "buildx history inspect [OPTIONS] [REF]", "Inspect a build record");
    options.value("format", format, "Format the output: pretty, json, or a Go template")
        .each("builder", "string", check_builder, "")
        .hidden()
        .arguments(references, 0, 1);
    if (!options.parse(args)) return 0;
    Engine engine = image_engine();
    const BuildRecord record = find_record(engine, references.empty() ? "" : references.front());
    if (format.empty() || format == "pretty") print_inspected(record);
    else if (format == "json" || format == "{{json .}}") std::fputs(inspect_document(record).c_str(), stdout);
    else std::printf("%s\n", Template(format).execute(HistoryJson::parse(inspect_document(record))).c_str());
    return 0;
}

int print_logs(Globals& globals, const Args& args) {
    std::string progress;
    std::vector<std::string> references;
    Options options(globals, "buildx history logs [OPTIONS] [REF]", "Print the logs of a build record");
    options.value("progress", progress, "Set type of progress output (plain, rawjson, tty)")
        .each("builder", "string", check_builder, "")
        .hidden()
        .arguments(references, 0, 1);
    if (!options.parse(args)) return 0;
    const BuildProgress mode = progress.empty() || progress == "auto" ? BuildProgress::plain : build_progress(progress);
    Engine engine = image_engine();
    const BuildRecord record = find_record(engine, references.empty() ? "" : references.front());
    const auto display = make_build_display(mode);
    replay_build(engine, record.id, [&](const BuildEvent& event) { display->on(event); });
    display->close();
    return 0;
}

int remove_records(Globals& globals, const Args& args) {
    std::vector<std::string> references;
    bool all = false;
    Options options(globals, "buildx history rm [OPTIONS] [REF...]", "Remove build records");
    options.flag("all", all, "Remove all build records")
        .each("builder", "string", check_builder, "")
        .hidden()
        .arguments(references);
    if (!options.parse(args)) return 0;
    if (references.empty() && !all) throw error(Errc::usage, "rm requires at least one argument");
    if (!references.empty() && all) throw error(Errc::usage, "rm requires either --all or at least one argument");
    Engine engine = image_engine();
    if (all)
        for (const BuildRecord& r : build_records(engine)) references.push_back(r.id);
    if (globals.dry_run) return 0;
    ErrorList errors;
    for (const std::string& reference : references)
        errors.run([&] { remove_build_record(engine, reference.substr(reference.rfind('/') + 1)); });
    errors.throw_if_any();
    return 0;
}

// What goes to and comes from Docker Desktop, and OpenTelemetry's traces.
int refuse_history(Globals&, const Args&) {
    throw error(Errc::unsupported, "davit keeps of a build what \"history inspect\" and \"history logs\" show, no more")
        .with_hint("export, import and open are Docker Desktop's, traces BuildKit's");
}

} // namespace

int run_buildx_group(Globals& globals, const Args& args, const char* name, const char* summary,
                     std::span<const Verb> verbs) {
    // What davit has not, and says so.
    constexpr std::string_view refused[] = {"dial-stdio", "dap", "policy", "debug", "help"};
    const bool is_word = !globals.describe && !args.empty() && !args.front().starts_with("-");
    if (!docker_is_spoken() || !is_word || find_verb(verbs, args.front()) ||
        std::find(std::begin(refused), std::end(refused), args.front()) != std::end(refused))
        return run_group(globals, args, name, summary, verbs);
    run_group(globals, {"--help"}, name, summary, verbs);
    throw error(Errc::usage, "unknown command: \"{}\"", args.front());
}

int run_buildx_history(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"export", "Nothing: records are Docker Desktop's", refuse_history, VerbGroup::hidden},
        {"import", "Nothing: records are Docker Desktop's", refuse_history, VerbGroup::hidden},
        {"inspect", "Inspect a build record", inspect_record},
        {"logs", "Print the logs of a build record", print_logs},
        {"ls", "List build records", list},
        {"open", "Nothing: Docker Desktop opens it", refuse_history, VerbGroup::hidden},
        {"rm", "Remove build records", remove_records},
        {"trace", "Nothing: no traces are kept", refuse_history, VerbGroup::hidden},
    };
    return run_buildx_group(globals, args, "buildx history", "Builds that have ended", verbs);
}

} // namespace davit::cli
