"""Names: what resolves for whom, with dig in the containers' namespaces; upstream servers of the machine."""
import http.server
import os
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
from harness import Scenario  # noqa: E402
from netlab import Upstream, address, container, dig, inside, resolv_conf  # noqa: E402

COMPOSE = """
services:
  web:
    image: busybox
    command: sleep 3600
    stop_signal: KILL
    scale: 3
    networks: {front: {aliases: [www]}, back: {}}
  db:
    image: busybox
    command: sleep 3600
    stop_signal: KILL
    container_name: the-db
    hostname: dbhost
    networks: {back: {aliases: [database], ipv4_address: 10.71.2.50, ipv6_address: 'fd71:2::50'}}
  client:
    image: busybox
    command: sleep 3600
    stop_signal: KILL
    networks: [front]
    extra_hosts: ['fixed:192.0.2.7', 'machine:host-gateway']
  both:
    image: busybox
    command: sleep 3600
    stop_signal: KILL
    networks: [front, back]
    links: ['db:store']
  sealed:
    image: busybox
    command: sleep 3600
    stop_signal: KILL
    networks: [inner]
    dns_search: [corp.example]
    dns_opt: ['timeout:1']
networks:
  front: {ipam: {config: [{subnet: 10.71.1.0/24}]}}
  back: {enable_ipv6: true, ipam: {config: [{subnet: 10.71.2.0/24}, {subnet: 'fd71:2::/64'}]}}
  inner: {internal: true}
"""

