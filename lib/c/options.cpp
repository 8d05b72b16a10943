#include "c/options.hpp"

#include "base/error.hpp"
#include "c/json_options.hpp"
#include "davit/compose_texts.hpp"
#include "davit/in_code.hpp"
#include "davit/to_string.hpp"

#include <functional>
#include <nlohmann/json.hpp>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace davit::c {

namespace {

std::string working_directory() {
    char buffer[4096];
    if (!::getcwd(buffer, sizeof buffer)) throw sys_error(errno, "looking for the working directory");
    return buffer;
}

UpOptions up_from(Json value) {
    UpOptions o;
    Fields f(std::move(value), "the options of up");
    f.take("services", o.services);
    f.take("build", o.build);
    f.take("no_build", o.no_build);
    f.word("pull", o.pull, {PullMode::by_service, PullMode::always, PullMode::missing, PullMode::never});
    f.word("recreate", o.recreate, {Recreate::diverged, Recreate::always, Recreate::never});
    o.recreate_dependencies = o.recreate;
    f.take("wait", o.wait);
    if (const auto limit = f.seconds("wait_timeout")) o.wait_timeout = std::chrono::ceil<std::chrono::seconds>(*limit);
    f.take("no_deps", o.no_deps);
    f.take("no_start", o.no_start);
    f.take("remove_orphans", o.remove_orphans);
    f.take("scale", o.scale);
    o.timeout = f.seconds("timeout");
    f.end();
    return o;
}

} // namespace

std::chrono::nanoseconds nanoseconds_of(double seconds, const char* what) {
    constexpr double most = 9e9; // of what fits: 285 years
    if (!(seconds > -most && seconds < most)) throw error(Errc::usage, "{} cannot be {} seconds", what, seconds);
    return std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
}

LoadResult load_document(const char* text) {
    LoadOptions o;
    std::vector<ComposeText> texts;
    Fields f(parsed(text, "the options of load"), "the options of load");
    f.take("files", o.files);
    f.take("directory", o.current_dir);
    f.take("project_name", o.project_name);
    f.take("profiles", o.profiles);
    f.take("env_files", o.env_files);
    f.take("environment", o.environment);
    f.take("services", o.services);
    for (const Json& one : f.raw("texts")) {
        Fields t(one, "a text of load");
        ComposeText& made = texts.emplace_back();
        t.take("name", made.name);
        t.take("text", made.text);
        t.end();
    }
    f.end();
    if (o.current_dir.empty()) o.current_dir = working_directory();
    if (!texts.empty()) return load_strings(texts, std::move(o));
    std::vector<Diagnostic> warnings = complete_from_environment(o);
    LoadResult loaded = load(o);
    loaded.warnings.insert(loaded.warnings.begin(), warnings.begin(), warnings.end());
    return loaded;
}

std::string to_json(const LoadResult& loaded) {
    Json out{{"project", Json::parse(render(loaded.project, RenderFormat::json))}, {"warnings", Json::array()}};
    // What the profiles left out is not there; what is there is on wherever this is read again.
    if (const auto services = out["project"].find("services"); services != out["project"].end())
        for (Json& service : *services) service.erase("profiles");
    for (const Diagnostic& d : loaded.warnings) out["warnings"].push_back(to_string(d));
    return out.dump();
}

Project project_from(const std::string& text) {
    std::string document = text;
    try {
        if (const Json value = parsed_json(text); value.is_object() && value.contains("project"))
            document = value.at("project").dump();
    } catch (const Json::exception&) { // YAML
    }
    LoadOptions o;
    o.current_dir = working_directory();
    return load_string(std::move(document), std::move(o)).project;
}

EngineOptions engine_options(const char* text) {
    EngineOptions o;
    Fields f(parsed(text, "the engine's options"), "the engine's options");
    f.take("state_dir", o.state_dir);
    f.take("run_dir", o.run_dir);
    f.take("libexec_dir", o.libexec_dir);
    f.take("keep_free", o.keep_free);
    f.take("parallel", o.parallel);
    f.end();
    return o;
}

UpOptions up_options(const char* text) { return up_from(parsed(text, "the options of up")); }

DownOptions down_options(const char* text) {
    DownOptions o;
    Fields f(parsed(text, "the options of down"), "the options of down");
    f.take("services", o.services);
    f.take("volumes", o.volumes);
    f.take("remove_orphans", o.remove_orphans);
    o.timeout = f.seconds("timeout");
    f.end();
    return o;
}

