"""load.py HOST PORT RATE fresh|kept: so many requests a second until standard input ends (RATE 0: as many as go, for 3 s).

Requests leave by the clock whatever the answers do: latency counts from when one was due. Runs on the host and in containers.
Prints one line of JSON: requests, rate, failed (the first twenty), p50 and p99 in milliseconds, versions that answered.
"""
import http.client
import json
import sys
import threading
import time

WORKERS, SATURATED = 8, 3
host, port, rate, kept = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "kept"
ended, lock = threading.Event(), threading.Lock()
took, failed, seen = [], [], {}
began, tickets = time.monotonic(), 0


def due():
    """When the next request is to leave."""
    global tickets
    with lock:
        tickets += 1
        return began + tickets / rate if rate else time.monotonic()


def work():
    connection = None
    while not ended.is_set():
        at = due()
        if ended.wait(max(0, at - time.monotonic())):
            return
        try:
            connection = connection or http.client.HTTPConnection(host, port, timeout=10)
            connection.request("GET", "/")
            answer = connection.getresponse()
            body = answer.read().decode()
            if answer.status != 200:
                raise http.client.HTTPException(f"status {answer.status}")
            with lock:
                seen[body] = seen.get(body, 0) + 1
                took.append(time.monotonic() - at)
            if not kept or answer.will_close:
                connection.close()
                connection = None
        except (OSError, http.client.HTTPException) as e:
            with lock:
                failed.append(f"{time.monotonic() - began:.3f} s: {e!r}")
            connection = None


threads = [threading.Thread(target=work) for _ in range(WORKERS)]
for thread in threads:
    thread.start()
time.sleep(SATURATED) if rate == 0 else sys.stdin.read()
ended.set()
for thread in threads:
    thread.join()
spent = time.monotonic() - began
took.sort()
print(json.dumps({"requests": len(took), "rate": len(took) / spent, "failed": failed[:20], "versions": seen,
                  **{f"p{p}": round(took[len(took) * p // 100] * 1000, 2) for p in (50, 99) if took}}))
