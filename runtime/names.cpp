// Names of capabilities, resource limits and signals.
#include "runtime/defaults.hpp"

#include "base/error.hpp"
#include "base/words.hpp"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <iterator>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace davit::runtime {
namespace {

constexpr const char* capability_names[] = {"CAP_CHOWN",
                                            "CAP_DAC_OVERRIDE",
                                            "CAP_DAC_READ_SEARCH",
                                            "CAP_FOWNER",
                                            "CAP_FSETID",
                                            "CAP_KILL",
                                            "CAP_SETGID",
                                            "CAP_SETUID",
                                            "CAP_SETPCAP",
                                            "CAP_LINUX_IMMUTABLE",
                                            "CAP_NET_BIND_SERVICE",
                                            "CAP_NET_BROADCAST",
                                            "CAP_NET_ADMIN",
                                            "CAP_NET_RAW",
                                            "CAP_IPC_LOCK",
                                            "CAP_IPC_OWNER",
                                            "CAP_SYS_MODULE",
                                            "CAP_SYS_RAWIO",
                                            "CAP_SYS_CHROOT",
                                            "CAP_SYS_PTRACE",
                                            "CAP_SYS_PACCT",
                                            "CAP_SYS_ADMIN",
                                            "CAP_SYS_BOOT",
                                            "CAP_SYS_NICE",
                                            "CAP_SYS_RESOURCE",
                                            "CAP_SYS_TIME",
                                            "CAP_SYS_TTY_CONFIG",
                                            "CAP_MKNOD",
                                            "CAP_LEASE",
                                            "CAP_AUDIT_WRITE",
                                            "CAP_AUDIT_CONTROL",
                                            "CAP_SETFCAP",
                                            "CAP_MAC_OVERRIDE",
                                            "CAP_MAC_ADMIN",
                                            "CAP_SYSLOG",
                                            "CAP_WAKE_ALARM",
                                            "CAP_BLOCK_SUSPEND",
                                            "CAP_AUDIT_READ",
                                            "CAP_PERFMON",
                                            "CAP_BPF",
                                            "CAP_CHECKPOINT_RESTORE"};
constexpr int capability_count = sizeof capability_names / sizeof *capability_names;

constexpr const char* rlimit_names[] = {"cpu",      "fsize",  "data",    "stack", "core",  "rss",
                                        "nproc",    "nofile", "memlock", "as",    "locks", "sigpending",
                                        "msgqueue", "nice",   "rtprio",  "rttime"};
static_assert(RLIMIT_CPU == 0 && RLIMIT_NOFILE == 7 && RLIMIT_RTTIME == 15);

struct SignalName {
    const char* name;
    int number;
};
constexpr SignalName signals[] = {
    {"ABRT", SIGABRT},     {"ALRM", SIGALRM},   {"BUS", SIGBUS},   {"CHLD", SIGCHLD}, {"CLD", SIGCHLD},
    {"CONT", SIGCONT},     {"FPE", SIGFPE},     {"HUP", SIGHUP},   {"ILL", SIGILL},   {"INT", SIGINT},
    {"IO", SIGIO},         {"IOT", SIGABRT},    {"KILL", SIGKILL}, {"PIPE", SIGPIPE}, {"POLL", SIGIO},
    {"PROF", SIGPROF},     {"PWR", SIGPWR},     {"QUIT", SIGQUIT}, {"SEGV", SIGSEGV}, {"STKFLT", SIGSTKFLT},
    {"STOP", SIGSTOP},     {"SYS", SIGSYS},     {"TERM", SIGTERM}, {"TRAP", SIGTRAP}, {"TSTP", SIGTSTP},
    {"TTIN", SIGTTIN},     {"TTOU", SIGTTOU},   {"URG", SIGURG},   {"USR1", SIGUSR1}, {"USR2", SIGUSR2},
    {"VTALRM", SIGVTALRM}, {"WINCH", SIGWINCH}, {"XCPU", SIGXCPU}, {"XFSZ", SIGXFSZ}};
constexpr int rt_min = 34, rt_max = 64; // the kernel's numbers less the two glibc keeps

std::string upper(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c); });
    return out;
}

std::optional<int> number(std::string_view text) {
    int value = 0;
    auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || problem != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

} // namespace

