#include "base/error.hpp"
#include "base/file.hpp"
#include "base/process.hpp"
#include "base/sys.hpp"
#include "tests/support/temp_dir.hpp"

#include <atomic>
#include <chrono>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <thread>
#include <unistd.h>

using namespace davit;

namespace {
struct stat stat_of(const std::string& path) {
    struct stat st {};
    REQUIRE(::lstat(path.c_str(), &st) == 0);
    return st;
}
} // namespace

TEST_CASE("file: an atomic write replaces the file, keeps the mode asked for and leaves no temporary") {
    test::TempDir dir;
    std::string path = dir / "record.json";
    ::umask(077);
    write_file_atomic(path, "one");
    auto first = stat_of(path);
    write_file_atomic(path, "two", 0644);
    ::umask(022);
    CHECK(read_file(path) == "two");
    CHECK((stat_of(path).st_mode & 07777) == 0644);
    CHECK((first.st_mode & 07777) == 0600);
    CHECK(stat_of(path).st_ino != first.st_ino);
    CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 1);
}

TEST_CASE("file: a failed atomic write leaves the old file and no temporary") {
    test::TempDir dir;
    ::mkdir((dir / "taken").c_str(), 0700); // a file cannot be renamed over a directory
    CHECK_THROWS_AS(write_file_atomic(dir / "taken", "x"), Error);
    CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 1);
}

TEST_CASE("file: a write in place keeps the inode, for files that are bind-mounted") {
    test::TempDir dir;
    std::string path = dir / "hosts";
    write_file_in_place(path, "a long first text");
    auto before = stat_of(path).st_ino;
    write_file_in_place(path, "short");
    CHECK(read_file(path) == "short");
    CHECK(stat_of(path).st_ino == before);
}

TEST_CASE("file: a write in place does not follow a symbolic link") {
    test::TempDir dir;
    write_file_atomic(dir / "victim", "safe");
    REQUIRE(::symlink("victim", (dir / "link").c_str()) == 0);
    CHECK_THROWS_AS(write_file_in_place(dir / "link", "evil"), Error);
    CHECK(read_file(dir / "victim") == "safe");
}

TEST_CASE("file: a missing file is a value for read_file_if_exists and an error for read_file") {
    test::TempDir dir;
    CHECK_FALSE(read_file_if_exists(dir / "none").has_value());
    CHECK_FALSE(read_file_if_exists(dir / "none/below").has_value());
    try {
        read_file(dir / "none");
        FAIL("nothing was thrown");
    } catch (const Error& e) {
        CHECK(e.kind() == Errc::not_found);
        CHECK(std::string(e.what()).find(dir / "none") != std::string::npos);
    }
}

TEST_CASE("file: an exclusive lock keeps everybody else out until it is released") {
    test::TempDir dir;
    std::string path = dir / "lock";
    {
        FileLock held = FileLock::acquire(path);
        CHECK_FALSE(FileLock::try_acquire(path).has_value());
        CHECK_FALSE(FileLock::try_acquire(path, FileLock::Mode::shared).has_value());
    }
    CHECK(FileLock::try_acquire(path).has_value());
}

TEST_CASE("file: a lock whose file and directory others remove all the time is taken, and is the one that counts") {
    test::TempDir dir;
    const std::string path = dir / "project/lock";
    std::atomic<bool> over = false;
    std::thread other([&] {
        while (!over) {
            auto held = FileLock::try_acquire_making(path);
            if (!held) continue;
            ::unlink(path.c_str());
            ::rmdir((dir / "project").c_str());
        }
    });
    int taken = 0;
    for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
         taken < 300 && std::chrono::steady_clock::now() < end;) {
        auto lock = FileLock::try_acquire_making(path);
        if (!lock) continue;
        CHECK(lock->still_at(path));
        ++taken;
    }
    over = true;
    other.join();
    CHECK(taken == 300);
}

