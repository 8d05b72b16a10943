#include "build/solver.hpp"

#include "base/error.hpp"
#include "base/thread.hpp"
#include "build/foreign.hpp"
#include "build/keys.hpp"
#include "build/times.hpp"
#include "dockerfile/place.hpp"
#include "dockerfile/text.hpp"
#include "image/manifest.hpp"
#include "image/platform.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace davit::build {

using dockerfile::ConfigStep;
using dockerfile::CopyStep;
using dockerfile::Input;
using dockerfile::RunStep;
using dockerfile::Stage;
using dockerfile::Step;
using dockerfile::WorkdirStep;

Solver::Solver(Session& session, const dockerfile::Evaluated& file, std::string platform)
    : session_(session), file_(file), platform_(std::move(platform)) {}

Solver::~Solver() {
    auto stages = running();
    if (!succeeded_ && !stages.empty()) session_.cancel.request_stop();
    for (std::size_t waited = 0; waited < stages.size();
         stages = running()) { // they may have launched others meanwhile
        waited = stages.size();
        for (const auto& stage : stages) stage.wait();
    }
}

std::vector<std::shared_future<StageState>> Solver::running() {
    const std::lock_guard hold(mutex_);
    std::vector<std::shared_future<StageState>> out;
    for (const auto& [number, stage] : running_) out.push_back(stage);
    return out;
}

StageState Solver::target() {
    try {
        StageState state = launch(file_.target).get();
        succeeded_ = true;
        return state;
    } catch (const Error& e) {
        if (e.kind() != Errc::interrupted) throw;
    }
    // Cancelled by the failure of another stage: that one says why.
    for (const auto& stage : running()) {
        try {
            stage.get();
        } catch (const Error& e) {
            if (e.kind() != Errc::interrupted) throw;
        }
    }
    throw error(Errc::interrupted, "cancelled");
}

std::shared_future<StageState> Solver::launch(int stage) {
    const std::lock_guard hold(mutex_);
    auto& future = running_[stage];
    if (!future.valid())
        future = async_started([this, stage] {
                     try {
                         return solve(stage);
                     } catch (...) {
                         session_.cancel.request_stop();
                         throw;
                     }
                 }).share();
    return future;
}

std::vector<int> Solver::stages_needed_by(const Stage& stage) const {
    std::set<int> out;
    const auto add = [&](const Input& input) {
        if (input.kind == Input::Kind::stage) out.insert(input.stage);
    };
    add(stage.base);
    for (const Step& step : stage.steps) {
        if (const auto* copy = std::get_if<CopyStep>(&step.action)) add(copy->from);
        if (const auto* run = std::get_if<RunStep>(&step.action))
            for (const auto& mount : run->mounts) add(mount.from);
    }
    return {out.begin(), out.end()};
}

StageState Solver::solve(int number) {
    const Stage& stage = file_.stages.at(static_cast<std::size_t>(number));
    for (int needed : stages_needed_by(stage))
        if (!known(needed)) launch(needed);
    StageState state = *begin(stage, false);
    for (std::size_t i = 0; i < stage.steps.size(); ++i) {
        const Step& step = stage.steps[i];
        session_.check_stop();
        add_history(state, step);
        if (std::holds_alternative<ConfigStep>(step.action)) continue;
        dockerfile::at_place(step.place, [&] {
            if (auto outcome = cached_step(stage, step, state, false)) {
                session_.progress.cached(step_name(number, i));
                return apply(state, number, i, *outcome);
            }
            session_.progress.during(step_name(number, i), [&](int vertex) {
                apply(state, number, i, execute(stage, step, state, vertex));
                state.made_now = true;
                state.anew = state.anew || !use_cache(stage);
            });
        });
    }
    return state;
}

// The same without doing anything. nullopt: some step has to be done.
std::optional<StageState> Solver::known(int number) {
    const std::lock_guard hold(known_mutex_);
    if (const auto it = known_.find(number); it != known_.end()) return it->second;
    auto state = look_up(number);
    return known_[number] = std::move(state);
}

std::optional<StageState> Solver::look_up(int number) {
    const Stage& stage = file_.stages.at(static_cast<std::size_t>(number));
    auto state = begin(stage, true);
    for (std::size_t i = 0; state && i < stage.steps.size(); ++i) {
        const Step& step = stage.steps[i];
        add_history(*state, step);
        if (std::holds_alternative<ConfigStep>(step.action)) continue;
        const auto outcome = dockerfile::at_place(step.place, [&] { return cached_step(stage, step, *state, true); });
        if (!outcome) return std::nullopt;
        apply(*state, number, i, *outcome);
    }
    return state;
}

