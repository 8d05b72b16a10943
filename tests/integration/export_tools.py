"""What the checks of exports share: the projects, their exports, and tools of Python that are fetched once."""
import ctypes
import glob
import importlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys

WHAT, SOURCE, DAVIT, CACHE = sys.argv[1:5]
# Each set by one resolver, in a directory of its own: what came with it is found before the machine's.
SETS = {"kubernetes": ["kubernetes-validate==1.37.0"],
        "aws": ["botocore==1.43.11", "awscli==1.45.11", "cfn-lint==1.51.0",
                "moto[server,ecs,ec2,elbv2,iam,logs,secretsmanager,servicediscovery,applicationautoscaling]==5.2.1"]}
ENVIRONMENT = dict(os.environ, WORD="the-value", GIVEN="given", AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing",
                   DAVIT_EXPORT_KEY="a key", AWS_DEFAULT_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true", AWS_PAGER="")
failures = []


def skip(why):
    print("skipped: " + why)
    sys.exit(77)


def fetch(name):
    """The directory of a set, fetched from PyPI into the build directory when it is not there."""
    place = CACHE + "/" + name
    if not os.path.exists(place + "/complete"):
        shutil.rmtree(place, ignore_errors=True)
        done = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--retries=2", "--timeout=30", "--target", place, *SETS[name]],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if done.returncode:
            shutil.rmtree(place, ignore_errors=True)
            skip("needs %s of PyPI, which pip could not fetch" % ", ".join(SETS[name]))
        with open(place + "/complete", "w", encoding="utf-8"):
            pass
    if place not in sys.path:
        sys.path.insert(0, place)
        importlib.invalidate_caches()  # the directory may be a moment old
    return place


def program(name):
    return shutil.which(name) or skip("needs " + name)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=ENVIRONMENT,
                          stdin=subprocess.DEVNULL, **more)


def server(command, log=subprocess.DEVNULL):
    """A process that ends with this one, however that ends."""
    die = 1  # PR_SET_PDEATHSIG
    return subprocess.Popen(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                            preexec_fn=lambda: ctypes.CDLL(None).prctl(die, signal.SIGKILL))


def fail(name, text):
    failures.append(name)
    print("FAILED %s:\n%s" % (name, text.strip()[:3000]))


def small_projects(work):
    with open(SOURCE + "/tests/data/export/projects.txt", encoding="utf-8") as f:
        parts = re.split(r"^=== (.*)\n", f.read(), flags=re.M)[1:]
    for name, text in zip(parts[::2], parts[1::2]):
        directory = "%s/projects/%s" % (work, name)
        os.makedirs(directory, exist_ok=True)
        for file, content in (("compose.yaml", text), ("app.conf", "answer = 42\n"), ("password.txt", "the-password")):
            with open(directory + "/" + file, "w", encoding="utf-8") as f:
                f.write(content)
        yield name, directory + "/compose.yaml", ["--profile", "*"]


def samples():
    for file in sorted(glob.glob(SOURCE + "/samples/*/compose.yaml")):
        yield "samples/" + os.path.basename(os.path.dirname(file)), file, []


def corpus(every):
    """Recorded projects, and compose files that stand for themselves in the corpus beside the checkout."""
    for place in (os.environ.get("DAVIT_SHARED"), SOURCE + "/../shared", SOURCE + "/../../shared"):
        if not place:
            continue
        for file in sorted(glob.glob(place + "/conformance/compose/cases/*/*/compose.yaml"))[::1 if os.environ.get("DAVIT_LONG") else every]:
            with open(file, encoding="utf-8", errors="replace") as f:
                if "image" in f.read():
                    yield file.split("/cases/")[1], file, ["--profile", "*"]
        if os.path.isdir(place + "/conformance/compose/cases"):
            return


def exports(work, target, more=(), every=0, only=None):
    """(name, directory, its report) of each; a project that does not load, or that the engine cannot have, is none."""
    count = 0
    for name, file, options in [*small_projects(work), *samples(), *(corpus(every) if every else ())]:
        if only and name not in only:
            continue
        out = "%s/out/%s%s/%s" % (work, target, "".join(more), name)
        recorded = name.count("/") and not name.startswith("samples/")
        if recorded and run([DAVIT, "-f", file, *options, "config", "-q"]).returncode:
            continue
        done = run([DAVIT, "-f", file, *options, "export", "--to", target, *more, "--report", "json", "-o", out + "/"])
        if done.returncode and "has no enabled service" in done.stdout:
            continue
        if done.returncode:
            # Of one task for all: what needs more than a task can have.
            if not recorded and "more than Fargate has" not in done.stdout and "of the task" not in done.stdout:
                fail(name, done.stdout)
            elif done.returncode < 0 or "hint" not in done.stdout and "invalid" not in done.stdout:
                fail(name, done.stdout)
            continue
        count += 1
        yield name, out, done.stdout
    print("%d exports" % count)
    if count < (len(only) if only else 30):
        sys.exit("too few projects were exported")


def check_scripts(name, out):
    for script in glob.glob(out + "/*.sh"):
        done = run(["sh", "-n", script])
        if done.returncode:
            fail(name, done.stdout)
