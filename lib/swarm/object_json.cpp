// Records as they stand in the store: plain fields, the specification in the shape of Docker's API.
#include "base/text_code.hpp"
#include "project/json_fields.hpp"
#include "swarm/json_spec.hpp"
#include "swarm/store.hpp"

namespace davit::swarm {

namespace {

constexpr int newest_format = 1;

constexpr TaskState states[] = {TaskState::new_,      TaskState::pending,  TaskState::assigned, TaskState::accepted,
                                TaskState::preparing, TaskState::ready,    TaskState::starting, TaskState::running,
                                TaskState::complete,  TaskState::shutdown, TaskState::failed,   TaskState::rejected,
                                TaskState::remove,    TaskState::orphaned};

} // namespace

void to_json(nlohmann::json& j, const TaskState& state) { j = to_string(state); }
void from_json(const nlohmann::json& j, TaskState& state) {
    const auto word = j.get<std::string>();
    for (TaskState s : states)
        if (word == to_string(s)) {
            state = s;
            return;
        }
    throw error(Errc::failed, "'{}' is no state of a task", word);
}

void to_json(nlohmann::json& j, const ServiceSpec& spec) { j = nlohmann::json(json_of(spec)); }
void from_json(const nlohmann::json& j, ServiceSpec& spec) { spec = service_spec_of(j); }
void to_json(nlohmann::json& j, const PortConfig& port) {
    j = nlohmann::json(json_of(std::vector<PortConfig>{port})).at(0);
}
void from_json(const nlohmann::json& j, PortConfig& port) { port = ports_of(nlohmann::json::array({j})).at(0); }

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(VirtualAddress, network_id, address)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(UpdateStatus, state, started_at, completed_at, message, ends_at)
// Written as a service's, which has the same two members.
void to_json(nlohmann::json& j, const TaskVersion& v) {
    ServiceSpec spec;
    spec.task = v.task;
    spec.endpoint = v.endpoint;
    j = {{"spec_version", v.spec_version}, {"template_version", v.template_version}, {"spec", spec}};
}
void from_json(const nlohmann::json& j, TaskVersion& v) {
    ServiceSpec spec = j.value("spec", ServiceSpec());
    v = {j.value("spec_version", std::uint64_t{0}), j.value("template_version", std::uint64_t{0}), std::move(spec.task),
         std::move(spec.endpoint)};
}
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Service, format, id, project, version, spec_version, created_at,
                                                updated_at, spec, previous, previous_spec_version, template_version,
                                                previous_template_version, update_status, ports, addresses,
                                                job_iteration, job_started_at, kept, begun_in, removed_at)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Task, format, id, service_id, slot, spec_version, template_version,
                                                job_iteration, image, created_at, updated_at, desired, state,
                                                state_since, message, error, exit_code, container_id, start_after,
                                                node_id, running_at, restarts, by_update)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Node, format, id, version, created_at, updated_at, labels, name, role,
                                                availability, asked_for, cluster_id, worker_token, manager_token)

// Any bytes: base64.
void to_json(nlohmann::json& j, const ConfigSpec& s) {
    j = {{"name", s.name},
         {"labels", s.labels},
         {"data", base64_encode(s.data)},
         {"template_driver", s.template_driver},
         {"driver", s.driver}};
}
void from_json(const nlohmann::json& j, ConfigSpec& s) {
    s.name = j.value("name", "");
    s.labels = j.value("labels", Labels());
    auto data = base64_decode(j.value("data", ""));
    if (!data) throw error(Errc::failed, "the data of '{}' is not base64", s.name);
    s.data = std::move(*data);
    s.template_driver = j.value("template_driver", "");
    s.driver = j.value("driver", "");
}
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Config, format, id, version, created_at, updated_at, spec)

std::string to_json(const Service& service) { return json::dump(service); }
std::string to_json(const Task& task) { return json::dump(task); }
std::string to_json(const Config& config) { return json::dump(config); }
std::string to_json(const Node& node) { return json::dump(node); }

Service service_from_json(const std::string& text, const std::string& file) {
    return json::parse_record<Service>(text, file, newest_format);
}
Task task_from_json(const std::string& text, const std::string& file) {
    return json::parse_record<Task>(text, file, newest_format);
}
Config config_from_json(const std::string& text, const std::string& file) {
    return json::parse_record<Config>(text, file, newest_format);
}
Node node_from_json(const std::string& text, const std::string& file) {
    return json::parse_record<Node>(text, file, newest_format);
}

} // namespace davit::swarm
