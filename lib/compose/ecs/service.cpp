// The service of ECS that runs a task definition: how many tasks, and the names that they have.
#include "compose/ecs/task.hpp"

#include <fmt/format.h>

namespace davit::compose::ecs {

namespace {

// The names that Service Connect would give it: they are names on the project's network.
void read_connect(Context& c, Object& service, std::vector<std::string>& aliases) {
    auto connect = service.object("serviceConnectConfiguration");
    if (!connect) return;
    const bool enabled = connect->truth("enabled");
    auto add = [&](std::string name) {
        if (enabled && !name.empty()) aliases.push_back(std::move(name));
    };
    connect->for_aws({"namespace", "logConfiguration", "accessLogConfiguration"}, c.for_aws);
    for (Object& entry : connect->objects("services")) {
        add(entry.word("discoveryName"));
        for (Object& client : entry.objects("clientAliases")) {
            add(client.word("dnsName"));
            client.printed({"port"}); // it is the container's here
            client.for_aws({"testTrafficRules"}, c.for_aws);
            client.finish();
        }
        entry.printed({"portName"});
        entry.for_aws({"ingressPortOverride", "timeout", "tls"}, c.for_aws);
        entry.finish();
    }
    connect->finish();
}

void check_family(const Task& task, Object& service) {
    const std::string named = service.word("taskDefinition");
    std::string family = named.substr(named.rfind('/') == std::string::npos ? 0 : named.rfind('/') + 1);
    family = family.substr(0, family.find(':'));
    if (!family.empty() && family != task.family)
        service.error("taskDefinition", fmt::format("the service is of '{}', and the task definition given is '{}'",
                                                    family, task.family));
}

int read_count(Object& service) {
    constexpr std::int64_t most = 100;
    const std::int64_t wanted = service.whole("desiredCount").value_or(1);
    if (service.word("schedulingStrategy") == "DAEMON") return 1;
    if (wanted <= most) return static_cast<int>(wanted);
    service.error("desiredCount", fmt::format("{} tasks are more than davit runs of one definition: {}", wanted, most));
    return 1;
}

} // namespace

ServicePart read_service(Context& c, const Task& task, Object& service) {
    ServicePart out;
    if (std::string name = service.word("serviceName"); !name.empty()) out.aliases.push_back(std::move(name));
    out.tasks = read_count(service);
    check_family(task, service);
    service.for_aws({"cluster",
                     "launchType",
                     "capacityProviderStrategy",
                     "platformVersion",
                     "role",
                     "deploymentConfiguration",
                     "deploymentController",
                     "placementConstraints",
                     "placementStrategy",
                     "networkConfiguration",
                     "loadBalancers",
                     "healthCheckGracePeriodSeconds",
                     "serviceRegistries",
                     "tags",
                     "propagateTags",
                     "enableECSManagedTags",
                     "enableExecuteCommand",
                     "clientToken",
                     "availabilityZoneRebalancing",
                     "volumeConfigurations",
                     "vpcLatticeConfigurations"},
                    c.for_aws);
    service.printed({"serviceArn", "clusterArn", "status", "runningCount", "pendingCount", "platformFamily", "taskSets",
                     "deployments", "roleArn", "events", "createdAt", "createdBy", "currentServiceDeployment",
                     "currentServiceRevisions", "resourceManagementType"});
    read_connect(c, service, out.aliases);
    service.finish();
    return out;
}

} // namespace davit::compose::ecs
