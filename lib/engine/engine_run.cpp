#include "engine/engine_impl.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "model/image_reference.hpp"
#include "reconcile/plan_builder.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <utility>

namespace davit {

namespace {

void set_label(Service& service, const std::string& text) {
    const auto equals = text.find('=');
    service.labels[text.substr(0, equals)] = equals == std::string::npos ? "" : text.substr(equals + 1);
}

Service run_service(const Service& of, const RunOptions& options) {
    Service s = of;
    if (options.entrypoint) {
        s.entrypoint = options.entrypoint;
        s.command.reset(); // it belonged to the other entrypoint
    }
    if (options.command) s.command = options.command;
    for (const auto& [key, value] : options.environment) s.environment[key] = value;
    for (const auto& label : options.labels) set_label(s, label);
    for (const auto& mount : options.volumes) {
        s.volumes.erase(
            std::remove_if(s.volumes.begin(), s.volumes.end(), [&](const auto& m) { return m.target == mount.target; }),
            s.volumes.end());
        s.volumes.push_back(mount);
    }
    if (!options.service_ports) s.ports.clear();
    s.ports.insert(s.ports.end(), options.ports.begin(), options.ports.end());
    if (options.user && !options.user->empty()) s.user = *options.user;
    if (options.working_dir) s.working_dir = *options.working_dir;
    s.cap_add.insert(s.cap_add.end(), options.cap_add.begin(), options.cap_add.end());
    s.cap_drop.insert(s.cap_drop.end(), options.cap_drop.begin(), options.cap_drop.end());
    s.tty = options.tty;
    s.stdin_open = options.open_stdin;
    s.restart = "no";
    if (s.deploy) s.deploy->restart_policy.reset();
    s.container_name.clear();
    s.pre_start.clear();
    return s;
}

std::set<std::string> overridden(const RunOptions& o) {
    std::set<std::string> out;
    auto when = [&](bool given, const char* attribute) {
        if (given) out.insert(attribute);
    };
    when(o.command || o.entrypoint, "command");
    when(o.entrypoint.has_value(), "entrypoint");
    when(!o.environment.empty(), "environment");
    when(!o.labels.empty(), "labels");
    when(!o.volumes.empty(), "volumes");
    when(!o.ports.empty(), "ports");
    when(o.user.has_value(), "user");
    when(o.working_dir.has_value(), "working_dir");
    when(!o.cap_add.empty(), "cap_add");
    when(!o.cap_drop.empty(), "cap_drop");
    return out;
}

// What --volume names is the project's volume of that key, also one that the service did not use,
// else the machine's of that name.
void keep_volumes(const Project& project, const std::vector<Mount>& mounts, Project& wanted, OneOff& oneoff) {
    for (const auto& mount : mounts) {
        if (mount.type != MountType::volume || mount.source.empty()) continue;
        if (auto declared = project.volumes.find(mount.source); declared != project.volumes.end()) {
            wanted.volumes.insert(*declared);
            continue;
        }
        Volume& volume = wanted.volumes[mount.source];
        volume.key = volume.name = mount.source;
        volume.external = true;
        oneoff.own_volumes.insert(mount.source);
    }
}

} // namespace

ContainerInfo Engine::run(const Project& project, const RunOptions& options, std::stop_token stop) {
    heed(stop); // as up()
    Project wanted = selected(project, {options.service}, options.no_deps);
    auto found = wanted.services.find(options.service);
    if (found == wanted.services.end())
        throw error(Errc::not_found, "no such service: {}", options.service)
            .with_resource("service:" + options.service);

    if (found->second.provider)
        throw error(Errc::invalid_project, "service \"{}\" is provided by '{}': there is no container to run",
                    options.service, found->second.provider->type);
    const auto providers = take_providers(wanted);

    auto shared = std::make_shared<OneOff>();
    OneOff& oneoff = *shared;
    oneoff.service = run_service(found->second, options);
    oneoff.overridden = overridden(options);
    oneoff.auto_remove = options.remove;
    oneoff.use_aliases = options.use_aliases;
    oneoff.hold_for_attach = options.hold_for_attach;
    oneoff.slug = sys::random_hex(64);
    oneoff.name = options.name.empty() ? fmt::format("{1}{0}{2}{0}run{0}{3}", name_separator(project), project.name,
                                                     options.service, oneoff.slug.substr(0, 12))
                                       : options.name;
    check_container_name(oneoff.name);
    keep_volumes(project, options.volumes, wanted, oneoff);
    wanted.disabled_services.insert(wanted.services.extract(found));

    std::vector<const Service*> services{&oneoff.service};
    for (const auto& [unused, service] : wanted.services) services.push_back(&service);
    ReconcileOptions reconcile;
    reconcile.remove_orphans = options.remove_orphans;
    reconcile.ignore_orphans = options.ignore_orphans;
    reconcile.oneoff = shared;
    if (impl_->config.approve && !impl_->approved(impl_->plan(wanted, reconcile).result.plan)) return {};
    Impl::check_user_of_containers();
    const image::Hold images = impl_->provide_images(
        wanted, services, {options.pull, options.quiet_pull, options.build, options.no_build}, stop);

    const FileLock held = impl_->lock(project.name, stop);
    if (!providers.empty()) impl_->remember(project);
    for (const auto& provided : providers) {
        const auto variables = impl_->provide(wanted, provided.service, "up", stop);
        const auto& who = provided.dependents;
        if (std::find(who.begin(), who.end(), options.service) == who.end()) continue;
        for (const auto& [key, value] : variables) oneoff.service.environment.try_emplace(key, value);
    }
    ContainerRecord record;
    bool warned = false;
    impl_->until_fresh([&] {
        auto planned = impl_->plan(wanted, reconcile);
        for (const auto& c : planned.observed.containers)
            if (c.record.name == oneoff.name)
                throw error(Errc::conflict, "Conflict. The container name \"{}\" is already in use by container {}",
                            oneoff.name, c.record.id)
                    .with_hint("remove that container, or choose another --name");
        if (!std::exchange(warned, true))
            for (const auto& warning : planned.result.warnings) impl_->warn(project.name, warning);
        impl_->remember(project);
        record = impl_->apply(wanted, planned, stop).back();
    });
    // It may have ended, and with --rm be gone, by now.
    return impl_->info(record, impl_->store.status(record));
}

} // namespace davit
