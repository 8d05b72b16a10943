// Steps in words.
#include "base/error.hpp"
#include "runtime/exec/step_view.hpp"
#include "runtime/steps.hpp"

#include <type_traits>

namespace davit::runtime {
namespace {

using namespace davit::exec;

class Describer {
public:
    explicit Describer(const StepView& view) : view_(view) {}
    std::string operator()(const MakeCgroup& s) const {
        return fmt::format("cgroup {}/{}{}", text(s.mount_point), text(s.path),
                           s.controllers.size ? fmt::format(" [{}]", text(s.controllers)) : "");
    }
    std::string operator()(const WriteCgroup& s) const {
        return fmt::format("limit {} {} = {}", s.cgroup, text(s.file), text(s.value));
    }
    std::string operator()(const DeviceFilter& s) const {
        return fmt::format("device filter, {} instructions", s.code.size / 8);
    }
    std::string operator()(const JoinNamespace& s) const {
        return fmt::format("join namespace {:#x} {}", s.type,
                           s.slot ? fmt::format("passed as {}", s.slot) : text(s.path));
    }
    std::string operator()(const SetPropagation& s) const { return fmt::format("propagation {:#x}", s.flags); }
    std::string operator()(const RootOverlay& s) const {
        return fmt::format("root overlay {} upper {}", list(s.lower, ':'), text(s.upper));
    }
    std::string operator()(const RootBind& s) const { return fmt::format("root bind {}", text(s.path)); }
    std::string operator()(const OpenProc&) const { return "open proc"; }
    std::string operator()(const MountStep& s) const {
        std::string what = s.kind == MountKind::filesystem ? fmt::format("{} ({})", text(s.type), list(s.options, ','))
                           : s.kind == MountKind::overlay  ? "overlay " + list(s.options, ':')
                                                           : text(s.source);
        if (s.subpath.size) what += "//" + text(s.subpath);
        return fmt::format("mount {} on {} +{:#x} -{:#x} flags {:#x}", what, text(s.target), s.attr_set, s.attr_clear,
                           s.flags);
    }
    std::string operator()(const DeviceNode& s) const {
        return fmt::format("device {} {:o} {:#x}", text(s.path), s.mode, s.device);
    }
    std::string operator()(const SymlinkStep& s) const {
        return fmt::format("link {} -> {}", text(s.path), text(s.target));
    }
    std::string operator()(const MakeDir& s) const { return fmt::format("directory {} {:o}", text(s.path), s.mode); }
    std::string operator()(const SysctlStep& s) const {
        return fmt::format("sysctl {} = {}", text(s.path), text(s.value));
    }
    std::string operator()(const MaskPath& s) const { return "mask " + text(s.text); }
    std::string operator()(const ReadonlyPath& s) const { return "read-only " + text(s.text); }
    std::string operator()(const ReadonlyMount& s) const { return "read-only mount " + text(s.text); }
    std::string operator()(const ReadonlyRoot&) const { return "read-only root"; }
    std::string operator()(const PivotRoot&) const { return "pivot root"; }
    std::string operator()(const HostName& s) const { return "hostname " + text(s.text); }
    std::string operator()(const DomainName& s) const { return "domainname " + text(s.text); }
    std::string operator()(const LoopbackUp&) const { return "loopback up"; }
    std::string operator()(const Keyring& s) const { return "keyring " + text(s.text); }
    std::string operator()(const RlimitStep& s) const {
        return s.soft_only ? fmt::format("rlimit {} soft {}", s.resource, s.soft)
                           : fmt::format("rlimit {} {}:{}", s.resource, s.soft, s.hard);
    }
    std::string operator()(const OomScoreAdj& s) const { return fmt::format("oom_score_adj {}", s.number); }
    std::string operator()(const Apparmor& s) const { return "apparmor " + text(s.text); }
    std::string operator()(const UserStep& s) const {
        return fmt::format("user '{}' groups ({})", text(s.name), list(s.groups, ','));
    }
    std::string operator()(const CapabilityStep& s) const {
        return fmt::format("capabilities bounding {:x} permitted {:x} effective {:x} inheritable {:x} ambient {:x}",
                           s.bounding, s.permitted, s.effective, s.inheritable, s.ambient);
    }
    std::string operator()(const NoNewPrivileges&) const { return "no new privileges"; }
    std::string operator()(const SeccompStep& s) const {
        const bool first = view_.header().flags & flag_filter_first;
        return fmt::format("seccomp, {} instructions, flags {:#x}, loaded {}", s.filter.size / 8, s.flags,
                           first ? "before the process is born" : "last");
    }
    std::string operator()(const WorkDir& s) const { return "working directory " + text(s.text); }
    std::string operator()(const UmaskStep& s) const { return fmt::format("umask {:o}", s.number); }
    // Values of the environment are the user's secrets: only how many there are.
    std::string operator()(const ExecuteStep& s) const {
        return fmt::format("execute {} with {} variables", list(s.args, ' '), s.env.count);
    }

private:
    std::string text(Str s) const { return view_.text(s); }
    std::string list(StrList l, char between) const {
        std::string out;
        for (std::uint32_t i = 0; i < l.count; ++i) out += (i ? std::string(1, between) : "") + text(view_.item(l, i));
        return out;
    }
    const StepView& view_;
};

} // namespace

std::string describe(const std::string& steps) {
    StepView view;
    // Steps are read in place and need their alignment, which a heap string has.
    if (const char* wrong = view.validate(steps.data(), steps.size()))
        throw error(Errc::failed, "the steps cannot be used: {}", wrong);
    std::string out;
    Describer words(view);
    view.each([&](const auto& step) {
        out += words(step) + "\n";
        return true;
    });
    return out;
}

} // namespace davit::runtime
