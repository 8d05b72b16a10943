// The one place that spells where davit keeps things. DESIGN §5.
#pragma once

#include <string>

namespace davit {

struct Roots {
    std::string state; // DAVIT_STATE_DIR, else $XDG_DATA_HOME/davit for users, else /var/lib/davit
    std::string run;   // DAVIT_RUN_DIR, else $XDG_RUNTIME_DIR/davit for users, else /run/davit
    // Reads the process's environment; programs that embed davit fill the struct themselves.
    static Roots from_environment();
    std::string images() const { return state + "/images"; }
    std::string volumes() const { return state + "/volumes"; }
    std::string volume_data(const std::string& name) const; // throws as check_name()
    std::string projects() const { return state + "/projects"; }
    std::string bpf_cache() const { return state + "/cache/seccomp"; } // compiled seccomp filters, by hash
    std::string networks() const { return state + "/networks"; }       // one <name>.json each; shared by projects
    // <network>/<project>.json: the addresses that the project keeps on the network.
    std::string addresses() const { return state + "/addresses"; }
    std::string names() const { return state + "/names"; } // of containers: names.hpp
    // <project>.log and what was there before, <project>.log.1; "+objects" for images, networks and volumes.
    std::string events() const { return state + "/events"; }
    std::string builds() const { return state + "/builds"; } // records of those that ended
    std::string run_projects() const { return run + "/projects"; }
    // <name>/<project>.json: the endpoints each project has on the network (addresses, names).
    std::string run_networks() const { return run + "/networks"; }
};

// Names become file names. Throws (invalid_project) for what could leave its directory.
void check_name(const char* what, const std::string& name);

struct ProjectPaths {
    std::string state; // <state>/projects/<name>
    std::string run;   // <run>/projects/<name>
    // Throws when the name cannot be a project's.
    ProjectPaths(const Roots& roots, const std::string& project);
    std::string lock() const { return state + "/lock"; }             // one plan runs per project
    std::string container_locks() const { return state + "/locks"; } // of the machine's project: one for each container
    std::string container_lock(const std::string& key) const { return container_locks() + "/" + key; }
    std::string supervisor_lock() const { return run + "/supervisor.lock"; }
    std::string supervisor_socket() const { return run + "/supervisor.sock"; }
    std::string journal() const { return run + "/plan.json"; } // the plan that runs; it is there as long
    std::string listing() const { return run + "/listing"; }   // copies of what is told of its containers
    std::string port_proxy_socket() const { return run + "/port-proxy.sock"; }
    std::string project_file() const { return state + "/project.json"; }
    std::string scope() const { return state + "/scope.json"; } // the process that the project ends with
    std::string staging() const { return state + "/staging"; }
    std::string staging(const std::string& id) const { return state + "/staging/" + id; }
    // The anonymous volumes that are made with what is staged: they go with it when nobody takes it over.
    std::string fresh_volumes(const std::string& id) const { return staging(id) + "/volumes"; }
    // Where a container's directory goes with the one rename that removes it.
    std::string trash(const std::string& id, bool with_volumes) const {
        return staging((with_volumes ? "trash-v-" : "trash-") + id);
    }
    std::string containers() const { return state + "/containers"; }
    std::string container(const std::string& id) const { return state + "/containers/" + id; }
    std::string record(const std::string& id) const { return container(id) + "/record.json"; }
    std::string bundle(const std::string& id) const { return container(id) + "/config.json"; }
    std::string request(const std::string& id) const { return container(id) + "/request.json"; } // BuiltContainer's
    // compile(). The name is the one that a supervisor which runs since before an upgrade opens.
    std::string steps(const std::string& id) const { return container(id) + "/plan.bin"; }
    // compile_exec() of the healthcheck and of each hook (n from 0): the supervisor has no libseccomp.
    std::string health_steps(const std::string& id) const { return container(id) + "/health.bin"; }
    std::string post_start_steps(const std::string& id, std::size_t n) const {
        return container(id) + "/post_start." + std::to_string(n) + ".bin";
    }
    std::string pre_stop_steps(const std::string& id, std::size_t n) const {
        return container(id) + "/pre_stop." + std::to_string(n) + ".bin";
    }
    // How its last run ended: what is known of it when what stands below /run has gone with the boot.
    std::string last_run(const std::string& id) const { return container(id) + "/last.json"; }
    std::string hosts(const std::string& id) const { return container(id) + "/hosts"; }
    std::string resolv_conf(const std::string& id) const { return container(id) + "/resolv.conf"; }
    std::string hostname(const std::string& id) const { return container(id) + "/hostname"; }
    std::string log(const std::string& id) const { return container(id) + "/log/" + id + "-json.log"; }
    std::string run_containers() const { return run + "/containers"; }
    std::string run_container(const std::string& id) const { return run + "/containers/" + id; }
    std::string status(const std::string& id) const { return run_container(id) + "/state.json"; }
    std::string health_log(const std::string& id) const { return run_container(id) + "/health.json"; } // last 5 checks
    std::string exit_file(const std::string& id) const { return run_container(id) + "/exit.json"; }
};

} // namespace davit
