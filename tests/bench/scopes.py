"""What scopes cost beside `davit up -d` of the same, and fifty of them at once; run by `tests/bench/run --scopes` inside a private host."""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
CONSUMER = os.path.join(HERE, "..", "consumer")
INCLUDE = os.path.join(HERE, "..", "..", "lib", "include")
DAVIT = os.environ["DAVIT"]
BUILD = os.path.dirname(DAVIT)
TWO = "name: cost\nservices:\n" + "".join(f"  {n}: {{image: busybox, command: sleep 1000, stop_signal: KILL}}\n" for n in ("one", "two"))


def built(name, directory):
    out = os.path.join(directory, name)
    subprocess.run(["g++", "-std=c++20", "-O1", "-o", out, os.path.join(CONSUMER, name + ".cpp"), "-I" + INCLUDE,
                    "-L" + BUILD + "/lib", "-Wl,-rpath," + BUILD + "/lib", "-ldavit"], check=True)
    return out


def command_line(rounds, directory):
    """Medians in ms of `davit up -d` and `davit down`."""
    with open(os.path.join(directory, "compose.yaml"), "w", encoding="utf-8") as f:
        f.write(TWO)
    took = {"up": [], "down": []}
    for _ in range(rounds):
        for words in (["up", "-d"], ["down"]):
            began = time.monotonic()
            subprocess.run([DAVIT, *words], cwd=directory, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            took[words[0]].append((time.monotonic() - began) * 1000)
    return {verb: statistics.median(times) for verb, times in took.items()}


def at_once(owner, count):
    """Seconds until as many processes have a scope of the same project, each its own, and until all of them are down."""
    began = time.monotonic()
    owners = [subprocess.Popen([owner, "same"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    names = {p.stdout.readline().split()[-1] for p in owners}
    ready = time.monotonic() - began
    if len(names) != count:
        sys.exit(f"{count} processes have {len(names)} scopes")
    for process in owners:
        process.stdin.close()
    if any(process.wait() for process in owners):
        sys.exit("a scope does not end in order")
    return ready, time.monotonic() - began - ready


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([DAVIT, "image", "load", "-i", os.environ["DAVIT_IMAGES"]], check=True, stdout=subprocess.DEVNULL)
        cost, owner, ready_program = (built(name, directory) for name in ("cost", "owner", "ready"))
        os.environ.setdefault("DAVIT_LIBEXEC", BUILD)
        line = command_line(options.rounds, directory)
        print(f"davit up -d of two services {line['up']:.1f} ms, down {line['down']:.1f} ms")
        print("in one process, in ms: " + subprocess.run([cost, str(options.rounds)], check=True, capture_output=True, text=True).stdout.strip().replace("\n", "; "))
        print("from a warm image, in ms: " + subprocess.run([ready_program], check=True, capture_output=True, text=True).stdout.strip().replace("\n", "; "))
        for count in (1, 10, 50):
            ready, down = at_once(owner, count)
            print(f"{count} processes with a scope of two services each: ready after {ready:.2f} s, all down {down:.2f} s later")


main()
