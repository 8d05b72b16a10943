// The shim: what its container wrote, as Docker keeps it.
#include "unit/runtime/shim_talk.hpp"

#include "base/file.hpp"
#include "project/store.hpp"

#include <cerrno>
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <sstream>
#include <sys/mount.h>
#include <sys/stat.h>

using namespace davit;
using namespace davit::runtime;
using namespace davit::runtime::test;

TEST_CASE("the json-file log is Docker's, byte for byte") {
    Box box;
    box.sh("printf 'a\\tb\"\\\\<&>\\001\\303\\244\\377\\n'; head -c 20000 /dev/zero | tr '\\0' 'y'; echo; printf tail")
        .launch();
    box.wait_exited();
    std::istringstream lines(box.log());
    std::string line;
    std::getline(lines, line);
    CHECK(line.substr(0, line.find("\"stream\"")) ==
          "{\"log\":\"a\\u0009b\\\"\\\\\\u003c\\u0026\\u003e\\u0001\xc3\xa4\\ufffd\\n\",");
    std::vector<std::string> logs, times;
    while (std::getline(lines, line)) {
        auto j = nlohmann::json::parse(line);
        logs.push_back(j["log"]);
        times.push_back(j["time"]);
    }
    REQUIRE(logs.size() == 3);
    CHECK(logs[0] == std::string(16384, 'y'));
    CHECK(logs[1] == std::string(20000 - 16384, 'y') + "\n");
    CHECK(times[0] == times[1]);
    CHECK(logs[2] == "tail");
    CHECK(times[2].size() >= 20);
    CHECK(times[2].back() == 'Z');
    CHECK(times[2][10] == 'T');
}

TEST_CASE("a piece of a long line ends with a whole character") {
    Box box;
    box.sh("printf y; for i in $(seq 3000); do printf '\\360\\237\\232\\242\\303\\244'; done; echo").launch();
    box.wait_exited();
    std::istringstream lines(box.log());
    std::string whole;
    for (std::string line; std::getline(lines, line);) whole += nlohmann::json::parse(line)["log"].get<std::string>();
    CHECK(whole.size() == 1 + 3000 * 6 + 1);
    CHECK(whole.find("\xef\xbf\xbd") == std::string::npos);
}

TEST_CASE("logs rotate by size, and driver none keeps nothing") {
    Box box;
    box.start.log.max_size = 2000;
    box.start.log.max_files = 3;
    box.sh("i=0; while [ $i -lt 200 ]; do echo line-$i; i=$((i+1)); done").run();
    for (const char* suffix : {"", ".1", ".2"}) {
        struct stat st {};
        REQUIRE(::stat((box.start.log.path + suffix).c_str(), &st) == 0);
        CHECK(st.st_size < 2200);
    }
    CHECK_FALSE(exists(box.start.log.path + ".3"));
    CHECK(box.log_text().ends_with("line-199\n"));
    Box none;
    none.start.log.driver = ShimLog::Driver::none;
    CHECK(none.sh("echo lost").run() == 0);
    CHECK_FALSE(exists(none.start.log.path));
}

namespace {

// A small disk for the log, until remount() makes it larger.
class LogDisk {
public:
    LogDisk(Box& box, const std::string& options) : path_(box.dir() + "/log-disk") {
        ::mkdir(path_.c_str(), 0700);
        REQUIRE(::mount("tmpfs", path_.c_str(), "tmpfs", 0, options.c_str()) == 0);
        box.start.log.path = path_ + "/log";
    }
    ~LogDisk() { ::umount2(path_.c_str(), MNT_DETACH); }
    LogDisk(const LogDisk&) = delete;
    void remount(const std::string& options) {
        REQUIRE(::mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT, options.c_str()) == 0);
    }

private:
    std::string path_;
};

void go_on(const Started& started) { write_file_in_place("/proc/" + std::to_string(started.pid) + "/root/go", ""); }

} // namespace

TEST_CASE("a log whose disk was full loses nothing of what comes after") {
    Box box;
    LogDisk disk(box, "size=64k");
    box.sh("i=0; while [ $i -lt 2000 ]; do echo line-$i; i=$((i+1)); done; while [ ! -e /go ]; do sleep 0.01; done;"
           "for i in 1 2 3; do echo after-$i; sleep 0.02; done")
        .launch();
    const Started started = box.wait_started();
    const LogTruncated lost = box.shim.control.wait_for<LogTruncated>(limit);
    CHECK(lost.bytes > 0);
    CHECK(lost.errnum == ENOSPC);
    disk.remount("size=1m");
    go_on(started);
    box.wait_exited();
    std::istringstream lines(box.log());
    int torn = 0;
    std::string after;
    for (std::string line; std::getline(lines, line);) {
        const auto entry = nlohmann::json::parse(line, nullptr, false);
        if (entry.is_discarded()) {
            ++torn;
            CHECK(line.find("{\"log\"", 1) == std::string::npos); // half of one, and nothing behind it
        } else if (const auto text = entry["log"].get<std::string>(); text.starts_with("after")) after += text;
    }
    CHECK(torn <= 1);
    CHECK(after == "after-1\nafter-2\nafter-3\n");
}

TEST_CASE("a rotation that finds no room for a new file costs no old one") {
    Box box;
    LogDisk disk(box, "size=1m,nr_inodes=3"); // with its root: two files, and the third fails
    box.start.log.max_size = 2000;
    box.start.log.max_files = 3;
    box.sh("i=0; while [ $i -lt 100 ]; do echo line-$i; i=$((i+1)); [ $i -lt 60 ] || sleep 0.005; done;"
           "while [ ! -e /go ]; do sleep 0.01; done; echo after")
        .launch();
    const Started started = box.wait_started();
    const LogTruncated lost = box.shim.control.wait_for<LogTruncated>(limit);
    CHECK(lost.errnum == ENOSPC);
    box.shim.control.wait_for<LogTruncated>(limit); // the next line finds none either
    CHECK(read_file(box.start.log.path + ".2").find("line-0\\n") != std::string::npos);
    CHECK(exists(box.start.log.path + ".1"));
    disk.remount("size=1m,nr_inodes=10");
    go_on(started);
    box.wait_exited();
    CHECK(box.log().find("after") != std::string::npos);
}
