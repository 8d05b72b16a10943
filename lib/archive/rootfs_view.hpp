// Looks into an image without mounting it: the merged view of its layers, by walking them.
// Whiteouts, opaque directories and symbolic links (scoped to the image) are honoured; nothing
// outside the layers can be reached.
#pragma once

#include "base/fd.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>

namespace davit::archive {

class RootfsView {
public:
    // layers: topmost first, as Store::layer_paths gives them.
    explicit RootfsView(std::vector<std::string> layers);
    RootfsView(RootfsView&&) noexcept;
    ~RootfsView();

    struct Entry {
        struct stat status {};
        std::string path;        // after symbolic links, from the image's root: "/run/nginx"
        std::string link_target; // of a symbolic link that was not followed
        // Open O_PATH in the layers that take part: one for a file, topmost first for a directory.
        std::vector<UniqueFd> parts;
        std::vector<std::size_t> layers; // which ones these are
        bool is_directory() const { return S_ISDIR(status.st_mode); }
    };
    // follow: the last component too.
    std::optional<Entry> lookup(std::string_view path, bool follow = true) const;
    // Names in a merged directory, sorted.
    std::vector<std::string> names(const Entry& directory) const;
    // A regular file's bytes (nullopt: not there or no regular file); Errc::failed beyond max_bytes.
    std::optional<std::string> read_file(std::string_view path, std::size_t max_bytes = 4u << 20) const;
    // A child of a directory entry, not following links.
    std::optional<Entry> child(const Entry& directory, const std::string& name) const;
    // Of a way down that is longer than there are descriptors: a directory whose parts were closed
    // (parts.clear()) is opened again; one that is open stays as it is.
    void open_again(Entry& directory) const;

private:
    std::vector<UniqueFd> roots_;
};

// Copies what the image has at path into the (empty) directory destination, as Docker fills a fresh
// named volume: contents with modes, owners, times, xattrs, hard links; the directory's own mode and
// owner too. Others may reach destination meanwhile: nothing outside it changes, whatever they do.
// A file gets its name when it is whole. again: the destination holds a part of it already, which stays.
// false: the image has nothing there, or no directory; destination is untouched then.
bool copy_up(const std::vector<std::string>& layer_paths, const std::string& path_in_image, UniqueFd destination,
             bool again = false);

} // namespace davit::archive
