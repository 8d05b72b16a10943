// The wire form of plans: what the client sends to the supervisor, and `davit plan --format json`.
#include "davit/plan.hpp"

#include "project/plan_fields.hpp"

namespace davit {

DAVIT_JSON_ENUM(WaitCondition, {WaitCondition::started, "started"}, {WaitCondition::healthy, "healthy"},
                {WaitCondition::completed_successfully, "completed_successfully"}, {WaitCondition::exited, "exited"})

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Operation, id, kind, resource, cause, after, container_id,
                                                container_name, network, volume, image, signal, timeout_ns,
                                                remove_volumes, force, skip_hooks, hold_for_attach, condition, wait_for,
                                                required, new_name)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Plan, project, seen, known, operations)

const char* to_string(OpKind kind) { return json::name_of(kind); }
std::string to_json(const Plan& plan) { return json::dump(plan); }
Plan plan_from_json(const std::string& text) { return json::parse<Plan>(text, "the plan"); }

} // namespace davit
