// Reads steps in place. validate() checks everything once; after that no access can leave their bytes.
#pragma once

#include "runtime/exec/format.hpp"

#include <cstddef>
#include <type_traits>

namespace davit::exec {

class StepView {
public:
    StepView() = default;
    // nullptr if the bytes are steps of this format and machine, else why not.
    const char* validate(const void* data, std::size_t size) noexcept;

    const StepsHeader& header() const noexcept { return *static_cast<const StepsHeader*>(data_); }
    const char* text(Str s) const noexcept { return s.size ? base() + s.at : ""; }
    const void* bytes(Bytes b) const noexcept { return base() + b.at; }
    Str item(StrList list, std::uint32_t i) const noexcept { return reinterpret_cast<const Str*>(base() + list.at)[i]; }
    // fn(const Step&) for each step, in order, until it returns false. fn is overloaded on the step types.
    template <typename F>
    bool each(F&& fn) const noexcept {
        const char* at = base() + header().steps_at;
        for (std::uint32_t i = 0; i < header().step_count; ++i) {
            const auto* head = reinterpret_cast<const StepHeader*>(at);
            if (!dispatch(*head, fn)) return false;
            at += head->size;
        }
        return true;
    }
    // The first step of this type, nullptr if there is none.
    template <typename T>
    const T* find() const noexcept {
        const T* found = nullptr;
        each([&](const auto& step) {
            if constexpr (std::is_same_v<std::remove_cvref_t<decltype(step)>, T>) {
                if (!found) found = &step;
            }
            return true;
        });
        return found;
    }

    // Calls fn with the step as its own type; false for an unknown kind.
    template <typename F>
    static bool dispatch(const StepHeader& head, F&& fn) noexcept;

private:
    const char* base() const noexcept { return static_cast<const char*>(data_); }
    const void* data_ = nullptr;
};

template <typename F>
bool StepView::dispatch(const StepHeader& head, F&& fn) noexcept {
    auto as = [&]<typename T>(const T*) { return fn(reinterpret_cast<const T&>(head)); };
    switch (head.kind) {
    case StepKind::make_cgroup: return as(static_cast<MakeCgroup*>(nullptr));
    case StepKind::write_cgroup: return as(static_cast<WriteCgroup*>(nullptr));
    case StepKind::device_filter: return as(static_cast<DeviceFilter*>(nullptr));
    case StepKind::join_namespace: return as(static_cast<JoinNamespace*>(nullptr));
    case StepKind::propagation: return as(static_cast<SetPropagation*>(nullptr));
    case StepKind::root_overlay: return as(static_cast<RootOverlay*>(nullptr));
    case StepKind::root_bind: return as(static_cast<RootBind*>(nullptr));
    case StepKind::open_proc: return as(static_cast<OpenProc*>(nullptr));
    case StepKind::mount: return as(static_cast<MountStep*>(nullptr));
    case StepKind::device_node: return as(static_cast<DeviceNode*>(nullptr));
    case StepKind::symlink: return as(static_cast<SymlinkStep*>(nullptr));
    case StepKind::make_dir: return as(static_cast<MakeDir*>(nullptr));
    case StepKind::sysctl: return as(static_cast<SysctlStep*>(nullptr));
    case StepKind::mask_path: return as(static_cast<MaskPath*>(nullptr));
    case StepKind::readonly_path: return as(static_cast<ReadonlyPath*>(nullptr));
    case StepKind::readonly_root: return as(static_cast<ReadonlyRoot*>(nullptr));
    case StepKind::pivot_root: return as(static_cast<PivotRoot*>(nullptr));
    case StepKind::host_name: return as(static_cast<HostName*>(nullptr));
    case StepKind::domain_name: return as(static_cast<DomainName*>(nullptr));
    case StepKind::loopback_up: return as(static_cast<LoopbackUp*>(nullptr));
    case StepKind::readonly_mount: return as(static_cast<ReadonlyMount*>(nullptr));
    case StepKind::keyring: return as(static_cast<Keyring*>(nullptr));
    case StepKind::rlimit: return as(static_cast<RlimitStep*>(nullptr));
    case StepKind::oom_score_adj: return as(static_cast<OomScoreAdj*>(nullptr));
    case StepKind::apparmor: return as(static_cast<Apparmor*>(nullptr));
    case StepKind::user: return as(static_cast<UserStep*>(nullptr));
    case StepKind::capabilities: return as(static_cast<CapabilityStep*>(nullptr));
    case StepKind::no_new_privileges: return as(static_cast<NoNewPrivileges*>(nullptr));
    case StepKind::seccomp: return as(static_cast<SeccompStep*>(nullptr));
    case StepKind::work_dir: return as(static_cast<WorkDir*>(nullptr));
    case StepKind::umask: return as(static_cast<UmaskStep*>(nullptr));
    case StepKind::execute: return as(static_cast<ExecuteStep*>(nullptr));
    }
    return false;
}

} // namespace davit::exec
