"""The exports to Amazon ECS by the tools of AWS: botocore, cfn-lint, moto, the aws command, Terraform."""
import glob
import json
import os
import re
import shutil
import socket
import sys
import time

from export_tools import DAVIT, ENVIRONMENT, check_scripts, exports, fail, fetch, free_port, program, run, server, skip, small_projects

AWS_COMMAND = os.path.join(os.path.dirname(os.path.realpath(__file__)), "aws_command.py")


def filled(text):
    for word, value in (("REGION", "us-east-1"), ("ACCOUNT", "111122223333"), ("PARTITION", "aws"), ("DOMAIN", "amazonaws.com"), ("EXECUTION_ROLE", "arn:aws:iam::111122223333:role/x"),
                        ("TASK_ROLE", "arn:aws:iam::111122223333:role/t"), ("SUBNETS", "subnet-1"), ("GROUPS", "sg-1")):
        text = text.replace("@%s@" % word, value)
    text = text.replace('"@TARGETS@"', '{"targetGroupArn": "arn", "containerName": "c", "containerPort": 1}')
    return re.sub(r"@EFS:[^@]*@", "fs-1", text)


def ecs(work):
    fetch("aws")
    import botocore.session
    import botocore.validate
    import cfnlint.api
    model = botocore.session.get_session().get_service_model("ecs")
    operations = {"taskdef": "RegisterTaskDefinition", "service": "CreateService", "run-task": "RunTask", "update": "UpdateService"}
    for more in (["--format", "taskdef"], ["--format", "cli"], ["--format", "taskdef", "--layout", "task"]):
        for name, out, _ in exports(work, "ecs", more, every=8 if len(more) == 2 else 0):
            for file in sorted(glob.glob(out + "/*.json")):
                operation = operations.get(file.split(".")[-2])
                if not operation:
                    continue
                with open(file, encoding="utf-8") as f:
                    document = json.loads(filled(f.read()))
                report = botocore.validate.ParamValidator().validate(document, model.operation_model(operation).input_shape)
                if report.has_errors():
                    fail(name, os.path.basename(file) + ": " + report.generate_report())
            check_scripts(name, out)
    linted = set()  # the VPC is the same for all
    for name, out, _ in exports(work, "ecs", ["--format", "cloudformation", "--with-vpc"]):
        for file in sorted(glob.glob(out + "/*.json")):
            with open(file, encoding="utf-8") as f:
                text = f.read()
            if text not in linted:
                linted.add(text)
                for match in cfnlint.api.lint(text, regions=["us-east-1"]):
                    if match.rule.id.startswith("E"):
                        fail(name, "%s: %s" % (os.path.basename(file), match))


def terraform(work):
    terraform_program = program("terraform")
    plugins = os.environ.get("DAVIT_TERRAFORM_PLUGINS", "/opt/tf-plugins")
    if not glob.glob(plugins + "/*/hashicorp/aws/*"):
        skip("needs Terraform's provider for AWS below DAVIT_TERRAFORM_PLUGINS")
    ENVIRONMENT["TF_DATA_DIR"] = work + "/terraform"
    ENVIRONMENT["CHECKPOINT_DISABLE"] = "1"
    first = True
    # Its provider takes half a minute to begin: those that show each resource.
    shown = {"autoscaled", "secrets-and-configs", "three-networks", "named-volume", "on-instances", "build-only", "balancers", "host-of-instances"}
    for name, out, _ in exports(work, "ecs", ["--format", "terraform"], only=shown):
        if first:
            done = run([terraform_program, "-chdir=" + out, "init", "-backend=false", "-input=false", "-plugin-dir=" + plugins])
            if done.returncode:
                fail(name, done.stdout)
                return
            lock = out + "/.terraform.lock.hcl"
            first = False
        else:
            shutil.copy(lock, out)
        done = run([terraform_program, "-chdir=" + out, "validate", "-no-color"])
        if done.returncode:
            fail(name, done.stdout)


