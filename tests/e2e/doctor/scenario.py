"""`davit system doctor` names each planted leak, alone and in the ruins of a machine; --fix removes it and nothing else."""
import json
import os
import shutil
import signal
import subprocess

import machine
from harness import Scenario

FORWARDS = machine.read("/proc/sys/net/ipv4/ip_forward").strip() == "1"  # then davit has nothing to switch on

HALF = "/var/lib/davit/swarm/services/" + 25 * "b"
GHOST = "/run/davit/projects/ghost"
# kind of leak: how to leave it, the name it is found by
ALONE = {
    "bridge": ("ip link add dv-0123456789ab type bridge", "dv-0123456789ab"),
    "interface": ("ip link add dve0123456789ab type veth peer name left0", "dve0123456789ab"),
    "firewall table": ("nft add table inet davit '{ comment \"left\"; }'", "inet davit"),
    "control group": ("for h in $(awk '$3 ~ /^cgroup/ {print $2}' /proc/mounts); do mkdir -p $h/davit/ghost/$(printf %064d 7); done;"
                      "setsid sleep 1000 >/dev/null 2>&1 & echo $! > $(dirname $(find /sys/fs/cgroup -path '*/davit/ghost/*7/cgroup.procs' | head -1))/cgroup.procs", "davit/ghost"),
    "process": ("cp /bin/sh /tmp/davit-supervisor; mkfifo /tmp/never; setsid /tmp/davit-supervisor -c 'exec 3<>/tmp/never; rm /tmp/never /tmp/davit-supervisor; read x <&3' x "
                "--project ghost --run-dir /run/davit >/dev/null 2>&1 & while [ -e /tmp/davit-supervisor ]; do :; done", ""),
    "run directory": (f"mkdir -p {GHOST}/containers", GHOST),
    "endpoints file": ("mkdir -p /run/davit/networks/left; echo '[]' > /run/davit/networks/left/ghost.json", "/run/davit/networks/left/ghost.json"),
    "addresses file": ("mkdir -p /var/lib/davit/addresses/left; echo '{}' > /var/lib/davit/addresses/left/ghost.json", "/var/lib/davit/addresses/left/ghost.json"),
    "volume directory": ("mkdir -p /var/lib/davit/volumes/left/_data", "/var/lib/davit/volumes/left"),
    "service": (f"mkdir -p {HALF}/templates/1", HALF),
    "mount": ("mkdir -p /var/lib/davit/volumes/m && echo '{}' > /var/lib/davit/volumes/m/volume.json && mount -t tmpfs left /var/lib/davit/volumes/m",
              "/var/lib/davit/volumes/m"),
}
KEPT = "/var/lib/davit/projects/doctor"
BESIDE_A_PROJECT = {
    "staging directory": (f"mkdir -p {KEPT}/staging/left", f"{KEPT}/staging/left"),
    "container directory": (f"mkdir -p {KEPT}/containers/$(printf %064d 9)/upper", "9"),
    "temporary file": (f"touch -d '2 minutes ago' $(ls -d {KEPT}/containers/*)/record.json.tmp", "record.json.tmp"),
    "supervisor socket": ("mkdir -p /run/davit/projects/doctor; touch /run/davit/projects/doctor/supervisor.sock", "/run/davit/projects/doctor/supervisor.sock"),
}
OWN = (r"^\+ files: /run/davit(/projects(/doctor(/containers)?)?|/networks|/net(/projects|/lock)?)?$",)  # davit's own places, empty


def look(s, *words, exit):
    return [json.loads(l) for l in s.davit("system", "doctor", "--format", "json", *words, exit=exit).out.splitlines()]


def plant(s, before, kind, script, name):
    subprocess.run(script, shell=True, check=True)
    found = look(s, exit=1)
    s.equal(f"one leak is found for a planted {kind}", [kind], [l["Kind"] for l in found])
    s.check("it is named", name in found[0]["Name"] and found[0]["Text"] and found[0]["Remedy"], str(found))
    s.davit("system", "doctor", exit=1, out=f"^{kind} .*{name}")
    s.equal("--fix says so", [True], [l["Fixed"] for l in look(s, "--fix", exit=0)])
    s.equal("and then nothing is left over", [], look(s, exit=0))
    s.nothing_left(before, but=OWN)


def kill_all(s, pattern):
    def none_left():  # a shim that outlives its supervisor by a moment starts another one
        left = s.pids(pattern)
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return not left
    s.eventually("they are gone", none_left)


