// A directory that is being filled from an archive nobody trusts. Every path is resolved inside
// the root: ".." cannot leave it, symbolic links are scoped to it, and what stands in the way of
// a new entry is replaced, never followed.
#pragma once

#include "base/fd.hpp"

#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>

namespace davit::archive {

// Links on one way, at most: the kernel's own limit.
inline constexpr int max_links = 40;
// The parts of a path, without empty ones and ".".
std::list<std::string> split_path(std::string_view path);
// "a/./b//c" → "a/b/c", "/" → "". Errc::failed if ".." would leave the root.
std::string clean_path(std::string_view path);

class LayerTree {
public:
    // A directory on the way that the archive did not announce was made, or what lies below path
    // was removed.
    struct Listener {
        std::function<void(const std::string& path)> made_parent;
        std::function<void(const std::string& path)> removed;
    };

    LayerTree(const std::string& root, Listener listener);

    int root() const { return root_.get(); }

    struct Place {
        int directory = -1; // open O_PATH; valid until the next call
        std::string parent; // resolved path of it, "" for the root
        std::string name;
        std::string path() const { return parent.empty() ? name : parent + "/" + name; }
    };
    // Where path (clean, not empty) goes: parents that are missing are made, 0755.
    Place place(const std::string& path);
    // The same without making anything: directory < 0 if a parent is missing.
    Place find(const std::string& path);

    // Removes what stands at the place, a directory with all below; place itself stays usable.
    void remove(const Place& place);

private:
    bool walk(const std::string& parent, bool make);
    UniqueFd step(int from, const std::string& name, const std::string& path, bool make);

    UniqueFd root_;
    Listener listener_;
    std::string cached_for_;  // parent as asked for
    std::string cached_path_; // parent as resolved
    UniqueFd cached_;
    bool valid_ = false;
};

// Overlayfs's marks (Documentation/filesystems/overlayfs.rst). user.* where trusted.* is refused.
void make_whiteout(int directory, const std::string& name);
void make_opaque(int directory_fd);
bool is_whiteout(const struct stat& status);
bool is_opaque(int directory_fd);

} // namespace davit::archive
