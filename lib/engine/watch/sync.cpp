#include "engine/watch/sync.hpp"

#include "archive/byte_source.hpp"
#include "archive/tar_stream.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"
#include "build/files/owner_mode.hpp"
#include "engine/bundle.hpp"
#include "engine/roots.hpp"
#include "rootfs/container_root.hpp"
#include "rootfs/tree_reader.hpp"
#include "rootfs/tree_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <exception>
#include <fcntl.h>
#include <linux/openat2.h>
#include <optional>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace davit {

namespace {

bool is_missing(const Error& e) { return e.os().value() == ENOENT || e.os().value() == ENOTDIR; }

std::string parent_path(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}
std::string last_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Directories are opened once for all the files in them.
class Openings {
public:
    Openings(int root, std::uint64_t resolve) : root_(root), resolve_(resolve) {}
    // -1: it is not there.
    int parent_of(const std::string& path) {
        const std::string parent = parent_path(path);
        if (known_ && parent == path_) return fd_.get();
        known_ = true;
        path_ = parent;
        try {
            fd_ = sys::open_at2(root_, parent, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, resolve_ | RESOLVE_NO_MAGICLINKS);
        } catch (const Error& e) {
            fd_.reset();
            if (!is_missing(e) && e.os().value() != ELOOP) throw;
        }
        return fd_.get();
    }
    void forget() { known_ = false; }

private:
    int root_;
    std::uint64_t resolve_;
    bool known_ = false;
    std::string path_;
    UniqueFd fd_;
};

// What stands at a path, links not followed.
struct Standing {
    bool there = false, directory = false, mounted = false;
    struct statx status {};
};
Standing standing_at(int directory, const std::string& name) {
    Standing out;
    if (directory < 0) return out;
    if (::statx(directory, name.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &out.status) < 0) {
        if (errno == ENOENT || errno == ENOTDIR) return out;
        throw sys_error(errno, "looking at {}", name);
    }
    out.there = true;
    out.directory = S_ISDIR(out.status.stx_mode);
    out.mounted = (out.status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
    return out;
}

archive::TarEntry directory_entry(const struct statx& status, const std::string& as) {
    archive::TarEntry out;
    out.type = archive::TarEntry::Type::directory;
    out.path = as + "/";
    out.mode = status.stx_mode & 07777;
    out.mtime = status.stx_mtime.tv_sec;
    out.mtime_ns = status.stx_mtime.tv_nsec;
    return out;
}

class Sync {
public:
    Sync(const rootfs::ContainerRoot& root, const runtime::Spec& spec)
        : root_(root), spec_(spec), here_(AT_FDCWD, RESOLVE_NO_SYMLINKS), there_(root.fd(), RESOLVE_IN_ROOT) {}

    void run(const std::vector<WatchCopy>& copies) {
        std::vector<WatchCopy> present;
        for (WatchCopy copy : copies) {
            const Standing source = standing_at(here_.parent_of(copy.host), last_name(copy.host));
            if (copy.into && !source.directory) copy.target = parent_of_target(copy) + last_name(copy.host);
            if (copy.target == "/") continue;
            if (!source.there) remove(copy);
            else {
                make_way(copy, source.directory);
                present.push_back(std::move(copy));
            }
        }
        if (!present.empty()) write(present);
    }

private:
    static std::string parent_of_target(const WatchCopy& copy) { return copy.target == "/" ? "/" : copy.target + "/"; }

    // A file becomes a directory, or the other way round.
    void make_way(const WatchCopy& copy, bool directory) {
        const Standing now = standing_at(there_.parent_of(copy.target), last_name(copy.target));
        if (now.there && now.directory != directory) remove(copy);
    }

    void remove(const WatchCopy& copy) {
        if (!removed_.empty() && is_below(copy.target, removed_)) return;
        const int directory = there_.parent_of(copy.target);
        const std::string name = last_name(copy.target);
        const Standing now = standing_at(directory, name);
        // From this mount namespace the kernel would take the container's mount away with its file.
        if (!now.there || now.mounted) return;
        if (!now.directory || copy.whole || holds_mount(copy.target)) {
            if (::unlinkat(directory, name.c_str(), now.directory ? AT_REMOVEDIR : 0) < 0 && errno != ENOENT &&
                errno != ENOTEMPTY && errno != EEXIST)
                throw sys_error(errno, "removing {}", copy.target);
            return;
        }
        sys::remove_tree_at(directory, name);
        removed_ = copy.target;
    }

    bool holds_mount(const std::string& target) const {
        return std::any_of(spec_.mounts.begin(), spec_.mounts.end(),
                           [&](const runtime::Mount& mount) { return is_below(mount.destination, target); });
    }

    std::pair<uid_t, gid_t> owner() const {
        const runtime::User& user = spec_.process.user;
        if (user.name.empty()) return {user.uid, user.gid};
        // A number without a group is of group 0, as for the container's own process.
        const bool number = user.name.find_first_not_of("0123456789") == std::string::npos;
        std::vector<std::string> unknown;
        const build::Owner found = build::parse_owner(user.name + (number ? ":0" : ""), root_.fd(), unknown);
        return {found.uid, found.gid};
    }

    void read(const std::vector<WatchCopy>& copies, int to) {
        Openings here(AT_FDCWD, RESOLVE_NO_SYMLINKS);
        archive::TarStream tar(archive::to_fd(to));
        rootfs::ReadOptions how;
        how.only_capabilities = true;
        for (const WatchCopy& copy : copies) {
            const int directory = here.parent_of(copy.host);
            const std::string name = last_name(copy.host), as = copy.target.substr(1);
            const Standing source = standing_at(directory, name);
            if (!source.there || S_ISSOCK(source.status.stx_mode)) continue; // gone since: another notice says so
            if (source.directory) tar.add(directory_entry(source.status, as));
            else try {
                    rootfs::read_tree(directory, name, as, tar, how);
                } catch (const Error& e) {
                    if (e.os().value() != ENOENT) throw;
                }
        }
        tar.finish();
    }

    void write(const std::vector<WatchCopy>& copies) {
        FdPair pipe = sys::pipe();
        std::exception_ptr read_failure;
        std::thread reading([&] {
            sigset_t set; // the other end says why it is gone
            sigemptyset(&set);
            sigaddset(&set, SIGPIPE);
            ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
            try {
                read(copies, pipe.second.get());
            } catch (...) {
                read_failure = std::current_exception();
            }
            pipe.second.reset();
        });
        std::exception_ptr write_failure;
        try {
            archive::StreamSource tar(pipe.first.get(), "the changed files");
            rootfs::WriteOptions how;
            how.root = root_.fd();
            how.resolve = RESOLVE_IN_ROOT;
            how.directory = "/";
            how.owner = owner();
            rootfs::write_tree(tar, how);
        } catch (...) {
            write_failure = std::current_exception();
        }
        pipe.first.reset(); // ends the other thread
        reading.join();
        if (read_failure) try {
                std::rethrow_exception(read_failure);
            } catch (const Error& e) {
                if (e.os().value() != EPIPE) throw;
            }
        if (write_failure) std::rethrow_exception(write_failure);
    }

    const rootfs::ContainerRoot& root_;
    const runtime::Spec& spec_;
    Openings here_, there_;
    std::string removed_; // with all below
};

} // namespace

void sync_into(Engine& engine, const ContainerInfo& container, const std::vector<WatchCopy>& copies) {
    if (copies.empty()) return;
    const runtime::Spec spec = spec_of(roots_of(engine), container);
    const auto root = rootfs::ContainerRoot::as_seen(spec, container.pid);
    in_context("syncing to container " + container.name, [&] { Sync(root, spec).run(copies); });
}

} // namespace davit
