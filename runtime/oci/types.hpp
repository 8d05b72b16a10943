// Words of the OCI runtime-spec that stand in a Spec beside what the steps are made of: read, kept and
// written; what davit does not act on yet is told by not_acted_on() (document.hpp).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace davit::runtime {

struct IdMapping {
    std::uint32_t container = 0, host = 0, size = 0;
    bool operator==(const IdMapping&) const = default;
};

struct Hook {
    std::string path;
    std::vector<std::string> args, env;
    std::optional<std::int64_t> timeout; // seconds
    bool operator==(const Hook&) const = default;
};

struct Hooks {
    std::vector<Hook> prestart, create_runtime, create_container, start_container, poststart, poststop;
    bool operator==(const Hooks&) const = default;
};

struct Scheduler {
    std::string policy; // "SCHED_FIFO"
    std::int32_t nice = 0, priority = 0;
    std::vector<std::string> flags;
    std::uint64_t runtime = 0, deadline = 0, period = 0; // ns
    bool operator==(const Scheduler&) const = default;
};

struct IoPriority {
    std::string io_class; // "IOPRIO_CLASS_IDLE"
    std::int32_t priority = 0;
    bool operator==(const IoPriority&) const = default;
};

struct CpuAffinity { // of processes that join: "0-3,7"
    std::string initial, final;
    bool operator==(const CpuAffinity&) const = default;
};

struct IntelRdt {
    std::string clos_id, l3_cache_schema, mem_bw_schema;
    std::vector<std::string> schemata;
    std::optional<bool> enable_cmt, enable_mbm, enable_monitoring;
    bool operator==(const IntelRdt&) const = default;
};

struct MemoryPolicy {
    std::string mode, nodes; // "MPOL_BIND", "0,2"
    std::vector<std::string> flags;
    bool operator==(const MemoryPolicy&) const = default;
};

struct Personality {
    std::string domain; // "LINUX32"
    std::vector<std::string> flags;
    bool operator==(const Personality&) const = default;
};

struct TimeOffset {
    std::int64_t secs = 0;
    std::uint32_t nanosecs = 0;
    bool operator==(const TimeOffset&) const = default;
};

struct NetDevice {    // a device of the host that moves in
    std::string name; // inside; empty: its own
    bool operator==(const NetDevice&) const = default;
};

struct NetworkPriority {
    std::string name;
    std::uint32_t priority = 0;
    bool operator==(const NetworkPriority&) const = default;
};

struct RdmaLimit {
    std::optional<std::uint32_t> handles, objects;
    bool operator==(const RdmaLimit&) const = default;
};

// What a document said and a Spec has no place for (an explicit default, another order, a word of tomorrow, the
// part of another system): written back in place of `written`, as long as that is still what would be written.
struct AsItCame {
    std::string pointer;       // JSON pointer
    std::string came, written; // JSON; empty: not there
    bool operator==(const AsItCame&) const = default;
};

} // namespace davit::runtime
