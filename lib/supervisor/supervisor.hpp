// The supervisor of one project: everything put together on one loop.
#pragma once

#include "base/event_loop.hpp"
#include "base/file.hpp"
#include "net/dns/registry.hpp"
#include "net/dns/server.hpp"
#include "supervisor/container/containers.hpp"
#include "supervisor/control.hpp"
#include "supervisor/daemon.hpp"
#include "supervisor/event_log.hpp"
#include "supervisor/guard.hpp"
#include "supervisor/helper/reaper.hpp"
#include "supervisor/metadata/samples.hpp"
#include "supervisor/metadata/server.hpp"
#include "supervisor/network/networks.hpp"
#include "supervisor/plans/plans.hpp"
#include "supervisor/scope_keeper.hpp"
#include "supervisor/tasks/leaving_networks.hpp"
#include "supervisor/tasks/task_runner.hpp"
#include "supervisor/world.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace davit::supervisor {

class Supervisor : private ControlHandler {
public:
    // lock: the project's supervisor lock, held for life. guard: where one was started already. Adopts what runs and
    // listens.
    Supervisor(Roots roots, std::string project, FileLock lock, Guard guard);
    ~Supervisor() override;

    // The one that started it: its plan will need the helper, which starts while the client stages.
    void add_client(UniqueFd connection);
    // Until the project has nothing that needs a supervisor.
    void run();

private:
    // What the metadata endpoint says in the network that a container holds.
    metadata::Answer ecs_answer(const std::string& holder, const std::string& path);
    void on_apply(SessionId session, int id, const std::string& token, Plan plan) override;
    void on_cancel(SessionId session, int id) override;
    void on_preempt(SessionId session, int id,
                    const std::map<std::string, std::chrono::nanoseconds>& patience) override;
    void on_set_service(const ServiceChange& change) override;
    void on_remove_service(const std::string& id) override;
    void on_leave_network(const std::string& name) override;
    void on_keep_network(const std::string& name) override;
    void on_node_changed() override;
    void on_scope(ScopeRecord record) override;
    void on_end_scope(SessionId session, int id, bool take_down) override;
    bool on_bye() override;
    void on_closed(SessionId session) override;

    World make_world();
    void listen();
    void forget_project();
    void plan_begins(const Plan& plan);
    void prepare_helpers(const Plan& plan);
    void release_helpers();
    void plan_ended();
    void tasks_idle();
    void emit(Event event);
    void take_turn(std::function<void()> work);
    void next_turn();
    void sync_soon(const std::string& file);
    void clear_abandoned();
    bool nothing_left() const;
    bool holds_addresses();
    void set_shutting_down(bool now);
    bool lingers();
    void is_used();
    void consider_exit();
    void clean_up();

    Roots roots_;
    std::string project_;
    FileLock lock_; // given up last
    OwnCgroup group_;
    EventLoop loop_;
    RecordStore store_;
    ProjectPaths paths_;
    Reaper reaper_;
    Helper files_helper_, net_helper_;
    net::dns::Registry registry_;
    net::dns::Server dns_;
    net::NetlinkSocket host_;
    Networks networks_;
    metadata::Server metadata_;
    metadata::Samples samples_;
    UniqueFd shim_exe_;
    runtime::ShimNursery nursery_;
    World world_;
    Containers containers_;
    LeavingNetworks leaving_;
    TaskRunner tasks_;
    EventLog event_log_;
    Control control_;
    Plans plans_;
    ScopeKeeper scope_;
    std::deque<std::function<void()>> turns_;
    std::set<std::string> to_sync_;
    std::set<std::string> changed_; // containers
    bool turn_posted_ = false;
    bool abandoned_stays_ = false; // it cannot be removed
    bool lingered_ = false;
    EventLoop::Watch sync_timer_, linger_, machine_linger_, terminate_, nursery_idle_, shrink_timer_, listen_again_;
};

} // namespace davit::supervisor
