#include "project/names.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <map>
#include <set>
#include <thread>
#include <unistd.h>
#include <utility>

namespace davit {

namespace {

constexpr std::size_t longest_file_name = 200;
constexpr std::string_view projects = "../projects/", containers = "/containers/";
constexpr const char *boot_mark = "/.boot", *lock_file = "/.lock";

std::string read_link(const std::string& path) {
    char target[PATH_MAX];
    const ssize_t n = ::readlink(path.c_str(), target, sizeof target);
    return n < 0 ? std::string() : std::string(target, static_cast<std::size_t>(n));
}

std::string target_of(const NameIndex::Holder& who) {
    return std::string(projects) + who.project + std::string(containers) + who.id;
}

std::string checked(const std::string& name) {
    if (name.empty() || name[0] == '.' || name.find('/') != std::string::npos)
        throw error(Errc::invalid_project, "Invalid container name ({})", name);
    return name;
}

} // namespace

Error name_in_use(const std::string& name, const std::string& id) {
    return error(Errc::conflict,
                 "Conflict. The container name \"/{}\" is already in use by container \"{}\". You have to remove (or "
                 "rename) that container to be able to reuse that name.",
                 name, id);
}

// A name that is too long for a file stands there by its hash.
std::string NameIndex::link(const std::string& name) const {
    const std::string dir = store_.roots().names() + "/";
    return dir + (checked(name).size() > longest_file_name ? "~" + sha256_hex(name) : name);
}

std::optional<NameIndex::Holder> NameIndex::read(const std::string& path) const {
    const std::string target = read_link(path);
    const auto at = target.rfind(containers);
    if (!target.starts_with(projects) || at == std::string::npos || at < projects.size()) return std::nullopt;
    return Holder{target.substr(projects.size(), at - projects.size()), target.substr(at + containers.size())};
}

bool NameIndex::has(const Holder& who, const std::string& name) const {
    const auto record = store_.container(who.project, who.id);
    return record && record->name == name;
}

// A plan that its supervisor carries out names the container: it is being made, renamed or removed at this moment.
bool NameIndex::in_the_making(const Holder& who) const {
    const std::string run = ProjectPaths(store_.roots(), who.project).run;
    for (const auto& file : list_directory(run)) {
        if (!file.starts_with("plan") || !file.ends_with(".json")) continue;
        const auto text = read_file_if_exists(run + "/" + file);
        if (text && text->find(who.id) != std::string::npos) return true;
    }
    return false;
}

std::optional<NameIndex::Holder> NameIndex::find(const std::string& name) const {
    if (name.empty() || name[0] == '.' || name.find('/') != std::string::npos) return std::nullopt;
    ensure();
    auto holder = read(link(name));
    if (holder && !has(*holder, name)) holder.reset();
    return holder;
}

std::vector<NameIndex::Holder> NameIndex::by_prefix(const std::string& prefix, std::size_t most) const {
    std::vector<Holder> out;
    if (prefix.empty() || prefix.find_first_not_of("0123456789abcdef") != std::string::npos) return out;
    for (const auto& project : list_directory(store_.roots().projects()))
        for (const auto& id : list_directory(ProjectPaths(store_.roots(), project).containers())) {
            if (!id.starts_with(prefix)) continue;
            if (!exists(ProjectPaths(store_.roots(), project).record(id))) continue; // half removed
            out.push_back({project, id});
            if (out.size() == most) return out;
        }
    return out;
}

void NameIndex::claim(const std::string& name, const Holder& who) const {
    ensure();
    put(name, who);
}

void NameIndex::put(const std::string& name, const Holder& who) const {
    const std::string path = link(name);
    constexpr int attempts = 20;
    for (int attempt = 1;; ++attempt) {
        if (::symlink(target_of(who).c_str(), path.c_str()) == 0) return;
        if (errno == ENOENT && attempt < attempts) {
            sys::make_dirs(store_.roots().names(), 0700);
            continue;
        }
        if (errno != EEXIST) throw sys_error(errno, "claiming the container name {}", name);
        const auto holder = read(path);
        if (holder == who) return;
        if (attempt == attempts || (holder && (has(*holder, name) || in_the_making(*holder))))
            throw name_in_use(name, holder ? holder->id : "");
        take_over(path, holder.value_or(Holder{}));
    }
}

// Only what was seen to be nobody's; who takes it away at the same time must not take away what came next.
void NameIndex::take_over(const std::string& path, const Holder& seen) const {
    const auto lock = FileLock::try_acquire(store_.roots().names() + lock_file);
    if (!lock) return std::this_thread::sleep_for(std::chrono::microseconds(100));
    if (read(path).value_or(Holder{}) == seen) ::unlink(path.c_str());
}

// While its record still has the name, so that nobody takes the link for a dead one and puts another in its place.
void NameIndex::release(const std::string& name, const Holder& who) const {
    const std::string path = link(name);
    if (read(path) == who) ::unlink(path.c_str());
}

std::vector<std::string> NameIndex::wrong() const {
    std::vector<std::string> out;
    if (read_link(store_.roots().names() + boot_mark) != sys::boot_id()) return out; // made again at the next look
    std::map<std::string, Holder> named;                                             // by link
    for (const auto& project : list_directory(store_.roots().projects()))
        for (const auto& record : store_.containers(project)) {
            const Holder who{project, record.id};
            named.emplace(link(record.name), who);
            const auto held = read(link(record.name));
            if (held != who && !(held && has(*held, record.name)) && !in_the_making(who)) out.push_back(record.name);
        }
    for (const auto& name : list_directory(store_.roots().names())) {
        const std::string path = store_.roots().names() + "/" + name;
        if (named.contains(path)) continue;
        const auto held = read(path);
        if (!held || !in_the_making(*held)) out.push_back(name);
    }
    return out;
}

void NameIndex::rebuild() const {
    const std::string dir = store_.roots().names();
    sys::make_dirs(dir, 0700);
    const auto lock = FileLock::acquire(dir + lock_file);
    std::set<std::string> good;
    for (const auto& project : list_directory(store_.roots().projects()))
        for (const auto& record : store_.containers(project)) {
            const Holder who{project, record.id};
            const std::string path = link(record.name);
            const auto held = read(path);
            // Of two with one name (the power failed) the one that has it keeps it.
            if (held && held != who && !has(*held, record.name) && !in_the_making(*held)) ::unlink(path.c_str());
            if (::symlink(target_of(who).c_str(), path.c_str()) < 0 && errno != EEXIST)
                throw sys_error(errno, "noting the container name {}", record.name);
            good.insert(path);
        }
    for (const auto& name : list_directory(dir)) {
        const std::string path = dir + "/" + name;
        if (good.contains(path)) continue;
        const auto held = read(path);
        if (!held || (!exists(ProjectPaths(store_.roots(), held->project).record(held->id)) && !in_the_making(*held)))
            ::unlink(path.c_str());
    }
}

// After a power failure links may be missing; before this davit there were none.
void NameIndex::ensure() const {
    if (std::exchange(ensured_, true)) return;
    const std::string mark = store_.roots().names() + boot_mark, boot = sys::boot_id();
    if (read_link(mark) == boot) return;
    if (list_directory(store_.roots().projects()).empty()) return; // nothing to note, and nothing to leave behind
    rebuild();
    const std::string fresh = mark + "." + sys::random_hex(8);
    if (::symlink(boot.c_str(), fresh.c_str()) == 0 && ::rename(fresh.c_str(), mark.c_str()) < 0)
        ::unlink(fresh.c_str());
}

} // namespace davit
