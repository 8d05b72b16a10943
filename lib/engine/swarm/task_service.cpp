#include "engine/swarm/task_service.hpp"

#include "base/error.hpp"
#include "reconcile/default_bridge.hpp"

#include <algorithm>
#include <sstream>

namespace davit {

namespace {

class ModelMaker {
public:
    explicit ModelMaker(const TaskModelInput& input)
        : in_(input), spec_(input.service.spec), container_(spec_.task.container), text_{in_.service, in_.holes} {}

    TaskModel run() {
        out_.project.name = in_.service.project;
        service_.name = spec_.name;
        process();
        behaviour();
        limits();
        security();
        networks();
        ports();
        for (const auto& mount : container_.mounts) this->mount(mount);
        out_.project.services[service_.name] = std::move(service_);
        add_default_bridge(out_.project);
        return std::move(out_);
    }

private:
    std::string expanded(const char* what, const std::string& text) const {
        try {
            return expand_template(text, text_);
        } catch (Error& e) {
            throw Error(e.kind(), std::string("expanding ") + what + " failed: " + e.what());
        }
    }

    void process() {
        service_.image = container_.image;
        service_.labels = container_.labels;
        if (!container_.command.empty()) service_.entrypoint = container_.command;
        if (!container_.args.empty()) service_.command = container_.args;
        for (const auto& variable : container_.env) {
            const auto equals = variable.find('='); // a name is no template
            auto& value = service_.environment[variable.substr(0, equals)];
            if (equals != std::string::npos) value = expanded("env", variable.substr(equals + 1));
        }
        service_.working_dir = container_.dir;
        service_.user = container_.user;
        service_.group_add = container_.groups;
        service_.init = container_.init;
        service_.tty = container_.tty;
        service_.stdin_open = container_.open_stdin;
        service_.read_only = container_.read_only;
        service_.hostname =
            container_.hostname.empty() ? in_.holes.short_id() : expanded("hostname", container_.hostname);
        service_.oom_score_adj = static_cast<int>(container_.oom_score_adj);
        service_.isolation = container_.isolation;
    }

    void behaviour() {
        service_.stop_signal = container_.stop_signal;
        if (container_.stop_grace_period)
            service_.stop_grace_period = std::chrono::nanoseconds(*container_.stop_grace_period);
        service_.restart = "no"; // what has ended is followed by another task
        if (const auto& check = container_.healthcheck) {
            HealthCheck& to = service_.healthcheck.emplace();
            to.disable = !check->test.empty() && check->test.front() == "NONE";
            to.test = check->test;
            auto take = [](std::int64_t from, std::optional<std::chrono::nanoseconds>& value) {
                if (from > 0) value = std::chrono::nanoseconds(from);
            };
            take(check->interval, to.interval);
            take(check->timeout, to.timeout);
            take(check->start_period, to.start_period);
            take(check->start_interval, to.start_interval);
            if (check->retries > 0) to.retries = static_cast<std::uint64_t>(check->retries);
        }
        if (const auto& log = spec_.task.log_driver) service_.logging = Logging{log->name, log->options, {}};
    }

    void limits() {
        constexpr double nano = 1e9;
        if (const auto& resources = spec_.task.resources) {
            if (const auto& limits = resources->limits) {
                service_.cpus = static_cast<double>(limits->nano_cpus) / nano;
                service_.mem_limit = limits->memory;
                if (limits->pids != 0) service_.pids_limit = limits->pids;
            }
            if (resources->swap && service_.mem_limit > 0)
                service_.memswap_limit = *resources->swap < 0 ? -1 : service_.mem_limit + *resources->swap;
            if (resources->swappiness) service_.mem_swappiness = *resources->swappiness;
        }
        for (const auto& limit : container_.ulimits)
            service_.ulimits[limit.name] = Ulimit{limit.soft, limit.hard, limit.soft == limit.hard, {}};
        service_.sysctls = container_.sysctls;
    }

