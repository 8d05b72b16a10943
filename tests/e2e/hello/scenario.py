"""samples/hello: up, what it says, exec, logs, down; the machine is as before."""
import os

from harness import SOURCE, Scenario

with Scenario("hello", files=os.path.join(SOURCE, "samples/hello")) as s:
    s.images("busybox")
    before = s.listing()

    caller = s.run("sh", "-c", f"ulimit -S -f 1000; exec nice -n 7 {s.binary} run --rm -T hello sh -c 'cut -d\" \" -f19 /proc/self/stat; ulimit -f'")
    s.equal("a container does not inherit the priority and the limits of the command", "0\nunlimited\n", caller.out)
    s.davit("down")
    s.nothing_left(before)

    up = s.davit("up", "-d")
    s.equal("the service runs once up -d returned", {"hello": "running"}, s.states())
    s.check("up -d of one busybox takes well under a second", up.seconds < 1, f"({up.seconds:.2f} s)")
    s.eventually("its first line is in the log", lambda: "Hello from" in s.davit("logs", "--no-log-prefix").out, within=3)
    s.equal("exec gives the program's exit code", 7, s.davit("exec", "-T", "hello", "sh", "-c", "exit 7", exit=None).code)
    name = s.davit("exec", "-T", "hello", "cat", "/etc/hostname").out.strip()
    s.equal("HOSTNAME is the container's name", name, s.davit("exec", "-T", "hello", "sh", "-c", "echo $HOSTNAME").out.strip())
    s.equal("the init process is pid 1 of its own", "1", s.davit("exec", "-T", "hello", "sh", "-c", "ls /proc | grep -c '^1$'").out.strip())

    again = s.davit("up", "-d")
    s.equal("a second up changes nothing", name, s.davit("exec", "-T", "hello", "cat", "/etc/hostname").out.strip())

    s.davit("stop", "-t", "5")
    s.equal("stop ends it", {"hello": "exited"}, s.states())
    s.davit("start")
    s.equal("start begins it again", {"hello": "running"}, s.states())
    s.davit("kill")
    s.eventually("kill ends it", lambda: s.states() == {"hello": "exited"}, within=3)
    s.equal("killed is 137", 137, s.ps()[0]["ExitCode"])
    s.davit("kill", err="^No container to kill$")
    s.davit("logs", "--index", "3", "hello", exit=1, err='service "hello" is not running container #3')
    s.davit("-p", "nobody", "start", exit=1, cwd="/", err='no container found for project "nobody"')

    made = s.ps()[0]["Name"]
    s.equal("rm says on standard output what it would remove", f"Going to remove {made}", s.davit("rm").out)
    s.equal("without an answer nothing is removed", {"hello": "exited"}, s.states())
    s.davit("run", "-T", "--name", "kept", "hello", "true")
    s.check("images lists one-offs", "kept" in s.davit("images").out)
    s.equal("rm is of the service", f"Going to remove {made}\n", s.davit("rm", "-f").out)
    s.davit("up", "-d", err="orphan containers .*kept")
    s.davit("down", "-t", "1")
    s.equal("down leaves a one-off", ["kept"], [c["Name"] for c in s.ps()])
    s.davit("down", "--remove-orphans", "-t", "1")
    s.equal("down leaves no container", [], s.ps())
    s.nothing_left(before)
    s.davit("down")  # a second down has nothing to do and succeeds
    os.makedirs(f"/run/davit/projects/{s.project}/containers")
    s.davit("down")  # what a supervisor left that was killed at its own end
    s.nothing_left(before)

    s.equal("run gives output and exit code", ("out\n", 3), (lambda r: (r.out, r.code))(
        s.davit("run", "--rm", "-T", "hello", "sh", "-c", "echo out; exit 3", exit=None)))
    s.davit("down")
    s.nothing_left(before)