void Solver::check_programs() {
    const auto foreign = [&](const Stage& stage) {
        return !stage.runs_on.empty() && !runs(stage.runs_on, session_.machine, session_.handlers());
    };
    const auto has_run = [](const Stage& stage) {
        return std::any_of(stage.steps.begin(), stage.steps.end(),
                           [](const Step& step) { return std::holds_alternative<RunStep>(step.action); });
    };
    if (std::none_of(file_.stages.begin(), file_.stages.end(),
                     [&](const Stage& stage) { return stage.reachable && has_run(stage) && foreign(stage); }))
        return;
    std::set<int> seen;
    check_programs(file_.target, seen);
}

// What would be done: what comes after the first step of a stage that is not known.
void Solver::check_programs(int number, std::set<int>& seen) {
    if (!seen.insert(number).second || known(number)) return;
    const Stage& stage = file_.stages.at(static_cast<std::size_t>(number));
    for (int needed : stages_needed_by(stage)) check_programs(needed, seen);
    auto state = begin(stage, true);
    for (std::size_t i = 0; i < stage.steps.size(); ++i) {
        const Step& step = stage.steps[i];
        if (std::holds_alternative<ConfigStep>(step.action)) continue;
        if (state) {
            add_history(*state, step);
            const auto outcome =
                dockerfile::at_place(step.place, [&] { return cached_step(stage, step, *state, true); });
            if (outcome) apply(*state, number, i, *outcome);
            else state.reset();
        }
        if (state || !std::holds_alternative<RunStep>(step.action) || stage.runs_on.empty()) continue;
        if (runs(stage.runs_on, session_.machine, session_.handlers())) continue;
        const std::string handler = handler_name(image::parse_platform(stage.runs_on).architecture);
        dockerfile::at_place(step.place, [&] {
            throw error(Errc::unsupported,
                        "RUN needs programs of {}, and this machine ({}) has no binfmt_misc handler for them",
                        stage.runs_on, session_.machine)
                .with_hint("register " + handler +
                           " with its flag F (Debian: apt-get install qemu-user-static), or do the step in a stage of "
                           "this machine: FROM --platform=$BUILDPLATFORM");
        });
    }
}

std::optional<StageState> Solver::begin(const Stage& stage, bool only_known) {
    switch (stage.base.kind) {
    case Input::Kind::stage:
        if (only_known) return known(stage.base.stage);
        if (auto there = known(stage.base.stage)) return there;
        return launch(stage.base.stage).get();
    case Input::Kind::scratch: {
        StageState out;
        out.key = scratch_key();
        return out;
    }
    case Input::Kind::named:
        if (const auto it = session_.contexts.find(stage.base.name); it != session_.contexts.end())
            return of_directory(stage.base.name, *it->second);
        [[fallthrough]];
    default: return of_image(stage.base);
    }
}

namespace {

std::vector<std::string> diff_ids_of(const std::vector<image::Layer>& layers) {
    std::vector<std::string> out;
    for (const auto& layer : layers) out.push_back(layer.diff_id);
    return out;
}

} // namespace

StageState Solver::of_image(const Input& input) {
    std::string reference = input.name;
    if (const auto it = session_.image_contexts.find(input.name);
        input.kind == Input::Kind::named && it != session_.image_contexts.end())
        reference = it->second;
    if (reference == "scratch") { // docker-image://scratch
        StageState nothing;
        nothing.key = scratch_key();
        return nothing;
    }
    const image::Image image =
        session_.image_of(reference, input.platform.empty() ? platform_ : input.platform, platform_);
    for (const auto& layer : image.layers) session_.store.extend(session_.lease, layer.directory);
    StageState out;
    out.key = image_key(diff_ids_of(image.layers), platform_);
    out.layers = image.layers;
    out.made_by.assign(out.layers.size(), "pulled from " + reference);
    out.base_layers = image.layers.size();
    out.history = image.history;
    out.base_history = image.history.size();
    out.created = image.created;
    out.config_json = session_.store.config_json(image);
    return out;
}

void Solver::add_history(StageState& state, const Step& step) const {
    if (step.history.empty()) return;
    image::HistoryEntry entry;
    entry.created_by = step.history;
    entry.comment = "buildkit.dockerfile.v0";
    entry.empty_layer = std::holds_alternative<ConfigStep>(step.action);
    state.history.push_back(std::move(entry));
}

void Solver::apply(StageState& state, int number, std::size_t index, const Outcome& outcome) const {
    const Step& step = file_.stages.at(static_cast<std::size_t>(number)).steps.at(index);
    const auto* copy = std::get_if<CopyStep>(&step.action);
    state.key = copy && copy->link ? linked_key(state.key, outcome.key) : outcome.key;
    state.layers.push_back(outcome.layer);
    state.made_by.push_back(step_name(number, index));
    state.created = outcome.created;
    if (!step.history.empty()) state.history.back().created = outcome.created;
}

