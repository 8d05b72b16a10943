"""Docker's words, as a Docker 29.7.2 beside them said and did: what each of these lines did there stands here."""
import json
import os
import stat
import time

from harness import Scenario

ANSWER = "Error response from daemon: "
RUN_HELP = "\n\nRun 'docker run --help' for more information"


def told(s, exit, err, *args, out=""):
    """What `docker ARGS` says, on both streams. Of several lines of an error the ones in `err` count."""
    done = s.davit("docker", *args, exit=exit)
    s.equal("docker " + " ".join(args), (err, out), (done.err.rstrip("\n"), done.out.replace("\r", "")))


def templates(s):
    """inspect tries a template on its structures, then on the JSON; what it says of either."""
    s.davit("docker", "run", "-d", "--name", "tried", "--label", "a=b", "--ulimit", "nofile=100:200", "busybox", "sleep", "1000")

    def bad(text, what, exit=1):
        told(s, exit, "template parsing error: template: :1:" + what, "inspect", "-f", text, "tried", out="\n" if exit == 1 else "")

    bad("{{$x}}", " undefined variable \"$x\"", 64)
    bad("{{if}}", " missing value for if", 64)
    bad("{{index .Args 5}}", "2: executing \"\" at <index .Args 5>: error calling index: index out of range: 5")
    bad("{{.Args.foo}}", "7: executing \"\" at <.Args.foo>: can't evaluate field foo in type interface {}")
    bad("{{.State.Health.Status}}", "8: executing \"\" at <.State.Health.Status>: map has no entry for key \"Health\"")
    bad("{{json}}", "2: executing \"\" at <json>: wrong number of args for json: want 1 got 0")
    for text, value in (("{{.Config.Labels.x}}|{{.Config.Labels.a}}", "<no value>|b"),
                        ("{{.NetworkSettings.Networks.x.IPAddress}}", "<no value>"),
                        ("{{index .NetworkSettings.Networks \"x\"}}", "<nil>"),
                        ("{{.HostConfig.Ulimits}}", "[nofile=100:200]"), ("{{.SizeRw}}", "<nil>"),
                        ("{{eq .State.ExitCode \"0\"}}", "true")):
        told(s, 0, "", "inspect", "-f", text, "tried", out=value + "\n")
    told(s, 1, "failed to execute template: template: :1:2: executing \"\" at <index .Names 9>: error calling index: index out of "
         "range: 9", "ps", "--format", "{{index .Names 9}}")
    told(s, 64, "Error parsing format: template: :1:2: executing \"\" at <.Nope>: can't evaluate field Nope in type *events.Message",
         "events", "--since", "1s", "--until", "0s", "--format", "{{.Nope}}")
    s.davit("docker", "rm", "-f", "tried")


def configurations(s):
    """Networks that are configurations only, and those that take theirs."""
    s.davit("docker", "network", "create", "--config-only", "--subnet", "10.123.80.0/24", "--label", "x=y", "shape")
    s.davit("docker", "network", "create", "--config-from", "shape", "real")
    asked = "{{.ConfigOnly}} {{.ConfigFrom.Network}} {{.Driver}} {{json .IPAM.Config}} {{json .Labels}}"
    told(s, 0, "", "network", "inspect", "-f", asked, "shape", "real", out="true  null null {\"x\":\"y\"}\n"
         "false shape bridge [{\"Subnet\":\"10.123.80.0/24\",\"Gateway\":\"10.123.80.1\"}] {\"x\":\"y\"}\n")
    out = s.davit("docker", "run", "--rm", "--network", "real", "busybox", "ip", "-o", "-4", "addr", "show", "eth0").out
    s.check("an address of the configuration", "10.123.80.2/24" in out, out)
    told(s, 125, "docker: " + ANSWER + "failed to set up container networking: cannot create endpoint on configuration-only network"
         + RUN_HELP, "run", "--rm", "--network", "shape", "busybox", "true")
    for what, args in (("configuration network \"nope\" does not exist", ("--config-from", "nope")),
                       ("a configuration network cannot depend on another configuration network", ("--config-only", "--config-from", "shape")),
                       ("user-specified configurations are not supported if the network depends on a configuration network",
                        ("--config-from", "shape", "--subnet", "10.123.81.0/24")),
                       ("IPv4 or IPv6 must be enabled", ("--ipv4=false",))):
        told(s, 1, ANSWER + what, "network", "create", *args, "other")
    told(s, 1, "multiple overlapping subnet configuration is not supported",
         "network", "create", "--subnet", "10.123.82.0/23", "--subnet", "10.123.83.0/24", "other")
    told(s, 1, ANSWER + "error while removing network: configuration network \"shape\" is in use\nexit status 1", "network", "rm", "shape")
    s.davit("docker", "network", "prune", "-f", out="real")
    told(s, 0, "", "network", "rm", "shape", out="shape\n")


