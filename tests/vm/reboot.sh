#!/bin/sh
# Runs in each boot of the machine whose pid 1 is systemd: before a reboot, after it, and after one that nobody asked for.
# What a container has lived through stands in the volume: a line for each beginning and each end.
STAGE=/var/lib/vmtest/stage
LIFE=/var/lib/davit/volumes/boot_data/_data
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
eventually() { # COMMAND…
    n=0
    until "$@"; do
        n=$((n + 1))
        [ $n -lt 300 ] || return 1
        sleep 0.2
    done
}
states() { davit -p boot ps -a --format '{{.Service}}={{.State}}' | sort | tr '\n' ' '; }
are() { [ "$(states)" = "$1" ] || { states; false; }; }
begun() { [ "$(grep -c "begins" $LIFE/$1)" = "$2" ]; }
replicas() { # "s_web=2/2"…
    davit stack services s --format '{{.Name}}={{.Replicas}}' | sort | tr '\n' ' '
}
have() { [ "$(replicas)" = "$1" ]; }
outside() { # "m_always=running …", of containers outside of compose files
    now=$(davit container ls -a --filter name=m_ --format '{{.Names}}={{.State}}' | sort | tr '\n' ' ')
    [ "$now" = "$1" ] || { echo "$now"; false; }
}
after_boot="m_always=running m_done=exited m_failed=running m_never=exited m_stopped=exited m_unless=running "
broken() { # the project whose secret is gone with the boot
    [ "$(davit -p broken ps -a --format '{{.Service}}={{.State}}' | sort | tr '\n' ' ')" = "$1" ]
}
supervised() { pgrep -f 'davit-supervisor --project boot' > /dev/null; }
finish() {
    sync
    [ $failed = 0 ] || journalctl -b -u davit.service --no-pager -o cat | tail -40
    [ $failed = 0 ] && [ "$1" = end ] && say "all passed"
    rm -f /var/lib/vmtest/rebooting
    exit $failed
}

echo "3 3 3 3" > /proc/sys/kernel/printk
modprobe -a overlay veth bridge br_netfilter nf_tables nft_ct nft_nat nft_masq nft_chain_nat nft_fib_inet nft_reject_inet nft_redir \
    nft_numgen nf_conntrack_netlink 2>/dev/null
ip link set lo up
export COMPOSE_PROGRESS=plain
cd /opt/boot || exit 1
mkdir -p /var/lib/vmtest
stage=$(cat $STAGE 2>/dev/null || echo 1)
say "boot $stage, kernel $(uname -r), pid 1 is $(cat /proc/1/comm)"

case $stage in
1)
    check "the image loads" davit image load -i /opt/images
    check "install" davit system install
    check "the unit is active" systemctl is-active davit.service
    check "the unit is enabled" systemctl is-enabled davit.service
    # What logind does to a session's scope with KillUserProcesses=yes: it stops the unit.
    systemd-run --scope --quiet --unit=session-77 sh -c 'davit up -d && exec sleep 1000' &
    eventually are "db=running proxy=running stopped=running unless=running web=running "
    check "the session is a scope of its own" systemctl is-active session-77.scope
    check "the session ends" systemctl stop session-77.scope
    wait
    check "what it has started runs on" are "db=running proxy=running stopped=running unless=running web=running "
    check "with its supervisor" supervised
    check "restart of the unit" systemctl restart davit.service
    check "stops nothing" begun db 1
    check "and nothing ended" sh -c "! grep -q ends $LIFE/db $LIFE/web $LIFE/proxy"
    davit stop -t 1 stopped unless
    check "a stack is deployed" davit stack deploy -c stack.yaml s
    check "and runs" eventually have "s_once=1/1 s_web=2/2 "
    for policy in always unless-stopped on-failure no; do
        name=$(echo $policy | sed 's/unless-stopped/unless/; s/on-failure/failed/; s/^no$/never/')
        check "a container outside, $policy" davit container run -d --name m_$name --restart $policy busybox sleep 10000
    done
    check "one that its user stops" davit container run -d --name m_stopped --restart unless-stopped --stop-signal KILL busybox sleep 10000
    check "one that ends well" davit container run -d --name m_done --restart on-failure busybox true
    check "one that nobody keeps" davit container run -d --rm --name m_rm busybox sleep 10000
    davit container stop -t 1 m_stopped
    check "a project with a secret of this shell" env THE_KEY=4711 davit -p broken -f broken.yaml up -d
    [ $failed = 0 ] || finish
    echo 2 > $STAGE
    touch /var/lib/vmtest/rebooting
    sync
    say "reboots"
    systemctl --no-block reboot
    sleep 600
    ;;
2)
    check "the unit has started" systemctl is-active davit.service
    check "what should run does" are "db=running proxy=running stopped=running unless=exited web=running "
    check "all got their signal and their time" sh -c "grep -q ends $LIFE/db && grep -q ends $LIFE/web && grep -q ends $LIFE/proxy"
    check "dependents stopped first" [ "$(grep -e - $LIFE/order | tr '\n' ' ')" = "proxy- web- db- " ]
    check "and started when what they need was healthy" [ "$(grep -e '[bw].*+' $LIFE/order | tr '\n' ' ')" = "db+ web+ db+ web+ " ]
    check "a project that lacks something is told" sh -c 'journalctl -b -u davit.service -o cat | grep -q "project broken.*THE_KEY"'
    check "what lacks nothing runs" broken "alone=running keyed=exited "
    check "the stack runs, but for what never starts again" eventually have "s_once=0/1 s_web=2/2 "
    check "outside of compose files, too" outside "$after_boot"
    check "exec works in this boot" sh -c '[ "$(davit exec -T web echo 42)" = 42 ]'
    check "names resolve" sh -c 'davit exec -T web nslookup db. | grep -q Name'
    [ $failed = 0 ] || finish
    echo 3 > $STAGE
    touch /var/lib/vmtest/rebooting
    sync
    say "the power fails"
    sleep 1
    echo b > /proc/sysrq-trigger
    sleep 600
    ;;
3)
    check "the unit has started" systemctl is-active davit.service
    check "what should run does" are "db=running proxy=running stopped=running unless=exited web=running "
    check "the stack runs: reboots are no attempts" eventually have "s_once=0/1 s_web=2/2 "
    check "outside of compose files, too" outside "$after_boot"
    check "what lacks nothing runs" broken "alone=running keyed=exited "
    check "nobody was told" [ "$(grep -c ends $LIFE/db)" = 1 ]
    check "stop of the unit" systemctl stop davit.service
    check "stops everything" are "db=exited proxy=exited stopped=exited unless=exited web=exited "
    check "the stack too" have "s_once=0/1 s_web=0/2 "
    check "start of the unit" systemctl start davit.service
    check "brings the stack back" eventually have "s_once=0/1 s_web=2/2 "
    check "brings it back" are "db=running proxy=running stopped=running unless=exited web=running "
    check "uninstall" davit system uninstall
    check "leaves it running" are "db=running proxy=running stopped=running unless=exited web=running "
    check "and no unit" sh -c '! systemctl is-enabled davit.service'
    check "down" davit down -v -t 5
    check "of all" sh -c 'cd / && davit -p broken down -t 5 && davit stack rm s && davit container rm -f m_always m_done m_failed m_never m_stopped m_unless'
    check "nothing is left" eventually sh -c '[ -z "$(davit container ls -aq)" ]'
    check "doctor finds nothing" davit system doctor
    finish end
    ;;
esac
