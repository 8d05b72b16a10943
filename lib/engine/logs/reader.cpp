#include "engine/logs/reader.hpp"

#include "base/date.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <utility>

namespace davit {

namespace {

bool hex4(std::string_view text, std::size_t at, unsigned& code) {
    if (at + 4 > text.size()) return false;
    code = 0;
    for (std::size_t i = at; i < at + 4; ++i) {
        const char c = text[i];
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0) return false;
        code = code * 16 + static_cast<unsigned>(digit);
    }
    return true;
}

// A JSON string starting behind its quote; i ends behind the closing one.
bool read_string(std::string_view text, std::size_t& i, std::string& out) {
    for (;;) {
        const std::size_t stop = text.find_first_of("\"\\", i);
        if (stop == std::string_view::npos) return false;
        out.append(text, i, stop - i);
        i = stop + 1;
        if (text[stop] == '"') return true;
        if (i >= text.size()) return false;
        const char c = text[i++];
        if (c != 'u') {
            const std::size_t known = std::string_view("nrtbf").find(c);
            out += known == std::string_view::npos ? c : "\n\r\t\b\f"[known];
            continue;
        }
        unsigned code = 0, low = 0;
        if (!hex4(text, i, code)) return false;
        i += 4;
        if (code >= 0xd800 && code < 0xdc00 && i + 6 <= text.size() && text[i] == '\\' && text[i + 1] == 'u' &&
            hex4(text, i + 2, low) && low >= 0xdc00 && low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            i += 6;
        }
        append_utf8(out, code);
    }
}

// More rotated files than anybody keeps; ends the search in a directory somebody filled.
constexpr int most_files = 1000;

// The shim writes records of 16 KiB of text, which six bytes may stand for each. What is longer is none.
constexpr std::size_t most_record = 1 << 20;

} // namespace

std::optional<LogRecord> parse_log_record(std::string_view line) {
    LogRecord record;
    bool has_time = false;
    std::size_t i = line.find('{');
    if (i == std::string_view::npos) return std::nullopt;
    ++i;
    while ((i = line.find_first_not_of(" ,", i)) != std::string_view::npos && line[i] == '"') {
        std::string key, value;
        if (!read_string(line, ++i, key)) return std::nullopt;
        i = line.find_first_not_of(" :", i);
        if (i == std::string_view::npos) return std::nullopt;
        if (line[i] == '"') {
            if (!read_string(line, ++i, value)) return std::nullopt;
        } else { // "attrs": {…}, written with labels; never needed here
            int depth = 0;
            for (; i < line.size(); ++i) {
                if (line[i] == '{') ++depth;
                else if (line[i] == '}' && --depth <= 0) break;
                else if (line[i] == '"') {
                    std::string ignored;
                    if (!read_string(line, ++i, ignored)) return std::nullopt;
                    --i;
                }
            }
            if (i >= line.size()) return std::nullopt;
            ++i;
        }
        if (key == "log") record.text = std::move(value);
        else if (key == "stream") record.is_error = value == "stderr";
        else if (key == "time") {
            const auto time = parse_rfc3339(value);
            if (!time) return std::nullopt;
            record.time_ns = *time;
            has_time = true;
        }
    }
    if (i == std::string_view::npos || line[i] != '}' || !has_time) return std::nullopt;
    return record;
}

LogReader::LogReader(std::string path, const LogRange& range) : path_(std::move(path)), range_(range) {}

bool LogReader::open_first() {
    if (opened_) return true;
    struct stat status {};
    if (::stat(path_.c_str(), &status) < 0) return false;
    opened_ = true;
    std::vector<std::string> older;
    for (int n = 1; n < most_files && ::stat((path_ + "." + std::to_string(n)).c_str(), &status) == 0; ++n)
        older.push_back(path_ + "." + std::to_string(n));
    std::reverse(older.begin(), older.end());
    later_ = std::move(older);
    later_.push_back(path_);
    if (!advance()) return false;
    if (range_.tail) seek_tail(*range_.tail);
    return true;
}

// The next of the files that are known; false when there is none.
bool LogReader::advance() {
    while (!later_.empty()) {
        UniqueFd fd(::open(later_.front().c_str(), O_RDONLY | O_CLOEXEC));
        later_.erase(later_.begin());
        struct stat status {};
        if (!fd || ::fstat(fd.get(), &status) < 0) continue;
        file_ = {std::move(fd), status.st_dev, status.st_ino};
        buffer_.clear();
        at_ = 0;
        offset_ = 0;
        skipping_ = false;
        return true;
    }
    return false;
}

// Reads more; goes on to the next file at the end of this one, also when it was rotated away meanwhile.
bool LogReader::fill() {
    for (;;) {
        if (at_ > 0) {
            buffer_.erase(0, at_);
            at_ = 0;
        }
        const std::size_t had = buffer_.size();
        buffer_.resize(had + 65536);
        const ssize_t n = ::pread(file_.fd.get(), buffer_.data() + had, 65536, static_cast<off_t>(offset_));
        buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
        if (n > 0) {
            offset_ += static_cast<std::uint64_t>(n);
            return true;
        }
        if (n < 0) throw sys_error(errno, "reading {}", path_);
        if (!later_.empty()) {
            if (advance()) continue;
            return false;
        }
        struct stat here {
        }, now{};
        if (::fstat(file_.fd.get(), &here) == 0 && static_cast<std::uint64_t>(here.st_size) < offset_) {
            buffer_.clear(); // truncated in place: a rotation that keeps one file
            offset_ = 0;
            skipping_ = false;
            continue;
        }
        if (::stat(path_.c_str(), &now) < 0 || (now.st_dev == file_.device && now.st_ino == file_.inode)) return false;
        // Rotated. Between the read above and the stat more may have been written to the old one.
        if (::fstat(file_.fd.get(), &here) == 0 && static_cast<std::uint64_t>(here.st_size) > offset_) continue;
        later_.push_back(path_);
        if (!advance()) return false;
    }
}