def moto(work):
    place = fetch("aws")
    ENVIRONMENT["PYTHONPATH"] = os.pathsep.join([place, *filter(None, [os.environ.get("PYTHONPATH")])])
    # The command of the set, whatever the machine has: its scripts would name another Python.
    commands = work + "/bin"
    os.makedirs(commands)
    with open(commands + "/aws", "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o755)) as f:
        f.write("#!/bin/sh\nexec '%s' -I -S '%s' call '%s' \"$@\"\n" % (sys.executable, AWS_COMMAND, work + "/aws"))
    ENVIRONMENT["PATH"] = commands + os.pathsep + os.environ["PATH"]
    aws = commands + "/aws"
    number = free_port()
    ENVIRONMENT["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    ENVIRONMENT["NO_PROXY"] = ENVIRONMENT["no_proxy"] = "127.0.0.1"
    aws_server = server([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(number)])
    ENVIRONMENT["AWS_ENDPOINT_URL"] = "http://127.0.0.1:%d" % number
    ENVIRONMENT["NO_WAIT"] = "1" # tasks of moto never become stable
    loaded = server([sys.executable, AWS_COMMAND, "serve", work + "/aws"])
    try:
        for _ in range(600):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", number)) == 0 and os.path.exists(work + "/aws"):
                    break
            time.sleep(0.1)
        moto_sequences(work, aws)
    finally:
        for process in (loaded, aws_server):
            process.kill()
            process.wait()


def give_memory(out):
    """moto's run-task adds up the memory of the containers; to ECS that of the task is enough."""
    for file in glob.glob(out + "/*.taskdef.json"):
        with open(file, encoding="utf-8") as f:
            document = json.load(f)
        for container in document["containerDefinitions"]:
            container.setdefault("memoryReservation", 64)
        with open(file, "w", encoding="utf-8") as f:
            json.dump(document, f)


def moto_sequences(work, aws):
    def ask(*words):
        done = run([aws, *words, "--output", "json"])
        if done.returncode:
            fail(" ".join(words), done.stdout)
            return {}
        return json.loads(done.stdout or "{}")

    vpc = ask("ec2", "create-vpc", "--cidr-block", "10.0.0.0/16")["Vpc"]["VpcId"]
    ask("ec2", "modify-vpc-attribute", "--vpc-id", vpc, "--enable-dns-hostnames")  # without it moto's run-task fails
    subnets = [ask("ec2", "create-subnet", "--vpc-id", vpc, "--cidr-block", "10.0.%d.0/24" % i, "--availability-zone", "us-east-1" + zone)["Subnet"]["SubnetId"]
               for i, zone in enumerate("ab")]
    wanted = {"migration", "secrets-and-configs", "three-networks"}
    for name, file, _ in [*small_projects(work)]:
        if name not in wanted:
            continue
        out = work + "/moto/" + name
        done = run([DAVIT, "-f", file, "export", "--to", "ecs", "--format", "cli", "-o", out])
        if done.returncode:
            fail(name, done.stdout)
            continue
        give_memory(out)
        ENVIRONMENT.update(VPC=vpc, SUBNETS=",".join(subnets))
        if os.path.exists(out + "/secrets.sh"):
            done = run(["sh", out + "/secrets.sh"])
            if done.returncode:
                fail(name + " secrets.sh", done.stdout)
        turns = 2 if name == "three-networks" else 1 # the second is an update: a new revision, nothing twice
        for turn in range(1, turns + 1):
            done = run(["sh", out + "/deploy.sh"])
            if done.returncode:
                fail("%s, deploy.sh, turn %d" % (name, turn), done.stdout)
                break
        else:
            services = ask("ecs", "list-services", "--cluster", name)["serviceArns"]
            expected = len(glob.glob(out + "/*.service.json"))
            if len(services) != expected:
                fail(name, "%d services where %d were meant" % (len(services), expected))
            for service in ask("ecs", "describe-services", "--cluster", name, "--services", *services)["services"]:
                if not service["taskDefinition"].endswith(":%d" % turns):
                    fail(name, "after turn %d %s has %s" % (turns, service["serviceName"], service["taskDefinition"]))
            print("%s: %d services" % (name, expected))
    tutorial(work, ask, vpc, subnets)
    deployed(work, ask)
    pruned(work, vpc)


def project_file(work, wanted):
    return next(file for name, file, _ in small_projects(work) if name == wanted)


def tutorial(work, ask, vpc, subnets):
    """The commands of ECS's tutorials, by hand, with the files of --format taskdef as they are."""
    out = work + "/tutorial"
    done = run([DAVIT, "-f", project_file(work, "one-image"), "-p", "tutorial", "export", "--to", "ecs", "-o", out])
    if done.returncode:
        return fail("tutorial", done.stdout)
    definition, = glob.glob(out + "/*.taskdef.json")
    with open(glob.glob(out + "/*.service.json")[0], encoding="utf-8") as f:
        service = json.load(f)
    ask("ecs", "create-cluster", "--cluster-name", service["cluster"])
    for revision in (1, 2):
        made = ask("ecs", "register-task-definition", "--cli-input-json", "file://" + definition)
        if made and made["taskDefinition"]["revision"] != revision:
            fail("register-task-definition", "revision %d where %d was meant" % (made["taskDefinition"]["revision"], revision))
    family = service["taskDefinition"]
    listed = ask("ecs", "list-task-definitions", "--family-prefix", family).get("taskDefinitionArns", [])
    if [arn.split(":")[-1] for arn in listed] != ["1", "2"]:
        fail("list-task-definitions", str(listed))
    group = ask("ec2", "create-security-group", "--group-name", "tutorial", "--description", "by hand", "--vpc-id", vpc)["GroupId"]
    ask("ec2", "authorize-security-group-ingress", "--group-id", group, "--protocol", "tcp", "--port", "80", "--cidr", "0.0.0.0/0")
    service["networkConfiguration"]["awsvpcConfiguration"].update(subnets=subnets, securityGroups=[group])
    with open(out + "/service.json", "w", encoding="utf-8") as f:
        json.dump(service, f)
    ask("ecs", "create-service", "--cli-input-json", "file://%s/service.json" % out)
    described = ask("ecs", "describe-services", "--cluster", service["cluster"], "--services", service["serviceName"])["services"]
    if [(s["desiredCount"], s["taskDefinition"].split("/")[-1]) for s in described] != [(service["desiredCount"], family + ":2")]:
        fail("describe-services", str(described))
    # What describe-task-definition prints is taken here, and says the same.
    with open(work + "/described.json", "w", encoding="utf-8") as f:
        json.dump(ask("ecs", "describe-task-definition", "--task-definition", family), f)
    ours, theirs = (run([DAVIT, "-f", file, "config", "--format", "json"]) for file in (definition, work + "/described.json"))
    if ours.returncode or theirs.returncode:
        fail("describe-task-definition", ours.stdout + theirs.stdout)


def deployed(work, ask):
    """`davit deploy`, from the project to the services."""
    done = run([DAVIT, "-f", project_file(work, "node-and-store"), "-p", "by-deploy", "deploy", "--to", "ecs", "--yes", "--no-push", "--no-wait",
                "--report", "none"])
    if done.returncode:
        return fail("davit deploy", done.stdout)
    services = ask("ecs", "list-services", "--cluster", "by-deploy").get("serviceArns", [])
    if len(services) != 2:
        fail("davit deploy", "%s, and of it came: %s" % (done.stdout, services))
    done = run([DAVIT, "-f", project_file(work, "node-and-store"), "-p", "by-deploy", "deploy", "--to", "ecs", "--no-push", "--report", "none"])
    if done.returncode == 0 or "000000000000" not in done.stdout and "123456789012" not in done.stdout:
        fail("davit deploy without --yes", done.stdout)


PRUNED = """
name: pruned
services:
  web: {image: nginx, ports: ["80:80"@MORE@], expose: ["80"], networks: [front]@SCALING@}
  db: {image: postgres, expose: ["5432"], networks: [front]}
  tool: {image: tool, ports: ["7000:7000"], networks: [tools], profiles: [tools]}
@SERVICES@networks: {front: {}, back: {}, tools: {}}
@GONE@"""
GONE = """volumes: {data: {x-aws-filesystem: fs-1, x-aws-mount_group: @MOUNTS@}}
"""
GONE_SERVICES = """  gone: {image: nginx, ports: ["9000:9000"], networks: [back], x-aws-container: {secrets: [{name: A, valueFrom: a}]}}
  data: {image: redis, volumes: ["data:/data"], ports: ["53:53/udp"], x-aws-health: {port: 6379}}
"""


def client(name):
    """Of the server in this process: the command takes a second for each word."""
    import botocore.session
    return botocore.session.get_session().create_client(name, region_name="us-east-1", endpoint_url=ENVIRONMENT["AWS_ENDPOINT_URL"],
                                                        aws_access_key_id="testing", aws_secret_access_key="testing")


def standing(vpc):
    """What there is of the project `pruned`."""
    ecs_api, ec2, elb = client("ecs"), client("ec2"), client("elbv2")
    arns = ecs_api.list_services(cluster="pruned")["serviceArns"]
    out = {"services": [s["serviceName"] for s in ecs_api.describe_services(cluster="pruned", services=arns)["services"] if s["status"] == "ACTIVE"],
           "targets": [t["TargetGroupName"] for t in elb.describe_target_groups()["TargetGroups"]]}
    balancers = {b["LoadBalancerName"][7:]: b["LoadBalancerArn"] for b in elb.describe_load_balancers()["LoadBalancers"] if b["LoadBalancerName"].startswith("pruned-")}
    out["balancers"] = list(balancers)
    out["listeners"] = ["%s %d" % (name, listener["Port"]) for name, arn in balancers.items()
                        for listener in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]]
    groups = {g["GroupName"]: g["IpPermissions"] for g in ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]}
    out["groups"] = [name for name in groups if name.startswith("pruned-")]
    out["open"] = ["%s/%d" % (rule["IpProtocol"], rule["FromPort"]) for rule in groups.get("pruned-lb", ())]
    out["within"] = [rule["FromPort"] for rule in groups.get("pruned-web-published", ())]
    out["mounts"] = [pair["GroupId"] for rule in groups["mounts"] for pair in rule["UserIdGroupPairs"]]
    out["policies"] = client("iam").list_role_policies(RoleName="pruned-execution")["PolicyNames"]
    out["scaling"] = [s["ResourceId"] for s in client("application-autoscaling").describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]]
    return {key: sorted(value) for key, value in out.items()}


