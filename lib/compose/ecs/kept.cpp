// What compose has no word for is kept as it came, below x-aws-…: `export --to ecs` puts it back.
#include "compose/ecs/task.hpp"

#include <algorithm>

namespace davit::compose::ecs {

namespace {

constexpr std::string_view of_task[] = {"taskRoleArn",
                                        "executionRoleArn",
                                        "networkMode",
                                        "volumes",
                                        "placementConstraints",
                                        "requiresCompatibilities",
                                        "cpu",
                                        "memory",
                                        "tags",
                                        "pidMode",
                                        "ipcMode",
                                        "proxyConfiguration",
                                        "inferenceAccelerators",
                                        "ephemeralStorage",
                                        "runtimePlatform",
                                        "enableFaultInjection"};

constexpr std::string_view of_container[] = {"repositoryCredentials",
                                             "cpu",
                                             "memory",
                                             "memoryReservation",
                                             "links",
                                             "portMappings",
                                             "restartPolicy",
                                             "mountPoints",
                                             "volumesFrom",
                                             "linuxParameters",
                                             "secrets",
                                             "environmentFiles",
                                             "startTimeout",
                                             "versionConsistency",
                                             "hostname",
                                             "disableNetworking",
                                             "dnsServers",
                                             "dnsSearchDomains",
                                             "extraHosts",
                                             "dockerSecurityOptions",
                                             "privileged",
                                             "ulimits",
                                             "logConfiguration",
                                             "systemControls",
                                             "resourceRequirements",
                                             "firelensConfiguration",
                                             "credentialSpecs"};

constexpr std::string_view of_service[] = {"cluster",
                                           "serviceName",
                                           "availabilityZoneRebalancing",
                                           "loadBalancers",
                                           "serviceRegistries",
                                           "desiredCount",
                                           "launchType",
                                           "capacityProviderStrategy",
                                           "platformVersion",
                                           "role",
                                           "deploymentConfiguration",
                                           "placementConstraints",
                                           "placementStrategy",
                                           "networkConfiguration",
                                           "healthCheckGracePeriodSeconds",
                                           "schedulingStrategy",
                                           "deploymentController",
                                           "tags",
                                           "enableECSManagedTags",
                                           "propagateTags",
                                           "enableExecuteCommand",
                                           "serviceConnectConfiguration",
                                           "volumeConfigurations",
                                           "vpcLatticeConfigurations"};

} // namespace

const Kept kept_of_task = of_task, kept_of_container = of_container, kept_of_service = of_service;

void keep(Context& c, const Node& from, Kept keys, Node& to, std::string_view below) {
    for (const Entry& e : from.map())
        if (std::find(keys.begin(), keys.end(), e.key) != keys.end() && !says_nothing(*e.value))
            c.set(c.map_in(to, below, from.pos), e.key, c.tree.clone(*e.value));
}

} // namespace davit::compose::ecs