with Scenario("names") as s:
    s.images("busybox")
    Upstream("127.0.0.1", "first")  # threads of this process
    resolv_conf(s, "nameserver 127.0.0.1\n")
    s.write("compose.yaml", COMPOSE)
    before = s.listing()
    s.davit("up", "-d")

    webs = sorted(address(s, "web", "names_front", n) for n in (1, 2, 3))
    for name in ("web", "WEB", "www", "web.names_front"):
        rcode, answers, _ = dig(s, "client", name, "A")
        s.equal(f"{name} is all three replicas", ("NOERROR", webs), (rcode, sorted(answers)))
    s.check("each of them comes first now and then", len({dig(s, "client", "web")[1][0] for _ in range(40)}) == 3)
    one = container(s, "web", 2)
    own = [address(s, "web", "names_front", 2)]
    s.equal("a container's name is itself", own, dig(s, "client", one["name"])[1])
    s.equal("so is its short id", own, dig(s, "client", one["id"][:12])[1])
    s.equal("an address gives the container's name", [f"{one['name']}.names_front."], dig(s, "client", "-x", own[0])[1])

    s.equal("a name of another network is unknown", "NXDOMAIN", dig(s, "client", "db")[0])
    for name in ("db", "the-db", "database", "dbhost", "db.names_back", "store"):
        s.equal(f"{name} is known on its network", ["10.71.2.50"], dig(s, "both", name)[1])
    s.equal("a link's alias is its container's alone", "NXDOMAIN", dig(s, "web", "store")[0])
    s.equal("it has its IPv6 address", ["fd71:2::50"], dig(s, "both", "db", "AAAA")[1])
    s.equal("and its IPv6 name", ["the-db.names_back."], dig(s, "both", "-x", "fd71:2::50")[1])
    for kind in ("AAAA", "MX"):
        s.equal(f"{kind} of a name that has none is no error", ("NOERROR", []), dig(s, "client", "client", kind)[:2])
    s.equal("over TCP it is the same", ["10.71.2.50"], dig(s, "both", "+tcp", "db")[1])
    s.davit("exec", "-T", "client", "ping", "-c1", "-W2", "web", out=r"PING web \(10\.71\.1\.")
    hosts = s.davit("exec", "-T", "client", "cat", "/etc/hosts").out
    s.check("extra_hosts stand in /etc/hosts", "192.0.2.7\tfixed" in hosts and "10.71.1.1\tmachine" in hosts, hosts)

    # ---- upstream
    s.equal("other names are asked for outside", ["first"], dig(s, "client", "who.example", "TXT")[1])
    s.equal("a name that nobody knows", "NXDOMAIN", dig(s, "client", "nobody.example")[0])
    rcode, answers, flags = dig(s, "client", "+noedns", "+ignore", "big.example", "TXT")
    s.check("what does not fit into 512 bytes is truncated", "tc" in flags and not answers, str((rcode, answers, flags)))
    s.equal("and comes whole over TCP", 5, len(dig(s, "client", "+noedns", "big.example", "TXT")[1]))
    s.equal("or with a larger buffer", 5, len(dig(s, "client", "+ignore", "+bufsize=4096", "big.example", "TXT")[1]))
    s.equal("sealed networks ask nobody", "SERVFAIL", dig(s, "sealed", "who.example", "TXT")[0])
    conf = s.davit("exec", "-T", "sealed", "cat", "/etc/resolv.conf").out
    s.check("search domains and options are those of the service", "search corp.example" in conf and "timeout:1" in conf, conf)

    # ---- lives
    s.davit("stop", "db")
    s.equal("the name of a stopped container is gone", "NXDOMAIN", dig(s, "both", "db")[0])
    s.davit("start", "db")
    s.equal("and there again when it runs", ["10.71.2.50"], dig(s, "both", "db")[1])
    s.davit("up", "-d", "--scale", "web=1", "--no-recreate")
    s.equal("scaled down, one is left", [address(s, "web", "names_front", 1)], dig(s, "client", "web")[1])

    supervisor = s.pids(r"^\S*davit-supervisor --project names")
    s.check("a supervisor runs", supervisor)
    for pid in supervisor:
        os.kill(pid, 9)
    s.equal("a question during the supervisor's absence is answered by the next", ["10.71.2.50"], dig(s, "both", "db")[1])

    s.davit("down", "-t", "0")

    # ---- host-gateway wherever a container may be
    def asker(more):
        return ("{image: busybox, command: sleep 3600, stop_signal: KILL, extra_hosts: ['machine:host-gateway']" + more + "}")

    s.write("compose.yaml", f"""
services:
  inner: {asker(", networks: [inner]")}
  host: {asker(", network_mode: host")}
  none: {asker(", network_mode: none")}
  plain: {asker(", network_mode: bridge")}
  two: {asker(", networks: [inner, default]")}
  six: {asker(", networks: [six]")}
networks: {{inner: {{internal: true}}, six: {{enable_ipv6: true}}}}
""")
    s.davit("up", "-d")
    listener = http.server.ThreadingHTTPServer(("", 28777), http.server.SimpleHTTPRequestHandler)  # on every address of the machine
    threading.Thread(target=listener.serve_forever, daemon=True).start()

    def machine(service):
        return [line.split()[0] for line in s.davit("exec", "-T", service, "cat", "/etc/hosts").out.splitlines() if line.endswith("\tmachine")]

    for service in ("inner", "host", "plain", "two", "six"):
        got = inside(s, service, "curl", "-s", "--noproxy", "*", "-m", "5", "-o", "/dev/null", f"http://{machine(service)[0]}:28777/")
        s.check(f"the machine answers at host-gateway: {service}", got.code == 0, str(got))
    listener.shutdown()
    listener.server_close()
    s.equal("without a network it resolves, and leads nowhere", ["172.17.0.1"], machine("none"))
    s.check("there are both families where the network has them", len(machine("six")) == 2 and ":" in machine("six")[1], str(machine("six")))
    s.davit("down", "-t", "0")
    for field, words in (("extra_hosts: ['machine:host-gateway']", "custom host-to-IP mapping and the network mode"), ("hostname: x", "hostname and the network mode"),
                         ("dns: [192.0.2.1]", "dns and the network mode"), ("expose: ['80']", "port exposing and the container type network mode")):
        s.write("compose.yaml", f"services: {{a: {{image: busybox, command: sleep 9}}, b: {{image: busybox, command: sleep 9, network_mode: 'service:a', {field}}}}}\n")
        s.davit("up", "-d", exit=1, err=words)
        s.davit("down", "-t", "0")
    s.nothing_left(before)
