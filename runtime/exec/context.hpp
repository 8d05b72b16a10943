// What the steps of one process share.
#pragma once

#include "runtime/exec/calls.hpp"
#include "runtime/exec/report.hpp"
#include "runtime/exec/step_view.hpp"

#include <sys/resource.h>
#include <sys/types.h>

namespace davit::exec {

struct Account { // who the process will be
    uid_t uid = 0;
    gid_t gid = 0;
    gid_t groups[256];
    int group_count = 0;
    char home[512] = "/";
};

// The cgroups of one container, opened by the shim.
struct CgroupSet {
    struct Entry {
        int dir = -1;
        std::uint32_t flags = 0;
    };
    Entry entries[max_cgroups];
    std::uint32_t count = 0;
};

// A process is seen in a pid namespace from its birth. One that joins another's is therefore born last: a
// helper outside does everything, and then clones. In memory that the helper shares with the shim only.
struct Birth {
    pid_t pid;           // as the shim sees it; written by the kernel before that process runs
    std::int32_t errnum; // why there is none
};

struct Area {
    char* at = nullptr;
    std::size_t size = 0;
};

struct Context {
    StepView steps;
    int channel = -1; // to the shim; see report.hpp
    int slots[slot_count] = {-1, -1, -1, -1, -1, -1, -1};
    int join_pidfd = -1;           // exec: whose namespaces
    const char* keyring = nullptr; // exec: the container's
    Birth* birth = nullptr;        // this process is only the helper
    int pid_ns = -1;               // helper of an init: where that is to be born
    Area secrets[4];               // the shim's own memory, which nobody born here may have
    const CgroupSet* cgroups = nullptr;
    int stdio[3] = {-1, -1, -1};  // not with a terminal; -1: the container's /dev/null
    int init_exe = -1;            // flag_init: the sealed program to run as pid 1
    bool signals_default = false; // cloned so (CLONE_CLEAR_SIGHAND) by a process that ignores none
    bool hold = false;            // wait for a byte from the channel before execve

    // filled by the steps
    int root = -1; // the new root directory
    int proc = -1; // a procfs of our own that nothing can be mounted over
    int dev_null = -1;
    dev_t hosts_dev = 0; // where the host's /dev/null lies
    int own_proc = -1;   // a helper's directory in the host's procfs: it is in no other
    int ns_root = -1;    // the mount namespace's root, when ours is another (a chroot)
    int start_root = -1; // where the host's paths begin
    int mask_dir = -1;
    int console = -1; // terminal, the container's side
    bool pivoted = false;
    int last_dir = -1; // see parent_in_root()
    const char* last_dir_path = nullptr;
    std::size_t last_dir_size = 0;
    Account account;
    bool limits_caps = false;
    CapabilityStep caps{};
    struct {
        const void* code = nullptr;
        std::uint32_t size = 0, flags = 0;
    } filter;
    const char* work_dir = "/";
    bool work_dir_pending = false; // root may not enter it; tried again as the user
    mode_t umask = 0022;
    bool limits_open_files = false, limits_processes = false;
    rlimit open_files{}, processes{};

