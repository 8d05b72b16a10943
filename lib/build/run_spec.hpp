// A RUN step → what it is to the kernel. Pure.
#pragma once

#include "davit/build.hpp"
#include "dockerfile/steps.hpp"
#include "runtime/spec.hpp"

#include <string>
#include <vector>

namespace davit::build {

struct RunInput {
    const dockerfile::Step& step;
    const dockerfile::RunStep& run;
    const BuildRequest& request;
    std::string id;     // 64 hex digits
    std::string cgroup; // davit/<build>/<id>
    runtime::Overlay root;
    std::string hosts, resolv_conf; // paths of the files
    std::vector<runtime::Mount> mounts;
    std::vector<std::string> env; // of secrets and agents, beside the step's
};

// Docker's defaults for RUN with what the build and the step ask for. The network namespace is passed, the host's or
// a fresh one, see network_of().
runtime::Spec run_spec(const RunInput& input);

enum class RunNetwork { bridge, none, host };
// What the step gets. The build's word holds for every RUN that does not ask for less. Errc::denied: the host's
// network or rights without the entitlement.
RunNetwork network_of(const dockerfile::Step& step, const dockerfile::RunStep& run, const BuildRequest& request);

// The argument BUILDKIT_SANDBOX_HOSTNAME, else what BuildKit calls its own.
std::string host_name_of(const BuildRequest& request);
std::string hosts_of(const BuildRequest& request, RunNetwork network = RunNetwork::bridge);
// Those that are to lead to the host where only who makes the step's network knows the address.
std::vector<std::string> gateway_names(const BuildRequest& request, RunNetwork network);

} // namespace davit::build
