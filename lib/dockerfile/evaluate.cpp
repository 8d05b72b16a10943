#include "dockerfile/evaluate.hpp"

#include "dockerfile/frontend.hpp"
#include "dockerfile/globals.hpp"
#include "dockerfile/parameters.hpp"
#include "dockerfile/place.hpp"
#include "dockerfile/stage_state.hpp"
#include "dockerfile/text.hpp"
#include "dockerfile/windows_path.hpp"
#include "image/platform.hpp"

#include <algorithm>
#include <set>

namespace davit::dockerfile {

namespace {

constexpr std::size_t largest_result = std::size_t{256} << 20U;
constexpr std::string_view default_path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::size_t stage_index(int stage) { return static_cast<std::size_t>(stage); }

// A Windows image has that of its system.
void want_path(image::Config& config, const std::string& platform) {
    if (has_windows_paths(platform)) return;
    const bool has = std::any_of(config.env.begin(), config.env.end(),
                                 [](const std::string& entry) { return entry.starts_with("PATH="); });
    if (!has) config.env.emplace_back(default_path);
}

std::string windows_directory(const std::string& path) {
    return to_windows_path(clean_path("/" + from_windows_path(path, false)));
}

BaseImage empty_image(const std::string& platform) {
    BaseImage out{{}, platform, {}};
    out.config.working_dir = "/";
    return out;
}

class Evaluation {
public:
    Evaluation(const Document& document, const EvaluateOptions& options, Evaluated& result)
        : document_(document), options_(options), result_(result),
          checks_(check_settings(document, options), result.checks), globals_(begin()),
          graph_(document, options, globals_, checks_), scope_{document,
                                                               options,
                                                               globals_,
                                                               graph_,
                                                               checks_,
                                                               proxy_environment(options.build_args),
                                                               std::vector<char>(document.stages.size())},
          needed_(document.stages.size()), triggers_(document.stages.size()), images_(document.stages.size()),
          states_(document.stages.size()) {}

    void run() {
        result_.target = graph_.target();
        find_needed();
        for (int i = 0; i < graph_.size(); ++i) {
            make_stage(i);
            if (!needed_[stage_index(i)]) continue;
            if (!graph_[i].replaced) take_instructions(i);
            scope_.evaluated[stage_index(i)] = 1;
        }
        finish();
        checks_.finish();
    }

    // What base_image will be asked for, without asking.
    std::vector<Input> bases() {
        asks_ = false;
        find_needed();
        std::vector<Input> out;
        for (int i = 0; i < graph_.size(); ++i) {
            const Input& base = graph_[i].base;
            const bool asked = base.kind == Input::Kind::image || base.kind == Input::Kind::named;
            if (needed_[stage_index(i)] && asked && std::find(out.begin(), out.end(), base) == out.end())
                out.push_back(base);
        }
        return out;
    }

private:
    Variables begin() {
        require_this_frontend(document_, options_);
        check_document(document_, checks_);
        check_default_bases(document_, options_, checks_);
        return global_args(document_, options_, &options_.build_args);
    }

    const DocumentStage& written(int stage) const { return document_.stages[stage_index(stage)]; }
    // Of the FROM line, as triggers of the base stand there.
    const Place& place(int stage) const { return written(stage).node.place; }

    // The target and all that it is made from and copies from; triggers of bases may add to it.
    void find_needed() {
        std::vector<int> open = {graph_.target()};
        if (options_.all_stages)
            for (int i = graph_.size(); i-- > 0;) open.push_back(i);
        while (!open.empty()) {
            const int stage = open.back();
            open.pop_back();
            if (std::exchange(needed_[stage_index(stage)], 1)) continue;
            const Input& base = graph_[stage].base;
            if (base.kind == Input::Kind::stage) open.push_back(base.stage);
            for (const auto& [need, where] : graph_[stage].needs) open.push_back(need);
            if (graph_[stage].replaced) continue;
            for (const std::string& text : trigger_texts(stage)) {
                triggers_[stage_index(stage)].push_back(read_trigger(text, place(stage)));
                for (const Input& input : graph_.sources(triggers_[stage_index(stage)].back()))
                    if (input.kind == Input::Kind::stage) open.push_back(input.stage);
            }
        }
    }

    std::vector<std::string> trigger_texts(int stage) {
        const Input& base = graph_[stage].base;
        if (base.kind != Input::Kind::stage) {
            const auto& image = image_of(stage);
            return image ? image->config.onbuild : std::vector<std::string>();
        }
        std::vector<std::string> out;
        for (const Instruction& instruction : written(base.stage).instructions)
            if (const auto* onbuild = std::get_if<instruction::OnBuild>(&instruction.action))
                out.push_back(onbuild->trigger);
        return out;
    }

