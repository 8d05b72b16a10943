"""A container keeps its address until `down`: through restarts, recreation, crashes, scaling and a change of the file."""
import glob
import os
import shutil
import signal
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
from harness import Scenario  # noqa: E402
from netlab import address, container, inside  # noqa: E402

SERVICES = [f"s{i}" for i in range(10)]
SUPERVISOR = r"^\S*davit-supervisor --project"


def compose(mode="a"):
    text = "services:\n"
    for name in SERVICES:
        text += (f"  {name}: {{image: busybox, command: sleep 3600, stop_signal: KILL, restart: always, networks: [default, six],"
                 f" environment: {{MODE: {mode}}}}}\n")
    text += "  fixed: {image: busybox, command: sleep 3600, stop_signal: KILL, networks: {six: {ipv6_address: 'fd00:77::5'}}}\n"
    text += "  own: {image: busybox, command: sleep 3600, stop_signal: KILL, networks: {default: {mac_address: '02:00:00:00:00:77'}}}\n"
    return text + "networks: {six: {enable_ipv6: true, ipam: {config: [{subnet: 'fd00:77::/64'}]}}}\n"


with Scenario("addresses") as s:
    s.images("busybox")
    s.write("compose.yaml", compose())
    before = s.listing()
    s.davit("up", "-d")

    def all_addresses(number=1):
        return {name: [(e["network"], e["ipv4"], e["ipv6"], e["mac"]) for e in container(s, name, number)["endpoints"]] for name in SERVICES + ["own"]}

    first = all_addresses()
    s.equal("no address is given twice", len(SERVICES) * 2 + 1, len({a for e in first.values() for (_, a, _, _) in e}))
    s.equal("nor an IPv6 one", len(SERVICES), len({a for e in first.values() for (_, _, a, _) in e if a}))
    s.equal("the address that the file names is used", "fd00:77::5", address(s, "fixed", v6=True))
    s.check("and given to no other", "fd00:77::5" not in str(first))
    s.equal("the MAC that the file names stays", "02:00:00:00:00:77", first["own"][0][3])
    mac = "02:42:" + ":".join(f"{int(b):02x}" for b in first["s0"][0][1].split("."))
    s.equal("else it follows the address", mac, first["s0"][0][3])
    s.check("inside too", mac in inside(s, "s0", "ip", "link", "show", "eth0").out)

    def at_once(*commands):
        """Commands that run beside each other; each has to end well."""
        results = []
        threads = [threading.Thread(target=lambda c=c: results.append(s.davit(*c, exit=None, within=90))) for c in commands]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        s.check("all of them end well", all(r.code == 0 for r in results), "\n".join(map(str, results)))

    at_once(*[("restart", "-t", "0", name) for name in SERVICES + SERVICES])
    s.equal("twenty restarts at once leave every address", first, all_addresses())
    s.davit("restart", "-t", "0")
    s.equal("a restart of all does", first, all_addresses())
    for i in range(3):
        s.davit("up", "-d", "--force-recreate", "-t", "0")
        s.equal(f"--force-recreate does ({i})", first, all_addresses())
    s.write("compose.yaml", compose("b"))
    s.davit("up", "-d", "-t", "0")
    s.equal("another configuration does", first, all_addresses())
    s.check("which is in force", "MODE=b" in s.davit("exec", "-T", "s3", "env").out)

    # ---- what comes in between does not take them
    s.davit("stop", "-t", "0", *SERVICES[:5])
    oneoff = s.davit("run", "--rm", "-T", "s0", "ip", "-o", "addr").out
    s.check("a one-off has another one", not any(f" {a}/" in oneoff for e in first.values() for (_, a, _, _) in e), oneoff)
    s.davit("up", "-d", "--scale", "s9=4", "-t", "0", "--no-deps", "s9")
    scaled = {n: address(s, "s9", f"{s.project}_default", n) for n in (2, 3, 4)}
    s.check("nor do new replicas", not set(scaled.values()) & {a for e in first.values() for (_, a, _, _) in e})
    s.davit("up", "-d", "-t", "0", *reversed(SERVICES[:5]))
    s.equal("those that were stopped have theirs again", first, all_addresses())
    s.davit("up", "-d", "-t", "0")
    s.davit("up", "-d", "--scale", "s9=4", "-t", "0")
    s.equal("and so have the replicas", scaled, {n: address(s, "s9", f"{s.project}_default", n) for n in (2, 3, 4)})
    s.davit("rm", "-sf", "s1", "s2")
    s.davit("up", "-d", "-t", "0", "--scale", "s9=1")
    s.equal("and those that were removed", first, all_addresses())

    # ---- crashes
    def kill_supervisor():
        for pid in s.pids(SUPERVISOR):
            os.kill(pid, signal.SIGKILL)
        return pid

    os.kill(container(s, "s4")["pid"], signal.SIGKILL)
    s.eventually("a container that crashed runs again", lambda: container(s, "s4")["pid"] and container(s, "s4")["restart_count"] == 1)
    s.equal("with its address", first, all_addresses())
    s.davit("stop", "-t", "0", *SERVICES[:3])
    old = kill_supervisor()
    s.eventually("another supervisor takes over", lambda: s.pids(SUPERVISOR) and old not in s.pids(SUPERVISOR))
    s.davit("up", "-d", "-t", "0", "--force-recreate", *reversed(SERVICES))
    s.equal("a new supervisor knows them", first, all_addresses())
    s.davit("stop", "-t", "0")
    s.eventually("none runs while nothing does", lambda: not s.pids(SUPERVISOR))
    s.davit("start", *SERVICES[4:], "own")
    s.davit("start")
    s.equal("nor is anything lost by a stop of all", first, all_addresses())

    # ---- what an older davit left: it wrote nothing down
    pids = s.pids(SUPERVISOR)
    shutil.rmtree("/var/lib/davit/addresses")
    kill_supervisor()
    s.eventually("another one again", lambda: s.pids(SUPERVISOR) and s.pids(SUPERVISOR) != pids)
    s.eventually("the addresses of what runs are written down", lambda: glob.glob(f"/var/lib/davit/addresses/*/{s.project}.json"))
    s.davit("up", "-d", "--force-recreate", "-t", "0")
    s.equal("and kept", first, all_addresses())
    for path in glob.glob("/var/lib/davit/addresses/*/*.json"):
        with open(path, "w", encoding="utf-8") as f:
            f.write("{")
    s.davit("stop", "-t", "0")
    s.eventually("none runs", lambda: not s.pids(SUPERVISOR))
    s.davit("up", "-d")
    s.check("a file that is none keeps nobody from starting", len(all_addresses()) == len(SERVICES) + 1)

    # ---- until down
    s.davit("down", "-t", "0")
    s.check("with the project they go", not glob.glob("/var/lib/davit/addresses/*"))

    # ---- on a network that is another project's
    s.write("owner/compose.yaml", "name: owner\nservices: {app: {image: busybox, command: sleep 3600, stop_signal: KILL, networks: [shared]}}\n"
            "networks: {shared: {name: common, ipam: {config: [{subnet: 10.99.0.0/29}]}}}\n")
    s.write("guest/compose.yaml", "name: guest\nservices: {app: {image: busybox, command: sleep 3600, stop_signal: KILL, networks: [shared]}}\n"
            "networks: {shared: {external: true, name: common}}\n")

    def of(project, *words):
        return s.davit("-f", f"{project}/compose.yaml", *words)

    of("owner", "up", "-d")
    of("guest", "up", "-d")
    mine = address(s, "app", "common", project="guest")
    of("guest", "stop", "-t", "0")
    of("owner", "up", "-d", "--scale", "app=4", "-t", "0")
    taken = {address(s, "app", "common", n, project="owner") for n in range(1, 5)}
    s.check("the owner of a network leaves a guest its address while others are free", mine not in taken, f"{mine} {taken}")
    of("guest", "start")
    s.equal("so the guest has it again", mine, address(s, "app", "common", project="guest"))
    of("guest", "stop", "-t", "0")
    of("owner", "up", "-d", "--scale", "app=5", "-t", "0")
    s.equal("it is given away when nothing else is free", mine, address(s, "app", "common", 5, project="owner"))
    of("guest", "down", "-t", "0")
    of("owner", "down", "-t", "0")
    s.nothing_left(before)
