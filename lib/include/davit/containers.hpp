// Containers outside a compose file, and what is done to single containers of any project: what `docker container …`
// says. They belong to a project of the machine's own, ".machine", with a supervisor of its own that lives as long as
// one of them runs. Their names are one set with those of all projects' containers.
//
// Calls that change something block until it is done; those on different containers do not wait for each other.
// Several threads may call at once. Errors: davit::Error, as davit/engine.hpp says, and what each call names.
#pragma once

#include "davit/container.hpp"
#include "davit/engine.hpp"
#include "davit/service.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

// What `docker run` and `docker create` are told. `service` has compose's meaning of every attribute, with these
// differences: `networks` are names or ids of networks of this machine (not keys), `links` and `volumes_from` name
// containers of this machine, `pid`, `ipc` and `network_mode` container:NAME likewise; named volumes are names of the
// machine's and are made when missing. network_mode "" or "default": the network `bridge`, made on first use.
struct ContainerSpec {
    std::string name; // empty: one is made up, adjective_noun
    Service service;
    std::map<std::string, Volume> volumes; // how named ones are made where they are missing, by name; absent: plainly
    bool publish_all = false;              // -P: every exposed port on an ephemeral one
    bool auto_remove = false;              // --rm; with the anonymous volumes
    bool no_healthcheck = false;
    bool stdin_once = false;      // its input ends with the first client that gives it some
    bool hold_for_attach = false; // init is held until a client has attached (event container_attachable)
    PullMode pull = PullMode::missing;
    bool quiet_pull = false;
    std::string cpuset_mems;
    // What `docker inspect` shows of the request and `service` does not say (a list's order, a -v from a --mount, the
    // streams that were attached): JSON, {"Config": {…}, "HostConfig": {…}}, over what follows from `service`.
    std::string asked;
};

// What it warns of comes as events. Errors: not_found (image, network, container that is named), conflict (name in
// use), usage, invalid_project (a value).
ContainerInfo create_container(Engine&, const ContainerSpec&, std::stop_token = {});
// Creates and starts in one plan: returns when its init runs. Errors: also failed with Error::exit_code() 125, 126 or
// 127 where the start failed; the container stays as docker leaves it (created; gone with auto_remove).
ContainerInfo run_container(Engine&, const ContainerSpec&, std::stop_token = {});

// By name (with or without a leading '/'), id, or the beginning of an id, of any project. Errors: not_found ("No such
// container: X"), conflict (several begin so).
ContainerInfo find_container(Engine&, const std::string& reference);

struct StartContainerOptions {
    bool hold_for_attach = false;
};
struct StopContainerOptions {
    std::string signal; // empty: the container's
    Timeout timeout;    // negative: without end
};
struct RemoveContainerOptions {
    bool force = false, volumes = false;
};
// None fails on a container that is so already, except where docker does: kill, pause, unpause (conflict).
void start_container(Engine&, const ContainerInfo&, const StartContainerOptions& = {}, std::stop_token = {});
void stop_container(Engine&, const ContainerInfo&, const StopContainerOptions& = {}, std::stop_token = {});
void restart_container(Engine&, const ContainerInfo&, const StopContainerOptions& = {}, std::stop_token = {});
void kill_container(Engine&, const ContainerInfo&, const std::string& signal, std::stop_token = {});
void pause_container(Engine&, const ContainerInfo&, std::stop_token = {});
void unpause_container(Engine&, const ContainerInfo&, std::stop_token = {});
void remove_container(Engine&, const ContainerInfo&, const RemoveContainerOptions& = {}, std::stop_token = {});
void rename_container(Engine&, const ContainerInfo&, const std::string& new_name, std::stop_token = {});

// What `docker update` changes while it runs; absent: as it is.
struct ContainerUpdate {
    std::optional<double> cpus;
    std::optional<std::int64_t> cpu_period, cpu_quota, cpu_shares, memory, memory_reservation, memory_swap, pids_limit;
    std::optional<std::int64_t> blkio_weight;
    std::optional<std::string> cpuset_cpus, cpuset_mems, restart;
    bool operator==(const ContainerUpdate&) const = default;
};
void update_container(Engine&, const ContainerInfo&, const ContainerUpdate&, std::stop_token = {});

enum class ContainerWait { not_running, next_exit, removed };
// Blocks; the exit code. A container that never ran: 0 at once.
ExitResult wait_container(Engine&, const ContainerInfo&, ContainerWait = ContainerWait::not_running,
                          std::stop_token = {});

// Stopped containers for which `wanted` is true; removed is called after each, with the bytes that became free.
void prune_containers(Engine&, const std::function<bool(const ContainerInfo&)>& wanted,
                      const std::function<void(const ContainerInfo&, std::uint64_t)>& removed = {},
                      std::stop_token = {});

// ConnectOptions: plan.hpp. A running container gets or loses the interface at once. Errors: not_found, conflict (it
// is on it already, or has no network of its own), denied (a stack's network that is not attachable).
void connect_network(Engine&, const NetworkInfo&, const ContainerInfo&, const ConnectOptions& = {},
                     std::stop_token = {});
void disconnect_network(Engine&, const NetworkInfo&, const ContainerInfo&, bool force = false, std::stop_token = {});

} // namespace davit
#pragma GCC visibility pop
