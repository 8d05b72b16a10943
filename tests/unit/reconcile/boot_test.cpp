#include "reconcile/boot.hpp"

#include "fixture.hpp"
#include "reconcile/labels.hpp"

using namespace davit;
using davit::test::World;
using Kind = BootStep::Kind;

namespace {

struct Row {
    const char* name;
    RestartKind policy;
    DesiredState desired;
    std::optional<int> exit_code; // of the last run; empty: nobody saw it end
    Kind after_reboot, in_same_boot;
};

constexpr auto no = RestartKind::no, always = RestartKind::always, unless = RestartKind::unless_stopped,
               failing = RestartKind::on_failure;
constexpr auto created = DesiredState::created, runs = DesiredState::running, stopped = DesiredState::stopped;

// "In the same boot": what `system boot` does when its unit is started again.
const Row rows[] = {
    {"no: whatever it did", no, runs, {}, Kind::leave, Kind::leave},
    {"no: stopped", no, stopped, 143, Kind::leave, Kind::leave},
    {"always: ran when the power failed", always, runs, {}, Kind::start, Kind::start},
    {"always: stopped by the shutdown", always, runs, 143, Kind::start, Kind::start},
    {"always: ended with 0", always, runs, 0, Kind::start, Kind::start},
    {"always: stopped by hand", always, stopped, 137, Kind::start, Kind::leave},
    {"always: never started", always, created, {}, Kind::leave, Kind::leave},
    {"unless-stopped: ran", unless, runs, {}, Kind::start, Kind::start},
    {"unless-stopped: stopped by the shutdown", unless, runs, 0, Kind::start, Kind::start},
    {"unless-stopped: stopped by hand", unless, stopped, 0, Kind::leave, Kind::leave},
    {"unless-stopped: never started", unless, created, {}, Kind::leave, Kind::leave},
    {"on-failure: ran when the power failed", failing, runs, {}, Kind::start, Kind::start},
    {"on-failure: had failed", failing, runs, 3, Kind::start, Kind::start},
    {"on-failure: had ended with 0", failing, runs, 0, Kind::leave, Kind::leave},
    {"on-failure: stopped by hand", failing, stopped, 137, Kind::leave, Kind::leave},
};

ContainerStatus ended(std::optional<int> code) {
    ContainerStatus s;
    s.state = ContainerState::exited;
    s.exit_known = code.has_value();
    s.exit_code = code.value_or(255);
    return s;
}

struct BootShop : World {
    BootShop() {
        add("db", "");
        add("web", "db:service_healthy:false");
        add("proxy", "web:service_started:false");
        add("log", "");
    }
    void add(const std::string& name, const std::string& needs) {
        ObservedContainer& c = container(name, 1, ContainerState::exited);
        c.record.restart.kind = always;
        c.record.desired = runs;
        c.record.labels[label::depends_on] = needs;
    }
    ObservedContainer& of(const std::string& name) {
        for (auto& c : observed.containers)
            if (c.record.service == name) return c;
        throw Error(Errc::failed, name);
    }
    BootPlan boot(const std::set<std::string>& unable = {}) {
        std::map<std::string, BootStep> steps;
        std::set<std::string> without;
        for (const auto& c : observed.containers) {
            steps[c.record.id] = at_boot(c.record, c.status, false);
            if (unable.count(c.record.service)) without.insert(c.record.id);
        }
        return plan_boot({observed, nullptr}, steps, without);
    }
};

std::string shown(const Plan& plan) { return "\n" + to_text(plan); }

} // namespace

TEST_CASE("after a reboot Docker's rules say who starts") {
    for (const Row& row : rows) {
        INFO(row.name);
        ContainerRecord record;
        record.restart.kind = row.policy;
        record.desired = row.desired;
        CHECK(at_boot(record, ended(row.exit_code), false).kind == row.after_reboot);
        CHECK(at_boot(record, ended(row.exit_code), true).kind == row.in_same_boot);
    }
}

