// One service and its tasks while they are decided about. All changes of a task go through here, so that what is
// saved, what the node has taken and which slots are looked at again follow by themselves.
#pragma once

#include "swarm/orchestrator/orchestrator.hpp"
#include "swarm/orchestrator/updater.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace davit::swarm {

inline constexpr std::int64_t second = 1'000'000'000;

struct Entry {
    Task task;
    std::shared_ptr<const TaskVersion> version; // what it is made from; never null
    bool unsaved = false;
    bool prepare_asked = false, start_asked = false, stop_asked = false;
    bool outlived = false; // its state has ended, its container has not: the node may not have it any more
    bool holds = false;    // reservations and host ports of the node
    bool counted = false;  // among the service's tasks on the node
    bool wanted() const { return task.desired <= TaskState::complete; }
    bool ended() const { return task.state >= TaskState::complete; }
    bool placed() const { return task.state >= TaskState::assigned; }
    bool removed() const { return task.desired >= TaskState::remove; }
};

// What tasks of this project hold of the node.
struct Ledger {
    std::int64_t nano_cpus = 0, memory = 0;
    std::map<std::pair<std::string, std::uint16_t>, int> host_ports;
    bool freed = false; // since pending tasks were last looked at
    void book(const TaskVersion& version, int sign);
};

struct Round {
    std::int64_t now;
    const NodeFacts& node;
    const std::function<std::string()>& new_id;
};

class ServiceState {
public:
    using Slot = std::vector<std::unique_ptr<Entry>>; // by creation

    ServiceState(Service service, Ledger& ledger);
    ServiceState(const ServiceState&) = delete;
    ServiceState& operator=(const ServiceState&) = delete;

    void load(std::vector<Task> tasks);
    void set(Service service);
    // The versions that tasks have besides spec and previous are written down with the service.
    void keep_versions();
    void take_previous(); // an automatic roll-back: spec is what it was, and there is nothing before it

    Entry& create(std::uint64_t slot, const Round& round);
    void desire(Entry& entry, TaskState desired, std::int64_t now);
    void move(Entry& entry, TaskState state, const std::string& message, const std::string& error, std::int64_t now);
    void erase(Entry& entry); // the record goes; the slot with its last task
    void touch(const Entry& entry);
    void touch_all();
    void wake_at(std::uint64_t slot, std::int64_t time); // 0: not
    void touch_due(std::int64_t now);
    std::int64_t next_time() const;

    Entry* find(const std::string& task);
    const Entry* find(const std::string& task) const;
    bool dirty(const Entry& entry, const NodeFacts& node) const;
    bool global() const;
    bool job() const { return service.spec.mode.job(); }
    TaskState goal() const { return job() ? TaskState::complete : TaskState::running; }

    Service service;
    std::map<std::uint64_t, Slot> slots;
    std::map<std::string, Entry*> waiting; // pending, by id
    std::set<std::uint64_t> touched;       // to be decided about
    std::set<std::uint64_t> acted;         // decided about since actions were last collected
    std::size_t on_node = 0;
    bool unsaved = false, unreconciled = true, resumed = false, try_waiting = true;
    Updater updater;

private:
    std::shared_ptr<const TaskVersion> version_of(std::uint64_t spec_version) const;
    void renew_current();
    Entry& add(Task task, std::shared_ptr<const TaskVersion> version);
    void recount(Entry& entry);

    Ledger& ledger_;
    std::shared_ptr<const TaskVersion> current_;
    std::unordered_map<std::string, Entry*> by_id_;
    std::map<std::uint64_t, std::int64_t> wake_of_;
    std::set<std::pair<std::int64_t, std::uint64_t>> wakes_;
};

} // namespace davit::swarm
