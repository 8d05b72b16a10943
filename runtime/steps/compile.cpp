#include "runtime/steps.hpp"

#include "base/error.hpp"
#include "runtime/oci/document.hpp"
#include "runtime/steps/parts.hpp"

#include <sched.h>

namespace davit::runtime {
namespace {

struct Kind {
    const Namespace& ns;
    int type;
    exec::Slot slot;
    const char* name;
};

std::uint64_t add_namespaces(Compiler& c, const Spec& spec) {
    const Kind kinds[] = {{spec.ns.pid, CLONE_NEWPID, exec::slot_pid, "pid"},
                          {spec.ns.net, CLONE_NEWNET, exec::slot_net, "net"},
                          {spec.ns.ipc, CLONE_NEWIPC, exec::slot_ipc, "ipc"},
                          {spec.ns.uts, CLONE_NEWUTS, exec::slot_uts, "uts"}};
    std::uint64_t flags = CLONE_NEWNS;
    for (const Kind& k : kinds) {
        if (k.ns.mode == NsMode::fresh) flags |= static_cast<std::uint64_t>(k.type);
        if (k.ns.mode != NsMode::path && k.ns.mode != NsMode::passed) continue;
        if (k.ns.mode == NsMode::path && (k.ns.path.empty() || k.ns.path[0] != '/'))
            throw error(Errc::invalid_project, "the path of the {} namespace to join, '{}', is not absolute", k.name,
                        k.ns.path);
        exec::JoinNamespace s{};
        s.type = static_cast<std::uint32_t>(k.type);
        s.slot = k.ns.mode == NsMode::passed ? k.slot : exec::slot_none;
        s.path = c.out.text(k.ns.mode == NsMode::path ? k.ns.path : "");
        c.out.add(s);
    }
    return flags;
}

void add_identity_of_host(Compiler& c, const Spec& spec) {
    exec::Keyring keyring{};
    keyring.text = c.out.text("_ses." + spec.id);
    c.out.add(keyring);
    if (spec.ns.net.mode == NsMode::fresh) c.out.add(exec::LoopbackUp{});
    if (spec.ns.uts.mode == NsMode::host) return;
    if (!spec.hostname.empty()) {
        exec::HostName s{};
        s.text = c.out.text(spec.hostname);
        c.out.add(s);
    }
    if (!spec.domainname.empty()) {
        exec::DomainName s{};
        s.text = c.out.text(spec.domainname);
        c.out.add(s);
    }
}

// A bundle may ask for more than there are steps for. What others rely on for safety is refused, the rest is told.
void check_fields(Compiler& c, const Spec& spec) {
    for (const std::string& field : not_acted_on(spec)) {
        if (field.starts_with("/hooks/") || field.starts_with("/linux/namespaces") ||
            field.find("idMappings") != std::string::npos)
            throw error(Errc::unsupported, "{}: davit has no step for this yet, so the container is not started",
                        field);
        c.warn(fmt::format("{} changes nothing: davit has no step for it", field));
    }
}

std::uint32_t flags_of(const Process& p) {
    return (p.terminal ? std::uint32_t{exec::flag_terminal} : 0U) |
           (p.stdin_open ? std::uint32_t{exec::flag_stdin_open} : 0U);
}

} // namespace

std::string compile(const Spec& spec, const HostFacts& host, const CompileOptions& options,
                    std::vector<std::string>* warnings) {
    StepWriter out;
    Compiler c{out, host, options, warnings, 0};
    check_fields(c, spec);
    add_cgroups(c, spec.cgroup, spec.resources, false);
    if (!spec.cgroup.empty()) {
        add_group_limits(c, spec);
        add_limits(c, spec.resources);
    }
    std::uint64_t clone_flags = add_namespaces(c, spec);
    add_root(c, spec);
    add_identity_of_host(c, spec);
    add_mounts(c, spec);
    exec::MakeDir cwd{};
    cwd.path = out.text(spec.process.cwd);
    cwd.mode = 0755;
    out.add(cwd);
    add_masks(c, spec);
    if (spec.root.readonly) out.add(exec::ReadonlyRoot{});
    out.add(exec::PivotRoot{});
    add_process(c, spec.process, spec.seccomp, spec.process.caps.bounding);
    std::uint32_t flags = flags_of(spec.process) | c.flags;
    if (spec.ns.private_cgroup.value_or(host.cgroup_v2_only)) flags |= exec::flag_private_cgroup_ns;
    if (spec.init) flags |= exec::flag_init;
    return out.finish(exec::StepsKind::container, flags, clone_flags, spec.process.rows, spec.process.columns);
}

std::string compile_exec(const ExecSpec& spec, const HostFacts& host, const CompileOptions& options,
                         std::vector<std::string>* warnings) {
    StepWriter out;
    Compiler c{out, host, options, warnings, 0};
    add_process(c, spec.process, spec.seccomp, spec.container_bounding);
    return out.finish(exec::StepsKind::exec, flags_of(spec.process) | c.flags, 0, spec.process.rows,
                      spec.process.columns);
}

std::string compile_update(const std::string& cgroup, const Resources& resources, const HostFacts& host,
                           std::vector<std::string>* warnings) {
    StepWriter out;
    CompileOptions options;
    Compiler c{out, host, options, warnings, 0};
    add_cgroups(c, cgroup, resources, true);
    add_limits(c, resources);
    return out.finish(exec::StepsKind::update, 0, 0, 0, 0);
}

} // namespace davit::runtime