TEST_CASE("file: a directory that nobody can make is an error at once") {
    CHECK_THROWS_AS(sys::make_dirs("/proc/nope/below"), Error);
    CHECK_THROWS_AS((void)FileLock::try_acquire_making("/proc/nope/lock"), Error);
}

TEST_CASE("file: shared locks go together and exclude an exclusive one") {
    test::TempDir dir;
    std::string path = dir / "lock";
    FileLock one = FileLock::acquire(path, FileLock::Mode::shared);
    auto two = FileLock::try_acquire(path, FileLock::Mode::shared);
    CHECK(two.has_value());
    CHECK_FALSE(FileLock::try_acquire(path).has_value());
}

TEST_CASE("file: a lock travels with its descriptor to another process") {
    test::TempDir dir;
    std::string path = dir / "lock";
    FileLock held = FileLock::acquire(path);
    FdPair hold = sys::pipe();
    // cat keeps the locked descriptor 9 open until its standard input ends.
    Child cat = Child::spawn({.argv = {"cat"}, .env = {}, .fds = {{hold.first.get(), 0}, {held.fd(), 9}}, .cwd = {}});
    UniqueFd mine = held.release();
    mine.reset();
    CHECK_FALSE(FileLock::try_acquire(path).has_value());
    hold.second.reset();
    CHECK(cat.wait().code == 0);
    CHECK(FileLock::try_acquire(path).has_value());
}

TEST_CASE("file: a pipe is read when somebody writes to it, and not waited for else; devices are not opened") {
    test::TempDir dir;
    const std::string pipe = dir / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    std::string got;
    std::thread reader([&] { got = read_file(pipe); });
    {
        UniqueFd writer = sys::open(pipe, O_WRONLY); // waits for the reader
        sys::write_all(writer.get(), "first ");
        sys::write_all(writer.get(), std::string(100000, 'x'));
    }
    reader.join();
    CHECK(got.size() == 100006);
    FdPair substituted = sys::pipe(); // <(command) of a shell
    sys::write_all(substituted.second.get(), "from a command");
    substituted.second.reset();
    CHECK(read_file("/dev/fd/" + std::to_string(substituted.first.get())) == "from a command");
    CHECK_THROWS_WITH_AS(read_file(pipe), doctest::Contains("nobody writes to"), Error);
    CHECK_THROWS_AS(read_file_if_exists(pipe), Error);
    CHECK(read_file("/dev/null").empty());
    CHECK_THROWS_WITH_AS(read_file("/dev/zero"), doctest::Contains("gives more than 64 MiB"), Error);
    CHECK_THROWS_AS(read_file(dir.path()), Error);
    if (::geteuid() == 0 && ::mknod((dir / "disk").c_str(), S_IFBLK | 0600, makedev(7, 0)) == 0)
        CHECK_THROWS_WITH_AS(read_file(dir / "disk"), doctest::Contains("is a device"), Error);
    UniqueFd huge = sys::open(dir / "huge", O_RDWR | O_CREAT);
    REQUIRE(::ftruncate(huge.get(), off_t{1} << 40) == 0);
    CHECK_THROWS_WITH_AS(read_file(dir / "huge"), doctest::Contains("more than 1024 MiB"), Error);
}

TEST_CASE("file: a write finds its directory again that another one takes away whenever it is empty") {
    test::TempDir dir;
    const std::string network = dir / "networks/front", file = network + "/shop.json";
    std::atomic<bool> done = false;
    std::thread other([&] {
        while (!done) {
            ::unlink(file.c_str());
            ::rmdir(network.c_str());
            ::rmdir((dir / "networks").c_str());
        }
    });
    std::string failed;
    try {
        for (int i = 0; i < 3000; ++i) write_file_making(file, "x", 0600, false);
    } catch (const Error& e) {
        failed = e.what();
    }
    done = true;
    other.join();
    CHECK(failed == "");
    write_file_making(file, "last");
    CHECK(read_file(file) == "last");
    CHECK((stat_of(network).st_mode & 07777) == 0700);
}
