#include "export/ecs/terraform_block.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

namespace davit::exports::ecs {

namespace {

// Parameters whose name follows the rule, and those that Terraform calls otherwise.
constexpr std::string_view same[] = {"availabilityZoneRebalancing",
                                     "desiredCount",
                                     "enableExecuteCommand",
                                     "forceNewDeployment",
                                     "launchType",
                                     "platformVersion",
                                     "propagateTags",
                                     "schedulingStrategy",
                                     "placementConstraints",
                                     "capacityProviderStrategy",
                                     "deploymentController",
                                     "serviceRegistries",
                                     "vpcLatticeConfigurations",
                                     "healthCheckGracePeriodSeconds"};
const std::map<std::string, std::string> other = {{"cluster", "cluster"},
                                                  {"enableECSManagedTags", "enable_ecs_managed_tags"},
                                                  {"loadBalancers", "load_balancer"},
                                                  {"placementStrategy", "ordered_placement_strategy"},
                                                  {"role", "iam_role"},
                                                  {"serviceName", "name"}};

Document block_of(const Document& value) {
    if (!value.is_object()) return tf_block(value);
    Document list = Document::array();
    list.push_back(tf_block(value));
    return list;
}

void put_deployment(const Document& given, Document& service) {
    Document rest = Document::object();
    for (const auto& [key, value] : given.items()) {
        if (key == "maximumPercent" || key == "minimumHealthyPercent") service["deployment_" + tf_key(key)] = value;
        else if (key == "deploymentCircuitBreaker") service["deployment_circuit_breaker"] = block_of(value);
        else if (key == "alarms") service["alarms"] = block_of(value);
        else rest[key] = value;
    }
    if (!rest.empty()) service["deployment_configuration"] = block_of(rest);
}

void put_network(const Document& given, Document& service) {
    if (!given.contains("awsvpcConfiguration")) return;
    Document block = tf_block(given["awsvpcConfiguration"]);
    if (block.contains("assign_public_ip")) block["assign_public_ip"] = block["assign_public_ip"] == "ENABLED";
    Document list = Document::array();
    list.push_back(std::move(block));
    service["network_configuration"] = std::move(list);
}

// The names that clients use: lists of one name are blocks called by it.
void put_connect(const Document& given, Document& service) {
    Document block = tf_block(given);
    if (block.contains("services")) {
        block["service"] = block["services"];
        block.erase("services");
    }
    Document list = Document::array();
    list.push_back(std::move(block));
    service["service_connect_configuration"] = std::move(list);
}

// A disk's size has another name there than a task's.
void put_volumes(const Document& given, Document& service) {
    Document blocks = tf_block(given.is_array() ? given : Document::array({given}));
    for (Document& one : blocks)
        if (one.is_object() && one.contains("managed_ebs_volume"))
            for (Document& disk : one["managed_ebs_volume"])
                if (disk.is_object() && disk.contains("size_in_gib")) {
                    disk["size_in_gb"] = disk["size_in_gib"];
                    disk.erase("size_in_gib");
                }
    service["volume_configuration"] = std::move(blocks);
}

// A list of {"key", "value"}; false: it is something else.
bool put_tags(const Document& given, Document& service) {
    const auto is_tag = [](const Document& d) {
        return d.is_object() && d.value("key", Document()).is_string() && d.value("value", Document("")).is_string();
    };
    if (!given.is_array() || !std::all_of(given.begin(), given.end(), is_tag)) return false;
    for (const Document& tag : given) service["tags"][tag.value("key", "")] = tf_text(tag.value("value", ""));
    return true;
}

} // namespace

void put_given_service(const Document& given, Report& report, Document& service) {
    for (const auto& [key, value] : given.items()) {
        if (key == "deploymentConfiguration") put_deployment(value, service);
        else if (key == "networkConfiguration") put_network(value, service);
        else if (key == "serviceConnectConfiguration") put_connect(value, service);
        else if (key == "volumeConfigurations") put_volumes(value, service);
        else if (key == "tags") {
            if (!put_tags(value, service))
                report.dropped("x-aws-service.tags", "it is no list of {key, value}", "as CreateService takes them");
        } else if (key == "taskDefinition")
            report.dropped("x-aws-service.taskDefinition", "the service runs the task definition that is exported");
        else if (const auto found = other.find(key); found != other.end()) service[found->second] = block_of(value);
        else if (std::find(std::begin(same), std::end(same), key) != std::end(same))
            service[tf_key(key)] = block_of(value);
        else report.dropped("x-aws-service." + key, "Terraform's aws_ecs_service has nothing like it");
    }
    // A strategy and a launch type exclude each other.
    if (service.contains("capacity_provider_strategy")) service.erase("launch_type");
}

} // namespace davit::exports::ecs
