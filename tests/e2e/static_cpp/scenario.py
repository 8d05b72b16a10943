"""samples/static-cpp as its README has it: compiled in one stage, one file in the image."""
import os
import tarfile
import urllib.request

from harness import SOURCE, Scenario


def ask():
    with urllib.request.urlopen("http://localhost:8080/", timeout=5) as answer:
        return answer.read().decode()


with Scenario("static_cpp", project="static-cpp", files=os.path.join(SOURCE, "samples/static-cpp")) as s:
    toolchain = os.path.join(os.path.dirname(os.environ["DAVIT_IMAGES"]), "toolchain", "layout")
    s.davit("image", "load", "-i", toolchain)
    before = s.listing()

    s.davit("-f", "compose.yaml", "up", "-d", "--build", "--wait", within=120)
    s.equal("its own healthcheck says that it is well", {"counter": "healthy"}, s.healths())
    s.check("it counts", ask().startswith("asked ") and ask() != ask())

    s.davit("image", "build", "-q", "--output", "type=tar,dest=../image.tar", ".", within=120)
    with tarfile.open(os.path.join(s.scratch, "image.tar")) as tar:
        s.equal("the image is one file", ["counter"], [m.name.strip("./") for m in tar if m.isfile()])
    container = s.ps()[0]["ID"]
    s.davit("-f", "compose.yaml", "up", "-d", "--build")
    s.equal("up --build again recreates nothing", container, s.ps()[0]["ID"])

    s.davit("up", "-d", "--build", "--wait", within=120)
    s.check("the override's argument makes another program", s.ps()[0]["ID"] != container)
    s.write("src/main.cpp", "int main() { return 0 }\n")
    s.davit("build", exit=1, err=r"main\.cpp:1:2\d: error: expected")
    s.check("a failed build leaves what runs", ask())

    s.davit("down", "--rmi", "local")
    s.nothing_left(before)
