// What has happened, for whoever asks later: one bounded file a project, and one for the machine's images, networks and
// volumes. A line is appended with one write and never synced, so that it costs a few microseconds; several processes
// may append to one file. What cannot be written is lost without a word: nobody fails for it. Thread-compatible.
#pragma once

#include "project/paths.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit {

inline constexpr const char* objects_journal = "+objects"; // no project can be called so

struct JournalLine {
    std::int64_t time_ns = 0; // since the epoch
    std::string type;         // container, image, network, volume
    std::string action;
    std::string id; // of the container, network or image; a volume's name
    std::map<std::string, std::string> attributes;
    bool operator==(const JournalLine&) const = default;
};

// JSON and a newline.
std::string to_line(const JournalLine& line);
// Nothing for what is no line of a journal: the power may have failed over it.
std::optional<JournalLine> line_from(std::string_view text);

// name: a project, or objects_journal.
std::string journal_file(const Roots& roots, const std::string& name);
// Of both files of a journal: ".log" and what was there before, ".log.1".
inline constexpr std::string_view journal_suffix = ".log", old_journal_suffix = ".log.1";

class EventJournal {
public:
    EventJournal(const Roots& roots, const std::string& name);
    ~EventJournal();
    EventJournal(EventJournal&&) noexcept;
    // Several lines at once are written at once.
    void append(std::string_view lines);
    void append(const JournalLine& line) { append(to_line(line)); }

private:
    bool open();
    void rotate();

    std::string directory_, path_;
    int fd_ = -1;
};

} // namespace davit