def starts_that_fail(s):
    """A container may be made of what is not there, or does not run, yet; then it does not start."""
    missing = "failed to set up container networking: network later not found"
    s.davit("docker", "create", "--name", "early", "--network", "later", "busybox", "sleep", "1000")
    told(s, 1, ANSWER + missing + "\nfailed to start containers: early", "start", "early")
    s.davit("docker", "network", "create", "later")
    told(s, 0, "", "start", "early", out="early\n")
    s.davit("docker", "rm", "-f", "early")
    s.davit("docker", "network", "rm", "later")
    told(s, 125, "docker: " + ANSWER + missing + RUN_HELP, "run", "--name", "early", "--network", "later", "busybox", "true")
    off = s.davit("docker", "create", "--name", "off", "busybox", "true").out.strip()
    told(s, 125, "docker: " + ANSWER + "cannot join network namespace of a non running container: container off is created" + RUN_HELP,
         "run", "--name", "joins", "--network", "container:off", "busybox", "true")
    told(s, 125, "docker: " + ANSWER + "failed to join PID namespace: container " + off + " is not running" + RUN_HELP,
         "run", "--rm", "--pid", "container:off", "busybox", "true")
    s.equal("what was made stays", ["early", "joins", "off"],
            sorted(s.davit("docker", "ps", "-a", "--format", "{{.Names}}").out.split()))
    s.davit("docker", "rm", "early", "joins", "off")


def copies(s):
    """cp: device nodes, paths with dots in them, what is no directory, what is read-only."""
    s.davit("docker", "run", "-d", "--name", "holds", "busybox", "sh", "-c", "mknod /tmp/dev c 1 3; echo x > /file; sleep 1000")
    s.eventually("the device", lambda: s.davit("docker", "exec", "holds", "ls", "/tmp/dev", exit=None).code == 0)
    told(s, 0, "", "cp", "holds:/tmp/dev", "node")
    made = os.stat(os.path.join(s.directory, "node"))
    s.check("a device node", stat.S_ISCHR(made.st_mode) and made.st_rdev == os.makedev(1, 3))
    told(s, 0, "", "cp", "node", "holds:/tmp/./no/../again")
    told(s, 0, "", "exec", "holds", "stat", "-c", "%F", "/tmp/again", out="character special file\n")
    s.davit("docker", "exec", "holds", "mkdir", "-p", "/tree/d")
    for path, first in (("/tree", "tree/"), ("/tree/.", "./")):
        tar = s.davit("docker", "cp", "holds:" + path, "-").out
        s.equal("the first name of " + path, first, tar.split("\0")[0])
    told(s, 1, ANSWER + "lstat /file/x: not a directory", "cp", "holds:/file/x", ".")
    told(s, 1, ANSWER + "bad parameter: path cannot be empty", "cp", "holds:", ".")
    told(s, 1, "no such directory", "cp", "node", "holds:")
    s.davit("docker", "rm", "-f", "holds")
    s.davit("docker", "run", "-d", "--name", "fixed", "--read-only", "busybox", "sleep", "1000")
    told(s, 1, ANSWER + "container rootfs is marked read-only", "cp", "node", "fixed:/x")
    told(s, 128, "", "exec", "-w", "rel", "fixed", "true", out="OCI runtime exec failed: exec failed: Cwd must be an absolute path\n")
    told(s, 1, "invalid container name or ID: value is empty", "exec", "", "true")
    s.davit("docker", "rm", "-f", "fixed")


