#include "container/container.hpp"

#include "base/error.hpp"
#include "compose/place.hpp"
#include "container/builder.hpp"
#include "runtime/defaults.hpp"

#include <fmt/format.h>

namespace davit {

BuiltContainer build_container(const ContainerInput& input, Surroundings& surroundings) {
    return in_context(fmt::format("container {}", input.container.name),
                      [&] { return ContainerBuilder(input, surroundings).run(); });
}

BuiltContainer ContainerBuilder::run() {
    out_.spec = runtime::default_spec();
    identity();
    namespaces();
    network();
    names();
    ecs_task();
    process();
    behaviour();
    ecs_restart();
    hooks();
    labels();
    security();
    limits();
    mounts();
    named_devices();
    request();
    return std::move(out_);
}

void ContainerBuilder::put_at(Error& e, const std::string& part) const {
    // What the command line of `run` says stands in no file.
    if (in_.container.oneoff && in_.container.oneoff->overridden.count(part.substr(0, part.find_first_of(".["))))
        return;
    SourcePos at = compose::place_of(in_.project, "services." + service_.name + '.' + part);
    if (!at.line) at = service_.origin.pos;
    if (at.line) e.with_at(std::move(at));
}

std::vector<std::string> effective_args(const Service& service, const image::Config& image) {
    const std::vector<std::string> none;
    const auto& command = service.command.value_or(none);
    std::vector<std::string> args = service.entrypoint ? *service.entrypoint : image.entrypoint;
    // An entrypoint of one's own drops the image's CMD; an empty one clears ENTRYPOINT and keeps it.
    const bool own = service.entrypoint && !service.entrypoint->empty();
    const auto& rest = !command.empty() || own ? command : image.cmd;
    // `command: []` cannot be told from none, there as here.
    args.insert(args.end(), rest.begin(), rest.end());
    return args;
}

std::optional<HealthcheckRecord> effective_healthcheck(const Service& service, const image::Config& image) {
    HealthcheckRecord out;
    if (image.healthcheck) {
        const auto& check = *image.healthcheck;
        out.test = check.test;
        if (check.interval.count() > 0) out.interval = check.interval.count();
        if (check.timeout.count() > 0) out.timeout = check.timeout.count();
        if (check.start_period.count() > 0) out.start_period = check.start_period.count();
        if (check.start_interval.count() > 0) out.start_interval = check.start_interval.count();
        if (check.retries > 0) out.retries = check.retries;
    }
    if (service.healthcheck) {
        const auto& check = *service.healthcheck;
        if (check.disable) return std::nullopt;
        if (!check.test.empty()) out.test = check.test;
        // 0 means "the default" to the engine.
        auto take = [](const auto& from, std::int64_t& to) {
            if (from && from->count() > 0) to = from->count();
        };
        take(check.interval, out.interval);
        take(check.timeout, out.timeout);
        take(check.start_period, out.start_period);
        take(check.start_interval, out.start_interval);
        if (check.retries && *check.retries > 0) out.retries = static_cast<int>(*check.retries);
    }
    if (out.test.empty() || out.test.front() == "NONE") return std::nullopt;
    return out;
}

Service pre_start_service(const Service& service, std::size_t index) {
    const ServiceHook& hook = service.pre_start.at(index);
    Service s = service;
    if (!hook.image.empty()) s.image = hook.image;
    if (hook.command) s.command = hook.command;
    if (!hook.user.empty()) s.user = hook.user;
    if (!hook.working_dir.empty()) s.working_dir = hook.working_dir;
    for (const auto& [key, value] : hook.environment) s.environment[key] = value;
    s.privileged = hook.privileged;
    s.ports.clear();
    s.volumes.clear();
    s.container_name.clear();
    s.post_start.clear();
    s.pre_stop.clear();
    s.restart = "no";
    if (s.deploy) s.deploy->restart_policy.reset();
    s.tty = s.stdin_open = false;
    return s;
}

} // namespace davit
