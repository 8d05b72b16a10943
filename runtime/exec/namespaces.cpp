// Cgroups, namespaces and what belongs to them: host name, loopback, keyring.
#include "runtime/exec/context.hpp"

#include <linux/if.h>
#include <linux/keyctl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace davit::exec {

// A single thread that writes 0 to `tasks` moves itself without the RCU grace period that
// cgroup.procs costs (8-12 ms); on v2 clone3(CLONE_INTO_CGROUP) has done it already.
bool enter_cgroups(Context& c) noexcept {
    for (std::uint32_t i = 0; c.cgroups && i < c.cgroups->count; ++i) {
        const CgroupSet::Entry& e = c.cgroups->entries[i];
        if (e.flags & cgroup_v2) continue;
        if (!write_file_at(e.dir, "tasks", "0", 1)) return c.fail(Stage::join_cgroup, "tasks");
    }
    // Whoever started davit may have been pinned; the cpuset alone decides for the container.
    unsigned long all[128];
    std::memset(all, 0xff, sizeof all);
    ::syscall(SYS_sched_setaffinity, 0, sizeof all, all);
    if (c.steps.header().flags & flag_private_cgroup_ns)
        if (::syscall(SYS_unshare, CLONE_NEWCGROUP) < 0) return c.fail(Stage::namespaces, "cgroup");
    return true;
}

namespace {

const char* namespace_name(std::uint32_t type) noexcept {
    switch (type) {
    case CLONE_NEWNET: return "net";
    case CLONE_NEWIPC: return "ipc";
    case CLONE_NEWUTS: return "uts";
    case CLONE_NEWPID: return "pid";
    default: return "namespace";
    }
}

bool join(Context& c, const JoinNamespace& s) noexcept {
    // It takes effect for children only: just before the one is born, see finish() in run.cpp.
    if (s.type == CLONE_NEWPID) return true;
    Fd opened;
    int fd = c.slots[s.slot];
    if (s.slot == slot_none) {
        opened.reset(::open(c.steps.text(s.path), O_RDONLY | O_CLOEXEC));
        fd = opened.get();
    }
    if (fd < 0 || ::syscall(SYS_setns, fd, s.type) < 0) return c.fail(Stage::namespaces, namespace_name(s.type));
    return true;
}

} // namespace

bool join_namespaces(Context& c) noexcept {
    return c.steps.each([&](const auto& s) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(s)>, JoinNamespace>) return join(c, s);
        return true;
    });
}

bool step(Context& c, const HostName& s) noexcept {
    const char* name = c.steps.text(s.text);
    return ::syscall(SYS_sethostname, name, s.text.size) == 0 || c.fail(Stage::hostname, name);
}

bool step(Context& c, const DomainName& s) noexcept {
    const char* name = c.steps.text(s.text);
    return ::syscall(SYS_setdomainname, name, s.text.size) == 0 || c.fail(Stage::hostname, name);
}

bool step(Context& c, const LoopbackUp&) noexcept {
    Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::memcpy(request.ifr_name, "lo", 3);
    if (!socket || ::ioctl(socket.get(), SIOCGIFFLAGS, &request) < 0) return c.fail(Stage::loopback, "lo");
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    return ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0 || c.fail(Stage::loopback, "lo");
}

// Else the container would share the session keyring of whoever started the supervisor.
bool join_keyring(Context& c, const char* name) noexcept {
    // keyutils.h: all for who has it; for its user view, read, link and search, by which exec finds it again.
    constexpr unsigned permissions = 0x3f1b0000;
    long id = ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name);
    if (id >= 0) return ::syscall(SYS_keyctl, KEYCTL_SETPERM, id, permissions), true;
    if (errno == ENOSYS || errno == EPERM) return true; // not built in, or a filter around davit itself
    if (errno != EDQUOT) return c.fail(Stage::keyring, "");
    c.warn(Stage::keyring, errno, "");
    return true;
}

bool step(Context& c, const Keyring& s) noexcept { return join_keyring(c, c.steps.text(s.text)); }

} // namespace davit::exec
