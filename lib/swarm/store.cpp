#include "swarm/store.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "project/store.hpp"
#include "swarm/task_history.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace davit::swarm {

namespace {

bool is_id(const std::string& text) {
    return text.size() == 25 && text.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz") == std::string::npos;
}

// Ids become file names.
const std::string& checked(const std::string& id) {
    if (!is_id(id)) throw error(Errc::failed, "'{}' is not an id of Swarm's", id);
    return id;
}

// Without its bytes after the power failed, a record counts as not written, as those of projects.
std::optional<std::string> read_record(const std::string& path) {
    auto text = read_file_if_exists(path);
    if (text && (text->empty() || text->find('\0') != std::string::npos)) text.reset();
    return text;
}

// The ids of <id>.json; what is half made has another name.
std::vector<std::string> ids_of_files(const std::string& directory) {
    std::vector<std::string> out;
    for (const std::string& name : list_directory(directory))
        if (name.ends_with(".json") && is_id(name.substr(0, name.size() - 5)))
            out.push_back(name.substr(0, name.size() - 5));
    return out;
}

void remove_file_at(const std::string& path) {
    if (::unlink(path.c_str()) < 0 && errno != ENOENT) throw sys_error(errno, "removing {}", path);
}

template <typename T>
void sort_by_name(std::vector<T>& list) {
    std::sort(list.begin(), list.end(), [](const T& a, const T& b) { return a.spec.name < b.spec.name; });
}

std::string file_of(const Paths& paths, FileKind kind, const std::string& id) {
    return (kind == FileKind::config ? paths.configs() : paths.secrets()) + "/" + checked(id) + ".json";
}

} // namespace

FileLock lock_swarm(const Roots& roots) {
    const Paths paths(roots);
    for (;;) { // whoever takes the last object away takes the lock's file along
        sys::make_dirs(paths.root, 0700);
        try {
            FileLock lock = FileLock::acquire(paths.lock());
            if (lock.still_at(paths.lock())) return lock;
        } catch (const Error& e) {
            if (e.os().value() != ENOENT) throw;
        }
    }
}

void tidy(const Roots& roots) {
    const Paths paths(roots);
    if (Store(roots).node()) return;
    try {
        const auto lock = FileLock::try_acquire(paths.lock());
        if (lock && lock->still_at(paths.lock())) remove_if_empty(roots, *lock);
    } catch (const Error&) {
        // There is nothing to tidy, or the next one does it.
    }
}

std::vector<std::string> half_made(const Roots& roots) {
    const Paths paths(roots);
    std::vector<std::string> out;
    for (const std::string& id : list_directory(paths.services()))
        if (is_id(id) && !read_record(paths.service(id))) out.push_back(paths.service_dir(id));
    return out;
}

void remove_half_made(const Roots& roots, const FileLock&) {
    for (const std::string& directory : half_made(roots)) sys::remove_tree(directory);
}

void remove_if_empty(const Roots& roots, const FileLock& held) {
    const Paths paths(roots);
    remove_half_made(roots, held);
    bool empty = !Store(roots).node();
    for (const std::string& directory : {paths.services(), paths.configs(), paths.secrets()})
        empty = empty && (::rmdir(directory.c_str()) == 0 || errno == ENOENT);
    if (!empty) return;
    ::unlink(paths.lock().c_str());
    ::rmdir(paths.root.c_str());
}

// ---- the node

std::optional<Node> Store::node() const {
    const auto text = read_record(paths_.node());
    if (!text) return std::nullopt;
    return node_from_json(*text, paths_.node());
}

void Store::write(const Node& node) const { write_file_making(paths_.node(), to_json(node), 0600); }

void Store::remove_node() const {
    remove_file_at(paths_.node());
    remove_file_at(task_history_file(paths_));
}

// ---- services

