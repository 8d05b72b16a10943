"""The exports to Kubernetes by its own API server: etcd and kube-apiserver, built once from their Go modules."""
import glob
import os
import shutil
import subprocess
import time

from export_tools import CACHE, ENVIRONMENT, exports, fail, free_port, program, run, skip

KUBERNETES, STAGING, ETCD = "v1.34.1", "v0.34.1", "v3.6.13"
VERSION = "-s -w -X k8s.io/component-base/version.gitVersion=%s -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=34" % KUBERNETES


def build(go, name, requires, package, flags=""):
    """CACHE/kubernetes-server/NAME, from a module that asks for nothing but the package."""
    out = CACHE + "/kubernetes-server/" + name
    if os.path.exists(out):
        return out
    module = out + ".module"
    shutil.rmtree(module, ignore_errors=True)
    os.makedirs(module)
    with open(module + "/go.mod", "w", encoding="utf-8") as f:
        f.write("module tools\n\ngo 1.24.0\n\n" + requires)
    with open(module + "/tools.go", "w", encoding="utf-8") as f:
        f.write('//go:build tools\n\npackage tools\n\nimport _ "%s"\n' % package)
    env = dict(ENVIRONMENT, GOFLAGS="-mod=mod", GOTOOLCHAIN="local", CGO_ENABLED="0", PATH=os.path.dirname(go) + os.pathsep + os.environ["PATH"])
    for command in (["go", "mod", "tidy"], ["go", "build", "-trimpath", "-ldflags", flags, "-o", out, package]):
        done = subprocess.run(command, cwd=module, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            skip("needs %s, which go could not build: %s" % (package, done.stdout.strip()[-300:].replace("\n", " ")))
    shutil.rmtree(module, ignore_errors=True)
    return out


def staging(go):
    """The parts of Kubernetes that its own go.mod takes from beside it."""
    done = subprocess.run([go, "mod", "download", "-json", "k8s.io/kubernetes@" + KUBERNETES], env=dict(ENVIRONMENT, GOTOOLCHAIN="local", GOFLAGS="-mod=mod"),
                          cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    place = [line.split('"')[3] for line in done.stdout.splitlines() if '"GoMod"' in line and "Sum" not in line]
    if done.returncode or not place:
        skip("needs the module k8s.io/kubernetes, which go could not fetch")
    with open(place[0], encoding="utf-8") as f:
        names = sorted({line.split("=>")[0].split()[-1] for line in f if "=> ./staging" in line})
    return "require k8s.io/kubernetes %s\n\nreplace (\n%s)\n" % (KUBERNETES, "".join("\t%s => %s %s\n" % (n, n, STAGING) for n in names))


def servers(work):
    go = shutil.which("go") or next(iter(glob.glob("/usr/local/go/bin/go")), None) or skip("needs go, to build kube-apiserver")
    os.makedirs(CACHE + "/kubernetes-server", exist_ok=True)
    etcd = build(go, "etcd", "require go.etcd.io/etcd/server/v3 %s\n" % ETCD, "go.etcd.io/etcd/server/v3")
    api = build(go, "kube-apiserver", staging(go), "k8s.io/kubernetes/cmd/kube-apiserver", VERSION)
    client, peer, port = free_port(), free_port(), free_port()
    started = []

    def start(name, *command):
        with open("%s/%s.log" % (work, name), "w", encoding="utf-8") as log:
            started.append(subprocess.Popen(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT))

    with open(work + "/tokens", "w", encoding="utf-8") as f:
        f.write("davit,davit,davit,system:masters\n")
    subprocess.run(["openssl", "genrsa", "-out", work + "/key", "2048"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    start("etcd", etcd, "--data-dir", work + "/etcd", "--listen-client-urls", "http://127.0.0.1:%d" % client, "--advertise-client-urls",
          "http://127.0.0.1:%d" % client, "--listen-peer-urls", "http://127.0.0.1:%d" % peer, "--unsafe-no-fsync")
    start("kube-apiserver", api, "--etcd-servers", "http://127.0.0.1:%d" % client, "--secure-port", str(port), "--bind-address", "127.0.0.1",
          "--cert-dir", work + "/certificates", "--token-auth-file", work + "/tokens", "--authorization-mode", "AlwaysAllow", "--service-account-key-file",
          work + "/key", "--service-account-signing-key-file", work + "/key", "--service-account-issuer", "https://davit.internal",
          "--disable-admission-plugins", "ServiceAccount", "--service-cluster-ip-range", "10.96.0.0/16")
    return started, "https://127.0.0.1:%d" % port


def apiserver(work):
    kubectl = program("kubectl")
    program("openssl")
    ENVIRONMENT["NO_PROXY"] = ENVIRONMENT["no_proxy"] = "127.0.0.1"
    ENVIRONMENT["KUBECONFIG"] = work + "/none"
    started, server = servers(work)
    place = ["--server", server, "--insecure-skip-tls-verify", "--token", "davit"]
    try:
        for _ in range(300):
            if any(s.poll() is not None for s in started):
                break
            if run([kubectl, *place, "get", "--raw", "/readyz"]).returncode == 0:
                break
            time.sleep(0.2)
        made = run([kubectl, *place, "create", "namespace", "davit"])
        if made.returncode:
            with open(work + "/kube-apiserver.log", encoding="utf-8") as log:
                return fail("kube-apiserver", made.stdout + log.read()[-2000:])
        for name, out, _ in exports(work, "kubernetes", every=8):
            done = run([kubectl, *place, "apply", "-n", "davit", "--dry-run=server", "-f", out])
            # A warning is what the server takes and does not do as it is written.
            if done.returncode or "Warning" in done.stdout:
                fail(name, done.stdout)
        return None
    finally:
        for s in started:
            s.kill()
            s.wait()
