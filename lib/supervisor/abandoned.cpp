#include "supervisor/abandoned.hpp"

#include "base/file.hpp"
#include "project/store.hpp"

#include <algorithm>
#include <set>
#include <unistd.h>

namespace davit::supervisor {

namespace {

std::set<std::string> held_locks(const ProjectPaths& paths) {
    std::set<std::string> held;
    for (const std::string& key : list_directory(paths.container_locks())) {
        const std::string path = paths.container_lock(key);
        const auto lock = exists(path) ? FileLock::try_acquire(path) : std::nullopt;
        if (!lock) held.insert(key);
        else if (lock->still_at(path)) ::unlink(path.c_str());
    }
    ::rmdir(paths.container_locks().c_str());
    return held;
}

} // namespace

std::vector<std::string> abandoned_staging(const ProjectPaths& paths,
                                           const std::function<bool(const std::string& id)>& planned) {
    auto entries = list_directory(paths.staging());
    std::erase_if(entries, [](const std::string& name) { return name.starts_with("trash-"); });
    if (entries.empty()) return entries;
    // Looked at after the entries: who made one of these had its lock by then.
    const auto held = held_locks(paths);
    std::erase_if(entries, [&](const std::string& name) {
        const bool of_all = name.find('.') != std::string::npos; // a network's or volume's record: of any client
        return of_all ? !held.empty() : held.contains(name) || planned(name);
    });
    return entries;
}

} // namespace davit::supervisor
