// Stages → images: what is known is taken from the cache, what is not is done, independent stages side by side.
#pragma once

#include "build/files/fetch.hpp"
#include "build/keys.hpp"
#include "build/session.hpp"
#include "dockerfile/steps.hpp"

#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace davit::build {

// What a stage has come to after some of its steps.
struct StageState {
    std::string key; // keys.hpp
    std::vector<image::Layer> layers;
    std::vector<std::string> made_by; // of each layer, for those that the history does not have
    std::vector<image::HistoryEntry> history;
    std::string created;          // of the last layer, RFC 3339
    std::string config_json;      // of the base image
    std::size_t base_layers = 0;  // how many of layers are its
    bool made_now = false;        // a step was done in this build
    bool anew = false;            // one because the cache was not to be used: what follows is done again too
    std::size_t base_history = 0; // how many of history are the base's
};

class Solver {
public:
    // One platform. All three outlive the solver; the evaluation is of that platform.
    Solver(Session& session, const dockerfile::Evaluated& file, std::string platform);
    ~Solver();

    // Before anything is done: throws Errc::unsupported, at its line, for a RUN that is not in the cache and whose
    // programs this machine cannot run.
    void check_programs();
    // Blocks. The first failure cancels the other stages; it is what is thrown.
    StageState target();

private:
    struct Outcome {
        std::string key, created;
        image::Layer layer;
    };
    // The files that a step takes from elsewhere.
    struct Files {
        const BuildContext* directory = nullptr;
        std::vector<image::Layer> layers;
        std::string key; // of layers
    };

    std::shared_future<StageState> launch(int stage);
    StageState solve(int stage);
    std::optional<StageState> known(int stage);
    std::optional<StageState> look_up(int stage);
    void check_programs(int stage, std::set<int>& seen);
    std::vector<int> stages_needed_by(const dockerfile::Stage& stage) const;

    std::optional<StageState> begin(const dockerfile::Stage& stage, bool only_known);
    StageState of_image(const dockerfile::Input& input);
    StageState of_directory(const std::string& name, const BuildContext& context);
    void add_history(StageState& state, const dockerfile::Step& step) const;
    void apply(StageState& state, int number, std::size_t index, const Outcome& outcome) const;
    std::string step_name(int stage, std::size_t step) const;
    bool use_cache(const dockerfile::Stage& stage) const;

    std::optional<Files> files_of(const dockerfile::Input& input, bool only_known);
    std::optional<Outcome> cached(const std::string& key);
    std::optional<Outcome> cached_step(const dockerfile::Stage& stage, const dockerfile::Step& step,
                                       const StageState& state, bool only_known);
    Outcome execute(const dockerfile::Stage& stage, const dockerfile::Step& step, const StageState& state, int vertex);

    std::optional<StepKey> key_of_run(const dockerfile::Step& step, const dockerfile::RunStep& run,
                                      const StageState& state, bool only_known, bool by_layers);
    std::optional<Outcome> cached_run(const dockerfile::Step& step, const dockerfile::RunStep& run,
                                      const StageState& state, bool only_known);
    Outcome execute_run(const dockerfile::Stage& stage, const dockerfile::Step& step, const dockerfile::RunStep& run,
                        const StageState& state, int vertex);
    CopyOptions options_of(const dockerfile::Step& step, const dockerfile::CopyStep& copy);
    static void check_owner(const dockerfile::Step& step, const dockerfile::CopyStep& copy, const StageState& state);
    std::optional<Outcome> cached_copy(const dockerfile::Step& step, const dockerfile::CopyStep& copy,
                                       const StageState& state, bool only_known);
    Outcome execute_copy(const dockerfile::Stage& stage, const dockerfile::Step& step, const dockerfile::CopyStep& copy,
                         const StageState& state, int vertex);
    Outcome execute_workdir(const dockerfile::Stage& stage, const dockerfile::Step& step,
                            const dockerfile::WorkdirStep& workdir, const StageState& state);
    Outcome keep(const StepKey& key, const image::Layer& layer, const std::string& description);
    // Why a step has to be done; empty: nobody needs to be told.
    std::string reason(const dockerfile::Stage& stage, const dockerfile::Step& step, const StepKey& key,
                       const StageState& state) const;

    std::vector<std::shared_future<StageState>> running();

    Session& session_;
    const dockerfile::Evaluated& file_;
    const std::string platform_;
    std::mutex mutex_;
    std::map<int, std::shared_future<StageState>> running_;
    std::recursive_mutex known_mutex_;
    std::map<int, std::optional<StageState>> known_;
    std::mutex remote_mutex_;
    std::map<const dockerfile::Step*, std::unique_ptr<RemoteSources>> remote_; // of ADD
    bool succeeded_ = false;
};

} // namespace davit::build
