// A project for tests on a private host: busybox containers, plans, a client, its events.
#pragma once

#include "base/sys.hpp"
#include "project/store.hpp"
#include "runtime/spec.hpp"
#include "supervisor/client/protocol.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace davit::test {

// Skips the program (exit 77) without root, busybox or a private host.
void need_machine();
// Runs a command of the host; its output. Fails the test when it fails.
std::string shell(const std::string& script);

using Ids = std::vector<int>;

class PlanMaker {
public:
    explicit PlanMaker(std::string project) { plan.project = std::move(project); }
    int add(OpKind kind, const std::string& container, Ids after = {}, std::function<void(Operation&)> edit = {});
    int network(OpKind kind, const std::string& name, Ids after = {});
    Plan plan;
};

class Lab {
public:
    explicit Lab(const std::string& project);
    ~Lab(); // takes everything down and waits for the supervisor's end

    using Edit = std::function<void(ContainerRecord&, runtime::Spec&)>;
    // Stages sh -c script as container <project>-<name>-1 on the project's default network; its id.
    std::string add(const std::string& name, const std::string& script, const Edit& edit = {});
    static Edit on_no_network();
    void stage_network(const std::string& name, const std::function<void(NetworkRecord&)>& edit = {});

    // Create (with the default network) and start all that was added since the last call.
    Plan up_plan(bool start = true);
    void apply(const Plan& plan);
    void up() { apply(up_plan()); }
    void one(OpKind kind, const std::string& id, const std::function<void(Operation&)>& edit = {});
    Plan down_plan() const;
    void down() { apply(down_plan()); }

    ContainerRecord record(const std::string& id) const;
    ContainerStatus status(const std::string& id) const { return store.status(record(id)); }
    std::string log(const std::string& id) const;                          // raw json-file
    std::string out(const std::string& id, const std::string& file) const; // a file of its upper directory
    // Looks every few ms until it holds; fails the test after 10 s.
    void until(const char* what, const std::function<bool()>& holds) const;
    int supervisor_pid() const; // 0: none
    int shim_pid(const std::string& id) const;
    bool saw(EventKind kind, const std::string& id = {}) const;

    Roots roots;
    std::string project;
    ProjectPaths paths;
    RecordStore store;
    std::vector<Event> events;
    std::vector<std::string> staged, all;
    bool has_network = false;
};

} // namespace davit::test
