// A node with a clock of its own and an agent that performs the orchestrator's actions: containers that take their
// time, end, fail or get healthy as a program says. What was saved stands on a disk, from which a supervisor can
// begin again.
#pragma once

#include "swarm/orchestrator/change.hpp"
#include "swarm/orchestrator/orchestrator.hpp"

#include <doctest/doctest.h>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace davit::test {

inline constexpr std::int64_t ms = 1'000'000, s = 1'000 * ms;
inline constexpr std::int64_t never = -1;

// What a version of a service does.
struct Program {
    std::string name;
    std::int64_t runs = never; // then it ends with `exit`
    int exit = 0;
    std::int64_t healthy_after = 0;       // 0: it has no check; never: not at all
    std::int64_t unhealthy_after = 2 * s; // one that never gets healthy
    std::int64_t stops_in = 100 * ms;
    std::string rejected, start_error;
};

// Each scenario runs twice: the second time the supervisor begins again after everything that happens.
inline constexpr bool both[] = {false, true};

inline const Program v1{.name = "v1"}, v2{.name = "v2"}, v3{.name = "v3"};
inline const Program bad{.name = "bad", .runs = 0, .exit = 1}; // "running" for no time at all
inline const Program slow{.name = "slow", .runs = 3 * s};

// A specification with one environment variable that tells versions apart.
swarm::ServiceSpec replicated(std::uint64_t replicas, const Program& program = v1);
swarm::ServiceSpec global(const Program& program = v1);
swarm::UpdateConfig quick(std::int64_t monitor = 1 * s); // an update_config with this monitor

class Cluster {
public:
    explicit Cluster(bool reboots = false); // reboots: the supervisor begins again after everything that happens

    // Creates the service or changes its specification, as `stack deploy` does.
    void deploy(const std::string& name, swarm::ServiceSpec spec);
    void deploy(const std::string& name, swarm::ServiceSpec spec, const Program& program);
    void scale(const std::string& name, std::uint64_t replicas);
    void force(const std::string& name);
    bool rollback(const std::string& name);
    void remove(const std::string& name);
    void node(const std::function<void(swarm::NodeFacts&)>& change);
    void report(const std::string& task, const swarm::Report& report);
    void kill(const std::string& task); // its container, behind the back
    int running() const { return up_; } // containers
    void reboot();
    Program& program(const std::string& name); // the latest that is called so

    void run(std::int64_t time);
    // Until it holds; false after `limit`.
    bool until(const std::function<bool()>& holds, std::int64_t limit = 120 * s);
    bool until_status(const std::string& name, const std::string& state);
    bool until_running(const std::string& name, std::size_t count);

    // "1 running running" lines, by slot, newest first; with the error where there is one.
    std::vector<std::string> ps(const std::string& name) const;
    std::size_t count(const std::string& name, swarm::TaskState state) const;
    std::vector<const swarm::Task*> tasks(const std::string& name) const;
    const swarm::Service& service(const std::string& name) const;
    std::string status(const std::string& name) const;  // "completed: update completed"; "-"
    std::string message(const std::string& name) const; // with <id> in place of a task's id
    std::string slots() const;                          // "1: v1 start, v1 stop, v2 start\n…"
    std::size_t starts(const std::string& version) const;
    std::pair<int, int> alive() const; // fewest and most containers since watch_alive()
    void watch_alive();
    std::vector<std::int64_t> start_times(const std::string& version) const;

    std::int64_t now = 1'000'000 * s;
    swarm::Taken elsewhere;
    std::int64_t history = 5; // of the swarm
    std::optional<swarm::Orchestrator> orchestrator;
    std::size_t advances = 0, saves = 0;

private:
    struct Container {
        std::string task, slot, version;
        Program program;
        bool up = false;
    };
    struct Event {
        std::int64_t at;
        std::uint64_t order;
        std::function<void()> happens;
        bool operator<(const Event& o) const { return at != o.at ? at < o.at : order < o.order; }
    };
    void begin();
    void advance();
    void perform(const swarm::Action& action);
    void start(Container& container);
    void stop(const std::string& task);
    void end(const std::string& task, const swarm::Report& report);
    void later(std::int64_t after, std::function<void()> happens);
    void write(const std::string& slot, const std::string& version, const char* what);
    bool step(std::int64_t limit);

    bool reboots_;
    swarm::NodeFacts node_;
    std::uint64_t ids_ = 0, orders_ = 0, templates_ = 0;
    std::map<std::string, std::string> id_of_;       // service name → id
    std::map<std::uint64_t, Program> programs_;      // template → what it does
    std::map<std::string, swarm::Service> services_; // on the disk
    std::map<std::string, swarm::Task> tasks_;       // on the disk
    std::map<std::string, Container> containers_;    // by task
    std::set<Event> events_;
    struct Line {
        std::int64_t at;
        std::string slot, version, what;
    };
    std::vector<Line> log_;
    int up_ = 0, fewest_ = 0, most_ = 0;
};

} // namespace davit::test
