#include "project/event_journal.hpp"

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/sys.hpp"
#include "project/json_fields.hpp"
#include "project/store.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace davit {

namespace {

constexpr off_t size_limit = 256 * 1024;
constexpr std::size_t most_journals = 200; // of projects that are gone, the oldest go

bool safe(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
    });
}

// As json::dump() has it. Most texts need no escapes, and then none is looked for twice.
void put(std::string& out, const std::string& text) {
    if (!safe(text)) {
        out += json::dump(text);
        return;
    }
    out += '"';
    out += text;
    out += '"';
}

bool same_file(const struct stat& a, const struct stat& b) { return a.st_ino == b.st_ino && a.st_dev == b.st_dev; }

// Journals whose project is not there any more, and which nobody has written to for the longest time.
void drop_old(const std::string& directory) {
    const std::string projects = directory.substr(0, directory.find_last_of('/')) + "/projects/";
    std::vector<std::pair<timespec, std::string>> gone;
    auto names = list_directory(directory);
    if (names.size() <= most_journals) return;
    for (const auto& name : names) {
        struct stat st {};
        const std::string project = name.substr(0, name.find(journal_suffix));
        if (project == objects_journal || ::access((projects + project).c_str(), F_OK) == 0 ||
            ::stat((directory + "/" + name).c_str(), &st) < 0)
            continue;
        gone.emplace_back(st.st_mtim, directory + "/" + name);
    }
    const auto older = [](const auto& a, const auto& b) {
        return std::pair(a.first.tv_sec, a.first.tv_nsec) < std::pair(b.first.tv_sec, b.first.tv_nsec);
    };
    std::sort(gone.begin(), gone.end(), older);
    const std::size_t surplus = std::min(gone.size(), names.size() - most_journals);
    for (std::size_t i = 0; i < surplus; ++i) ::unlink(gone[i].second.c_str());
}

} // namespace

std::string to_line(const JournalLine& line) {
    std::string out;
    out.reserve(256);
    out += "{\"time\":" + std::to_string(line.time_ns) + ",\"type\":";
    put(out, line.type);
    out += ",\"action\":";
    put(out, line.action);
    out += ",\"id\":";
    put(out, line.id);
    out += ",\"attributes\":{";
    bool first = true;
    for (const auto& [key, value] : line.attributes) {
        if (!std::exchange(first, false)) out += ',';
        put(out, key);
        out += ':';
        put(out, value);
    }
    out += "}}\n";
    return out;
}

std::optional<JournalLine> line_from(std::string_view text) {
    try {
        const auto value = json::parse_text(text);
        JournalLine line;
        line.time_ns = value.at("time").get<std::int64_t>();
        line.type = value.at("type").get<std::string>();
        line.action = value.at("action").get<std::string>();
        line.id = value.at("id").get<std::string>();
        line.attributes = value.at("attributes").get<std::map<std::string, std::string>>();
        return line;
    } catch (const nlohmann::json::exception&) {
        return std::nullopt;
    }
}

std::string journal_file(const Roots& roots, const std::string& name) {
    return roots.events() + "/" + name + std::string(journal_suffix);
}

EventJournal::EventJournal(const Roots& roots, const std::string& name)
    : directory_(roots.events()), path_(journal_file(roots, name)) {}

EventJournal::~EventJournal() {
    if (fd_ >= 0) ::close(fd_);
}

EventJournal::EventJournal(EventJournal&& other) noexcept
    : directory_(std::move(other.directory_)), path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

bool EventJournal::open() {
    constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    fd_ = ::open(path_.c_str(), flags | O_EXCL, 0600);
    if (fd_ < 0 && errno == ENOENT && ::mkdir(directory_.c_str(), 0700) == 0)
        fd_ = ::open(path_.c_str(), flags | O_EXCL, 0600);
    if (fd_ >= 0) {
        drop_old(directory_);
        return true;
    }
    fd_ = ::open(path_.c_str(), flags, 0600);
    return fd_ >= 0;
}

void EventJournal::append(std::string_view lines) {
    struct stat there {};
    struct stat ours {};
    // Somebody else may have begun a new file meanwhile, or taken all of them away.
    const bool current =
        fd_ >= 0 && ::stat(path_.c_str(), &there) == 0 && ::fstat(fd_, &ours) == 0 && same_file(there, ours);
    try {
        if (!current && !open()) return;
    } catch (const Error&) { // of the look for old ones
        return;
    }
    const ssize_t n = ::write(fd_, lines.data(), lines.size());
    if (n < 0 || ::fstat(fd_, &ours) < 0 || ours.st_size <= size_limit) return;
    rotate();
}

// Whoever holds the lock of the file that is still at its path moves it.
void EventJournal::rotate() {
    struct stat there {};
    struct stat ours {};
    if (::flock(fd_, LOCK_EX | LOCK_NB) < 0) return;
    if (::stat(path_.c_str(), &there) == 0 && ::fstat(fd_, &ours) == 0 && same_file(there, ours))
        ::rename(path_.c_str(), (path_ + ".1").c_str());
    ::close(std::exchange(fd_, -1));
}

} // namespace davit
