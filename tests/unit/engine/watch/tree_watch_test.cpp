#include "engine/watch/tree_watch.hpp"

#include "base/error.hpp"
#include "tests/support/temp_dir.hpp"

#include <atomic>
#include <condition_variable>
#include <ctime>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace davit;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

using Paths = std::set<std::string>;

void write(const std::string& path, const std::string& text = "x") { std::ofstream(path) << text; }

bool enters_all_but_skip(const std::string& directory) { return fs::path(directory).filename() != "skip"; }

// Collects what a watcher in a thread of its own tells.
class Watcher {
public:
    explicit Watcher(const std::vector<std::string>& roots, std::optional<std::int64_t> since = {})
        : tree(roots, enters_all_but_skip, since), thread_([this](const std::stop_token& stop) {
              tree.run(
                  [this](const Paths& batch) {
                      const std::lock_guard guard(mutex_);
                      seen_.insert(batch.begin(), batch.end());
                      ++batches_;
                      changed_.notify_all();
                  },
                  stop);
          }) {}

    // All of these come; what has come by then, and is forgotten.
    Paths wait_for(const Paths& wanted) {
        std::unique_lock lock(mutex_);
        const bool all = changed_.wait_for(
            lock, 5s, [&] { return std::includes(seen_.begin(), seen_.end(), wanted.begin(), wanted.end()); });
        for (const auto& path : wanted)
            if (!all && !seen_.contains(path)) FAIL_CHECK("never told: " << path);
        return std::exchange(seen_, {});
    }
    int batches() {
        const std::lock_guard guard(mutex_);
        return batches_;
    }

    TreeWatch tree;

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    Paths seen_;
    int batches_ = 0;
    std::jthread thread_;
};

} // namespace

TEST_CASE("files that are made, written, moved and removed are told") {
    const test::TempDir dir;
    fs::create_directories(dir / "src/sub");
    write(dir / "src/sub/old");
    Watcher watcher({dir / "src"});

    write(dir / "src/new");
    CHECK(watcher.wait_for({dir / "src/new"}) == Paths{dir / "src/new"});
    write(dir / "src/sub/old", "more");
    CHECK(watcher.wait_for({dir / "src/sub/old"}) == Paths{dir / "src/sub/old"});
    write(dir / "src/.new.tmp");
    watcher.wait_for({dir / "src/.new.tmp"});
    fs::rename(dir / "src/.new.tmp", dir / "src/new");
    watcher.wait_for({dir / "src/new", dir / "src/.new.tmp"});
    fs::permissions(dir / "src/new", fs::perms::owner_all);
    watcher.wait_for({dir / "src/new"});
    fs::create_symlink("new", dir / "src/link");
    watcher.wait_for({dir / "src/link"});
    fs::create_hard_link(dir / "src/new", dir / "src/hard");
    watcher.wait_for({dir / "src/hard"});
    fs::remove(dir / "src/new");
    watcher.wait_for({dir / "src/new"});
    // From outside, and out again.
    write(dir / "outside");
    fs::rename(dir / "outside", dir / "src/inside");
    CHECK(watcher.wait_for({dir / "src/inside"}) == Paths{dir / "src/inside"});
    fs::rename(dir / "src/inside", dir / "outside");
    watcher.wait_for({dir / "src/inside"});
}

TEST_CASE("a file that stays open is told all the same") {
    const test::TempDir dir;
    Watcher watcher({dir.path()});
    std::ofstream log(dir / "log");
    log << "line" << std::endl;
    watcher.wait_for({dir / "log"});
    log << "line" << std::endl;
    watcher.wait_for({dir / "log"});
}

