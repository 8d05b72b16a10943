// Configs, secrets, the one node, and whether this machine is in a swarm: looked at and changed. What changes takes
// Swarm's lock for a moment and returns when it stands on the disk; several threads and processes may call at once.
//
// A machine becomes a swarm by init_swarm(), until leave_swarm(), or by the first object that is made (ensure_swarm()),
// until the last one goes (release_swarm()).
//
// Errors: unavailable (the machine is in no swarm), not_found, conflict (in use, the name is taken, several fit), usage
// (a name or a value that cannot be), failed (the disk).
#pragma once

#include "davit/engine.hpp"
#include "davit/swarm.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit::swarm {

std::vector<Config> files(Engine& engine, FileKind kind); // by name, with their data
// By id, name, or the first digits of an id that are nobody else's.
Config file(Engine& engine, FileKind kind, const std::string& id_or_name);
// Its id. Makes a swarm where there is none.
std::string create_file(Engine& engine, FileKind kind, const ConfigSpec& spec);
// Labels alone may change: other data or another name is refused.
void update_file(Engine& engine, FileKind kind, const std::string& id, const ConfigSpec& spec);
// Refused while a service has it.
void remove_file(Engine& engine, FileKind kind, const std::string& id_or_name);

std::optional<Node> node(Engine& engine); // nothing: the machine is in no swarm
// "self", id, name, or the first digits of the id.
Node node(Engine& engine, const std::string& id_or_name);
struct NodeChange {
    Labels add_labels;
    std::vector<std::string> remove_labels;
    std::optional<std::string> role;         // manager; worker is refused: it is the last manager
    std::optional<std::string> availability; // active, pause, drain
};
Node update_node(Engine& engine, const std::string& id_or_name, const NodeChange& change);

// Errors: conflict (it is one already).
Node init_swarm(Engine& engine);
// Whether it was not one before.
bool ensure_swarm(Engine& engine);
// The network that published ports belong to in listings. Here the host's table does its work, and it has no address.
inline constexpr const char* ingress_name = "ingress";
std::optional<NetworkInfo> ingress(Engine& engine); // nothing outside of a swarm
// What ensure_swarm() made goes when there are no objects any more.
void release_swarm(Engine& engine);
// With all configs and secrets. Refused without force, and while there are services.
void leave_swarm(Engine& engine, bool force);
// How many tasks of a slot are kept, the running one included; less than 0: all. 5 where nobody has said. Supervisors
// take it up with Swarm::node_changed().
void set_task_history(Engine& engine, std::int64_t limit);
// New tokens for those that would join.
Node rotate_token(Engine& engine, bool manager);

} // namespace davit::swarm
#pragma GCC visibility pop
