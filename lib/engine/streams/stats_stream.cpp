#include "davit/streams.hpp"

#include "base/error.hpp"
#include "engine/streams/stream_impl.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>

namespace davit {

template class Stream<StatsSample>;

namespace {

class Sampler {
public:
    Sampler(Engine& engine, StatsStreamOptions options) : engine_(engine), options_(std::move(options)) {}

    void run(const Follower<StatsSample>::Push& push, std::stop_token stop) {
        std::mutex mutex;
        std::condition_variable_any wake;
        for (auto next = std::chrono::steady_clock::now();;) {
            if (!round(push)) return;
            // Counted from the first one, not from the end of this: but for rounds that were passed over.
            next = std::max(next + options_.interval, std::chrono::steady_clock::now());
            std::unique_lock lock(mutex);
            wake.wait_until(lock, stop, next, [] { return false; });
            if (stop.stop_requested()) return;
        }
    }

private:
    bool round(const Follower<StatsSample>::Push& push) {
        std::map<std::string, ContainerStats> now;
        for (ContainerInfo& c :
             options_.project.empty() ? engine_.all_containers() : engine_.containers(options_.project)) {
            if (!c.pid || !wanted(c)) continue;
            StatsSample sample;
            sample.stats = now[c.id] = stats(c);
            sample.cpu_percent = cpu_since(c.id, sample.stats);
            sample.container = std::move(c);
            const std::size_t weight = sizeof sample + sample.container.labels.size() * 64;
            if (!push(std::move(sample), weight)) return false;
        }
        before_ = std::move(now);
        return true;
    }

    bool wanted(const ContainerInfo& c) const {
        const auto& names = options_.services;
        return names.empty() || std::find(names.begin(), names.end(), c.service) != names.end();
    }

    double cpu_since(const std::string& id, const ContainerStats& now) const {
        const auto found = before_.find(id);
        // One that was started again counts from nothing.
        if (found == before_.end() || now.cpu_ns < found->second.cpu_ns || now.taken_ns <= found->second.taken_ns)
            return 0;
        return 100.0 * static_cast<double>(now.cpu_ns - found->second.cpu_ns) /
               static_cast<double>(now.taken_ns - found->second.taken_ns);
    }

    Engine& engine_;
    StatsStreamOptions options_;
    std::map<std::string, ContainerStats> before_; // by container
};

} // namespace

Stream<StatsSample> stats_stream(Engine& engine, const StatsStreamOptions& options) {
    if (options.interval.count() <= 0)
        throw error(Errc::usage, "the interval of stats_stream() must be more than nothing");
    auto sampler = std::make_shared<Sampler>(engine, options);
    return Stream<StatsSample>(std::make_unique<Stream<StatsSample>::Impl>(
        [sampler](const Follower<StatsSample>::Push& push, std::stop_token stop) { sampler->run(push, stop); }));
}

} // namespace davit
