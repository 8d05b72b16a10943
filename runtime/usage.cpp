#include "runtime/usage.hpp"

#include "base/file.hpp"
#include "base/sys.hpp"

#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>
#include <sys/sysinfo.h>
#include <unistd.h>

namespace davit::runtime {

namespace {

std::string proc(pid_t pid, const char* file) { return "/proc/" + std::to_string(pid) + "/" + file; }

struct CgroupLine {
    std::string controllers, path;
};

std::vector<CgroupLine> cgroups_of(pid_t pid) {
    std::vector<CgroupLine> out;
    std::istringstream lines(read_file_if_exists(proc(pid, "cgroup")).value_or(""));
    for (std::string line; std::getline(lines, line);) {
        const std::size_t first = line.find(':'), second = line.find(':', first + 1);
        if (second != std::string::npos)
            out.push_back({line.substr(first + 1, second - first - 1), line.substr(second + 1)});
    }
    return out;
}

bool has_word(const std::string& list, const std::string& word) {
    std::istringstream words(list);
    for (std::string w; std::getline(words, w, ',');)
        if (w == word) return true;
    return false;
}

// Where a hierarchy is mounted: v2 for "", else the v1 one with that controller.
std::optional<std::string> mount_of(const std::string& controller) {
    std::ifstream mounts("/proc/self/mountinfo");
    for (std::string line; std::getline(mounts, line);) {
        std::istringstream words(line);
        std::string skip, root, point, word, type, source, options;
        words >> skip >> skip >> skip >> root >> point;
        while (words >> word && word != "-") {}
        words >> type >> source >> options;
        if ((controller.empty() && type == "cgroup2") ||
            (!controller.empty() && type == "cgroup" && has_word(options, controller)))
            return point;
    }
    return std::nullopt;
}

std::uint64_t number_in(const std::string& directory, const char* file) {
    const auto text = directory.empty() ? std::nullopt : read_file_if_exists(directory + "/" + file);
    std::uint64_t value = 0;
    if (text) std::from_chars(text->data(), text->data() + text->size(), value); // "max" stays 0
    return value;
}

// The number behind a word at the start of a line: "usage_usec 123".
std::uint64_t value_of(const std::string& directory, const char* file, const std::string& key) {
    std::istringstream lines(directory.empty() ? "" : read_file_if_exists(directory + "/" + file).value_or(""));
    std::string word;
    for (std::uint64_t value; lines >> word >> value;)
        if (word == key) return value;
    return 0;
}

void add_block_v1(Usage& usage, const std::string& directory) {
    std::istringstream lines(
        directory.empty() ? "" : read_file_if_exists(directory + "/blkio.throttle.io_service_bytes").value_or(""));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string device, what;
        std::uint64_t bytes = 0;
        if (!(words >> device >> what >> bytes)) continue;
        if (what == "Read") usage.block_read += bytes;
        if (what == "Write") usage.block_written += bytes;
    }
}

void add_block_v2(Usage& usage, const std::string& directory) {
    std::istringstream words(directory.empty() ? "" : read_file_if_exists(directory + "/io.stat").value_or(""));
    for (std::string word; words >> word;) {
        std::uint64_t bytes = 0;
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos) continue;
        std::from_chars(word.data() + equals + 1, word.data() + word.size(), bytes);
        if (word.starts_with("rbytes=")) usage.block_read += bytes;
        if (word.starts_with("wbytes=")) usage.block_written += bytes;
    }
}

// "eth0: bytes packets errs drop fifo frame compressed multicast" twice.
void add_network(Usage& usage, pid_t init) {
    std::istringstream lines(read_file_if_exists(proc(init, "net/dev")).value_or(""));
    for (std::string line; std::getline(lines, line);) {
        const std::size_t colon = line.find(':');
        if (colon == std::string::npos) continue;
        const std::size_t start = line.find_first_not_of(' ');
        InterfaceUsage one;
        one.name = line.substr(start, colon - start);
        if (one.name == "lo") continue;
        std::istringstream numbers(line.substr(colon + 1));
        std::uint64_t skip = 0;
        for (InterfaceUsage::Way* way : {&one.received, &one.sent}) {
            numbers >> way->bytes >> way->packets >> way->errors >> way->dropped;
            for (int i = 0; i < 4; ++i) numbers >> skip;
        }
        usage.interfaces.push_back(std::move(one));
    }
}

void add_cpu_and_memory_v1(Usage& usage, pid_t init, const std::string& memory) {
    const std::string cpu = cgroup_directory(init, "cpuacct");
    usage.cpu_ns = number_in(cpu, "cpuacct.usage");
    const auto tick = 1'000'000'000ULL / static_cast<unsigned long>(::sysconf(_SC_CLK_TCK));
    usage.cpu_user_ns = value_of(cpu, "cpuacct.stat", "user") * tick;
    usage.cpu_system_ns = value_of(cpu, "cpuacct.stat", "system") * tick;
    usage.memory = number_in(memory, "memory.usage_in_bytes");
    usage.memory_limit = number_in(memory, "memory.limit_in_bytes");
    usage.inactive_file = value_of(memory, "memory.stat", "total_inactive_file");
    usage.pids = number_in(cgroup_directory(init, "pids"), "pids.current");
    add_block_v1(usage, cgroup_directory(init, "blkio"));
}

void add_cpu_and_memory_v2(Usage& usage, const std::string& group) {
    usage.cpu_ns = value_of(group, "cpu.stat", "usage_usec") * 1000;
    usage.cpu_user_ns = value_of(group, "cpu.stat", "user_usec") * 1000;
    usage.cpu_system_ns = value_of(group, "cpu.stat", "system_usec") * 1000;
    usage.memory = number_in(group, "memory.current");
    usage.memory_limit = number_in(group, "memory.max");
    usage.inactive_file = value_of(group, "memory.stat", "inactive_file");
    usage.pids = number_in(group, "pids.current");
    add_block_v2(usage, group);
}

std::uint64_t machine_memory() {
    struct sysinfo info {};
    return ::sysinfo(&info) == 0 ? static_cast<std::uint64_t>(info.totalram) * info.mem_unit : 0;
}

} // namespace

std::string cgroup_directory(pid_t pid, const std::string& controller) {
    for (const CgroupLine& line : cgroups_of(pid)) {
        if (controller.empty() ? !line.controllers.empty() : !has_word(line.controllers, controller)) continue;
        if (const auto mount = mount_of(controller)) return *mount + (line.path == "/" ? "" : line.path);
    }
    return {};
}

Usage usage_of(pid_t init) {
    Usage usage;
    if (!init) return usage;
    usage.taken_ns = sys::monotonic_ns();
    const std::string memory = cgroup_directory(init, "memory");
    if (!memory.empty()) add_cpu_and_memory_v1(usage, init, memory);
    else add_cpu_and_memory_v2(usage, cgroup_directory(init, ""));
    const std::uint64_t machine = machine_memory();
    if (usage.memory_limit == 0 || usage.memory_limit > machine) usage.memory_limit = machine;
    add_network(usage, init);
    return usage;
}

} // namespace davit::runtime
