#include "runtime/shim/log_writer.hpp"

#include <cstdio>
#include <ctime>
#include <sys/stat.h>

namespace davit::shim {
namespace {

constexpr std::size_t max_entry = 16384 * 6 + 256;

// Length of the UTF-8 sequence at p, 0 if it is none (overlong, surrogate, cut).
std::size_t sequence(const unsigned char* p, std::size_t left) noexcept {
    auto tail = [&](std::size_t i) { return i < left && (p[i] & 0xc0) == 0x80; };
    if (p[0] >= 0xc2 && p[0] <= 0xdf) return tail(1) ? 2 : 0;
    if (p[0] >= 0xe0 && p[0] <= 0xef) {
        if (!tail(1) || !tail(2)) return 0;
        if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f)) return 0;
        return 3;
    }
    if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        if (!tail(1) || !tail(2) || !tail(3)) return 0;
        if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) return 0;
        return 4;
    }
    return 0;
}

void two_digits(char* out, unsigned value) noexcept {
    out[0] = static_cast<char>('0' + value / 10 % 10);
    out[1] = static_cast<char>('0' + value % 10);
}

} // namespace

int LogWriter::open(const char* path, std::uint64_t max_size, unsigned max_files) noexcept {
    path_ = path;
    max_size_ = max_size;
    max_files_ = max_files ? max_files : 1;
    return path ? reopen(0) : 0;
}

int LogWriter::reopen(int extra_flags) noexcept {
    file_.reset(::open(path_, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | extra_flags, 0600));
    struct stat st {};
    if (!file_ || ::fstat(file_.get(), &st) < 0) return errno;
    size_ = static_cast<std::uint64_t>(st.st_size);
    // Whoever wrote it before may have been killed, or found the disk full, in the middle of an entry.
    char last = '\n';
    torn_ = size_ > 0 && ::pread(file_.get(), &last, 1, st.st_size - 1) == 1 && last != '\n';
    return 0;
}

void LogWriter::put(const char* text, std::size_t size) noexcept {
    std::memcpy(buffer_ + used_, text, size);
    used_ += size;
}
void LogWriter::put(const char* text) noexcept { put(text, std::strlen(text)); }

void LogWriter::quote(const char* text, std::size_t size) noexcept {
    static const char hex[] = "0123456789abcdef";
    const auto* p = reinterpret_cast<const unsigned char*>(text);
    for (std::size_t i = 0; i < size;) {
        unsigned char c = p[i];
        if (c >= 0x80) {
            std::size_t n = sequence(p + i, size - i);
            if (n == 0) put("\\ufffd", 6);
            else if (n == 3 && c == 0xe2 && p[i + 1] == 0x80 && (p[i + 2] & 0xfe) == 0xa8)
                put(p[i + 2] & 1 ? "\\u2029" : "\\u2028", 6);
            else put(text + i, n);
            i += n ? n : 1;
            continue;
        }
        if (c == '"' || c == '\\') put("\\", 1), put(text + i, 1);
        else if (c == '\n') put("\\n", 2);
        else if (c == '\r') put("\\r", 2);
        else if (c < 0x20 || c == '<' || c == '>' || c == '&') {
            char code[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
            put(code, sizeof code);
        } else put(text + i, 1);
        ++i;
    }
}

// RFC 3339 in UTC with the trailing zeros of the fraction left out, as Go prints it.
void LogWriter::put_time(std::int64_t time_ns) noexcept {
    std::time_t seconds = static_cast<std::time_t>(time_ns / 1000000000);
    auto fraction = static_cast<unsigned>(time_ns % 1000000000);
    // Days to civil date (proleptic Gregorian); gmtime_r would bring the time zone code along.
    std::int64_t z = seconds / 86400 + 719468;
    auto in_day = static_cast<unsigned>(seconds % 86400);
    std::int64_t era = z / 146097;
    auto doe = static_cast<unsigned>(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    unsigned day = doy - (153 * mp + 2) / 5 + 1, month = mp < 10 ? mp + 3 : mp - 9;
    auto year = static_cast<unsigned>(era * 400 + yoe) + (month <= 2 ? 1 : 0);
    char text[40] = "0000-00-00T00:00:00";
    two_digits(text, year / 100);
    two_digits(text + 2, year);
    two_digits(text + 5, month);
    two_digits(text + 8, day);
    two_digits(text + 11, in_day / 3600);
    two_digits(text + 14, in_day / 60 % 60);
    two_digits(text + 17, in_day % 60);
    std::size_t n = 19;
    if (fraction) {
        text[n++] = '.';
        for (unsigned scale = 100000000; fraction; scale /= 10) {
            text[n++] = static_cast<char>('0' + fraction / scale);
            fraction %= scale;
        }
    }
    text[n++] = 'Z';
    put(text, n);
}

void LogWriter::add(int stream, const char* line, std::size_t size, bool complete, std::int64_t time_ns) noexcept {
    if (!path_) return;
    if (sizeof buffer_ - used_ < max_entry) flush();
    if (max_size_ && size_ + used_ >= max_size_) flush(), rotate();
    put("{\"log\":\"");
    quote(line, size);
    put(complete ? "\\n\",\"stream\":\"" : "\",\"stream\":\"");
    put(stream == 2 ? "stderr" : "stdout");
    put("\",\"time\":\"");
    put_time(time_ns);
    put("\"}\n");
}

void LogWriter::lose(std::size_t bytes, int errnum) noexcept {
    lost_ += bytes;
    lost_errno_ = errnum;
}

// The next entry gets a line of its own: one behind half of another would be lost with it.
bool LogWriter::end_torn_line() noexcept {
    if (torn_ && ::write(file_.get(), "\n", 1) == 1) torn_ = false, ++size_;
    return !torn_;
}

void LogWriter::flush() noexcept {
    std::size_t done = 0;
    // A rotation that found no room for a new file has left none.
    if (const int why = used_ && !file_ ? reopen(0) : 0) lose(used_, why);
    else if (used_ && !end_torn_line()) lose(used_, ENOSPC);
    else
        while (done < used_) {
            ssize_t n = ::write(file_.get(), buffer_ + done, used_ - done);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) {
                lose(used_ - done, n < 0 ? errno : ENOSPC);
                torn_ = done > 0 && buffer_[done - 1] != '\n';
                break;
            }
            done += static_cast<std::size_t>(n);
        }
    size_ += done;
    used_ = 0;
}

int LogWriter::rotate() noexcept {
    if (!path_) return EINVAL;
    flush();
    if (!file_) return reopen(0); // the last rotation came half way: its files stay where they are
    // One file: it starts anew, as Docker does.
    if (max_files_ < 2) return reopen(O_TRUNC);
    exec::TextBuffer<4352> from, to;
    for (unsigned i = max_files_ - 1; i > 0; --i) {
        from.text = exec::Text(from.data, sizeof from.data);
        to.text = exec::Text(to.data, sizeof to.data);
        from.text << path_;
        if (i > 1) from.text << "." << std::uint64_t{i - 1};
        to.text << path_ << "." << std::uint64_t{i};
        ::rename(from.c_str(), to.c_str());
    }
    return reopen(0);
}

} // namespace davit::shim
