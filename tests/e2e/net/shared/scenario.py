"""Projects beside each other: what is isolated, and what happens on a network that they share."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
from harness import Scenario  # noqa: E402
from netlab import address, dig, inside  # noqa: E402

HTTPD = "sh -c 'mkdir /w; echo $$HOSTNAME > /w/index.html; exec httpd -f -p 80 -h /w'"


def user(name, secret_network):
    return f"""
name: {name}
services:
  app:
    image: busybox
    hostname: {name}-host
    command: {HTTPD}
    stop_signal: KILL
    networks: {{common: {{aliases: [{name}-app]}}}}
  private:
    image: busybox
    command: {HTTPD}
    stop_signal: KILL
    networks: [own]
  plain:
    image: busybox
    command: {HTTPD}
    stop_signal: KILL
    network_mode: bridge
networks:
  common: {{external: true, name: common}}
  own: {{internal: {secret_network}}}
"""


def reaches(s, project, service, ip):
    return inside(s, service, "curl", "-s", "--noproxy", "*", "-m1", f"http://{ip}/", project=project).code == 0


with Scenario("shared", project="owner") as s:
    s.images("busybox")
    s.write("compose.yaml", "services: {app: {image: busybox, command: sleep 3600, stop_signal: KILL, networks: [shared]}}\n"
            "networks: {shared: {name: common}}\n")
    for name, internal in (("one", "true"), ("two", "false")):
        s.write(f"{name}/compose.yaml", user(name, internal))
    before = s.listing()

    def of(project, *words, **more):
        return s.davit("-f", f"{project}/compose.yaml", *words, **more)

    s.davit("up", "-d")
    of("one", "up", "-d")
    of("two", "up", "-d")
    on_common = {p: address(s, "app", "common", project=p) for p in ("owner", "one", "two")}
    s.equal("nobody's address is given twice", 3, len(set(on_common.values())))
    s.equal("a name of another project resolves on the shared network", [on_common["two"]], dig(s, "app", "two-app", project="one")[1])
    s.equal("a service name that all have is all of them", sorted(on_common.values()), sorted(dig(s, "app", "app", project="one")[1]))
    s.check("it is reached", reaches(s, "one", "app", on_common["two"]))

    for here, there in (("one", "two"), ("two", "one")):
        other = address(s, "private", f"{there}_own", project=there)
        s.check(f"{here} does not reach the own network of {there}", not reaches(s, here, "private", other))
        s.check("nor from the shared one", not reaches(s, here, "app", other))
        s.check("nor through the default bridge", not reaches(s, here, "plain", other))
        s.check("which is its own for each project", not reaches(s, here, "plain", address(s, "plain", project=there)))
    s.check("and has no name server", "127.0.0.11" not in of("one", "exec", "-T", "plain", "cat", "/etc/resolv.conf").out)

    # ---- who goes first leaves the others alone
    s.davit("down", "-t", "0", exit=None)
    s.check("the owner's containers are gone, its network is in use", reaches(s, "one", "app", on_common["two"]))
    s.eventually("their names too", lambda: sorted(dig(s, "app", "app", project="one")[1]) == sorted([on_common["one"], on_common["two"]]))
    of("one", "down", "-t", "0")
    s.equal("its names went with it", "", "".join(a for a in dig(s, "app", "one-app", project="two")[1]))
    gateway = on_common["two"].rsplit(".", 1)[0] + ".1"
    s.equal("the bridge still works for the one that is left", 0, inside(s, "app", "ping", "-c1", "-W2", gateway, project="two").code)
    of("one", "up", "-d")
    s.eventually("and for those that come again", lambda: reaches(s, "two", "app", address(s, "app", "common", project="one")))
    of("one", "down", "-t", "0")
    of("two", "down", "-t", "0")
    s.davit("down", "-t", "0")

    # ---- one that is made by hand, before any project is there
    made = s.davit("network", "create", "--subnet", "10.99.7.0/24", "--label", "a=b", "byhand").out.strip()
    s.davit("network", "create", "byhand", exit=1, err="already exists")
    s.davit("network", "create", "--subnet", "10.99.300.0/24", "wrong", exit=1, err="is not a subnet")
    s.write("byhand.yaml", "name: byhand\nservices: {app: {image: busybox, command: sleep 1000, init: true, networks: [byhand]}}\n"
            "networks: {byhand: {external: true}}\n")
    s.davit("-f", "byhand.yaml", "up", "-d")
    s.davit("-f", "byhand.yaml", "exec", "-T", "app", "ip", "-4", "addr", out="10.99.7.2/24")
    s.davit("container", "run", "--rm", "--network", "byhand", "busybox", "ip", "-4", "addr", out=r"10\.99\.7\.")
    s.davit("network", "rm", "byhand", exit=1, err=r'has active endpoints \(name:"byhand-app-1"')
    s.davit("-f", "byhand.yaml", "down", "-v", "-t", "0")
    s.davit("network", "rm", made[:12])
    s.nothing_left(before)
