// A task definition and the service beside it as one compose file.
#include "compose/ecs/documents.hpp"

#include "base/units.hpp"
#include "compose/ecs/task.hpp"
#include "model/pause_image.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fmt/ranges.h>
#include <set>

namespace davit::compose::ecs {

Node& Context::map_in(Node& map, std::string_view key, Pos at) const {
    if (Node* there = map.find(key)) return *there;
    Node* made = tree.map(at);
    set(map, key, made);
    return *made;
}

Node& Context::list_in(Node& map, std::string_view key, Pos at) const {
    if (Node* there = map.find(key)) return *there;
    Node* made = tree.list(at);
    set(map, key, made);
    return *made;
}

namespace {

const Node* below(const Node& document, std::string_view key) {
    const Node* inner = document.find(key);
    return inner && inner->is_map() ? inner : nullptr;
}

const Node* definition_in(const Node& document) {
    if (const Node* inner = below(document, "taskDefinition"); inner && inner->has("containerDefinitions"))
        return inner;
    return document.has("containerDefinitions") ? &document : nullptr;
}

const Node* service_in(const Node& document) {
    const auto fits = [](const Node& n) {
        const Node* of = n.find("taskDefinition");
        return n.has("serviceName") || (n.has("desiredCount") && of && of->is_string());
    };
    if (fits(document)) return &document;
    if (const Node* inner = below(document, "service"); inner && fits(*inner)) return inner;
    if (const Node* all = document.find("services");
        all && all->is_list() && all->list().size() == 1 && fits(*all->list()[0]))
        return all->list()[0];
    return nullptr;
}

// "256", "1024", "1 vCPU", ".5 vcpu": CPUs.
std::optional<double> cpus_of(const Node& n) {
    std::string text = to_text(n);
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto unit = text.find("vcpu");
    const bool whole = unit != std::string::npos;
    if (whole) text.resize(unit);
    while (!text.empty() && text.back() == ' ') text.pop_back();
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || !(value > 0) || !std::isfinite(value)) return std::nullopt;
    return whole ? value : value / 1024;
}

// "512", "1GB", "0.5 GB": MiB.
std::optional<std::int64_t> mib_of(const Node& n) {
    const std::string text = to_text(n);
    const bool bare = text.find_first_not_of("0123456789") == std::string::npos;
    const auto bytes = parse_bytes(bare ? text + "m" : text);
    return bytes && *bytes > 0 ? std::optional(*bytes >> 20) : std::nullopt;
}

class Converter {
public:
    Converter(Context context, Object definition, const Node* service)
        : c_(std::move(context)), d_(std::move(definition)) {
        if (service) service_.emplace(*service, "", c_.diag);
    }

    Node* run() {
        Node* out = c_.tree.map(d_.node().pos);
        task_.family = d_.required("family");
        check_name(task_.family);
        if (const Node* n = d_.number("revision")) task_.revision = static_cast<int>(n->integer);
        read_task();
        const ServicePart part = service_ ? read_service(c_, task_, *service_) : ServicePart{};
        aliases_ = part.aliases;
        std::vector<Copy> copies;
        for (int i = 1; i <= part.tasks; ++i) copies.push_back({i == 1 ? std::string() : fmt::format("-{}", i), i});
        auto containers = d_.objects("containerDefinitions");
        read_names(containers);
        Node& services = c_.map_in(*out, "services", d_.at("containerDefinitions"));
        Node* volumes = c_.tree.map(d_.at("volumes"));
        read_volumes(c_, task_, d_, copies, *volumes);
        for (const Copy& copy : copies) {
            if (!task_.holder.empty()) add_holder(copy, services);
            for (const Object& container : containers) add_container(c_, task_, copy, container, services);
        }
        if (!volumes->empty()) c_.set(*out, "volumes", volumes);
        keep(c_, d_.node(), kept_of_task, *out, "x-aws-task-definition");
        if (service_) keep(c_, service_->node(), kept_of_service, *out, "x-aws-service");
        finish();
        return out;
    }

private:
    void check_name(const std::string& family) {
        const bool legal = std::all_of(family.begin(), family.end(),
                                       [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; });
        if (!legal || family.size() > 255)
            d_.error("family", "takes up to 255 letters, digits, hyphens and underscores");
    }

