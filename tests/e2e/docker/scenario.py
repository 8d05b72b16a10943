"""Containers outside a compose file, in docker's words: made, looked at, acted on, and gone without a trace."""
import functools
import http.server
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import threading

from harness import Scenario


def codes(s):
    """125: nothing could be run; 126, 127: the command; 128 + n: a signal; 1: a mistake of the caller's."""
    s.davit("container", "run", "--bogus", "busybox", exit=125)
    s.davit("container", "run", "--rm", "--memory", "x", "busybox", "true", exit=125)
    s.davit("container", "run", "--rm", "--env-file", "nowhere", "busybox", "true", exit=125)
    s.davit("container", "run", "--rm", "--health-interval", "1us", "busybox", "true", exit=125, err="cannot be less than 1ms")
    s.davit("container", "run", "--rm", "-v", "data:/y:rw,ro", "busybox", "true", exit=125, err="invalid mode: rw,ro")
    s.davit("network", "create", "--subnet", "10.11.0.5/24", "crooked", exit=1, err="should be 10.11.0.0/24")
    s.davit("container", "run", "--rm", "busybox", "/etc", exit=126)
    s.davit("container", "run", "--rm", "busybox", "no-such", exit=127)
    s.davit("container", "run", "--rm", "busybox", "sh", "-c", "exit 3", exit=3)
    s.davit("container", "run", "--rm", "--init", "busybox", "sh", "-c", "kill -TERM $$; sleep 5", exit=143)
    s.davit("container", "run", "-d", "-a", "stdout", "busybox", exit=1)
    s.davit("container", "run", exit=1)
    s.davit("container", "create", "--bogus", "busybox", exit=125)
    s.davit("container", "create", "--pull", "never", "nosuch:1", exit=1)