    // Of a base that is no stage; nullopt: files alone.
    const std::optional<BaseImage>& image_of(int stage) {
        auto& image = images_[stage_index(stage)];
        const Input& base = graph_[stage].base;
        if (image || !asks_) return image;
        if (base.kind == Input::Kind::scratch) {
            image = empty_image(target_platform(options_));
            return image;
        }
        for (int other = 0; other < graph_.size(); ++other)
            if (asked_.count(other) && graph_[other].base == base) return image = images_[stage_index(other)];
        asked_.insert(stage);
        if (!options_.base_image) image = empty_image("");
        else image = at_place(place(stage), [&] { return options_.base_image(base); });
        return image;
    }

    void make_stage(int i) {
        const DocumentStage& from = written(i);
        Stage stage;
        stage.name = from.name;
        stage.base = graph_[i].base;
        stage.place = from.node.place;
        stage.instruction = upper(from.node.keyword) + from.node.original.substr(from.node.keyword.size());
        stage.reachable = needed_[stage_index(i)];
        if (stage.reachable) {
            StageState state = stage.base.kind == Input::Kind::stage ? state_from_stage(i) : state_from_image(i);
            stage.platform = state.platform;
            stage.runs_on = state.runs_on;
            stage.base_config = state.config;
            stage.base_author = state.author;
            states_[stage_index(i)] = std::move(state);
        } else {
            stage.platform = stage.base.platform.empty() ? target_platform(options_) : stage.base.platform;
        }
        result_.stages.push_back(std::move(stage));
    }

    StageState state_from_stage(int i) {
        const int base = graph_[i].base.stage;
        StageState state = states_[stage_index(base)];
        state.cmd = state.entrypoint = state.healthcheck = nullptr;
        state.config.onbuild.clear();
        want_path(state.config, state.platform);
        take_environment(state);
        return state;
    }

    StageState state_from_image(int i) {
        const Input& base = graph_[i].base;
        StageState state;
        const std::string wanted = base.platform.empty() ? target_platform(options_) : base.platform;
        state.platform = base.kind == Input::Kind::scratch ? target_platform(options_) : wanted;
        const std::optional<BaseImage>& image = image_of(i);
        state.bare = graph_[i].replaced && !image;
        if (state.bare) return state; // files alone, and nothing is added to them
        const BaseImage& base_image = image ? *image : empty_image(wanted);
        state.config = base_image.config;
        state.config.onbuild.clear();
        state.author = base_image.author;
        state.image_platform = base_image.platform.empty() ? state.platform : base_image.platform;
        if (base.kind != Input::Kind::scratch) state.runs_on = base_image.platform;
        if (graph_[i].replaced && !base_image.platform.empty()) state.platform = base_image.platform;
        check_platform(i, state);
        if (graph_[i].replaced) return state;
        if (has_windows_paths(state.platform) && !state.config.working_dir.empty())
            state.config.working_dir = at_place(place(i), [&] { return windows_directory(state.config.working_dir); });
        else if (!state.config.working_dir.empty() && state.config.working_dir[0] != '/')
            state.config.working_dir = clean_path("/" + state.config.working_dir);
        want_path(state.config, state.platform);
        take_environment(state);
        return state;
    }

    void check_platform(int i, const StageState& state) {
        if (graph_[i].base.kind != Input::Kind::image) return;
        const auto wanted = image::parse_platform(state.platform), has = image::parse_platform(state.image_platform);
        if (wanted.os == has.os && wanted.architecture == has.architecture) return;
        checks_.add(Rule::invalid_base_image_platform, written(i).node,
                    fmt::format("the base {} is for {}, not for {}", graph_[i].base.name, state.image_platform,
                                state.platform));
    }

    // ENV of the base wins over what ARGs of the base left.
    static void take_environment(StageState& state) {
        for (const std::string& entry : state.config.env) {
            const auto equals = entry.find('=');
            state.env.set(entry.substr(0, equals), equals == std::string::npos ? "" : entry.substr(equals + 1));
        }
    }

    void take_instructions(int i) {
        for (const Instruction& trigger : triggers_[stage_index(i)]) take(i, trigger, true);
        for (const Instruction& instruction : written(i).instructions) take(i, instruction, false);
    }

    void take(int i, const Instruction& instruction, bool is_trigger) {
        StageState& state = states_[stage_index(i)];
        Step step;
        step.place = instruction.node.place;
        apply(instruction, scope_, state, step);
        if (is_trigger) step.instruction = "ONBUILD " + step.instruction;
        add_size(state.config, step.place);
        step.config = state.config;
        if (options_.checking) look_at_sources(step);
        if (!state.author.empty()) step.author = state.author;
        result_.stages[stage_index(i)].steps.push_back(std::move(step));
    }

