// A container's log: Docker's json-file format, rotated files read oldest first, partial records
// joined to lines. Keeps its place, so that it can be asked again when more has been written. What it
// holds in memory is bounded, however long a line is and whatever stands in the file.
#pragma once

#include "base/fd.hpp"
#include "davit/logs.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit {

// One record: {"log":"…","stream":"stdout","time":"…"}; nothing for what is none (a torn last line).
struct LogRecord {
    std::int64_t time_ns = 0;
    bool is_error = false;
    std::string text;
};
std::optional<LogRecord> parse_log_record(std::string_view line);

class LogReader {
public:
    // path: "…/<id>-json.log"; older files are path.1, path.2 … It need not exist yet.
    LogReader(std::string path, const LogRange& range);

    // A line is given in pieces from this length on.
    static constexpr std::size_t most_held = 65536;

    // The next line that is there; nothing at the end of what is written so far.
    std::optional<LogLine> next();
    // At the end: what stands there without its newline, once.
    std::optional<LogLine> rest();
    // Skips everything written so far.
    void skip_to_end();
    const std::string& path() const { return path_; }

private:
    struct File {
        UniqueFd fd;
        std::uint64_t device = 0, inode = 0;
    };
    bool open_first();
    bool advance();
    bool fill();
    void seek_tail(std::size_t lines);
    std::optional<std::string_view> next_raw();
    bool in_range(const LogRecord& record) const;
    bool take(LogRecord&& record, std::optional<LogLine>& out);

    std::string path_;
    LogRange range_;
    File file_;
    std::vector<std::string> later_; // rotated files after the one that is read, the newest last
    std::string buffer_;
    std::size_t at_ = 0;       // in buffer_
    std::uint64_t offset_ = 0; // in the file, behind buffer_
    LogLine partial_[2];       // of stdout, stderr
    bool has_partial_[2] = {false, false};
    bool opened_ = false, ended_ = false;
    bool skipping_ = false; // to the next newline: what stands here is too long for a record
};

} // namespace davit
