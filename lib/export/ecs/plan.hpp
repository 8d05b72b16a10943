// What an ECS export is before it has a format: task definitions, services, and what stands around them. What only
// AWS knows stands as words in it (words.cpp), which each format replaces by its own kind of reference.
#pragma once

#include "export/targets.hpp"

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace davit::exports::ecs {

inline constexpr std::int64_t mebi = 1024 * 1024;

// How a load balancer asks a target whether it is well. Each is written, so that a value that is gone is reset.
struct TargetHealth {
    std::string protocol;   // HTTP HTTPS TCP
    std::string path;       // not with TCP
    std::string status;     // "200", "200-299"; empty: the balancer's own
    std::uint32_t port = 0; // 0: the one that has the traffic
    std::string port_text() const { return port ? std::to_string(port) : "traffic-port"; }
};

struct Listener {
    std::uint32_t listener = 0, container = 0;
    std::string protocol; // HTTP HTTPS TCP UDP TCP_UDP
    std::string of;       // the container
    std::string target;   // protocol of the target group
    std::string version;  // GRPC, or empty
    std::string group;    // name of the target group
    std::string path;     // of the key in the project
    TargetHealth health;
    bool application() const { return protocol == "HTTP" || protocol == "HTTPS"; }
};

// A rule of a security group: "tcp", 80.
struct OpenPort {
    std::string protocol;
    std::uint32_t port = 0;
    bool operator==(const OpenPort&) const = default;
};

// One task definition, and what runs it.
struct Task {
    std::string name; // of the service: dns label
    std::string family;
    std::vector<const Service*> members; // the first one's word is the task's where theirs differ
    bool led = true; // the first has the network that the others share; else none of them is before another
    bool once = false, daemon = false, ec2 = false;
    std::string network = "awsvpc"; // networkMode
    int desired = 1;
    std::optional<int> minimum_percent, maximum_percent;
    bool roll_back = false, circuit_breaker = true;
    std::int64_t grace = 0;         // of load balancers' health checks
    std::int64_t stop_timeout = 30; // the longest of its containers'
    std::vector<Listener> published;
    std::vector<std::string> networks;  // keys
    std::set<std::string> file_systems; // keys of volumes
    std::set<std::string> after;        // names of tasks that are made before it
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
    std::map<std::string, std::string> file_systems; // volume key → id, or the word of it
    std::map<std::string, std::string> mount_groups; // volume key → security group of its mount targets
    std::vector<std::string> repositories;           // of ECR, to make
    struct SecretValue {
        std::string key, name, environment, file; // name: in Secrets Manager
    };
    std::vector<SecretValue> secrets;     // to make
    std::vector<std::string> secret_arns; // of all definitions
    std::vector<Task> tasks;              // those first that others need
    std::vector<Document> definitions;    // as register-task-definition takes them, beside tasks
    std::string execution_role_name() const { return dns_label(project, 54) + "-execution"; } // IAM: 64 characters
    std::string task_role_name() const { return dns_label(project, 54) + "-task"; }
    // 32 characters, and AWS keeps "internal-" to itself.
    std::string balancer_name(bool application) const {
        return dns_label((project.starts_with("internal-") ? "x-" : "") + project, 28) +
               (application ? "-alb" : "-nlb");
    }
};

Layout make_plan(const Scope& scope);
std::string repository_of(const std::string& image); // of ECR; empty: it is elsewhere
// settings.cpp: what the task says where its services say different things.
void settle(const Layout& plan, Task& task);
void set_percentages(const Layout& plan, const Document& definition, Task& task);
// published.cpp
void add_published(Layout& plan, Task& task, const Service& service);
void settle_published(Layout& plan); // names, health; those that no balancer can have are gone
void note_published(const Layout& plan);
std::vector<OpenPort> open_ports(const Listener& listener); // of the balancer
inline constexpr std::uint32_t nfs_port = 2049;
std::vector<std::string> mount_groups_of(const Layout& plan, const Task& task); // mounts.cpp
std::vector<OpenPort> target_ports(const Task& task);                           // of the task, for the balancer
void add_definition(Layout& plan, Task& task);
Document main_definition(Layout& plan, Task& task, const Service& service);
void add_logging(const Layout& plan, const Task& task, const Service& service, Document& out); // logging.cpp
// linux.cpp: capabilities, limits, devices, memory.
void add_linux(const Layout& plan, const Task& task, const Service& service, Document& out);
// mounts.cpp: they add to the container, and to the definition's volumes and containers.
void add_secret_files(Layout& plan, const Service& service, Document& container, Document& definition);
void add_mounts_of(Layout& plan, Task& task, const Service& service, Document& container, Document& definition);

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
// What it is called there: its own serviceName, or the task's name.
std::string service_name(const Layout& plan, const Task& task);
void check_service_names(const Layout& plan);
void put(Document& into, const Document& given);

struct Size {
    int cpu = 256, memory = 512; // units, MiB
};
// The smallest of Fargate that has so much; nullopt: there is none.
std::optional<Size> fargate_size(double cpus, std::int64_t bytes);

// In awsvpc form: everything create-service takes but what only AWS knows.
Document service_document(const Layout& plan, const Task& task, bool with_desired = true);
inline constexpr int most_of_a_run = 10; // tasks of one RunTask
Document run_task_document(const Layout& plan, const Task& task);
bool has_service_connect(const Layout& plan, const Task& task);
Document service_connect(const Layout& plan, const Task& task);
// Tasks of the ECS agent read secrets and logs, those of the program have their own.
std::vector<std::string> secrets_of(const Document& definition); // what the agent reads for it
void add_secrets_of(const Document& container, std::vector<std::string>& out);
Document execution_policy(const std::vector<std::string>& secret_arns);
Document trust_policy();

// What only AWS knows: REGION, ACCOUNT, PARTITION, DOMAIN, EXECUTION_ROLE, TASK_ROLE, EFS:volume; the script has
// SUBNETS, GROUPS and TARGETS, too. Between marks that stand in no file, so that a text of the user's is never one.
std::string word(std::string_view name);
bool is_word(std::string_view text); // it is nothing but a word
struct Partition {
    std::string_view regions, name, domain; // regions: how they begin; "cn-", "aws-cn", "amazonaws.com.cn"
};
std::span<const Partition> partitions(); // the last one is of all other regions
const Partition& partition_of(std::string_view region);

// Every word of a text replaced.
std::string replaced(const std::string& text, const std::function<std::string(const std::string& word)>& by);
// In every text of a document; make: a text with words becomes a document.
Document replaced_in(const Document& document, const std::function<Document(const std::string& text)>& make);
bool has_words(const std::string& text);

std::string ecs_readme(const Layout& plan, const std::string& order);
std::string ecs_secrets_script(const Layout& plan);

// cli_functions.cpp: what deploy.sh is made of, and what of it prune.sh needs, too.
std::string_view script_functions();
std::string_view shared_functions();
// cli_script.cpp, of both scripts: PROJECT, CLUSTER and REGION; VPC; a network's security group.
std::string place_in_script(const Layout& plan);
std::string vpc_in_script(const Layout& plan);
std::string network_group(const Layout& plan, const std::string& network);
std::string secrets_policy(const Task& task); // its name
std::string prune_functions();
std::string prune_script(const Layout& plan); // prune.cpp
std::vector<ExportedFile> as_taskdefs(const Layout& plan);
std::vector<ExportedFile> as_cli(const Layout& plan);
std::vector<ExportedFile> as_cloudformation(const Layout& plan);
std::vector<ExportedFile> as_terraform(const Layout& plan);

} // namespace davit::exports::ecs
