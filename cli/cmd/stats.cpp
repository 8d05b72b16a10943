#include "cli/cmd/stats.hpp"
#include "base/sys.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/docker_errors.hpp"
#include "cli/format/container.hpp"
#include "cli/format/size.hpp"
#include "cli/format/template.hpp"
#include "cli/options.hpp"
#include "cli/terminal.hpp"
#include "davit/stats.hpp"

#include <condition_variable>
#include <cstdio>
#include <fmt/format.h>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace davit::cli {

namespace {

using Samples = std::map<std::string, ContainerStats>; // by container id

Samples sample(const std::vector<ContainerInfo>& containers) {
    Samples out;
    for (const ContainerInfo& c : containers)
        if (c.pid) out[c.id] = stats(c);
    return out;
}

nlohmann::json row_of(const ContainerInfo& c, const ContainerStats* before, const ContainerStats* now, bool truncate) {
    const ContainerStats none;
    const ContainerStats& u = now ? *now : none;
    const double elapsed = now && before ? static_cast<double>(now->taken_ns - before->taken_ns) : 0;
    const double cpu = elapsed > 0 ? static_cast<double>(now->cpu_ns - before->cpu_ns) / elapsed * 100 : 0;
    const double share = u.memory_limit ? static_cast<double>(u.memory) / static_cast<double>(u.memory_limit) * 100 : 0;
    const auto pair = [](std::uint64_t a, std::uint64_t b) {
        return human_size(static_cast<double>(a), 3) + " / " + human_size(static_cast<double>(b), 3);
    };
    return {{"BlockIO", pair(u.block_read, u.block_written)},
            {"CPUPerc", fmt::format("{:.2f}%", cpu)},
            {"Container", truncate ? short_id(c.id) : c.id},
            {"ID", truncate ? short_id(c.id) : c.id},
            {"MemPerc", fmt::format("{:.2f}%", share)},
            {"MemUsage", human_size_binary(static_cast<double>(u.memory)) + " / " +
                             human_size_binary(static_cast<double>(u.memory_limit))},
            {"Name", c.name},
            {"NetIO", pair(u.network_received, u.network_sent)},
            {"PIDs", std::to_string(u.pids)}};
}

const nlohmann::json& headers() {
    static const nlohmann::json h = {{"BlockIO", "BLOCK I/O"}, {"CPUPerc", "CPU %"}, {"Container", "CONTAINER"},
                                     {"ID", "CONTAINER ID"},   {"MemPerc", "MEM %"}, {"MemUsage", "MEM USAGE / LIMIT"},
                                     {"Name", "NAME"},         {"NetIO", "NET I/O"}, {"PIDs", "PIDS"}};
    return h;
}

// false: stop was requested meanwhile.
bool pause_between(std::chrono::milliseconds time, std::stop_token stop) {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock lock(mutex);
    changed.wait_for(lock, stop, time, [] { return false; });
    return !stop.stop_requested();
}

} // namespace

int show_stats(Context& context, const StatsView& view) {
    const ListFormat shape = ListFormat::parse(view.format, "container.statsContext");
    const std::stop_token stop = context.stop();
    const bool redraw = !view.no_stream && is_terminal(STDOUT_FILENO) && shape.kind != ListFormat::Kind::json;
    auto containers = view.which();
    Samples before = sample(containers);
    // CPU use is a difference: the first row needs two looks.
    while (pause_between(std::chrono::milliseconds(view.no_stream ? 500 : 1000), stop)) {
        containers = view.which();
        Samples now = sample(containers);
        std::vector<nlohmann::json> rows;
        for (const ContainerInfo& c : containers) {
            const auto a = before.find(c.id), b = now.find(c.id);
            rows.push_back(row_of(c, a == before.end() ? nullptr : &a->second, b == now.end() ? nullptr : &b->second,
                                  !view.no_trunc));
            if (view.called) rows.back()["Container"] = view.called(c);
        }
        const std::string text = render_list(
            shape, rows, {"ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs"}, headers());
        std::fputs(((redraw ? "\x1b[H\x1b[J" : "") + text).c_str(), stdout);
        std::fflush(stdout);
        before = std::move(now);
        if (view.no_stream) return 0;
    }
    return docker_is_spoken() ? 0 : 130; // a look that ends when one has seen enough
}

int run_stats(Globals& globals, const Args& args) {
    bool all = false;
    StatsView view;
    std::vector<std::string> services;
    Options options(globals, "stats [OPTIONS] [SERVICE]",
                    "Display a live stream of container(s) resource usage statistics");
    options.flag("a,all", all, "Show all containers (default shows just running)")
        .value("format", view.format,
               "Format output using a custom template: 'table', 'table TEMPLATE', 'json', or a Go template")
        .flag("no-stream", view.no_stream, "Disable streaming stats and only pull the first result")
        .flag("no-trunc", view.no_trunc, "Do not truncate output")
        .arguments(services);
    if (!options.parse(args)) return 0;
    Context context(globals);
    const ContainerFilter filter{services, all, true, 0};
    view.which = [&] { return containers_of(context, filter); };
    if (view.no_stream && view.which().empty()) return 0; // as docker compose: not even the titles
    return show_stats(context, view);
}

} // namespace davit::cli
