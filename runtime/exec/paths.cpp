// Making mount points. Every look-up starts at the root's descriptor and stays inside it
// (RESOLVE_IN_ROOT); directories are made one by one relative to descriptors, never by path
// (CVE-2024-45310: a racing symbolic link made runc create files on the host).
#include "runtime/exec/context.hpp"

#include <climits>
#include <sys/stat.h>
#include <utility>

namespace davit::exec {
namespace {

constexpr int max_links = 40;

struct Path {
    char text[PATH_MAX];
    bool set(const char* s) noexcept {
        std::size_t n = std::strlen(s);
        if (n >= sizeof text) return errno = ENAMETOOLONG, false;
        std::memcpy(text, s, n + 1);
        return true;
    }
};

// text[0..end) names a dangling link in parent: puts where it leads in its place.
bool follow(Path& path, std::size_t start, std::size_t end, int parent) noexcept {
    char name[NAME_MAX + 1], link[PATH_MAX], rest[PATH_MAX];
    std::size_t n = end - start;
    if (n > NAME_MAX) return errno = ENAMETOOLONG, false;
    std::memcpy(name, path.text + start, n);
    name[n] = 0;
    ssize_t size = ::readlinkat(parent, name, link, sizeof link - 1);
    if (size < 0) return false;
    link[size] = 0;
    std::strcpy(rest, path.text + end);
    std::size_t keep = link[0] == '/' ? 0 : start;
    if (keep + static_cast<std::size_t>(size) + std::strlen(rest) >= sizeof path.text)
        return errno = ENAMETOOLONG, false;
    std::strcpy(path.text + keep, link);
    std::strcat(path.text, rest);
    return true;
}

enum class Walk { done, again, failed };

// Makes what is missing along the path, or replaces a dangling link in it and asks for another turn.
Walk make_missing(int root, Path& path, bool directory, mode_t mode) noexcept {
    Fd parent(open_in_root(root, ".", O_PATH | O_DIRECTORY));
    std::size_t length = std::strlen(path.text);
    for (std::size_t start = 0; start < length;) {
        while (path.text[start] == '/') ++start;
        std::size_t end = start;
        while (end < length && path.text[end] != '/') ++end;
        if (end == start) break;
        std::size_t next = end;
        while (path.text[next] == '/') ++next;
        bool last = next >= length;
        char saved = path.text[end];
        path.text[end] = 0;
        Fd found(open_in_root(root, path.text, O_PATH));
        if (!found && errno == ENOENT) {
            const char* name = path.text + start;
            int made = last && !directory ? ::mknodat(parent.get(), name, S_IFREG | mode, 0)
                                          : ::mkdirat(parent.get(), name, last ? mode : 0755);
            int why = made < 0 ? errno : 0;
            path.text[end] = saved;
            if (why == EEXIST) return follow(path, start, end, parent.get()) ? Walk::again : Walk::failed;
            if (why) return errno = why, Walk::failed;
            path.text[end] = 0;
            found.reset(open_in_root(root, path.text, O_PATH));
        }
        path.text[end] = saved;
        if (!found) return Walk::failed;
        parent = std::move(found);
        start = end;
    }
    return Walk::done;
}

// Most mount points lack their last component alone. Anything else (a link there, a race) is make_missing()'s: -1.
int make_last(int root, const char* wanted, bool directory, mode_t mode) noexcept {
    const char* slash = std::strrchr(wanted, '/');
    Path above;
    if (!slash || slash == wanted || !slash[1] || !above.set(wanted)) return -1;
    above.text[slash - wanted] = 0;
    Fd parent(open_in_root(root, above.text, O_PATH | O_DIRECTORY));
    if (!parent) return -1;
    const char* name = slash + 1;
    if ((directory ? ::mkdirat(parent.get(), name, mode) : ::mknodat(parent.get(), name, S_IFREG | mode, 0)) < 0)
        return -1;
    return open_beneath(parent.get(), name, O_PATH, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

} // namespace

int make_in_root(int root, const char* wanted, bool directory, mode_t mode, bool* made) noexcept {
    int fd = open_in_root(root, wanted, O_PATH);
    if (fd >= 0 || errno != ENOENT) return fd;
    if (made) *made = true;
    if ((fd = make_last(root, wanted, directory, mode)) >= 0) return fd;
    Path path;
    if (!path.set(wanted)) return -1;
    for (int turn = 0; turn < max_links; ++turn) {
        Walk result = make_missing(root, path, directory, mode);
        if (result == Walk::failed) return -1;
        if (result == Walk::done) return open_in_root(root, path.text, O_PATH);
    }
    errno = ELOOP;
    return -1;
}

int parent_in_root(Context& c, const char* path, const char** name) noexcept {
    const char* slash = std::strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    if (!**name || !std::strcmp(*name, ".") || !std::strcmp(*name, "..")) return errno = EINVAL, -1;
    const std::size_t size = slash ? static_cast<std::size_t>(slash - path) : 0; // 0: the root itself
    if (c.last_dir >= 0 && size == c.last_dir_size && !std::memcmp(path, c.last_dir_path, size)) return c.last_dir;
    forget_last_dir(c);
    Path parent;
    if (!parent.set(path)) return -1;
    parent.text[size] = 0;
    c.last_dir = make_in_root(c.root, size ? parent.text : ".", true, 0755);
    c.last_dir_path = path;
    c.last_dir_size = size;
    return c.last_dir;
}

void forget_last_dir(Context& c) noexcept {
    if (c.last_dir >= 0) ::close(c.last_dir);
    c.last_dir = -1;
}

} // namespace davit::exec
