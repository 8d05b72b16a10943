// `RUN --mount`: what is mounted gets ready on this machine, and what was taken for it is given back.
#pragma once

#include "base/file.hpp"
#include "build/session.hpp"
#include "build/ssh_proxy.hpp"
#include "runtime/spec.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace davit::build {

// The layers of a stage or an image, for mounts that come from one.
using LayersOf = std::function<std::vector<image::Layer>(const dockerfile::Input&)>;

struct PreparedMounts {
    std::vector<runtime::Mount> mounts;
    std::vector<std::string> env; // of secrets and agents
    std::vector<FileLock> locks;  // of cache mounts, held until the step has ended
    std::vector<std::unique_ptr<SshProxy>> proxies;
};

// directory: the step's, on a file system in memory; secrets stand there until the step has ended. waiting: told
// once when a cache is in use elsewhere. Errors point at the step.
PreparedMounts prepare_mounts(Session& session, const dockerfile::Step& step, const dockerfile::RunStep& run,
                              const std::string& directory, const LayersOf& layers_of,
                              const std::function<void(const std::string&)>& waiting);

} // namespace davit::build
