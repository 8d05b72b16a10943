#include "rootfs/commit_changes.hpp"

#include "base/error.hpp"
#include "dockerfile/evaluate.hpp"
#include "dockerfile/text.hpp"
#include "image/manifest.hpp"
#include "image/platform.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

namespace davit::rootfs {

namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 11> allowed{"CMD",     "ENTRYPOINT", "ENV",  "EXPOSE", "HEALTHCHECK", "LABEL",
                                                   "ONBUILD", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"};

void check_keyword(const std::string& keyword) {
    if (std::find(allowed.begin(), allowed.end(), keyword) == allowed.end() && keyword != "FROM")
        throw error(Errc::invalid_project, "{} is not a valid change command", keyword);
}

void check_keywords(const dockerfile::Document& document) {
    for (const dockerfile::DocumentStage& stage : document.stages)
        for (const dockerfile::Instruction& instruction : stage.instructions) {
            check_keyword(dockerfile::upper(instruction.node.keyword));
        }
    if (document.stages.size() != 1) throw error(Errc::invalid_project, "FROM is not a valid change command");
}

image::Config config_of(const Json& config) {
    const Json whole{{"config", config}, {"rootfs", {{"diff_ids", Json::array()}}}};
    return image::parse_configuration(whole.dump(-1, ' ', false, Json::error_handler_t::replace)).config;
}

// A build gives every image a PATH, a change does not.
void take_default_path_away(const image::Config& before, image::Config& after) {
    const auto is_path = [](const std::string& entry) { return entry.starts_with("PATH="); };
    if (std::any_of(before.env.begin(), before.env.end(), is_path)) return;
    const image::Config bare = [&] {
        dockerfile::EvaluateOptions options;
        options.build_platform = image::to_string(image::host_platform());
        return dockerfile::evaluate(dockerfile::read_document("FROM base", "--change"), options).config;
    }();
    std::erase_if(after.env, [&](const std::string& entry) {
        return std::find(bare.env.begin(), bare.env.end(), entry) != bare.env.end();
    });
}

Json set_of_names(const std::vector<std::string>& names) {
    Json out = Json::object();
    for (const std::string& name : names) out[name] = Json::object();
    return out;
}

Json healthcheck_of(const image::Healthcheck& check) {
    Json out{{"Test", check.test}};
    const auto put = [&](const char* key, std::int64_t value) {
        if (value) out[key] = value;
    };
    put("Interval", check.interval.count());
    put("Timeout", check.timeout.count());
    put("StartPeriod", check.start_period.count());
    put("StartInterval", check.start_interval.count());
    put("Retries", check.retries);
    return out;
}

// What the changes leave alone stays as it stands, members that davit does not know included.
void write_back(Json& config, const image::Config& before, const image::Config& after) {
    const auto put = [&](const char* key, bool changed, Json value) {
        if (!changed) return;
        if (value.empty()) config.erase(key);
        else config[key] = std::move(value);
    };
    put("User", before.user != after.user, after.user);
    put("Env", before.env != after.env, after.env);
    put("Entrypoint", before.entrypoint != after.entrypoint, after.entrypoint);
    put("Cmd", before.cmd != after.cmd, after.cmd);
    put("WorkingDir", before.working_dir != after.working_dir, after.working_dir);
    put("Volumes", before.volumes != after.volumes, set_of_names(after.volumes));
    put("ExposedPorts", before.exposed_ports != after.exposed_ports, set_of_names(after.exposed_ports));
    put("Labels", before.labels != after.labels, after.labels);
    put("StopSignal", before.stop_signal != after.stop_signal, after.stop_signal);
    put("OnBuild", before.onbuild != after.onbuild, after.onbuild);
    put("Healthcheck", before.healthcheck != after.healthcheck,
        after.healthcheck ? healthcheck_of(*after.healthcheck) : Json());
}

} // namespace

void apply_changes(Json& config, const std::vector<std::string>& instructions) {
    if (instructions.empty()) return;
    std::string text = "FROM base";
    for (const std::string& instruction : instructions) {
        check_keyword(dockerfile::upper(instruction.substr(0, instruction.find_first_of(" \t\n"))));
        text += "\n" + instruction;
    }
    const image::Config before = config_of(config);
    try {
        const dockerfile::Document document = dockerfile::read_document(text, "--change");
        check_keywords(document);
        dockerfile::EvaluateOptions options;
        options.build_platform = image::to_string(image::host_platform());
        options.base_image = [&](const dockerfile::Input&) {
            dockerfile::BaseImage base{before, options.build_platform, {}};
            base.config.onbuild.clear(); // triggers are for builds
            return std::optional(base);
        };
        image::Config after = dockerfile::evaluate(document, options).config;
        after.onbuild.insert(after.onbuild.begin(), before.onbuild.begin(), before.onbuild.end());
        take_default_path_away(before, after);
        write_back(config, before, after);
    } catch (const Error& e) {
        if (e.kind() == Errc::invalid_project) throw;
        throw error(Errc::invalid_project, "invalid --change: {}", e.what()).with_hint(e.hint());
    }
}

} // namespace davit::rootfs