    // That images which are copied from and mounted are there; a build finds out when it comes to them.
    void look_at_sources(const Step& step) {
        std::vector<Input> inputs;
        if (const auto* copy = std::get_if<CopyStep>(&step.action)) inputs.push_back(copy->from);
        if (const auto* run = std::get_if<RunStep>(&step.action))
            for (const RunMount& mount : run->mounts) inputs.push_back(mount.from);
        for (const Input& input : inputs) {
            const bool image = input.kind == Input::Kind::image || input.kind == Input::Kind::named;
            if (!image || !options_.base_image ||
                std::find(looked_at_.begin(), looked_at_.end(), input) != looked_at_.end())
                continue;
            at_place(step.place, [&] { return options_.base_image(input); });
            looked_at_.push_back(input);
        }
    }

    // Each step holds a configuration, and variables that name each other grow by doubling.
    void add_size(const image::Config& config, const Place& place) {
        const auto add = [&](std::string_view text) { size_ += sizeof(std::string) + text.size(); };
        for (const auto* list : {&config.env, &config.cmd, &config.entrypoint, &config.volumes, &config.exposed_ports,
                                 &config.shell, &config.onbuild})
            for (const std::string& text : *list) add(text);
        for (const auto& [name, value] : config.labels) add(value);
        if (size_ > largest_result)
            throw mistake(place, "the configurations of all steps take more than {} MiB", largest_result >> 20U)
                .with_hint("a variable or a label has become very long: look for one that holds itself");
    }

    void finish() {
        const StageState& target = states_[stage_index(result_.target)];
        result_.config = target.config;
        for (const auto& [name, value] : options_.labels) result_.config.labels[name] = value;
        result_.author = target.author;
        result_.bare = target.bare;
        result_.platform = !options_.platform.empty()      ? image::to_string(image::parse_platform(options_.platform))
                           : target.image_platform.empty() ? target.platform
                                                           : target.image_platform;
        if (result_.platform == "linux/arm") result_.platform += "/v7"; // what an arm without a variant is
        list_arguments(scope_, needed_, triggers_, states_, result_);
    }

    const Document& document_;
    const EvaluateOptions& options_;
    Evaluated& result_;
    CheckList checks_;
    Variables globals_;
    StageGraph graph_;
    EvaluationScope scope_;
    bool asks_ = true;
    std::vector<char> needed_;
    std::vector<std::vector<Instruction>> triggers_;
    std::vector<std::optional<BaseImage>> images_;
    std::set<int> asked_; // stages whose base was asked for
    std::vector<Input> looked_at_;
    std::vector<StageState> states_;
    std::size_t size_ = 0; // of all configurations, bytes
};

} // namespace

Evaluated evaluate(const Document& document, const EvaluateOptions& options) {
    Evaluated out;
    Evaluation(document, options, out).run();
    return out;
}

namespace {

void require(std::vector<Requirement>& out, const RunMount& mount) {
    const auto there = std::find_if(out.begin(), out.end(), [&](const auto& r) { return r.name == mount.id; });
    if (there == out.end()) out.push_back({mount.id, mount.required});
    else there->required = there->required || mount.required;
}

// What the target takes.
void outline(const Evaluated& target, Checked& out) {
    out.parameters = target.parameters;
    for (const Stage& stage : target.stages)
        for (const Step& step : stage.steps) {
            const auto* run = std::get_if<RunStep>(&step.action);
            if (!run) continue;
            for (const RunMount& mount : run->mounts) {
                if (mount.type == RunMount::Type::secret) require(out.secrets, mount);
                if (mount.type == RunMount::Type::ssh) require(out.ssh, mount);
            }
        }
}

} // namespace

Checked check(const Document& document, EvaluateOptions options) {
    const bool all_stages = options.all_stages || options.target.empty();
    options.checking = true;
    Checked out;
    Evaluated result;
    try {
        options.all_stages = all_stages;
        Evaluation(document, options, result).run();
        if (!options.target.empty()) {
            outline(result, out);
        } else {
            Evaluated target;
            options.all_stages = false;
            Evaluation(document, options, target).run();
            outline(target, out);
        }
    } catch (const Error& e) {
        out.failure = e;
    }
    out.checks = std::move(result.checks);
    return out;
}

std::vector<Check> check_before(const Document& part, const EvaluateOptions& options) {
    std::vector<Check> out;
    CheckList checks(check_settings(part, options), out);
    check_instructions(part, checks);
    return out;
}

std::vector<Input> bases(const Document& document, const EvaluateOptions& options) {
    Evaluated out;
    return Evaluation(document, options, out).bases();
}

} // namespace davit::dockerfile
