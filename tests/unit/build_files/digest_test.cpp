#include "build/files/copy.hpp"
#include "build/files/file_bytes.hpp"
#include "build/files/hash_cache.hpp"

#include "base/file.hpp"
#include "base/hash.hpp"
#include "tests/unit/build_files/tree.hpp"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <doctest/doctest.h>
#include <set>
#include <thread>

using namespace davit;
using namespace davit::build;
using namespace davit::build::test;

namespace {

struct Words : Ground {
    Words() {
        put(from / "a", "1");
        put(from / "b", "2");
        put(from / "d/x", "3");
        put(from / "d/y/z", "4");
    }
};

void age(const std::string& path, time_t seconds) {
    const timespec times[2] = {{seconds, 0}, {seconds, 0}};
    ::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

struct stat stat_of(const std::string& path) {
    struct stat st {};
    REQUIRE(::lstat(path.c_str(), &st) == 0);
    return st;
}

// As the kernel would have told of a file that nobody touched for a minute.
struct stat settled(const std::string& path) {
    struct stat st = stat_of(path);
    st.st_ctim.tv_sec -= 60;
    st.st_mtim.tv_sec -= 60;
    return st;
}

FileDigest digest_of_text(const std::string& text) { return digest_from_hex(sha256_hex(text)); }

} // namespace

TEST_CASE("key: what is copied counts, times do not") {
    Words g;
    const std::string before = g.key({"."});
    CHECK(before.starts_with("sha256:"));
    CHECK(before.size() == 71);
    age(g.from / "a", 1000);
    age(g.from / "d/y", 1000);
    CHECK(g.key({"."}) == before);
    put(g.from / "b", "2"); // written again: another inode is no difference either
    fs::rename(g.from / "d/x", g.from / "d/w");
    CHECK(g.key({"."}) != before);
    fs::rename(g.from / "d/w", g.from / "d/x");
    CHECK(g.key({"."}) == before);

    const auto changes = [&](const std::function<void()>& change, const std::function<void()>& back) {
        change();
        const bool out = g.key({"."}) != before;
        back();
        CHECK(g.key({"."}) == before);
        return out;
    };
    CHECK(changes([&] { put(g.from / "d/y/z", "5"); }, [&] { put(g.from / "d/y/z", "4"); }));
    CHECK(changes([&] { ::chmod((g.from / "a").c_str(), 0600); }, [&] { ::chmod((g.from / "a").c_str(), 0644); }));
    CHECK(changes([&] { ::chmod((g.from / "d").c_str(), 0700); }, [&] { ::chmod((g.from / "d").c_str(), 0755); }));
    CHECK(changes([&] { fs::create_directory(g.from / "e"); }, [&] { fs::remove(g.from / "e"); }));
    CHECK(changes([&] { fs::create_symlink("one", g.from / "l"); }, [&] { fs::remove(g.from / "l"); }));
    CHECK(changes([&] { ::mkfifo((g.from / "p").c_str(), 0644); }, [&] { fs::remove(g.from / "p"); }));
    // Which part of a path is a name and which a content is told apart.
    CHECK(changes(
        [&] {
            fs::remove(g.from / "d/x");
            put(g.from / "d/x3", "");
        },
        [&] {
            fs::remove(g.from / "d/x3");
            put(g.from / "d/x", "3");
        }));
}

TEST_CASE("key: the target of a link counts, and sources of one file are followed") {
    Words g;
    fs::create_symlink("a", g.from / "l");
    const std::string tree = g.key({"."}), file = g.key({"l"});
    put(g.from / "b", "1");
    fs::remove(g.from / "l");
    fs::create_symlink("b", g.from / "l");
    CHECK(g.key({"."}) != tree);
    CHECK(g.key({"l"}) == file); // the same bytes
}

TEST_CASE("key: of wildcards the names and contents of what matches") {
    Words g;
    const std::string before = g.key({"[ab]"}), none = g.key({"*.none"});
    put(g.from / "c", "no match");
    CHECK(g.key({"[ab]"}) == before);
    CHECK(g.key({"[abc]"}) != before);
    CHECK(none != before);
    fs::rename(g.from / "b", g.from / "b2");
    put(g.from / "b", "other");
    CHECK(g.key({"[ab]"}) != before);
    CHECK(g.key({"a", "d"}) != g.key({"d", "a"}));
}

TEST_CASE("key: --exclude and ignored files") {
    Words g;
    SomeNames filter({"log"});
    g.filter = &filter;
    const std::string before = g.key({"."});
    put(g.from / "log", "ignored");
    CHECK(g.key({"."}) == before);
    auto step = Ground::step({"."}, "/x");
    step.exclude = {"b"};
    const std::string without = content_digest(g.source(), step, g.options());
    CHECK(without != before);
    put(g.from / "b", "changed");
    CHECK(content_digest(g.source(), step, g.options()) == without);
}

TEST_CASE("key: the owner counts where the source is no context") {
    if (::geteuid() != 0) return;
    Words g;
    const std::string context = g.key({"."});
    g.context = false;
    const std::string stage = g.key({"."});
    CHECK(::chown((g.from / "a").c_str(), 5, 6) == 0);
    CHECK(g.key({"."}) != stage);
    g.context = true;
    CHECK(g.key({"."}) == context);
}

TEST_CASE("hash cache: believed is what had been left alone for a while") {
    davit::test::TempDir dir;
    put(dir / "f", "text");
    HashCache cache(dir / "cache");
    const FileDigest digest = digest_of_text("text");
    const std::int64_t now = sys::realtime_ns();
    cache.put(stat_of(dir / "f"), digest, now); // changed a moment ago
    CHECK(!cache.find(stat_of(dir / "f")));
    const struct stat old = settled(dir / "f");
    cache.put(old, digest, now);
    CHECK(cache.find(old) == digest);
    for (const auto& change : std::vector<std::function<void(struct stat&)>>{
             [](struct stat& st) { ++st.st_size; },
             [](struct stat& st) { ++st.st_ino; },
             [](struct stat& st) { ++st.st_dev; },
             [](struct stat& st) { ++st.st_ctim.tv_nsec; },
             [](struct stat& st) { ++st.st_mtim.tv_sec; },
         }) {
        struct stat other = old;
        change(other);
        CHECK(!cache.find(other));
    }
    // A file system that stamps by seconds: two of them must have passed.
    struct stat coarse = old;
    coarse.st_mtim.tv_nsec = coarse.st_ctim.tv_nsec = 0;
    coarse.st_ctim.tv_sec = now / 1'000'000'000 - 1;
    cache.put(coarse, digest, now);
    CHECK(!cache.find(coarse));
    // A clock that was set back.
    struct stat later = old;
    later.st_ctim.tv_sec += 3600;
    cache.put(later, digest, now);
    CHECK(!cache.find(later));
}

TEST_CASE("hash cache: kept, bounded, and nothing when it is damaged") {
    davit::test::TempDir dir;
    put(dir / "f", "text");
    const FileDigest digest = digest_of_text("text");
    const auto numbered = [&](unsigned i) {
        struct stat st = settled(dir / "f");
        st.st_ino = i;
        return st;
    };
    {
        HashCache cache(dir / "cache", 10);
        for (unsigned i = 0; i < 10; ++i) cache.put(numbered(i), digest, sys::realtime_ns());
        cache.save();
    }
    {
        HashCache cache(dir / "cache", 10);
        for (unsigned i = 0; i < 4; ++i) CHECK(cache.find(numbered(i)) == digest);
        for (unsigned i = 20; i < 26; ++i) cache.put(numbered(i), digest, sys::realtime_ns());
        cache.save();
    }
    {
        HashCache cache(dir / "cache", 10); // what was in use, and what is new
        for (unsigned i = 0; i < 30; ++i) CHECK(cache.find(numbered(i)).has_value() == (i < 4 || (i >= 20 && i < 26)));
    }
    const std::string whole = get(dir / "cache/files.hashes");
    for (std::string damaged : {whole.substr(0, whole.size() - 80), std::string("x"), std::string(),
                                whole.substr(0, whole.size() - 1) + static_cast<char>(whole.back() ^ 1)}) {
        put(dir / "cache/files.hashes", damaged);
        HashCache cache(dir / "cache", 10);
        CHECK(!cache.find(numbered(1)));
        cache.put(numbered(1), digest, sys::realtime_ns());
        cache.save();
        CHECK(HashCache(dir / "cache", 10).find(numbered(1)) == digest);
    }
}

TEST_CASE("copy: with a warm cache the bytes that were copied are still those of the key") {
    Words g;
    davit::test::TempDir dir;
    HashCache cache(dir / "cache");
    g.hashes = &cache;
    std::this_thread::sleep_for(std::chrono::milliseconds(50)); // for the ticks, or nothing is believed
    const std::string first = g.key({"."});
    CHECK(cache.find(stat_of(g.from / "a")) == digest_of_text("1"));
    CHECK(g.copy({"."}, "/x").digest == first); // by the cache, within the kernel
    CHECK(get(g.to / "x/d/y/z") == "4");
    put(g.from / "a", "other");
    const CopyResult after = g.copy({"."}, "/y");
    CHECK(after.digest != first);
    CHECK(get(g.to / "y/a") == "other");
}

TEST_CASE("copy: a file that is written in a loop never gives a key of other bytes") {
    Ground g;
    davit::test::TempDir dir;
    HashCache cache(dir / "cache");
    g.hashes = &cache;
    const std::string path = g.from / "f";
    const auto text = [](int i) { return std::string(300'000, static_cast<char>('a' + i)); };
    put(path, text(0));
    std::atomic<bool> stop = false;
    std::thread writer([&] {
        const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
        for (int i = 0; !stop; i = (i + 1) % 26) {
            const std::string bytes = text(i);
            if (::pwrite(fd.get(), bytes.data(), bytes.size(), 0) < 0) break;
            if (i % 7 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(30));
        }
    });
    std::set<std::string> keys;
    for (int i = 0; i < 150; ++i) {
        const auto step = Ground::step({"f"}, "/f");
        const CopyResult copied = build::copy(g.source(), step, g.root.get(), g.options());
        keys.insert(copied.digest);
        // The key of a tree that holds exactly what was copied.
        Ground exact;
        put(exact.from / "f", get(g.to / "f"));
        CHECK(content_digest(exact.source(), step, exact.options()) == copied.digest);
    }
    stop = true;
    writer.join();
    CHECK(keys.size() > 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const auto step = Ground::step({"f"}, "/f");
    CHECK(content_digest(g.source(), step, g.options()) ==
          build::copy(g.source(), step, g.root.get(), g.options()).digest);
    CopyOptions fresh = g.options();
    fresh.hashes = nullptr;
    CHECK(content_digest(g.source(), step, g.options()) == content_digest(g.source(), step, fresh));
}

TEST_CASE("copy: a file that shrinks or grows meanwhile") {
    Ground g;
    put(g.from / "f", std::string(100'000, 'x'));
    const UniqueFd in(::open((g.from / "f").c_str(), O_RDONLY | O_CLOEXEC));
    struct stat st = stat_of(g.from / "f");
    const auto target = [&](const char* name) {
        return UniqueFd(::open((g.to / name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    };
    fs::resize_file(g.from / "f", 500);
    CHECK(copy_bytes(in.get(), target("short").get(), st, nullptr) == digest_of_text(std::string(500, 'x')));
    CHECK(st.st_size == 500);
    put(g.from / "f", std::string(700, 'y'));
    CHECK(copy_bytes(in.get(), target("long").get(), st, nullptr) == digest_of_text(std::string(500, 'y')));
    CHECK(get(g.to / "long").size() == 500);
}

// Figures, not asserted: -ns -tc='bench*'
TEST_CASE("bench: 2,600 files with 74 MB" * doctest::skip()) {
    Ground g;
    davit::test::TempDir dir;
    for (int i = 0; i < 2600; ++i)
        put(g.from / fmt::format("d{}/e{}/f{}", i % 20, i % 100, i),
            std::string(28'462, static_cast<char>('a' + i % 26)));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    HashCache cache(dir / "cache");
    g.hashes = &cache;
    const auto took = [](const char* what, const std::function<void()>& fn) {
        const std::int64_t begin = sys::monotonic_ns();
        fn();
        MESSAGE(fmt::format("{}: {:.1f} ms", what, static_cast<double>(sys::monotonic_ns() - begin) / 1e6));
    };
    const auto step = Ground::step({"."}, "/x");
    took("key, cold", [&] { g.key({"."}); });
    cache.save();
    HashCache again(dir / "cache");
    g.hashes = &again;
    took("key, warm", [&] { g.key({"."}); });
    const SomeNames filter({".git", "**/.env", "**/*.*proj.user", "**/node_modules", "**/Dockerfile*", "**/obj",
                            "**/charts", "**/compose*", "**/.vs", "README.md", "!d1/e1"});
    g.filter = &filter;
    took("key, warm, with an ignore file", [&] { g.key({"."}); });
    g.filter = nullptr;
    took("copy, warm", [&] { build::copy(g.source(), step, g.root.get(), g.options()); });
    g.hashes = nullptr;
    took("copy, hashing", [&] { build::copy(g.source(), Ground::step({"."}, "/y"), g.root.get(), g.options()); });
    took("cp -a", [&] { CHECK(std::system(("cp -a " + g.from.path() + " " + (g.to / "z")).c_str()) == 0); });
}
