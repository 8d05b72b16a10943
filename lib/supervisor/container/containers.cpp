#include "supervisor/container/containers.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::supervisor {

namespace {
constexpr char trash_prefix[] = "trash-"; // ProjectPaths::trash()

bool is_mounted_by_any(const std::map<std::string, std::shared_ptr<Container>>& containers, const std::string& volume) {
    return std::any_of(containers.begin(), containers.end(), [&](const auto& one) {
        const auto& mounts = one.second->record().mounts;
        return std::any_of(mounts.begin(), mounts.end(), [&](const MountRecord& m) { return m.name == volume; });
    });
}
} // namespace

void Containers::load() {
    std::string project = world_.paths.state.substr(world_.paths.state.find_last_of('/') + 1);
    for (auto& record : world_.store.containers(project)) {
        std::string id = record.id;
        const bool this_boot = world_.store.has_status(record);
        ContainerStatus status = status_of(record);
        all_[id] = std::make_shared<Container>(world_, std::move(record), std::move(status));
        if (!this_boot) all_[id]->of_earlier_boot();
    }
    for (auto& [id, container] : all_) world_.networks.expect(container->record());
    for (auto& [id, container] : all_) container->adopt();
    clear_remains();
}

ContainerStatus Containers::status_of(const ContainerRecord& record) const {
    try {
        sys::make_dirs(world_.paths.run_container(record.id), 0700); // gone with the last boot
        // As written: what the kernel says of it is for adopt() to find out.
        auto text = read_file_if_exists(world_.paths.status(record.id));
        return text ? container_status_from_json(*text, world_.paths.status(record.id)) : world_.store.status(record);
    } catch (const Error& e) { // one that cannot be read must not leave all others without a supervisor
        log::warning("the status of container {}: {}", record.name, e.what());
        ContainerStatus status;
        status.id = record.id;
        status.state = record.desired == DesiredState::created ? ContainerState::created : ContainerState::exited;
        status.exit_known = false;
        return status;
    }
}

// Of removals that an earlier supervisor had begun when it was killed. What a client stages has its
// directory under staging/ before it has one under /run.
void Containers::clear_remains() {
    const std::string project = world_.paths.state.substr(world_.paths.state.find_last_of('/') + 1);
    HelperJob job;
    job.kind = HelperJob::Kind::remove_trees;
    for (const auto& id : list_directory(world_.paths.run_containers()))
        if (!find(id) && !exists(world_.paths.staging(id)) && !runtime::shim_lives(world_.paths.run_container(id)))
            job.paths.push_back(world_.paths.run_container(id));
    for (const auto& name : list_directory(world_.paths.staging())) {
        if (!name.starts_with(trash_prefix)) continue;
        remove_volumes(world_.store.volumes_of_staged(project, name));
        job.paths.push_back(world_.paths.staging(name));
    }
    for (const auto& id : list_directory(world_.paths.containers())) // removed in place, on a full disk
        if (!exists(world_.paths.record(id))) job.paths.push_back(world_.paths.container(id));
    if (job.paths.empty()) return;
    world_.files.run(job, [](const Error* e) {
        if (e) log::warning("removing what is left of containers: {}", e->what());
    });
}

Container* Containers::find(const std::string& id) const {
    auto it = all_.find(id);
    return it == all_.end() ? nullptr : it->second.get();
}

Container& Containers::get(const std::string& id) const {
    if (Container* c = find(id)) return *c;
    throw error(Errc::not_found, "container {} does not exist", id.substr(0, 12));
}

bool Containers::any_active() const {
    for (const auto& [id, container] : all_)
        if (container->active()) return true;
    return false;
}

void Containers::pay_records() {
    for (const auto& [id, container] : all_) container->pay_owed();
}

void Containers::create(const std::string& id) {
    if (find(id)) return;
    sys::make_dirs(world_.paths.containers(), 0700);
    std::string from = world_.paths.staging(id), to = world_.paths.container(id);
    std::string project = world_.paths.state.substr(world_.paths.state.find_last_of('/') + 1);
    auto text = read_file_if_exists(from + "/record.json");
    // Read before it is taken over: one that is refused, or cannot have its status, stays with who staged it.
    auto record = text ? container_record_from_json(*text, from + "/record.json") : world_.store.container(project, id);
    if (!record) throw error(Errc::not_found, "container {} was not staged", id.substr(0, 12));
    ContainerStatus status;
    status.id = id;
    sys::make_dirs(world_.paths.run_container(id), 0700);
    world_.store.write(project, status);
    try {
        world_.names->claim(record->name, {project, id});
        if (text && ::rename(from.c_str(), to.c_str()) < 0) throw sys_error(errno, "taking over {}", from);
    } catch (...) {
        world_.names->release(record->name, {project, id});
        ::unlink(world_.paths.status(id).c_str());
        throw;
    }
    // From here on nothing fails: disk and memory say the same.
    // Not waited for: when the power fails, what ran is gone anyway, and a torn record counts as none.
    for (const char* file : {"record.json", "config.json", "plan.bin"}) world_.sync_soon(to + "/" + file);
    world_.sync_soon(world_.paths.project_file());
    world_.networks.expect(*record);
    auto& slot = all_[id];
    slot = std::make_shared<Container>(world_, std::move(*record), std::move(status));
    Event e;
    e.kind = EventKind::container_created;
    e.time_ns = sys::realtime_ns();
    e.project = project;
    e.service = slot->record().service;
    e.container_id = id;
    e.container_name = slot->record().name;
    world_.emit(std::move(e));
}