def add_by_hand(vpc):
    """A listener with its rule, another rule, a service: nothing of davit's."""
    ecs_api, ec2, elb = client("ecs"), client("ec2"), client("elbv2")
    target = elb.create_target_group(Name="by-hand", Protocol="TCP", Port=9999, VpcId=vpc, TargetType="ip")["TargetGroups"][0]["TargetGroupArn"]
    nlb = elb.describe_load_balancers(Names=["pruned-nlb"])["LoadBalancers"][0]["LoadBalancerArn"]
    elb.create_listener(LoadBalancerArn=nlb, Protocol="TCP", Port=9999, DefaultActions=[{"Type": "forward", "TargetGroupArn": target}])
    lb = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["pruned-lb"]}])["SecurityGroups"][0]["GroupId"]
    for port, cidr in ((9999, "0.0.0.0/0"), (22, "10.0.0.0/8")):
        ec2.authorize_security_group_ingress(GroupId=lb, IpProtocol="tcp", FromPort=port, ToPort=port, CidrIp=cidr)
    definition = ecs_api.describe_services(cluster="pruned", services=["db"])["services"][0]["taskDefinition"]
    ecs_api.create_service(cluster="pruned", serviceName="by-hand", taskDefinition=definition, desiredCount=1)


def pruned(work, vpc):
    """What left the file goes with deploy.sh --prune; what others made, and what is only not active, stays."""
    file, out = work + "/pruned.yaml", work + "/pruned"

    def turn(script, text, *words, options=(), **more):
        with open(file, "w", encoding="utf-8") as f:
            f.write(re.sub("@[A-Z]+@", "", text))
        done = run([DAVIT, "-f", file, *options, "export", "--to", "ecs", "--format", "cli", "--report", "none", "-o", out])
        if done.returncode:
            fail("pruned", done.stdout)
        done = run(["env", *("%s=%s" % pair for pair in more.items()), "sh", "%s/%s" % (out, script), *words])
        if done.returncode:
            fail("pruned: %s %s" % (script, " ".join(words)), done.stdout)
        return done.stdout

    def expect(what, **wanted):
        now = standing(vpc)
        for key, value in wanted.items():
            if now[key] != sorted(value):
                fail("pruned, " + what, "%s: %s where %s was meant" % (key, now[key], sorted(value)))

    mounts = client("ec2").create_security_group(GroupName="mounts", Description="by hand", VpcId=vpc)["GroupId"]
    theirs = [t["TargetGroupName"] for t in client("elbv2").describe_target_groups()["TargetGroups"]] + ["by-hand"]
    scaled = [s["ResourceId"] for s in client("application-autoscaling").describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]]
    first = PRUNED.replace("@GONE@", GONE.replace("@MOUNTS@", mounts)).replace("@SERVICES@", GONE_SERVICES)
    first = first.replace("@MORE@", ', "8443:8443"').replace("@SCALING@", ", x-aws-autoscaling: {min: 1, max: 4, cpu: 60}")
    turn("deploy.sh", first, options=("--profile", "*"))
    add_by_hand(vpc)
    client("secretsmanager").create_secret(Name="pruned/old", SecretString="x")
    whole = standing(vpc)
    told = turn("prune.sh", PRUNED, DRY_RUN="1")
    expect("DRY_RUN", **whole)
    if "the service gone\n" not in told or "the listener on 8443 of pruned-nlb\n" not in told:
        fail("pruned, DRY_RUN", told)
    told = turn("deploy.sh", PRUNED, "--prune")
    if "the secret pruned/old is not in the file, and stays: aws secretsmanager delete-secret --secret-id pruned/old\n" not in told:
        fail("pruned, what stays", told)
    client("secretsmanager").delete_secret(SecretId="pruned/old", ForceDeleteWithoutRecovery=True)
    left = {"services": ["web", "db", "tool", "by-hand"], "targets": [*theirs, "pruned-web-80", "pruned-tool-7000"],
            "listeners": ["alb 80", "nlb 7000", "nlb 9999"], "open": ["tcp/80", "tcp/7000", "tcp/9999", "tcp/22"], "within": [80], "mounts": [], "policies": [],
            "groups": ["pruned-lb", "pruned-net-front", "pruned-net-tools", "pruned-web-published", "pruned-tool-published"], "scaling": scaled}
    expect("once", **left)
    if (said := turn("prune.sh", PRUNED)).strip():
        fail("pruned again", said)
    # The last of its ports takes a balancer along, but for one that has another listener.
    turn("prune.sh", re.sub(r"ports: \[[^]]*\], ", "", re.sub(r"^  tool: .*\n", "", PRUNED, flags=re.M)))
    expect("to the end", services=["web", "db", "by-hand"], balancers=["nlb"], listeners=["nlb 9999"], targets=theirs, open=["tcp/9999", "tcp/22"])


