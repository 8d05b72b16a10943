// What a container has changed of its image: its own layer, looked at beside those below.
#include "davit/files.hpp"

#include "archive/rootfs_view.hpp"
#include "base/dir.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"
#include "engine/bundle.hpp"
#include "engine/roots.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <set>
#include <stop_token>
#include <sys/stat.h>
#include <sys/xattr.h>

namespace davit {

namespace {

// What davit and Docker put into every container's layer before it begins.
const std::set<std::string>& of_the_engine() {
    static const std::set<std::string> paths{"/.dockerenv", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf",
                                             "/etc/mtab",   "/dev",       "/proc",         "/sys"};
    return paths;
}

class LayerWalk {
public:
    LayerWalk(const runtime::Spec& spec, std::stop_token stop)
        : below_(spec.root.overlay.lower), upper_(spec.root.overlay.upper), stop_(std::move(stop)) {}

    std::vector<FileChange> run() {
        if (!upper_.empty()) directory(sys::open(upper_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), "");
        std::sort(out_.begin(), out_.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
        return std::move(out_);
    }

private:
    void directory(const UniqueFd& fd, const std::string& path) {
        const Dir list(::fdopendir(sys::open_at(fd.get(), ".", O_RDONLY | O_DIRECTORY).release()));
        while (const dirent* entry = list ? ::readdir(list.get()) : nullptr) {
            heed(stop_);
            const std::string name = entry->d_name;
            struct stat st {};
            if (name == "." || name == ".." || ::fstatat(fd.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0)
                continue;
            const std::string child = path + "/" + name;
            if (of_the_engine().contains(child)) continue;
            one(fd.get(), name, child, st);
        }
    }

    void one(int parent, const std::string& name, const std::string& path, const struct stat& st) {
        const bool whiteout = S_ISCHR(st.st_mode) && st.st_rdev == 0;
        const auto was = below_.lookup(path, false);
        const std::size_t at = out_.size();
        if (whiteout) {
            if (was) out_.push_back({FileChange::Kind::removed, path});
            return;
        }
        out_.push_back({was ? FileChange::Kind::changed : FileChange::Kind::added, path});
        if (!S_ISDIR(st.st_mode)) return;
        const UniqueFd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!fd) return;
        const std::size_t before = out_.size();
        directory(fd, path);
        // Of /etc there is always something that the engine put there.
        if (path == "/etc" && was && out_.size() == before) out_.erase(out_.begin() + static_cast<std::ptrdiff_t>(at));
        if (was && was->is_directory() && is_opaque(fd.get())) hidden(*was, fd.get(), path);
    }

    static bool is_opaque(int fd) {
        char value = 0;
        return ::fgetxattr(fd, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
    }

    // A directory that stands in the place of another: what that one had is gone.
    void hidden(const archive::RootfsView::Entry& was, int now, const std::string& path) {
        for (const std::string& name : below_.names(was)) {
            struct stat st {};
            if (::fstatat(now, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0)
                out_.push_back({FileChange::Kind::removed, path + "/" + name});
        }
    }

    const archive::RootfsView below_;
    const std::string upper_;
    const std::stop_token stop_;
    std::vector<FileChange> out_;
};

} // namespace

std::vector<FileChange> changes(Engine& engine, const ContainerInfo& container, std::stop_token stop) {
    return in_context("looking at what container " + container.name + " has changed",
                      [&] { return LayerWalk(spec_of(roots_of(engine), container), stop).run(); });
}

} // namespace davit
