#include "engine/watch/tree_watch.hpp"

#include "base/dir.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "engine/watch/plan.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>

namespace davit {

namespace {

using namespace std::chrono_literals;

constexpr auto quiet = 20ms, quiet_of_many = 100ms, longest = 3000ms, longest_open = 200ms;
constexpr std::size_t many = 64;
constexpr std::int64_t clock_tick = 10'000'000; // ns: file systems' times come from a clock that ticks
constexpr std::uint32_t wanted = IN_CREATE | IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO |
                                 IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK;

std::string joined(const std::string& directory, const std::string& name) {
    return directory == "/" ? "/" + name : directory + "/" + name;
}

std::string directory_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

// Whoever may write in the tree could put a link in a directory's place: none is followed.
UniqueFd open_watched(const std::string& path) {
    try {
        return sys::open_at2(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_NO_SYMLINKS);
    } catch (const Error& e) {
        const int why = e.os().value();
        if (why == ENOENT || why == ENOTDIR || why == ELOOP || why == EACCES) return {};
        throw;
    }
}

struct Listed {
    std::string name;
    bool is_directory = false;
    std::int64_t changed = 0; // ctime in ns
};

// status: ctimes are wanted too.
std::vector<Listed> list_watched(UniqueFd fd, bool status) {
    std::vector<Listed> out;
    const int number = fd.get();
    const Dir list(::fdopendir(number));
    if (!list) return out;
    fd.release();
    while (const dirent* entry = ::readdir(list.get())) {
        if (!std::strcmp(entry->d_name, ".") || !std::strcmp(entry->d_name, "..")) continue;
        Listed one{entry->d_name, entry->d_type == DT_DIR, 0};
        struct stat st {};
        if ((status || entry->d_type == DT_UNKNOWN) &&
            ::fstatat(number, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            one.is_directory = S_ISDIR(st.st_mode);
            one.changed = static_cast<std::int64_t>(st.st_ctim.tv_sec) * 1'000'000'000 + st.st_ctim.tv_nsec;
        }
        out.push_back(std::move(one));
    }
    return out;
}

Error too_few_watches(std::size_t have) {
    const std::string file = "/proc/sys/fs/inotify/max_user_watches";
    std::string limit = exists(file) ? read_file(file) : "";
    while (!limit.empty() && limit.back() == '\n') limit.pop_back();
    return error(Errc::failed,
                 "too few inotify watches: {} directories are watched, there are more, and fs.inotify.max_user_watches "
                 "is {}",
                 have, limit)
        .with_os(std::error_code(ENOSPC, std::generic_category()))
        .with_hint(
            "allow more with 'sysctl fs.inotify.max_user_watches=1048576', and write "
            "'fs.inotify.max_user_watches=1048576' to /etc/sysctl.d/60-watch.conf to keep it; or name folders that "
            "need no watching below 'ignore:'");
}

} // namespace

std::set<std::string> list_tree(const std::string& root, const std::function<bool(const std::string&)>& enters) {
    std::set<std::string> out;
    struct stat st {};
    if (::fstatat(AT_FDCWD, root.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) return out;
    out.insert(root);
    std::vector<std::string> todo;
    if (S_ISDIR(st.st_mode)) todo.push_back(root);
    while (!todo.empty()) {
        const std::string directory = std::move(todo.back());
        todo.pop_back();
        UniqueFd fd = enters(directory) ? open_watched(directory) : UniqueFd();
        if (!fd) continue;
        for (const Listed& one : list_watched(std::move(fd), false)) {
            const std::string path = joined(directory, one.name);
            out.insert(path);
            if (one.is_directory) todo.push_back(path);
        }
    }
    return out;
}

TreeWatch::TreeWatch(std::vector<std::string> roots, Enters enters, std::optional<std::int64_t> since)
    : roots_(std::move(roots)), enters_(std::move(enters)) {
    open();
    quiet_since_ = sys::realtime_ns();
    place(since ? *since - clock_tick : none);
}

void TreeWatch::open() {
    inotify_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!inotify_ && errno == EMFILE)
        throw sys_error(errno, "watching files")
            .with_hint("too few inotify instances: 'sysctl fs.inotify.max_user_instances=1024' allows more");
    if (!inotify_) throw sys_error(errno, "watching files");
}

bool TreeWatch::inside(const std::string& path) const {
    return std::any_of(roots_.begin(), roots_.end(), [&](const std::string& root) { return is_below(path, root); });
}

bool TreeWatch::on_the_way(const std::string& path) const {
    return std::any_of(roots_.begin(), roots_.end(),
                       [&](const std::string& root) { return root != path && is_below(root, path); });
}

bool TreeWatch::watched(const std::string& directory) const {
    return on_the_way(directory) || (inside(directory) && enters_(directory));
}

// A root is seen to come and go from the directory it is in, or the nearest above that is there.
void TreeWatch::place(std::int64_t tell_since) {
    for (const std::string& root : roots_) {
        std::string above = directory_of(root);
        while (above != "/" && !open_watched(above)) above = directory_of(above);
        if (!directories_.contains(above)) follow(above, tell_since);
    }
}

bool TreeWatch::add(const std::string& directory, int fd) {
    const int watch = ::inotify_add_watch(inotify_.get(), fmt::format("/proc/self/fd/{}", fd).c_str(), wanted);
    if (watch < 0 && errno == ENOSPC) throw too_few_watches(directories_.size());
    if (watch < 0) return false; // gone again
    // The same directory by two ways (a bind mount): one of them is enough.
    if (const auto known = by_watch_.find(watch); known != by_watch_.end() && known->second != directory) return false;
    by_watch_[watch] = directory;
    directories_[directory].watch = watch;
    return true;
}

// Watched before it is listed: what is made in between is seen twice rather than never.
void TreeWatch::follow(const std::string& top, std::int64_t tell_since) {
    std::vector<std::string> todo{top};
    while (!todo.empty()) {
        const std::string directory = std::move(todo.back());
        todo.pop_back();
        UniqueFd fd = open_watched(directory);
        if (!fd || !add(directory, fd.get())) continue;
        Directory& here = directories_[directory];
        for (const Listed& one : list_watched(std::move(fd), tell_since != all && tell_since != none)) {
            const std::string path = joined(directory, one.name);
            const bool in = inside(path);
            if (!in && !on_the_way(path)) continue;
            here.names.insert(one.name);
            if (in && tell_since != none && (tell_since == all || one.changed >= tell_since)) tell(path);
            if (one.is_directory && watched(path) && !directories_.contains(path)) todo.push_back(path);
        }
    }
}

// It is not there any more, with all that was below. tell: what was known of it is a change.
void TreeWatch::forget(const std::string& top, bool tell_all) {
    auto it = directories_.lower_bound(top);
    while (it != directories_.end() && it->first.starts_with(top)) {
        if (!is_below(it->first, top)) { // "a-b" stands between "a" and "a/b"
            ++it;
            continue;
        }
        if (tell_all)
            for (const std::string& name : it->second.names)
                if (const std::string path = joined(it->first, name); inside(path)) tell(path);
        ::inotify_rm_watch(inotify_.get(), it->second.watch);
        by_watch_.erase(it->second.watch);
        it = directories_.erase(it);
    }
}

// Events were lost: what is there is compared with what was.
void TreeWatch::rescan() {
    const auto before = std::move(directories_);
    directories_.clear();
    by_watch_.clear();
    writing_.clear();
    open();
    place(quiet_since_ - clock_tick);
    for (const auto& [directory, was] : before) {
        const auto now = directories_.find(directory);
        for (const std::string& name : was.names)
            if (const std::string path = joined(directory, name);
                inside(path) && (now == directories_.end() || !now->second.names.contains(name)))
                tell(path);
    }
    for (const auto& [directory, now] : directories_) {
        const auto was = before.find(directory);
        for (const std::string& name : now.names)
            if (const std::string path = joined(directory, name);
                inside(path) && (was == before.end() || !was->second.names.contains(name)))
                tell(path);
    }
}

void TreeWatch::tell(const std::string& path) {
    writing_.erase(path);
    if (!ready_.insert(path).second) return;
    last_ = Clock::now();
    if (ready_.size() == 1) first_ = last_;
}

void TreeWatch::take(const inotify_event& event, const std::string& name) {
    if (event.mask & IN_Q_OVERFLOW) return rescan();
    const auto found = by_watch_.find(event.wd);
    if (found == by_watch_.end()) return; // of a directory that was forgotten since
    const std::string directory = found->second;
    if (event.mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF)) return own_end(directory);
    if (!name.empty()) take_entry(event.mask, joined(directory, name));
}

// Below a root the directory above tells it, in its order. A way to a root may have nobody above that is watched.
void TreeWatch::own_end(const std::string& directory) {
    if (directories_.contains(directory_of(directory)) && directory != "/") return;
    forget(directory, true);
    place(all);
}

void TreeWatch::take_entry(std::uint32_t mask, const std::string& path) {
    const bool in = inside(path);
    if (!in && !on_the_way(path)) return;
    auto& names = directories_[directory_of(path)].names;
    const std::string name = path.substr(path.rfind('/') + 1);
    if (mask & (IN_DELETE | IN_MOVED_FROM)) {
        names.erase(name);
        if (mask & IN_ISDIR) forget(path, true);
        if (in) tell(path);
    } else if (mask & (IN_CREATE | IN_MOVED_TO)) {
        names.insert(name);
        if (mask & IN_ISDIR) {
            forget(path, false);
            if (watched(path)) follow(path, all);
            if (in) tell(path);
        } else if (in) {
            struct stat st {};
            const bool being_written = (mask & IN_CREATE) &&
                                       ::fstatat(AT_FDCWD, path.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                                       S_ISREG(st.st_mode) && st.st_nlink == 1;
            if (being_written && !ready_.contains(path)) writing_.emplace(path, Clock::now());
            else tell(path);
        }
    } else if (mask & IN_CLOSE_WRITE) {
        if (in) tell(path);
    } else if (in && !ready_.contains(path)) {
        if (mask & IN_MODIFY) writing_.emplace(path, Clock::now());
        else if (!writing_.contains(path)) tell(path);
    }
}

void TreeWatch::read_events() {
    alignas(inotify_event) char buffer[64 << 10];
    for (;;) {
        const int from = inotify_.get();
        const ssize_t n = ::read(from, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno != EAGAIN) throw sys_error(errno, "watching files");
        if (n <= 0) break;
        for (ssize_t at = 0; at < n;) {
            inotify_event event;
            std::memcpy(&event, buffer + at, sizeof event);
            const char* name = buffer + at + sizeof event;
            at += static_cast<ssize_t>(sizeof event + event.len);
            take(event, std::string(name, ::strnlen(name, event.len)));
            if (inotify_.get() != from || (event.mask & IN_Q_OVERFLOW)) return; // read anew: these are of the old one
        }
    }
    quiet_since_ = sys::realtime_ns();
}

void TreeWatch::settle_writing(Clock::time_point now) {
    std::vector<std::string> settled;
    for (const auto& [path, since] : writing_)
        if (now - since >= longest_open) settled.push_back(path);
    for (const std::string& path : settled) tell(path);
}

TreeWatch::Clock::time_point TreeWatch::due() const {
    return std::min(last_ + (ready_.size() > many ? quiet_of_many : quiet), first_ + longest);
}

int TreeWatch::timeout() const {
    std::optional<Clock::time_point> next;
    if (!ready_.empty()) next = due();
    for (const auto& [path, since] : writing_)
        if (const auto end = since + longest_open; !next || end < *next) next = end;
    if (!next) return -1;
    return static_cast<int>(
        std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now()).count()));
}

void TreeWatch::run(const std::function<void(std::set<std::string>)>& changed, std::stop_token stop) {
    const UniqueFd end(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!end) throw sys_error(errno, "watching files");
    std::stop_callback wake(stop, [&] { ::eventfd_write(end.get(), 1); });
    while (!stop.stop_requested()) {
        pollfd fds[] = {{inotify_.get(), POLLIN, 0}, {end.get(), POLLIN, 0}};
        if (::poll(fds, 2, timeout()) < 0 && errno != EINTR) throw sys_error(errno, "watching files");
        if (stop.stop_requested()) return;
        if (fds[0].revents) read_events();
        else quiet_since_ = sys::realtime_ns();
        const auto now = Clock::now();
        settle_writing(now);
        // What came while this thread did not run belongs to the same batch: only an empty queue is quiet.
        const bool rest = !fds[0].revents || now >= first_ + longest;
        if (!ready_.empty() && rest && now >= due()) changed(std::exchange(ready_, {}));
    }
}

} // namespace davit