def client(s):
    """What docker's client looks at before it connects, and what its engine keeps of what it cannot do."""
    none = "Failed to initialize: unable to resolve docker endpoint: open /nosuch/ca.pem: no such file or directory"
    os.environ["DOCKER_CERT_PATH"] = "/nosuch"
    told(s, 1, none, "--tls", "ps")
    told(s, 1, none, "--tlsverify", "ps")
    told(s, 0, "", "ps", "-q")
    os.environ["DOCKER_TLS_VERIFY"] = "1"
    told(s, 1, none, "ps")
    del os.environ["DOCKER_TLS_VERIFY"], os.environ["DOCKER_CERT_PATH"]
    os.environ["DOCKER_API_VERSION"] = "1.44"
    told(s, 0, "", "version", "-f", "{{.Client.APIVersion}}", out="1.44\n")
    os.environ["DOCKER_API_VERSION"] = "bogus"
    told(s, 1, "Failed to initialize: invalid API version (bogus): must be formatted <major>.<minor>", "ps")
    del os.environ["DOCKER_API_VERSION"]
    s.davit("docker", "create", "--name", "logs", "--log-driver", "syslog", "--log-opt", "tag=x", "busybox", "true")
    told(s, 0, "", "inspect", "-f", "{{json .HostConfig.LogConfig}}", "logs", out='{"Type":"syslog","Config":{"tag":"x"}}\n')
    s.davit("docker", "run", "-d", "--name", "first", "-p", "127.0.0.1:8811:80", "busybox", "sleep", "1000")
    s.davit("docker", "run", "-d", "--name", "second", "-p", "127.0.0.1:8811:80", "busybox", "true", exit=125)
    out = s.davit("docker", "inspect", "-f", "{{.State.Error}}", "second").out
    s.check("why it did not start", out.startswith("failed to set up container networking: driver failed programming external "
            "connectivity on endpoint second (") and out.endswith("): Bind for 127.0.0.1:8811 failed: port is already allocated\n"), out)
    s.davit("docker", "rm", "-f", "logs", "first", "second")


def flags(s):
    """Values of flags and filters."""
    bad_time = "failed to parse value as time or duration: invalid seconds \"x\": invalid syntax"
    for verb in ("container", "network", "system"):
        told(s, 1, ANSWER + bad_time, verb, "prune", "-f", "--filter", "until=x")
    told(s, 1, ANSWER + "invalid value for 'until' filter: " + bad_time, "image", "prune", "-f", "--filter", "until=x")
    told(s, 1, ANSWER + "more than one until filter specified", "container", "prune", "-f", "--filter", "until=1h", "--filter", "until=2h")
    told(s, 1, "ERROR: The \"until\" filter is not supported with \"--volumes\"", "system", "prune", "-f", "--volumes", "--filter", "until=1h")
    told(s, 125, "docker: \"bogus\": unknown operating system or architecture: invalid argument" + RUN_HELP,
         "run", "--rm", "--platform", "bogus", "busybox", "true")
    told(s, 125, "docker: " + ANSWER + "create ~: volume name is too short, names should be at least two alphanumeric characters"
         + RUN_HELP, "run", "--rm", "-v", "~:/bar", "busybox", "true")
    told(s, 0, "", "run", "--rm", "-v", "rel", "busybox", "sh", "-c", "grep -c ' /rel ' /proc/mounts", out="1\n")
    told(s, 0, "", "run", "--rm", "-v", "x:/", "busybox", "sh", "-c", "grep -c ' /x: ' /proc/mounts", out="1\n")
    told(s, 125, "docker: invalid spec: data:: empty section between colons" + RUN_HELP, "run", "-v", "data:", "busybox", "true")
    s.davit("docker", "volume", "create", "data")
    told(s, 1, "can only update cluster volumes", "volume", "update", "data")
    s.davit("docker", "volume", "rm", "data")
    told(s, 0, "WARNING: Ignoring custom format, because both --format and --quiet are set.", "ps", "-q", "--format", "{{.Names}}")
    out = s.davit("docker", "context", "inspect").out
    s.check("as Go writes it", "\"\\u003cIN MEMORY\\u003e\"" in out, out)
    out = s.davit("docker", "ps", "--help").out
    s.check("all its names", "Aliases:\n  docker container ls, docker container list, docker container ps, docker ps\n" in out, out)
    s.check("no flag of davit's", "--dry-run" not in out, out)
    client(s)
    out = s.davit("docker", "system", "df", "-v").out
    s.check("the cache's columns", out.endswith("CACHE ID   CACHE TYPE   SIZE      CREATED   LAST USED   USAGE     SHARED\n"), out)