    void read_task() {
        task_.mode = network_mode();
        if (const Node* n = d_.anything("cpu")) {
            if (const auto cpus = cpus_of(*n)) task_.cpus = *cpus;
            else if (!to_text(*n).empty())
                d_.error("cpu", "is no number of CPU units", "1024 are one CPU: \"256\", \"1 vCPU\"");
        }
        if (const Node* n = d_.anything("memory")) {
            if (const auto memory = mib_of(*n)) task_.memory = *memory;
            else if (!to_text(*n).empty())
                d_.error("memory", "is no size", "in MiB, or with a unit: \"512\", \"1 GB\"");
        }
        task_.pid = d_.word("pidMode");
        if (!task_.pid.empty() && task_.pid != "host" && task_.pid != "task")
            d_.error("pidMode", "must be 'host' or 'task'");
        task_.ipc = d_.word("ipcMode");
        if (!task_.ipc.empty() && task_.ipc != "host" && task_.ipc != "task" && task_.ipc != "none")
            d_.error("ipcMode", "must be 'host', 'task' or 'none'");
        read_platform();
        d_.no_effect("proxyConfiguration", "there is no App Mesh here");
        d_.no_effect("inferenceAccelerators", "there are none here");
        d_.no_effect("ephemeralStorage", "containers have the disk of this machine");
        d_.for_aws({"executionRoleArn", "taskRoleArn", "tags", "placementConstraints", "enableFaultInjection"},
                   c_.for_aws);
        d_.printed({"taskDefinitionArn", "status", "requiresAttributes", "compatibilities", "registeredAt",
                    "registeredBy", "deregisteredAt", "deleteRequestedAt"});
    }

    std::string network_mode() {
        std::string mode = d_.word("networkMode");
        bool fargate = false;
        for (const Node* n : d_.texts("requiresCompatibilities")) fargate = fargate || n->str() == "FARGATE";
        if (mode.empty()) mode = fargate ? "awsvpc" : "bridge";
        if (mode == "default") mode = "bridge";
        if (mode != "awsvpc" && mode != "bridge" && mode != "host" && mode != "none") {
            d_.error("networkMode", fmt::format("'{}' is none of awsvpc, bridge, host, none", mode));
            mode = "bridge";
        }
        return mode;
    }

    void read_platform() {
        auto platform = d_.object("runtimePlatform");
        if (!platform) return;
        const std::string system = platform->word("operatingSystemFamily"), cpu = platform->word("cpuArchitecture");
        platform->finish();
        if (!system.empty() && system != "LINUX")
            platform->error("operatingSystemFamily",
                            fmt::format("davit runs Linux containers, and this is {}", system));
        if (cpu == "ARM64") task_.platform = "linux/arm64";
        else if (cpu == "X86_64") task_.platform = "linux/amd64";
        else if (!cpu.empty()) platform->error("cpuArchitecture", "must be X86_64 or ARM64");
    }

    void read_names(std::vector<Object>& containers) {
        if (containers.empty()) d_.error("containerDefinitions", "there is no container");
        for (Object& container : containers) {
            const std::string name = container.required("name");
            if (!name.empty() && std::find(task_.names.begin(), task_.names.end(), name) != task_.names.end())
                container.error("name", fmt::format("there are two containers '{}'", name));
            task_.names.push_back(name);
            if (container.truth("essential", true)) task_.essential.insert(name);
        }
        if (task_.essential.empty() && !containers.empty())
            d_.error("containerDefinitions", "at least one container has to be essential");
        if (!task_.one_network() && task_.pid != "task" && task_.ipc != "task") return;
        task_.holder = "pause";
        while (std::find(task_.names.begin(), task_.names.end(), task_.holder) != task_.names.end())
            task_.holder = "task-" + task_.holder;
    }