    void security() {
        service_.cap_add = container_.capability_add;
        service_.cap_drop = container_.capability_drop;
        const auto& privileges = container_.privileges;
        if (!privileges) return;
        if (privileges->no_new_privileges) service_.security_opt.emplace_back("no-new-privileges:true");
        if (privileges->seccomp && privileges->seccomp_mode == "unconfined")
            service_.security_opt.emplace_back("seccomp:unconfined");
        if (privileges->apparmor && privileges->apparmor_mode == "disabled")
            service_.security_opt.emplace_back("apparmor:unconfined");
    }

    void networks() {
        for (const auto& attachment : spec_.task.networks) {
            const std::string name = in_.network_name(attachment.target);
            if (name == "host" || name == "none") {
                service_.network_mode = name;
                continue;
            }
            if (name == "bridge") continue;
            service_.networks[name].emplace().driver_opts = attachment.driver_opts;
            Network& network = out_.project.networks[name];
            network.key = network.name = name;
        }
        if (service_.networks.empty() && service_.network_mode.empty()) service_.network_mode = "bridge";
        if (const auto& dns = container_.dns_config) {
            service_.dns = dns->nameservers;
            service_.dns_search = dns->search;
            service_.dns_opt = dns->options;
        }
        for (const auto& line : container_.hosts) {
            std::istringstream words(line);
            std::string address;
            words >> address;
            for (std::string name; words >> name;) service_.extra_hosts[name].push_back(address);
        }
    }

    // Those of the whole service are not its containers'.
    void ports() {
        for (const auto& port :
             in_.service.ports.empty() && spec_.endpoint ? spec_.endpoint->ports : in_.service.ports) {
            if (port.mode != "host") continue;
            Port& to = service_.ports.emplace_back();
            to.target = port.target;
            if (port.published != 0) to.published = std::to_string(port.published);
            to.protocol = port.protocol;
            to.mode = "host";
        }
    }

    void mount(const swarm::Mount& from) {
        Mount to;
        to.source = expanded("mounts", from.source);
        to.target = expanded("mounts", from.target);
        to.read_only = from.read_only;
        if (from.type == "bind") bind(from, to);
        else if (from.type == "volume") volume(from, to);
        else if (from.type == "tmpfs") {
            to.type = MountType::tmpfs;
            if (from.tmpfs_size > 0 || from.tmpfs_mode != 0)
                to.tmpfs = MountTmpfs{from.tmpfs_size, from.tmpfs_mode, {}};
        } else if (from.type == "image") {
            to.type = MountType::image;
            if (!from.subpath.empty()) to.image = MountImage{from.subpath, {}};
        } else to.type = from.type == "npipe" ? MountType::npipe : MountType::cluster;
        service_.volumes.push_back(std::move(to));
    }

    static void bind(const swarm::Mount& from, Mount& to) {
        to.type = MountType::bind;
        MountBind& options = to.bind.emplace();
        options.propagation = from.propagation;
        options.create_host_path = from.create_mountpoint;
        if (from.non_recursive) options.recursive = "disabled";
        else if (from.read_only_non_recursive) options.recursive = "writable";
        else if (from.read_only_force_recursive) options.recursive = "readonly";
    }

    void volume(const swarm::Mount& from, Mount& to) {
        to.type = MountType::volume;
        MountVolume& options = to.volume.emplace();
        options.nocopy = from.no_copy;
        options.subpath = from.subpath;
        if (to.source.empty()) {
            options.labels = from.volume_labels;
            return;
        }
        Volume& volume = out_.project.volumes[to.source];
        volume.key = volume.name = to.source;
        volume.external = in_.volume_exists(to.source); // then it is as it was made
        volume.driver = from.driver;
        for (const auto& [key, value] : from.driver_options) volume.driver_opts[key] = expanded("mounts", value);
        for (const auto& [key, value] : from.volume_labels) volume.labels[key] = expanded("mounts", value);
    }

    const TaskModelInput& in_;
    const swarm::ServiceSpec& spec_;
    const swarm::ContainerSpec& container_;
    TemplateContext text_;
    TaskModel out_;
    Service service_;
};

} // namespace

TaskModel task_model(const TaskModelInput& input) { return ModelMaker(input).run(); }

} // namespace davit
