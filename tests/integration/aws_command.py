"""The aws command from a process that has it loaded: it takes a second to begin, and scripts call it hundreds of times.

aws_command.py serve SOCKET: each call in a child of its own. aws_command.py call SOCKET ARGUMENTS: as the command itself.
"""
import array
import os
import signal
import socket
import struct
import sys

SERVICES = ("application-autoscaling", "ec2", "ecr", "ecs", "elbv2", "iam", "logs", "secretsmanager", "servicediscovery", "sts")


def received(connection, size):
    text = b""
    while len(text) < size:
        more = connection.recv(size - len(text))
        if not more:
            raise EOFError
        text += more
    return text


def words(connection):
    size, = struct.unpack("=I", received(connection, 4))
    text = received(connection, size)
    return [os.fsdecode(w) for w in text.split(b"\0")[:-1]]


def answer(driver, connection):
    _, more, _, _ = connection.recvmsg(1, socket.CMSG_SPACE(12))
    for number, fd in enumerate(array.array("i", more[0][2])):
        os.dup2(fd, number)
    arguments, variables, (place,) = words(connection), words(connection), words(connection)
    os.environ.clear()
    os.environ.update(v.split("=", 1) for v in variables)
    os.chdir(place)
    code = driver.main(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(bytes([code & 255]))


def serve(path):
    from awscli.clidriver import create_clidriver
    driver = create_clidriver()
    loader = driver.session.get_component("data_loader")
    for name in SERVICES:
        for kind in ("service-2", "endpoint-rule-set-1"):
            loader.load_service_model(name, kind)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path + ".begun")
        listening.listen(16)
        os.rename(path + ".begun", path)  # who sees it can call
        while True:
            connection, _ = listening.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                try:
                    answer(driver, connection)
                finally:
                    os._exit(0)
            connection.close()


def call(path, arguments):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        connection.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
        for some in (arguments, ["%s=%s" % pair for pair in os.environ.items()], [os.getcwd()]):
            text = b"".join(os.fsencode(w) + b"\0" for w in some)
            connection.sendall(struct.pack("=I", len(text)) + text)
        code = connection.recv(1)
    return code[0] if code else 255  # it died


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        sys.exit(call(sys.argv[2], sys.argv[3:]))
