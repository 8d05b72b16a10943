#include "project/event_journal.hpp"

#include "base/file.hpp"
#include "base/sys.hpp"
#include "scratch.hpp"

#include <doctest/doctest.h>
#include <sstream>
#include <sys/stat.h>

using namespace davit;
using test::Scratch;

namespace {

JournalLine sample() {
    return {1'790'000'000'123'456'789,
            "container",
            "exec_start: sh -c \"a\nb\"",
            std::string(64, 'a'),
            {{"name", "web"}, {"naïve \\", "\x01 \xff"}}};
}

std::vector<std::string> lines_of(const std::string& file) {
    std::vector<std::string> out;
    std::istringstream in(read_file_if_exists(file).value_or(""));
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
}

} // namespace

TEST_CASE("a line comes back as it was, whatever is in it") {
    JournalLine line = sample();
    line.attributes.erase("naïve \\");
    line.attributes["quote\""] = "naïve \\ \n\t";
    const std::string text = to_line(line);
    CHECK(text.find('\n') == text.size() - 1);
    CHECK(line_from(text) == line);
    CHECK(line_from(to_line(sample()))); // what is no UTF-8 is replaced
    for (const char* torn : {"", "{\"time\":1", "{}", "\0\0", "[]"}) CHECK(!line_from(torn));
}

TEST_CASE("a journal is bounded, and several write to it") {
    Scratch scratch;
    sys::make_dirs(scratch.roots().state, 0700);
    EventJournal one(scratch.roots(), "shop"), two(scratch.roots(), "shop");
    const std::string file = journal_file(scratch.roots(), "shop");
    constexpr int count = 3000;
    for (int i = 0; i < count; ++i) {
        JournalLine line = sample();
        line.time_ns = i;
        line.attributes = {{"filling", std::string(150, 'x')}};
        (i % 2 ? one : two).append(line);
    }
    struct stat st {};
    REQUIRE(::stat(file.c_str(), &st) == 0);
    CHECK(st.st_size < 300 * 1024);
    CHECK((st.st_mode & 07777) == 0600);
    auto lines = lines_of(file + ".1");
    const auto newer = lines_of(file);
    REQUIRE(!lines.empty());
    lines.insert(lines.end(), newer.begin(), newer.end());
    // The last ones are all there, in their order.
    for (std::size_t i = 0; i < lines.size(); ++i)
        CHECK(line_from(lines[lines.size() - 1 - i])->time_ns == count - 1 - static_cast<int>(i));
}

TEST_CASE("journals of projects that are gone do not pile up") {
    Scratch scratch;
    sys::make_dirs(ProjectPaths(scratch.roots(), "here").state, 0700);
    EventJournal(scratch.roots(), "here").append(sample());
    EventJournal(scratch.roots(), objects_journal).append(sample());
    for (int i = 0; i < 300; ++i) EventJournal(scratch.roots(), "p" + std::to_string(i)).append(sample());
    CHECK(list_directory(scratch.roots().events()).size() <= 200);
    CHECK(exists(journal_file(scratch.roots(), "here")));
    CHECK(exists(journal_file(scratch.roots(), objects_journal)));
    CHECK(exists(journal_file(scratch.roots(), "p299")));
}
