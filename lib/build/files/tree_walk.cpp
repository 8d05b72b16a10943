#include "build/files/tree_walk.hpp"

#include "archive/file_meta.hpp"
#include "base/dir_chain.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/xattr.h>

namespace davit::build {

namespace {

std::vector<std::string> sorted_names(DIR* list) {
    std::vector<std::string> out;
    errno = 0;
    while (const dirent* entry = ::readdir(list))
        if (const std::string_view name = entry->d_name; name != "." && name != "..") out.emplace_back(name);
    if (errno) throw make_sys_error(errno, "listing a directory");
    std::sort(out.begin(), out.end());
    return out;
}

class TreeWalk {
public:
    TreeWalk(UniqueFd top, const WalkRules& rules, TreeVisitor& visitor)
        : rules_(rules), visitor_(visitor), chain_(std::move(top)) {
        Level level;
        level.told = true;
        level.state = rules.include ? rules.include->start() : 0;
        level.inside = !rules.include || rules.include->complete(level.state);
        if (rules.filter) descend(*rules.filter, rules.prefix, level.filter);
        push(std::move(level));
    }

    void run() {
        while (!way_.empty()) {
            Level& here = way_.back();
            path_.resize(here.path_size);
            if (here.next == here.names.size()) leave();
            else look(std::move(here.names[here.next++]));
        }
    }

private:
    struct Level {
        std::vector<std::string> names;
        std::size_t next = 0, path_size = 0;
        SourcePattern::State state = 0;
        PathFilter::State filter, exclude; // what they told of this directory
        bool inside = false;               // everything below matches
        bool told = false;
        Seen self;
    };

    void push(Level level) {
        level.path_size = path_.size();
        if (level.inside || !rules_.include->names(level.state, level.names)) {
            level.names = sorted_names(chain_.list());
        }
        way_.push_back(std::move(level));
    }

    void leave() {
        const bool told = way_.back().told && way_.size() > 1;
        way_.pop_back();
        if (told) visitor_.leave();
        if (!way_.empty()) chain_.leave();
    }

    // The state for the directory that the walk begins in.
    static void descend(const PathFilter& filter, const std::string& prefix, PathFilter::State& state) {
        for (std::size_t slash = prefix.find('/'); slash != std::string::npos; slash = prefix.find('/', slash + 1)) {
            PathFilter::State own;
            filter.excludes(prefix.substr(0, slash), state, own);
            state = std::move(own);
        }
    }

    // Whether it is taken; of a directory that is not, whether it must be looked into.
    enum class Choice { take, look, pass };
    Choice choose(const PathFilter* filter, const std::string& path, bool directory, const PathFilter::State& above,
                  PathFilter::State& own) const {
        if (!filter || !filter->excludes(path, above, own)) return Choice::take;
        return directory && filter->reaches_into(path) ? Choice::look : Choice::pass;
    }

    void look(std::string name) {
        if (rules_.stop.stop_requested()) throw error(Errc::interrupted, "copying was interrupted");
        const Level& here = way_.back();
        Level next;
        next.state = here.inside ? 0 : rules_.include->next(here.state, name);
        next.inside = here.inside || rules_.include->complete(next.state);
        if (!next.inside && !next.state) return;
        next.self.name = std::move(name);
        struct stat& st = next.self.status;
        if (::fstatat(chain_.fd(), next.self.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) {
            if (errno == ENOENT) return; // gone since it was listed
            throw sys_error(errno, "looking at {}{}", path_, next.self.name);
        }
        const bool directory = S_ISDIR(st.st_mode);
        if (!next.inside && !directory) return;
        path_ += next.self.name;
        const Choice choice = std::max(
            choose(rules_.filter, rules_.filter ? rules_.prefix + path_ : path_, directory, here.filter, next.filter),
            choose(rules_.exclude, path_, directory, here.exclude, next.exclude));
        if (choice == Choice::pass) return;
        next.self.on_the_way = !next.inside;
        if (directory) return look_into(std::move(next), choice);
        tell_pending();
        next.self.path = path_;
        next.self.directory = chain_.fd();
        visitor_.file(next.self);
    }

    void look_into(Level next, Choice choice) {
        UniqueFd fd(::openat(chain_.fd(), next.self.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!fd && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) return; // replaced since
        if (!fd || ::fstat(fd.get(), &next.self.status) < 0) throw sys_error(errno, "opening {}", path_);
        if (rules_.xattrs) next.self.xattrs = xattrs_of(fd.get());
        const bool tell_now = choice == Choice::take && next.inside;
        if (tell_now) tell_pending();
        if (tell_now) tell(next, path_);
        path_ += "/";
        chain_.enter(std::move(fd));
        push(std::move(next));
    }

    void tell(Level& level, std::string_view path) {
        level.told = true;
        level.self.path = path;
        visitor_.enter(level.self);
    }

    void tell_pending() {
        for (Level& level : way_)
            if (!level.told) tell(level, std::string_view(path_).substr(0, level.path_size - 1));
    }

    const WalkRules& rules_;
    TreeVisitor& visitor_;
    DirChain chain_;
    std::vector<Level> way_; // as long as the chain
    std::string path_;
};

} // namespace

void walk_tree(UniqueFd top, const WalkRules& rules, TreeVisitor& visitor) {
    TreeWalk(std::move(top), rules, visitor).run();
}

Xattrs xattrs_of(int fd) {
    Xattrs out;
    char few[512];
    const std::string path = fmt::format("/proc/self/fd/{}", fd); // O_PATH has no flistxattr
    ssize_t size = ::flistxattr(fd, few, sizeof few);
    if (size < 0 && errno == EBADF) size = ::listxattr(path.c_str(), few, sizeof few);
    if (size == 0 || (size < 0 && errno != ERANGE)) return out;
    std::vector<char> names(few, few + std::max<ssize_t>(size, 0)), value(65536); // XATTR_SIZE_MAX
    if (size < 0) {
        names.resize(65536); // XATTR_LIST_MAX
        size = ::listxattr(path.c_str(), names.data(), names.size());
    }
    for (ssize_t at = 0; at < size;) {
        const std::string name = names.data() + at;
        at += static_cast<ssize_t>(name.size()) + 1;
        if (!archive::is_layer_xattr(name)) continue;
        const ssize_t n = ::getxattr(path.c_str(), name.c_str(), value.data(), value.size());
        if (n >= 0) out.emplace_back(name, std::string(value.data(), static_cast<std::size_t>(n)));
    }
    std::sort(out.begin(), out.end());
    return out;
}

} // namespace davit::build