ScopeOptions scope_options(const char* text) {
    ScopeOptions o;
    Fields f(parsed(text, "the scope's options"), "the scope's options");
    f.take("unique", o.unique);
    f.take("ephemeral_ports", o.ephemeral_ports);
    f.take("adopt", o.adopt);
    f.take("start", o.start);
    if (const auto grace = f.seconds("grace")) o.grace = *grace;
    if (Json up = f.raw("up"); !up.is_null()) o.up = up_from(std::move(up));
    f.end();
    return o;
}

ExecOptions exec_options(const std::string& text) {
    ExecOptions o;
    Json value = parsed(text.c_str(), "the command");
    if (value.is_array()) value = Json{{"command", std::move(value)}};
    Fields f(std::move(value), "the command");
    f.take("command", o.command);
    f.take("environment", o.environment);
    f.take("user", o.user);
    f.take("working_dir", o.working_dir);
    f.take("tty", o.tty);
    f.take("privileged", o.privileged);
    f.end();
    return o;
}

namespace {

Wait wait_from(const Json& value) {
    constexpr Wait::Kind kinds[] = {Wait::Kind::running, Wait::Kind::healthy, Wait::Kind::exited, Wait::Kind::log_line,
                                    Wait::Kind::port,    Wait::Kind::http,    Wait::Kind::command};
    Fields f(value, "a wait");
    for (const Wait::Kind kind : kinds) {
        if (!f.has(to_string(kind))) continue;
        Wait w;
        w.kind = kind;
        f.take(to_string(kind), w.service);
        if (kind == Wait::Kind::exited) f.take("code", w.code);
        if (kind == Wait::Kind::log_line) f.take("text", w.text);
        if (kind == Wait::Kind::port || kind == Wait::Kind::http) f.take("number", w.port);
        if (kind == Wait::Kind::http) {
            w.text = "/";
            w.code = 200;
            f.take("path", w.text);
            f.take("status", w.code);
        }
        if (kind == Wait::Kind::command) f.take("words", w.words);
        f.end();
        return w;
    }
    throw error(Errc::usage, "a wait is none of running, healthy, exited, log_line, port, http and command");
}

} // namespace

std::vector<Wait> waits_from(const std::string& text) {
    const Json value = parsed(text.c_str(), "the waits");
    if (!value.is_array()) throw error(Errc::usage, "the waits are not a JSON array");
    std::vector<Wait> out;
    for (const Json& one : value) out.push_back(wait_from(one));
    return out;
}

LogOptions log_options(const char* text) {
    LogOptions o;
    Fields f(parsed(text, "the options of logs"), "the options of logs");
    f.take("services", o.services);
    f.take("follow", o.follow);
    f.take("tail", o.tail);
    f.end();
    return o;
}

EventOptions event_options(const char* text) {
    EventOptions o;
    Fields f(parsed(text, "the options of events"), "the options of events");
    f.take("since", o.since);
    f.take("until", o.until);
    f.end();
    return o;
}

LogStreamOptions log_stream_options(const char* text) {
    LogStreamOptions o;
    Fields f(parsed(text, "the options of a log stream"), "the options of a log stream");
    f.take("services", o.services);
    f.take("tail", o.range.tail);
    f.take("from_now", o.from_now);
    f.take("forever", o.forever);
    f.end();
    return o;
}

StatsStreamOptions stats_stream_options(const char* text) {
    StatsStreamOptions o;
    Fields f(parsed(text, "the options of a stats stream"), "the options of a stats stream");
    f.take("services", o.services);
    if (const auto interval = f.seconds("interval"))
        o.interval = std::chrono::duration_cast<std::chrono::milliseconds>(*interval);
    f.end();
    return o;
}

std::string to_json(const std::vector<ContainerInfo>& containers) {
    Json out = Json::array();
    for (const ContainerInfo& c : containers) {
        Json one{{"id", c.id},
                 {"name", c.name},
                 {"project", c.project},
                 {"service", c.service},
                 {"number", c.number},
                 {"image", c.image},
                 {"state", to_string(c.state)},
                 {"health", to_string(c.health)},
                 {"pid", c.pid},
                 {"exit_code", c.exit_code},
                 {"created", c.created},
                 {"started", c.started_at},
                 {"finished", c.finished_at},
                 {"restarts", c.restart_count},
                 {"networks", Json::array()},
                 {"ports", Json::array()}};
        for (const AttachedNetwork& n : c.networks)
            one["networks"].push_back({{"name", n.name}, {"ipv4", n.ipv4}, {"ipv6", n.ipv6}});
        for (const PublishedPort& p : c.ports)
            one["ports"].push_back(
                {{"host_ip", p.host_ip}, {"host_port", p.host_port}, {"target", p.target}, {"protocol", p.protocol}});
        out.push_back(std::move(one));
    }
    return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace davit::c