std::string Solver::step_name(int number, std::size_t index) const {
    const Stage& stage = file_.stages.at(static_cast<std::size_t>(number));
    // FROM counts where an image comes in: a stage that goes on from another one begins with its own steps.
    // A named context counts as well, but is a step of its own.
    std::size_t total = stage.base.kind == Input::Kind::image || stage.base.kind == Input::Kind::named ? 1 : 0;
    std::size_t at = stage.base.kind == Input::Kind::image ? 1 : 0;
    for (std::size_t i = 0; i < stage.steps.size(); ++i) {
        if (std::holds_alternative<ConfigStep>(stage.steps[i].action)) continue;
        ++total;
        if (i <= index) ++at;
    }
    const auto reachable =
        std::count_if(file_.stages.begin(), file_.stages.end(), [](const Stage& s) { return s.reachable; });
    std::string name = stage.name;
    if (name.empty() && reachable > 1) name = fmt::format("stage-{}", number);
    if (session_.several_platforms) name = stage.platform + (name.empty() ? "" : " ") + name;
    if (!session_.prefix.empty()) name = session_.prefix + (name.empty() ? "" : " " + name);
    return fmt::format("[{}{}{}/{}] {}", name, name.empty() ? "" : " ", at, total, stage.steps[index].instruction);
}

bool Solver::use_cache(const Stage& stage) const {
    const auto& filter = session_.request.no_cache_filter;
    return !session_.request.no_cache && std::none_of(filter.begin(), filter.end(), [&](const std::string& name) {
        return dockerfile::lower(name) == stage.name;
    });
}

std::string Solver::reason(const Stage& stage, const Step& step, const StepKey& key, const StageState& state) const {
    if (!use_cache(stage)) return "done again: the cache is not to be used";
    if (state.anew) return "done again: what comes before it is not taken from the cache";
    // Then there is no need to look through the whole cache.
    if (state.made_now) return "not in the cache: what comes before it has changed";
    const auto before = session_.records.alike(step.instruction);
    if (!before) return "not in the cache: it was never done here";
    if (before->key == key.digest) return "not in the cache any more";
    if (before->rest != key.rest) return "not in the cache: its arguments, environment, user or options are others";
    if (before->content != key.content) return "not in the cache: the files that it takes have changed";
    return "not in the cache: what comes before it has changed";
}

std::optional<Solver::Files> Solver::files_of(const Input& input, bool only_known) {
    Files out;
    switch (input.kind) {
    case Input::Kind::context: out.directory = session_.context; return out;
    case Input::Kind::scratch: out.key = scratch_key(); return out;
    case Input::Kind::stage: {
        auto state = known(input.stage);
        if (!state && only_known) return std::nullopt;
        if (!state) state = launch(input.stage).get();
        out.layers = state->layers;
        // A step that was done again may have other results under its key.
        out.key = image_key(diff_ids_of(state->layers), state->key);
        return out;
    }
    case Input::Kind::named:
        if (const auto it = session_.contexts.find(input.name); it != session_.contexts.end()) {
            out.directory = it->second.get();
            return out;
        }
        [[fallthrough]];
    case Input::Kind::image: {
        const StageState state = of_image(input);
        out.layers = state.layers;
        out.key = state.key;
        return out;
    }
    }
    return out;
}

std::optional<Solver::Outcome> Solver::cached(const std::string& key) {
    auto record = session_.records.find(key, session_.lease);
    if (record && record->result != key) record = session_.records.find(record->result, session_.lease);
    if (!record || !record->layer) return std::nullopt;
    session_.use(*record);
    return Outcome{record->result, record->created, *record->layer};
}

std::optional<Solver::Outcome> Solver::cached_step(const Stage& stage, const Step& step, const StageState& state,
                                                   bool only_known) {
    if (!use_cache(stage) || state.anew) return std::nullopt;
    if (const auto* run = std::get_if<RunStep>(&step.action)) return cached_run(step, *run, state, only_known);
    if (const auto* copy = std::get_if<CopyStep>(&step.action)) return cached_copy(step, *copy, state, only_known);
    const std::string& path = std::get<WorkdirStep>(step.action).path;
    return cached(workdir_key(state.key, step, path, source_date_epoch(session_.request)).digest);
}

Solver::Outcome Solver::execute(const Stage& stage, const Step& step, const StageState& state, int vertex) {
    if (const auto* run = std::get_if<RunStep>(&step.action)) return execute_run(stage, step, *run, state, vertex);
    if (const auto* copy = std::get_if<CopyStep>(&step.action)) return execute_copy(stage, step, *copy, state, vertex);
    return execute_workdir(stage, step, std::get<WorkdirStep>(step.action), state);
}

} // namespace davit::build
