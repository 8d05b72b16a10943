#include "archive/fill_volume.hpp"

#include "archive/rootfs_view.hpp"
#include "base/dir.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"

#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <string_view>
#include <unistd.h>

namespace davit::archive {

namespace {

constexpr std::string_view data = "/_data";

bool is_empty(int directory) {
    const Dir list(::fdopendir(sys::open_at(directory, ".", O_RDONLY | O_DIRECTORY).release()));
    while (const dirent* entry = list ? ::readdir(list.get()) : nullptr)
        if (const std::string_view name = entry->d_name; name != "." && name != "..") return false;
    return list != nullptr;
}

// The file that stands as long as the filling is not whole, locked by who fills. Nothing: there is nothing to be done.
std::optional<FileLock> take_note(const std::string& note, int directory) {
    for (;;) {
        if (!is_empty(directory) && !exists(note)) return std::nullopt;
        FileLock lock = FileLock::acquire(note);
        if (lock.still_at(note)) return lock; // else another has filled it meanwhile
    }
}

} // namespace

void fill_volume(const std::vector<std::string>& layer_paths, const std::string& path_in_image,
                 const std::string& directory, const std::function<void(int)>& more) {
    const UniqueFd to(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!to) return;
    const bool own = directory.ends_with(data);
    const std::string note = own ? directory.substr(0, directory.size() - data.size()) + "/filling" : "";
    std::optional<FileLock> filling;
    if (own) filling = take_note(note, to.get());
    if (own ? !filling : !is_empty(to.get())) return;
    const bool again = !is_empty(to.get()); // somebody began
    in_context("filling " + directory, [&] {
        copy_up(layer_paths, path_in_image, sys::open_at(to.get(), ".", O_RDONLY | O_DIRECTORY), again);
        if (more) more(to.get());
    });
    if (own) ::unlink(note.c_str());
}

} // namespace davit::archive
