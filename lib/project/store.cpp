#include "project/store.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace davit {

namespace {

bool is_container_id(const std::string& name) {
    return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// What stands on the way to a root, link or directory, must not be another user's to change.
void check_component(const std::string& path, const std::string& root, bool last) {
    struct stat st {};
    if (::lstat(path.c_str(), &st) < 0) {
        if (errno == ENOENT) return; // it is made
        throw sys_error(errno, "looking at {}", path);
    }
    auto refuse = [&](const char* why) {
        return error(Errc::denied, "davit keeps nothing in {}: {} {}", root, path, why)
            .with_hint("choose another directory with DAVIT_STATE_DIR and DAVIT_RUN_DIR, or give this one to the user "
                       "davit runs as (chown, chmod go-w)");
    };
    if (st.st_uid != 0 && st.st_uid != ::geteuid()) throw refuse("belongs to another user");
    if (S_ISLNK(st.st_mode)) return; // its modes mean nothing; where it leads is looked at as well
    if (!S_ISDIR(st.st_mode)) throw refuse("is not a directory");
    const bool others_group = st.st_gid != 0 && st.st_gid != ::getegid();
    const bool shared = (st.st_mode & S_IWOTH) != 0 || (others_group && (st.st_mode & S_IWGRP) != 0),
               sticky = (st.st_mode & S_ISVTX) != 0;
    if (shared && !sticky) throw refuse("can be written by other users");
    if (!shared || !last) return;
    // As a fresh tmpfs: it becomes ours alone, unless somebody was there first.
    for (const auto& name : list_directory(path))
        if (struct stat in{};
            ::lstat((path + "/" + name).c_str(), &in) == 0 && in.st_uid != 0 && in.st_uid != ::geteuid())
            throw refuse("holds what belongs to another user");
}

// The path as it was given, and where its links lead.
void check_root(const std::string& root) {
    if (root.empty() || root[0] != '/')
        throw error(Errc::usage, "'{}' cannot be a directory of davit's: it is not an absolute path", root);
    auto walk = [&](const std::string& path) {
        for (auto slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
            check_component(path.substr(0, slash), root, false);
        check_component(path, root, true);
    };
    walk(root);
    std::error_code failed;
    const std::string real = std::filesystem::weakly_canonical(root, failed).string();
    if (!failed && real != root) walk(real);
}

void make_private(const std::string& path) {
    struct stat st {};
    if (::stat(path.c_str(), &st) == 0 && (st.st_mode & 077) != 0) ::chmod(path.c_str(), st.st_mode & 0700);
}

// When the power fails, what was written a moment before may have its name and its size but not its bytes.
// Such a record counts as not written: `system doctor` names what it belonged to.
std::optional<std::string> read_record(const std::string& path) {
    auto text = read_file_if_exists(path);
    if (text && (text->empty() || text->find('\0') != std::string::npos)) text.reset();
    return text;
}

} // namespace

std::vector<std::string> list_directory(const std::string& path) {
    std::vector<std::string> names;
    DIR* d = ::opendir(path.c_str());
    if (!d) {
        if (errno == ENOENT) return names;
        throw sys_error(errno, "listing {}", path);
    }
    while (const dirent* e = ::readdir(d))
        if (e->d_name[0] != '.' || std::string_view(e->d_name).starts_with(machine_project))
            names.emplace_back(e->d_name);
    ::closedir(d);
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<std::string> anonymous_volumes(const ContainerRecord& record) {
    std::vector<std::string> names;
    for (const auto& m : record.mounts)
        if (m.anonymous && !m.name.empty()) names.push_back(m.name);
    return names;
}

void check_roots(const Roots& roots) {
    for (const auto& dir : {roots.state, roots.run}) check_root(dir);
}

void make_roots(const Roots& roots) {
    check_roots(roots);
    // What is below roots.run comes with the first supervisor and goes with the last one.
    for (const auto& dir : {roots.state, roots.projects(), roots.volumes(), roots.networks()})
        sys::make_dirs(dir, 0700);
    for (const auto& dir : {roots.state, roots.run}) make_private(dir);
}

// ---- containers

std::vector<std::string> RecordStore::container_ids(const std::string& project) const {
    auto ids = list_directory(ProjectPaths(roots_, project).containers());
    std::erase_if(ids, [](const std::string& id) { return !is_container_id(id); });
    return ids;
}

std::vector<ContainerRecord> RecordStore::containers(const std::string& project) const {
    std::vector<ContainerRecord> out;
    for (const auto& id : container_ids(project))
        if (auto record = container(project, id)) out.push_back(std::move(*record));
    return out;
}

std::optional<ContainerRecord> RecordStore::container(const std::string& project, const std::string& id) const {
    ProjectPaths paths(roots_, project);
    auto text = read_record(paths.record(id));
    if (!text) return std::nullopt;
    return container_record_from_json(*text, paths.record(id));
}

void RecordStore::write(const ContainerRecord& record, bool sync) const {
    write_file_atomic(ProjectPaths(roots_, record.project).record(record.id), to_json(record), 0600, sync);
}

void RecordStore::stage(const ContainerRecord& record) const {
    if (!is_container_id(record.id)) throw error(Errc::failed, "'{}' is not a container id", record.id);
    std::string dir = ProjectPaths(roots_, record.project).staging(record.id);
    write_file_making(dir + "/record.json", to_json(record), 0600, false);
}

namespace {

ContainerStatus status_without_file(const ContainerRecord& record, const std::optional<std::string>& last,
                                    const std::string& file) {
    ContainerStatus status;
    status.id = record.id;
    if (last) {
        status = container_status_from_json(*last, file);
        status.state = ContainerState::exited; // it may have been about to be started again
        status.next_restart = 0;
        return status;
    }
    if (record.desired == DesiredState::created) return status;
    status.state = ContainerState::exited; // it ran when the machine went down
    status.exit_known = false;
    status.exit_code = 255;
    return status;
}

bool has_process(ContainerState state) { return state == ContainerState::running || state == ContainerState::paused; }

// Its process is gone, and its supervisor has not said so yet: a container that will be started again
// is restarting from its end on, never exited in between.
bool comes_back(const ContainerRecord& record, const ContainerStatus& status) {
    if (record.desired != DesiredState::running || status.stopped_by_user) return false;
    switch (record.restart.kind) {
    case RestartKind::no: return false;
    case RestartKind::always:
    case RestartKind::unless_stopped: return true;
    case RestartKind::on_failure:
        return status.exit_known && status.exit_code != 0 &&
               (record.restart.max_retries == 0 || status.restart_count < record.restart.max_retries);
    }
    return false;
}

} // namespace

ContainerStatus RecordStore::status(const ContainerRecord& record) const {
    ProjectPaths paths(roots_, record.project);
    auto text = read_record(paths.status(record.id));
    if (!text) return status_without_file(record, read_record(paths.last_run(record.id)), paths.last_run(record.id));
    ContainerStatus status = container_status_from_json(*text, paths.status(record.id));
    const auto pid = status.pid;
    const auto pid_start = status.pid_start;
    if (!has_process(status.state) || sys::start_time(status.pid) == status.pid_start) return status;
    status.state = ContainerState::exited;
    status.pid = 0;
    status.pid_start = 0;
    status.health = Health::none;
    status.endpoints.clear();
    status.ports.clear();
    status.exit_known = false;
    status.exit_code = 255;
    if (auto exit = exit_record(paths.exit_file(record.id));
        exit && exit->pid == pid && exit->start_time == pid_start) {
        status.exit_known = exit->known;
        status.exit_code = exit->code;
        status.oom_killed = exit->oom;
        status.finished_at = exit->finished_ns;
    }
    if (comes_back(record, status)) status.state = ContainerState::restarting;
    return status;
}

void RecordStore::write(const std::string& project, const ContainerStatus& status) const {
    // Under /run: gone with the machine anyway, so nothing is synced.
    write_file_atomic(ProjectPaths(roots_, project).status(status.id), to_json(status), 0600, false);
}

bool RecordStore::has_status(const ContainerRecord& record) const {
    return read_record(ProjectPaths(roots_, record.project).status(record.id)).has_value();
}

void RecordStore::write_last_run(const std::string& project, const ContainerStatus& status) const {
    write_file_atomic(ProjectPaths(roots_, project).last_run(status.id), to_json(status), 0600, false);
}

void RecordStore::drop_last_run(const ContainerRecord& record) const {
    ::unlink(ProjectPaths(roots_, record.project).last_run(record.id).c_str());
}

// ---- staging of what has no directory of its own

namespace {

std::string staged(const Roots& roots, const std::string& project, const char* what, const std::string& name) {
    check_name(what, name);
    return ProjectPaths(roots, project).staging() + "/" + what + "-" + name + ".json";
}

void write_staged(const std::string& path, const std::string& text) { write_file_making(path, text, 0600, false); }

} // namespace

void RecordStore::stage(const std::string& project, const NetworkRecord& record) const {
    write_staged(staged(roots_, project, "network", record.name), to_json(record));
}

void RecordStore::stage(const std::string& project, const VolumeRecord& record) const {
    write_staged(staged(roots_, project, "volume", record.name), to_json(record));
}

std::optional<NetworkRecord> RecordStore::staged_network(const std::string& project, const std::string& name) const {
    std::string path = staged(roots_, project, "network", name);
    auto text = read_record(path);
    if (!text) return std::nullopt;
    return network_record_from_json(*text, path);
}

std::optional<VolumeRecord> RecordStore::staged_volume(const std::string& project, const std::string& name) const {
    std::string path = staged(roots_, project, "volume", name);
    auto text = read_record(path);
    if (!text) return std::nullopt;
    return volume_record_from_json(*text, path);
}

void RecordStore::drop_staged_network(const std::string& project, const std::string& name) const {
    ::unlink(staged(roots_, project, "network", name).c_str());
}

void RecordStore::drop_staged_volume(const std::string& project, const std::string& name) const {
    ::unlink(staged(roots_, project, "volume", name).c_str());
}

std::vector<std::string> RecordStore::volumes_of_staged(const std::string& project, const std::string& entry) const {
    const ProjectPaths paths(roots_, project);
    if (entry.starts_with("trash-v-")) {
        const std::string file = paths.staging(entry) + "/record.json";
        auto text = read_record(file);
        return text ? anonymous_volumes(container_record_from_json(*text, file)) : std::vector<std::string>();
    }
    std::vector<std::string> names;
    if (!is_container_id(entry)) return names;
    std::istringstream lines(read_record(paths.fresh_volumes(entry)).value_or(""));
    for (std::string name; std::getline(lines, name);) names.push_back(name);
    return names;
}

void RecordStore::clear_staging(const std::string& project, bool trash) const {
    const ProjectPaths paths(roots_, project);
    for (const auto& entry : list_directory(paths.staging())) {
        if (!trash && entry.starts_with("trash-")) continue;
        for (const auto& volume : volumes_of_staged(project, entry)) remove_volume(volume);
        sys::remove_tree(paths.staging(entry));
    }
}

// ---- networks

std::vector<NetworkRecord> RecordStore::networks() const {
    std::vector<NetworkRecord> out;
    for (const auto& file : list_directory(roots_.networks())) {
        if (!file.ends_with(".json")) continue;
        if (auto record = network(file.substr(0, file.size() - 5))) out.push_back(std::move(*record));
    }
    return out;
}

std::optional<NetworkRecord> RecordStore::network(const std::string& name) const {
    check_name("network", name);
    std::string path = roots_.networks() + "/" + name + ".json";
    auto text = read_record(path);
    if (!text) return std::nullopt;
    return network_record_from_json(*text, path);
}

void RecordStore::write(const NetworkRecord& record) const {
    check_name("network", record.name);
    write_file_making(roots_.networks() + "/" + record.name + ".json", to_json(record), 0600, false);
}

void RecordStore::remove_network(const std::string& name) const {
    check_name("network", name);
    const std::string file = roots_.networks() + "/" + name + ".json";
    if (::unlink(file.c_str()) < 0 && errno != ENOENT) throw sys_error(errno, "removing {}", file);
}

// ---- projects

std::optional<ProjectRecord> RecordStore::project(const std::string& name) const {
    std::string path = ProjectPaths(roots_, name).project_file();
    auto text = read_record(path);
    if (!text) return std::nullopt;
    return project_record_from_json(*text, path);
}

std::vector<ProjectRecord> RecordStore::projects() const {
    std::vector<ProjectRecord> out;
    for (const auto& name : list_directory(roots_.projects()))
        if (auto record = project(name)) out.push_back(std::move(*record));
    return out;
}

void RecordStore::write(const ProjectRecord& record) const {
    ProjectPaths paths(roots_, record.name);
    write_file_making(paths.project_file(), to_json(record), 0600,
                      false); // the supervisor syncs it with the containers
}

namespace {
// With what a write that was cut short left.
void forget_addresses(const Roots& roots, const std::string& project) {
    for (const auto& network : list_directory(roots.addresses())) {
        const std::string dir = roots.addresses() + "/" + network;
        for (const auto& file : list_directory(dir))
            if (file.starts_with(project + ".json") && (file.size() == project.size() + 5 || file.ends_with(".tmp")))
                ::unlink((dir + "/" + file).c_str());
        ::rmdir(dir.c_str());
    }
    ::rmdir(roots.addresses().c_str());
}
} // namespace

void RecordStore::remove_project(const std::string& name) const {
    ProjectPaths paths(roots_, name);
    ::unlink(paths.project_file().c_str());
    forget_addresses(roots_, name);
    for (const auto& dir : {paths.staging(), paths.containers(), paths.state}) ::rmdir(dir.c_str());
}

} // namespace davit
