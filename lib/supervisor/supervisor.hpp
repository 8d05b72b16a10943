// The supervisor of one project: everything put together on one loop.
#pragma once

#include "base/event_loop.hpp"
#include "base/file.hpp"
#include "net/dns/registry.hpp"
#include "net/dns/server.hpp"
#include "supervisor/container/containers.hpp"
#include "supervisor/control.hpp"
#include "supervisor/daemon.hpp"
#include "supervisor/helper/reaper.hpp"
#include "supervisor/journal.hpp"
#include "supervisor/network/networks.hpp"
#include "supervisor/plan_runner.hpp"
#include "supervisor/world.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace davit::supervisor {

class Supervisor : private ControlHandler {
public:
    // lock: the project's supervisor lock, held for life. Adopts what runs and listens.
    Supervisor(Roots roots, std::string project, FileLock lock);
    ~Supervisor() override;

    // The one that started it: its plan will need the helper, which starts while the client stages.
    void add_client(UniqueFd connection);
    // Until the project has nothing that needs a supervisor.
    void run();

private:
    struct Request {
        SessionId session = 0;
        int id = 0;
        std::string token;
        Plan plan;
    };
    struct Current {
        std::shared_ptr<PlanRunner> runner;
        std::vector<std::pair<SessionId, int>> listeners; // sessions that wait for its result
        EventLoop::Watch return_limit;
    };

    void on_apply(SessionId session, int id, const std::string& token, Plan plan) override;
    void on_cancel(SessionId session, int id) override;
    void on_preempt(SessionId session, int id,
                    const std::map<std::string, std::chrono::nanoseconds>& patience) override;
    std::vector<std::string> on_status() override;
    bool on_bye() override;
    void on_closed(SessionId session) override;

    World make_world();
    void listen();
    void forget_project();
    void prepare_helpers(const Plan& plan);
    void release_helpers();
    void resume();
    void next_plan();
    void start_plan(Request request, std::set<int> done_before);
    std::optional<Error> staleness(const Plan& plan) const;
    void finished(const std::optional<Error>& failure);
    void expect_client();
    void emit(Event event);
    void take_turn(std::function<void()> work);
    void next_turn();
    void sync_soon(const std::string& file);
    bool nothing_left() const;
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
    UniqueFd shim_exe_;
    runtime::ShimNursery nursery_;
    World world_;
    Containers containers_;
    Journal journal_;
    Control control_;
    std::unique_ptr<Current> current_;
    std::deque<Request> queue_;
    std::vector<std::pair<SessionId, int>> preempters_;
    std::deque<std::pair<std::string, std::optional<Error>>> ended_; // tokens and results of the last plans
    std::deque<std::function<void()>> turns_;
    std::set<std::string> to_sync_;
    bool turn_posted_ = false, changed_posted_ = false;
    EventLoop::Watch sync_timer_, linger_, terminate_, nursery_idle_, shrink_timer_, listen_again_;
};

} // namespace davit::supervisor
