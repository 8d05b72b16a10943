// Solver: RUN.
#include "build/solver.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "build/copy_files.hpp"
#include "build/keys.hpp"
#include "build/run_mounts.hpp"
#include "build/run_spec.hpp"
#include "build/times.hpp"
#include "build/working_root.hpp"
#include "net/files.hpp"
#include "runtime/steps.hpp"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <set>
#include <sys/stat.h>

namespace davit::build {

using dockerfile::RunMount;
using dockerfile::RunStep;
using dockerfile::Step;

// What a mount shows counts, and not what else stands beside it: a stage that changed elsewhere changes nothing. With
// by_layers what stands in layers counts by them, for which no file is read.
std::optional<StepKey> Solver::key_of_run(const Step& step, const RunStep& run, const StageState& state,
                                          bool only_known, bool by_layers) {
    std::vector<std::string> sources;
    for (const RunMount& mount : run.mounts) {
        if (mount.type != RunMount::Type::bind) continue;
        const auto files = files_of(mount.from, only_known);
        if (!files) return std::nullopt;
        dockerfile::CopyStep all;
        all.sources = {mount.source.empty() ? "/" : mount.source};
        all.destination = "/m/";
        all.from = mount.from;
        CopyOptions options = copy_options(session_, step);
        options.asked_by = "RUN --mount=type=bind, source";
        options.literal = true;
        // All of an image is what its layers are.
        const bool whole = all.sources.front() == "/" && mount.from.kind != dockerfile::Input::Kind::stage;
        if (files->directory) {
            sources.push_back(content_digest(files->directory->source(), all, options));
        } else if (by_layers || whole) {
            sources.push_back(files->key);
        } else {
            const ReadRoot root(session_.store, session_.ingest, files->layers);
            Source source;
            source.root = root.fd();
            sources.push_back(content_digest(source, all, options));
        }
    }
    return run_key(state.key, step, run, session_.request, platform_, sources);
}

// By layers first: their files need not be read when the step is known by them.
std::optional<Solver::Outcome> Solver::cached_run(const Step& step, const RunStep& run, const StageState& state,
                                                  bool only_known) {
    const auto quick = key_of_run(step, run, state, only_known, true);
    if (!quick) return std::nullopt;
    if (auto outcome = cached(quick->digest)) return outcome;
    const auto key = key_of_run(step, run, state, only_known, false);
    if (!key || key->digest == quick->digest) return std::nullopt;
    auto outcome = cached(key->digest);
    if (outcome)
        session_.records.put(
            {quick->digest, key->digest, std::nullopt, outcome->created, step.instruction, {}, {}, {}});
    return outcome;
}

namespace {

// Files that the step mounts from its directory.
std::string put_file(const std::string& path, std::string_view content, mode_t mode) {
    const UniqueFd fd = sys::open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    sys::write_all(fd.get(), content);
    if (::fchmod(fd.get(), mode) < 0) throw sys_error(errno, "making {}", path);
    return path;
}

std::string resolv_conf(RunNetwork network) {
    net::ResolvRequest request;
    request.host = net::host_resolv_conf();
    return net::resolv_conf_plain(request, network == RunNetwork::host).text;
}

std::vector<runtime::Mount> script_mounts(const RunStep& run, const std::string& directory) {
    std::vector<runtime::Mount> out;
    int number = 0;
    for (const auto& script : run.scripts) {
        runtime::Mount m;
        m.source = put_file(fmt::format("{}/script.{}", directory, number++), script.content, 0755);
        m.destination = "/dev/pipes/" + script.name;
        m.readonly = true;
        out.push_back(m);
    }
    return out;
}

} // namespace

Solver::Outcome Solver::execute_run(const dockerfile::Stage& stage, const Step& step, const RunStep& run,
                                    const StageState& state, int vertex) {
    const auto key = key_of_run(step, run, state, false, false);
    const FileLock turn = image::lock_digest(session_.store.impl(), key->digest, session_.stop());
    if (use_cache(stage) && !state.anew) // another build was at the same step
        if (auto there = cached(key->digest)) return *there;
    session_.progress.text(vertex, reason(stage, step, *key, state));
    const RunNetwork network = network_of(step, run, session_.request);
    WorkingRoot root(session_.store, session_.ingest, state.layers);
    const std::string id = sys::random_hex(64);
    const Worker::StepDirectory own(session_.worker, id);
    const std::string& directory = own.path();
    const auto layers_of = [&](const dockerfile::Input& input) { return files_of(input, false)->layers; };
    const PreparedMounts prepared =
        prepare_mounts(session_, step, run, directory, layers_of,
                       [&](const std::string& text) { session_.progress.text(vertex, text); });
    RunInput input{
        step, run, session_.request, id, "davit/" + session_.worker.name() + "/" + id, root.overlay(), {}, {}, {}, {}};
    input.hosts = put_file(directory + "/hosts", hosts_of(session_.request, network), 0644);
    input.resolv_conf = put_file(directory + "/resolv.conf", resolv_conf(network), 0644);
    input.mounts = script_mounts(run, directory);
    input.mounts.insert(input.mounts.end(), prepared.mounts.begin(), prepared.mounts.end());
    input.env = prepared.env;
    const runtime::Spec spec = run_spec(input);
    // What BuildKit leaves behind where a base lacks it, images rely on.
    const std::set<std::string> kept{"/proc", "/sys", "/dev"};
    std::vector<std::string> places;
    for (const auto& mount : spec.mounts)
        if (!kept.contains(mount.destination)) places.push_back(mount.destination);
    std::vector<std::string> made = root.missing(places);
    std::erase_if(made, [&](const std::string& path) { return kept.contains(path); });
    const std::string steps = runtime::compile(spec, session_.host, {session_.roots.bpf_cache()});
    const StepExit exit = session_.worker.run(
        id, steps, network == RunNetwork::bridge, gateway_names(session_.request, network),
        [&](int stream, std::string_view bytes) { session_.progress.log(vertex, stream, bytes); }, session_.stop());
    if (exit.code != 0)
        throw error(Errc::failed, "process \"{}\" did not complete successfully: {}{}", fmt::join(run.args, " "),
                    exit.oom ? "cannot allocate memory: " : "", fmt::format("exit code: {}", exit.code));
    Outcome outcome = keep(*key, root.commit(session_.lease, made), step.instruction);
    if (const auto quick = key_of_run(step, run, state, false, true); quick->digest != key->digest)
        session_.records.put({quick->digest, key->digest, std::nullopt, outcome.created, step.instruction, {}, {}, {}});
    return outcome;
}

Solver::Outcome Solver::keep(const StepKey& key, const image::Layer& layer, const std::string& description) {
    image::StepRecord record;
    record.key = record.result = key.digest;
    record.parent = key.parent;
    record.content = key.content;
    record.rest = key.rest;
    record.layer = layer;
    record.created = now_text(session_.request);
    record.description = description;
    session_.records.put(record);
    session_.use(record);
    return {key.digest, record.created, layer};
}

} // namespace davit::build
