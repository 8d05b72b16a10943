// The functions of prune.sh: what is tagged as the project's and not in its lists goes, or is named.
#include "export/ecs/plan.hpp"

namespace davit::exports::ecs {

namespace {

constexpr std::string_view of_what_serves = R"sh(
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

constexpr std::string_view of_access = R"sh(
# ERROR COMMAND…: nothing where AWS answers ERROR; who may not look is told so, and the rest goes on.
looked_at() {
    if_there "$@" 2>"$work/denied" >"$work/all" || { echo "not looked at: aws $3 $4" >&2; cat "$work/denied" >&2; }
    lines <"$work/all"
}

all_in_list() { for one in $1; do in_list "$one" "$2" || return 1; done; } # WORDS LIST

can_read() { # ROLE: what it could read for a task that is gone; "secrets" was for all tasks at once
    listed=$(looked_at NoSuchEntity aws iam list-role-policies --role-name "$1" --query 'PolicyNames[]' --output text | tr '\t\n' '  ')
    for policy in $listed; do
        case $policy in
        secrets) if [ -n "$KEPT" ] || ! all_in_list "$POLICIES" "$listed"; then continue; fi ;; # deployed before there were others
        davit-secrets-*) if in_list "$policy" "$POLICIES" || in_list "${policy#davit-secrets-}" "$KEPT"; then continue; fi ;;
        *) continue ;;
        esac
        gone "the policy $policy of the role $1" aws iam delete-role-policy --role-name "$1" --policy-name "$policy"
    done
}

# Older revisions run with it, or it holds data: who is sure takes it away.
stays() { echo "$1 is not in the file, and stays: aws $2" >&2; } # WHAT COMMAND

task_policies() { # ROLE ARNS: it has others
    for arn in $(looked_at NoSuchEntity aws iam list-attached-role-policies --role-name "$1" --query 'AttachedPolicies[].PolicyArn' --output text); do
        in_list "$arn" "$2" || stays "the policy $arn of the role $1" "iam detach-role-policy --role-name $1 --policy-arn $arn"
    done
}

unused_role() { # NAME
    for role in $(looked_at NoSuchEntity aws iam get-role --role-name "$1" --output text \
        --query "Role.Tags[?Key=='davit:project' && Value=='$PROJECT'].Value"); do
        stays "the role $1" "iam delete-role --role-name $1, when no revision needs it"
    done
}

secrets() { # NAMES KEYS: of secrets whose names are not known here
    for name in $(looked_at none aws secretsmanager list-secrets --filters "Key=name,Values=$PROJECT/" --query 'SecretList[].Name' --output text); do
        case $name in "$PROJECT"/*) ;; *) continue ;; esac
        in_list "$name" "$1" || stays "the secret $name" \
            "secretsmanager delete-secret --secret-id $name${2:+, if no service that is left out has it as $2}"
    done
}

repositories() { # NAMES
    for arn in $(looked_at none aws ecr describe-repositories --output text \
        --query "repositories[?starts_with(repositoryName, '$PROJECT-')].repositoryArn"); do
        name=${arn#*:repository/}
        if in_list "$name" "$1"; then continue; fi
        for owner in $(looked_at none aws ecr list-tags-for-resource --resource-arn "$arn" --query "tags[?Key=='davit:project'].Value" --output text); do
            [ "$owner" != "$PROJECT" ] || stays "the repository $name" "ecr delete-repository --force --repository-name $name, when no revision needs its images"
        done
    done
}
)sh";

} // namespace

std::string prune_functions() { return std::string(of_what_serves).append(of_access); }

} // namespace davit::exports::ecs
