"""What the verbs that look tell: inspect with every key of Docker's, ls, logs, down, and the small things said on the way."""
import json
import os

from harness import Scenario

HOST_CONFIG = """Binds ContainerIDFile LogConfig NetworkMode PortBindings RestartPolicy AutoRemove VolumeDriver VolumesFrom ConsoleSize CapAdd CapDrop
CgroupnsMode Dns DnsOptions DnsSearch ExtraHosts GroupAdd IpcMode Cgroup Links OomScoreAdj PidMode Privileged PublishAllPorts ReadonlyRootfs SecurityOpt
UTSMode UsernsMode ShmSize Runtime Isolation CpuShares Memory NanoCpus CgroupParent BlkioWeight BlkioWeightDevice BlkioDeviceReadBps BlkioDeviceWriteBps
BlkioDeviceReadIOps BlkioDeviceWriteIOps CpuPeriod CpuQuota CpuRealtimePeriod CpuRealtimeRuntime CpusetCpus CpusetMems Devices DeviceCgroupRules
DeviceRequests MemoryReservation MemorySwap MemorySwappiness OomKillDisable PidsLimit Ulimits CpuCount CpuPercent IOMaximumIOps IOMaximumBandwidth
MaskedPaths ReadonlyPaths""".split()
CONFIG = """Hostname Domainname User AttachStdin AttachStdout AttachStderr Tty OpenStdin StdinOnce Env Cmd Image Volumes WorkingDir Entrypoint Labels
StopSignal""".split()
TOP = """Id Created Path Args State Image ResolvConfPath HostnamePath HostsPath LogPath Name RestartCount Driver Platform MountLabel ProcessLabel
AppArmorProfile ExecIDs HostConfig Storage GraphDriver Mounts Config NetworkSettings
ImageManifestDescriptor""".split()
NETWORK = """IPAMConfig Links Aliases DriverOpts GwPriority NetworkID EndpointID Gateway IPAddress MacAddress IPPrefixLen IPv6Gateway GlobalIPv6Address
GlobalIPv6PrefixLen DNSNames""".split()

FULL = """
services:
  full:
    image: busybox
    command: [sleep, '600']
    stop_signal: KILL
    user: "1000:1001"
    working_dir: /tmp
    hostname: named
    environment: {SECRET: hush}
    restart: on-failure:3
    mem_limit: 64m
    mem_reservation: 32m
    cpus: 0.5
    cpu_shares: 512
    pids_limit: 50
    oom_score_adj: 100
    cap_add: [NET_ADMIN]
    cap_drop: [MKNOD]
    group_add: ["2000"]
    read_only: true
    init: true
    ipc: private
    shm_size: 32m
    dns: [10.9.9.9]
    dns_search: [example.org]
    extra_hosts: ["db:10.1.2.3"]
    security_opt: ["no-new-privileges:true"]
    sysctls: {net.core.somaxconn: 1000}
    ulimits: {nofile: {soft: 1000, hard: 2000}}
    tmpfs: [/scratch]
    expose: ["9000"]
    ports: ["127.0.0.1:8123:80"]
    volumes: ["data:/data", "./here:/here:ro"]
    logging: {options: {max-size: 1m}}
    healthcheck: {test: ["CMD", "true"], interval: 1h}
    networks: {front: {ipv4_address: 10.123.4.5, aliases: [other]}}
  plain: {image: busybox, command: [sleep, '600'], stop_signal: KILL, privileged: true, pid: host}
networks: {front: {ipam: {config: [{subnet: 10.123.4.0/24, gateway: 10.123.4.1}]}}}
volumes: {data: {}}
"""


