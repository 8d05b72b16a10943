// Solver: COPY, ADD and WORKDIR, and stages that begin with a directory.
#include "build/solver.hpp"

#include "base/error.hpp"
#include "build/copy_files.hpp"
#include "build/files/fetch.hpp"
#include "build/keys.hpp"
#include "build/times.hpp"
#include "build/working_root.hpp"
#include "dockerfile/place.hpp"
#include "dockerfile/text.hpp"

#include <algorithm>

namespace davit::build {

using dockerfile::CopyStep;
using dockerfile::Step;
using dockerfile::WorkdirStep;

namespace {

// Sources of a stage or an image are read from its layers, mounted.
class OpenSource {
public:
    OpenSource(Session& session, const BuildContext* directory, const std::vector<image::Layer>& layers) {
        if (directory) {
            source_ = directory->source();
            return;
        }
        root_.emplace(session.store, session.ingest, layers);
        source_.root = root_->fd();
    }
    const Source& get() const { return source_; }

private:
    std::optional<ReadRoot> root_;
    Source source_;
};

} // namespace

// With what ADD names elsewhere, fetched once.
CopyOptions Solver::options_of(const Step& step, const CopyStep& copy) {
    CopyOptions out = copy_options(session_, step);
    if (!copy.add || std::none_of(copy.sources.begin(), copy.sources.end(), is_remote_source)) return out;
    const std::lock_guard hold(remote_mutex_);
    auto& remote = remote_[&step];
    if (!remote) {
        FetchOptions fetch;
        fetch.scratch = session_.ingest.path() + "/add";
        fetch.place = step.place;
        fetch.http = session_.http();
        fetch.early = &session_.downloads;
        remote = std::make_unique<RemoteSources>(copy, fetch);
    }
    out.remote = [found = remote.get()](const std::string& written) { return found->find(written); };
    return out;
}

// In a stage without any files nobody can be looked up, not even to find nobody, as BuildKit has it.
void Solver::check_owner(const Step& step, const CopyStep& copy, const StageState& state) {
    if (!state.layers.empty()) return;
    for (const std::string& owner : dockerfile::split(copy.chown, ':'))
        if (owner != "root" && owner.find_first_not_of("0123456789") != std::string::npos)
            throw dockerfile::mistake(step.place, "--chown={} cannot be looked up: the stage has no files", copy.chown)
                .with_hint("give numbers");
}

// Of layers the stage's own key is tried first: their files need not be read when it is known.
std::optional<Solver::Outcome> Solver::cached_copy(const Step& step, const CopyStep& copy, const StageState& state,
                                                   bool only_known) {
    const auto files = files_of(copy.from, only_known);
    if (!files) return std::nullopt;
    const bool by_stage = !files->directory;
    const std::string quick =
        by_stage ? copy_key(state.key, copy, unread_content(files->key, copy)).digest : std::string();
    if (by_stage)
        if (auto outcome = cached(quick)) return outcome;
    const OpenSource source(session_, files->directory, files->layers);
    const std::string key =
        copy_key(state.key, copy, content_digest(source.get(), copy, options_of(step, copy))).digest;
    auto outcome = cached(key);
    if (outcome && by_stage)
        session_.records.put({quick, key, std::nullopt, outcome->created, step.instruction, {}, {}, {}});
    return outcome;
}

Solver::Outcome Solver::execute_copy(const dockerfile::Stage& stage, const Step& step, const CopyStep& copy,
                                     const StageState& state, int vertex) {
    check_owner(step, copy, state);
    const Files files = *files_of(copy.from, false);
    const OpenSource source(session_, files.directory, files.layers);
    WorkingRoot root(session_.store, session_.ingest, copy.link ? std::vector<image::Layer>() : state.layers);
    const CopyResult result = davit::build::copy(source.get(), copy, root.fd(), options_of(step, copy));
    for (const auto& warning : result.warnings) session_.progress.warning(warning);
    const StepKey key = copy_key(state.key, copy, result.digest);
    session_.progress.text(vertex, reason(stage, step, key, state));
    const FileLock turn = image::lock_digest(session_.store.impl(), key.digest, session_.stop());
    // Another stage or build was at the same step: what a cached build will find is what counts.
    const auto there = use_cache(stage) ? cached(key.digest) : std::nullopt;
    const Outcome outcome = there ? *there : keep(key, root.commit(session_.lease), step.instruction);
    if (!files.directory)
        session_.records.put({copy_key(state.key, copy, unread_content(files.key, copy)).digest,
                              key.digest,
                              std::nullopt,
                              outcome.created,
                              step.instruction,
                              {},
                              {},
                              {}});
    return outcome;
}

Solver::Outcome Solver::execute_workdir(const dockerfile::Stage& stage, const Step& step, const WorkdirStep& workdir,
                                        const StageState& state) {
    const auto epoch = source_date_epoch(session_.request);
    const StepKey key = workdir_key(state.key, step, workdir.path, epoch);
    const FileLock turn = image::lock_digest(session_.store.impl(), key.digest, session_.stop());
    if (use_cache(stage)) // another stage or build was at the same step
        if (auto there = cached(key.digest)) return *there;
    WorkingRoot root(session_.store, session_.ingest, state.layers);
    make_directory(root.fd(), workdir.path, step.config.user, epoch);
    return keep(key, root.commit(session_.lease), step.instruction);
}

// FROM a named context: its files are the first layer.
StageState Solver::of_directory(const std::string& name, const BuildContext& context) {
    Step step;
    step.instruction = "FROM a directory";
    CopyStep all;
    all.sources = {"/"};
    all.destination = "/";
    StageState state;
    state.key = scratch_key();
    state.made_by = {"local source for " + name};
    const std::string content = content_digest(context.source(), all, copy_options(session_, step));
    if (auto outcome = cached(copy_key(state.key, all, content).digest)) {
        state.layers.push_back(outcome->layer);
        state.key = outcome->key;
        state.created = outcome->created;
        return state;
    }
    WorkingRoot root(session_.store, session_.ingest, {});
    const CopyResult result = davit::build::copy(context.source(), all, root.fd(), copy_options(session_, step));
    const Outcome outcome =
        keep(copy_key(state.key, all, result.digest), root.commit(session_.lease), step.instruction);
    state.layers.push_back(outcome.layer);
    state.key = outcome.key;
    state.created = outcome.created;
    return state;
}

} // namespace davit::build