def sample(model, shape, path, where):
    """A value for each member of a shape of the API; where: path → what it has to be for davit not to refuse it."""
    if path in where:
        return where[path]
    if shape.type_name == "structure":
        return {name: sample(model, member, path + "." + name if path else name, where) for name, member in shape.members.items()}
    if shape.type_name == "list":
        return [sample(model, shape.member, path, where)]
    if shape.type_name == "map":
        return {"some": "text"}
    if shape.type_name == "string":
        return shape.enum[0] if getattr(shape, "enum", None) else "text"
    return {"boolean": True, "integer": 3, "long": 3, "float": 1.0, "double": 1.0, "timestamp": "2026-01-01"}[shape.type_name]


def every_key(work, model):
    """No key of RegisterTaskDefinition and CreateService is unknown here."""
    container = "containerDefinitions."
    where = {"family": "every", "networkMode": "bridge", "cpu": "256", "memory": "512", "pidMode": "task", "ipcMode": "task",
             "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
             "volumes.fsxWindowsFileServerVolumeConfiguration": None, "volumes.name": "text", "volumes.host": None,
             container + "name": "app", container + "dependsOn": None, container + "links": None, container + "volumesFrom": None,
             container + "environmentFiles": None, container + "linuxParameters.capabilities": {"add": ["SYS_PTRACE"], "drop": ["KILL"]},
             container + "linuxParameters.devices.permissions": ["read"], container + "extraHosts.ipAddress": "10.0.0.1",
             container + "portMappings.containerPortRange": None, container + "systemControls.namespace": "net.core.somaxconn",
             container + "memory": 100, container + "memoryReservation": 50, container + "hostname": "h",
             container + "dnsServers": ["10.0.0.1"], container + "mountPoints.containerPath": "/m",
             container + "linuxParameters.tmpfs": [{"containerPath": "/t", "size": 5, "mountOptions": ["noexec"]}],
             container + "resourceRequirements.value": "1", container + "healthCheck.command": ["CMD", "true"], container + "disableNetworking": None,
             "volumes.dockerVolumeConfiguration.scope": "task"}
    files = []
    for operation, name in (("RegisterTaskDefinition", "task"), ("CreateService", "service")):
        shape = model.operation_model(operation).input_shape
        document = sample(model, shape, "", where if name == "task" else {"taskDefinition": "every", "desiredCount": 1, "schedulingStrategy": "REPLICA"})
        files.append("%s/%s.json" % (work, name))
        with open(files[-1], "w", encoding="utf-8") as f:
            json.dump(document, f, indent=1)
    ENVIRONMENT["text"] = "the secret"
    done = run([DAVIT, "-f", files[0], "-f", files[1], "config"])
    for line in done.stdout.splitlines():
        if "not known here" in line:
            fail("every key", line)
    if done.returncode:
        fail("every key", done.stdout)
    with open(files[0], encoding="utf-8") as f:
        text = re.sub(r'"(family|name)"', r'"\1s"', f.read(), count=1)  # and a key that is none is told
    with open(work + "/wrong.json", "w", encoding="utf-8") as f:
        f.write(text)
    if "not known here" not in run([DAVIT, "-f", work + "/wrong.json", "config"]).stdout:
        fail("every key", "a key that ECS does not have is not told")


