// prune.sh: what carries the project's tag and is no longer in the file goes, each before what it stands on.
#include "export/ecs/plan.hpp"

#include "base/shared_with.hpp"
#include "model/ecs_task.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace davit::exports::ecs {

namespace {

constexpr std::string_view prune_functions = R"sh(
in_list() { case " $2 " in *" $1 "*) return 0 ;; esac; return 1; }

gone() { # WHAT COMMAND…: told, and done
    echo "$1"
    shift
    [ -n "${DRY_RUN-}" ] || "$@" >/dev/null
}

lines() { tr '\t' '\n' | sed '/^$/d; /^None$/d'; }

by_tens() { # COMMAND…: with ten of the words of standard input at a time, and not at all with none
    cat >"$work/words"
    [ ! -s "$work/words" ] || xargs -n 10 "$@" <"$work/words"
}

services() {
    aws ecs list-services --cluster "$CLUSTER" --query 'serviceArns[]' --output text >"$work/all"
    lines <"$work/all" | by_tens aws ecs describe-services --cluster "$CLUSTER" --include TAGS --output text --query \
        "services[?status=='ACTIVE' && tags[?key=='davit:project' && value=='$PROJECT']].serviceName" --services >"$work/services"
    : >"$work/ending"
    for name in $(lines <"$work/services"); do
        in_list "$name" "$SERVICES $KEPT" || gone "the service $name" remove_service "$name"
    done
    [ -z "${NO_WAIT-}" ] || return 0
    for name in $(cat "$work/ending"); do aws ecs wait services-inactive --cluster "$CLUSTER" --services "$name"; done
}

scaled() { # SERVICE: nothing, where nothing scales it
    aws application-autoscaling describe-scalable-targets --service-namespace ecs --resource-ids "service/$CLUSTER/$1" \
        --query 'ScalableTargets[].ResourceId' --output text | lines
}

unscale() { # SERVICE
    aws application-autoscaling deregister-scalable-target --service-namespace ecs --resource-id "service/$CLUSTER/$1" \
        --scalable-dimension ecs:service:DesiredCount
}

remove_service() { # NAME
    [ -z "$(scaled "$1")" ] || unscale "$1"
    aws ecs delete-service --cluster "$CLUSTER" --service "$1" --force
    echo "$1" >>"$work/ending"
}

policies() { # SERVICE
    aws application-autoscaling describe-scaling-policies --service-namespace ecs --resource-id "service/$CLUSTER/$1" \
        --query 'ScalingPolicies[].PolicyName' --output text | lines
}

scaling() { # SERVICE METRICS: policies of other metrics go, and with the last one what it scaled
    there=$(policies "$1") left=
    for policy in $there; do
        case $policy in
        "$1-CPU" | "$1-Memory")
            if in_list "${policy##*-}" "$2"; then left=1; continue; fi
            gone "the scaling policy $policy" aws application-autoscaling delete-scaling-policy --service-namespace ecs \
                --policy-name "$policy" --resource-id "service/$CLUSTER/$1" --scalable-dimension ecs:service:DesiredCount
            ;;
        *) left=1 ;;
        esac
    done
    [ -z "$there" ] || [ -n "$left" ] || gone "the scaling of $1" unscale "$1"
}

targets() { # those of the project: ARN TASK
    aws elbv2 describe-target-groups --query "TargetGroups[?VpcId=='$VPC'].TargetGroupArn" --output text >"$work/all"
    lines <"$work/all" | by_tens aws elbv2 describe-tags --output text --query \
        "TagDescriptions[?Tags[?Key=='davit:project' && Value=='$PROJECT']].[ResourceArn, Tags[?Key=='davit:task'].Value | [0]]" \
        --resource-arns >"$work/targets"
}

leads_to_ours() { # ARN: a target group of the project, and of no service that is only left out of this export
    while read -r ours task; do
        if [ "$ours" = "$1" ]; then
            if in_list "$task" "$KEPT"; then return 1; fi
            return 0
        fi
    done <"$work/targets"
    return 1
}

# Who added a listener by hand keeps it, and the balancer and its open port with it.
balancer() { # NAME PORTS
    arn=$(if_there LoadBalancerNotFound aws elbv2 describe-load-balancers --names "$1" \
        --query 'LoadBalancers[0].LoadBalancerArn' --output text) || exit 1
    [ -n "$arn" ] || return 0
    aws elbv2 describe-listeners --load-balancer-arn "$arn" --output text \
        --query 'Listeners[].[ListenerArn, Port, DefaultActions[0].TargetGroupArn]' >"$work/listeners"
    left=
    while read -r listener port target; do
        if in_list "$port" "$2"; then
            left=1
        elif leads_to_ours "$target"; then
            gone "the listener on $port of $1" aws elbv2 delete-listener --listener-arn "$listener"
        else
            left=1
            ports="$ports $port"
        fi
    done <"$work/listeners"
    if [ -n "$left$2" ] || [ "$(aws elbv2 describe-tags --resource-arns "$arn" --output text --query \
        "TagDescriptions[0].Tags[?Key=='davit:project'].Value | [0]")" != "$PROJECT" ]; then
        SECURITY_GROUPS="$SECURITY_GROUPS $PROJECT-lb"
        return 0
    fi
    gone "the load balancer $1" aws elbv2 delete-load-balancer --load-balancer-arn "$arn"
    [ -n "${DRY_RUN-}${NO_WAIT-}" ] || aws elbv2 wait load-balancers-deleted --load-balancer-arns "$arn"
}

