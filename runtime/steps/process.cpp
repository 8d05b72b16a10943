// What concerns the process itself.
#include "runtime/steps/parts.hpp"

#include "base/error.hpp"
#include "runtime/seccomp.hpp"
#include "runtime/seccomp_run.hpp"

#include <algorithm>
#include <linux/seccomp.h>
#include <map>
#include <set>
#include <sys/resource.h>

namespace davit::runtime {
namespace {

// A container that asks for nothing must not inherit what the supervisor raised for itself.
constexpr std::uint64_t default_nofile = 1024;

[[noreturn]] void not_namespaced(const std::string& name) {
    throw error(Errc::invalid_project, "sysctl \"{}\" is not in a separate kernel namespace", name);
}

void check_sysctl(const std::string& name, const std::string& dotted, const Spec& spec) {
    static const std::set<std::string> ipc = {"kernel.msgmax", "kernel.msgmnb",         "kernel.msgmni",
                                              "kernel.sem",    "kernel.shmall",         "kernel.shmmax",
                                              "kernel.shmmni", "kernel.shm_rmid_forced"};
    if (ipc.contains(dotted) || dotted.starts_with("fs.mqueue.")) {
        if (spec.ns.ipc.mode == NsMode::host)
            throw error(Errc::invalid_project, "sysctl \"{}\" is not allowed in the host's ipc namespace", name);
        return;
    }
    if (dotted.starts_with("net.")) {
        if (spec.ns.net.mode == NsMode::host)
            throw error(Errc::invalid_project, "sysctl \"{}\" not allowed in host network namespace", name);
        return;
    }
    if (dotted == "kernel.domainname" && spec.ns.uts.mode != NsMode::host) return;
    if (dotted == "kernel.hostname")
        throw error(Errc::invalid_project, "sysctl \"{}\" conflicts with the container's hostname", name);
    not_namespaced(name);
}

void add_sysctl(Compiler& c, const std::string& path, const std::string& value) {
    exec::SysctlStep s{};
    s.path = c.out.text("sys/" + path);
    s.value = c.out.text(value);
    c.out.add(s);
}

std::string separators_swapped(std::string name) {
    for (char& c : name) c = c == '.' ? '/' : c == '/' ? '.' : c;
    return name;
}

// As sysctl(8) reads a name: its first separator is the separator, the other one belongs to the names in it:
// "net.ipv4.conf.eth0/7.forwarding" and "net/ipv4/conf/eth0.7/forwarding" are the same.
std::string dotted_sysctl(const std::string& name) {
    std::size_t first = name.find_first_of("./");
    return first == std::string::npos || name[first] == '.' ? name : separators_swapped(name);
}

// The last one of a key wins, in the place of the first.
std::vector<std::string> environment(const std::vector<std::string>& env) {
    std::vector<std::string> out;
    std::map<std::string, std::size_t> at;
    for (const std::string& variable : env) {
        std::string key = variable.substr(0, variable.find('='));
        auto [found, fresh] = at.emplace(key, out.size());
        if (fresh) out.push_back(variable);
        else out[found->second] = variable;
    }
    return out;
}

void add_rlimits(Compiler& c, const Process& p) {
    std::set<int> seen;
    for (const Rlimit& limit : p.rlimits) {
        if (!seen.insert(limit.resource).second) throw error(Errc::invalid_project, "the same ulimit is given twice");
        exec::RlimitStep s{};
        s.resource = static_cast<std::uint32_t>(limit.resource);
        s.soft = limit.soft;
        s.hard = limit.hard;
        c.out.add(s);
    }
    if (seen.contains(RLIMIT_NOFILE)) return;
    exec::RlimitStep s{};
    s.resource = RLIMIT_NOFILE;
    s.soft = default_nofile;
    s.soft_only = 1;
    c.out.add(s);
}

void add_capabilities(Compiler& c, const Capabilities& caps) {
    exec::CapabilityStep s{};
    // What the machine itself may not do cannot be handed on; Docker starts the container all the same.
    s.bounding = caps.bounding & c.host.grantable;
    s.permitted = caps.permitted & c.host.grantable;
    s.effective = caps.effective & s.permitted;
    s.inheritable = caps.inheritable & c.host.grantable;
    s.ambient = caps.ambient & s.permitted & s.inheritable;
    s.last = static_cast<std::uint32_t>(c.host.last_capability);
    c.out.add(s);
}

void add_seccomp(Compiler& c, CapSet bounding, const Seccomp& seccomp) {
    exec::SeccompStep s{};
    s.flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    if (seccomp.kind == Seccomp::Kind::profile) {
        const SeccompProfile profile = seccomp_profile_from_json(seccomp.json, seccomp.source_name);
        if (profile.disabled) return;
        for (const std::string& name : unknown_refused_calls(profile))
            c.warn(fmt::format(
                "the seccomp profile {} refuses {}, which is no system call that davit knows: it refuses nothing there",
                seccomp.source_name, name));
        // Synchronising threads is for processes that have some.
        s.flags = profile.flags & ~std::uint32_t{SECCOMP_FILTER_FLAG_TSYNC};
    }
    const std::string filter = compile_seccomp(seccomp, bounding, c.options.bpf_cache_dir);
    if (allows_birth(filter)) c.flags |= exec::flag_filter_first;
    s.filter = c.out.bytes(filter);
    c.out.add(s);
}

// A bundle's numbers as the text that a name would be.
void add_user(Compiler& c, const User& u) {
    std::string name = u.name;
    std::vector<std::string> groups = u.groups;
    if (name.empty() && (u.uid || u.gid)) name = fmt::format("{}:{}", u.uid, u.gid);
    for (gid_t gid : u.additional_gids) groups.push_back(fmt::format("{}", gid));
    exec::UserStep s{};
    s.name = c.out.text(name);
    s.groups = c.out.list(groups);
    c.out.add(s);
}

} // namespace

void add_sysctls(Compiler& c, const Spec& spec) {
    std::set<std::string> given;
    for (const auto& [name, value] : spec.sysctls) {
        std::string dotted = dotted_sysctl(name);
        std::string path = separators_swapped(dotted);
        if (("/" + path + "/").find("/../") != std::string::npos || path.starts_with("/")) not_namespaced(name);
        check_sysctl(name, dotted, spec);
        add_sysctl(c, path, value);
        given.insert(std::move(dotted));
    }
    if (!spec.open_ports_and_ping || spec.ns.net.mode == NsMode::host) return;
    for (const auto& [dotted, value] : {std::pair("net.ipv4.ip_unprivileged_port_start", "0"),
                                        std::pair("net.ipv4.ping_group_range", "0 2147483647")})
        if (!given.contains(dotted)) add_sysctl(c, separators_swapped(dotted), value);
}

void add_process(Compiler& c, const Process& p, const Seccomp& seccomp, CapSet bounding) {
    if (!p.args.empty() && p.args[0].empty())
        throw error(Errc::not_found, "exec: \"\": executable file not found in $PATH").with_exit_code(127);
    if (p.args.empty())
        throw error(Errc::invalid_project, "there is no command to run: neither the service nor the image has one");
    if (p.cwd.empty() || p.cwd[0] != '/')
        throw error(Errc::invalid_project, "the working directory '{}' is not an absolute path", p.cwd)
            .with_exit_code(128); // of an exec, as docker's
    exec::OomScoreAdj oom{};
    oom.number = p.oom_score_adj;
    c.out.add(oom);
    add_rlimits(c, p);
    if (!p.apparmor_profile.empty() && p.apparmor_profile != "unconfined") {
        exec::Apparmor s{};
        s.text = c.out.text(p.apparmor_profile);
        if (c.host.apparmor) c.out.add(s);
        else
            c.warn(fmt::format("AppArmor is not enabled on this machine: the profile '{}' is not applied",
                               p.apparmor_profile));
    }
    add_user(c, p.user);
    add_capabilities(c, p.caps);
    if (p.no_new_privileges) c.out.add(exec::NoNewPrivileges{});
    if (seccomp.kind != Seccomp::Kind::unconfined && c.host.seccomp) {
        add_seccomp(c, bounding, seccomp);
    } else if (seccomp.kind == Seccomp::Kind::profile) {
        throw error(Errc::unsupported, "this kernel has no seccomp filters, so profile '{}' cannot be used",
                    seccomp.source_name);
    } else if (!c.host.seccomp) {
        c.warn("this kernel has no seccomp filters: the container runs without the default one");
    }
    exec::WorkDir dir{};
    dir.text = c.out.text(p.cwd);
    c.out.add(dir);
    exec::UmaskStep mask{};
    mask.number = p.umask & 07777;
    c.out.add(mask);
    exec::ExecuteStep execute{};
    execute.args = c.out.list(p.args);
    execute.env = c.out.list(environment(p.env));
    c.out.add(execute);
}

} // namespace davit::runtime
