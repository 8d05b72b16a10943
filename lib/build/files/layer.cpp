#include "build/files/layer.hpp"

#include "archive/file_meta.hpp"
#include "archive/layer_tree.hpp"
#include "archive/rootfs_view.hpp"
#include "base/dir_chain.hpp"
#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/sys.hpp"
#include "build/files/locate.hpp"
#include "build/files/tree_walk.hpp"
#include "rootfs/tree_reader.hpp"

#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::build {

namespace {

using Below = archive::RootfsView::Entry;

std::string text_of_link(int link) {
    std::string out(PATH_MAX, '\0');
    const ssize_t n = ::readlinkat(link, "", out.data(), out.size());
    if (n < 0) throw make_sys_error(errno, "reading a symbolic link");
    out.resize(static_cast<std::size_t>(n));
    return out;
}

bool same_time(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

bool same_contents(int a, int b) {
    const UniqueFd left = sys::reopen(a, O_RDONLY | O_NONBLOCK), right = sys::reopen(b, O_RDONLY | O_NONBLOCK);
    constexpr std::size_t size = 64 * 1024;
    const auto buffer = std::make_unique<char[]>(2 * size);
    for (off_t at = 0;;) {
        const ssize_t n = ::pread(left.get(), buffer.get(), size, at);
        const ssize_t m = ::pread(right.get(), buffer.get() + size, size, at);
        if (n < 0 || m < 0) throw make_sys_error(errno, "comparing a file with the layer below");
        if (n != m || std::memcmp(buffer.get(), buffer.get() + size, static_cast<std::size_t>(n)) != 0) return false;
        if (n == 0) return true;
        at += n;
    }
}

// Depth first through the upper directory, with what the layers below have at the same place.
class Normalizer {
public:
    Normalizer(int upper, const std::vector<std::string>& lowers)
        : view_(lowers), chain_(sys::open_at(upper, ".", O_RDONLY | O_DIRECTORY)) {
        push("", view_.lookup("/"));
    }

    void run() {
        while (!way_.empty()) {
            Level& here = way_.back();
            if (here.next == here.names.size()) leave();
            else look(here.names[here.next++]);
        }
    }

private:
    struct Level {
        std::string path, name; // path: from the root
        std::optional<Below> below;
        struct stat status {}; // before anything in it was removed
        std::vector<std::string> names;
        std::size_t next = 0, kept = 0;
        bool touched = false; // something in it was removed
    };

    void push(const std::string& path, std::optional<Below> below) {
        Level level;
        level.path = path;
        level.name = path.substr(path.rfind('/') + 1);
        level.below = std::move(below);
        if (::fstat(chain_.fd(), &level.status) < 0) throw sys_error(errno, "looking at {} of a layer", path);
        DIR* const list = chain_.list();
        while (const dirent* entry = ::readdir(list))
            if (const std::string_view name = entry->d_name; name != "." && name != "..")
                level.names.emplace_back(name);
        // Descriptors of the layers far above are opened again when they are needed.
        if (way_.size() >= most_open && way_[way_.size() - most_open].below)
            way_[way_.size() - most_open].below->parts.clear();
        way_.push_back(std::move(level));
    }

    std::optional<Below> below(Level& level, const std::string& name) {
        if (!level.below || !level.below->is_directory()) return std::nullopt;
        view_.open_again(*level.below);
        return view_.child(*level.below, name);
    }

    void look(const std::string& name) {
        Level& here = way_.back();
        UniqueFd fd(::openat(chain_.fd(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        struct stat st {};
        if (!fd || ::fstat(fd.get(), &st) < 0) throw sys_error(errno, "looking at {} of a layer", name);
        std::optional<Below> under = below(here, name);
        if (S_ISDIR(st.st_mode)) {
            UniqueFd directory = sys::open_at(fd.get(), ".", O_RDONLY | O_DIRECTORY);
            if (archive::is_opaque(directory.get())) under.reset();
            const std::string path = here.path + "/" + name;
            chain_.enter(std::move(directory));
            return push(path, std::move(under));
        }
        if (S_ISSOCK(st.st_mode)) {
            remove(name, 0);
            // What it hid stays hidden.
            if (under) archive::make_whiteout(chain_.fd(), name), ++here.kept;
        } else if (archive::is_whiteout(st) ? !under : under && unchanged(fd.get(), st, *under)) {
            remove(name, 0);
        } else {
            ++here.kept;
        }
    }

    void leave() {
        Level level = std::move(way_.back());
        way_.pop_back();
        // The step changed the directory when status says, not what is removed here.
        if (level.touched) archive::set_modified(chain_.fd(), level.status.st_mtim);
        if (way_.empty()) return;
        bool gone = false;
        if (level.kept == 0 && level.below && level.below->is_directory()) {
            view_.open_again(*level.below);
            // Something was made in it and removed again, if only a mount point: its time alone is no change.
            gone = same_meta(chain_.fd(), level.status, *level.below, false);
        }
        chain_.leave();
        if (gone) remove(level.name, AT_REMOVEDIR);
        else ++way_.back().kept;
    }

    void remove(const std::string& name, int flags) {
        if (::unlinkat(chain_.fd(), name.c_str(), flags) < 0) throw sys_error(errno, "removing {} from a layer", name);
        way_.back().touched = true;
    }

    static bool same_meta(int fd, const struct stat& st, const Below& under, bool times) {
        const struct stat& old = under.status;
        return st.st_mode == old.st_mode && st.st_uid == old.st_uid && st.st_gid == old.st_gid &&
               (!times || same_time(st.st_mtim, old.st_mtim)) && xattrs_of(fd) == xattrs_of(under.parts.front().get());
    }

    // A name that a file gained is a file of its own in the layer where the others are as they were, as BuildKit has
    // it.
    static bool unchanged(int fd, const struct stat& st, const Below& under) {
        const struct stat& old = under.status;
        if ((st.st_mode & S_IFMT) != (old.st_mode & S_IFMT)) return false;
        if (S_ISLNK(st.st_mode))
            return st.st_uid == old.st_uid && st.st_gid == old.st_gid && same_time(st.st_mtim, old.st_mtim) &&
                   text_of_link(fd) == under.link_target;
        if (!same_meta(fd, st, under, true)) return false;
        if (S_ISREG(st.st_mode)) return st.st_size == old.st_size && same_contents(fd, under.parts.front().get());
        return st.st_rdev == old.st_rdev;
    }

    static constexpr std::size_t most_open = 16;
    archive::RootfsView view_;
    DirChain chain_;
    std::vector<Level> way_; // as long as the chain
};

void remove_stub(int upper, const std::string& path) {
    const std::string clean = lexical_path(path);
    LocateRules rules;
    rules.follow_last = false;
    const auto found = locate(upper, clean, rules);
    if (!found || !found->exists() || !found->parent || found->path != clean) return;
    const bool directory = found->is_directory();
    if (!directory && (!S_ISREG(found->status.st_mode) || found->status.st_size != 0)) return;
    if (::unlinkat(found->parent.get(), found->name.c_str(), directory ? AT_REMOVEDIR : 0) == 0) return;
    if (errno != ENOTEMPTY && errno != EEXIST) throw sys_error(errno, "removing the mount point /{}", clean);
}

} // namespace

void normalize_layer(int upper, const std::vector<std::string>& lowers, const std::vector<MountStub>& stubs) {
    for (const MountStub& stub : stubs) remove_stub(upper, stub.path);
    Normalizer(upper, lowers).run();
}

std::uint64_t write_layer_tar(int upper, const archive::TarStream::Sink& sink) {
    archive::TarStream tar(sink);
    rootfs::ReadOptions options;
    options.overlay_marks = options.contents_only = options.only_capabilities = true;
    rootfs::read_tree(upper, ".", "", tar, options);
    tar.finish();
    return tar.file_bytes();
}

LayerFacts digest_layer(int upper) {
    LayerFacts out;
    Hasher hash;
    out.files = write_layer_tar(upper, [&](std::string_view bytes) {
        hash.update(bytes);
        out.size += bytes.size();
    });
    out.diff_id = "sha256:" + hash.hex();
    return out;
}

} // namespace davit::build
