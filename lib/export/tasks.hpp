// A project that was an ECS task definition, without what only this machine needs of it: copies of tasks, and the
// service that holds their network. Its containers share the network of one of them, as `network_mode: service:x` says.
#pragma once

#include "davit/project.hpp"

#include <map>
#include <string>
#include <vector>

namespace davit::exports {

Project without_holders(Project project);

// A variable whose value stands in a store of secrets of AWS: x-aws-container.secrets.
struct SecretVariable {
    std::string variable, from; // from: the ARN
};
std::vector<SecretVariable> secret_variables(const Service& service);

// A volume of the task definition that ends with its task: neither a file system nor a path of the host.
bool ends_with_task(const Project& project, const std::string& volume);

// The services that share one network namespace, by the one that has it: each service is in one group, which begins
// with that one.
std::map<std::string, std::vector<const Service*>> network_groups(const Project& project);
const std::string& network_owner(const Project& project, const Service& service); // its name

} // namespace davit::exports
