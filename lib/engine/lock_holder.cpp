#include "engine/lock_holder.hpp"

#include "base/file.hpp"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <sstream>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace davit {

// "1: FLOCK  ADVISORY  WRITE 4711 fd:01:123 0 EOF"; those who wait have "->" after the number.
std::string holder_pid(const std::string& proc_locks, unsigned major, unsigned minor, unsigned long inode) {
    const std::string wanted = fmt::format("{:02x}:{:02x}:{}", major, minor, inode);
    std::istringstream lines(proc_locks);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string number, kind, advisory, mode, pid, file;
        if (words >> number >> kind >> advisory >> mode >> pid >> file && kind == "FLOCK" && file == wanted) return pid;
    }
    return {};
}

pid_t lock_holder_pid(int locked_elsewhere_fd) {
    try {
        struct stat st {};
        if (::fstat(locked_elsewhere_fd, &st) < 0) return 0;
        return std::max(
            0,
            std::atoi(holder_pid(read_file("/proc/locks"), ::major(st.st_dev), ::minor(st.st_dev), st.st_ino).c_str()));
    } catch (const std::exception&) {
        return 0;
    }
}

std::string lock_holder(int locked_elsewhere_fd) {
    try {
        const pid_t number = lock_holder_pid(locked_elsewhere_fd);
        if (number == 0) return "another process";
        const std::string pid = std::to_string(number);
        std::string command = read_file_if_exists("/proc/" + pid + "/cmdline").value_or("");
        while (!command.empty() && command.back() == '\0') command.pop_back();
        std::replace(command.begin(), command.end(), '\0', ' ');
        if (command.size() > 80) command = command.substr(0, 77) + "...";
        if (command.empty()) return "pid " + pid;
        return fmt::format("{} (pid {})", command.substr(command.substr(0, command.find(' ')).rfind('/') + 1), pid);
    } catch (const std::exception&) {
        return "another process";
    }
}

} // namespace davit
