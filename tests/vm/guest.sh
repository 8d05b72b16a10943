#!/bin/sh
# Runs in the virtual machine: samples/hello up, exec, down, and nothing left.
failed=0
say() { echo "@@ $*"; }
check() { # WHAT COMMAND…
    what=$1
    shift
    if "$@"; then say "ok: $what"; else
        say "FAILED: $what"
        failed=1
    fi
}
listing() {
    ip -o link | cut -d: -f2- | sort
    cut -d' ' -f4- /proc/self/mountinfo | sort
    find /sys/fs/cgroup -type d | sort
    nft list ruleset
    find /run/davit ! -type d ! -path /run/davit/net/lock 2>/dev/null | sort # the machine-wide lock is a file for good
    cat /proc/sys/net/ipv4/ip_forward
}
same() {
    # the kernel takes a moment to let go of the last cgroup and link
    for _ in $(seq 60); do
        listing > /tmp/after
        [ "$(cat /tmp/before)" = "$(cat /tmp/after)" ] && return 0
        sleep 0.3
    done
    grep -vxF -f /tmp/before /tmp/after
    return 1
}

sysctl -qw kernel.printk="3 3 3 3" 2>/dev/null || echo "3 3 3 3" > /proc/sys/kernel/printk
# Modules that nft loads one by one cost seconds under emulation.
modprobe -a overlay veth bridge br_netfilter nf_tables nft_ct nft_nat nft_masq nft_chain_nat nft_fib_inet nft_reject_inet nft_redir \
    nft_numgen nf_conntrack_netlink macvlan ipvlan dummy 8021q 2>/dev/null
ip link set lo up
say "kernel $(uname -r), pid 1 is $(cat /proc/1/comm)"
export COMPOSE_PROGRESS=plain
cd /opt/hello || exit 1

check "the image loads" davit image load -i /opt/images
listing > /tmp/before
check "up -d" davit up -d
check "ps says it runs" sh -c 'davit ps --format "{{.State}}" | grep -q running'
check "exec runs a program inside" sh -c '[ "$(davit exec -T hello echo 42)" = 42 ]'
check "exec gives the exit code" sh -c 'davit exec -T hello sh -c "exit 7"; [ $? = 7 ]'
check "the container has a cgroup of its own" sh -c 'find /sys/fs/cgroup -name cgroup.procs -path "*davit*" | grep -q .'
check "logs" sh -c 'davit logs --no-log-prefix | grep -q "Hello from"'
check "down" davit down -t 5
check "nothing is left" same

# Limits in version 2's files, as the container reads them.
inside() { # FILE VALUE
    now=$(davit container exec limited cat "/sys/fs/cgroup/$1")
    [ "$now" = "$2" ] || { echo "$1: $now"; false; }
}
check "a container with limits" davit container run -d --name limited --memory 64m --memory-reservation 32m --cpus 0.5 --cpu-shares 512 \
    --pids-limit 50 busybox sleep 1000
check "memory" inside memory.max 67108864
check "swap, as much again" inside memory.swap.max 67108864
check "the reservation" inside memory.low 33554432
check "processors" inside cpu.max "50000 100000"
check "their weight" inside cpu.weight 59
check "processes" inside pids.max 50
check "they are changed" davit container update --memory 96m --memory-swap 128m --cpus 1.5 --pids-limit 60 limited
check "memory, changed" inside memory.max 100663296
check "swap, changed" inside memory.swap.max 33554432
check "processors, changed" inside cpu.max "150000 100000"
check "processes, changed" inside pids.max 60
check "stats read them" sh -c 'davit container stats --no-stream --format "{{.MemUsage}}" limited | grep -q "/ 96MiB"'
check "it goes" davit container rm -f limited
cat > /tmp/task.json << 'END'
{"family": "task", "cpu": "512", "memory": "64",
 "containerDefinitions": [{"name": "a", "image": "busybox", "command": ["sleep", "1000"], "memory": 48}, {"name": "b", "image": "busybox", "command": ["sleep", "1000"]}]}
END
check "an ECS task" davit -f /tmp/task.json up -d
check "its limits are those of all its containers" sh -c 'grep -qx 67108864 $(find /sys/fs/cgroup/davit -mindepth 2 -name memory.max) && grep -qx "50000 100000" $(find /sys/fs/cgroup/davit -mindepth 2 -name cpu.max)'
check "one has its own" sh -c 'grep -qx 50331648 $(find /sys/fs/cgroup/davit -name memory.max)'
check "the task goes" davit -f /tmp/task.json down -t 0
check "nothing is left of them" same
for test in /opt/tests/*; do
    [ -x "$test" ] && check "${test##*/}" env DAVIT_SHIM_EXE=/opt/davit/davit-shim "$test" --no-colors=true --duration=true
done
[ $failed = 0 ] && say "all passed"
exit $failed
