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
    for _ in 1 2 3 4 5 6 7 8 9 10; do
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
for test in /opt/tests/*; do
    [ -x "$test" ] && check "${test##*/}" env DAVIT_SHIM_EXE=/opt/davit/davit-shim "$test" --no-colors=true $VM_TEST_ARGS
done
[ $failed = 0 ] && say "all passed"
exit $failed
