// Control groups of one container, as the shim makes, limits, freezes, empties and removes them.
// No allocation; strings are bounded copies, so that the steps need not stay mapped.
#pragma once

#include "runtime/exec/context.hpp"

namespace davit::exec {

class Cgroups {
public:
    // Makes the groups of the steps, or opens those of a container that runs. false: *why tells.
    bool make(const StepView& steps, Report* why, bool running = false) noexcept;
    // Limits and the device filter; warnings go to sink(report).
    using Sink = void (*)(void* self, const Report& report);
    bool limit(const StepView& steps, Report* why, Sink sink, void* self) noexcept;
    // Kills what still runs in them and removes them; false: something stays. Waits up to limit_ms.
    bool remove(int limit_ms) noexcept;
    void kill_all() noexcept;
    void close() noexcept; // only the descriptors

    const CgroupSet& set() const noexcept { return set_; }
    // The group clone3 puts the child into; -1: none (pure v1).
    int clone_target() const noexcept;
    // v2: a container that may write its cgroups (an init, Docker in Docker) moves its processes into
    // groups below its own, which then takes none itself. Where this process is now, opened; -1: in clone_target().
    int open_present(pid_t pid) const noexcept;
    // 0 or an errno.
    int freeze(bool on) noexcept;
    bool frozen() const noexcept;
    std::uint64_t oom_kills() const noexcept;

private:
    struct Location {
        char mount_point[128];
        char path[192];
    };
    bool add(const StepView& steps, const MakeCgroup& s, bool running, Report* why) noexcept;
    bool occupied() const noexcept;
    int entry_with(std::uint32_t flag) const noexcept;

    CgroupSet set_;
    Location where_[max_cgroups];
    bool owned_ = false;
};

} // namespace davit::exec
