#include "engine/engine_impl.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "davit/load.hpp"
#include "engine/image_lookup.hpp"
#include "engine/lock_holder.hpp"
#include "engine/observe.hpp"
#include "engine/staging.hpp"
#include "engine/surroundings.hpp"
#include "model/image_reference.hpp"
#include "project/names.hpp"
#include "reconcile/default_bridge.hpp"
#include "reconcile/hashes.hpp"
#include "reconcile/labels.hpp"
#include "reconcile/plan_builder.hpp"
#include "supervisor/client/protocol.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <fcntl.h>
#include <fmt/format.h>
#include <set>
#include <unistd.h>
#include <utility>

namespace davit {

Project selected(const Project& project, const std::vector<std::string>& services, bool no_deps) {
    Project out = enable_services(project, services);
    out = select_services(out, services, no_deps ? Dependencies::ignore : Dependencies::include);
    if (!services.empty()) out = without_unused_resources(out); // else it has what was asked for (--all-resources)
    add_default_bridge(out);
    depend_on_named_containers(out);
    return out;
}

ReconcileOptions reconcile_options(const Project& project, const UpOptions& options, bool start) {
    ReconcileOptions out;
    if (!options.services.empty())
        out.targets =
            match_services(enable_services(project, options.services), options.services, Dependencies::ignore);
    for (const auto& [service, count] : options.scale) {
        if (!project.find(service))
            throw error(Errc::not_found, "no such service: {}", service).with_resource("service:" + service);
        if (count < 0)
            throw error(Errc::usage, "service {} cannot be scaled to {}", service, count)
                .with_resource("service:" + service);
    }
    out.recreate = options.recreate;
    out.recreate_dependencies = options.recreate_dependencies;
    out.scale = options.scale;
    out.renew_anonymous_volumes = options.renew_anonymous_volumes;
    out.recreate_volumes = options.recreate_volumes;
    out.rolling = options.rolling;
    out.remove_orphans = options.remove_orphans;
    out.ignore_orphans = options.ignore_orphans;
    out.start = start;
    out.wait = options.wait;
    out.wait_timeout = options.wait_timeout;
    out.timeout = options.timeout;
    return out;
}

FileLock Engine::Impl::lock(const std::string& project, std::stop_token stop) {
    make_roots(store.roots());
    FileLock held = wait_for(ProjectPaths(store.roots(), project).lock(), "project " + project, project, stop);
    SupervisorClient::settle(store.roots(), project, stop);
    return held;
}

FileLock Engine::Impl::wait_for(const std::string& file, const std::string& what, const std::string& project,
                                std::stop_token stop) {
    std::mutex mutex;
    std::condition_variable_any woken;
    auto patience = std::chrono::steady_clock::now() + std::chrono::milliseconds(700);
    bool told = false;
    pid_t stopped = 0; // the holder, when it was last looked at
    for (;;) {
        // flock(2) cannot be waited for together with a stop request. The last one's end removes file and directory.
        if (auto held = FileLock::try_acquire_making(file)) return std::move(*held);
        std::unique_lock guard(mutex);
        woken.wait_for(guard, stop, std::chrono::milliseconds(20), [] { return false; });
        if (const UniqueFd fd(std::chrono::steady_clock::now() > patience ? ::open(file.c_str(), O_RDONLY | O_CLOEXEC)
                                                                          : -1);
            fd) {
            patience += std::chrono::milliseconds(700);
            if (!std::exchange(told, true))
                warn(project, fmt::format("{} works on {}: waiting until it has ended", lock_holder(fd.get()), what));
            // Seen twice: one that is only traced stands for a moment.
            const pid_t pid = lock_holder_pid(fd.get());
            if (pid != 0 && sys::is_stopped(pid) && std::exchange(stopped, pid) == pid)
                throw error(Errc::unavailable, "{} works on {} and is stopped", lock_holder(fd.get()), what)
                    .with_hint(fmt::format("let it go on or end it: kill -CONT {0}, kill -KILL {0}", pid));
        }
        if (stop.stop_requested())
            throw error(Errc::interrupted, "interrupted while another command works on {}", what);
    }
}

std::string Engine::Impl::remember(const Project& project) {
    ProjectRecord record;
    record.name = project.name;
    record.working_dir = project.working_dir;
    record.config_files = project.compose_files;
    const auto before = store.project(project.name);
    record.boot_id = sys::boot_id();
    record.model = render(project, RenderFormat::json);
    if (before != record) store.write(record);
    return std::move(record.model);
}

Engine::Impl::Planned Engine::Impl::plan(const Project& project, ReconcileOptions options,
                                         const std::optional<ImagePins>& pins) {
    const auto& oneoff = options.oneoff;
    Planned out;
    if (pins) out.pins = *pins;
    ObserveWishes wishes;
    wishes.foreign = foreign_containers(project);
    if (oneoff) {
        Project alone;
        alone.services[oneoff->service.name] = oneoff->service;
        for (auto& name : foreign_containers(alone)) wishes.foreign.push_back(std::move(name));
    }
    out.observed = observe(store, project.name, wishes);
    for (const auto& [unused, network] : project.networks) {
        auto found = out.observed.networks.find(network.name);
        if (network.external || found == out.observed.networks.end() ||
            found->second.config_hash == network_hash(network))
            continue;
        wishes.in_use = true; // it is to be made anew: who else is on it?
    }
    if (wishes.in_use) out.observed = observe(store, project.name, wishes);

    const image::Store& images = this->images();
    ImageLookup lookup(images);
    auto want = [&](const Service& service) {
        std::string reference = out.pins.of(service.name, image_reference(project, service));
        const auto& image = lookup.find(reference, service.platform);
        // Of a name of several platforms another than the name alone would give.
        if (const auto& usual = lookup.find(reference); image && usual && usual->id != image->id) reference = image->id;
        out.wanted.images[service.name] = reference;
        if (image) out.observed.images[reference] = image->id;
        if (image && !image->digests.empty()) out.digests[image->id] = image->digests.front();
        std::map<std::string, std::string> volumes;
        bool all_here = true;
        for (const Mount& mount : service.volumes) {
            if (mount.type != MountType::image) continue;
            const auto pinned = out.pins.references.find(mount.source);
            const auto& found = lookup.find(pinned == out.pins.references.end() ? mount.source : pinned->second);
            all_here = all_here && found;
            if (found) volumes[mount.target] = found->id;
        }
        if (!volumes.empty() && all_here) out.wanted.image_volumes[service.name] = label::image_volumes_text(volumes);
        if (effective_healthcheck(service, image ? image->config : image::Config()))
            out.wanted.healthchecks.insert(service.name);
    };
    for (const auto& [name, service] : project.services) {
        out.wanted.hashes[name] = config_hash(service);
        out.wanted.content_hashes[name] = content_hash(project, service);
        want(service);
    }
    if (oneoff) {
        out.wanted.hashes[oneoff->service.name] = config_hash(oneoff->service);
        want(oneoff->service);
    }
    for (const auto& [key, network] : project.networks) out.wanted.network_hashes[key] = network_hash(network);
    for (const auto& [key, volume] : project.volumes) out.wanted.volume_hashes[key] = volume_hash(volume);

    options.new_id = [] { return sys::random_hex(64); };
    const NameIndex names(store.roots());
    options.name_owner = [&](const std::string& name) {
        const auto holder = names.find(name);
        if (!holder || holder->project == project.name) return std::string();
        return fmt::format("container {} of project {}", holder->id.substr(0, 12), holder->project);
    };
    std::string model; // rendered when something has changed, and then once
    options.changes = [&](const ObservedContainer& c) {
        const auto before = store.project(project.name);
        if (!before) return std::string();
        if (model.empty()) model = render(project, RenderFormat::json);
        return changed_attributes(before->model, model, c.record.service);
    };
    out.result = reconcile(project, out.wanted, out.observed, options);
    out.result.plan.known = out.observed.ids();
    return out;
}

void Engine::Impl::check_user_of_containers() {
    if (::geteuid() != 0)
        throw error(Errc::denied, "containers need root; this is user {}", ::geteuid())
            .with_hint("run the program as root; loading, checking and planning work for everybody");
}

int Engine::Impl::up(const Project& project, const UpOptions& options, bool start, const Revising& revising,
                     std::stop_token stop) {
    heed(stop); // what is staged for a plan that nobody waits for any more would stay
    Project wanted = selected(project, options.services, options.no_deps);
    std::set<std::string> untouched; // the revision has them as they were
    for (const auto& [name, unused] : project.services)
        if (!wanted.services.count(name)) untouched.insert(name);
    const auto providers = take_providers(wanted);
    ReconcileOptions reconcile = reconcile_options(project, options, start);
    reconcile.retired = revising.retired;
    reconcile.contents_count = revising.contents_count;
    for (const auto& provided : providers) reconcile.targets.erase(provided.service.name);
    if (config.approve && !approved(plan(wanted, reconcile, revising.pins).result.plan)) return 0;
    check_user_of_containers();
    std::vector<const Service*> services;
    for (const auto& [unused, service] : wanted.services) services.push_back(&service);
    const image::Hold images =
        revising.pins ? hold_pinned(*revising.pins)
                      : provide_images(wanted, services,
                                       {options.pull, options.quiet_pull, options.build, options.no_build}, stop);

    const FileLock held = lock(project.name, stop);
    Project given = wanted; // with what the providers say, which is no change of the configuration
    if (!providers.empty()) {
        remember(project); // what a provider has made is to be taken down, whatever happens next
        provide_all(given, providers, stop);
    }
    // Where nothing is yet there will be something: the supervisor starts beside the planning.
    Supervisor supervisor = start_supervisor(project.name, !services.empty() && store.containers(project.name).empty());
    bool told = false;
    RevisionInTheMaking revision(store.roots(), project.name);
    const bool revised = !revising.command.empty() && revisions_from_environment() != 0;
    try {
        until_fresh([&] {
            Planned planned = plan(wanted, reconcile, revising.pins);
            if (!std::exchange(told, true)) {
                for (const auto& warning : planned.result.warnings) warn(project.name, warning);
                tell_running(wanted, planned);
            }
            const std::string model = remember(project);
            if (planned.result.plan.empty()) {
                revision.drop();
                return SupervisorClient::look_after(store.roots(), project.name);
            }
            apply_rolling(given, planned, stop, std::move(supervisor), [&](const std::vector<BuiltContainer>& built) {
                if (revised && revision.due(planned.result.plan))
                    record(revision, revising, project, untouched, model, planned, built);
            });
        });
    } catch (const Error& e) {
        revision.failed(e.what());
        throw;
    }
    revision.tidy();
    return revision.number();
}

// A container that was to replace another one and could not is stopped; it stays for its log, and the next `up` removes
// it. The old one runs as before.
void Engine::Impl::apply_rolling(const Project& project, Planned& planned, std::stop_token stop, Supervisor supervisor,
                                 const Staged& staged) {
    try {
        apply(project, planned, stop, std::move(supervisor), staged);
    } catch (const Error&) { // Ctrl-C among them
        Plan plan;
        plan.project = project.name;
        for (const auto& made : planned.result.containers) {
            const auto record = made.takes_over.empty() ? std::nullopt : store.container(project.name, made.id);
            if (!record || record->takes_over.empty() || record->desired != DesiredState::running) continue;
            Operation& op = plan.operations.emplace_back();
            op.id = static_cast<int>(plan.operations.size());
            op.kind = OpKind::stop_container;
            op.resource = resource_of(*record);
            op.cause = "it cannot replace the one that runs";
            op.container_id = made.id;
            op.container_name = record->name;
        }
        if (!plan.empty()) send(std::move(plan), {});
        throw;
    }
}

// What runs and is as it should be is told too: an `up` that changes nothing is not silent.
void Engine::Impl::tell_running(const Project& project, const Planned& planned) {
    std::set<std::string> touched;
    for (const Operation& op : planned.result.plan.operations) touched.insert(op.container_id);
    for (const auto& c : planned.observed.containers) {
        if (c.record.oneoff || !c.active() || touched.count(c.record.id) || !project.services.count(c.record.service))
            continue;
        Event event;
        event.kind = EventKind::operation_done;
        event.op = OpKind::start_container;
        event.resource = resource_of(c.record);
        event.project = project.name;
        event.service = c.record.service;
        event.container_id = c.record.id;
        event.container_name = c.record.name;
        event.text = "Running";
        emit(event);
    }
}

HostValues host_values(const RecordStore& store) {
    HostValues host;
    host.roots = store.roots();
    host.cpus = static_cast<int>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
    char name[256] = {};
    ::gethostname(name, sizeof name - 1);
    host.hostname = name;
    host.now = sys::realtime_ns();
    host.version = label::compose_version;
    return host;
}

namespace {

NetworkRecord network_record(const Project& project, const Network& network, const std::string& hash,
                             const HostValues& host) {
    NetworkRecord r;
    r.name = network.name;
    r.id = sys::random_hex(64);
    r.project = project.name;
    const bool outside = project.name == machine_project; // of compose
    if (!outside) r.compose_name = network.key;
    if (!network.driver.empty() && network.driver != "default") r.driver = network.driver;
    r.driver_opts = network.driver_opts;
    r.internal = network.internal;
    r.attachable = network.attachable;
    r.enable_ipv4 = network.enable_ipv4.value_or(true);
    r.enable_ipv6 = network.enable_ipv6.value_or(false);
    for (const auto& pool : network.ipam.config)
        r.ipam.push_back({pool.subnet, pool.ip_range, pool.gateway, pool.aux_addresses});
    r.labels = network.labels;
    r.created = host.now;
    if (outside) return r;
    r.config_hash = hash;
    r.labels[label::project] = project.name;
    r.labels[label::network] = network.key;
    r.labels[label::version] = host.version;
    r.labels[label::config_hash] = hash;
    return r;
}

VolumeRecord volume_record(const Project& project, const Volume& volume, const std::string& hash,
                           const HostValues& host) {
    VolumeRecord r;
    r.name = volume.name;
    r.created = host.now;
    if (volume.external) return r; // `run --volume NAME`: nobody's, and so `down -v` leaves it
    if (!volume.driver.empty()) r.driver = volume.driver;
    r.driver_opts = volume.driver_opts;
    r.labels = volume.labels;
    if (project.name == machine_project) return r;
    r.project = project.name;
    r.compose_name = volume.key;
    r.config_hash = hash;
    r.labels[label::project] = project.name;
    r.labels[label::volume] = volume.key;
    r.labels[label::version] = host.version;
    r.labels[label::config_hash] = hash;
    return r;
}

// The client's own operations are done: what is left waits for those that remain.
Plan without(const Plan& plan, const std::set<int>& done) {
    Plan out;
    out.project = plan.project;
    out.seen = plan.seen;
    out.known = plan.known;
    out.beside = plan.beside;
    for (Operation op : plan.operations) {
        if (done.count(op.id)) continue;
        op.after.erase(std::remove_if(op.after.begin(), op.after.end(), [&](int id) { return done.count(id) != 0; }),
                       op.after.end());
        out.operations.push_back(std::move(op));
    }
    return out;
}

} // namespace

BuiltContainer Engine::Impl::build(const Project& project, const Planned& planned, const NewContainer& made,
                                   const HostValues& host, MachineSurroundings& around) {
    const Service* service = made.oneoff ? &made.oneoff->service : project.find(made.service);
    std::string reference = image_reference(project, *service);
    std::string source = planned.wanted.images.at(made.service); // a rollback: an id
    Service hook;
    if (made.pre_start >= 0) {
        hook = pre_start_service(*service, static_cast<std::size_t>(made.pre_start));
        service = &hook;
        if (!hook.image.empty()) reference = source = hook.image;
    }
    const ImageFacts image = around.image(source);
    return build_container({project, *service, made, image, reference, planned.wanted.hashes.at(made.service), host},
                           around);
}

std::vector<ContainerRecord> Engine::Impl::apply(const Project& project, Planned& planned, std::stop_token stop,
                                                 Supervisor supervisor, const Staged& staged) {
    check_user_of_containers();
    const HostValues host = host_values(store);
    const image::Store& images = this->images();
    MachineSurroundings around(store, images, planned.observed, planned.result, planned.pins.references);
    // Of a client that was killed, or of a machine whose power failed: the lock is ours, and no plan needs it. In the
    // machine's project others stage at this moment.
    if (const ProjectPaths paths(store.roots(), project.name);
        project.name != machine_project && !exists(paths.journal()))
        store.clear_staging(project.name, !exists(paths.supervisor_socket()));
    Stager stager(store, project.name);
    std::vector<ContainerRecord> records;
    std::set<int> done;

    std::vector<BuiltContainer> built;
    for (const auto& made : planned.result.containers) {
        built.push_back(build(project, planned, made, host, around));
        around.made(built.back());
    }
    if (!supervisor.valid()) supervisor = start_supervisor(project.name, !built.empty());
    for (const auto& key : planned.result.networks)
        store.stage(project.name,
                    network_record(project, project.networks.at(key), planned.wanted.network_hashes.at(key), host));
    std::set<std::string> replaced; // volumes that are removed first: the supervisor makes them anew
    for (const auto& op : planned.result.plan.operations)
        if (op.kind == OpKind::remove_volume) replaced.insert(op.volume);
    for (const auto& op : planned.result.plan.operations) {
        if (op.kind == OpKind::stage_container) done.insert(op.id);
        if (op.kind != OpKind::create_volume) continue;
        const auto volume = std::find_if(project.volumes.begin(), project.volumes.end(),
                                         [&](const auto& v) { return v.second.name == op.volume; });
        const VolumeRecord record =
            volume_record(project, volume->second, planned.wanted.volume_hashes.at(volume->first), host);
        if (replaced.count(op.volume)) {
            store.stage(project.name, record);
            continue;
        }
        Event event;
        event.operation = op.id;
        event.op = op.kind;
        event.resource = "volume:" + op.volume;
        event.project = project.name;
        event.kind = EventKind::operation_started;
        emit(event);
        store.create(record);
        event.kind = EventKind::operation_done;
        emit(event);
        done.insert(op.id);
    }
    for (const auto& warnings : stager.stage(built))
        for (const auto& warning : warnings) warn(project.name, warning);
    for (const auto& container : built) records.push_back(container.record);
    prepare_starts(planned.result.plan, &project);
    if (staged) staged(built);
    std::optional<Event> failed; // the first one is what the plan's failure is about
    try {
        send(without(planned.result.plan, done), std::move(stop), std::move(supervisor), [&](const Event& event) {
            if (event.kind == EventKind::operation_failed && !failed) failed = event;
        });
    } catch (const StalePlan&) {
        throw;
    } catch (Error& e) {
        if (failed) put_at(e, *failed, project, built);
        throw;
    }
    return records;
}

} // namespace davit