def inspect(s):
    s.write("compose.yaml", FULL)
    s.davit("up", "-d")
    full, plain = json.loads(s.davit("container", "inspect", "look-full-1", "look-plain-1").out)
    for one in (full, plain):
        for wanted, there in ((TOP, one), (HOST_CONFIG, one["HostConfig"]), (CONFIG, one["Config"])):
            s.equal("keys that are missing", [], [k for k in wanted if k not in there])
    host, config = full["HostConfig"], full["Config"]
    expected = {
        "Memory": 64 << 20, "MemoryReservation": 32 << 20, "MemorySwap": 128 << 20, "NanoCpus": 500_000_000, "CpuShares": 512, "PidsLimit": 50, "OomScoreAdj": 100,
        "CpuPeriod": 0, "CpuQuota": 0, "CapAdd": ["CAP_NET_ADMIN"], "CapDrop": ["CAP_MKNOD"], "GroupAdd": ["2000"], "ReadonlyRootfs": True, "Init": True, "Privileged": False,
        "ShmSize": 32 << 20, "Dns": ["10.9.9.9"], "DnsSearch": ["example.org"], "ExtraHosts": ["db:10.1.2.3"], "SecurityOpt": ["no-new-privileges:true"],
        "Sysctls": {"net.core.somaxconn": "1000"}, "Ulimits": [{"Name": "nofile", "Hard": 2000, "Soft": 1000}], "NetworkMode": "look_front", "IpcMode": "private", "PidMode": "",
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3}, "PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8123"}]},
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}}, "AutoRemove": False, "UTSMode": "",
    }
    s.equal("HostConfig", expected, {k: host.get(k) for k in expected})
    s.equal("binds", sorted(["look_data:/data:rw", os.path.join(s.directory, "here") + ":/here:ro"]), sorted(host["Binds"]))
    s.check("tmpfs", "/scratch" in host["Tmpfs"], str(host["Tmpfs"]))
    s.check("masked paths", "/proc/kcore" in host["MaskedPaths"] and plain["HostConfig"]["MaskedPaths"] is None)
    s.equal("Config", {"User": "1000:1001", "WorkingDir": "/tmp", "Hostname": "named", "Cmd": ["sleep", "600"], "Entrypoint": None, "StopSignal": "KILL", "Image": "busybox"},
            {k: config[k] for k in ("User", "WorkingDir", "Hostname", "Cmd", "Entrypoint", "StopSignal", "Image")})
    s.check("the environment without its secrets", "SECRET" in config["Env"] and "hush" not in json.dumps(full), str(config["Env"]))
    s.equal("healthcheck", 3_600_000_000_000, config["Healthcheck"]["Interval"])
    s.check("ports", {"9000/tcp": None, "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8123"}]} == full["NetworkSettings"]["Ports"], str(full["NetworkSettings"]["Ports"]))
    network = full["NetworkSettings"]["Networks"]["look_front"]
    s.equal("keys of a network", [], [k for k in NETWORK if k not in network])
    s.equal("the network", {"IPAddress": "10.123.4.5", "Gateway": "10.123.4.1", "IPPrefixLen": 24, "IPAMConfig": {"IPv4Address": "10.123.4.5"}},
            {k: network[k] for k in ("IPAddress", "Gateway", "IPPrefixLen", "IPAMConfig")})
    s.check("its names", {"look-full-1", "full", "other", full["Id"][:12]} <= set(network["DNSNames"]), str(network["DNSNames"]))
    mounts = {m["Destination"]: m for m in full["Mounts"]}
    s.equal("the volume", {"Type": "volume", "Name": "look_data", "Source": "/var/lib/davit/volumes/look_data/_data", "Destination": "/data", "Driver": "local", "Mode": "rw", "RW": True, "Propagation": ""},
            mounts["/data"])
    s.equal("the bind", False, mounts["/here"]["RW"])
    s.equal("a privileged one", {"Privileged": True, "PidMode": "host", "CapAdd": None, "Devices": []}, {k: plain["HostConfig"][k] for k in ("Privileged", "PidMode", "CapAdd", "Devices")})
    for template, wanted in (("{{range $n, $c := .NetworkSettings.Networks}}{{$n}}={{$c.IPAddress}}{{end}}", "look_front=10.123.4.5\n"), ("{{.HostConfig.RestartPolicy.Name}}", "on-failure\n"),
                             ("{{json .HostConfig.CapAdd}}", '["CAP_NET_ADMIN"]\n'), ("{{index .Config.Labels \"com.docker.compose.service\"}}", "full\n"),
                             ("{{printf \"%s %.3f\" .Name 1.5}}", "/look-full-1 1.500\n"), ("{{with .State}}{{if .Running}}{{.Status | upper}}{{end}}{{end}}", "RUNNING\n")):
        s.equal(template, wanted, s.davit("container", "inspect", "--format", template, "look-full-1").out)
    whole = s.davit("container", "inspect", "--format", "{{json .}}", "look-full-1").out
    s.equal("json . is in docker's order", TOP, list(json.loads(whole)))
    s.davit("down", "-v", "-t", "0")
    os.rmdir(os.path.join(s.directory, "here"))