// Places the reader before the last `lines` lines, in whichever file they begin.
void LogReader::seek_tail(std::size_t lines) {
    std::vector<std::string> files = later_;
    std::vector<std::string> all; // oldest first, the open one in front
    all.push_back({});
    for (auto& f : files) all.push_back(f);
    // A line ends where a record's text ends with a newline: …\n","stream":…
    constexpr std::string_view line_end = "\\n\",\"stream\"";
    std::size_t found = 0;
    for (std::size_t i = all.size(); i-- > 0;) {
        UniqueFd opened;
        int fd = file_.fd.get();
        if (i > 0) {
            opened.reset(::open(all[i].c_str(), O_RDONLY | O_CLOEXEC));
            if (!opened) continue;
            fd = opened.get();
        }
        struct stat status {};
        if (::fstat(fd, &status) < 0) continue;
        // Backwards in blocks; `text` always ends where a line ends, so that the oldest may be cut off.
        std::uint64_t start = static_cast<std::uint64_t>(status.st_size);
        std::string text;
        bool last_record = true, too_long = false;
        while (start > 0 || !text.empty()) {
            if (text.size() > most_record) { // no record: its end is enough
                text.erase(0, text.size() - 1);
                too_long = true;
            }
            const std::size_t newline = text.size() < 2 ? std::string::npos : text.rfind('\n', text.size() - 2);
            if (newline == std::string::npos && start > 0) {
                const std::uint64_t block = std::min<std::uint64_t>(start, 65536);
                std::string more(block, '\0');
                const ssize_t n = ::pread(fd, more.data(), block, static_cast<off_t>(start - block));
                if (n != static_cast<ssize_t>(block)) return;
                start -= block;
                text.insert(0, more);
                continue;
            }
            const std::size_t begin = newline == std::string::npos ? 0 : newline + 1;
            const bool whole = text.ends_with('\n'); // otherwise it is being written at this moment
            const bool ends_line = range_.by_record || text.find(line_end, begin) != std::string::npos;
            if (whole && !too_long && (ends_line || (last_record && i + 1 == all.size()))) {
                if (found == lines) { // everything behind this record is wanted
                    const std::uint64_t wanted = start + text.size();
                    later_.assign(all.begin() + static_cast<std::ptrdiff_t>(i) + 1, all.end());
                    if (i > 0) {
                        struct stat of {};
                        ::fstat(fd, &of);
                        file_ = {std::move(opened), of.st_dev, of.st_ino};
                    }
                    buffer_.clear();
                    at_ = 0;
                    offset_ = wanted;
                    return;
                }
                ++found;
            }
            if (whole && !too_long) last_record = false;
            too_long = false;
            text.resize(begin);
        }
    }
}

std::optional<std::string_view> LogReader::next_raw() {
    if (!open_first()) return std::nullopt;
    std::size_t searched = at_;
    for (;;) {
        const std::size_t newline = buffer_.find('\n', searched);
        if (newline != std::string::npos) {
            const std::string_view line(buffer_.data() + at_, newline - at_);
            at_ = newline + 1;
            if (!std::exchange(skipping_, false)) return line;
            searched = at_;
            continue;
        }
        if (skipping_ || buffer_.size() - at_ > most_record) {
            skipping_ = true;
            at_ = buffer_.size();
        }
        searched = buffer_.size() - at_; // fill() moves the rest to the front
        if (!fill()) return std::nullopt;
    }
}

bool LogReader::in_range(const LogRecord& record) const {
    return (!range_.since_ns || record.time_ns >= *range_.since_ns) &&
           (!range_.until_ns || record.time_ns <= *range_.until_ns);
}

std::optional<LogLine> LogReader::next() {
    std::optional<LogLine> out;
    while (!ended_) {
        const auto raw = next_raw();
        if (!raw) return std::nullopt;
        auto record = parse_log_record(*raw);
        if (!record) continue;
        if (range_.until_ns && record->time_ns > *range_.until_ns) {
            ended_ = true;
            break;
        }
        if (in_range(*record) && take(std::move(*record), out)) return out;
    }
    return out;
}

// Adds it to its line; true: there is something to show.
bool LogReader::take(LogRecord&& record, std::optional<LogLine>& out) {
    if (range_.by_record) {
        const bool last = record.text.ends_with('\n');
        if (last) record.text.pop_back();
        out = {record.time_ns, record.is_error, std::move(record.text), true, last};
        return true;
    }
    const int stream = record.is_error ? 1 : 0;
    LogLine& line = partial_[stream];
    if (!std::exchange(has_partial_[stream], true)) line = {record.time_ns, record.is_error, {}, true, false};
    line.last = record.text.ends_with('\n');
    if (line.last) record.text.pop_back();
    line.text += record.text;
    if (!line.last && line.text.size() < most_held) return false;
    has_partial_[stream] = !line.last;
    out = {line.time_ns, line.is_error, std::move(line.text), line.first, line.last};
    line.text.clear();
    line.first = false;
    return true;
}

std::optional<LogLine> LogReader::rest() {
    for (int stream = 0; stream < 2; ++stream) {
        if (!std::exchange(has_partial_[stream], false)) continue;
        partial_[stream].last = true;
        return std::move(partial_[stream]);
    }
    return std::nullopt;
}

void LogReader::skip_to_end() {
    range_.tail = 0;
    if (!open_first()) {
        range_.tail.reset();
        return;
    }
    while (next_raw()) {}
    has_partial_[0] = has_partial_[1] = false;
}

} // namespace davit
