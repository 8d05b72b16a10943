#include "container/update.hpp"

#include "base/error.hpp"

#include <doctest/doctest.h>

using namespace davit;

namespace {

constexpr std::int64_t mib = 1 << 20;
constexpr int cpus = 2;

std::string refusal(const runtime::Resources& now, const ContainerUpdate& update) {
    try {
        updated_limits(now, update, cpus);
    } catch (const Error& e) {
        return e.what();
    }
    return "";
}

ContainerUpdate memory(std::int64_t limit, std::int64_t swap = 0, std::int64_t low = 0) {
    ContainerUpdate u;
    u.memory = limit;
    u.memory_swap = swap;
    u.memory_reservation = low;
    return u;
}

runtime::Resources with_memory(std::int64_t limit) {
    runtime::Resources r;
    r.memory = limit;
    return r;
}

} // namespace

TEST_CASE("memory and swap change together, and what was not asked for stays") {
    runtime::Resources now = with_memory(64 * mib);
    now.pids = 7;
    const UpdatedLimits both = updated_limits(now, memory(96 * mib, 128 * mib), cpus);
    CHECK(both.all.memory == 96 * mib);
    CHECK(both.all.memory_swap == 128 * mib);
    CHECK(both.all.pids == 7);
    CHECK(both.changed.memory == 96 * mib);
    CHECK(!both.changed.pids);
    // The swap that was there by default is what it is measured by.
    CHECK(updated_limits(now, memory(100 * mib), cpus).all.memory_swap == 128 * mib);
    CHECK(refusal(now, memory(200 * mib)).starts_with("Memory limit should be smaller than already set memoryswap"));
    CHECK(refusal({}, memory(200 * mib)).starts_with("Memory limit should be smaller than already set memoryswap"));
    CHECK(refusal(now, memory(200 * mib, -1)).empty());
    CHECK(updated_limits(now, memory(-1), cpus).all.memory_swap == -1);
    CHECK(updated_limits({}, memory(0, 0, 32 * mib), cpus).changed.reservation == 32 * mib);
}

TEST_CASE("values that Docker refuses") {
    const auto now = with_memory(64 * mib);
    CHECK(refusal(now, memory(mib)) == "Minimum memory limit allowed is 6MB");
    CHECK(refusal(now, memory(32 * mib, 16 * mib)).starts_with("Minimum memoryswap limit should be larger"));
    CHECK(refusal(now, memory(0, 0, mib)) == "Minimum memory reservation allowed is 6MB");
    CHECK(refusal(now, memory(32 * mib, 0, 40 * mib)).starts_with("Minimum memory limit can not be less"));
    const auto with = [](auto set) {
        ContainerUpdate u;
        set(u);
        return u;
    };
    CHECK(refusal({}, with([](auto& u) { u.cpus = 3; })).starts_with("range of CPUs is from 0.01 to 2.00"));
    CHECK(refusal({}, with([](auto& u) { u.cpu_shares = -1; })).starts_with("invalid CPU shares"));
    CHECK(refusal({}, with([](auto& u) { u.cpu_period = 10; })).starts_with("CPU cfs period"));
    CHECK(refusal({}, with([](auto& u) { u.cpu_quota = 10; })).starts_with("CPU cfs quota"));
    CHECK(refusal({}, with([](auto& u) { u.cpuset_cpus = "0-7"; })).starts_with("Requested CPUs are not available"));
    CHECK(refusal({}, with([](auto& u) { u.blkio_weight = 5; })) == "Range of blkio weight is from 10 to 1000");
    CHECK(refusal({}, with([](auto& u) { u.cpus = 1, u.cpu_quota = 5000; })).find("cannot both be set") !=
          std::string::npos);
}

TEST_CASE("cpus and quota do not mix, over several updates either") {
    ContainerUpdate half, quota;
    half.cpus = 0.5;
    quota.cpu_quota = 5000;
    const auto by_cpus = updated_limits({}, half, cpus);
    CHECK(by_cpus.all.cpu_quota == 50'000);
    CHECK(by_cpus.all.cpu_period == 100'000u);
    CHECK(refusal(by_cpus.all, quota) ==
          "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set");
    const auto by_quota = updated_limits({}, quota, cpus);
    CHECK(by_quota.changed.cpu_quota == 5000);
    CHECK(refusal(by_quota.all, half) ==
          "Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set");
}

TEST_CASE("what is 0 is not asked for, and -1 processes are all that there may be") {
    ContainerUpdate u;
    u.memory = 0;
    u.cpus = 0;
    u.pids_limit = 0;
    u.cpuset_cpus = "";
    CHECK(updated_limits(with_memory(64 * mib), u, cpus).changed == runtime::Resources{});
    u.pids_limit = -5;
    CHECK(updated_limits({}, u, cpus).changed.pids == -1);
}

TEST_CASE("restart policies") {
    ContainerRecord record;
    CHECK(updated_restart(record, "no") == "no");
    CHECK(updated_restart(record, "always") == "always");
    CHECK(updated_restart(record, "unless-stopped") == "unless-stopped");
    CHECK(updated_restart(record, "on-failure") == "on-failure");
    CHECK(updated_restart(record, "on-failure:3") == "on-failure:3");
    CHECK_THROWS_WITH_AS(updated_restart(record, "bogus"), doctest::Contains("unknown policy 'bogus'"), Error);
    record.auto_remove = true;
    CHECK(updated_restart(record, "no") == "no");
    CHECK_THROWS_AS(updated_restart(record, "always"), Error);
}