def looks(s):
    """inspect, logout, build's line of use, and no row of df that docker has not."""
    s.davit("docker", "create", "--name", "mighty", "--privileged", "--security-opt", "seccomp=unconfined", "--tmpfs", "/t",
            "--tmpfs", "/a", "busybox", "true")
    told(s, 0, "", "inspect", "-f", "{{json .HostConfig.SecurityOpt}} {{json .HostConfig.Tmpfs}}", "mighty",
         out="[\"seccomp=unconfined\",\"label=disable\"] {\"/a\":\"\",\"/t\":\"\"}\n")
    s.davit("docker", "rm", "mighty")
    told(s, 0, "", "logout", "nowhere:1", out="Removing login credentials for nowhere:1\n")
    told(s, 1, "conflicting options: cannot specify both --password and --password-stdin",
         "login", "-u", "a", "-p", "b", "--password-stdin", "nowhere:1")
    s.davit("docker", "run", "-d", "--name", "bare", "--network", "none", "busybox", "sleep", "1000")
    s.davit("docker", "run", "-d", "--name", "beside", "--network", "container:bare", "busybox", "sleep", "1000")
    none = s.davit("docker", "network", "inspect", "-f", "{{.Id}}", "none").out
    told(s, 0, "", "inspect", "-f", "{{.NetworkSettings.Networks.none.NetworkID}}", "bare", out=none)
    told(s, 0, "", "network", "inspect", "-f", "{{range .Containers}}{{.Name}}{{end}}", "none", out="bare\n")
    told(s, 0, "", "inspect", "-f", "{{.NetworkSettings.SandboxID}}|{{.NetworkSettings.SandboxKey}}", "beside", out="|\n")
    s.davit("docker", "rm", "-f", "bare", "beside")
    out = s.davit("docker", "image", "build", "--help").out
    s.check("buildx's", out.startswith("Usage:  docker buildx build [OPTIONS] PATH | URL | -\n"), out)
    s.equal("rows of df", 5, len(s.davit("docker", "system", "df").out.splitlines()))