void Containers::hand_over(const std::string& from, const std::string& to, Done done) {
    Container& heir = get(to);
    if (!heir.running())
        throw error(Errc::conflict, "container {} has ended, and takes nothing over", heir.record().name);
    world_.networks.hand_over(from, heir.record(), [this, from, to, done = std::move(done)](const Error* e) {
        if (e) return done(e);
        try {
            // The old one first: of two that say they have a port, a new supervisor would believe the wrong one.
            if (Container* old = find(from)) old->handed_over();
            get(to).took_over();
        } catch (const Error& failure) {
            return done(&failure);
        }
        done(nullptr);
    });
}

void Containers::remove(const std::string& id, bool force, bool volumes, Done done) {
    auto it = all_.find(id);
    if (it == all_.end()) return done(nullptr);
    auto container = it->second;
    container->prepare_removal(force, [this, container, volumes, done = std::move(done)](const Error* e) mutable {
        if (e) return done(e);
        remove_files(container, volumes, std::move(done));
    });
}

// Before the container's own files, which say what its volumes are: a crash in between repeats it.
void Containers::remove_volumes(const std::vector<std::string>& names) {
    for (const auto& name : names) {
        HelperJob job;
        job.kind = HelperJob::Kind::remove_volume;
        job.text = name;
        job.state_dir = world_.store.roots().state;
        job.run_dir = world_.store.roots().run;
        world_.files.run(job, [name](const Error* e) {
            if (e) log::warning("removing the volume {}: {}", name, e->what());
        });
    }
}

// One rename and it is gone; the files go behind. Where the disk has no room for a name, the record goes in
// its place, as the first of the files. 0, or why not.
int Containers::throw_away(const std::string& id, const std::string& trash) {
    int why = ::mkdir(world_.paths.staging().c_str(), 0700) < 0 && errno != EEXIST ? errno : 0;
    if (why == 0 && ::rename(world_.paths.container(id).c_str(), trash.c_str()) < 0) why = errno;
    if ((why == ENOSPC || why == EDQUOT) && ::unlink(world_.paths.record(id).c_str()) == 0) return 0;
    return why == ENOENT ? 0 : why;
}

void Containers::end_task(const ContainerRecord& ended) {
    if (world_.shutting_down) return;
    const std::string task = ended.ecs->task;
    world_.task_ends(task);
    const auto ending = std::make_shared<EndingTask>();
    for (const auto& [id, container] : all_)
        if (const auto& ecs = container->record().ecs; ecs && ecs->task == task && container->active())
            ending->left[id] = container->status().started_at;
    stop_next(ending);
}

// As ECS does: who depends on another one ends before it, and what holds the network ends last. What somebody starts
// again meanwhile is none of the task that ends.
void Containers::stop_next(const std::shared_ptr<EndingTask>& ending) {
    std::erase_if(ending->left, [&](const auto& one) {
        const Container* c = find(one.first);
        return !c || !c->active() || c->status().started_at != one.second;
    });
    std::set<std::string> needed;
    std::size_t members = 0;
    for (const auto& [id, started] : ending->left) {
        const ContainerRecord& record = find(id)->record();
        needed.insert(record.ecs->after.begin(), record.ecs->after.end());
        members += record.ecs->network ? 0 : 1;
    }
    const auto left = ending->left;
    for (const auto& [id, started] : left) {
        Container& c = *find(id);
        const ContainerRecord& record = c.record();
        const bool waits = record.ecs->network ? members > 0 : needed.contains(record.service);
        if (waits || !ending->asked.insert(id).second) continue;
        c.stop({}, [this, ending, name = record.name](const Error* e) {
            if (e) log::warning("stopping container {} with its task: {}", name, e->what());
            stop_next(ending);
        });
    }
}

void Containers::remove_files(std::shared_ptr<Container> container, bool volumes, Done done) {
    const ContainerRecord& record = container->record();
    volumes = volumes || record.auto_remove; // whoever removes it: `--rm` takes them along
    std::string id = record.id, trash = world_.paths.trash(id, volumes);
    world_.names->release(record.name, {record.project, id});
    if (const int why = throw_away(id, trash)) {
        world_.names->claim(record.name, {record.project, id});
        container->removal_failed();
        Error e = sys_error(why, "removing container {}", record.name);
        return done(&e);
    }
    if (!exists(trash)) trash = world_.paths.container(id);
    world_.leaving(record);
    world_.networks.release(id);
    world_.networks.forget(record);
    all_.erase(id);
    if (volumes) {
        // What others have too, by --volumes-from, stays for them.
        std::vector<std::string> names = anonymous_volumes(record);
        std::erase_if(names, [&](const std::string& name) { return is_mounted_by_any(all_, name); });
        remove_volumes(names);
    }
    HelperJob job;
    job.kind = HelperJob::Kind::remove_trees;
    job.paths = {trash, world_.paths.run_container(id)};
    world_.files.run(job, [this, container, done = std::move(done)](const Error* e) {
        Event event;
        event.kind = EventKind::container_removed;
        event.time_ns = sys::realtime_ns();
        event.project = container->record().project;
        event.service = container->record().service;
        event.container_id = container->record().id;
        event.container_name = container->record().name;
        world_.emit(std::move(event));
        done(e);
    });
}

} // namespace davit::supervisor
