// The containers of the project: made from staging, removed with their files.
#pragma once

#include "supervisor/container/container.hpp"
#include "supervisor/world.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>

namespace davit::supervisor {

class Containers {
public:
    using Done = Container::Done;

    explicit Containers(World& world) : world_(world) {}

    void load(); // from the records; running ones are adopted
    Container* find(const std::string& id) const;
    Container& get(const std::string& id) const; // throws not_found
    bool empty() const { return all_.empty(); }
    bool any_active() const;
    void pay_records(); // those that a full disk refused
    const std::map<std::string, std::shared_ptr<Container>>& all() const { return all_; }

    // Takes staging/<id> over. One that is there already is fine.
    void create(const std::string& id);
    // order: start-first. What the old one had published is the new one's.
    void hand_over(const std::string& from, const std::string& to, Done done);
    // Missing is fine.
    void remove(const std::string& id, bool force, bool volumes, Done done);
    void remove_volumes(const std::vector<std::string>& names); // in the background
    // An essential container has ended: the others of its ECS task are stopped, what holds their network last.
    void end_task(const ContainerRecord& ended);

private:
    struct EndingTask {
        std::map<std::string, std::int64_t> left; // ids, and when they had started
        std::set<std::string> asked;
    };
    void stop_next(const std::shared_ptr<EndingTask>& ending);
    void clear_remains();
    ContainerStatus status_of(const ContainerRecord& record) const;
    int throw_away(const std::string& id, const std::string& trash);
    void remove_files(std::shared_ptr<Container> container, bool volumes, Done done);

    World& world_;
    std::map<std::string, std::shared_ptr<Container>> all_;
};

} // namespace davit::supervisor
