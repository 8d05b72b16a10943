#include "supervisor/doctor/scan.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "project/store.hpp"

#include <algorithm>
#include <charconv>
#include <fcntl.h>
#include <filesystem>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::doctor {

bool Machine::any_running(const std::string& project) const {
    return std::any_of(running.begin(), running.end(), [&](const auto& r) { return r.second == project; });
}

bool Machine::is_others(const std::string& project) const {
    return std::any_of(others.begin(), others.end(), [&](const auto& o) { return o.second.contains(project); });
}

namespace {

// A look that must not make the file.
bool lock_held(const std::string& path) {
    if (!exists(path)) return false;
    return !FileLock::try_acquire(path);
}

// A plan runs, or in the machine's project a client makes a container.
bool works(const ProjectPaths& paths) {
    const auto journals = list_directory(paths.run), locks = list_directory(paths.container_locks());
    return std::any_of(journals.begin(), journals.end(),
                       [](const std::string& name) { return name.starts_with("plan") && name.ends_with(".json"); }) ||
           std::any_of(locks.begin(), locks.end(),
                       [&](const std::string& key) { return lock_held(paths.container_lock(key)); });
}

void scan_records(Machine& m) {
    RecordStore store(m.roots);
    for (const auto& network : store.networks())
        if (!network.project.empty()) m.known_projects.insert(network.project);
    for (const auto& project : list_directory(m.roots.projects())) {
        for (const auto& record : store.containers(project)) {
            m.known_projects.insert(project);
            m.containers[record.id] = project;
            ContainerStatus status = store.status(record);
            if (status.pid != 0) m.running[record.id] = project;
            if (status.pid != 0 && status.state == ContainerState::created) m.held.insert(record.id);
        }
    }
    auto projects = list_directory(m.roots.run_projects());
    for (const auto& p : list_directory(m.roots.projects())) projects.push_back(p);
    for (const auto& project : projects) {
        ProjectPaths paths(m.roots, project);
        if (lock_held(paths.supervisor_lock())) m.supervised_projects.insert(project);
        if (lock_held(paths.lock()) || works(paths)) m.busy_projects.insert(project);
    }
    std::set<std::string> all = m.known_projects;
    all.insert(m.supervised_projects.begin(), m.supervised_projects.end());
    m.with_networks.assign(all.begin(), all.end());
}

std::vector<std::string> command_line(const std::string& pid) {
    std::vector<std::string> words;
    std::istringstream in(read_file_if_exists("/proc/" + pid + "/cmdline").value_or(""));
    for (std::string word; std::getline(in, word, '\0');) words.push_back(word);
    return words;
}

std::string value_after(const std::vector<std::string>& words, const std::string& flag) {
    for (std::size_t i = 0; i + 1 < words.size(); ++i)
        if (words[i] == flag) return words[i + 1];
    return {};
}

constexpr std::string_view projects_dir = "/projects/",
                           containers_dir = "/containers/"; // RUN/projects/NAME/containers/ID

// Of a supervisor or shim with another run directory, as its own mount namespace has it.
void note_other_root(Machine& m, const std::string& pid, const std::string& run_dir, std::string project) {
    std::string root = run_dir;
    if (const auto at = run_dir.rfind(containers_dir); project.empty() && at != std::string::npos) {
        const auto name = run_dir.rfind(projects_dir, at - 1);
        if (name == std::string::npos) return;
        root = run_dir.substr(0, name);
        project = run_dir.substr(name + projects_dir.size(), at - name - projects_dir.size());
    }
    if (project.empty() || root.empty() || root == m.roots.run) return;
    const std::string seen_by_it = "/proc/" + pid + "/root" + root;
    std::error_code missing;
    const bool same_place = std::filesystem::equivalent(root, seen_by_it, missing);
    m.others[same_place ? root : seen_by_it].insert(project);
}

void scan_processes(Machine& m) {
    for (const auto& pid : list_directory("/proc")) {
        if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
        char exe[512];
        ssize_t n = ::readlink(("/proc/" + pid + "/exe").c_str(), exe, sizeof exe);
        if (n <= 0) continue;
        std::string_view program(exe, static_cast<std::size_t>(n));
        bool shim = program.find("davit-shim") != std::string_view::npos;
        if (!shim && program.find("davit-supervisor") == std::string_view::npos) continue;
        auto words = command_line(pid);
        std::string run_dir = value_after(words, "--run-dir");
        Process p;
        std::from_chars(pid.data(), pid.data() + pid.size(), p.pid);
        if (!shim && run_dir == m.roots.run) p.project = value_after(words, "--project");
        std::string projects = m.roots.run_projects() + "/";
        if (shim && run_dir.rfind(projects, 0) == 0) {
            p.project = run_dir.substr(projects.size(), run_dir.find('/', projects.size()) - projects.size());
            p.container = run_dir.substr(run_dir.find_last_of('/') + 1);
        }
        if (p.project.empty()) note_other_root(m, pid, run_dir, shim ? "" : value_after(words, "--project"));
        else m.processes.push_back(std::move(p));
    }
}

void scan_mounts(Machine& m) {
    std::istringstream in(read_file("/proc/self/mountinfo"));
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        std::string word, point;
        for (int i = 0; i < 5 && words >> word; ++i) point = word;
        for (const auto& root : {m.roots.state, m.roots.run})
            if (point.rfind(root + "/", 0) == 0) m.mounts.push_back(point); // the root itself may be a disk of its own
    }
    std::reverse(m.mounts.begin(), m.mounts.end()); // what lies on top goes first
}

// Of write_file_atomic(), older than a minute: a younger one may be in the making.
void find_temporary(const std::string& dir, int depth, std::vector<std::string>& out) {
    for (const auto& name : list_directory(dir)) {
        std::string path = dir + "/" + name;
        struct stat st {};
        if (::lstat(path.c_str(), &st) < 0) continue;
        if (S_ISDIR(st.st_mode) && depth > 0) find_temporary(path, depth - 1, out);
        if (S_ISREG(st.st_mode) && name.ends_with(".tmp") && ::time(nullptr) - st.st_mtime > 60) out.push_back(path);
    }
}

} // namespace

Machine scan(const Roots& roots) {
    Machine m;
    m.roots = roots;
    scan_records(m);
    scan_processes(m);
    scan_mounts(m);
    for (const auto& project : list_directory(roots.projects())) {
        ProjectPaths paths(roots, project);
        for (const auto& id : list_directory(paths.containers()))
            find_temporary(paths.container(id), 0, m.temporary_files);
    }
    find_temporary(roots.networks(), 0, m.temporary_files);
    find_temporary(roots.addresses(), 1, m.temporary_files);
    find_temporary(roots.run_projects(), 3, m.temporary_files);
    find_temporary(roots.run_networks(), 1, m.temporary_files);
    return m;
}

} // namespace davit::doctor
