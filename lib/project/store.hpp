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

struct ProjectSummary { // `ls`
    std::string name;
    std::vector<std::string> config_files;
    std::string working_dir;
};

class RecordStore {
public:
    explicit RecordStore(Roots roots) : roots_(std::move(roots)) {}
    const Roots& roots() const { return roots_; }

    std::vector<ContainerRecord> containers(const std::string& project) const;
    std::optional<ContainerRecord> container(const std::string& project, const std::string& id) const;
    void write(const ContainerRecord& record, bool sync = true) const;
    // Status as written by the supervisor, corrected by the kernel: a running one whose process is gone is exited.
    ContainerStatus status(const ContainerRecord& record) const;
    void write(const std::string& project, const ContainerStatus& status) const;

    std::vector<NetworkRecord> networks() const; // of all projects
    std::optional<NetworkRecord> network(const std::string& name) const;
    void write(const NetworkRecord& record) const;
    void remove_network(const std::string& name) const;

    std::vector<VolumeRecord> volumes() const;
    std::optional<VolumeRecord> volume(const std::string& name) const;
    std::string volume_data(const std::string& name) const; // …/<name>/_data
    void create(const VolumeRecord& record) const;          // makes _data (0755); existing is fine
    void remove_volume(const std::string& name) const;

    std::vector<ProjectSummary> projects() const;

private:
    Roots roots_;
};

} // namespace davit