target_groups() {
    while read -r arn task; do
        name=${arn%/*}
        name=${name##*/}
        if in_list "$name" "$TARGETS" || in_list "$task" "$KEPT"; then continue; fi
        gone "the target group $name" aws elbv2 delete-target-group --target-group-arn "$arn" || still "the target group $name"
    done <"$work/targets"
}

still() { # WHAT
    echo "$1 is still used, and stays: prune again later, or see who uses it" >&2
    echo "$1" >>"$work/still"
}

rules() { # GROUP CONDITION: RULE PROTOCOL/PORT
    aws ec2 describe-security-group-rules --filters "Name=group-id,Values=$1" --output text \
        --query "SecurityGroupRules[?IsEgress==\`false\` && $2].[SecurityGroupRuleId, join('/', [IpProtocol, to_string(FromPort)])]"
}

revoke() { # GROUP RULE
    aws ec2 revoke-security-group-ingress --group-id "$1" --security-group-rule-ids "$2"
}

project_groups() { # ID NAME TASK
    aws ec2 describe-security-groups --filters "Name=vpc-id,Values=$VPC" "Name=tag:davit:project,Values=$PROJECT" --output text \
        --query "SecurityGroups[].[GroupId, GroupName, Tags[?Key=='davit:task'].Value | [0]]" >"$work/groups"
}

group() { awk -v name="$1" '$2 == name { print $1 }' "$work/groups"; } # NAME: its id

open() { # GROUP-NAME CONDITION PORTS: rules for other ports go
    id=$(group "$1")
    [ -n "$id" ] || return 0
    rules "$id" "$2" >"$work/rules"
    while read -r rule port; do
        if in_list "$port" "$3" || in_list "${port#*/}" "$ports"; then continue; fi
        gone "the rule for $port of $1" revoke "$id" "$rule"
    done <"$work/rules"
}

published() { # TASK PORTS
    open "$PROJECT-$1-published" "ReferencedGroupInfo.GroupId=='$(group "$PROJECT-lb")'" "$2"
}

refer() { # GROUP: rules of the project that let it in elsewhere; else it cannot be deleted
    for other in $(aws ec2 describe-security-groups --filters "Name=ip-permission.group-id,Values=$1" \
        --query 'SecurityGroups[].GroupId' --output text | lines); do
        [ "$other" != "$1" ] || continue
        ours=$(awk -v id="$other" '$1 == id { print $1 }' "$work/groups")
        rules "$other" "ReferencedGroupInfo.GroupId=='$1'" >"$work/rules"
        while read -r rule port; do
            if [ -z "$ours" ] && [ "$port" != tcp/2049 ]; then continue; fi
            gone "the rule for $port of $other" revoke "$other" "$rule"
        done <"$work/rules"
    done
}

# Addresses of what has ended leave a group some minutes later.
delete_group() { # ID
    turn=0
    until error=$(aws ec2 delete-security-group --group-id "$1" 2>&1); do
        case $error in *InvalidGroup.NotFound*) return 0 ;; *DependencyViolation*) ;; *) echo "$error" >&2; return 1 ;; esac
        turn=$((turn + 1))
        if [ -n "${NO_WAIT-}" ] || [ "$turn" -ge 60 ]; then return 1; fi
        sleep 10
    done
}

security_groups() {
    while read -r id name task; do
        if in_list "$name" "$SECURITY_GROUPS" || in_list "$task" "$KEPT"; then continue; fi
        refer "$id"
        echo "$id $name" >>"$work/unused"
    done <"$work/groups"
    while read -r id name; do
        gone "the security group $name" delete_group "$id" || still "the security group $name"
    done <"$work/unused"
}
)sh";

using Words = std::set<std::string>;

const Service* sharer_of(const Project& project, const Service& service) {
    const SharedWith with = SharedWith::parse(service.network_mode);
    return with.is_service() ? project.find(std::string(with.name)) : nullptr;
}

std::string service_name(const Document& given) {
    const auto it = given.find("serviceName");
    return it != given.end() && it->is_string() ? it->get<std::string>() : std::string();
}

// Whatever a service's task is called, alone or with others.
void add_names(const Layout& plan, const Service& service, Words& out) {
    out.insert(plan.labels.at(service.name));
    if (const std::string task = text_of(service.extensions, "x-aws-task"); !task.empty()) out.insert(dns_label(task));
    if (const auto task = ecs_task_of(service)) out.insert({dns_label(task->name), task->family});
    out.insert(service_name(given(service.extensions, "x-aws-service")));
}

