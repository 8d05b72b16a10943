#include "base/file.hpp"
#include "davit/stats.hpp"
#include "runtime/usage.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <pwd.h>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace davit {

namespace {

std::string proc(pid_t pid, const char* file) { return "/proc/" + std::to_string(pid) + "/" + file; }

struct Stat {
    std::string name;
    char state = '?';
    pid_t parent = 0;
    int terminal = 0;
    unsigned long long user_ticks = 0, system_ticks = 0, start_ticks = 0;
};

std::optional<Stat> stat_of(pid_t pid) {
    const auto text = read_file_if_exists(proc(pid, "stat"));
    if (!text) return std::nullopt;
    const std::size_t open = text->find('('), close = text->rfind(')');
    if (open == std::string::npos || close == std::string::npos) return std::nullopt;
    Stat s;
    s.name = text->substr(open + 1, close - open - 1);
    std::istringstream rest(text->substr(close + 2));
    std::string skip;
    rest >> s.state >> s.parent >> skip >> skip >> s.terminal;
    for (int i = 0; i < 6; ++i) rest >> skip;
    rest >> s.user_ticks >> s.system_ticks;
    for (int i = 0; i < 6; ++i) rest >> skip;
    rest >> s.start_ticks;
    return s;
}

std::string command_of(pid_t pid, const Stat& s) {
    std::string text = read_file_if_exists(proc(pid, "cmdline")).value_or("");
    while (text.ends_with('\0')) text.pop_back();
    if (text.empty()) return "[" + s.name + "]";
    std::replace(text.begin(), text.end(), '\0', ' ');
    return text;
}

std::string user_of(pid_t pid) {
    struct stat status {};
    if (::stat(proc(pid, "").c_str(), &status) < 0) return "?";
    passwd entry{};
    passwd* found = nullptr;
    std::array<char, 16384> texts{}; // getpwuid() has one place for all threads
    const bool known = ::getpwuid_r(status.st_uid, &entry, texts.data(), texts.size(), &found) == 0 && found;
    return known ? entry.pw_name : std::to_string(status.st_uid);
}

std::string terminal_of(int device) {
    if (device == 0) return "?";
    const int major = device >> 8 & 0xfff, minor = (device & 0xff) | (device >> 12 & 0xfff00);
    if (major == 136) return fmt::format("pts/{}", minor);
    return major == 4 ? fmt::format("tty{}", minor) : "?";
}

std::string start_text(std::time_t started, std::time_t now) {
    std::tm then{}, today{};
    ::localtime_r(&started, &then);
    ::localtime_r(&now, &today);
    char text[16];
    const char* format = then.tm_year != today.tm_year ? "%Y" : then.tm_yday != today.tm_yday ? "%b%d" : "%H:%M";
    std::strftime(text, sizeof text, format, &then);
    return text;
}

std::vector<pid_t> pids_of(pid_t init) {
    std::vector<pid_t> out;
    if (init <= 0) return out;
    // v1 machines have several hierarchies with the same processes; pids is in every container's.
    for (const char* controller : {"pids", "memory", ""}) {
        const std::string directory = runtime::cgroup_directory(init, controller);
        const auto text = directory.empty() ? std::nullopt : read_file_if_exists(directory + "/cgroup.procs");
        if (!text) continue;
        std::istringstream numbers(*text);
        for (pid_t pid; numbers >> pid;) out.push_back(pid);
        if (!out.empty()) break;
    }
    std::sort(out.begin(), out.end());
    return out;
}

} // namespace

std::vector<ProcessInfo> processes(const ContainerInfo& container) {
    std::vector<ProcessInfo> rows;
    const long hertz = ::sysconf(_SC_CLK_TCK);
    timespec since_boot{};
    ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
    const std::time_t now = std::time(nullptr);
    for (const pid_t pid : pids_of(container.pid)) {
        const auto s = stat_of(pid);
        if (!s) continue; // ended meanwhile
        const auto age =
            since_boot.tv_sec - static_cast<std::time_t>(s->start_ticks / static_cast<unsigned long long>(hertz));
        const auto used =
            static_cast<long long>((s->user_ticks + s->system_ticks) / static_cast<unsigned long long>(hertz));
        ProcessInfo row;
        row.user = user_of(pid);
        row.pid = pid;
        row.parent = s->parent;
        row.cpu = std::to_string(age > 0 ? used * 100 / age : 0);
        row.started = start_text(now - age, now);
        row.terminal = terminal_of(s->terminal);
        row.time = fmt::format("{:02}:{:02}:{:02}", used / 3600, used / 60 % 60, used % 60);
        row.command = command_of(pid, *s);
        rows.push_back(std::move(row));
    }
    return rows;
}

} // namespace davit