def ruins(s, before):
    """A project whose processes were killed and whose records somebody deleted: everything else of it is a leak."""
    s.davit("up", "-d")
    s.davit("system", "doctor", exit=0)
    kill_all(s, r"^\S*davit-supervisor|^\S*davit-shim")
    s.check("a container nobody looks after is named", "unsupervised container" in [l["Kind"] for l in look(s, exit=1)])
    s.davit("up", "-d")
    s.equal("up looks after it again", [], look(s, exit=0))
    kill_all(s, r"^\S*davit-supervisor|^\S*davit-shim")
    kill_all(s, r"davit-port-proxy")
    shutil.rmtree("/var/lib/davit/projects")
    shutil.rmtree("/var/lib/davit/networks")
    kinds = {l["Kind"] for l in look(s, exit=1)}
    wanted = {"bridge", "firewall table", "network state", "control group", "run directory", "endpoints file"} | (set() if FORWARDS else {"sysctl"})
    s.check("each kind of what is left is named", wanted <= kinds, f"(lacks {wanted - kinds})")
    look(s, "--fix", exit=0)
    s.equal("and then nothing is left over", [], look(s, exit=0))
    s.nothing_left(before, but=OWN)
    return wanted


def two_roots(s, before):
    """Another davit on this machine, with directories of its own, runs a project of the same name: nobody's left-over."""
    there = {"DAVIT_STATE_DIR": os.path.join(s.scratch, "other", "state"), "DAVIT_RUN_DIR": os.path.join(s.scratch, "other", "run")}
    os.makedirs(os.path.join(s.scratch, "other"))
    s.davit("image", "load", "-i", os.environ["DAVIT_IMAGES"], env=there)
    s.davit("up", "-d", env=there)

    def unharmed(when):
        s.equal(f"{when}: the doctor of this root finds nothing", [], look(s, exit=0))
        s.equal(f"{when}: --fix mends nothing", [], look(s, "--fix", exit=0))
        s.equal(f"{when}: its own doctor finds nothing", "", s.davit("system", "doctor", "--format", "json", env=there).out)
        s.davit("exec", "-T", "a", "ping", "-c1", "-W5", "b", env=there)

    unharmed("beside a root that never ran anything")
    subprocess.run("ip link add dv-0123456789ab type bridge", shell=True, check=True)
    s.equal("a left-over is still one", ["dv-0123456789ab"], [l["Name"] for l in look(s, "--fix", exit=0)])
    unharmed("after a left-over was removed")
    s.write("compose.yaml", ONE_MORE)
    s.davit("up", "-d")
    unharmed("beside a project of the same name")
    s.davit("down")
    unharmed("after that one's end")
    s.write("compose.yaml", TWO)
    s.davit("down", env=there)
    s.eventually("it is gone", lambda: not s.pids("davit-supervisor --project"))
    shutil.rmtree(os.path.join(s.scratch, "other"))
    s.equal("and nothing is left over", [], look(s, exit=0))
    s.nothing_left(before, but=OWN)


ONE_MORE = """
services:
  a: {image: busybox, command: [sleep, "600"], stop_signal: KILL}
"""
TWO = ONE_MORE + """
  b: {image: busybox, command: [sleep, "600"], stop_signal: KILL}
"""

with Scenario("doctor") as s:
    s.images("busybox")
    s.write("compose.yaml", """
services:
  a: {image: busybox, command: [sleep, "600"], stop_signal: KILL, network_mode: none}
""")
    before = s.listing()
    s.davit("system", "doctor", exit=0, out="Nothing")
    for kind, (script, name) in ALONE.items():
        plant(s, before, kind, script, name)
    s.davit("create")
    s.eventually("the supervisor of a project that does not run ends", lambda: not s.pids("davit-supervisor"), within=10)
    s.davit("system", "doctor", exit=0)
    created = s.listing()
    for kind, (script, name) in BESIDE_A_PROJECT.items():
        plant(s, created, kind, script, name)
    s.davit("up", "-d")
    s.davit("system", "doctor", "--fix", exit=0)
    s.equal("the doctor leaves alone what runs", {"a": "running"}, s.states())
    s.davit("down")
    s.nothing_left(before, but=OWN)
    s.write("compose.yaml", TWO)
    two_roots(s, before)
    s.write("compose.yaml", """
services:
  a: {image: busybox, command: [sleep, "600"], stop_signal: KILL, ports: ["8086:80"]}
""")
    wanted = ruins(s, before)
    print(f"{len(ALONE) + len(BESIDE_A_PROJECT)} planted leaks, each found alone; {len(wanted)} kinds in the ruins")
