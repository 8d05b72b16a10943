// The functions of deploy.sh: what is there stays or becomes as it is said, what has changed is a new revision.
#include "export/ecs/plan.hpp"

namespace davit::exports::ecs {

namespace {

constexpr std::string_view shared = R"sh(
if_there() { # ERROR COMMAND…: what it prints; nothing where AWS answers ERROR, and any other failure is one
    absent=$1
    shift
    ! "$@" 2>"$work/error" || return 0
    grep -q "($absent)" "$work/error" || { cat "$work/error" >&2; return 1; }
}
)sh";

constexpr std::string_view functions = R"sh(
# Of the words in a file those that are known by now.
filled() {
    sed -e "s|@REGION@|$REGION|g" -e "s|@ACCOUNT@|$ACCOUNT|g" -e "s|@PARTITION@|$PARTITION|g" -e "s|@DOMAIN@|$DOMAIN|g" \
        -e "s|@EXECUTION_ROLE@|$EXECUTION_ROLE|g" -e "s|@TASK_ROLE@|${TASK_ROLE-}|g" -e "s|@SUBNETS@|$(echo "$SUBNETS" | sed 's/,/","/g')|g" \
        -e "s|@GROUPS@|${groups-}|g" -e "s|\"@TARGETS@\"|${targets-}|g" "$1" >"$work/$1"
    file_systems "$work/$1"
    echo "file://$work/$1"
}

# By which prune.sh knows what is the project's.
tags() { echo "Key=davit:project,Value=$PROJECT${task:+ Key=davit:task,Value=$task}"; }

security_group() { # NAME DESCRIPTION: its id
    id=$(aws ec2 describe-security-groups --filters "Name=group-name,Values=$1" "Name=vpc-id,Values=$VPC" \
        --query 'SecurityGroups[0].GroupId' --output text)
    if [ "$id" = None ] || [ -z "$id" ]; then
        id=$(aws ec2 create-security-group --group-name "$1" --description "$2" --vpc-id "$VPC" --query GroupId --output text \
            --tag-specifications "ResourceType=security-group,Tags=[$(tags | sed 's/[^ ]*/{&}/g; s/ /,/')]")
    else
        aws ec2 create-tags --resources "$id" --tags $(tags)
    fi
    echo "$id"
}

allow() { # GROUP OPTIONS…: a rule that is there already is no mistake
    group=$1
    shift
    if ! error=$(aws ec2 authorize-security-group-ingress --group-id "$group" "$@" 2>&1); then
        case $error in *InvalidPermission.Duplicate*) ;; *) echo "$error" >&2; return 1 ;; esac
    fi
}

role() { # NAME: its ARN
    arn=$(if_there NoSuchEntity aws iam get-role --role-name "$1" --query Role.Arn --output text) || return 1
    [ -n "$arn" ] ||
        arn=$(aws iam create-role --role-name "$1" --assume-role-policy-document file://trust-policy.json \
            --tags "Key=davit:project,Value=$PROJECT" --query Role.Arn --output text)
    echo "$arn"
}

load_balancer() { # NAME TYPE: its ARN
    arn=$(if_there LoadBalancerNotFound aws elbv2 describe-load-balancers --names "$1" \
        --query 'LoadBalancers[0].LoadBalancerArn' --output text) || return 1
    [ -n "$arn" ] ||
        arn=$(aws elbv2 create-load-balancer --name "$1" --type "$2" --scheme "$SCHEME" --security-groups "$balancer_group" \
            --subnets $(echo "$SUBNETS" | tr , ' ') --query 'LoadBalancers[0].LoadBalancerArn' --output text)
    aws elbv2 add-tags --resource-arns "$arn" --tags $(tags)
    echo "$arn"
}

target_group() { # NAME PROTOCOL[/VERSION] PORT DELAY HEALTH…: its ARN
    name=$1 protocol=${2%/*} version= port=$3 delay=$4
    case $2 in */*) version="--protocol-version ${2#*/}" ;; esac
    shift 4
    arn=$(if_there TargetGroupNotFound aws elbv2 describe-target-groups --names "$name" \
        --query 'TargetGroups[0].TargetGroupArn' --output text) || return 1
    [ -n "$arn" ] ||
        arn=$(aws elbv2 create-target-group --name "$name" --protocol "$protocol" $version --port "$port" --vpc-id "$VPC" \
            --target-type ip --query 'TargetGroups[0].TargetGroupArn' --output text)
    is=$(aws elbv2 describe-target-groups --target-group-arns "$arn" --query 'TargetGroups[0].Protocol' --output text)
    if [ "$is" != "$protocol" ]; then
        echo "the target group $name is there with the protocol $is, which never changes, and $protocol is wanted:" >&2
        echo "delete its listener and then it, with aws elbv2, or publish another port" >&2
        return 1
    fi
    aws elbv2 modify-target-group --target-group-arn "$arn" "$@" >/dev/null
    aws elbv2 modify-target-group-attributes --target-group-arn "$arn" \
        --attributes "Key=deregistration_delay.timeout_seconds,Value=$delay" >/dev/null
    aws elbv2 add-tags --resource-arns "$arn" --tags $(tags)
    echo "$arn"
}

