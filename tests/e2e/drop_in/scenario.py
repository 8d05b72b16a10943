"""What suites that drive `docker` and `docker compose` rely on: names, streams, what an absent flag means."""
import json
import os
import re

from harness import Scenario

SLEEP = "image: busybox\n    init: true\n    stop_signal: KILL\n    command: sleep 600"


def names(s, *flags):
    return sorted(c["Name"] for c in json_lines(s.davit(*flags, "ps", "-a", "--format", "json").out))


def json_lines(text):
    return [json.loads(line) for line in text.splitlines() if line]


def compatibility(s):
    """--compatibility: "_" between the parts of names, of containers, one-offs and images."""
    s.write("compose.yaml", f"services:\n  web:\n    {SLEEP}\n  made:\n    build: {{dockerfile_inline: \"FROM busybox\"}}\n    command: 'true'\n")
    s.davit("--compatibility", "up", "-d", "--scale", "web=2", "web")
    s.equal("containers", ["drop_in_web_1", "drop_in_web_2"], names(s, "--compatibility"))
    s.davit("up", "-d", "--scale", "web=2", "web")
    s.equal("those that are there keep their names", ["drop_in_web_1", "drop_in_web_2"], names(s))
    one_off = s.davit("--compatibility", "run", "-d", "web", "sleep", "600").out.strip()
    name = s.davit("container", "inspect", "-f", "{{.Name}}", one_off).out
    s.check("one-offs", name.startswith("/drop_in_web_run_"), name)
    s.davit("build", "made", env={"COMPOSE_COMPATIBILITY": "true"}, err="Image drop_in_made Built")
    s.davit("image", "inspect", "drop_in_made")
    s.equal("config --images", ["busybox", "drop_in_made"], sorted(s.davit("--compatibility", "config", "--images").out.split()))
    s.davit("--compatibility", "down", "-t", "0", "--rmi", "local", "--remove-orphans")
    s.davit("image", "inspect", "drop_in_made", exit=1)


def streams(s):
    """The lines of a build are the output of `build` and `up`; those of `run` stay beside its command's output."""
    s.write("compose.yaml", "services:\n  web:\n    build: {dockerfile_inline: \"FROM busybox\\nRUN echo made\"}\n    command: 'true'\n")
    s.davit("build", "--progress", "plain", out="RUN echo made", err="Image drop_in-web Built")
    s.davit("up", "-d", "--build", out="RUN echo made")
    said = s.davit("--progress", "plain", "build", err="Image drop_in-web Building").err
    s.check("and ends", said.index("web Building") < said.index("web Built"), said)
    result = s.davit("--progress", "json", "build")
    told = [json.loads(line) for line in result.err.splitlines()]
    s.equal("as JSON", [("Working", "Building"), ("Done", "Built")], [(one["status"], one["text"]) for one in told if one.get("id") == "Image drop_in-web"])
    s.check("the build's lines are JSON", all(json.loads(line) for line in result.out.splitlines()) and '"event":' in result.out, result.out)
    s.write("compose.yaml", "services:\n  web: {image: busybox, command: sh -c 'echo lost; exit 3'}\n  after:\n    image: busybox\n    command: 'true'\n"
            "    depends_on: {web: {condition: service_completed_successfully}}\n  odd: {image: busybox, command: 'true', build: {dockerfile_inline: \"FROM nowhere.invalid/x\"}}\n")
    told = [json.loads(line) for line in s.davit("--progress", "json", "up", "-d", "after", exit=1).err.splitlines()]
    s.check("last words as JSON", any("lost" in one.get("msg", "") for one in told if one.get("level") == "warning"), str(told))
    for words in (["down"], ["down"], ["build", "odd"]):
        said = s.run(s.binary, "--progress", "json", *words).err
        s.check(f"only JSON: {words}", said and all(json.loads(line) for line in said.splitlines()), said)
    s.check("nothing to remove", '"msg":"Warning: No resource found to remove' in s.davit("--progress", "json", "down").err)
    s.write("compose.yaml", "services:\n  web:\n    build: {dockerfile_inline: \"FROM busybox\\nRUN echo made\"}\n    command: 'true'\n")
    s.davit("down", "-t", "0", "--rmi", "local")
    s.equal("run", "here\n", s.davit("run", "--rm", "-T", "web", "echo", "here").out)
    for flags in (["--tty"], ["--no-tty=false"], ["-i", "-t"]):
        s.davit("run", "--rm", *flags, "web", "cat", stdin="x\n", exit=1, err="cannot attach stdin to a TTY-enabled container because stdin is not a terminal")
    s.davit("run", "--rm", "-t", "-T", "web", exit=1, err="--tty and --no-tty can't be used together")
    s.davit("down", "-t", "0", "--rmi", "local")