def counts(s):
    """ls counts what runs; with -a all."""
    s.write("compose.yaml", "services: {a: {image: busybox, command: [sleep, '600'], stop_signal: KILL, scale: 2}, b: {image: busybox, command: ['true']}}\n")
    s.davit("up", "-d")
    s.eventually("b has ended", lambda: s.states()["b"] == "exited")
    def status(*words):
        return [p["Status"] for p in json.loads(s.davit("ls", *words, "--format", "json").out)]
    s.equal("ls", ["running(2)"], status())
    s.equal("ls -a", ["exited(1), running(2)"], status("-a"))
    s.davit("pause", "a")
    s.equal("ls of paused ones", ["paused(2)"], status())
    s.davit("unpause", "a")
    s.davit("kill")
    s.equal("ls when nothing runs", [], status())
    s.equal("ls -a then", ["exited(3)"], status("-a"))
    s.davit("down")


def small(s):
    """Said once, and truly."""
    s.write("compose.yaml", "services: {a: {image: busybox}}\n")
    s.equal("down with nothing there", 'warning: No resource found to remove for project "look".\n', s.davit("down").err)
    s.davit("up", "-d")
    s.check("down with something there", "no resource" not in s.davit("down").err)
    s.write("compose.yaml", "services:\n  a:\n    imgae: busybox\n")
    told = s.davit("logs", "a", exit=1)
    s.equal("why the file cannot be read, once", 1, told.err.count("compose.yaml:3:5"))
    s.check("and nothing else", "not kept" not in told.err and "error: error:" not in told.err, told.err)
    s.write("compose.yaml", """
services:
  a: {image: busybox, command: [sleep, '600'], stop_signal: KILL, healthcheck: {test: ["CMD", "false"], interval: 100ms, retries: 1}}
  b: {image: busybox, command: [sleep, '600'], stop_signal: KILL, depends_on: {a: {condition: service_healthy, required: false}}}
""")
    err = s.davit("up", "-d").err
    s.check("a dependency that may fail is skipped, not healthy", "Healthy" not in err and "Container look-a-1 Skipped" in err and "is unhealthy" in err, err)
    s.davit("down", "-t", "0")
    s.write("compose.yaml", "services: {a: {image: busybox, command: ['true'], volumes: ['data:/data']}}\nvolumes: {data: {}}\n")
    s.davit("up", "-d")
    s.davit("down")
    s.equal("prune", "Deleted Volumes:\nlook_data\n\nTotal reclaimed space: 0B\n", s.davit("volume", "prune", "-a", "-f").out)
    s.check("nothing of the project stays", not os.path.exists("/var/lib/davit/projects/look"), str(os.listdir("/var/lib/davit/projects")) if os.path.isdir("/var/lib/davit/projects") else "")


with Scenario("look") as s:
    s.images("busybox")
    before = s.listing()
    for part in (inspect, counts, small):
        part(s)
        s.nothing_left(before)
