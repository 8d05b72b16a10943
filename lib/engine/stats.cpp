#include "davit/stats.hpp"

#include "base/file.hpp"
#include "base/sys.hpp"
#include "engine/processes.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <sys/sysinfo.h>

namespace davit {

namespace {

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

void add_block_v1(ContainerStats& usage, const std::string& directory) {
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

void add_block_v2(ContainerStats& usage, const std::string& directory) {
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

void add_network(ContainerStats& usage, pid_t init) {
    std::istringstream lines(read_file_if_exists("/proc/" + std::to_string(init) + "/net/dev").value_or(""));
    for (std::string line; std::getline(lines, line);) {
        const std::size_t colon = line.find(':');
        if (colon == std::string::npos) continue;
        const std::size_t start = line.find_first_not_of(' ');
        if (line.substr(start, colon - start) == "lo") continue;
        std::istringstream numbers(line.substr(colon + 1));
        std::uint64_t values[9] = {};
        for (std::uint64_t& v : values) numbers >> v;
        usage.network_received += values[0];
        usage.network_sent += values[8];
    }
}

std::uint64_t machine_memory() {
    struct sysinfo info {};
    return ::sysinfo(&info) == 0 ? static_cast<std::uint64_t>(info.totalram) * info.mem_unit : 0;
}

} // namespace

ContainerStats stats(const ContainerInfo& container) {
    ContainerStats usage;
    const pid_t init = container.pid;
    if (!init) return usage;
    usage.taken_ns = sys::monotonic_ns();
    const std::string memory = cgroup_directory(init, "memory"), v2 = cgroup_directory(init, "");
    std::uint64_t cache = 0;
    if (!memory.empty()) {
        usage.cpu_ns = number_in(cgroup_directory(init, "cpuacct"), "cpuacct.usage");
        usage.memory = number_in(memory, "memory.usage_in_bytes");
        usage.memory_limit = number_in(memory, "memory.limit_in_bytes");
        cache = value_of(memory, "memory.stat", "total_inactive_file");
        usage.pids = number_in(cgroup_directory(init, "pids"), "pids.current");
        add_block_v1(usage, cgroup_directory(init, "blkio"));
    } else {
        usage.cpu_ns = value_of(v2, "cpu.stat", "usage_usec") * 1000;
        usage.memory = number_in(v2, "memory.current");
        usage.memory_limit = number_in(v2, "memory.max");
        cache = value_of(v2, "memory.stat", "inactive_file");
        usage.pids = number_in(v2, "pids.current");
        add_block_v2(usage, v2);
    }
    usage.memory -= std::min(cache, usage.memory);
    const std::uint64_t machine = machine_memory();
    if (usage.memory_limit == 0 || usage.memory_limit > machine) usage.memory_limit = machine;
    add_network(usage, init);
    return usage;
}

} // namespace davit