TEST_CASE("new directories are followed, moved ones under their new name") {
    const test::TempDir dir;
    fs::create_directories(dir / "src");
    Watcher watcher({dir / "src"});
    fs::create_directories(dir / "src/a/b/c");
    write(dir / "src/a/b/c/file");
    watcher.wait_for({dir / "src/a", dir / "src/a/b", dir / "src/a/b/c", dir / "src/a/b/c/file"});
    fs::rename(dir / "src/a", dir / "src/z");
    watcher.wait_for({dir / "src/a/b/c/file", dir / "src/z/b/c/file", dir / "src/a", dir / "src/z"});
    write(dir / "src/z/b/c/file", "more");
    CHECK(watcher.wait_for({dir / "src/z/b/c/file"}) == Paths{dir / "src/z/b/c/file"});
    // Out of the tree: what happens there is nobody's business.
    fs::rename(dir / "src/z", dir / "elsewhere");
    watcher.wait_for({dir / "src/z/b/c/file"});
    write(dir / "elsewhere/b/c/file", "again");
    write(dir / "src/last");
    CHECK(watcher.wait_for({dir / "src/last"}) == Paths{dir / "src/last"});
    fs::create_directories(dir / "src/gone/deep");
    write(dir / "src/gone/deep/file");
    watcher.wait_for({dir / "src/gone/deep/file"});
    fs::remove_all(dir / "src/gone");
    watcher.wait_for({dir / "src/gone", dir / "src/gone/deep/file"});
}

TEST_CASE("a directory that is not entered takes no watch and tells nothing") {
    const test::TempDir dir;
    fs::create_directories(dir / "src/skip/very/deep");
    fs::create_directories(dir / "src/taken");
    Watcher watcher({dir / "src"});
    CHECK(watcher.tree.watches() == 3); // src, taken, and what src is in
    write(dir / "src/skip/very/file");
    fs::create_directories(dir / "src/taken/skip/x");
    write(dir / "src/taken/skip/x/file");
    write(dir / "src/end");
    const Paths seen = watcher.wait_for({dir / "src/end"});
    CHECK(seen == Paths{dir / "src/end", dir / "src/taken/skip"});
    // Nor is a link followed.
    fs::create_directory_symlink(dir / "src/skip", dir / "src/link");
    write(dir / "src/link/file");
    write(dir / "src/end2");
    CHECK(watcher.wait_for({dir / "src/end2"}).contains(dir / "src/link/file") == false);
}

TEST_CASE("a path may be a file, may be missing, and may come and go") {
    const test::TempDir dir;
    write(dir / "package.json");
    write(dir / "other");
    Watcher watcher({dir / "package.json", dir / "later/src"});
    write(dir / "other", "more");
    write(dir / "package.json", "more");
    CHECK(watcher.wait_for({dir / "package.json"}) == Paths{dir / "package.json"});
    write(dir / "package.json.new", "more");
    fs::rename(dir / "package.json.new", dir / "package.json");
    CHECK(watcher.wait_for({dir / "package.json"}) == Paths{dir / "package.json"});

    fs::create_directories(dir / "later/src/sub");
    write(dir / "later/src/sub/a");
    watcher.wait_for({dir / "later/src", dir / "later/src/sub/a"});
    fs::remove_all(dir / "later");
    watcher.wait_for({dir / "later/src", dir / "later/src/sub/a"});
    fs::create_directories(dir / "later/src");
    watcher.wait_for({dir / "later/src"});
    write(dir / "later/src/b");
    watcher.wait_for({dir / "later/src/b"});
}

TEST_CASE("5,000 files that come in one go are one batch") {
    const test::TempDir dir;
    fs::create_directories(dir / "src");
    Watcher watcher({dir / "src"});
    Paths wanted;
    // A busy machine may let the writer rest, and what comes after a rest is another batch; so is what comes when
    // the first has waited for three seconds.
    int rests = 0;
    const auto began = std::chrono::steady_clock::now();
    auto last = began;
    for (int d = 0; d < 50; ++d) {
        const std::string sub = dir / ("src/d" + std::to_string(d));
        fs::create_directory(sub);
        for (int f = 0; f < 100; ++f) {
            const std::string file = sub + "/f" + std::to_string(f);
            write(file);
            wanted.insert(file);
            const auto now = std::chrono::steady_clock::now();
            if (now - last >= 15ms) ++rests;
            last = now;
        }
    }
    watcher.wait_for(wanted);
    const auto turns = (std::chrono::steady_clock::now() - began) / 3s;
    CHECK(watcher.batches() <= 1 + rests + turns);
}

