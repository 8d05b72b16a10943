#include "davit/build_history.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json_read.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"
#include "base/text_code.hpp"
#include "engine/build_recorder.hpp"
#include "engine/roots.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

namespace davit {

namespace {

constexpr std::size_t kept_builds = 50;
constexpr std::size_t most_of_events = 1 << 20; // bytes of what one build's steps told

using Kind = BuildEvent::Kind;

// Letters and digits, as BuildKit's references.
std::string new_reference() {
    constexpr std::string_view letters = "0123456789abcdefghijklmnopqrstuvwxyz";
    const std::string digits = sys::random_hex(50);
    std::string out;
    for (std::size_t i = 0; i < digits.size(); i += 2)
        out += letters[static_cast<std::size_t>(std::stoi(digits.substr(i, 2), nullptr, 16)) % letters.size()];
    return out;
}

Json json_of(const std::vector<std::pair<std::string, std::string>>& pairs) {
    Json out = Json::array();
    for (const auto& [key, value] : pairs) out.push_back({key, value});
    return out;
}

std::vector<std::pair<std::string, std::string>> pairs_of(const Json& json, const char* key) {
    std::vector<std::pair<std::string, std::string>> out;
    const auto found = json.find(key);
    if (found == json.end() || !found->is_array()) return out;
    for (const Json& one : *found)
        if (one.is_array() && one.size() == 2 && one[0].is_string() && one[1].is_string())
            out.emplace_back(one[0].get<std::string>(), one[1].get<std::string>());
    return out;
}

Json json_of(const BuildRecord& r) {
    return {{"id", r.id},
            {"context", r.context},
            {"dockerfile", r.dockerfile},
            {"target", r.target},
            {"directory", r.directory},
            {"platforms", r.platforms},
            {"tags", r.tags},
            {"args", json_of(r.args)},
            {"labels", json_of(r.labels)},
            {"created", static_cast<std::uint64_t>(r.created)},
            {"completed", static_cast<std::uint64_t>(r.completed)},
            {"status", static_cast<unsigned>(r.status)},
            {"error", r.error},
            {"steps", static_cast<unsigned>(r.steps)},
            {"done", static_cast<unsigned>(r.done)},
            {"cached", static_cast<unsigned>(r.cached)},
            {"digest", r.manifest_digest},
            {"type", r.manifest_type}};
}

BuildRecord record_of(const Json& json) {
    BuildRecord out;
    out.id = text_of(json, "id");
    out.context = text_of(json, "context");
    out.dockerfile = text_of(json, "dockerfile");
    out.target = text_of(json, "target");
    out.directory = text_of(json, "directory");
    out.platforms = list_of(json, "platforms");
    out.tags = list_of(json, "tags");
    out.args = pairs_of(json, "args");
    out.labels = pairs_of(json, "labels");
    out.created = static_cast<std::int64_t>(unsigned_of(json, "created"));
    out.completed = static_cast<std::int64_t>(unsigned_of(json, "completed"));
    out.status = static_cast<BuildRecord::Status>(std::min<std::uint64_t>(unsigned_of(json, "status"), 2));
    out.error = text_of(json, "error");
    out.steps = static_cast<int>(unsigned_of(json, "steps"));
    out.done = static_cast<int>(unsigned_of(json, "done"));
    out.cached = static_cast<int>(unsigned_of(json, "cached"));
    out.manifest_digest = text_of(json, "digest");
    out.manifest_type = text_of(json, "type");
    return out;
}

// Of single builds; the newest last: their names begin with the time. Without the directory there are none.
std::vector<std::string> record_files(const std::string& directory) {
    std::vector<std::string> out;
    std::error_code code;
    for (std::filesystem::directory_iterator it(directory, code), end; !code && it != end; it.increment(code))
        if (it->path().extension() == ".build") out.push_back(it->path().string());
    if (code && code != std::errc::no_such_file_or_directory)
        throw sys_error(code.value(), "reading the directory {}", directory);
    std::sort(out.begin(), out.end());
    return out;
}

std::string file_of(const std::string& directory, const std::string& id) {
    for (const std::string& file : record_files(directory))
        if (!id.empty() && file.ends_with("-" + id + ".build")) return file;
    throw error(Errc::not_found, "no record found for ref \"{}\"", id);
}

BuildEvent event_of(const Json& json) {
    BuildEvent out;
    out.kind =
        static_cast<Kind>(std::min<std::uint64_t>(unsigned_of(json, "kind"), static_cast<unsigned>(Kind::warning)));
    out.vertex = static_cast<int>(unsigned_of(json, "vertex"));
    out.name = text_of(json, "name");
    out.text = text_of(json, "text");
    out.stream = static_cast<int>(unsigned_of(json, "stream"));
    out.current = unsigned_of(json, "current");
    out.total = unsigned_of(json, "total");
    out.time_ns = static_cast<std::int64_t>(unsigned_of(json, "time"));
    return out;
}

std::string builds_of(const Engine& engine) { return roots_of(engine).builds(); }

} // namespace

BuildRecorder::BuildRecorder(std::string directory, const BuildRequest& request)
    : directory_(std::move(directory)), wanted_(!request.check_only) {
    record_.context = hide_userinfo(request.context);
    record_.dockerfile = hide_userinfo(request.dockerfile);
    record_.target = request.target;
    record_.platforms = request.platforms;
    record_.tags = request.tags;
    record_.labels = request.labels;
    for (const auto& [name, value] : request.args)
        if (value) record_.args.emplace_back(name, *value);
    std::error_code code;
    if (std::filesystem::is_directory(request.context, code)) {
        record_.directory = std::filesystem::absolute(request.context, code).lexically_normal().string();
        if (record_.directory.size() > 1 && record_.directory.ends_with('/')) record_.directory.pop_back();
    }
    record_.created = sys::realtime_ns();
}

void BuildRecorder::see(const BuildEvent& e) {
    if (!wanted_) return;
    if (e.kind == Kind::started || e.kind == Kind::cached) ++record_.steps;
    if (e.kind == Kind::done || e.kind == Kind::cached) ++record_.done;
    if (e.kind == Kind::cached) ++record_.cached;
    const bool much = e.kind == Kind::log || e.kind == Kind::progress;
    if (much && events_.size() > most_of_events) return;
    Json out{{"kind", static_cast<unsigned>(e.kind)}, {"time", static_cast<std::uint64_t>(e.time_ns)}};
    if (e.vertex) out["vertex"] = static_cast<unsigned>(e.vertex);
    if (!e.name.empty()) out["name"] = hide_userinfo(e.name);
    if (!e.text.empty()) out["text"] = hide_userinfo(e.text);
    if (e.stream) out["stream"] = static_cast<unsigned>(e.stream);
    if (e.total) out["current"] = e.current, out["total"] = e.total;
    events_ += out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void BuildRecorder::completed(const BuildResult& result) {
    record_.manifest_digest = result.manifest_digest;
    record_.manifest_type = result.manifest_type;
    write();
}

void BuildRecorder::failed(const Error& e) {
    record_.status = e.kind() == Errc::interrupted ? BuildRecord::Status::canceled : BuildRecord::Status::error;
    record_.error = hide_userinfo(e.what());
    write();
}

void BuildRecorder::write() {
    if (!wanted_) return;
    record_.completed = sys::realtime_ns();
    record_.id = new_reference();
    const std::string path = fmt::format("{}/{:020}-{}.build", directory_, record_.created, record_.id);
    try {
        const std::string head = json_of(record_).dump(-1, ' ', false, Json::error_handler_t::replace);
        write_file_making(path, head + "\n" + events_, 0600, false);
        const std::vector<std::string> all = record_files(directory_);
        for (std::size_t i = 0; i + kept_builds < all.size(); ++i) ::unlink(all[i].c_str());
    } catch (const Error& e) {
        log::debug("no record of the build: {}", e.what());
    }
}

std::vector<BuildRecord> build_records(Engine& engine) {
    std::vector<BuildRecord> out;
    for (const std::string& file : record_files(builds_of(engine))) {
        const auto text = read_file_if_exists(file);
        if (!text) continue; // another one has removed it
        const Json head = parse_untrusted(std::string_view(*text).substr(0, text->find('\n')));
        if (head.is_object() && !text_of(head, "id").empty()) out.push_back(record_of(head));
    }
    std::reverse(out.begin(), out.end());
    return out;
}

void replay_build(Engine& engine, const std::string& id, const BuildSink& sink) {
    const std::string text = read_file(file_of(builds_of(engine), id));
    for (std::size_t at = text.find('\n'); at != std::string::npos && at + 1 < text.size();) {
        const std::size_t end = text.find('\n', at + 1);
        const Json json = parse_untrusted(std::string_view(text).substr(at + 1, end - at - 1));
        if (json.is_object()) sink(event_of(json));
        at = end;
    }
}

void remove_build_record(Engine& engine, const std::string& id) {
    const std::string file = file_of(builds_of(engine), id);
    // That another one has removed it is no fault.
    if (::unlink(file.c_str()) < 0 && errno != ENOENT) throw sys_error(errno, "removing the record {}", file);
}

} // namespace davit
