// The recorded builds of ../shared/conformance/build, as far as the Dockerfile alone decides them: configuration and
// history of the image, what is refused, which checks find what.
#include "recorded.hpp"

#include "dockerfile/evaluate.hpp"
#include "dockerfile/ignore.hpp"
#include "dockerfile/text.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

using namespace davit;
using namespace davit::dockerfile;
using nlohmann::json;

namespace {

constexpr const char* path_entry = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// The machine's images, and what the cases say of them.
std::optional<BaseImage> known_image(const Input& input) {
    BaseImage out;
    out.platform = "linux/amd64";
    out.config.env = {path_entry};
    const std::string& name = input.name;
    // --build-context of the cases: those that are images are busybox.
    if (input.kind == Input::Kind::named) {
        if (name != "base:1" && name != "other" && name != "s") return std::nullopt;
        out.config.cmd = {"sh"};
    } else if (name.find("busybox") != std::string::npos) {
        out.config.cmd = {"sh"};
    } else if (name == "redis:7") {
        out.config.user = "999:999";
        out.config.exposed_ports = {"6379/tcp"};
        out.config.cmd = {"redis-server", "--bind", "0.0.0.0", "--protected-mode", "no"};
        out.config.volumes = {"/data"};
        out.config.working_dir = "/data";
    } else if (name == "python:3.11") {
        out.config.cmd = {"python3"};
    } else {
        throw Error(Errc::not_found, "no image " + name);
    }
    return out;
}

struct CommandLine {
    EvaluateOptions options;
    recorded::fs::path file;
    std::string tag;
    bool check = false, understood = true;
};

struct Case {
    recorded::fs::path folder;
    json text;
    std::string name() const { return folder.parent_path().filename().string() + "/" + folder.filename().string(); }
};

std::vector<Case> cases() {
    std::vector<Case> out;
    for (const auto& group : recorded::entries(recorded::root() / "build/cases"))
        for (const auto& folder : recorded::entries(group))
            out.push_back({folder, json::parse(recorded::read(folder / "case.json"))});
    return out;
}

// "NAME=VALUE", or the variable of the command line's environment.
void add_build_arg(EvaluateOptions& options, const std::string& text, const json& env) {
    const auto equals = text.find('=');
    if (equals != std::string::npos) options.build_args.set(text.substr(0, equals), text.substr(equals + 1));
    else if (env.contains(text)) options.build_args.set(text, env[text].get<std::string>());
}

CommandLine command_line(const Case& c, const json& step) {
    CommandLine out;
    out.options.build_platform = "linux/amd64";
    out.options.base_image = known_image;
    const json env = c.text.value("env", json::object());
    if (env.contains("SOURCE_DATE_EPOCH")) add_build_arg(out.options, "SOURCE_DATE_EPOCH", env);
    std::string context = ".", file;
    std::vector<std::string> words;
    for (std::string word : step["args"]) {
        const auto equals = word.find('=');
        if (word.starts_with("--") && equals != std::string::npos) {
            words.push_back(word.substr(0, equals));
            words.push_back(word.substr(equals + 1));
        } else {
            words.push_back(word);
        }
    }
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        const bool alone =
            word == "--check" || word == "--no-cache" || word == "-q" || word == "--load" || word == "--pull";
        if (word == "--check") out.check = true;
        if (alone) continue;
        if (!word.starts_with("-")) {
            context = word;
            continue;
        }
        const std::string value = i + 1 < words.size() ? words[++i] : "";
        if (word == "-t") out.tag = value;
        else if (word == "-f") file = value;
        else if (word == "--target") out.options.target = value;
        else if (word == "--platform") out.options.platform = value;
        else if (word == "--build-arg") add_build_arg(out.options, value, env);
        else if (word == "--build-context") out.options.named_contexts.push_back(value.substr(0, value.find('=')));
        else if (word == "--label") {
            const auto equals = value.find('=');
            out.options.labels[value.substr(0, equals)] = equals == std::string::npos ? "" : value.substr(equals + 1);
        } else if (word == "--secret" || word == "--ssh" || word == "--add-host" || word == "--network" ||
                   word == "--shm-size" || word == "--ulimit" || word == "--allow" || word == "-o") {
        } else if (word == "--call") out.check = value == "check";
        else out.understood = false;
    }
    out.file = file.empty() ? c.folder / context / "Dockerfile" : c.folder / file;
    if (recorded::fs::exists(c.folder / context / ".dockerignore"))
        out.options.ignore_patterns = ignore_patterns(recorded::read(c.folder / context / ".dockerignore"));
    return out;
}

json config_of(const Evaluated& e) {
    json out = json::object();
    const image::Config& c = e.config;
    const auto put = [&](const char* key, json value) {
        if (!value.empty() && value != "") out[key] = std::move(value);
    };
    const auto set_of = [](const std::vector<std::string>& names) {
        json object = json::object();
        for (const std::string& name : names) object[name] = json::object();
        return object;
    };
    put("User", c.user);
    put("ExposedPorts", set_of(c.exposed_ports));
    put("Env", c.env);
    put("Entrypoint", c.entrypoint);
    put("Cmd", c.cmd);
    put("Volumes", set_of(c.volumes));
    put("WorkingDir", c.working_dir);
    put("Labels", c.labels);
    put("OnBuild", c.onbuild);
    put("StopSignal", c.stop_signal);
    put("Shell", c.shell);
    if (c.healthcheck) {
        json check = {{"Test", c.healthcheck->test}};
        const auto number = [&](const char* key, std::int64_t value) {
            if (value) check[key] = value;
        };
        number("Interval", c.healthcheck->interval.count());
        number("Timeout", c.healthcheck->timeout.count());
        number("StartPeriod", c.healthcheck->start_period.count());
        number("StartInterval", c.healthcheck->start_interval.count());
        number("Retries", c.healthcheck->retries);
        out["Healthcheck"] = check;
    }
    return out;
}

