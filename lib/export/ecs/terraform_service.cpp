#include "export/ecs/terraform_block.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

namespace davit::exports::ecs {

namespace {

// Parameters whose name follows the rule, and those that Terraform calls otherwise.
constexpr std::string_view same[] = {"availabilityZoneRebalancing",
                                     "desiredCount",
                                     "enableECSManagedTags",
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
const std::map<std::string, std::string> other = {{"loadBalancers", "load_balancer"},
                                                  {"placementStrategy", "ordered_placement_strategy"},
                                                  {"role", "iam_role"},
                                                  {"volumeConfigurations", "volume_configuration"}};

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
        for (Document& one : block["services"])
            if (one.contains("client_aliases")) {
                one["client_alias"] = one["client_aliases"];
                one.erase("client_aliases");
            }
        block["service"] = block["services"];
        block.erase("services");
    }
    Document list = Document::array();
    list.push_back(std::move(block));
    service["service_connect_configuration"] = std::move(list);
}

} // namespace

void put_given_service(const Document& given, Report& report, Document& service) {
    for (const auto& [key, value] : given.items()) {
        if (key == "deploymentConfiguration") put_deployment(value, service);
        else if (key == "networkConfiguration") put_network(value, service);
        else if (key == "serviceConnectConfiguration") put_connect(value, service);
        else if (key == "tags")
            for (const Document& tag : value) service["tags"][tag.value("key", "")] = tf_text(tag.value("value", ""));
        else if (key == "enableECSManagedTags") service["enable_ecs_managed_tags"] = value;
        else if (const auto found = other.find(key); found != other.end()) service[found->second] = block_of(value);
        else if (std::find(std::begin(same), std::end(same), key) != std::end(same))
            service[tf_key(key)] = block_of(value);
        else report.dropped("x-aws-service." + key, "Terraform's aws_ecs_service has nothing like it");
    }
    // A strategy and a launch type exclude each other.
    if (service.contains("capacity_provider_strategy")) service.erase("launch_type");
}

} // namespace davit::exports::ecs