def taskdefs(work):
    """Every key of ECS's schema; and what was exported runs here: it loads, without a word, and exports as it was."""
    fetch("aws")
    import botocore.session
    every_key(work, botocore.session.get_session().get_service_model("ecs"))
    for more in (["--format", "taskdef"], ["--format", "taskdef", "--layout", "task"]):
        for name, out, _ in exports(work, "ecs", more):
            for file in sorted(glob.glob(out + "/*.taskdef.json")):
                again = work + "/again/"
                shutil.rmtree(again, ignore_errors=True)
                loaded = run([DAVIT, "-f", file, "export", "--to", "ecs", "--report", "none", "-o", again])
                if loaded.returncode:
                    fail(name, file + "\n" + loaded.stdout)
                    continue
                if "not known here" in loaded.stdout:
                    fail(name, file + "\n" + loaded.stdout)
                with open(file, encoding="utf-8") as f:
                    was = json.load(f)
                made, = glob.glob(again + "*.taskdef.json")
                with open(made, encoding="utf-8") as f:
                    now = json.load(f)
                for difference in differences(was, now, ""):
                    fail(name, "%s: %s" % (os.path.basename(file), difference))
                for target in ("kubernetes", "swarm"):
                    done = run([DAVIT, "-f", file, "export", "--to", target, "--report", "none", "-o", again + target + "/"])
                    if done.returncode:
                        fail(name, "%s to %s: %s" % (file, target, done.stdout))


def differences(was, now, path):
    """What is lost or other. What ECS takes for granted may be said."""
    usual = {"stopTimeout": 30, "interval": 30, "timeout": 5, "retries": 3, "startPeriod": 0, "essential": True}
    if isinstance(was, dict) and isinstance(now, dict):
        for key in {*was, *now}:
            if key not in was and now[key] == usual.get(key):
                continue
            if key not in was or key not in now:
                yield "%s.%s: %r, %r" % (path, key, was.get(key), now.get(key))
            else:
                yield from differences(was[key], now[key], path + "." + key)
    elif isinstance(was, list) and isinstance(now, list):
        def order(item):
            return json.dumps(item.get("name") or item.get("containerName") or item, sort_keys=True) if isinstance(item, dict) else ""
        if len(was) != len(now):
            yield "%s: %r, %r" % (path, was, now)
        else:
            for a, b in zip(sorted(was, key=order), sorted(now, key=order)):
                yield from differences(a, b, path + "[]")
    elif was != now:
        yield "%s: %r, %r" % (path, was, now)