def one_offs(s):
    """exec finds what run started where the service itself does not run."""
    s.write("compose.yaml", f"services:\n  web:\n    {SLEEP}\n")
    s.davit("run", "-d", "web", "sleep", "601")
    s.davit("exec", "-T", "web", "ps", out="sleep 601")
    s.davit("exec", "-T", "--index", "1", "web", "ps", exit=1, err='service "web" is not running container #1')
    s.davit("up", "-d")
    s.davit("exec", "-T", "web", "ps", out="sleep 600")  # the service's own comes first
    reads = s.davit("run", "-d", "--no-deps", "--name", "reads", "web", "cat").out.strip()
    s.equal("what reads waits, also detached", "true\n", s.davit("container", "inspect", "-f", "{{.State.Running}}", reads).out)
    s.davit("stop", "-t", "0", "web")
    s.davit("stop", "web", err="Container drop_in-web-1 Stopped")  # what is stopped is told again
    name, slug = s.davit("container", "inspect", "-f", '{{.Name}} {{index .Config.Labels "com.docker.compose.slug"}}',
                         s.davit("run", "-d", "web", "true").out.strip()).out.split()
    s.equal("the name ends as the slug begins", slug[:12], name.rsplit("-", 1)[1])
    s.davit("container", "rm", "-f", "reads")
    s.davit("down", "-t", "0", "--remove-orphans")


def images_of_others(s):
    """An image that another service builds is built, whoever needs it first."""
    s.write("compose.yaml", "services:\n  a:\n    image: of-another\n    depends_on: [b]\n    command: 'true'\n"
            "  b:\n    image: of-another\n    build: {dockerfile_inline: \"FROM busybox\"}\n    pull_policy: build\n    command: 'true'\n")
    s.davit("up", "-d", err="Image of-another Built")
    s.davit("down", "-t", "0", "--rmi", "all")
    s.davit("up", "-d", "--build")
    s.davit("down", "-t", "0", "--rmi", "all")


def dependencies(s):
    """What exits has exited, check or none; an optional dependency is called one; others' env files are theirs."""
    s.write("compose.yaml", f"services:\n  web:\n    {SLEEP}\n    depends_on: {{db: {{condition: service_healthy}}}}\n"
            f"  soft:\n    {SLEEP}\n    depends_on: {{idle: {{condition: service_healthy, required: false}}}}\n"
            "  tagged: {image: 'busybox:here'}\n"
            f"  idle:\n    {SLEEP}\n  broken:\n    {SLEEP}\n    env_file: [/nowhere/.env]\n"
            "  db:\n    image: busybox\n    command: sh -c 'exit 3'\n    healthcheck: {test: 'true', interval: 60s}\n")
    s.davit("up", "-d", "web", exit=1, err=r"dependency failed to start: container drop_in-db-1 exited \(3\)")
    s.davit("up", "-d", "soft", err='optional dependency "idle" failed to start: container drop_in-idle-1 has no healthcheck configured')
    s.davit("up", "-d", "broken", exit=1, err=r"env file /nowhere/\.env not found")
    s.davit("config", exit=1, err=r"env file /nowhere/\.env not found")
    s.davit("pull", "--policy", "missing", "tagged", err="Image is already present locally")
    s.davit("down", "-t", "0")
    s.write("compose.yaml", f"services:\n  web:\n    {SLEEP}\n    healthcheck: {{test: 'true', start_interval: 1s}}\n")
    s.davit("up", "-d", exit=1, err="healthcheck.start_interval requires healthcheck.start_period to be set")
    s.davit("down", "-t", "0")


