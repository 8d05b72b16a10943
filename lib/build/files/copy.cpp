#include "build/files/copy.hpp"

#include "archive/file_meta.hpp"
#include "base/dir_chain.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"
#include "build/files/file_bytes.hpp"
#include "build/files/owner_mode.hpp"
#include "build/files/record.hpp"
#include "build/files/selection.hpp"
#include "build/files/unpack.hpp"

#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <linux/openat2.h>
#include <map>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::build {

namespace {

std::string link_text(int link) {
    std::string out(PATH_MAX, '\0');
    const ssize_t n = ::readlinkat(link, "", out.data(), out.size());
    if (n < 0) throw make_sys_error(errno, "reading a symbolic link");
    out.resize(static_cast<std::size_t>(n));
    return out;
}

class Copier : public TreeVisitor {
public:
    Copier(const dockerfile::CopyStep& step, int root, const CopyOptions& options)
        : step_(step), root_(root), options_(options), to_path_("/" + lexical_path(step.destination)),
          to_directory_(step.destination.ends_with('/') || step.destination.ends_with("/.")) {
        if (!step.chmod.empty()) mode_.emplace(step.chmod);
        if (!step.chown.empty()) owner_ = parse_owner(step.chown, step.link ? -1 : root, result_.warnings);
    }

    void take(const Selection& selection, const Match& match, const Source& source, const SourcePattern* include,
              const RemoteFiles* remote) {
        context_ = source.context;
        linked_.clear();
        recording_ = !remote;
        if (remote) record_.remote(remote->key);
        if (match.at.is_directory()) return take_directory(selection, match, source, include);
        record_.source(match.name);
        if (step_.add && (!remote || remote->archive) && step_.unpack.value_or(!remote) && unpack(match)) return;
        const Target target = file_target(match.name);
        put(match.at.fd.get(), match.at.status, target.directory.get(), target.name, match.name, target.set_gid);
    }

    void take_inline(const dockerfile::InlineFile& file) {
        record_.source(file.name);
        context_ = recording_ = true;
        Hasher hash;
        hash.update(file.content);
        struct stat st {};
        st.st_mode = S_IFREG | 0644;
        st.st_size = static_cast<off_t>(file.content.size());
        ::clock_gettime(CLOCK_REALTIME, &st.st_mtim);
        const Target target = file_target(file.name);
        const UniqueFd fd = make_file(target.directory.get(), target.name, file.name);
        sys::write_all(fd.get(), file.content);
        file_meta(fd.get(), st, {}, target.set_gid);
        const FileDigest digest = digest_from_hex(hash.hex());
        record("", st, true, {}, {}, &digest);
        count(st);
    }

    CopyResult finish() {
        result_.digest = record_.hex();
        return std::move(result_);
    }

