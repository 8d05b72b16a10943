// What Docker gives a container that asks for nothing, and names → numbers. Pure but for grantable_capabilities().
#pragma once

#include "runtime/spec.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::runtime {

// Docker's container: mounts (/proc, /dev, /dev/pts, /dev/shm 64 MiB, /dev/mqueue, /sys, cgroups),
// device nodes and rules, masks, 14 capabilities, namespaces, seccomp. The caller adds root,
// process, cgroup, hostname and the user's wishes, then calls arrange_mounts().
Spec default_spec();
// `privileged: true`: all capabilities this process has, no seccomp, masks or device rules,
// writable /sys and cgroups, and of_machine: host_devices("/dev").
void make_privileged(Spec& spec, const std::vector<Device>& of_machine);
// A new process in the container of this spec (`exec`): its environment, capabilities, seccomp and
// user; args, user, cwd, terminal are then the caller's. privileged as `exec --privileged`.
ExecSpec exec_spec(const Spec& spec, bool privileged = false);

// Adds the mount; one of the spec's own at the same place is replaced.
void add_mount(Spec& spec, Mount mount);
// Parents before children, else in the order given; the defaults come first.
void arrange_mounts(Spec& spec);
// nullptr when nothing is mounted exactly there.
Mount* find_mount(Spec& spec, std::string_view destination);

CapSet default_capabilities();
// What this process may grant: its permitted set.
CapSet grantable_capabilities();
// "NET_ADMIN", "cap_net_admin", any case. "ALL" is not a capability.
std::optional<int> capability_from_name(std::string_view name);
const char* capability_name(int cap); // "CAP_NET_ADMIN"; nullptr if unknown
// Docker's cap_add / cap_drop arithmetic on the default set, "ALL" included. Throws invalid_project for an
// unknown name. Sets bounding, permitted and effective alike; a user other than root gets only bounding (done by the
// child).
CapSet resolve_capabilities(const std::vector<std::string>& add, const std::vector<std::string>& drop);
void set_capabilities(Process& process, CapSet set);

// "nofile", "RLIMIT_NOFILE"
std::optional<int> rlimit_from_name(std::string_view name);
const char* rlimit_name(int resource);
// "TERM", "SIGTERM", "15", "RTMIN+3"
std::optional<int> signal_from_name(std::string_view name);
// Docker's tmpfs option string "size=2m,mode=0750,uid=10,exec" on top of the defaults. Throws invalid_project.
Mount tmpfs_mount(const std::string& destination, const std::string& options);

// `devices: /dev/fuse:/dev/f1:r`: nodes are those that host_devices(host_path) found. Nodes and rules are added.
// Throws invalid_project for what is no access.
void add_devices(Spec& spec, const std::vector<Device>& nodes, const std::string& host_path, const std::string& path,
                 const std::string& access);
// "c 10:* rw" (`device_cgroup_rules`). Throws invalid_project.
DeviceRule device_rule_from_text(const std::string& text);

} // namespace davit::runtime
