#!/usr/bin/env python3
"""Git repositories behind a real sshd and behind git's own http-backend: compose files, build contexts, ADD, submodules."""
import base64
import json
import os
import shutil
import subprocess
import tarfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler

from case import Case, main
from servers import Server, free_port, listening

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"


def command(*words, **more):
    return subprocess.run(words, check=True, capture_output=True, text=True, **more).stdout.strip()


class Repositories(Case):
    """app.git has the submodule vendor/lib, which is lib.git beside it."""

    def setUp(self):
        super().setUp()
        self.base = self.dir + "/srv"
        self.gitenv = dict(self.env, GIT_CONFIG_GLOBAL="/dev/null", GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@b", GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@b")
        self.commit("lib.git", {"lib": "library\n"})
        self.commit("app.git", {"compose.yaml": "services: {a: {image: one}}\n", "Dockerfile": "FROM scratch\nCOPY f vendor/lib/lib /\n", "f": "top\n",
                                "sub/Dockerfile": "FROM scratch\nCOPY f /\n", "sub/f": "below\n"})
        self.git("app.git", "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", self.base + "/lib.git", "vendor/lib")
        self.git("app.git", "config", "-f", ".gitmodules", "submodule.vendor/lib.url", "../lib.git")
        self.git("app.git", "commit", "-qam", "2")
        self.git("app.git", "tag", "v1")

    def git(self, repository, *words):
        return command("git", "-C", self.base + "/" + repository, *words, env=self.gitenv)

    def commit(self, repository, files):
        os.makedirs(self.base + "/" + repository, exist_ok=True)
        self.git(repository, "init", "-q", "-b", "main")
        for path, text in files.items():
            path = "%s/%s/%s" % (self.base, repository, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as f:
                f.write(text)
        self.git(repository, "add", "-A")
        self.git(repository, "commit", "-qm", "1")

    def built(self, context, *words, **keywords):
        """What is in the image: name → text."""
        out = self.dir + "/out"
        shutil.rmtree(out, ignore_errors=True)
        self.run_davit("image", "build", "-q", "--no-cache", "-o", out, *words, context, **keywords)
        return {name: open(out + "/" + name).read() for name in os.listdir(out)}

    def image(self, name, **keywords):
        return json.loads(self.run_davit("-f", name, "config", "--format", "json", **keywords).out)["services"]["a"]["image"]


@unittest.skipUnless(os.path.exists(SSHD), "openssh-server is not installed")
class Ssh(Repositories):
    def setUp(self):
        super().setUp()
        self.port = free_port()
        for name in ("host", "other", "user"):
            self.key(name, "ed25519")
        self.write("sshd_config", "Port %d\nListenAddress 127.0.0.1\nHostKey %s/host\nAuthorizedKeysFile %s/authorized\nStrictModes no\nPidFile none\nUsePAM no\n"
                   % (self.port, self.dir, self.dir))
        self.write("ssh_config", "Host git.test\n  HostName 127.0.0.1\n  Port %d\n  HostKeyAlias [127.0.0.1]:%d\nHost *\n  UserKnownHostsFile %s/known_hosts\n"
                   "  GlobalKnownHostsFile none\n  IdentityFile %s/identity\n  IdentitiesOnly no\n" % (self.port, self.port, self.dir, self.dir))
        self.env.update(GIT_SSH_COMMAND="ssh -F %s/ssh_config" % self.dir, SSH_AUTH_SOCK="")
        os.makedirs("/run/sshd", exist_ok=True)
        self.own_etc()
        with open("/etc/passwd", "a") as f:
            f.write("git:*:0:0::/:/bin/sh\n")
        self.log = open(self.dir + "/sshd.log", "w")
        self.addCleanup(self.log.close)
        self.sshd = subprocess.Popen([SSHD, "-D", "-e", "-f", self.dir + "/sshd_config"], stderr=self.log, env=self.gitenv)
        self.addCleanup(self.stop)
        listening(self.port)
        self.known("host")
        self.authorize("user")
        self.url = "ssh://root@127.0.0.1:%d%s/app.git" % (self.port, self.base)

    def stop(self):
        self.sshd.terminate()
        self.sshd.wait()

    def write(self, name, text):
        with open(self.dir + "/" + name, "w") as f:
            f.write(text)

    def key(self, name, kind):
        command("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", "%s/%s" % (self.dir, name))

    def known(self, key):
        with open("%s/%s.pub" % (self.dir, key)) as f:
            self.write("known_hosts", "[127.0.0.1]:%d %s\n" % (self.port, " ".join(f.read().split()[:2])))

    def authorize(self, key, identity=True):
        shutil.copy("%s/%s.pub" % (self.dir, key), self.dir + "/authorized")
        if identity:
            shutil.copy("%s/%s" % (self.dir, key), self.dir + "/identity")
        elif os.path.exists(self.dir + "/identity"):
            os.remove(self.dir + "/identity")

    def test_files_contexts_and_submodules(self):
        self.assertEqual(self.image(self.url), "one")
        self.assertEqual(self.image("git@git.test:%s/app.git#v1" % self.base), "one")
        self.assertEqual(self.built(self.url), {"f": "top\n", "lib": "library\n"})
        self.assertEqual(self.built("git@git.test:%s/app.git#v1:sub" % self.base), {"f": "below\n"})
        self.write("p.yaml", "include: ['%s']\nservices: {b: {build: 'git@git.test:%s/app.git#main:sub', image: built}}\n" % (self.url, self.base))
        self.run_davit("-f", self.dir + "/p.yaml", "build", "b")
        self.assertIn("a", json.loads(self.run_davit("-f", self.dir + "/p.yaml", "config", "--format", "json").out)["services"])
        self.write("Dockerfile", "FROM scratch\nADD %s#v1:sub /\n" % self.url)
        self.assertEqual(self.built(self.dir, "-f", self.dir + "/Dockerfile")["f"], "below\n")

    def test_rsa_keys_and_keys_of_the_build(self):
        self.key("rsa", "rsa")
        self.authorize("rsa")
        self.assertEqual(self.image(self.url), "one")
        for key in ("user", "rsa"):
            self.authorize(key, identity=False)
            refused = self.run_davit("image", "build", "-q", self.url, code=1).err
            self.assertIn("refuses access", refused)
            self.assertIn("Permission denied (publickey", refused)
            self.assertIn("--ssh default=KEY", refused)
            self.assertEqual(self.built(self.url, "--ssh", "default=%s/%s" % (self.dir, key))["f"], "top\n")
        agent = dict(line.split(";")[0].split("=") for line in command("ssh-agent", "-s").splitlines() if "=" in line)
        self.addCleanup(os.kill, int(agent["SSH_AGENT_PID"]), 15)
        command("ssh-add", self.dir + "/rsa", env=dict(self.gitenv, **agent))
        self.assertEqual(self.image(self.url, env={"SSH_AUTH_SOCK": agent["SSH_AUTH_SOCK"]}), "one")
        self.assertEqual(self.built(self.url, "--ssh", "default=" + agent["SSH_AUTH_SOCK"])["f"], "top\n")

    def test_servers_are_known_or_refused(self):
        os.remove(self.dir + "/known_hosts")
        for said in (self.run_davit("-f", self.url, "config", code=1).err, self.run_davit("image", "build", "-q", self.url, code=1).err):
            self.assertIn("the server is not in known_hosts", said)
            self.assertIn("ssh-keyscan", said)
        self.known("other")
        self.assertIn("another one than known_hosts says", self.run_davit("-f", self.url, "config", code=1).err)

    def test_mistakes_are_told(self):
        self.assertIn("does not appear to be a git repository", self.run_davit("-f", self.url.replace("app", "none"), "config", code=1).err)
        self.assertIn("it has no branch or tag 'nope'", self.run_davit("-f", self.url + "#nope", "config", code=1).err)
        self.stop()
        self.assertIn("cannot be reached", self.run_davit("-f", self.url, "config", code=1).err)
        for place in ("ssh://-oProxyCommand=touch%20{0}/bad/x", "ssh://-x@h/x.git", "a@-oProxyCommand=x:y", "ssh://h:1x/y.git"):
            self.run_davit("-f", place.format(self.dir), "config", code=1)
        self.assertFalse(os.path.exists(self.dir + "/bad"))

    def test_without_a_program_the_library_serves(self):
        tools = self.dir + "/tools"
        os.makedirs(tools)
        os.symlink(shutil.which("git"), tools + "/git")
        os.makedirs(self.dir + "/.ssh", exist_ok=True)
        shutil.copy(self.dir + "/known_hosts", self.dir + "/.ssh/known_hosts")
        shutil.copy(self.dir + "/user", self.dir + "/.ssh/id_ed25519")
        shutil.copy(self.dir + "/user.pub", self.dir + "/.ssh/id_ed25519.pub")
        env = {"PATH": tools, "GIT_SSH_COMMAND": "", "HOME": self.dir}
        self.assertEqual(self.image(self.url, env=env), "one")
        os.remove(self.dir + "/.ssh/known_hosts")
        self.assertIn("ssh-keyscan", self.run_davit("-f", self.url, "config", code=1, env=env).err)


class Backend:
    """git http-backend behind HTTP; password: what Basic authorization has to say; moved: the host it is found at now."""

    def __init__(self, base, env, password=None, moved=None):
        self.asked, outer = [], self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append((self.path, self.headers.get("Authorization")))
                if moved:
                    self.send_response(302)
                    self.send_header("Location", "http://" + moved + self.path)
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                wanted = password and "Basic " + base64.b64encode(password.encode()).decode()
                if wanted and self.headers.get("Authorization") != wanted:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="git"')
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                path, _, query = self.path.partition("?")
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                cgi = dict(env, GIT_PROJECT_ROOT=base, GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path, QUERY_STRING=query, REQUEST_METHOD=self.command,
                           CONTENT_TYPE=self.headers.get("Content-Type", ""), HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""))
                answer = subprocess.run(["git", "http-backend"], input=body, stdout=subprocess.PIPE, env=cgi, check=False).stdout
                head, _, data = answer.partition(b"\r\n\r\n")
                headers = [line.split(": ", 1) for line in head.decode().split("\r\n")]
                self.send_response(int(dict(headers).get("Status", "200").split()[0]))
                for key, value in headers:
                    if key != "Status":
                        self.send_header(key, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        self.host = Server(Handler).host


class Http(Repositories):
    def test_files_contexts_and_submodules(self):
        url = "http://%s/app.git" % Backend(self.base, self.gitenv).host
        self.assertEqual(self.image(url), "one")
        self.assertEqual(self.built(url), {"f": "top\n", "lib": "library\n"})
        self.assertEqual(self.built(url + "#v1:sub"), {"f": "below\n"})
        self.assertEqual(self.built(url + "?tag=v1&subdir=sub"), {"f": "below\n"})
        self.assertIn("none.git", self.run_davit("-f", url.replace("app", "none"), "config", code=1).err)

    def test_an_arg_before_from_dates_the_files(self):
        self.gitenv.update(GIT_COMMITTER_DATE="1500000000 +0000")
        with open(self.base + "/app.git/Dockerfile", "w") as f:
            f.write("ARG SOURCE_DATE_EPOCH=context\nFROM scratch\nCOPY f /\n")
        self.git("app.git", "commit", "-qam", "dated")
        url = "http://%s/app.git" % Backend(self.base, self.gitenv).host
        self.run_davit("image", "build", "-q", "--no-cache", "-o", "type=oci,tar=false,dest=%s/oci" % self.dir, url)
        def blob(digest):
            return "%s/oci/blobs/%s" % (self.dir, digest.replace(":", "/"))
        with open(self.dir + "/oci/index.json") as f:
            manifest = json.load(f)["manifests"][0]["digest"]
        with open(blob(manifest)) as f:
            layer = json.load(f)["layers"][0]["digest"]
        with tarfile.open(blob(layer)) as tar:
            self.assertEqual(tar.getmember("f").mtime, 1500000000)

    def test_tokens_go_to_their_own_server(self):
        other = Backend(self.base, self.gitenv)
        server = Backend(self.base, self.gitenv, "x-access-token:s3cret")
        self.git("app.git", "config", "-f", ".gitmodules", "submodule.vendor/lib.url", "http://%s/lib.git" % other.host)
        self.git("app.git", "commit", "-qam", "elsewhere")
        url = "http://%s/app.git" % server.host
        env = {"GIT_AUTH_TOKEN": "s3cret"}
        self.assertIn("refuses access", self.run_davit("image", "build", "-q", url, code=1).err)
        self.assertEqual(self.built(url, "--secret", "id=GIT_AUTH_TOKEN", env=env)["lib"], "library\n")
        self.assertEqual({given for _, given in other.asked}, {None})
        self.assertEqual(self.built(url, "--secret", "id=GIT_AUTH_TOKEN.%s,env=GIT_AUTH_TOKEN" % server.host, env=env)["f"], "top\n")
        basic = "Basic " + base64.b64encode(b"x-access-token:s3cret").decode()
        self.assertEqual(self.built(url, "--secret", "id=GIT_AUTH_HEADER,env=H", env={"H": basic})["f"], "top\n")
        self.assertEqual({given for _, given in other.asked}, {None})

    def test_compose_files_stay_in_their_repository(self):
        os.makedirs(self.base + "/app.git/out")
        os.symlink("/etc/passwd", self.base + "/app.git/out/compose.yaml")
        os.symlink("/etc", self.base + "/app.git/etc")
        os.symlink("../compose.yaml", self.base + "/app.git/sub/compose.yaml")
        self.git("app.git", "add", "-A")
        self.git("app.git", "commit", "-qm", "links")
        url = "http://%s/app.git#:" % Backend(self.base, self.gitenv).host
        self.assertEqual(self.image(url + "sub"), "one")
        for path in ("out", "out/compose.yaml", "etc", "etc/passwd"):
            self.assertIn("leads out of it", self.run_davit("-f", url + path, "config", code=1).err)

    def submodule_at(self, url):
        self.git("app.git", "config", "-f", ".gitmodules", "submodule.vendor/lib.url", url)
        self.git("app.git", "commit", "-qam", "elsewhere")

    def test_no_address_passes_for_another(self):
        """What of a submodule's address is its server is what the connection goes to, not what stands behind the last '@'."""
        thief = Backend(self.base, self.gitenv, "nobody:knows")
        server = Backend(self.base, self.gitenv, "x-access-token:s3cret")
        url, env = "http://%s/app.git" % server.host, {"GIT_AUTH_TOKEN": "s3cret"}
        for address in ("http://%s?@%s/lib.git", "http://%s#@%s/lib.git", "http://%s\\@%s/lib.git", "http://%s/lib.git\nhost=%s"):
            self.submodule_at(address % (thief.host, server.host))
            for secret in ("GIT_AUTH_TOKEN", "GIT_AUTH_TOKEN.%s,env=GIT_AUTH_TOKEN" % server.host, "GIT_AUTH_HEADER,env=H"):
                basic = "Basic " + base64.b64encode(b"x-access-token:s3cret").decode()
                self.run_davit("image", "build", "-q", "--no-cache", url, "--secret", "id=" + secret, code=1, env=dict(env, H=basic))
        self.assertEqual({given for _, given in thief.asked} - {None}, set())

    def test_git_is_asked_for_one_server(self):
        """Lines in an address are not lines of git's credential protocol."""
        thief = Backend(self.base, self.gitenv, "nobody:knows")
        server = Backend(self.base, self.gitenv)
        with open(self.dir + "/.gitconfig", "w") as f:
            f.write('[credential "http://%s"]\n\thelper = "!echo username=me; echo password=s3cret; :"\n' % server.host)
        self.submodule_at("http://%s/lib.git\nhost=%s" % (thief.host, server.host))
        self.run_davit("image", "build", "-q", "--no-cache", "http://%s/app.git" % server.host, code=1, env={"HOME": self.dir})
        self.assertEqual({given for _, given in thief.asked} - {None}, set())

    def test_nothing_secret_follows_to_another_host(self):
        """Who is led elsewhere gets there without credentials, as anybody."""
        basic = "Basic " + base64.b64encode(b"x-access-token:s3cret").decode()
        with open(self.dir + "/.gitconfig", "w") as f:
            f.write('[credential]\n\thelper = "!echo username=x-access-token; echo password=s3cret; :"\n')
        for password in (None, "nobody:knows"):
            other = Backend(self.base, self.gitenv, password)
            away = Backend(self.base, self.gitenv, moved=other.host.replace("127.0.0.1", "localhost"))
            url = "http://%s/app.git" % away.host
            for secret in ("GIT_AUTH_HEADER,env=H", "GIT_AUTH_TOKEN", "UNUSED,env=H"):
                words, env = (url, "--secret", "id=" + secret), {"GIT_AUTH_TOKEN": "s3cret", "H": basic, "HOME": self.dir}
                if password:
                    self.run_davit("image", "build", "-q", "--no-cache", *words, code=1, env=env)
                else:
                    self.assertEqual(self.built(*words, env=env)["f"], "top\n")
            self.assertNotEqual(other.asked, [])
            self.assertEqual({given for _, given in other.asked}, {None})


if __name__ == "__main__":
    main()
