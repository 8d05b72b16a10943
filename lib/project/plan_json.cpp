// The wire form of plans: what the client sends to the supervisor, and `davit plan --format json`.
#include "davit/plan.hpp"

#include "project/plan_fields.hpp"

namespace davit {

DAVIT_JSON_ENUM(WaitCondition, {WaitCondition::started, "started"}, {WaitCondition::healthy, "healthy"},
                {WaitCondition::completed_successfully, "completed_successfully"}, {WaitCondition::exited, "exited"})

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ConnectOptions, aliases, links, link_local_ips, ipv4, ipv6, mac,
                                                driver_opts, gw_priority)

#define DAVIT_OPERATION_FIELDS(ACTION)                                                                                 \
    NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(ACTION, id, kind, resource, cause, after, container_id, container_name,   \
                                             network, volume, image, signal, timeout_ns, remove_volumes, force,        \
                                             skip_hooks, hold_for_attach, condition, wait_for, required, new_name,     \
                                             replaces, settle_ns))

static void to_json(json::Value& nlohmann_json_j, const Operation& nlohmann_json_t) {
    DAVIT_OPERATION_FIELDS(NLOHMANN_JSON_TO)
    // Of few operations: the others are written without.
    if (nlohmann_json_t.endpoint) nlohmann_json_j["endpoint"] = *nlohmann_json_t.endpoint;
    if (!nlohmann_json_t.staged.empty()) nlohmann_json_j["staged"] = nlohmann_json_t.staged;
    if (!nlohmann_json_t.restart.empty()) nlohmann_json_j["restart"] = nlohmann_json_t.restart;
    if (!nlohmann_json_t.limited_by.empty()) nlohmann_json_j["limited_by"] = nlohmann_json_t.limited_by;
}

static void from_json(const json::Value& nlohmann_json_j, Operation& nlohmann_json_t) {
    const Operation nlohmann_json_default_obj{};
    DAVIT_OPERATION_FIELDS(NLOHMANN_JSON_FROM_WITH_DEFAULT)
    if (auto it = nlohmann_json_j.find("endpoint"); it != nlohmann_json_j.end())
        nlohmann_json_t.endpoint = it->get<ConnectOptions>();
    nlohmann_json_t.staged = nlohmann_json_j.value("staged", "");
    nlohmann_json_t.restart = nlohmann_json_j.value("restart", "");
    nlohmann_json_t.limited_by = nlohmann_json_j.value("limited_by", "");
}

void to_json(json::Value& out, const Plan& plan) {
    out = {{"project", plan.project}, {"seen", plan.seen}, {"known", plan.known}, {"operations", plan.operations}};
    if (plan.beside) out["beside"] = true;
    if (plan.shutdown) out["shutdown"] = true; // of the machine: no command of a project makes such a plan
}

void from_json(const json::Value& in, Plan& plan) {
    plan.project = in.value("project", plan.project);
    plan.seen = in.value("seen", plan.seen);
    if (auto known = in.find("known"); known != in.end()) plan.known = known->get<decltype(plan.known)>();
    plan.operations = in.value("operations", plan.operations);
    plan.shutdown = in.value("shutdown", false);
    plan.beside = in.value("beside", false);
}

const char* to_string(OpKind kind) { return json::name_of(kind); }
std::string to_json(const Plan& plan) { return json::dump(plan); }
Plan plan_from_json(const std::string& text) { return json::parse<Plan>(text, "the plan"); }

} // namespace davit