    void enter(const Seen& seen) override {
        record(seen.path, seen.status, context_, seen.xattrs);
        const int above = to_->fd();
        bool fresh = ::mkdirat(above, seen.name.c_str(), 0700) == 0;
        if (!fresh && errno != EEXIST) throw sys_error(errno, "making the directory {}", seen.path);
        UniqueFd fd(::openat(above, seen.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!fd && (errno == ENOTDIR || errno == ELOOP)) throw no_directory(std::string(seen.path));
        if (!fd) throw sys_error(errno, "opening the directory {}", seen.path);
        Level level;
        if (fresh || !seen.on_the_way) {
            give(fd.get(), seen.status, !fresh || levels_.back().set_gid);
            set_mode(fd.get(), seen.status, true);
            for (const auto& [name, value] : seen.xattrs) archive::set_layer_xattr(fd.get(), name, value);
            if (!seen.on_the_way) level.modified = time_of(seen.status);
        } else if (::fchmod(fd.get(), seen.status.st_mode & 07777) < 0) { // as BuildKit leaves it
            throw sys_error(errno, "setting the mode of {}", seen.path);
        }
        level.set_gid = is_set_gid(fd.get());
        levels_.push_back(level);
        to_->enter(std::move(fd));
    }

    void leave() override {
        // Last: what is made in a directory changes its time.
        if (levels_.back().modified) archive::set_modified(to_->fd(), *levels_.back().modified);
        levels_.pop_back();
        to_->leave();
    }

    void file(const Seen& seen) override {
        const UniqueFd fd(::openat(seen.directory, seen.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        if (!fd && errno == ENOENT) return;
        struct stat st {};
        if (!fd || ::fstat(fd.get(), &st) < 0) throw sys_error(errno, "looking at {}", seen.path);
        if (S_ISDIR(st.st_mode)) return; // another thing since it was listed
        put(fd.get(), st, to_->fd(), seen.name, std::string(seen.path), levels_.back().set_gid);
    }

private:
    struct Target {
        UniqueFd directory;
        std::string name;
        bool set_gid = false;
    };
    struct Level {
        std::optional<timespec> modified;
        bool set_gid = false;
    };
    struct Linked {
        std::string path; // from the directory that is copied to
        dev_t device;
        ino_t inode;
        FileDigest digest;
        off_t size;
    };

    void record(std::string_view path, const struct stat& st, bool context, const Xattrs& xattrs,
                std::string_view link = {}, const FileDigest* contents = nullptr) {
        if (recording_) record_.entry(path, st, context, xattrs, link, contents);
    }

    Error no_directory(const std::string& path) const {
        return error(Errc::conflict, "cannot copy a directory to {}: there is something else", path);
    }

    static bool is_set_gid(int directory) {
        struct stat st {};
        return ::fstat(directory, &st) == 0 && (st.st_mode & S_ISGID);
    }

    // The place that the instruction names, after links; with its parents, and made itself where a
    // directory is wanted. made: the mode of what is made.
    Located destination(bool directory, mode_t made) {
        LocateRules rules;
        rules.make = [&](int above, const std::string& name, const std::string& path) {
            if (::mkdirat(above, name.c_str(), 0700) < 0) throw sys_error(errno, "making the directory /{}", path);
            const UniqueFd fd = sys::open_at(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
            if (owner_) archive::set_owner(fd.get(), owner_->uid, owner_->gid);
            if (::fchmod(fd.get(), made) < 0) throw sys_error(errno, "setting the mode of /{}", path);
        };
        auto found = locate(root_, to_path_, rules);
        if (!found) throw no_directory(to_path_);
        if (!found->exists() && directory) {
            rules.make(found->parent.get(), found->name, found->path);
            found->fd = sys::open_at(found->parent.get(), found->name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
            if (::fstat(found->fd.get(), &found->status) < 0) throw sys_error(errno, "looking at {}", found->path);
        }
        if (directory && !found->is_directory()) throw no_directory(to_path_);
        return std::move(*found);
    }

    mode_t made_mode() const { return mode_ ? mode_->of_made_directory() : 0755; }

    Target file_target(const std::string& name) {
        Located found = destination(to_directory_, made_mode());
        Target out;
        if (found.is_directory()) {
            out.directory = std::move(found.fd);
            out.name = name;
        } else {
            out.directory = std::move(found.parent);
            out.name = found.name;
        }
        if (out.name.empty() || out.name == "." || out.name == ".." || out.name.find('/') != std::string::npos)
            throw error(Errc::failed, "'{}' cannot be the name of a file", out.name); // whatever it was made of
        out.set_gid = is_set_gid(out.directory.get());
        return out;
    }

    void take_directory(const Selection& selection, const Match& match, const Source& source,
                        const SourcePattern* include) {
        record_.source("");
        const Located to = destination(true, made_mode());
        to_.emplace(sys::open_at(to.fd.get(), ".", O_RDONLY | O_DIRECTORY));
        top_ = sys::open_at(to.fd.get(), ".", O_PATH | O_DIRECTORY);
        levels_.assign(1, Level{std::nullopt, (to.status.st_mode & S_ISGID) != 0});
        const WalkRules rules = selection.rules(match, source, include);
        walk_tree(sys::open_at(match.at.fd.get(), ".", O_RDONLY | O_DIRECTORY), rules, *this);
        // A context's own directory has no time: BuildKit makes it when it sends the files.
        if (!options_.keep_top && (!source.context || !match.at.path.empty()))
            archive::set_modified(to_->fd(), time_of(match.at.status));
        to_.reset();
    }

    bool unpack(const Match& match) {
        if (!S_ISREG(match.at.status.st_mode)) return false;
        const UniqueFd bytes = open_bytes(match.at.fd.get());
        if (!is_archive(bytes.get())) return false;
        const Located to = destination(true, 0755);
        UnpackOptions options;
        options.owner = owner_;
        options.stop = options_.stop;
        const FileDigest digest = unpack_archive(bytes.get(), to.fd.get(), options);
        record("", match.at.status, context_, {}, {}, &digest);
        count(match.at.status);
        return true;
    }

    // Anything but a directory into an open directory, under a name.
    void put(int from, struct stat st, int to, const std::string& name, const std::string& path, bool set_gid) {
        if (options_.stop.stop_requested()) throw error(Errc::interrupted, "copying was interrupted");
        if (S_ISREG(st.st_mode)) return put_file(from, st, to, name, path, set_gid);
        if (S_ISLNK(st.st_mode)) return put_link(from, st, to, name, path);
        if (S_ISSOCK(st.st_mode)) return put_socket(st, to, name, path, set_gid);
        const Xattrs none;
        record(path_of(path), st, context_, none);
        clear(to, name, path);
        if (S_ISBLK(st.st_mode) && !options_.block_devices) st.st_mode = (st.st_mode & ~mode_t{S_IFMT}) | S_IFCHR;
        if (::mknodat(to, name.c_str(), (st.st_mode & S_IFMT) | 0600, st.st_rdev) < 0)
            throw sys_error(errno, "making {}", path);
        node_meta(st, to, name, mode_ ? mode_->apply(st.st_mode, false) : st.st_mode & 07777);
        count(st);
    }

    // Of one file that is a source itself, its name was recorded already.
    std::string_view path_of(const std::string& path) const { return to_ ? std::string_view(path) : ""; }

    void put_file(int from, struct stat st, int to, const std::string& name, const std::string& path, bool set_gid) {
        const UniqueFd bytes = in_context("copying " + path, [&] { return open_bytes(from); });
        const Xattrs xattrs = context_ ? Xattrs{} : xattrs_of(bytes.get());
        if (st.st_nlink > 1 && to_)
            if (const Linked* first = link_to_first(st, to, name, path)) {
                st.st_size = first->size;
                record(path_of(path), st, context_, xattrs, {}, &first->digest);
                return count(st, 0);
            }
        const UniqueFd fd = make_file(to, name, path);
        const FileDigest digest =
            in_context("copying " + path, [&] { return copy_bytes(bytes.get(), fd.get(), st, options_.hashes); });
        file_meta(fd.get(), st, xattrs, set_gid);
        record(path_of(path), st, context_, xattrs, {}, &digest);
        count(st);
        if (st.st_nlink < 2 || !to_) return;
        struct stat copied {};
        if (::fstat(fd.get(), &copied) < 0) throw sys_error(errno, "looking at {}", path);
        linked_.emplace(std::pair(st.st_dev, st.st_ino),
                        Linked{path, copied.st_dev, copied.st_ino, digest, st.st_size});
    }

    const Linked* link_to_first(const struct stat& st, int to, const std::string& name, const std::string& path) {
        const auto first = linked_.find({st.st_dev, st.st_ino});
        if (first == linked_.end()) return nullptr;
        const Linked& copy = first->second;
        const std::size_t slash = copy.path.rfind('/');
        const std::string above = slash == std::string::npos ? "." : copy.path.substr(0, slash);
        const std::string last = copy.path.substr(slash == std::string::npos ? 0 : slash + 1);
        const UniqueFd directory = sys::open_at2(top_.get(), above, O_PATH | O_DIRECTORY | O_CLOEXEC, 0,
                                                 RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
        struct stat now {};
        if (::fstatat(directory.get(), last.c_str(), &now, AT_SYMLINK_NOFOLLOW) < 0 || now.st_ino != copy.inode ||
            now.st_dev != copy.device)
            return nullptr;
        clear(to, name, path);
        if (::linkat(directory.get(), last.c_str(), to, name.c_str(), 0) < 0)
            throw sys_error(errno, "linking {} to {}", path, copy.path);
        return &copy;
    }

    void put_link(int from, const struct stat& st, int to, const std::string& name, const std::string& path) {
        const std::string text = link_text(from);
        record(path_of(path), st, context_, {}, text);
        if (::symlinkat(text.c_str(), to, name.c_str()) < 0) {
            if (errno != EEXIST) throw sys_error(errno, "making {}", path);
            clear(to, name, path);
            if (::symlinkat(text.c_str(), to, name.c_str()) < 0) throw sys_error(errno, "making {}", path);
        }
        node_meta(st, to, name, 0);
        count(st, 0);
    }

    void put_socket(struct stat st, int to, const std::string& name, const std::string& path, bool set_gid) {
        if (!context_) {
            result_.warnings.push_back("left out, being a socket: " + path);
            return;
        }
        st.st_size = 0;
        record(path_of(path), st, true, {});
        file_meta(make_file(to, name, path).get(), st, {}, set_gid);
        count(st);
    }

    // What stands in the way of anything but a directory.
    static void clear(int to, const std::string& name, const std::string& path) {
        if (::unlinkat(to, name.c_str(), 0) == 0 || errno == ENOENT) return;
        if (errno == EISDIR || errno == EPERM)
            throw error(Errc::conflict, "cannot copy {} over a directory of that name", path);
        throw sys_error(errno, "replacing {}", path);
    }

    static UniqueFd make_file(int to, const std::string& name, const std::string& path) {
        constexpr int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
        UniqueFd fd(::openat(to, name.c_str(), flags, 0600));
        if (!fd && errno == EEXIST) {
            clear(to, name, path);
            fd.reset(::openat(to, name.c_str(), flags, 0600));
        }
        if (!fd) throw sys_error(errno, "making {}", path);
        return fd;
    }

    Owner owner_of(const struct stat& st) const {
        if (owner_) return *owner_;
        return context_ ? Owner{} : Owner{st.st_uid, st.st_gid};
    }

    timespec time_of(const struct stat& st) const { return options_.modified.value_or(st.st_mtim); }

    // not_ours: it may have another owner than what this process makes has.
    void give(int fd, const struct stat& st, bool not_ours) const {
        static const Owner self{::geteuid(), ::getegid()};
        if (const Owner owner = owner_of(st); not_ours || owner != self) archive::set_owner(fd, owner.uid, owner.gid);
    }

    void set_mode(int fd, const struct stat& st, bool directory) const {
        const mode_t mode = mode_ ? mode_->apply(st.st_mode, directory) : st.st_mode & 07777;
        if (::fchmod(fd, mode) < 0) throw make_sys_error(errno, "setting the mode of a copied file");
    }

    // The owner first: chown takes setuid bits and capabilities away.
    void file_meta(int fd, const struct stat& st, const Xattrs& xattrs, bool set_gid) const {
        give(fd, st, set_gid);
        set_mode(fd, st, false);
        for (const auto& [name, value] : xattrs) archive::set_layer_xattr(fd, name, value);
        archive::set_modified(fd, time_of(st));
    }

    void node_meta(const struct stat& st, int to, const std::string& name, mode_t mode) const {
        const Owner owner = owner_of(st);
        archive::set_node_meta(to, name, {(st.st_mode & S_IFMT) | mode, st.st_rdev, time_of(st), owner.uid, owner.gid});
    }

    void count(const struct stat& st, std::optional<std::uint64_t> bytes = {}) {
        ++result_.files;
        if (S_ISREG(st.st_mode)) result_.bytes += bytes.value_or(static_cast<std::uint64_t>(st.st_size));
    }

    const dockerfile::CopyStep& step_;
    int root_;
    const CopyOptions& options_;
    std::string to_path_; // ".." is taken from the text: what is before it need not exist
    bool to_directory_;
    std::optional<ModeChange> mode_;
    std::optional<Owner> owner_;
    ContentRecord record_;
    CopyResult result_;
    bool context_ = false;
    bool recording_ = true;      // what is remote is known by its key
    std::optional<DirChain> to_; // while a directory's contents are copied
    UniqueFd top_;               // of to_
    std::vector<Level> levels_;  // as long as to_
    std::map<std::pair<dev_t, ino_t>, Linked> linked_;
};

// What the walk of content_digest() tells, into the record.
class DigestVisitor : public TreeVisitor {
public:
    DigestVisitor(ContentRecord& record, const CopyOptions& options) : record_(record), options_(options) {}

    bool context = false;

    void enter(const Seen& seen) override { record_.entry(seen.path, seen.status, context, seen.xattrs); }
    void leave() override {}
    void file(const Seen& seen) override {
        if (S_ISREG(seen.status.st_mode) && context && options_.hashes)
            if (const auto known = options_.hashes->find(seen.status))
                return record_.entry(seen.path, seen.status, true, {}, {}, &*known);
        const UniqueFd fd(::openat(seen.directory, seen.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        if (!fd && errno == ENOENT) return;
        struct stat st {};
        if (!fd || ::fstat(fd.get(), &st) < 0) throw sys_error(errno, "looking at {}", seen.path);
        if (!S_ISDIR(st.st_mode)) add(fd.get(), st, seen.path);
    }

    void add(int fd, struct stat st, std::string_view path) {
        if (S_ISSOCK(st.st_mode)) {
            if (context) record_.entry(path, st, true, {});
        } else if (S_ISLNK(st.st_mode)) {
            record_.entry(path, st, context, {}, link_text(fd));
        } else if (S_ISREG(st.st_mode)) {
            const FileDigest digest =
                in_context(fmt::format("hashing {}", path), [&] { return hash_bytes(fd, st, options_.hashes); });
            record_.entry(path, st, context, context ? Xattrs{} : xattrs_of(fd), {}, &digest);
        } else {
            record_.entry(path, st, context, {});
        }
    }

private:
    ContentRecord& record_;
    const CopyOptions& options_;
};

// Errors name the instruction.
template <typename F>
auto at_place(const dockerfile::Place& place, F&& fn) {
    try {
        return fn();
    } catch (Error& e) {
        if (e.at().line == 0) e.with_at({place.file, place.first_line, place.column});
        throw;
    }
}

} // namespace

CopyResult copy(const Source& source, const dockerfile::CopyStep& step, int destination_root,
                const CopyOptions& options) {
    return at_place(options.place, [&] {
        const Selection selection(source, step, options);
        Copier copier(step, destination_root, options);
        selection.each([&](const Match& match, const Source& from, const SourcePattern* include,
                           const RemoteFiles* remote) { copier.take(selection, match, from, include, remote); });
        for (const dockerfile::InlineFile& file : step.inline_files) copier.take_inline(file);
        return copier.finish();
    });
}

std::string content_digest(const Source& source, const dockerfile::CopyStep& step, const CopyOptions& options) {
    return at_place(options.place, [&] {
        const Selection selection(source, step, options);
        ContentRecord record;
        DigestVisitor visitor(record, options);
        selection.each(
            [&](const Match& match, const Source& from, const SourcePattern* include, const RemoteFiles*) {
                visitor.context = from.context;
                record.source(match.at.is_directory() ? "" : match.name);
                if (!match.at.is_directory()) return visitor.add(match.at.fd.get(), match.at.status, "");
                const WalkRules rules = selection.rules(match, from, include);
                walk_tree(sys::open_at(match.at.fd.get(), ".", O_RDONLY | O_DIRECTORY), rules, visitor);
            },
            [&](const RemoteFiles& remote) {
                record.remote(remote.key);
                record.source(remote.path); // a repository is a directory, whose contents are meant
            });
        for (const dockerfile::InlineFile& file : step.inline_files) {
            struct stat st {};
            st.st_mode = S_IFREG | 0644;
            st.st_size = static_cast<off_t>(file.content.size());
            Hasher hash;
            hash.update(file.content);
            const FileDigest digest = digest_from_hex(hash.hex());
            record.source(file.name);
            record.entry("", st, true, {}, {}, &digest);
        }
        return record.hex();
    });
}

} // namespace davit::build