    // What holds the namespaces that all share, so that they outlive each of the containers.
    void add_holder(const Copy& copy, Node& services) {
        const Pos here = d_.node().pos;
        Node& holder = c_.map_in(services, task_.holder + copy.suffix, here);
        c_.set(holder, "image", c_.text(pause_image, here));
        c_.set(holder, "pull_policy", c_.text("never", here));
        c_.set(holder, "read_only", c_.tree.boolean(true, here));
        c_.tree.push(c_.list_in(holder, "cap_drop", here), c_.text("ALL", here));
        c_.tree.push(c_.list_in(holder, "security_opt", here), c_.text("no-new-privileges:true", here));
        c_.set(holder, "stop_grace_period", c_.text("1s", here));
        c_.set(holder, "attach", c_.tree.boolean(false, here));
        if (task_.ipc == "task") c_.set(holder, "ipc", c_.text("shareable", here));
        Node& task = c_.map_in(holder, "x-davit-task", here);
        c_.set(task, "name", c_.text(task_.family + copy.suffix, here));
        c_.set(task, "family", c_.text(task_.family, here));
        c_.set(task, "container", c_.text(task_.holder, here));
        c_.set(task, "network", c_.tree.boolean(true, here));
        if (task_.cpus > 0) c_.set(task, "cpu", c_.tree.real(task_.cpus, here));
        if (task_.memory > 0) c_.set(task, "memory", c_.tree.integer(task_.memory, here));
        if (copy.number > 1) c_.set(task, "copy", c_.tree.integer(copy.number, here));
        if (task_.one_network()) c_.set(task, "metadata", c_.tree.boolean(true, here));
        if (!task_.one_network()) return c_.set(holder, "network_mode", c_.text("none", here));
        Node& network = c_.map_in(c_.map_in(holder, "networks", here), "default", here);
        std::set<std::string> known;
        auto add = [&](const std::string& alias) {
            if (!alias.empty() && known.insert(alias).second)
                c_.tree.push(c_.list_in(network, "aliases", here), c_.text(alias, here));
        };
        add(task_.family);
        for (const std::string& alias : aliases_) add(alias);
    }

    void finish() {
        d_.finish();
        if (c_.for_aws.keys.empty() || c_.elsewhere) return;
        const bool one = c_.for_aws.keys.size() == 1;
        c_.diag.warning(c_.for_aws.at, "",
                        fmt::format("{} {} for AWS and {} no effect here", fmt::join(c_.for_aws.keys, ", "),
                                    one ? "is" : "are", one ? "has" : "have"));
    }

    Context c_;
    Object d_;
    std::optional<Object> service_;
    Task task_;
    std::vector<std::string> aliases_; // of the task on the network
};

} // namespace

bool is_task_definition(const Node& document) { return document.is_map() && definition_in(document); }

const Node* as_others_write_it(const Node& document) {
    if (document.is_list()) {
        const auto& items = document.list();
        return !items.empty() && items[0]->is_map() && items[0]->has("image") && items[0]->has("name") ? &document
                                                                                                       : nullptr;
    }
    if (!document.is_map()) return nullptr;
    if (const Node* containers = document.find("ContainerDefinitions")) return containers;
    const Node* resources = below(document, "Resources");
    if (!resources) return nullptr;
    for (const Entry& e : resources->map())
        if (const Node* type = e.value->is_map() ? e.value->find("Type") : nullptr;
            type && type->is_string() && type->str() == "AWS::ECS::TaskDefinition")
            return type;
    return nullptr;
}

bool is_service(const Node& document) {
    return document.is_map() && !is_task_definition(document) && service_in(document);
}

const Node* family_of(const Node& document) {
    const Node* definition = document.is_map() ? definition_in(document) : nullptr;
    const Node* family = definition ? definition->find("family") : nullptr;
    return family && family->is_string() ? family : nullptr;
}

Node* to_compose(Tree& tree, const Node& document, const Node* service, const Surroundings& around, Diagnostics& diag) {
    const Node* definition = definition_in(document);
    const std::string path = definition == &document ? "" : "taskDefinition";
    Context context{tree, diag, around.environment, around.directory, around.values, around.elsewhere, {{}, {}}};
    if (definition != &document) { // what describe prints beside it
        Object outer(document, "", diag);
        outer.printed({"taskDefinition"});
        outer.for_aws({"tags"}, context.for_aws);
        outer.finish();
    }
    return Converter(std::move(context), Object(*definition, path, diag), service ? service_in(*service) : nullptr)
        .run();
}

} // namespace davit::compose::ecs
