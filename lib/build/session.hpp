// What all steps of one build share. One object a build, used by the threads of its stages.
#pragma once

#include "build/files/context.hpp"
#include "build/files/hash_cache.hpp"
#include "build/progress.hpp"
#include "build/ssh_proxy.hpp"
#include "build/worker.hpp"
#include "davit/build.hpp"
#include "dockerfile/steps.hpp"
#include "image/layer_ingest.hpp"
#include "image/step_records.hpp"
#include "runtime/host_facts.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace davit::build {

// An image that is here, fetched when it must be.
using ImageFinder = std::function<image::Image(const std::string& reference, const std::string& platform)>;
// target: the platform of the image that is made of it.
using InputFinder =
    std::function<image::Image(const std::string& reference, const std::string& platform, const std::string& target)>;

struct BuildFacts;

struct Session {
    Session(image::Store& images, const Roots& where, const BuildRequest& what, Progress& tell, std::stop_token until)
        : roots(where), request(what), store(images), records(images), ingest(images.impl()),
          lease(images.empty_lease()), worker(where), progress(tell), hashes(where.state + "/cache/build"),
          host(runtime::HostFacts::probe()), forward_(std::move(until), [this] { cancel.request_stop(); }) {}

    const Roots roots;
    const BuildRequest& request;
    image::Store& store;
    image::StepRecords records;
    image::IngestSession ingest;
    mutable Downloads downloads; // of ADD
    image::Lease lease;          // of all layers that the build has met
    Worker worker;
    Progress& progress;
    std::stop_source cancel; // by the caller, or by the first step that fails
    HashCache hashes;
    const runtime::HostFacts host;
    InputFinder image_of;
    ImageFinder pull;                                              // the same from its registry, whatever is here
    std::string prefix;                                            // of steps' names
    std::function<BuildFacts()> facts;                             // of provenance, until now
    std::string machine;                                           // this one's platform: "linux/amd64"
    bool several_platforms = false;                                // steps' names say for which they are
    const BuildContext* context = nullptr;                         // the build's own
    std::map<std::string, std::unique_ptr<BuildContext>> contexts; // named ones that are directories
    std::map<std::string, std::string> image_contexts;             // named ones that are images: their references

    std::stop_token stop() const { return cancel.get_token(); }
    void check_stop() const;
    // A record that the build rests on; thread-safe.
    void use(const image::StepRecord& record);
    std::vector<image::StepRecord> used() const;
    // --no-cache: whether this is the first use of a cache mount in this build, which finds it empty. Thread-safe.
    bool first_use(const std::string& cache);
    // What --secret gives under that name; nullopt: nothing. Errors of reading its file.
    std::optional<std::string> secret(const std::string& id) const;
    // binfmt_handlers(), read once. Thread-safe.
    const std::vector<std::string>& handlers() const;
    // Before anything is done: reads the keys of --ssh. Errors as SshKey::read(), usage.
    void open_ssh();
    // What stands for --ssh's id; nullopt: nothing.
    std::optional<SshSource> ssh_source(const std::string& id) const;
    // Of contexts and ADD: where they may put files, and how they reach servers.
    HttpFileOptions http() const;

private:
    void open_agent(const SshSource& source);

    mutable std::mutex mutex_;
    std::map<std::string, image::StepRecord> used_; // by key
    std::set<std::string> caches_;
    std::map<std::string, SshSource> ssh_; // by id
    UniqueFd agent_directory_;
    std::unique_ptr<SshProxy> own_agent_;
    std::string agent_; // the socket of --ssh default; empty: the user's own
    mutable std::optional<std::vector<std::string>> handlers_;
    std::stop_callback<std::function<void()>> forward_;
};

} // namespace davit::build
