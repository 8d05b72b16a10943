"""davit as the docker command's plugin: with the real one where it is installed, else called as docker calls it."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess

from harness import Scenario

FILE = "services: {a: {image: busybox, command: [sh, -c, 'echo up; exec sleep 600'], stop_signal: KILL}}\n"


class Docker:
    """docker with davit among its plugins, in a home of its own."""

    def __init__(self, s):
        self.s = s
        self.home = os.path.join(s.scratch, "home")
        plugins = os.path.join(self.home, ".docker", "cli-plugins")
        os.makedirs(plugins)
        self.plugin = os.path.join(plugins, "docker-compose")
        os.symlink(s.binary, self.plugin)
        self.docker = shutil.which("docker")
        self.env = {"HOME": self.home, "DOCKER_HOST": "", "DOCKER_CONTEXT": ""}

    def __call__(self, *words, exit=0, **more):
        """docker WORDS…; the words hold "compose"."""
        if self.docker:
            result = self.s.run(self.docker, *words, env=self.env, **more)
        else:
            result = self.s.run(self.plugin, *words, env=dict(self.env, DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND="docker"), **more)
        self.s.check(f"docker {' '.join(words)} ends with {exit}", result.code == exit, str(result))
        return result


def metadata(s, docker):
    told = json.loads(s.run(docker.plugin, "docker-cli-plugin-metadata").out)
    s.equal("schema", "0.1.0", told["SchemaVersion"])
    s.check("who and what", told["Vendor"] and told["ShortDescription"] and told["Version"].startswith("v"), str(told))
    s.equal("its version is that of `compose version`", told["Version"], docker("compose", "version").out.split()[-1])
    if docker.docker:
        listed = s.run(docker.docker, "--help", env=docker.env)
        s.check("docker lists it", "compose*" in listed.out and "davit" in listed.out, listed.out)
        s.check("and finds nothing wrong with it", "Invalid Plugins" not in listed.out + listed.err, listed.out)


def a_project(s, docker):
    s.write("compose.yaml", FILE)
    own = s.davit("version").out
    theirs, number = docker("compose", "version").out, re.escape(own.split()[-1])
    s.check("version", re.fullmatch(rf"Docker Compose version v\d+\.\d+\.\d+\+davit{number}\n", theirs), theirs)
    s.equal("--version", theirs, docker("compose", "--version").out)
    s.check("help", "Usage:" in docker("compose", "--help").out)
    s.check("help of a verb", "Create and start containers" in docker("compose", "up", "--help").out)
    s.check("docker help compose", "Usage:" in docker("help", "compose").out)
    s.check("nothing is help", "Usage:" in docker("compose").out)
    docker("compose", "up", "-d")
    s.equal("it runs", {"a": "running"}, s.states())
    s.equal("ps", s.davit("ps", "-q").out, docker("compose", "ps", "-q").out)
    s.equal("docker's flags before it", s.davit("ps", "-q").out, docker("--log-level", "error", "--debug", "compose", "-f", "compose.yaml", "ps", "-q").out)
    s.equal("exec", "hello\n", docker("compose", "exec", "-T", "a", "echo", "hello").out)
    s.equal("an exit code", 7, docker("compose", "exec", "-T", "a", "sh", "-c", "exit 7", exit=7).code)
    for elsewhere in (["--host", "tcp://127.0.0.1:1", "compose", "ps"], ["-H=tcp://127.0.0.1:1", "compose", "ps"], ["--context", "other", "compose", "ps"]):
        result = s.run(docker.plugin, *elsewhere, env=docker.env)
        s.check(f"{' '.join(elsewhere)}: another machine is refused", result.code == 1 and ("no engine elsewhere" in result.err or "context not found" in result.err), str(result))
    s.check("what is no verb", "unknown command" in docker("compose", "frob", exit=1).err)
    docker("compose", "down", "-t", "0")


def told_to_end(s, docker):
    """docker closes its socket when it is told to end; the plugin takes that for a signal."""
    s.write("compose.yaml", FILE)
    name = "davit-test-" + os.urandom(4).hex()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0" + name)
        listener.listen()
        listener.settimeout(20)
        up = subprocess.Popen([docker.plugin, "compose", "up"], cwd=s.directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, env=dict(os.environ, **docker.env, DOCKER_CLI_PLUGIN_SOCKET="@" + name), start_new_session=True)
        connection, _ = listener.accept()
        s.eventually("it runs", lambda: s.states() == {"a": "running"})
        s.check("and goes on", up.poll() is None)
        connection.close()
    s.equal("as after an interrupt", 130, up.wait(20))
    s.equal("it has been stopped", {"a": "exited"}, s.states())
    if docker.docker:
        up = subprocess.Popen([docker.docker, "compose", "up"], cwd=s.directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, env=dict(os.environ, **docker.env), start_new_session=True)
        s.eventually("it runs again", lambda: s.states() == {"a": "running"})
        up.send_signal(signal.SIGTERM)
        up.wait(20)
        s.eventually("it has been stopped", lambda: s.states() == {"a": "exited"})
    s.davit("down", "-t", "0")


with Scenario("plugin") as s:
    s.images("busybox")
    before = s.listing()
    docker = Docker(s)
    for part in (metadata, a_project, told_to_end):
        part(s, docker)
        s.nothing_left(before)
