"""The leak check itself: whatever is left on a machine is seen, and an unchanged machine is unchanged."""
import os
import subprocess
import sys

import machine

FLIP_FORWARDING = "f=/proc/sys/net/ipv4/ip_forward; echo $((1 - $(cat $f))) > $f"
PLANTS = {  # what, how to leave it, how to take it away; in the order of machine.listing()'s categories
    "processes": ("setsid sleep 3600 >/dev/null 2>&1 & echo $! > /tmp/pid", "kill -9 $(cat /tmp/pid); rm /tmp/pid"),
    "mounts": ("mkdir /run/m && mount -t tmpfs left /run/m", "umount /run/m; rmdir /run/m"),
    "network": ("ip link add left type bridge && ip link set left up && ip addr add 10.9.9.1/24 dev left", "ip link del left"),
    "nft": ("nft add table inet left", "nft delete table inet left"),
    "cgroups": ("mkdir $(dirname $(find /sys/fs/cgroup -name cgroup.procs | head -1))/left", "rmdir $(find /sys/fs/cgroup -name left)"),
    "sysctls": (FLIP_FORWARDING, FLIP_FORWARDING),
    "files": ("touch /run/left", "rm /run/left"),
}


def shell(script):
    subprocess.run(["sh", "-c", script], check=True)


def main():
    if os.environ.get("DAVIT_PRIVATE_HOST") != "1":
        sys.exit("run this by tests/private-host")
    before = machine.listing([])
    wrong = [f"an unchanged machine differs: {d}" for d in machine.differences(before, machine.listing([]))]
    for category, (leave, take_away) in PLANTS.items():
        shell(leave)
        found = machine.differences(before, machine.listing([]))
        if not any(f"+ {category}:" in d for d in found):
            wrong.append(f"what was left among the {category} is not seen: {found}")
        shell(take_away)
    for _ in range(100):  # a killed process stays a zombie until pid 1 has reaped it
        last = machine.differences(before, machine.listing([]))
        if not last:
            break
    wrong += [f"after taking everything away: {d}" for d in last]
    print("\n".join(wrong) or f"{len(PLANTS)} kinds of leaks are seen")
    sys.exit(1 if wrong else 0)


main()
