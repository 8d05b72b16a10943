#include "engine/swarm/template_steps.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"
#include "engine/restage.hpp"
#include "engine/staging.hpp"
#include "image/store.hpp"
#include "reconcile/boot.hpp"
#include "runtime/oci/document.hpp"
#include "swarm/store.hpp"
#include "swarm/task_template.hpp"

#include <cstdio>
#include <optional>

namespace davit {

namespace {

class TemplateRestager {
public:
    explicit TemplateRestager(const RecordStore& store) : store_(store), boot_(sys::boot_id()) {}

    void restage(const std::string& directory) {
        const std::string file = swarm::template_file(directory);
        const auto text = read_file_if_exists(file);
        if (!text) return; // a client is making it
        swarm::TaskTemplate prepared = swarm::task_template_from_json(*text, file);
        if (prepared.boot_id == boot_ || !prepared.rejected.empty()) return;
        compile(directory);
        prepared.boot_id = boot_; // last: until then it is done again
        write_file_atomic(file, to_json(prepared), 0600, false);
    }

private:
    // Beside the old ones, which a supervisor may be reading.
    void compile(const std::string& directory) {
        BuiltContainer made;
        const std::string record = directory + "/record.json", bundle = directory + "/config.json";
        made.record = container_record_from_json(read_file(record), record);
        made.spec = runtime::spec_from_json(read_file(bundle), bundle);
        if (!host_) {
            const image::Store images(store_.roots().images()); // layers that had not reached the disk are made again
            host_ = runtime::HostFacts::probe();
        }
        const std::string fresh = directory + "/steps-" + sys::random_hex(16);
        sys::make_dirs(fresh, 0700);
        try {
            std::vector<std::string> warnings; // told when it was made
            write_steps(made, fresh, store_.roots(), *host_, warnings);
            for (const char* name : {"/plan.bin", "/health.bin"})
                if (exists(fresh + name) && std::rename((fresh + name).c_str(), (directory + name).c_str()) < 0)
                    throw sys_error(errno, "replacing {}{}", directory, name);
            if (!made.record.start_error.empty()) write_file_atomic(record, to_json(made.record), 0600, false);
        } catch (const Error&) {
            sys::remove_tree(fresh);
            throw;
        }
        sys::remove_tree(fresh);
    }

    const RecordStore& store_;
    std::string boot_;
    std::optional<runtime::HostFacts> host_;
};

} // namespace

void restage_tasks(const RecordStore& store, const std::string& project) {
    const swarm::Store objects(store.roots());
    TemplateRestager templates(store);
    for (const auto& service : objects.services_of(project)) {
        const std::string all = objects.paths().service_dir(service.id) + "/templates";
        for (const auto& version : list_directory(all)) try {
                templates.restage(all + "/" + version);
            } catch (const Error& e) { // the other services' tasks run
                log::warning("preparing the tasks of service {} in this boot: {}", service.spec.name, e.describe());
            }
    }
    Restager containers(store, project, secret_text(nullptr));
    for (const auto& record : store.containers(project)) try {
            if (record.desired == DesiredState::created) containers.prepare(record);
        } catch (const Error& e) {
            log::warning("{}", e.describe());
        }
}

SupervisorClient start_task_supervisor(const RecordStore& store, const std::string& project) {
    // What a supervisor has goes with the boot.
    const bool been_there = exists(ProjectPaths(store.roots(), project).run);
    if (!been_there && resumes_itself(project)) restage_tasks(store, project);
    return SupervisorClient::connect_or_start(store.roots(), project);
}

} // namespace davit
