// The birth of a process that a container's others can see. It has nothing that they must not have: it is in
// all of its namespaces, under its final identity, capabilities and filter, with its three streams and no
// memory of the host. Whoever may trace there (cap_add: SYS_PTRACE) finds what it will find after execve.
#include "runtime/exec/birth.hpp"
#include "runtime/exec/context.hpp"

#include <csignal>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>

namespace davit::exec {
namespace {

void forget(const Area& area) noexcept {
    if (!area.size) return;
    const auto page = static_cast<std::uintptr_t>(::getpagesize());
    const auto begin = reinterpret_cast<std::uintptr_t>(area.at), end = begin + area.size;
    const auto inner = (begin + page - 1) / page * page, inner_end = end / page * page;
    if (inner >= inner_end) {
        std::memset(area.at, 0, area.size);
        return;
    }
    // Whole pages are dropped: writing zeros would first make each of them ours.
    std::memset(area.at, 0, inner - begin);
    std::memset(reinterpret_cast<char*>(inner_end), 0, end - inner_end);
    ::madvise(reinterpret_cast<void*>(inner), inner_end - inner, MADV_DONTNEED);
}

// What functions that have returned left below: paths of cgroups, records of processes.
__attribute__((noinline)) void forget_old_frames() noexcept {
    constexpr std::uintptr_t depth = 256 << 10; // less than the gap that the kernel keeps below a stack
    const char here = 0;
    const auto page = static_cast<std::uintptr_t>(::getpagesize());
    const auto end = (reinterpret_cast<std::uintptr_t>(&here) / page - 1) * page;
    ::madvise(reinterpret_cast<void*>(end - depth), depth, MADV_DONTNEED); // ENOMEM: not all of it is mapped
}

// Not clone3: the default filter answers it with ENOSYS, because it cannot look at its flags. The caller
// sleeps until the program runs (CLONE_VFORK), so that its own end says so.
pid_t clone_for_shim(pid_t* number) noexcept {
    constexpr unsigned long flags = birth_clone_flags;
#if defined(__s390x__)
    return static_cast<pid_t>(::syscall(SYS_clone, 0UL, flags, number, 0UL, 0UL));
#else
    return static_cast<pid_t>(::syscall(SYS_clone, flags, 0UL, number, 0UL, 0UL));
#endif
}

// Nobody listens any more; what hardly ever fails is told where the program's own errors go.
[[noreturn]] void live(Context& c, const Program& program, bool filter_last) noexcept {
    if (take_session(c) && limit_processes(c) && (!filter_last || (load_filter(c) && drop_to_final(c))))
        execute(c, program);
    TextBuffer<384> line;
    line.text << "davit: the program could not be started: stage " << static_cast<int>(c.report.stage) << " ("
              << c.report.detail << "), error " << c.report.errnum << "\n";
    ::_exit(::write(2, line.c_str(), std::strlen(line.c_str())) < 0 ? 126 : 125);
}

} // namespace

bool give_birth(Context& c, const Program& program) noexcept {
    const bool filter_last = c.filter.size && !(c.steps.header().flags & flag_filter_first);
    const bool no_new_privileges = c.steps.find<NoNewPrivileges>() != nullptr;
    const std::uint64_t keep = filter_last && !no_new_privileges ? std::uint64_t{1} << CAP_SYS_ADMIN : 0;
    // Changing ids has reset it; nothing that follows does.
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) return c.fail(Stage::identity, "dumpable");
    const auto page = reinterpret_cast<std::uintptr_t>(c.birth) & ~(static_cast<std::uintptr_t>(::getpagesize()) - 1);
    if (::madvise(reinterpret_cast<void*>(page), 1, MADV_DONTFORK) < 0) return c.fail(Stage::memory, "birth");
    const StepsHeader& steps = c.steps.header();
    if (::munmap(const_cast<StepsHeader*>(&steps), steps.size) < 0) return c.fail(Stage::memory, "steps");
    for (const Area& area : c.secrets) forget(area);
    forget_old_frames();
    if ((!filter_last && !load_filter(c)) || !drop_to_final(c, keep)) return false;
    ::close(c.channel);
    const pid_t pid = clone_for_shim(&c.birth->pid);
    if (pid == 0) live(c, program, filter_last);
    if (pid < 0) c.birth->errnum = errno;
    ::_exit(0);
}

} // namespace davit::exec