listener() { # BALANCER PROTOCOL PORT TARGET [OPTIONS…]: one that is there becomes so
    balancer=$1 protocol=$2 port=$3 target=$4
    shift 4
    there=$(aws elbv2 describe-listeners --load-balancer-arn "$balancer" --query "Listeners[?Port==\`$port\`].ListenerArn" --output text)
    if [ -n "$there" ]; then
        aws elbv2 modify-listener --listener-arn "$there" --protocol "$protocol" \
            --default-actions "Type=forward,TargetGroupArn=$target" "$@" >/dev/null
    else
        aws elbv2 create-listener --load-balancer-arn "$balancer" --protocol "$protocol" --port "$port" \
            --default-actions "Type=forward,TargetGroupArn=$target" "$@" >/dev/null
    fi
}

http_namespace() { # NAME: AWS makes it a moment later
    there=$(aws servicediscovery list-namespaces --query "Namespaces[?Name=='$1'].Id" --output text)
    [ -z "$there" ] || return 0
    operation=$(aws servicediscovery create-http-namespace --name "$1" --query OperationId --output text)
    turn=0
    while [ "$turn" -lt 60 ]; do
        status=$(aws servicediscovery get-operation --operation-id "$operation" --query Operation.Status --output text)
        case $status in SUCCESS) return 0 ;; FAIL) break ;; esac
        sleep 2
        turn=$((turn + 1))
    done
    echo "the namespace $1 was not made: $status" >&2
    return 1
}

register() { # FILE: family:revision
    aws ecs register-task-definition --cli-input-json "$(filled "$1")" \
        --query 'join(`:`, [taskDefinition.family, to_string(taskDefinition.revision)])' --output text
}

service() { # TASK NAME REVISION
    status=$(aws ecs describe-services --cluster "$CLUSTER" --services "$2" --query 'services[0].status' --output text)
    if [ "$status" = ACTIVE ]; then
        aws ecs update-service --cli-input-json "$(filled "$1.update.json")" --task-definition "$3" >/dev/null
    else
        aws ecs create-service --cli-input-json "$(filled "$1.service.json")" --task-definition "$3" >/dev/null
        created=1
    fi
    settled "$2" "$3"
}

# A service that went back to the revision before is stable, too.
settled() { # NAME REVISION
    [ -z "${NO_WAIT-}" ] || return 0
    stable=yes
    aws ecs wait services-stable --cluster "$CLUSTER" --services "$1" || stable=no
    runs=$(aws ecs describe-services --cluster "$CLUSTER" --services "$1" --output text \
        --query '(services[0].deployments[?status==`PRIMARY`].taskDefinition)[0] || services[0].taskDefinition')
    if [ "$stable" = yes ] && [ "${runs##*/}" = "$2" ]; then return 0; fi
    if [ "$stable" = no ]; then echo "$1 did not become stable with $2; what it said last:" >&2
    else echo "$1 runs ${runs##*/} and not $2: ECS went back; what it said last:" >&2; fi
    aws ecs describe-services --cluster "$CLUSTER" --services "$1" --query 'services[0].events[:5].[message]' --output text >&2
    exit 1
}

again() { # NAME: deployed once more
    revision=$(aws ecs update-service --cluster "$CLUSTER" --service "$1" --force-new-deployment \
        --query service.taskDefinition --output text)
    settled "$1" "${revision##*/}"
}

run_once() { # NAME REVISION COUNT: fails when one of its containers does
    left=$3
    : >"$work/tasks"
    while [ "$left" -gt 0 ]; do
        batch=$left tasks='' count=0 why=''
        [ "$batch" -le 10 ] || batch=10
        for word in $(aws ecs run-task --cli-input-json "$(filled "$1.run-task.json")" --task-definition "$2" \
            --count "$batch" --query '[tasks[].taskArn, failures[].reason]' --output text); do
            case $word in
            arn:*) tasks="$tasks $word" count=$((count + 1)) ;;
            *) why="$why $word" ;;
            esac
        done
        [ "$count" -eq "$batch" ] || { echo "$1: $count of $batch tasks began:$why" >&2; exit 1; }
        echo "$tasks" >>"$work/tasks"
        left=$((left - batch))
    done
    [ -z "${NO_WAIT-}" ] || return 0
    while read -r tasks; do ended "$1" $tasks </dev/null; done <"$work/tasks"
}

ended() { # NAME TASKS…: waits for a day; one wait of aws is ten minutes
    name=$1 turn=0
    shift
    until aws ecs wait tasks-stopped --cluster "$CLUSTER" --tasks "$@" 2>"$work/waited"; do
        turn=$((turn + 1))
        if [ "$turn" -ge 144 ] || ! grep -q 'Max attempts exceeded' "$work/waited"; then
            cat "$work/waited" >&2
            exit 1
        fi
    done
    codes=$(aws ecs describe-tasks --cluster "$CLUSTER" --tasks "$@" --query 'tasks[].containers[].exitCode' --output text)
    for code in ${codes:-1}; do
        [ "$code" = 0 ] || { echo "$name ended with status $code" >&2; exit 1; }
    done
}
)sh";

} // namespace

std::string_view shared_functions() { return shared; }

std::string_view script_functions() { return functions; }

} // namespace davit::exports::ecs
