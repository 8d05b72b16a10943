// What an ECS export is before it has a format: task definitions, services, and what stands around them. What only
// AWS knows stands as @WORDS@ in it, which each format replaces by its own kind of reference.
#pragma once

#include "export/targets.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace davit::exports::ecs {

inline constexpr std::int64_t mebi = 1024 * 1024;

struct Listener {
    std::uint32_t listener = 0, container = 0;
    std::string protocol; // HTTP HTTPS TCP UDP
    std::string of;       // the container
    std::string group;    // name of the target group
    std::string path;     // of the key in the project
    bool application() const { return protocol == "HTTP" || protocol == "HTTPS"; }
};

// One task definition, and what runs it.
struct Task {
    std::string name; // of the service: dns label
    std::string family;
    std::vector<const Service*> members;
    bool once = false, daemon = false, ec2 = false;
    int desired = 1;
    std::optional<int> minimum_percent, maximum_percent;
    bool roll_back = false, circuit_breaker = true;
    std::int64_t grace = 0;         // of load balancers' health checks
    std::int64_t stop_timeout = 30; // the longest of its containers'
    std::vector<Listener> published;
    std::vector<std::string> networks; // keys
    std::set<std::string> after;       // names of tasks that are made before it
    struct Scaling {
        int least = 1, most = 1;
        double cpu = 0, memory = 0;
    };
    std::optional<Scaling> scaling;
    std::map<std::string, std::string> tags;
    bool ready_made = false; // it was an ECS task definition
};

struct Layout {
    const Scope& scope;
    std::string project;                       // dns label
    std::map<std::string, std::string> labels; // of services: names of containers and tasks
    std::string cluster, namespace_name, log_group, region, account, vpc, execution_role, task_role, scheme;
    std::string certificate; // of HTTPS listeners
    std::vector<std::string> subnets, task_policies;
    bool public_ip = false, own_cluster = true;
    int log_days = 30;
    std::vector<std::string> networks;               // those used, keys
    std::map<std::string, std::string> file_systems; // volume key → id, or "@EFS:key@"
    std::vector<std::string> repositories;           // of ECR, to make
    struct SecretValue {
        std::string key, name, environment, file; // name: in Secrets Manager
    };
    std::vector<SecretValue> secrets; // to make
    std::vector<std::string> secret_arns;
    std::vector<Task> tasks;           // those first that others need
    std::vector<Document> definitions; // as register-task-definition takes them, beside tasks
};

Layout make_plan(const Scope& scope);
void add_definition(Layout& plan, Task& task);
Document main_definition(Layout& plan, Task& task, const Service& service);
// mounts.cpp: they add to the container, and to the definition's volumes and containers.
void add_secret_files(Layout& plan, const Service& service, Document& container, Document& definition);
void add_mounts_of(Layout& plan, const Task& task, const Service& service, Document& container, Document& definition);

// names.cpp: who provides a name is made before who asks for it.
void order_tasks(Layout& plan, std::map<std::string, Task>& by_group);
void note_names(const Layout& plan);
// Those that are made before somebody whose name they ask for, and learn of it by a second deployment.
std::vector<const Task*> asked_too_early(const Layout& plan);
std::string port_name(const Layout& plan, const Service& service, std::uint32_t port, const std::string& protocol);

// given.cpp
Document given(const Extensions& from, const char* key);
Document given_container(const Service& service);
Document given_definition(const Layout& plan, const Task& task);
Document given_service(const Layout& plan, const Task& task);
void put(Document& into, const Document& given);

struct Size {
    int cpu = 256, memory = 512; // units, MiB
};
// The smallest of Fargate that has so much; nullopt: there is none.
std::optional<Size> fargate_size(double cpus, std::int64_t bytes);

// In awsvpc form: everything create-service takes but what only AWS knows.
Document service_document(const Layout& plan, const Task& task, bool with_desired = true);
Document run_task_document(const Layout& plan, const Task& task);
Document service_connect(const Layout& plan, const Task& task);
// Tasks of the ECS agent read secrets and logs, those of the program have their own.
Document execution_policy(const Layout& plan);
Document trust_policy();

// Every @WORD@ of a text replaced; the replacement of none leaves it.
std::string replaced(const std::string& text, const std::function<std::string(const std::string& word)>& by);
// In every text of a document; make: a text with words becomes a document.
Document replaced_in(const Document& document, const std::function<Document(const std::string& text)>& make);
bool has_words(const std::string& text);

std::string ecs_readme(const Layout& plan, const std::string& order);
std::string ecs_secrets_script(const Layout& plan);

std::vector<ExportedFile> as_taskdefs(const Layout& plan);
std::vector<ExportedFile> as_cli(const Layout& plan);
std::vector<ExportedFile> as_cloudformation(const Layout& plan);
std::vector<ExportedFile> as_terraform(const Layout& plan);

} // namespace davit::exports::ecs
