// Reading and writing records. Reads skip half-made entries; writes are atomic. Thread-compatible.
#pragma once

#include "project/paths.hpp"
#include "project/record.hpp"

#include <optional>
#include <string>
#include <vector>

namespace davit {

std::string to_json(const ContainerRecord&);
std::string to_json(const ContainerStatus&);
std::string to_json(const NetworkRecord&);
std::string to_json(const VolumeRecord&);
// Throw davit::Error (failed) naming the file when the text is not a record, unsupported for a newer format.
ContainerRecord container_record_from_json(const std::string& text, const std::string& file);
ContainerStatus container_status_from_json(const std::string& text, const std::string& file);
NetworkRecord network_record_from_json(const std::string& text, const std::string& file);
VolumeRecord volume_record_from_json(const std::string& text, const std::string& file);

// project.json: who owns the name, and what `system boot` plans from.
struct ProjectRecord {
    int format = record_format;
    std::string name;
    std::string working_dir;
    std::vector<std::string> config_files;
    std::string boot_id; // of the boot in which it was last brought up
    std::string model;   // the resolved project, as `config` prints it
    bool operator==(const ProjectRecord&) const = default;
};

std::string to_json(const ProjectRecord&);
ProjectRecord project_record_from_json(const std::string& text, const std::string& file);

// What the shim leaves when it has reaped a container's init.
struct ShimExit {
    int format = 1;
    int pid = 0;
    std::uint64_t start_time = 0; // of that process: not an earlier run's
    int code = 0;                 // exit code or 128 + signal
    int signal = 0;
    bool known = true;
    bool oom = false;
    std::int64_t finished_ns = 0; // since the epoch
};
std::optional<ShimExit> exit_record(const std::string& file); // empty: none, or half-written

std::vector<std::string> anonymous_volumes(const ContainerRecord& record); // their names

// Names in a directory, sorted, without hidden ones but those of the machine's project; empty when it is missing.
std::vector<std::string> list_directory(const std::string& path);
// Throws (denied) when another user could change what stands there, or on the way there.
void check_roots(const Roots& roots);
// Checks the roots, and makes them (0700) if they are missing.
void make_roots(const Roots& roots);

class RecordStore {
public:
    explicit RecordStore(Roots roots) : roots_(std::move(roots)) {}
    const Roots& roots() const { return roots_; }

    std::vector<ContainerRecord> containers(const std::string& project) const;
    std::vector<std::string> container_ids(const std::string& project) const; // of these, half-made ones too
    std::optional<ContainerRecord> container(const std::string& project, const std::string& id) const;
    // Into containers/<id>, which must exist.
    void write(const ContainerRecord& record, bool sync = true) const;
    // Into staging/<id>, which is made; create_container takes the directory over.
    void stage(const ContainerRecord& record) const;
    // What create_network and create_volume make: left in staging/ of the project before the plan is sent.
    void stage(const std::string& project, const NetworkRecord& record) const;
    void stage(const std::string& project, const VolumeRecord& record) const;
    // Empty when nothing was staged under that name. Dropped once it is made: until then a crash can repeat it.
    std::optional<NetworkRecord> staged_network(const std::string& project, const std::string& name) const;
    std::optional<VolumeRecord> staged_volume(const std::string& project, const std::string& name) const;
    void drop_staged_network(const std::string& project, const std::string& name) const;
    void drop_staged_volume(const std::string& project, const std::string& name) const;
    // The anonymous volumes that go with an entry of staging/: of a container whose making or removal was cut short.
    std::vector<std::string> volumes_of_staged(const std::string& project, const std::string& entry) const;
    // What a crash left in staging/: for whoever holds the project's lock and knows that no plan uses it. trash: also
    // what a supervisor may be removing now.
    void clear_staging(const std::string& project, bool trash = true) const;
    // Status as written by the supervisor, corrected by the kernel: a running one whose process is gone is exited.
    ContainerStatus status(const ContainerRecord& record) const;
    void write(const std::string& project, const ContainerStatus& status) const;
    // Whether it is of this boot: the run directory goes with each.
    bool has_status(const ContainerRecord& record) const;
    // How a run ended, for after the next boot; until then nothing is known of a run that has begun.
    void write_last_run(const std::string& project, const ContainerStatus& status) const;
    void drop_last_run(const ContainerRecord& record) const;

    std::vector<NetworkRecord> networks() const; // of all projects
    std::optional<NetworkRecord> network(const std::string& name) const;
    void write(const NetworkRecord& record) const;
    void remove_network(const std::string& name) const;

    std::vector<VolumeRecord> volumes() const;
    std::optional<VolumeRecord> volume(const std::string& name) const;
    void create(const VolumeRecord& record) const; // makes _data (0755); existing is fine
    void remove_volume(const std::string& name) const;

    std::vector<ProjectRecord> projects() const; // those that have a project.json
    std::optional<ProjectRecord> project(const std::string& name) const;
    void write(const ProjectRecord& record) const;
    void remove_project(
        const std::string& name) const; // its project.json, the addresses it kept; directories that are empty then

private:
    Roots roots_;
};

} // namespace davit