json history_of(const Evaluated& e) {
    std::vector<json> out;
    for (int stage = e.target; stage >= 0;) {
        const Stage& s = e.stages.at(static_cast<std::size_t>(stage));
        std::vector<json> own;
        for (const Step& step : s.steps)
            if (!step.history.empty()) own.push_back({step.history, step.empty_layer ? "empty" : "layer"});
        out.insert(out.begin(), own.begin(), own.end());
        stage = s.base.kind == Input::Kind::stage ? s.base.stage : -1;
    }
    return out;
}

// Values that are made new for each run.
bool is_fixed(const json& step) {
    const std::string text = step["args"].dump();
    return text.find("{UNIQUE}") == std::string::npos && text.find("{HTTP}") == std::string::npos &&
           text.find("{GIT}") == std::string::npos && text.find("{IMAGE}\",\"") != std::string::npos &&
           text.find("={") == std::string::npos;
}

// Refused for what the file does not say: the command line, files, commands that fail, entitlements, registries.
// clang-format off
const std::set<std::string> refused_later = {
    "add/git-missing-ref", "add/tar-symlink-escape", "add/url-auth", "add/url-missing", "cache/failed-build-keeps",
    "cli/add-host-invalid", "cli/build-context-dir", "cli/build-context-missing", "cli/no-context",
    "cli/output-unknown", "cli/quiet", "cli/secret-flag-invalid", "cli/shm-size-invalid", "cli/tag-capitals",
    "cli/tag-invalid", "cli/ulimit-invalid", "config/workdir-file", "copy/context-symlink-source-out",
    "copy/dir-over-file", "copy/dir-over-file-inside", "copy/outside-context", "copy/several-to-file",
    "copy/source-missing", "copy/symlink-dangling-source", "from/copy-from-image-missing",
    "from/needed-stage-built", "from/target", "heredoc/run-last-line-fails", "heredoc/run-set-e",
    "ignore/bang-alone", "mount/from-number", "mount/secret-file-missing", "mount/secret-required",
    "mount/ssh-required", "parse/long-line-refused", "run/exit-code", "run/group-unknown", "run/killed",
    "run/network-host-entitlement", "run/no-shell", "run/program-missing", "run/security-insecure",
    "run/user-unknown",
};
// clang-format on

} // namespace

TEST_CASE("builds: configuration and history are as recorded") {
    int count = 0;
    for (const Case& c : cases()) {
        for (const json& step : c.text["steps"]) {
            if (!step.contains("args") || step.value("exit", 0) != 0 || !step.contains("image")) continue;
            const CommandLine line = command_line(c, step);
            if (!line.understood || !is_fixed(step) || line.tag != "{IMAGE}" || !recorded::fs::exists(line.file))
                continue;
            CAPTURE(c.name());
            CAPTURE(step["args"].dump());
            Evaluated result;
            try {
                result = evaluate(read_document(recorded::read(line.file), "Dockerfile"), line.options);
            } catch (const Error& e) {
                FAIL_CHECK(e.describe());
                continue;
            }
            json expected = step["image"]["config"];
            CHECK(config_of(result).dump(1) == expected.dump(1));
            CHECK(history_of(result).dump(1) == step["image"]["history"].dump(1));
            if (step["image"].contains("platform"))
                CHECK(result.platform == step["image"]["platform"].get<std::string>());
            ++count;
        }
    }
    MESSAGE(count << " builds compared");
    CHECK(count > 200);
}

TEST_CASE("builds: what is refused for what the file says") {
    int count = 0;
    for (const Case& c : cases()) {
        for (const json& step : c.text["steps"]) {
            if (!step.contains("args") || step.value("exit", 0) == 0 || step.contains("warnings")) continue;
            const CommandLine line = command_line(c, step);
            if (!line.understood || !recorded::fs::exists(line.file)) continue;
            CAPTURE(c.name());
            CAPTURE(step.value("stderr_info", ""));
            bool refused = false;
            try {
                evaluate(read_document(recorded::read(line.file), "Dockerfile"), line.options);
            } catch (const Error& e) {
                refused = true;
                CHECK_MESSAGE((e.at().line > 0 || e.kind() == Errc::not_found || e.kind() == Errc::usage),
                              e.describe());
            }
            CHECK(refused == !refused_later.contains(c.name()));
            ++count;
        }
    }
    CHECK(count > 50);
}

TEST_CASE("checks: the recorded rules at the recorded lines") {
    int count = 0;
    for (const Case& c : cases()) {
        for (const json& step : c.text["steps"]) {
            if (!step.contains("args") || !step.contains("warnings")) continue;
            const CommandLine line = command_line(c, step);
            CAPTURE(c.name());
            CAPTURE(line.file.string());
            std::vector<std::pair<std::string, int>> found;
            bool failed = false;
            try {
                Checked checked = check(read_document(recorded::read(line.file), "Dockerfile"), line.options);
                failed = checked.failure.has_value();
                for (const Check& check : checked.checks) found.emplace_back(check.rule, check.place.first_line);
            } catch (const Error&) {
                failed = true;
            }
            std::sort(found.begin(), found.end());
            CHECK(json(found).dump() == step["warnings"].dump());
            CHECK((failed || !found.empty()) == (step.value("exit", 0) != 0));
            ++count;
        }
    }
    CHECK(count > 25);
}