TEST_CASE("what happened before a watch is told when it is asked for") {
    const test::TempDir dir;
    write(dir / "old");
    std::this_thread::sleep_for(50ms); // the file system's clock ticks
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    std::this_thread::sleep_for(20ms);
    write(dir / "new");
    Watcher watcher({dir.path()}, static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec);
    const Paths seen = watcher.wait_for({dir / "new"});
    CHECK_FALSE(seen.contains(dir / "old"));
}

TEST_CASE("events that the kernel dropped are made up for") {
    const test::TempDir dir;
    fs::create_directories(dir / "src/gone");
    write(dir / "src/gone/file");
    write(dir / "src/kept");
    std::this_thread::sleep_for(50ms);
    TreeWatch tree({dir / "src"}, enters_all_but_skip);
    // Nobody reads: more than fs.inotify.max_queued_events (16384 by default).
    std::ifstream limit("/proc/sys/fs/inotify/max_queued_events");
    int most = 16384;
    limit >> most;
    for (int i = 0; i < most + 100; ++i) {
        const std::string name = dir / ("src/f" + std::to_string(i % 2));
        fs::create_symlink("x", name);
        fs::remove(name);
    }
    fs::remove_all(dir / "src/gone");
    fs::create_directories(dir / "src/made/sub");
    write(dir / "src/made/sub/file");
    std::stop_source stop;
    Paths seen;
    std::jthread reader([&] {
        tree.run(
            [&](const Paths& batch) {
                seen.insert(batch.begin(), batch.end());
                if (seen.contains(dir / "src/made/sub/file") && seen.contains(dir / "src/gone/file"))
                    stop.request_stop();
            },
            stop.get_token());
    });
    std::jthread limit_of_wait([&](const std::stop_token& over) {
        for (int i = 0; i < 500 && !over.stop_requested(); ++i) std::this_thread::sleep_for(10ms);
        stop.request_stop();
    });
    reader.join();
    limit_of_wait.request_stop();
    CHECK(seen.contains(dir / "src/made/sub/file"));
    CHECK(seen.contains(dir / "src/gone/file"));
    CHECK(seen.contains(dir / "src/gone"));
    CHECK_FALSE(seen.contains(dir / "src/kept"));
}

TEST_CASE("too few watches are told with the sysctl that gives more") {
    const test::TempDir dir;
    for (int i = 0; i < 20; ++i) fs::create_directories(dir / ("src/d" + std::to_string(i)));
    // A user namespace has a limit of its own, which may be small.
    const pid_t child = ::fork();
    if (child == 0) {
        if (::unshare(CLONE_NEWUSER) < 0) ::_exit(77);
        write("/proc/self/setgroups", "deny");
        write("/proc/self/uid_map", "0 " + std::to_string(::geteuid()) + " 1");
        write("/proc/sys/user/max_inotify_watches", "5");
        try {
            TreeWatch tree({dir / "src"}, enters_all_but_skip);
        } catch (const Error& e) {
            ::_exit(std::string(e.what()).find("fs.inotify.max_user_watches is ") != std::string::npos &&
                            e.hint().find("sysctl fs.inotify.max_user_watches=") != std::string::npos
                        ? 0
                        : 1);
        }
        ::_exit(2);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) MESSAGE("no user namespaces here");
    else CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("nothing happens, nothing is done") {
    const test::TempDir dir;
    for (int i = 0; i < 100; ++i) fs::create_directories(dir / ("src/d" + std::to_string(i)));
    TreeWatch tree({dir / "src"}, enters_all_but_skip);
    std::stop_source stop;
    std::atomic<long> switches = -1;
    std::thread idle([&] {
        tree.run([](const Paths&) {}, stop.get_token());
        rusage used{};
        ::getrusage(RUSAGE_THREAD, &used);
        switches = used.ru_nvcsw;
    });
    std::this_thread::sleep_for(400ms);
    stop.request_stop();
    idle.join();
    CHECK(switches <= 4); // to wait, and to be woken
}