    Report report{};
    // Both return false, so that a step can `return fail(…)`.
    bool fail(Stage stage, int errnum, const char* detail) noexcept;
    bool fail(Stage stage, const char* detail) noexcept { return fail(stage, errno, detail); }
    bool fail(Stage stage, int errnum, const char* detail, const char* second) noexcept; // see detail_separator
    void warn(Stage stage, int errnum, const char* detail) noexcept;
    bool send(const Report& r, int fd = -1) noexcept; // fd: passed along
};

// Between clone and execve of a container's init, in its new namespaces. Returns only on failure,
// with the report filled and not yet sent.
bool become_container(Context& context) noexcept;
// The same for the helper of a process that joins a running container.
bool become_exec(Context& context) noexcept;

// ---- steps, one file each; false: context.report says why
bool enter_cgroups(Context& c) noexcept;
bool join_namespaces(Context& c) noexcept;
bool join_keyring(Context& c, const char* name) noexcept;

bool find_ns_root(Context& c) noexcept; // root.cpp
bool come_home(Context& c, int mount_ns) noexcept;
bool step(Context& c, const SetPropagation& s) noexcept;
bool step(Context& c, const RootOverlay& s) noexcept;
bool step(Context& c, const RootBind& s) noexcept;
bool step(Context& c, const ReadonlyRoot& s) noexcept;
bool step(Context& c, const PivotRoot& s) noexcept;

bool step(Context& c, const OpenProc& s) noexcept;
// overlay.cpp. A detached mount, or one that lies over "/" already (*attached); -1: c.report says why.
int mount_overlay(Context& c, StrList lower, Str upper, Str work, bool* attached) noexcept;
// A read-only overlay of these layers, or of the part that subpath names; a mount to be moved, -1.
int overlay_of(Context& c, StrList layers, Str subpath) noexcept;
// Sources that must be cloned before the namespace's mounts become private (a shared source keeps
// its peers) and before anything lies over "/" (a peer's).
int open_early_source(Context& c, const MountStep& s) noexcept;
// A bind of "/", by whatever name: later the container's root would lie over it, and be what is bound.
bool is_whole_host(Context& c, const MountStep& s) noexcept;
bool mount_step(Context& c, const MountStep& s, int early) noexcept; // early: such a source, else -1
bool step(Context& c, const MaskPath& s) noexcept;
bool step(Context& c, const ReadonlyPath& s) noexcept;
bool step(Context& c, const ReadonlyMount& s) noexcept;

bool step(Context& c, const DeviceNode& s) noexcept;
bool step(Context& c, const SymlinkStep& s) noexcept;
bool step(Context& c, const MakeDir& s) noexcept;
bool step(Context& c, const SysctlStep& s) noexcept;

bool step(Context& c, const HostName& s) noexcept;
bool step(Context& c, const DomainName& s) noexcept;
bool step(Context& c, const LoopbackUp& s) noexcept;
bool step(Context& c, const Keyring& s) noexcept;
bool step(Context& c, const RlimitStep& s) noexcept;
bool step(Context& c, const OomScoreAdj& s) noexcept;
bool step(Context& c, const Apparmor& s) noexcept;
bool step(Context& c, const NoNewPrivileges& s) noexcept;

bool step(Context& c, const UserStep& s) noexcept; // user.cpp

bool open_terminal(Context& c) noexcept; // terminal.cpp
bool connect_stdio(Context& c) noexcept;
bool take_session(Context& c) noexcept;

bool apply_identity(Context& c) noexcept; // identity.cpp: ids, capabilities up to the filter
bool limit_open_files(Context& c) noexcept;
bool limit_processes(Context& c) noexcept;
bool load_filter(Context& c) noexcept;
// keep: capabilities beyond the final set that are needed to the last moment
bool drop_to_final(Context& c, std::uint64_t keep = 0) noexcept;
bool enter_work_dir(Context& c) noexcept;
bool check_work_dir(Context& c) noexcept;

bool step(Context& c, const ExecuteStep& s) noexcept; // launch.cpp
void default_signals() noexcept;

// birth.cpp. Clones; in the helper returns only when that failed, in the child never.
struct Program {
    const char* path; // nullptr: context.init_exe
    char** args;
    char** env;
};
bool give_birth(Context& c, const Program& program) noexcept;
[[noreturn]] void execute(const Context& c, const Program& program) noexcept; // launch.cpp

// paths.cpp: a directory or file inside root, made with what is missing above it. O_PATH; -1 and errno.
// *made: it was not there.
int make_in_root(int root, const char* path, bool directory, mode_t mode, bool* made = nullptr) noexcept;
// The directory of path inside the root, made if need be; *name is its last component. It stays the
// context's, which keeps the last one (a container's devices are in one directory) until a mount may hide it.
int parent_in_root(Context& c, const char* path, const char** name) noexcept;
void forget_last_dir(Context& c) noexcept;

} // namespace davit::exec
