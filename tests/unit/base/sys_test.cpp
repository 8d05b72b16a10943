#include "base/error.hpp"
#include "base/file.hpp"
#include "base/kernel_abi.hpp"
#include "base/process.hpp"
#include "base/sys.hpp"
#include "tests/support/temp_dir.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <optional>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace davit;

TEST_CASE("sys: every descriptor is born close-on-exec") {
    FdPair pipe = sys::pipe(), pair = sys::socket_pair(SOCK_SEQPACKET);
    UniqueFd fds[] = {sys::open("/dev/null", O_RDONLY),
                      sys::memfd("m"),
                      sys::sealed_memfd("s", "x"),
                      sys::pidfd_open(::getpid()),
                      std::move(pipe.first),
                      std::move(pipe.second),
                      std::move(pair.first),
                      std::move(pair.second)};
    for (auto& fd : fds) CHECK((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("sys: a sealed memory file is read from its start and cannot be changed") {
    UniqueFd fd = sys::sealed_memfd("plan", "bytes");
    CHECK(sys::read_all(fd.get()) == "bytes");
    CHECK(::ftruncate(fd.get(), 0) == -1);
    CHECK(::pwrite(fd.get(), "x", 1, 0) == -1);
}

TEST_CASE("sys: openat2 keeps a walk below its root") {
    test::TempDir dir;
    ::mkdir((dir / "root").c_str(), 0755);
    write_file_atomic(dir / "outside", "secret");
    REQUIRE(::symlink("../outside", (dir / "root/up").c_str()) == 0);
    UniqueFd root = sys::open(dir / "root", O_PATH | O_DIRECTORY);
    CHECK_THROWS_AS(sys::open_at2(root.get(), "up", O_RDONLY, 0, RESOLVE_BENEATH), Error);
    CHECK_THROWS_AS(sys::open_at2(root.get(), "up", O_RDONLY, 0, RESOLVE_IN_ROOT), Error);
    write_file_atomic(dir / "root/outside", "inside");
    UniqueFd fd = sys::open_at2(root.get(), "up", O_RDONLY, 0, RESOLVE_IN_ROOT);
    CHECK(sys::read_all(fd.get()) == "inside");
}

TEST_CASE("sys: a tree is removed without following links, and a missing one is fine") {
    test::TempDir dir;
    sys::make_dirs(dir / "tree/a/b/c");
    write_file_atomic(dir / "kept", "kept");
    REQUIRE(::symlink("../../kept", (dir / "tree/a/link").c_str()) == 0);
    REQUIRE(::symlink("..", (dir / "tree/a/b/loop").c_str()) == 0);
    sys::remove_tree(dir / "tree");
    sys::remove_tree(dir / "tree");
    CHECK_FALSE(exists(dir / "tree"));
    CHECK(read_file(dir / "kept") == "kept");
}

TEST_CASE("sys: descriptors and bytes travel together over a unix socket of any path length") {
    test::TempDir dir;
    std::string deep = dir / std::string(100, 'd');
    sys::make_dirs(deep);
    for (const std::string& path : {dir / "short.sock", deep + "/long.sock"}) {
        CAPTURE(path);
        UniqueFd listening = sys::listen_unix(path, SOCK_SEQPACKET);
        struct stat st {};
        REQUIRE(::stat(path.c_str(), &st) == 0);
        CHECK((st.st_mode & 0777) == 0600);
        UniqueFd client = sys::connect_unix(path, SOCK_SEQPACKET);
        UniqueFd server(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
        CHECK(sys::peer_of(server.get()).pid == ::getpid());
        FdPair pipe = sys::pipe();
        REQUIRE(sys::send_with_fds(client.get(), "hello", {pipe.first.get(), pipe.second.get()}));
        sys::Received got = sys::receive_with_fds(server.get(), 100);
        CHECK(got.bytes == "hello");
        REQUIRE(got.fds.size() == 2);
        sys::write_all(got.fds[1].get(), "x");
        char c = 0;
        CHECK(::read(pipe.first.get(), &c, 1) == 1);
        CHECK(sys::receive_with_fds(server.get(), 100, MSG_DONTWAIT).would_block);
        client.reset();
        CHECK(sys::receive_with_fds(server.get(), 100).eof);
        CHECK_FALSE(sys::send_with_fds(server.get(), "late", {}));
    }
}

TEST_CASE("sys: listening somewhere leaves the umask of the process, which other threads use, as it is") {
    test::TempDir dir;
    const mode_t before = ::umask(022);
    std::atomic<bool> over = false;
    int wrong = 0;
    std::thread other([&] {
        const std::string path = dir / "file";
        while (!over) {
            struct stat st {};
            const UniqueFd file = sys::open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
            if (::fstat(file.get(), &st) < 0 || (st.st_mode & 0777) != 0644) ++wrong;
            ::unlink(path.c_str());
        }
    });
    for (int i = 0; i < 2000; ++i) sys::listen_unix(dir / "socket", SOCK_STREAM);
    over = true;
    other.join();
    ::umask(before);
    CHECK(wrong == 0);
}

TEST_CASE("sys: a process is named by pid and start time, and signalling a dead one is false") {
    Child child = Child::spawn({.argv = {"sleep", "600"}, .env = {}, .fds = {}, .cwd = {}});
    pid_t pid = child.pid();
    CHECK(sys::start_time(pid) >= sys::start_time(::getpid()));
    CHECK(sys::start_time(::getpid()) > 0);
    UniqueFd pidfd = sys::pidfd_open(pid);
    child.kill(SIGKILL);
    CHECK(child.wait().signal == SIGKILL);
    CHECK_FALSE(sys::pidfd_send_signal(pidfd.get(), SIGKILL));
    CHECK(sys::start_time(pid) == 0);
}

TEST_CASE("sys: random names have the length asked for and differ") {
    CHECK(sys::random_hex(64).size() == 64);
    CHECK(sys::random_hex(7).size() == 7);
    CHECK(sys::random_hex(32) != sys::random_hex(32));
    CHECK(sys::random_hex(200).find_first_not_of("0123456789abcdef") == std::string::npos);
}

TEST_CASE("sys: the boot id is one line of a UUID") {
    CHECK(sys::boot_id().size() == 36);
    CHECK(sys::boot_id() == sys::boot_id());
}

TEST_CASE("sys: a listener that takes no connections keeps nobody for ever") {
    test::TempDir dir;
    const UniqueFd deaf = sys::listen_unix(dir / "socket", SOCK_SEQPACKET, 1);
    std::vector<UniqueFd> waiting;
    std::optional<Error> refused;
    try {
        for (int i = 0; i < 10; ++i) waiting.push_back(sys::connect_unix(dir / "socket", SOCK_SEQPACKET));
    } catch (const Error& e) {
        refused = e;
    }
    REQUIRE(refused);
    CHECK(refused->kind() == Errc::unavailable);
    CHECK(refused->os().value() == EAGAIN);
    timeval left{1, 0};
    socklen_t size = sizeof left;
    REQUIRE(::getsockopt(waiting.front().get(), SOL_SOCKET, SO_SNDTIMEO, &left, &size) == 0);
    CHECK(left.tv_sec == 0); // what is sent later waits as before
}