def shared(s):
    """Another image that is mounted makes a container anew; what is shared with a service that has no container is missing."""
    s.write("compose.yaml", f"services:\n  web:\n    {SLEEP}\n    volumes: [{{type: image, source: 'data:1', target: /data}}]\n"
            f"  db:\n    {SLEEP}\n  app:\n    {SLEEP}\n    network_mode: service:db\n    profiles: [p]\n")
    for content in ("one", "two"):
        s.write("Dockerfile", f"FROM busybox\nRUN echo {content} > /content\n")
        s.davit("image", "build", "-t", "data:1", ".")
        s.davit("up", "-d", "web", err="Recreated" if content == "two" else "Created")
        s.equal("what it sees", content + "\n", s.davit("exec", "-T", "web", "cat", "/data/content").out)
        s.davit("up", "-d", "web", err="Running")
    one = s.davit("ps", "-q", "web").out.strip()
    label = s.davit("container", "inspect", "-f", '{{index .Config.Labels "com.docker.compose.image-volume-digest"}}', one).out
    s.check("the label", re.fullmatch(r"/data=sha256:[0-9a-f]{64}\n", label), label)
    s.davit("up", "-d", "--no-deps", "app", exit=1, err="cannot share network namespace with service db: container missing")
    s.davit("run", "--rm", "--no-deps", "app", "true", exit=1, err="cannot share network namespace with service db: container missing")
    s.davit("down", "-t", "0")
    s.davit("image", "rm", "data:1")