class ServiceMemory {
public:
    std::optional<Service> find(const std::string& id, const struct stat& file) {
        const std::lock_guard lock(mutex_);
        const auto it = known_.find(id);
        if (it == known_.end() || it->second.first != identity(file)) return std::nullopt;
        return it->second.second;
    }
    void keep(const std::string& id, const struct stat& file, const Service& service) {
        const std::lock_guard lock(mutex_);
        known_.insert_or_assign(id, std::pair(identity(file), service));
    }

private:
    // Records are replaced, never written into.
    using Identity = std::array<std::int64_t, 4>;
    static Identity identity(const struct stat& file) {
        return {static_cast<std::int64_t>(file.st_ino), file.st_ctim.tv_sec, file.st_ctim.tv_nsec, file.st_size};
    }

    std::mutex mutex_;
    std::map<std::string, std::pair<Identity, Service>> known_;
};

std::shared_ptr<ServiceMemory> make_service_memory() { return std::make_shared<ServiceMemory>(); }

std::vector<Service> Store::all_services() const {
    std::vector<Service> out;
    for (const std::string& id : list_directory(paths_.services()))
        if (is_id(id))
            if (auto found = service(id)) out.push_back(std::move(*found));
    sort_by_name(out);
    return out;
}

std::vector<Service> Store::services() const {
    auto out = all_services();
    std::erase_if(out, [](const Service& s) { return s.removed_at != 0; });
    return out;
}

std::vector<Service> Store::services_of(const std::string& project) const {
    auto out = all_services();
    std::erase_if(out, [&](const Service& s) { return s.project != project; });
    return out;
}

std::optional<Service> Store::service(const std::string& id) const {
    const std::string path = paths_.service(checked(id));
    struct stat file {};
    UniqueFd seen; // before it is read: what is read is that one or a later
    if (memory_) seen = sys::open_if_exists(path, O_RDONLY);
    const bool remembers = seen && ::fstat(seen.get(), &file) == 0;
    if (remembers)
        if (auto known = memory_->find(id, file)) return known;
    const auto text = read_record(path);
    if (!text) return std::nullopt;
    Service service = service_from_json(*text, path);
    if (remembers) memory_->keep(id, file, service);
    return service;
}

void Store::write(const Service& service, bool sync) const {
    write_file_making(paths_.service(checked(service.id)), to_json(service), 0600, sync);
}

void Store::remove_service(const std::string& id) const {
    remove_file_at(paths_.service(checked(id)));
    sys::remove_tree(paths_.service_dir(id));
}

// ---- tasks

std::vector<Task> Store::tasks(const std::string& service_id) const {
    std::vector<Task> out;
    for (const std::string& id : ids_of_files(paths_.tasks(checked(service_id))))
        if (auto found = task(service_id, id)) out.push_back(std::move(*found));
    std::sort(out.begin(), out.end(), [](const Task& a, const Task& b) {
        return a.created_at != b.created_at ? a.created_at < b.created_at : a.id < b.id;
    });
    return out;
}

std::optional<Task> Store::task(const std::string& service_id, const std::string& id) const {
    const std::string path = paths_.task(checked(service_id), checked(id));
    const auto text = read_record(path);
    if (!text) return std::nullopt;
    return task_from_json(*text, path);
}

void Store::write(const Task& task, bool sync) const {
    write_file_making(paths_.task(checked(task.service_id), checked(task.id)), to_json(task), 0600, sync);
}

void Store::remove_task(const std::string& service_id, const std::string& id) const {
    remove_file_at(paths_.task(checked(service_id), checked(id)));
}

// ---- configs and secrets

std::vector<Config> Store::files(FileKind kind) const {
    std::vector<Config> out;
    for (const std::string& id : ids_of_files(kind == FileKind::config ? paths_.configs() : paths_.secrets()))
        if (auto found = file(kind, id)) out.push_back(std::move(*found));
    sort_by_name(out);
    return out;
}

std::optional<Config> Store::file(FileKind kind, const std::string& id) const {
    const std::string path = file_of(paths_, kind, id);
    const auto text = read_record(path);
    if (!text) return std::nullopt;
    return config_from_json(*text, path);
}

void Store::write(FileKind kind, const Config& file) const {
    write_file_making(file_of(paths_, kind, file.id), to_json(file), 0600);
}

void Store::remove_file(FileKind kind, const std::string& id) const { remove_file_at(file_of(paths_, kind, id)); }

} // namespace davit::swarm