// Services that profiles or a selection leave out are in the file: theirs stays.
Words kept_tasks(const Layout& plan) {
    const Project& project = plan.scope.project;
    Words out;
    for (const auto& [name, service] : project.disabled_services) {
        add_names(plan, service, out);
        std::set<std::string> seen{name};
        for (const Service* at = sharer_of(project, service); at && seen.insert(at->name).second;
             at = sharer_of(project, *at))
            add_names(plan, *at, out);
        if (ecs_task_of(service)) out.insert(service_name(given(project.extensions, "x-aws-service")));
    }
    // By what is left out with it a service that runs once is the project's task's, or has its own.
    if (!out.empty() && plan.scope.options.layout == EcsLayout::task) out.insert(dns_label(project.name));
    out.erase("");
    return out;
}

Words kept_groups(const Layout& plan) {
    Words out;
    const auto& left_out = plan.scope.project.disabled_services;
    bool published =
        std::any_of(left_out.begin(), left_out.end(), [](const auto& s) { return !s.second.ports.empty(); });
    for (const auto& [name, service] : left_out)
        for (const auto& [network, how] : service.networks) out.insert(network_group(plan, network));
    for (const std::string& network : plan.networks) out.insert(network_group(plan, network));
    for (const Task& task : plan.tasks) {
        published = published || !task.published.empty();
        if (!task.published.empty()) out.insert(fmt::format("{}-{}-published", plan.project, task.name));
        else if (task.networks.empty()) out.insert(fmt::format("{}-{}", plan.project, task.name));
    }
    if (published) out.insert(plan.project + "-lb");
    return out;
}

std::string rules_of(const std::vector<OpenPort>& ports) {
    Words out;
    for (const OpenPort& p : ports) out.insert(fmt::format("{}/{}", p.protocol, p.port));
    return fmt::format("'{}'", fmt::join(out, " "));
}

// Names may come from the user's own service documents.
std::string list_of(const Words& words) {
    const std::string text = shell_quoted(fmt::format("{}", fmt::join(words, " ")));
    return text.starts_with('\'') ? text : "'" + text + "'";
}

std::string lists(const Layout& plan) {
    Words services, targets;
    for (const Task& task : plan.tasks) {
        if (!task.once) services.insert({task.name, service_name(given_service(plan, task))});
        for (const Listener& p : task.published) targets.insert(p.group);
    }
    services.erase("");
    return fmt::format("\n# ---- what the file has; KEPT: and this export has not\n"
                       "SERVICES={}\nKEPT={}\nTARGETS={}\nSECURITY_GROUPS={}\nports=\n",
                       list_of(services), list_of(kept_tasks(plan)), list_of(targets), list_of(kept_groups(plan)));
}

std::string listeners_of(const Layout& plan, bool application) {
    std::set<std::uint32_t> ports;
    for (const Task& task : plan.tasks)
        for (const Listener& p : task.published)
            if (p.application() == application) ports.insert(p.listener);
    return fmt::format("balancer {} '{}'\n", plan.balancer_name(application), fmt::join(ports, " "));
}

std::string commands(const Layout& plan) {
    std::string out = "\n# ---- services, their scaling, what leads to them, what they are open to\nservices\n";
    std::vector<OpenPort> open;
    for (const Task& task : plan.tasks) {
        if (task.once) continue;
        const bool by_cpu = task.scaling && task.scaling->cpu > 0, by_memory = task.scaling && task.scaling->memory > 0;
        out += fmt::format("scaling {} '{}'\n", shell_quoted(task.name),
                           by_cpu && by_memory ? "CPU Memory"
                           : by_cpu            ? "CPU"
                           : by_memory         ? "Memory"
                                               : "");
        for (const Listener& p : task.published)
            for (const OpenPort& port : open_ports(p)) open.push_back(port);
    }
    out += "targets\n" + listeners_of(plan, true) + listeners_of(plan, false) + "target_groups\nproject_groups\n";
    out += fmt::format("open {}-lb \"CidrIpv4=='0.0.0.0/0'\" {}\n", plan.project, rules_of(open));
    for (const Task& task : plan.tasks)
        if (!task.published.empty())
            out += fmt::format("published {} {}\n", shell_quoted(task.name), rules_of(target_ports(task)));
    return out + "security_groups\n[ -n \"${NO_WAIT-}\" ] || [ ! -s \"$work/still\" ]\n";
}

} // namespace

std::string prune_script(const Layout& plan) {
    std::string out =
        "#!/bin/sh\n"
        "# [VPC=vpc-…] [DRY_RUN=1] [NO_WAIT=1] sh prune.sh\n"
        "# Takes away what earlier exports of this project have made and the file no longer has; with DRY_RUN it tells "
        "only.\n"
        "# Images, secrets, file systems, logs, roles and task definitions stay, and whatever was made by "
        "hand.\n"
        "set -eu\n"
        "work=$(mktemp -d)\n"
        "trap 'rm -rf \"$work\"' EXIT\n"
        ": >\"$work/unused\"\n"
        ": >\"$work/still\"\n\n";
    return out + place_in_script(plan) + vpc_in_script(plan) + std::string(shared_functions()) +
           std::string(prune_functions) + lists(plan) + commands(plan);
}

} // namespace davit::exports::ecs
