#include "runtime/shim/config.hpp"

#include <cstring>

namespace davit::shim {
namespace {

bool number(const char* text, std::uint64_t* out) noexcept {
    std::uint64_t value = 0;
    if (!text || !*text) return false;
    for (; *text; ++text) {
        if (*text < '0' || *text > '9' || value > (~std::uint64_t{0} - 9) / 10) return false;
        value = value * 10 + static_cast<std::uint64_t>(*text - '0');
    }
    *out = value;
    return true;
}

template <typename T>
bool number(const char* text, T* out) noexcept {
    std::uint64_t wide = 0;
    if (!number(text, &wide) || wide > static_cast<std::uint64_t>(static_cast<T>(~T{0}) & 0x7fffffffffffffff))
        return false;
    *out = static_cast<T>(wide);
    return true;
}

bool adopt(char* text, Config& out) noexcept { // "PID:START"
    char* colon = text ? std::strchr(text, ':') : nullptr;
    if (!colon) return false;
    *colon = 0;
    std::uint64_t pid = 0;
    bool ok = number(text, &pid) && pid < 0x7fffffff && number(colon + 1, &out.adopt_start);
    out.adopt_pid = static_cast<pid_t>(pid);
    return ok;
}

} // namespace

bool parse(int argc, char** argv, Config& out) noexcept {
    for (int i = 1; i < argc; ++i) {
        const char* flag = argv[i];
        if (!std::strcmp(flag, "--")) {
            out.supervisor = argv[i + 1] ? argv + i + 1 : nullptr;
            break;
        }
        if (!std::strcmp(flag, "--hold")) out.hold = true;
        else if (!std::strcmp(flag, "--stdin-once")) out.stdin_once = true;
        else {
            char* value = ++i < argc ? argv[i] : nullptr;
            bool ok = value != nullptr;
            if (!ok) return false;
            if (!std::strcmp(flag, "--run-dir")) out.run_dir = value;
            else if (!std::strcmp(flag, "--id")) out.id = value;
            else if (!std::strcmp(flag, "--log")) out.log = value;
            else if (!std::strcmp(flag, "--log-max-size")) ok = number(value, &out.log_max_size);
            else if (!std::strcmp(flag, "--log-max-files")) ok = number(value, &out.log_max_files);
            else if (!std::strcmp(flag, "--fds")) ok = number(value, &out.fds);
            else if (!std::strcmp(flag, "--adopt")) ok = adopt(value, out);
            else if (!std::strcmp(flag, "--lock")) out.lock = value;
            else ok = false;
            if (!ok) return false;
        }
    }
    return out.run_dir && out.fds & (1U << fd_steps);
}

} // namespace davit::shim