def bakes(s):
    """bake --list, as a table and as JSON."""
    s.write("docker-bake.hcl", 'variable "TAG" {\n  type = list(string)\n  description = "of all"\n}\ngroup "default" { targets = ["web", "app"] }\n'
            'target "app" { description = "it" }\ntarget "web" {}\ntarget "_hidden" {}\n')
    s.equal("targets", "TARGET\tDESCRIPTION\napp\tit\ndefault\tapp, web\nweb", s.davit("buildx", "bake", "--list", "targets").out.strip())
    s.equal("variables", [{"name": "TAG", "description": "of all", "type": "list of string", "value": '["a","b"]'}],
            json.loads(s.davit("buildx", "bake", "--list", "type=variables,format=json", env={"TAG": "a,b"}).out))
    s.davit("buildx", "bake", "--list", "bogus", exit=1, err='invalid list type "bogus"')
    s.davit("buildx", "bake", "--list", "type=targets,format=x", exit=1, err='invalid list format "x"')
    s.davit("buildx", "bake", "--list", "targets", "--print", exit=1, err="mutually exclusive")
    s.write("docker-bake.hcl", 'target "default" {\n  dockerfile-inline = <<EOT\nFROM scratch as seed\nFROM seed\nLABEL a=b\nEOT\n  description = "it"\n'
            '  output = ["type=oci"]\n}\ntarget "clean" { dockerfile-inline = "FROM scratch\\nLABEL a=b\\n" }\n')
    found = s.davit("buildx", "bake", "--check", "default", "clean", exit=1).out
    s.check("--check has a part for each target", found.startswith("clean\n\nCheck complete, no warnings found.\n\ndefault\nit\n\nCheck complete, 1 warning has been found!\n"), found)
    document = json.loads(s.davit("buildx", "bake", "--call", "check,format=json", exit=1).out)
    s.equal("as JSON beside its build", (["build", "check"], "it"), (sorted(document["target"]["default"]), document["target"]["default"]["build"]["description"]))
    document = json.loads(s.davit("buildx", "bake", "--call", "targets,format=json").out)
    s.equal("stages without a name too", ["seed", None], [t.get("name") for t in document["target"]["default"]["targets"]["targets"]])
    s.davit("buildx", "bake", "--call", "outline", "clean", out="^clean$")
    s.davit("buildx", "bake", "--metadata-file", "meta.json", "--check", "clean")
    s.equal("--metadata-file has what was found", "0", json.loads(open(os.path.join(s.directory, "meta.json"), encoding="utf-8").read())["clean"]["result.statuscode"])
    s.run("sh", "-c", f"{s.binary} buildx bake > baked.tar && tar tf baked.tar | grep -q oci-layout")
    s.davit("buildx", "bake", "--push", "--set", "*.output=type=image", exit=1, err="tag is needed when pushing to registry")
    s.davit("buildx", "bake", "--set", "*.output=type=cacheonly")
    os.rename(os.path.join(s.directory, "docker-bake.hcl"), os.path.join(s.directory, "other.hcl"))
    for words, env in ((("-f", "cwd://other.hcl"), {}), ((), {"BUILDX_BAKE_FILE": " other.hcl "}),
                       ((), {"BUILDX_BAKE_FILE": "other.hcl,", "BUILDX_BAKE_PATH_SEPARATOR": ","})):
        s.davit("buildx", "bake", *words, "--print", env=env, out='"context": "."')
    s.davit("buildx", "bake", "--print", exit=1, env={"BUILDX_BAKE_FILE": "none.hcl"}, err="stat none.hcl: no such file or directory")
    s.write("v.hcl", 'variable "V" { default = "own" }\ntarget "default" { tags = [V] }\n')
    s.davit("buildx", "bake", "-f", "v.hcl", "--print", env={"V": "theirs"}, out='"theirs"')
    s.davit("buildx", "bake", "-f", "v.hcl", "--print", env={"V": "theirs", "BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP": "1"}, out='"own"')
    s.write("sub/compose.yaml", "services:\n  a: {build: {context: ./a, labels: {l: m}}}\n  b: {image: 'b:1', build: .}\n")
    told = json.loads(s.davit("buildx", "bake", "-f", "sub/compose.yaml", "--print").out)["target"]
    s.equal("a compose file's builds are as they are written", {"a": {"context": "a", "dockerfile": "Dockerfile", "labels": {"l": "m"}},
            "b": {"context": ".", "dockerfile": "Dockerfile", "tags": ["b:1"]}}, told)
    told = json.loads(s.davit("buildx", "bake", "-f", "sub/compose.yaml", "--print", env={"BUILDX_BAKE_FILE_RELATIVE_PATHS": "true"}).out)["target"]
    s.equal("or from its directory", ["sub/a", "sub"], [told["a"]["context"], told["b"]["context"]])
    for name in ("other.hcl", "v.hcl", "meta.json", "baked.tar"):
        os.unlink(os.path.join(s.directory, name))


