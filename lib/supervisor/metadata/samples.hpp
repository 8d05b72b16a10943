// What containers used when it was last asked for: rates are the difference of two samples.
#pragma once

#include "runtime/usage.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace davit::supervisor::metadata {

struct Sample {
    std::int64_t read_ns = 0; // since the epoch; 0: there is none
    std::uint64_t machine_cpu_ns = 0;
    unsigned processors = 0;
    runtime::Usage usage;
};

struct TwoSamples {
    Sample before, now;
};

class Samples {
public:
    TwoSamples take(const std::string& container_id, pid_t init);
    void keep_only(const std::function<bool(const std::string& container_id)>& wanted);

private:
    std::map<std::string, Sample> last_;
};

// The answer of the engine's API to "stats", which ECS passes on. Pure.
std::string stats_json(const std::string& id, const std::string& name, const TwoSamples& samples);

} // namespace davit::supervisor::metadata
