#include "cli/logs/printer.hpp"
#include "engine/logs/reader.hpp"

#include "base/file.hpp"
#include "base/sys.hpp"
#include "cli/format/time.hpp"

#include <cstdio>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace davit;
using namespace davit::cli;

namespace {

constexpr std::int64_t start = 1'795'262'215'000'000'000;

std::string record(const std::string& text, int second, const char* stream = "stdout") {
    return "{\"log\":\"" + text + "\",\"stream\":\"" + stream + "\",\"time\":\"" +
           rfc3339_nano(start + second * 1'000'000'000LL) + "\"}\n";
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
    const auto r = parse_log_record(
        R"({"log":"a\"\\\u001b[31m\u00e9\ud83d\ude00\t\n","stream":"stderr","attrs":{"x":"}"},"time":"2026-11-21T11:56:55.5Z"})");
    REQUIRE(r);
    CHECK(r->text == "a\"\\\x1b[31mé😀\t\n");
    CHECK(r->is_error);
    CHECK(r->time_ns == start + 500'000'000);
    for (const char* torn : {"", "{", "{\"log\":\"x", "{\"log\":\"x\",\"stream\":\"stdout\"}", "nonsense",
                             R"({"log":"x","stream":"stdout","time":"now"})"})
        CHECK_FALSE(parse_log_record(torn));
}

TEST_CASE("logs: partial records are one line, apart for each stream") {
    Log log;
    log.append(record("aa", 1) + record("x", 1, "stderr") + record("bb\\n", 2) + record("y\\n", 3, "stderr") +
               record("end", 4));
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
    const std::pair<std::size_t, Lines> cases[] = {{0, {}},
                                                   {1, {"four"}},
                                                   {2, {"3", "four"}},
                                                   {3, {"2", "3", "four"}},
                                                   {4, {"1", "2", "3", "four"}},
                                                   {9, {"1", "2", "3", "four"}}};
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

TEST_CASE("logs: a line of any length comes in pieces that are not held") {
    Log log;
    const std::string part(16384, 'x');
    std::string text = record("before\\n", 1);
    for (int i = 0; i < 40; ++i) text += record(part, 2) + (i % 10 == 0 ? record("e", 2, "stderr") : "");
    log.append(text + record("end\\n", 3) + record("after\\n", 4));
    LogReader reader(log.path, {});
    std::string line;
    int pieces = 0, firsts = 0;
    CHECK(reader.next()->text == "before");
    for (auto piece = reader.next(); piece; piece = reader.next()) {
        CHECK(piece->text.size() <= LogReader::most_held + part.size());
        CHECK_FALSE(piece->is_error); // what stderr began is held apart
        line += piece->text;
        ++pieces;
        firsts += piece->first;
        CHECK(piece->time_ns == start + 2'000'000'000);
        if (piece->last) break;
    }
    CHECK(line == std::string(40 * part.size(), 'x') + "end");
    CHECK(pieces > 5);
    CHECK(firsts == 1);
    CHECK(all(reader) == Lines{"after", "!eeee~"});
    LogReader tail(log.path, {2, {}, {}}); // counted from the end of lines, not of pieces
    std::size_t bytes = 0;
    while (auto piece = tail.next()) bytes += piece->text.size();
    CHECK(bytes == line.size() + 5);
}

TEST_CASE("logs: a line that ends with the log after pieces of it were given") {
    Log log;
    for (int i = 0; i < 5; ++i) log.append(record(std::string(16384, 'y'), i));
    LogReader reader(log.path, {});
    const auto piece = reader.next();
    REQUIRE(piece);
    CHECK(piece->first);
    CHECK_FALSE(piece->last);
    CHECK_FALSE(reader.next());
    const auto end = reader.rest();
    REQUIRE(end);
    CHECK_FALSE(end->first);
    CHECK(end->last);
    CHECK(piece->text.size() + end->text.size() == 5 * 16384);
    CHECK_FALSE(reader.rest());
}

TEST_CASE("logs: what is too long to be a record is passed over and not held") {
    Log log;
    log.append(record("1\\n", 1) + std::string(5 << 20, 'z') + "\n" + record("2\\n", 2));
    LogReader reader(log.path, {});
    CHECK(all(reader) == Lines{"1", "2"});
    for (const auto& [n, expected] : {std::pair<std::size_t, Lines>{1, {"2"}}, {2, {"1", "2"}}, {0, {}}}) {
        LogReader tail(log.path, {n, {}, {}});
        CHECK(all(tail) == expected);
    }
    log.append(std::string(3 << 20, 'z'));
    CHECK(all(reader).empty());
    log.append("\n" + record("3\\n", 3));
    CHECK(all(reader) == Lines{"3"});
}

namespace {

// What fn writes to standard output.
template <typename F>
std::string printed(F&& fn) {
    std::fflush(stdout);
    const UniqueFd kept(::dup(STDOUT_FILENO));
    FILE* file = std::tmpfile();
    ::dup2(::fileno(file), STDOUT_FILENO);
    fn();
    std::fflush(stdout);
    ::dup2(kept.get(), STDOUT_FILENO);
    std::string out(1 << 20, '\0');
    out.resize(static_cast<std::size_t>(::pread(::fileno(file), out.data(), out.size(), 0)));
    std::fclose(file);
    return out;
}

LogLine piece(const std::string& text, bool first, bool last, bool error = false) {
    return {start, error, text, first, last};
}

} // namespace

TEST_CASE("logs: pieces of a line are one line, unless somebody else writes between them") {
    CHECK(printed([] {
              LogPrinter out({});
              out.line("a-1", piece("one ", true, false));
              out.line("a-1", piece("two ", false, false));
              out.flush();
              out.line("a-1", piece("three", false, true));
              out.line("a-1", piece("next", true, true));
              out.flush();
          }) == "a-1  | one two three\na-1  | next\n");
    CHECK(printed([] {
              LogPrinter out({});
              out.line("a-1", piece("one ", true, false));
              out.line("b-1", piece("other", true, true));
              out.line("a-1", piece("two", false, true));
              out.line("a-1", piece("begun ", true, false));
              out.status("b-1", "exited with code 0");
              out.line("a-1", piece("", false, true)); // the newline has been written
              out.line("a-1", piece("x", true, false));
              out.line("a-1", piece("of stderr", true, true, true));
              out.line("a-1", piece("y", false, true));
              out.flush();
          }) == "a-1  | one \nb-1  | other\na-1  | two\na-1  | begun \nb-1 exited with code 0\na-1  | x\na-1  | of "
                "stderr\na-1  | y\n");
    CHECK(printed([] {
              PrinterOptions options;
              options.prefix = false;
              options.whole_lines = true;
              LogPrinter out(options);
              out.line("a-1", piece("one ", true, false));
              out.flush();
              out.line("a-1", piece(std::string(70000, 'x'), false, false));
              out.line("a-1", piece("end", false, true));
              out.hide(true);
              out.line("a-1", piece("hidden", true, true));
              out.status("a-1", "exited");
              out.flush();
          }) == "one \n" + std::string(70000, 'x') + "\nend\na-1 exited\n");
}

TEST_CASE("logs: what a hook writes stands behind an arrow, and widens the names that follow") {
    CHECK(printed([] {
              LogPrinter out({});
              out.add("web-1");
              out.line("web-1", piece("begun", true, false));
              out.hook("web-1", 0, "one\ntwo");
              out.hook("web-1", 0, "\n");
              out.line("web-1", piece("more", true, true));
              out.flush();
          }) == "web-1  | begun\nweb-1 ->  | one\nweb-1 ->  | two\nweb-1 ->  | \nweb-1     | more\n");
}

TEST_CASE("logs: the name before a line is the container's without its project") {
    CHECK(log_name("shop", "0123456789ab_shop-web-1") == "web-1"); // about to take another one's place
    CHECK(log_name("shop", "shop-web-1") == "web-1");
    CHECK(log_name("shop", "shop_web_1") == "web_1");
    CHECK(log_name("shop", "myname") == "myname");
}