def shared(s):
    """Anonymous volumes that others have too stay; names and ids of images; what is paused."""
    s.davit("docker", "create", "--name", "/donor", "-v", "/anon", "busybox", "true")
    s.davit("docker", "create", "--name", "taker", "--volumes-from", "donor", "busybox", "sh", "-c", "echo here > /anon/x; cat /anon/x")
    s.davit("docker", "rm", "-v", "donor")
    told(s, 0, "", "start", "-a", "taker", out="here\n")
    s.davit("docker", "rm", "-v", "taker")
    s.davit("docker", "volume", "prune", "-f", out="^Deleted Volumes:")
    image = s.davit("docker", "images", "-q", "busybox").out.strip()
    s.davit("docker", "tag", "busybox", "another:1")
    s.davit("docker", "run", "-d", "--name", "still", "busybox", "sleep", "1000")
    told(s, 1, ANSWER + "conflict: unable to delete " + image + " (must be forced) - image is referenced in multiple repositories", "rmi", image)
    s.davit("docker", "rmi", "another:1")
    s.davit("docker", "pause", "still")
    told(s, 1, ANSWER + "cannot remove container \"still\": container is paused and must be unpaused first", "rm", "still")
    s.davit("docker", "rm", "-f", "still")
    s.write("file", "x")
    s.davit("docker", "run", "--rm", "-v", s.directory + "/file:/etc", "busybox", "true", exit=125)
    s.davit("docker", "run", "--rm", "--mount", "type=volume,src=parts,dst=/x,volume-subpath=a", "busybox", "true", exit=127)
    s.davit("docker", "volume", "rm", "parts")


