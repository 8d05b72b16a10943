#include "cli/logs/printer.hpp"
#include "cli/logs/reader.hpp"

#include "base/file.hpp"
#include "base/sys.hpp"
#include "cli/format/time.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>

using namespace davit;
using namespace davit::cli;

namespace {

constexpr std::int64_t start = 1'795'262'215'000'000'000;

std::string record(const std::string& text, int second, const char* stream = "stdout") {
    return "{\"log\":\"" + text + "\",\"stream\":\"" + stream + "\",\"time\":\"" + rfc3339_nano(start + second * 1'000'000'000LL) + "\"}\n";
}

struct Log {
    std::string directory = std::filesystem::temp_directory_path() / ("davit-logs-" + sys::random_hex(12));
    std::string path = directory + "/x-json.log";
    Log() { sys::make_dirs(directory); }
    ~Log() { sys::remove_tree(directory); }
    void append(const std::string& text) const { std::ofstream(path, std::ios::app) << text; }
    void rotate() const {
        if (exists(path + ".1")) std::filesystem::rename(path + ".1", path + ".2");
        std::filesystem::rename(path, path + ".1");
    }
};

std::vector<std::string> all(LogReader& reader) {
    std::vector<std::string> out;
    while (auto line = reader.next()) out.push_back((line->is_error ? "!" : "") + line->text);
    while (auto line = reader.rest()) out.push_back((line->is_error ? "!" : "") + line->text + "~");
    return out;
}

using Lines = std::vector<std::string>;

} // namespace

TEST_CASE("logs: a record is read with its escapes, and anything else is refused") {
    const auto r = parse_log_record(R"({"log":"a\"\\\u001b[31m\u00e9\ud83d\ude00\t\n","stream":"stderr","attrs":{"x":"}"},"time":"2026-11-21T11:56:55.5Z"})");
    REQUIRE(r);
    CHECK(r->text == "a\"\\\x1b[31mé😀\t\n");
    CHECK(r->is_error);
    CHECK(r->time_ns == start + 500'000'000);
    for (const char* torn : {"", "{", "{\"log\":\"x", "{\"log\":\"x\",\"stream\":\"stdout\"}", "nonsense", R"({"log":"x","stream":"stdout","time":"now"})"})
        CHECK_FALSE(parse_log_record(torn));
}

TEST_CASE("logs: partial records are one line, apart for each stream") {
    Log log;
    log.append(record("aa", 1) + record("x", 1, "stderr") + record("bb\\n", 2) + record("y\\n", 3, "stderr") + record("end", 4));
    LogReader reader(log.path, {});
    CHECK(all(reader) == Lines{"aabb", "!xy", "end~"});
}

TEST_CASE("logs: what is written later is read later, across rotation and truncation") {
    Log log;
    LogReader reader(log.path, {});
    CHECK(all(reader).empty()); // no file yet
    log.append(record("one\\n", 1));
    CHECK(all(reader) == Lines{"one"});
    log.append("{\"log\":\"tw"); // half a record
    CHECK(all(reader).empty());
    log.append("o\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-21T11:56:57Z\"}\n");
    CHECK(all(reader) == Lines{"two"});
    log.append(record("three\\n", 3));
    log.rotate();
    log.append(record("four\\n", 4));
    CHECK(all(reader) == Lines{"three", "four"});
    std::filesystem::resize_file(log.path, 0);
    log.append(record("5\\n", 5));
    CHECK(all(reader) == Lines{"5"});
}

TEST_CASE("logs: history begins in the oldest file") {
    Log log;
    log.append(record("1\\n", 1));
    log.rotate();
    log.append(record("2\\n", 2));
    log.rotate();
    log.append(record("3\\n", 3));
    LogReader reader(log.path, {});
    CHECK(all(reader) == Lines{"1", "2", "3"});
}

TEST_CASE("logs: tail counts lines, over files and partial records") {
    Log log;
    log.append(record("1\\n", 1) + record("2\\n", 2));
    log.rotate();
    log.append(record("3\\n", 3) + record("fo", 4) + record("ur\\n", 4));
    const std::pair<std::size_t, Lines> cases[] = {
        {0, {}}, {1, {"four"}}, {2, {"3", "four"}}, {3, {"2", "3", "four"}}, {4, {"1", "2", "3", "four"}}, {9, {"1", "2", "3", "four"}}};
    for (const auto& [n, expected] : cases) {
        LogReader reader(log.path, {n, {}, {}});
        CHECK(all(reader) == expected);
    }
    LogReader none(log.path, {0, {}, {}});
    CHECK(all(none).empty());
    log.append(record("five\\n", 5));
    CHECK(all(none) == Lines{"five"});
}

TEST_CASE("logs: a record that is being written is not the last line yet") {
    Log log;
    const std::string three = record("3\\n", 3);
    log.append(record("1\\n", 1) + record("2\\n", 2) + three.substr(0, 20));
    LogReader last(log.path, {1, {}, {}}), none(log.path, {0, {}, {}});
    CHECK(all(last) == Lines{"2"});
    CHECK(all(none).empty());
    log.append(three.substr(20));
    CHECK(all(last) == Lines{"3"});
    CHECK(all(none) == Lines{"3"});
}

TEST_CASE("logs: tail of a log longer than one block") {
    Log log;
    std::string text;
    for (int i = 0; i < 5000; ++i) text += record("line " + std::to_string(i) + "\\n", 1);
    log.append(text);
    LogReader reader(log.path, {2, {}, {}});
    CHECK(all(reader) == Lines{"line 4998", "line 4999"});
    LogReader many(log.path, {4000, {}, {}});
    const Lines lines = all(many);
    REQUIRE(lines.size() == 4000);
    CHECK(lines.front() == "line 1000");
}

TEST_CASE("logs: since and until bound the times") {
    Log log;
    log.append(record("1\\n", 1) + record("2\\n", 2) + record("3\\n", 3));
    LogReader since(log.path, {{}, start + 2'000'000'000, {}});
    CHECK(all(since) == Lines{"2", "3"});
    LogReader until(log.path, {{}, {}, start + 2'000'000'000});
    CHECK(all(until) == Lines{"1", "2"});
}

TEST_CASE("logs: a reader can start at the end") {
    Log log;
    log.append(record("1\\n", 1));
    LogReader reader(log.path, {});
    reader.skip_to_end();
    log.append(record("2\\n", 2));
    CHECK(all(reader) == Lines{"2"});
    Log later;
    LogReader none(later.path, {});
    none.skip_to_end();
    later.append(record("1\\n", 1));
    CHECK(all(none) == Lines{"1"});
}

TEST_CASE("logs: the name before a line is the container's without its project") {
    CHECK(log_name("shop", "shop-web-1") == "web-1");
    CHECK(log_name("shop", "shop_web_1") == "web_1");
    CHECK(log_name("shop", "myname") == "myname");
}
