#include "runtime/defaults.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <utility>

namespace davit::runtime {
namespace {

Mount filesystem(const char* type, const char* source, const char* destination, const char* data, bool nodev = true,
                 bool noexec = true) {
    Mount m;
    m.kind = Mount::Kind::filesystem;
    m.type = type;
    m.source = source;
    m.destination = destination;
    m.data = data;
    m.nosuid = true;
    m.nodev = nodev;
    m.noexec = noexec;
    return m;
}

std::vector<Mount> default_mounts() {
    std::vector<Mount> mounts;
    mounts.push_back(filesystem("proc", "proc", "/proc", ""));
    mounts.push_back(filesystem("tmpfs", "tmpfs", "/dev", "mode=755,size=65536k", false, false));
    mounts.back().strictatime = true;
    mounts.push_back(filesystem("devpts", "devpts", "/dev/pts", "newinstance,ptmxmode=0666,mode=0620,gid=5", false));
    mounts.push_back(filesystem("sysfs", "sysfs", "/sys", ""));
    mounts.back().readonly = true;
    Mount cgroup = filesystem("cgroup", "cgroup", "/sys/fs/cgroup", "");
    cgroup.kind = Mount::Kind::cgroup;
    cgroup.readonly = true;
    mounts.push_back(cgroup);
    mounts.push_back(filesystem("mqueue", "mqueue", "/dev/mqueue", ""));
    mounts.push_back(filesystem("tmpfs", "shm", "/dev/shm", "mode=1777,size=65536k"));
    return mounts;
}

std::vector<Device> default_devices() {
    std::vector<Device> out;
    struct Node {
        const char* path;
        unsigned major, minor;
    };
    for (Node n : {Node{"/dev/null", 1, 3}, Node{"/dev/zero", 1, 5}, Node{"/dev/full", 1, 7}, Node{"/dev/random", 1, 8},
                   Node{"/dev/urandom", 1, 9}, Node{"/dev/tty", 5, 0}}) {
        Device d;
        d.path = n.path;
        d.major = n.major;
        d.minor = n.minor;
        out.push_back(d);
    }
    return out;
}

DeviceRule rule(bool allow, char type, std::optional<unsigned> major, std::optional<unsigned> minor,
                const char* access) {
    return {allow, type, major, minor, access};
}

std::vector<DeviceRule> default_rules() {
    std::vector<DeviceRule> rules{rule(false, 'a', {}, {}, "rwm"), rule(true, 'c', {}, {}, "m"),
                                  rule(true, 'b', {}, {}, "m")};
    for (unsigned minor : {3U, 5U, 7U, 8U, 9U}) rules.push_back(rule(true, 'c', 1, minor, "rwm"));
    for (unsigned minor : {0U, 1U, 2U}) rules.push_back(rule(true, 'c', 5, minor, "rwm")); // tty, console, ptmx
    rules.push_back(rule(true, 'c', 136, {}, "rwm"));                                      // pts
    rules.push_back(rule(true, 'c', 10, 200, "rwm"));                                      // net/tun
    return rules;
}

std::string access_checked(const std::string& access) {
    if (access.empty() || access.find_first_not_of("rwm") != std::string::npos)
        throw error(Errc::invalid_project, "invalid device access '{}': it is made of r, w and m", access);
    return access;
}

void add_device(Spec& spec, Device device, const std::string& access) {
    std::erase_if(spec.devices, [&](const Device& other) { return other.path == device.path; });
    if (!spec.resources.devices.empty())
        spec.resources.devices.push_back(rule(true, device.type, device.major, device.minor, access.c_str()));
    spec.devices.push_back(std::move(device));
}

} // namespace

Spec default_spec() {
    Spec spec;
    spec.mounts = default_mounts();
    spec.devices = default_devices();
    spec.symlinks = {{"/dev/fd", "/proc/self/fd"},       {"/dev/stdin", "/proc/self/fd/0"},
                     {"/dev/stdout", "/proc/self/fd/1"}, {"/dev/stderr", "/proc/self/fd/2"},
                     {"/dev/ptmx", "pts/ptmx"},          {"/dev/core", "/proc/kcore"},
                     {"/etc/mtab", "/proc/mounts"}};
    spec.resources.devices = default_rules();
    spec.masked_paths = {"/proc/acpi",
                         "/proc/asound",
                         "/proc/interrupts",
                         "/proc/kcore",
                         "/proc/keys",
                         "/proc/latency_stats",
                         "/proc/sched_debug",
                         "/proc/scsi",
                         "/proc/timer_list",
                         "/proc/timer_stats",
                         "/sys/devices/virtual/powercap",
                         "/sys/firmware",
                         "/sys/devices/system/cpu/cpu*/thermal_throttle"};
    spec.readonly_paths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
    spec.open_ports_and_ping = true;
    set_capabilities(spec.process, default_capabilities());
    return spec;
}

void make_privileged(Spec& spec, const std::vector<Device>& of_machine) {
    set_capabilities(spec.process, ~CapSet{0} >> 23); // all 41; compile() grants what this machine can
    spec.seccomp = Seccomp{};
    spec.seccomp.kind = Seccomp::Kind::unconfined;
    spec.masked_paths.clear();
    spec.readonly_paths.clear();
    spec.resources.devices.clear();
    for (Mount& m : spec.mounts)
        if (m.kind == Mount::Kind::cgroup || (m.kind == Mount::Kind::filesystem && m.type == "sysfs"))
            m.readonly = false;
    for (const Device& device : of_machine) add_device(spec, device, "rwm");
}

ExecSpec exec_spec(const Spec& spec, bool privileged) {
    ExecSpec e;
    e.process = spec.process;
    e.process.terminal = e.process.stdin_open = false;
    e.process.rows = e.process.columns = 0;
    e.process.args.clear();
    e.seccomp = spec.seccomp;
    e.container_bounding = spec.process.caps.bounding;
    if (privileged) set_capabilities(e.process, ~CapSet{0} >> 23); // compile_exec() grants what this machine can
    return e;
}

Mount* find_mount(Spec& spec, std::string_view destination) {
    auto found = std::find_if(spec.mounts.begin(), spec.mounts.end(),
                              [&](const Mount& m) { return m.destination == destination; });
    return found == spec.mounts.end() ? nullptr : &*found;
}

void add_mount(Spec& spec, Mount mount) {
    if (Mount* same = find_mount(spec, mount.destination)) *same = std::move(mount);
    else spec.mounts.push_back(std::move(mount));
}

void arrange_mounts(Spec& spec) {
    auto depth = [](const Mount& m) {
        return m.destination == "/" ? std::ptrdiff_t{0} : std::count(m.destination.begin(), m.destination.end(), '/');
    };
    std::map<std::ptrdiff_t, std::vector<Mount>> by_depth; // in order of arrival within one depth
    for (Mount& m : spec.mounts) by_depth[depth(m)].push_back(std::move(m));
    spec.mounts.clear();
    for (auto& [level, mounts] : by_depth) std::move(mounts.begin(), mounts.end(), std::back_inserter(spec.mounts));
}

Mount tmpfs_mount(const std::string& destination, const std::string& options) {
    Mount m = filesystem("tmpfs", "tmpfs", destination.c_str(), "");
    for (std::size_t at = 0; at < options.size();) {
        std::size_t comma = std::min(options.find(',', at), options.size());
        std::string o = options.substr(at, comma - at);
        at = comma + 1;
        std::string key = o.substr(0, o.find('='));
        bool data = key == "size" || key == "mode" || key == "uid" || key == "gid" || key == "nr_inodes" ||
                    key == "nr_blocks" || key == "mpol" || key == "huge";
        if (o.empty() || o == "rw" || o == "async" || o == "defaults") continue;
        else if (data) m.data += (m.data.empty() ? "" : ",") + o;
        else if (o == "ro") m.readonly = true;
        else if (o == "suid" || o == "nosuid") m.nosuid = o == "nosuid";
        else if (o == "dev" || o == "nodev") m.nodev = o == "nodev";
        else if (o == "exec" || o == "noexec") m.noexec = o == "noexec";
        else if (o == "noatime") m.noatime = true;
        else if (o == "nodiratime") m.nodiratime = true;
        else if (o == "relatime") m.relatime = true;
        else if (o == "strictatime") m.strictatime = true;
        else throw error(Errc::invalid_project, "invalid tmpfs option \"{}\"", o);
    }
    return m;
}

void add_devices(Spec& spec, const std::vector<Device>& nodes, const std::string& host_path, const std::string& path,
                 const std::string& access) {
    const std::string checked = access_checked(access.empty() ? "rwm" : access);
    for (Device node : nodes) {
        node.path.replace(0, host_path.size(), path);
        add_device(spec, std::move(node), checked);
    }
}

DeviceRule device_rule_from_text(const std::string& text) {
    auto bad = [&] {
        return error(Errc::invalid_project, "invalid device cgroup rule '{}': it must look like 'c 10:200 rwm'", text);
    };
    std::size_t a = text.find(' '), b = text.find(' ', a == std::string::npos ? a : a + 1);
    if (a != 1 || b == std::string::npos || std::string("acb").find(text[0]) == std::string::npos) throw bad();
    std::string numbers = text.substr(2, b - 2);
    std::size_t colon = numbers.find(':');
    if (colon == std::string::npos) throw bad();
    auto number = [&](const std::string& s) -> std::optional<unsigned> {
        if (s == "*") return std::nullopt;
        unsigned value = 0;
        if (s.empty() || std::from_chars(s.data(), s.data() + s.size(), value).ptr != s.data() + s.size()) throw bad();
        return value;
    };
    return {true, text[0], number(numbers.substr(0, colon)), number(numbers.substr(colon + 1)),
            access_checked(text.substr(b + 1))};
}

} // namespace davit::runtime
