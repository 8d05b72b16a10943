#include "engine/events/journal_reader.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "project/store.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <poll.h>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace davit {

namespace {

constexpr std::string_view line_start = "{\"time\":";
constexpr int look_again_ms = 100;

// Without parsing all of it; 0: it does not begin as a line does.
std::int64_t time_of(std::string_view line) {
    std::int64_t time = 0;
    if (line.starts_with(line_start)) std::from_chars(line.data() + line_start.size(), line.data() + line.size(), time);
    return time;
}

std::int64_t changed_at(const struct stat& st) {
    return std::int64_t{st.st_mtim.tv_sec} * 1'000'000'000 + st.st_mtim.tv_nsec;
}

} // namespace

JournalReader::JournalReader(const Roots& roots, std::optional<std::int64_t> since)
    : directory_(roots.events()), since_(since) {
    if (!since_) take(); // what there is, is skipped
}

JournalReader::~JournalReader() = default;

JournalReader::Lines JournalReader::take() {
    Lines out;
    for (const auto& name : list_directory(directory_)) {
        if (name.ends_with(old_journal_suffix)) {
            if (first_ && since_)
                look(directory_ + "/" + name, name.substr(0, name.size() - old_journal_suffix.size()), out);
        } else if (name.ends_with(journal_suffix)) {
            look(directory_ + "/" + name, name.substr(0, name.size() - journal_suffix.size()), out);
        }
    }
    first_ = false;
    std::stable_sort(out.begin(), out.end(),
                     [](const auto& a, const auto& b) { return a.second.time_ns < b.second.time_ns; });
    return out;
}

void JournalReader::look(const std::string& path, const std::string& journal, Lines& out) {
    struct stat there {};
    struct stat open {};
    if (::stat(path.c_str(), &there) < 0) return;
    File& file = files_[path];
    const bool same =
        file.fd && ::fstat(file.fd.get(), &open) == 0 && open.st_ino == there.st_ino && open.st_dev == there.st_dev;
    if (!same) {
        if (file.fd) read(file, journal, out); // the rest of what was moved away
        file.fd = sys::open_if_exists(path, O_RDONLY | O_NOFOLLOW);
        file.offset = 0;
        if (!file.fd || ::fstat(file.fd.get(), &open) < 0) return;
        const bool unasked = first_ && (!since_ || changed_at(open) < *since_);
        if (unasked) file.offset = open.st_size;
    }
    read(file, journal, out);
}

void JournalReader::read(File& file, const std::string& journal, Lines& out) const {
    std::string text;
    char buffer[65536];
    for (off_t at = file.offset;;) {
        const ssize_t n = ::pread(file.fd.get(), buffer, sizeof buffer, at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw sys_error(errno, "reading the journal of {}", journal);
        if (n == 0) break;
        text.append(buffer, static_cast<std::size_t>(n));
        at += n;
    }
    std::size_t begin = 0;
    for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
        const std::string_view line(text.data() + begin, end - begin);
        if (since_ && time_of(line) < *since_) continue;
        if (auto parsed = line_from(line)) out.emplace_back(journal, std::move(*parsed));
    }
    file.offset += static_cast<off_t>(begin);
}

bool JournalReader::watch() {
    tried_ = true;
    sys::make_dirs(directory_, 0700);
    inotify_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    constexpr std::uint32_t changes = IN_MODIFY | IN_CREATE | IN_MOVED_TO;
    return watched_ = inotify_ && ::inotify_add_watch(inotify_.get(), directory_.c_str(), changes) >= 0;
}

void JournalReader::wait(std::optional<std::chrono::nanoseconds> limit, std::stop_token stop) {
    // What came between the last look and the watch is looked at once more.
    if (!tried_ && watch()) return;
    const UniqueFd end(::eventfd(0, EFD_CLOEXEC));
    if (!end) throw sys_error(errno, "watching {}", directory_);
    const std::stop_callback wake(stop, [&] { ::eventfd_write(end.get(), 1); });
    int timeout = watched_ ? -1 : look_again_ms;
    if (limit) {
        const auto ms = std::chrono::ceil<std::chrono::milliseconds>(*limit).count();
        const int until = static_cast<int>(std::clamp<std::int64_t>(ms, 0, 1'000'000'000));
        timeout = timeout < 0 ? until : std::min(timeout, until);
    }
    pollfd fds[] = {{watched_ ? inotify_.get() : -1, POLLIN, 0}, {end.get(), POLLIN, 0}};
    if (::poll(fds, 2, timeout) < 0 && errno != EINTR) throw sys_error(errno, "waiting for events");
    char drained[4096];
    while (watched_ && ::read(inotify_.get(), drained, sizeof drained) > 0) {}
}

} // namespace davit