std::optional<int> capability_from_name(std::string_view name) {
    std::string wanted = upper(name);
    if (!wanted.starts_with("CAP_")) wanted.insert(0, "CAP_");
    for (int i = 0; i < capability_count; ++i)
        if (wanted == capability_names[i]) return i;
    return std::nullopt;
}

const char* capability_name(int cap) { return cap >= 0 && cap < capability_count ? capability_names[cap] : nullptr; }

CapSet default_capabilities() {
    CapSet set = 0;
    for (int cap : {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FSETID, CAP_FOWNER, CAP_MKNOD, CAP_NET_RAW, CAP_SETGID, CAP_SETUID,
                    CAP_SETFCAP, CAP_SETPCAP, CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT, CAP_KILL, CAP_AUDIT_WRITE})
        set |= CapSet{1} << cap;
    return set;
}

CapSet grantable_capabilities() {
    __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2] = {};
    if (::syscall(SYS_capget, &head, data) != 0) return 0;
    return data[0].permitted | CapSet{data[1].permitted} << 32;
}

namespace {

Error unknown_capability(const char* key, const std::string& name) {
    std::string wanted = upper(name);
    if (!wanted.starts_with("CAP_")) wanted.insert(0, "CAP_");
    Error e = error(Errc::invalid_project, "invalid {}: unknown capability: \"{}\"",
                    std::string_view(key) == "cap_drop" ? "CapDrop" : "CapAdd", wanted);
    std::vector<std::string_view> known(std::begin(capability_names), std::end(capability_names));
    if (auto near = nearest(wanted, known)) e.with_hint(fmt::format("did you mean {}?", near->substr(4)));
    return e;
}

} // namespace

CapSet resolve_capabilities(const std::vector<std::string>& add, const std::vector<std::string>& drop) {
    constexpr CapSet everything = (CapSet{1} << capability_count) - 1;
    bool add_all = false, drop_all = false;
    auto set_of = [](const std::vector<std::string>& names, const char* key, bool& all) {
        CapSet set = 0;
        for (const std::string& name : names) {
            if (upper(name) == "ALL" || upper(name) == "CAP_ALL") {
                all = true;
                continue;
            }
            auto cap = capability_from_name(name);
            if (!cap) throw unknown_capability(key, name);
            set |= CapSet{1} << *cap;
        }
        return set;
    };
    CapSet added = set_of(add, "cap_add", add_all), dropped = set_of(drop, "cap_drop", drop_all);
    if (add_all) return everything & ~dropped;
    return ((drop_all ? 0 : default_capabilities()) & ~dropped) | added;
}

void set_capabilities(Process& process, CapSet set) {
    process.caps.bounding = process.caps.permitted = process.caps.effective = set;
    process.caps.inheritable = process.caps.ambient = 0;
}

std::optional<int> rlimit_from_name(std::string_view name) {
    std::string wanted(name);
    std::transform(wanted.begin(), wanted.end(), wanted.begin(),
                   [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
    if (wanted.starts_with("rlimit_")) wanted.erase(0, 7);
    for (int i = 0; i <= RLIMIT_RTTIME; ++i)
        if (wanted == rlimit_names[i]) return i;
    return std::nullopt;
}

const char* rlimit_name(int resource) {
    return resource >= 0 && resource <= RLIMIT_RTTIME ? rlimit_names[resource] : nullptr;
}

std::optional<int> signal_from_name(std::string_view name) {
    if (auto n = number(name)) return *n >= 1 && *n <= rt_max ? n : std::nullopt;
    std::string wanted = upper(name);
    if (wanted.starts_with("SIG")) wanted.erase(0, 3);
    for (const SignalName& s : signals)
        if (wanted == s.name) return s.number;
    if (!wanted.starts_with("RTMIN") && !wanted.starts_with("RTMAX")) return std::nullopt;
    bool from_min = wanted.starts_with("RTMIN");
    std::string_view rest = std::string_view(wanted).substr(5);
    if (rest.empty()) return from_min ? rt_min : rt_max;
    auto offset = rest[0] == (from_min ? '+' : '-') ? number(rest.substr(1)) : std::nullopt;
    if (!offset || *offset > rt_max - rt_min) return std::nullopt;
    return from_min ? rt_min + *offset : rt_max - *offset;
}

} // namespace davit::runtime