def dry_run(s):
    """By docker's names a dry run has compose's progress; copies and the like are told as they are."""
    s.write("compose.yaml", f"services:\n  web:\n    {SLEEP}\n  made:\n    build: {{dockerfile_inline: FROM busybox}}\n    profiles: [other]\n")
    dry = s.davit("docker", "compose", "--dry-run", "--progress", "json", "up", "-d")
    told = [(one["id"], one["text"]) for one in json_lines(dry.err)]
    s.equal("as it would be", [("Network drop_in_default", "Created"), ("Container drop_in-web-1", "Created"), ("Container drop_in-web-1", "Started")],
            [one for one in told if one[1].endswith("ed")])
    s.equal("on standard error alone", "", dry.out)
    s.equal("nothing is made", [], names(s))
    s.davit("docker", "compose", "--dry-run", "--progress", "plain", "build", "made", err="made ==> ==> naming to drop_in-made")
    s.davit("image", "inspect", "drop_in-made", exit=1)
    s.davit("up", "-d")
    nothing = s.davit("docker", "compose", "--dry-run", "up", "-d")
    s.check("nothing to do", "Nothing" not in nothing.out + nothing.err and "Creat" not in nothing.err, str(nothing))
    s.davit("docker", "compose", "--dry-run", "--progress", "plain", "down", err="Container drop_in-web-1 Removed")
    s.equal("davit's own name shows its plan", True, "web" in s.davit("--dry-run", "down").out)
    tagged = json.loads(s.davit("images", "--format", "json").out)[0].get("LastTagTime", "")
    s.check("when its image was named", tagged.startswith("20"), tagged)
    s.write("f", "x")
    s.davit("--progress", "plain", "cp", "f", "web:/tmp/", err="^ drop_in-web-1 Copying f to drop_in-web-1:/tmp/\n drop_in-web-1 Copied f to")
    s.davit("--progress", "plain", "cp", "web:/tmp/f", "-", err="^ drop_in-web-1 Copying drop_in-web-1:/tmp/f to -")
    s.davit("--progress", "plain", "commit", "web", "kept:1", err="^ drop_in-web-1 Committing\n drop_in-web-1 Committed as sha256:")
    s.davit("--progress", "plain", "export", "web", "-o", "web.tar", err="^ drop_in-web-1 Exporting\n drop_in-web-1 Exported")
    s.davit("stop", "-t", "0")
    s.davit("--progress", "plain", "stop", err="Container drop_in-web-1 Stopping\n Container drop_in-web-1 Stopped")
    s.davit("down", "-t", "0")
    s.davit("image", "rm", "kept:1")


def resources(s):
    """--all-resources makes what no service uses, even of a project without services."""
    s.write("compose.yaml", "volumes: {v: {}}\nnetworks: {n: {}}\n")
    s.davit("up", exit=1, err="no service selected")
    s.davit("--all-resources", "up", err="Volume drop_in_v Created")
    s.equal("the network is there", ["drop_in_n"], s.davit("network", "ls", "-q", "-f", "name=drop_in_n", "--format", "{{.Name}}").out.split())
    s.davit("--all-resources", "down", "-v")


def of_the_machine(s):
    """A format of one's own outweighs -q; events --until alone tells what was; buildx ls knows `{{json .}}`."""
    s.equal("networks", "bridge local\n", s.davit("network", "ls", "-q", "-f", "name=bridge", "--format", "{{.Name}} {{.Scope}}").out)
    s.equal("images", ["busybox", "busybox"], s.davit("image", "ls", "-q", "--format", "{{.Repository}}", "busybox").out.split())
    s.check("the table's own", s.davit("image", "ls", "-q", "--format", "table", "busybox").out.split()[0] != "REPOSITORY")
    docker = os.path.join(s.scratch, "docker")
    os.symlink(s.binary, docker)
    s.run(docker, "run", "--rm", "--name", "told", "busybox", "true")

    def told():
        return {e["Action"] for e in json_lines(s.run(docker, "events", "--until", "0s", "-f", "container=told", "--format", "json").out)}
    s.eventually("events of what was; `0s` ago is a whole second", lambda: told() == {"create", "attach", "start", "die", "destroy"})
    rows = json_lines(s.run(docker, "buildx", "ls", "--format", "{{json . }}").out)
    s.equal("a builder's document", ("default", "0001-01-01T00:00:00Z", "running"),
            (rows[0]["Name"], rows[0]["LastActivity"], rows[0]["Nodes"][0]["Status"]))


with Scenario("drop_in") as s:
    s.images("busybox")
    s.davit("image", "tag", "busybox", "busybox:here")
    before = s.listing()
    for part in (compatibility, streams, one_offs, images_of_others, dependencies, shared, bakes, dry_run, resources, of_the_machine):
        part(s)
    s.nothing_left(before)