def streams(s):
    """Input, output and errors of run, exec, start and attach."""
    out = s.davit("container", "run", "--rm", "-i", "busybox", "cat", stdin="one\ntwo\n")
    s.equal("input comes back", "one\ntwo\n", out.out)
    both = s.davit("container", "run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2")
    s.equal("output", "out\n", both.out)
    s.check("errors go to standard error", "err" in both.err)
    s.equal("-a stderr", "", s.davit("container", "run", "--rm", "-a", "stderr", "busybox", "echo", "out").out)
    s.davit("container", "create", "--name", "reader", "-i", "busybox", "sh", "-c", "read x; echo got $x; exit 6")
    s.equal("start -ai", "got word\n", s.davit("container", "start", "-ai", "reader", stdin="word\n", exit=6).out)
    s.davit("container", "rm", "reader", out="^reader$")
    # A console that is fed again and again: the end of one client's input is not the container's.
    s.davit("container", "run", "-d", "-i", "--name", "console", "busybox", "sh", "-c", "while read x; do echo got $x; done")
    clients = []
    for word in ("one", "two"):
        command = f"echo {word} | {s.binary} container attach console"
        clients.append(subprocess.Popen(command, shell=True, cwd=s.directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        s.eventually(f"{word} arrives", lambda w=word: f"got {w}" in s.davit("container", "logs", "console").out)
    s.equal("it still reads", "running\n", s.davit("container", "inspect", "-f", "{{.State.Status}}", "console").out)
    s.davit("container", "rm", "-f", "console")
    for client in clients: # they end with it
        client.wait(timeout=20)


def life(s):
    """Every verb on one container, and what ls and inspect say of it meanwhile."""
    made = s.davit("container", "run", "-d", "--name", "web", "--cidfile", "id", "-p", "127.0.0.1::80", "-e", "A=1",
                   "--label", "tier=front", "--restart", "unless-stopped", "--init", "busybox", "sleep", "1000").out.strip()
    with open(os.path.join(s.directory, "id"), encoding="utf-8") as f:
        s.equal("--cidfile", made, f.read())
    port = s.davit("container", "port", "web", "80").out.strip()
    asked = "{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}"
    s.equal("the port, twice", port, "127.0.0.1:" + s.davit("container", "inspect", "-f", asked, "web").out.strip())
    s.equal("ls -aqf label", made[:12] + "\n", s.davit("container", "ls", "-aqf", "label=tier=front").out)
    s.equal("exec", "1 /etc\n", s.davit("container", "exec", "-w", "/etc", "web", "sh", "-c", "echo $A $PWD").out)
    document = json.loads(s.davit("container", "inspect", "web").out)[0]
    s.check("the environment as it was asked for", "A=1" in document["Config"]["Env"])
    s.equal("restart policy", "unless-stopped", document["HostConfig"]["RestartPolicy"]["Name"])
    for verb, state in (("pause", "paused"), ("unpause", "running"), ("restart", "running"), ("stop", "exited"), ("start", "running")):
        more = ("-t", "0") if verb in ("restart", "stop") else ()
        s.davit("container", verb, *more, "web", out="^web$")
        s.equal(verb, state, s.davit("container", "inspect", "-f", "{{.State.Status}}", "web").out.strip())
    s.davit("container", "rename", "web", "site")
    s.davit("container", "update", "--restart", "no", "--memory", "64m", "--memory-swap", "64m", "site", out="^site$")
    s.equal("update", "67108864 no\n", s.davit("container", "inspect", "-f", "{{.HostConfig.Memory}} {{.HostConfig.RestartPolicy.Name}}", "site").out)
    s.davit("container", "top", "site", out="sleep 1000")
    s.davit("container", "stats", "--no-stream", "site", out="site")
    s.davit("container", "kill", "site", out="^site$")
    s.equal("wait", "137\n", s.davit("container", "wait", "site").out)
    s.davit("container", "rm", "-fv", "site", "gone", out="^site$")


def files(s):
    """diff, cp, export, commit, logs."""
    s.davit("container", "run", "--name", "maker", "busybox", "sh", "-c", "echo x > /new; rm /etc/group; printf abc")
    changed = s.davit("container", "diff", "maker").out.split("\n")
    s.check("diff", "A /new" in changed and "D /etc/group" in changed, changed)
    s.equal("text without a newline", "abc", s.davit("container", "logs", "maker").out)
    s.davit("container", "cp", "maker:/new", "copied")
    s.davit("container", "cp", "copied", "maker:/tmp")
    s.davit("container", "commit", "maker", "made:1", out="^sha256:")
    s.equal("the image runs", "x\n", s.davit("container", "run", "--rm", "made:1", "cat", "/new").out)
    s.davit("container", "export", "-o", "all.tar", "maker")
    s.davit("container", "rm", "maker")
    s.davit("image", "rm", "made:1")
    s.davit("container", "run", "--name", "both", "-e", "Z=1", "-e", "A=2", "busybox", "sh", "-c", "for i in 1 2; do echo o$i; echo e$i >&2; sleep 0.05; done; env")
    together = s.run("sh", "-c", f"{s.binary} container logs both 2>&1").out.splitlines()
    s.equal("both streams in their order", ["o1", "e1", "o2", "e2"], together[:4])
    s.check("variables in theirs", together.index("Z=1") < together.index("A=2"), str(together))
    s.check("whole timestamps", all(re.match(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{9}Z ", l) for l in s.davit("container", "logs", "-t", "both").out.splitlines()))
    s.davit("container", "rm", "both")
    interrupted_commit(s)


def interrupted_commit(s):
    """What stands still for a commit goes on when the commit is given up, and nothing of it stays."""
    s.davit("container", "run", "-d", "--name", "big", "busybox", "sh", "-c", "truncate -s 16G /big; exec sleep 1000")
    s.eventually("the file is there", lambda: "/big" in s.davit("container", "diff", "big").out)
    state = lambda: s.davit("container", "inspect", "-f", "{{.State.Status}}", "big").out.strip()
    made = s.start("container", "commit", "big", "given-up:1")
    s.eventually("it stands still", lambda: state() == "paused")
    made.send_signal(signal.SIGINT)
    s.equal("interrupted", 130, made.wait(20))
    s.equal("it goes on", "running", state())
    s.check("there is no image", "given-up" not in s.davit("image", "ls").out)
    s.davit("container", "rm", "-f", "big")


def terminal(s):
    """-it at a terminal of one's own; without one it is refused."""
    s.davit("container", "run", "--rm", "-it", "busybox", "true", exit=1, err="not a terminal")
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(s.directory)
        os.execv(s.binary, [s.binary, "container", "run", "--rm", "-it", "busybox", "sh", "-c", "tty; echo $TERM"])
    text = b""
    try:
        while chunk := os.read(fd, 4096):
            text += chunk
    except OSError:
        pass  # the terminal has gone with who wrote to it
    _, status = os.waitpid(pid, 0)
    s.check("a terminal", b"/dev/pts/0" in text and b"xterm" in text, text)
    s.equal("its exit code", 0, os.waitstatus_to_exitcode(status))
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(s.directory)
        os.execv(s.binary, [s.binary, "container", "run", "--rm", "-it", "busybox", "sh"])
    os.write(fd, b"exit 4\n")  # before anybody has asked
    try:
        while os.read(fd, 4096):
            pass
    except OSError:
        pass
    s.equal("what was typed ahead is read", 4, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    s.davit("container", "run", "--detach-keys", "bogus", "busybox", "true", exit=1, err="invalid detach", within=10)


def named_devices(s):
    """A device that a CDI specification tells of, and one that none does."""
    os.makedirs("/var/run/cdi")
    with open("/var/run/cdi/vendor.yaml", "w", encoding="utf-8") as f:
        f.write("cdiVersion: 0.6.0\nkind: vendor.com/net\ndevices:\n- name: nought\n  containerEdits:\n    env: [NOUGHT=yes]\n"
                "    deviceNodes: [{path: /dev/nought, hostPath: /dev/zero, fileMode: 384}]\n")
    said = s.davit("container", "run", "--rm", "--device", "vendor.com/net=nought", "busybox", "sh", "-c",
                   "echo $NOUGHT $(stat -c '%a %t:%T' /dev/nought) $(head -c 3 /dev/nought | wc -c)").out
    s.equal("the device is there", "yes 600 1:5 3\n", said)
    s.davit("container", "run", "--rm", "--device", "vendor.com/net=other", "busybox", "true", exit=125,
            err="CDI device injection failed: unresolvable CDI devices vendor.com/net=other")
    s.davit("container", "run", "--rm", "--gpus", "all", "busybox", "true", exit=125, err="no known GPU vendor found")
    shutil.rmtree("/var/run/cdi")


def contexts(s):
    """docker's own files: made, shown, taken along and removed; none that leads elsewhere is acted upon."""
    s.davit("docker", "context", "create", "far", "--description", "there", "--docker", "host=tcp://far:2376", out="^far$", err="Successfully created context")
    s.davit("docker", "context", "create", "far", exit=1, err="already exists")
    s.davit("docker", "context", "create", "default", exit=1, err="reserved")
    s.equal("ls", "default far\n", " ".join(s.davit("docker", "context", "ls", "-q").out.split()) + "\n")
    s.equal("inspect", "tcp://far:2376 there\n", s.davit("docker", "context", "inspect", "far", "-f", "{{.Endpoints.docker.Host}} {{.Metadata.Description}}").out)
    s.davit("docker", "context", "update", "far", "--description", "elsewhere", out="^far$")
    s.davit("docker", "context", "export", "far", "far.tar")
    s.davit("docker", "context", "import", "near", "far.tar", out="^near$")
    s.equal("what came along", "elsewhere\n", s.davit("docker", "context", "inspect", "near", "-f", "{{.Metadata.Description}}").out)
    s.davit("docker", "context", "use", "far", out="^far$", err="Current context is now")
    s.davit("docker", "ps", exit=1, err="far")
    s.davit("docker", "context", "rm", "far", exit=1, err="in use")
    s.davit("docker", "context", "rm", "-f", "far", "near", out="far")
    s.equal("back to this machine", "default\n", s.davit("docker", "context", "show").out)


def looks(s):
    """What harnesses ask for: formats, structures as Go prints them, digests, what info tells."""
    s.davit("container", "run", "-d", "--name", "looked", "--init", "--health-cmd", "true", "--health-interval", "100ms", "busybox", "sleep", "1000")
    s.equal("the platform", os.uname().machine.replace("x86_64", "linux/amd64").replace("aarch64", "linux/arm64").split("/v")[0],
            s.davit("container", "ls", "--format", "{{.Platform}}").out.strip().split("/v")[0])
    s.check("its parts", json.loads(s.davit("container", "ls", "--format", "json").out)["Platform"]["os"] == "linux")
    s.check("the init's name", "/sbin/docker-init -- sleep 1000" in s.davit("container", "top", "looked").out)
    s.check("a structure", s.davit("container", "inspect", "-f", "{{.State}}", "looked").out.startswith("{running true false false false false "))
    s.equal("its definition", "<running> <looked>\n", s.davit(
        "container", "inspect", "-f", "{{define \"T\"}}<{{.}}>{{end}}{{template \"T\" .State.Status}} {{template \"T\" (slice .Name 1)}}", "looked").out)
    s.eventually("its check is told of", lambda: "exec_die" in s.davit("system", "events", "--since", "1h", "--until", "0s", "--filter", "container=looked").out)
    told = s.davit("system", "events", "--since", "1h", "--until", "0s", "--filter", "event=exec_create", "--format", "{{.Action}}").out
    s.check("with its command", "exec_create: /bin/sh -c true" in told, told)
    image = json.loads(s.davit("image", "inspect", "busybox").out)[0]
    s.equal("digests of what was loaded", ["busybox@" + image["Descriptor"]["digest"]], image["RepoDigests"])
    s.check("the last name's time", image["Metadata"]["LastTagTime"].startswith("20"))
    s.equal("by its digest", "hi\n", s.davit("container", "run", "--rm", "--pull", "never", image["RepoDigests"][0], "echo", "hi").out)
    s.equal("the container's manifest", image["Descriptor"]["digest"],
            json.loads(s.davit("container", "inspect", "looked").out)[0]["ImageManifestDescriptor"]["digest"])
    info = json.loads(s.davit("docker", "info", "--format", "{{json .}}").out)
    for key in ("ID", "DriverStatus", "RegistryConfig", "CDISpecDirs", "FirewallBackend", "SecurityOptions", "ClientInfo"):
        s.check("info has " + key, info.get(key))
    plugins = {one["Name"]: one["Version"] for one in info["ClientInfo"]["Plugins"]}
    s.equal("compose's version as it names it", s.davit("docker", "compose", "version", "--short").out.strip(), plugins["compose"][1:])
    s.equal("and buildx's", s.davit("docker", "buildx", "version").out.split()[1], plugins["buildx"])
    s.equal("what it leaves out", "[] 0\n", s.davit("docker", "info", "--format", "{{.ServerErrors}} {{.Swarm.Nodes}}").out)
    s.equal("versions", "1.", s.davit("docker", "version", "--format", "{{.Server.APIVersion}}").out[:2])
    s.davit("container", "rm", "-f", "looked")
    s.davit("container", "create", "--name", "addressed", "--mac-address", "02:42:ac:11:00:99", "busybox")
    s.equal("an address before the start", "02:42:ac:11:00:99 invalid IP\n", s.davit(
        "container", "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.MacAddress}} {{.IPAddress}}{{end}}", "addressed").out)
    s.davit("container", "rm", "addressed")


def made_images(s):
    """--change, and an import by URL."""
    s.davit("container", "run", "--name", "source", "-e", "A=1", "busybox", "true")
    s.davit("container", "commit", "-c", "HEALTHCHECK --interval=3s CMD true", "-c", "ENV B=$A:2", "source", "checked:1")
    s.equal("the healthcheck", "{[CMD-SHELL true] 3s 0s 0s 0s 0} 3s\n",
            s.davit("image", "inspect", "-f", "{{.Config.Healthcheck}} {{.Config.Healthcheck.Interval}}", "checked:1").out)
    s.check("a variable", "B=1:2" in s.davit("image", "inspect", "-f", "{{.Config.Env}}", "checked:1").out)
    s.davit("container", "commit", "-c", "RUN x", "source", "no:1", exit=1, err="RUN is not a valid change command")
    s.davit("container", "export", "-o", "root.tar", "source")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(http.server.SimpleHTTPRequestHandler, directory=s.directory))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/root.tar"
    s.davit("image", "import", "-c", "CMD [\"echo\", \"fetched\"]", url, "fetched:1", out="^sha256:")
    s.equal("what a URL had", "fetched\n", s.davit("container", "run", "--rm", "fetched:1").out)
    s.davit("image", "import", url + ".no", exit=1, err="404")
    server.shutdown()
    s.davit("container", "rm", "source")
    s.davit("image", "rm", "checked:1", "fetched:1")


def builders(s):
    """Names of the one builder: kept, chosen, and an error where nobody made them."""
    s.davit("docker", "buildx", "--builder", "nope", "ls", exit=1, err="no builder \"nope\" found")
    s.davit("docker", "buildx", "inspect", "nope", exit=1, err="no builder \"nope\" found")
    s.davit("docker", "buildx", "create", "--name", "mine", "--use", out="^mine$")
    s.davit("docker", "buildx", "create", "--name", "mine", exit=1, err="existing instance")
    s.equal("both", "mine docker-container\n", s.davit("docker", "buildx", "inspect", "--bootstrap").out.split("\n\n")[0].replace("Name:   ", "").replace("\nDriver: ", " ") + "\n")
    names = s.davit("docker", "buildx", "ls", "--format", "{{.Name}}").out.split()
    s.equal("listed", ["default", "default", "mine", "mine0"], names)
    s.davit("docker", "buildx", "rm", "mine")
    s.davit("docker", "buildx", "use", "mine", exit=1)
    s.equal("du as JSON", "", s.davit("docker", "buildx", "du", "--format", "json").out)


def words(s):
    """What goes wrong is told in docker's words: by its client, by its engine, by the runtime."""
    def told(exit, err, *args, out=""):
        done = s.davit("docker", *args, exit=exit)
        s.equal("docker " + " ".join(args), (err, out), (done.err.rstrip("\n"), done.out.replace("\r", "")))

    answer = "Error response from daemon: "
    ended = "\n\nRun 'docker run --help' for more information"
    use = "\n\nUsage:  docker run [OPTIONS] IMAGE [COMMAND] [ARG...]" + ended
    told(125, "unknown flag: --bogus" + use, "run", "--bogus", "busybox")
    told(125, "invalid argument \"x\" for \"-m, --memory\" flag: invalid size: 'x'" + use, "run", "-m", "x", "busybox")
    told(125, "docker: invalid hostPort: abc" + ended, "run", "-p", "abc:80", "busybox")
    told(125, "docker: invalid ranges specified for container and host Ports: 80-85 and 8000-8010" + ended,
         "run", "-p", "8000-8010:80-85", "busybox")
    told(125, "docker: --env-file: open nofile: no such file or directory" + ended, "run", "--env-file", "nofile", "busybox")
    told(125, "docker: --env-file: invalid env file (/tmp): read /tmp: is a directory" + ended, "run", "--env-file", "/tmp", "busybox")
    told(1, "error: no such object: FooBar", "inspect", "FooBar", out="[]\n")
    told(125, "docker: " + answer + "invalid mount config for type \"volume\": subpath must be a relative path within the volume" + ended,
         "run", "--mount", "type=volume,src=v,dst=/x,volume-subpath=/d", "busybox")
    s.check("an impossible date", "parsing time" in s.davit("docker", "events", "--since", "2026-13-01", "--until", "0s", exit=1).err)
    told(125, "docker: " + answer + "Minimum memory limit allowed is 6MB" + ended, "run", "-m", "1k", "busybox")
    told(125, "docker: " + answer + "could not get container for nope: No such container: nope" + ended,
         "run", "--link", "nope", "busybox")
    runtime = ("failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: "
               "unable to start container process: error during container init: ")
    missing = "exec: \"nosuch\": executable file not found in $PATH"
    told(127, "docker: " + answer + runtime + missing + ended, "run", "--name", "unfit", "busybox", "nosuch")
    s.equal("its error", runtime + missing + "\n", s.davit("docker", "inspect", "-f", "{{.State.Error}}", "unfit").out)
    told(1, answer + runtime + missing + "\nfailed to start containers: unfit", "start", "unfit")
    told(1, "docker: 'docker ps' accepts no arguments\n\nUsage:  docker ps [OPTIONS]\n\nRun 'docker ps --help' for more information",
         "ps", "x")
    told(1, "docker: unknown command: docker image bogus\n\nUsage:  docker image\n\nRun 'docker image --help' for more information",
         "image", "bogus")
    told(1, answer + "No such container: gone\n" + answer + "No such container: lost", "stop", "gone", "lost")
    told(0, "", "rm", "-f", "nope")
    told(1, answer + "cannot kill container: nope: No such container: nope", "kill", "nope")
    told(1, "failed to rename container: " + answer + "No such container: nope", "rename", "nope", "other")
    told(1, "error: no such object: nope", "inspect", "nope", out="[]\n")
    told(1, answer + "No such image: nope:latest", "image", "inspect", "nope", out="[]\n")
    told(1, answer + "network nope not found\nexit status 1", "network", "rm", "nope")
    told(1, answer + "invalid filter 'bogus'", "ps", "--filter", "bogus=1")
    told(1, "failed to execute template: template: :1:2: executing \"\" at <.Bogus>: can't evaluate field Bogus in type "
         "*formatter.ContainerContext", "ps", "--format", "{{.Bogus}}")
    told(1, "lstat " + s.directory + "/nofile: no such file or directory", "cp", "nofile", "unfit:/tmp")
    told(1, answer + "Could not find the file /nope in container unfit", "cp", "unfit:/nope", ".")
    worker = s.davit("docker", "run", "-d", "--name", "worker", "busybox", "sleep", "1000").out.strip()
    told(127, "", "exec", "worker", "nosuch", out="OCI runtime exec failed: exec failed: unable to start container process: " + missing + "\n")
    told(1, answer + "cannot remove container \"worker\": container is running: stop the container before removing or force remove",
         "rm", "worker")
    told(1, answer + "Container " + worker + " is not paused", "unpause", "worker")
    image = s.davit("docker", "images", "-q", "--no-trunc", "busybox").out.strip().split(":")[-1][:12]
    s.davit("docker", "rm", "unfit")
    told(1, answer + "conflict: unable to delete busybox:latest (must be forced) - container " + worker[:12]
         + " is using its referenced image " + image, "rmi", "busybox")
    told(1, "", "run", "--rm", "busybox", "sh", "-c", "exit 1")
    s.davit("docker", "rm", "-f", "worker")
    network = s.davit("docker", "network", "create", "--subnet", "10.123.77.0/24", "--ip-range", "10.123.77.128/25",
                      "--gateway", "10.123.77.254", "--aux-address", "x=10.123.77.5", "worded").out.strip()
    s.equal("its addresses", "{\"IPAM\":{\"Subnets\":{\"10.123.77.0/24\":{\"IPsInUse\":4,\"DynamicIPsAvailable\":126}}}}\n",
            s.davit("docker", "network", "inspect", "-f", "{{json .Status}}", network).out)
    told(1, answer + "invalid pool request: Pool overlaps with other one on this address space",
         "network", "create", "--subnet", "10.123.77.0/24", "again")
    s.davit("docker", "network", "rm", "worded")
    config = json.loads(s.davit("docker", "image", "inspect", "busybox").out)[0]["Config"]
    s.check("nothing empty in an image's configuration", all(config.values()), config)


with Scenario("docker") as s:
    s.images("busybox")
    before = s.listing()
    codes(s)
    streams(s)
    life(s)
    files(s)
    named_devices(s)
    terminal(s)
    os.environ["DOCKER_CONFIG"] = os.path.join(s.directory, "docker-config")
    contexts(s)
    looks(s)
    made_images(s)
    builders(s)
    words(s)
    s.davit("container", "prune", "-f")
    s.nothing_left(before)