TEST_CASE("on-failure counts the attempts of before the reboot") {
    ContainerRecord record;
    record.restart = {failing, 3};
    record.desired = runs;
    ContainerStatus status = ended(1);
    status.restart_count = 3;
    CHECK(at_boot(record, status, false).kind == Kind::leave);
    status.restart_count = 2;
    CHECK(at_boot(record, status, false).kind == Kind::start);
}

TEST_CASE("what runs is left alone, and what run --rm has left goes") {
    ContainerRecord record;
    record.auto_remove = true;
    CHECK(at_boot(record, ended({}), false).kind == Kind::remove);
    CHECK(at_boot(record, ended({}), true).kind == Kind::leave); // its supervisor is about to
    ContainerStatus status;
    for (auto state : {ContainerState::running, ContainerState::paused, ContainerState::restarting}) {
        status.state = state;
        CHECK(at_boot(record, status, false).kind == Kind::runs);
    }
}

TEST_CASE("a boot goes by the dependencies, each when what it needs is healthy") {
    BootShop w;
    CHECK(shown(w.boot().plan) == R"(
[] -> #1 service:db:1, start container: restart: always
[] -> #2 service:log:1, start container: restart: always
[1] -> #3 service:db, wait container: dependents wait for it
[3] -> #4 service:web:1, start container: restart: always
[4] -> #5 service:proxy:1, start container: restart: always
)");
}

TEST_CASE("what cannot start keeps only those down that need it") {
    BootShop w;
    const BootPlan made = w.boot({"db"});
    CHECK(shown(made.plan) == "\n[] -> #1 service:log:1, start container: restart: always\n");
    CHECK(made.notes ==
          std::vector<std::string>{"service \"web\" is not started: it needs \"db\", which cannot be",
                                   "service \"proxy\" is not started: it needs \"web\", which cannot be"});
}

TEST_CASE("nobody waits for a dependency that stays down by its own policy") {
    BootShop w;
    w.of("db").record.restart.kind = no;
    const BootPlan made = w.boot();
    CHECK(made.plan.operations.front().resource == "service:log:1");
    CHECK(shown(made.plan).find("wait") == std::string::npos);
    CHECK(made.notes.size() == 1);
    // A job that was to end, and has, is no loss.
    w.of("web").record.labels[label::depends_on] = "db:service_completed_successfully:false";
    CHECK(w.boot().notes.empty());
}

TEST_CASE("a shutdown stops dependents first, whoever they are, and means nobody's desire") {
    BootShop w;
    for (auto& c : w.observed.containers) c.status.state = ContainerState::running;
    w.of("log").record.oneoff = true;
    w.of("web").record.stop_grace = 90'000'000'000;
    const Plan plan = plan_shutdown({w.observed, nullptr}, std::chrono::seconds(60));
    CHECK(plan.shutdown);
    CHECK(plan_from_json(to_json(plan)) == plan);
    std::map<std::string, const Operation*> of;
    for (const auto& op : plan.operations) of[op.container_name] = &op;
    REQUIRE(of.size() == 4);
    CHECK(of["p-web-1"]->after == std::vector<int>{of["p-proxy-1"]->id});
    CHECK(of["p-db-1"]->after == std::vector<int>{of["p-web-1"]->id});
    CHECK(of["p-web-1"]->timeout_ns == 60'000'000'000);
    CHECK(!of["p-db-1"]->timeout_ns);
    CHECK(!of["p-db-1"]->skip_hooks);
    for (const auto& op : plan_shutdown_now({w.observed, nullptr}).operations) {
        CHECK(op.after.empty());
        CHECK(op.timeout_ns == 0);
    }
}

TEST_CASE("stacks and services look after themselves") {
    CHECK(resumes_itself("stack.votes"));
    CHECK(resumes_itself("swarm.services"));
    CHECK(!resumes_itself("stack"));
    CHECK(!resumes_itself("shop"));
}
