// Where Swarm's objects stand: <state>/swarm, machine-wide. Reads skip half-made entries, writes are atomic.
// A service's record is written by the supervisor of its project alone (and by the client that makes it, before any
// supervisor knows of it); configs, secrets and the node by clients. Names are claimed under SwarmLock.
// Thread-compatible. Files 0600: specifications hold environments, secrets hold secrets.
#pragma once

#include "base/file.hpp"
#include "davit/swarm.hpp"
#include "project/paths.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::swarm {

std::string new_id(); // 25 characters of [0-9a-z]

struct Paths {
    std::string root; // <state>/swarm
    explicit Paths(const Roots& roots) : root(roots.state + "/swarm") {}
    std::string lock() const { return root + "/lock"; }
    std::string node() const { return root + "/node.json"; }
    std::string services() const { return root + "/services"; }
    std::string service_dir(const std::string& id) const { return services() + "/" + id; }
    std::string service(const std::string& id) const { return service_dir(id) + "/service.json"; }
    std::string tasks(const std::string& id) const { return service_dir(id) + "/tasks"; }
    std::string task(const std::string& id, const std::string& task) const { return tasks(id) + "/" + task + ".json"; }
    // record.json, config.json, plan.bin, health.bin of a task's container, with holes (template.hpp).
    std::string prepared(const std::string& id, std::uint64_t version) const {
        return service_dir(id) + "/templates/" + std::to_string(version);
    }
    std::string configs() const { return root + "/configs"; } // <id>.json
    std::string secrets() const { return root + "/secrets"; } // <id>.json
};

// Held while names are claimed and while objects are removed; never while waiting for the network or a container.
// In the order of locks (DESIGN §5) after a project's, before the machine's.
FileLock lock_swarm(const Roots& roots);
// What stands without a record: its client was killed while it prepared a service, or updated one that was removed.
// A service is prepared and recorded under the lock.
std::vector<std::string> half_made(const Roots& roots); // directories
void remove_half_made(const Roots& roots, const FileLock& held);
// The same; and takes the directories and the lock's file away when there is no node and no object any more.
void remove_if_empty(const Roots& roots, const FileLock& held);
// The same for who does not hold the lock; whoever does looks itself. Never waits.
void tidy(const Roots& roots);

// JSON in the shape of Docker's API: what stands in the store, and what inspect prints (with_defaults() first).
std::string to_json(const ServiceSpec& spec);
ServiceSpec service_spec_from_json(const std::string& text, const std::string& file);
std::string to_json(const Service& service);
Service service_from_json(const std::string& text, const std::string& file);
std::string to_json(const Task& task);
Task task_from_json(const std::string& text, const std::string& file);
std::string to_json(const Config& config);
Config config_from_json(const std::string& text, const std::string& file);
std::string to_json(const Node& node);
Node node_from_json(const std::string& text, const std::string& file);

// What was read of services, by the files' identities: who makes many asks for all of them each time.
class ServiceMemory;

class Store {
public:
    explicit Store(const Roots& roots, std::shared_ptr<ServiceMemory> memory = nullptr)
        : roots_(roots), paths_(roots), memory_(std::move(memory)) {}
    const Paths& paths() const { return paths_; }
    const Roots& roots() const { return roots_; }

    std::optional<Node> node() const;
    void write(const Node& node) const;
    void remove_node() const;

    std::vector<Service> services() const; // sorted by name, without those that are being removed
    std::vector<Service> services_of(const std::string& project) const; // all that its supervisor has
    std::optional<Service> service(const std::string& id) const;        // the whole id
    void write(const Service& service, bool sync = true) const;         // makes its directory
    void remove_service(const std::string& id) const;                   // its record first, then tasks and templates

    std::vector<Task> tasks(const std::string& service_id) const; // by creation
    std::optional<Task> task(const std::string& service_id, const std::string& id) const;
    void write(const Task& task, bool sync = false) const;
    void remove_task(const std::string& service_id, const std::string& id) const;

    std::vector<Config> files(FileKind kind) const; // sorted by name; data included
    std::optional<Config> file(FileKind kind, const std::string& id) const;
    void write(FileKind kind, const Config& file) const;
    void remove_file(FileKind kind, const std::string& id) const;

private:
    std::vector<Service> all_services() const;

    Roots roots_;
    Paths paths_;
    std::shared_ptr<ServiceMemory> memory_;
};

std::shared_ptr<ServiceMemory> make_service_memory(); // safe for several threads

} // namespace davit::swarm