def kept(s):
    """What prune leaves, what ps calls an image, what commit and events tell."""
    s.davit("docker", "volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "elsewhere")
    s.davit("docker", "volume", "create", "gone")
    out = s.davit("docker", "volume", "prune", "-af").out
    s.check("volumes with options stay", "gone" in out and "elsewhere" not in out, out)
    s.davit("docker", "volume", "rm", "elsewhere")
    s.davit("docker", "tag", "busybox", "moved:1")
    s.davit("docker", "run", "-d", "--name", "first", "-l", "a=b", "--expose", "80", "moved:1", "sleep", "1000")
    told(s, 0, "", "ps", "--format", "{{.Image}}", out="moved:1\n")
    s.davit("docker", "commit", "first", "moved:1")
    image = s.davit("docker", "images", "-q", "busybox").out
    told(s, 0, "", "ps", "--format", "{{.Image}}", out=image)
    told(s, 0, "", "image", "inspect", "-f", "{{json .Config.ExposedPorts}} {{.Config.WorkingDir}}", "moved:1", out="{\"80/tcp\":{}} \n")
    # A span before now counts in whole seconds.
    events = s.davit("docker", "events", "--since", "1m", "--until", str(int(time.time()) + 1), "--filter", "type=image",
                     "--filter", "event=tag", "--format", "{{.Actor.Attributes}}").out
    s.check("an image's events have its labels", "map[a:b name:moved:1]" in events, events)
    told(s, 1, ANSWER + "Cannot update container " + s.davit("docker", "inspect", "-f", "{{.Id}}", "first").out.strip()
         + ": Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
         "update", "-m", "100m", "first")
    told(s, 127, "docker: " + ANSWER + "failed to create task for container: failed to create shim task: OCI runtime create failed: "
         "runc create failed: unable to start container process: error during container init: exec: \"\": executable file not found "
         "in $PATH" + RUN_HELP, "run", "--rm", "busybox", "")
    s.davit("docker", "rm", "-f", "first")
    s.davit("docker", "rmi", "moved:1")
    told(s, 1, "failed to save image: cannot write to a directory", "save", "-o", s.directory, "busybox")


def lists(s):
    """Filters in any case, filters of Windows, the raw form."""
    s.davit("docker", "create", "--name", "listed", "busybox")
    for filters in (("STATUS=created",), ("",), ("isolation=default",), (" name = listed",)):
        told(s, 0, "", "ps", "-a", *(x for f in filters for x in ("--filter", f)), "--format", "{{.Names}}", out="listed\n")
    told(s, 0, "", "ps", "-a", "--filter", "id=", "--format", "{{.Names}}")
    s.check("raw", "names: listed\n" in s.davit("docker", "ps", "-a", "--format", "raw").out)
    told(s, 0, "", "inspect", "-f", "{{json .NetworkSettings.Networks.bridge.DNSNames}}", "listed", out="null\n")
    s.davit("docker", "network", "create", "n1")
    s.davit("docker", "create", "--name", "joined", "--network", "n1", "--link", "listed:other", "--mount", "type=tmpfs,dst=/t,tmpfs-size=1m",
            "--ipc", "none", "--security-opt", "systempaths=unconfined", "busybox")
    told(s, 0, "", "inspect", "-f", "{{json .NetworkSettings.Networks.n1.DNSNames}} {{json .HostConfig.Links}} {{json .HostConfig.Tmpfs}} "
         "{{.HostConfig.IpcMode}} {{json .HostConfig.MaskedPaths}} {{json .HostConfig.SecurityOpt}}", "joined",
         out="null null null none [] []\n")
    s.davit("docker", "rm", "listed", "joined")
    s.davit("docker", "network", "rm", "n1")
    told(s, 1, ANSWER + "get x: no such volume", "volume", "update", "x")
    for words, code in ((("docker", "events"), 143), (("system", "events"), 130)):
        watching = s.start(*words, "--since", "1m")
        watching.stdout.readline() # it follows, and takes signals
        watching.terminate()
        s.equal("SIGTERM ends " + words[0], (code, False), (watching.wait(20), "interrupted" in watching.stdout.read()))
    told(s, 1, "accepts 1 arg(s), received 0", "context", "use")
    told(s, 1, "unknown help topic: nothing", "help", "nothing")
    told(s, 125, "unknown flag: --foo\n\nUsage:  docker network\n\nRun 'docker network --help' for more information", "network", "--foo")
    told(s, 1, "type is empty: must be one of \"config\", \"container\", \"image\", \"network\", \"node\", \"plugin\", \"secret\", "
         "\"service\", \"task\", \"volume\"", "inspect", "--type", "", "x")
    told(s, 1, ANSWER + "plugin \"x\" not found", "inspect", "--type", "plugin", "x", out="[]\n")
    told(s, 0, "WARNING: --size ignored for image", "inspect", "-s", "--type", "image", "-f", "{{.Os}}", "busybox", out="linux\n")
    told(s, 1, "invalid detach keys (foo): Unknown character: 'foo'", "exec", "--detach-keys", "foo", "nobody", "true")
    told(s, 1, "\"--cpu-count\" is only supported on a Docker daemon running on windows, but the Docker daemon is running on linux",
         "create", "--cpu-count", "2", "busybox")


def project_events(s):
    """What a project's events tell: exit codes, signals, exec and health events."""
    s.write("compose.yaml", "name: told\nservices:\n  web:\n    image: busybox\n    command: sleep 1000\n    labels: {mine: x}\n"
            "    healthcheck: {test: 'true', interval: 100ms}\n")
    s.davit("up", "-d", "--wait")
    s.davit("exec", "web", "true")
    s.davit("stop", "-t", "0")
    lines = [json.loads(l) for l in s.davit("events", "--json", "--since", "1m", "--until", str(int(time.time()) + 1)).out.splitlines()]
    by_action = {e["action"]: e for e in lines}
    for action in ("create", "start", "exec_create: true ", "exec_start: true ", "exec_die", "health_status: healthy", "kill", "stop", "die"):
        s.check(action, action in by_action, sorted(by_action))
    s.equal("of die", {"execDuration": "0", "exitCode": "137", "image": "busybox", "mine": "x", "name": "told-web-1"},
            dict(by_action["die"]["attributes"], execDuration="0"))
    s.equal("of kill", {"15", "9"}, {e["attributes"]["signal"] for e in lines if e["action"] == "kill"})
    s.equal("keys", ["action", "attributes", "id", "service", "time", "type"], list(lines[0]))
    s.davit("down", "-t", "0")


with Scenario("docker_words") as s:
    s.images("busybox")
    before = s.listing()
    templates(s)
    configurations(s)
    starts_that_fail(s)
    copies(s)
    flags(s)
    looks(s)
    shared(s)
    kept(s)
    lists(s)
    project_events(s)
    s.nothing_left(before)
