#include "base/json_text.hpp"
#include "runtime/seccomp.hpp"

#include "base/error.hpp"
#include "runtime/defaults.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <iterator>
#include <linux/seccomp.h>
#include <nlohmann/json.hpp>
#include <seccomp.h>

namespace davit::runtime {

namespace {

using nlohmann::json;

struct Word {
    const char* text;
    std::uint32_t value;
};

constexpr Word architectures[] = {
    {"SCMP_ARCH_X86_64", SCMP_ARCH_X86_64},
    {"SCMP_ARCH_X86", SCMP_ARCH_X86},
    {"SCMP_ARCH_X32", SCMP_ARCH_X32},
    {"SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64},
    {"SCMP_ARCH_ARM", SCMP_ARCH_ARM},
    {"SCMP_ARCH_RISCV64", SCMP_ARCH_RISCV64},
    {"SCMP_ARCH_S390X", SCMP_ARCH_S390X},
    {"SCMP_ARCH_S390", SCMP_ARCH_S390},
    {"SCMP_ARCH_PPC64LE", SCMP_ARCH_PPC64LE},
    {"SCMP_ARCH_PPC64", SCMP_ARCH_PPC64},
    {"SCMP_ARCH_PPC", SCMP_ARCH_PPC},
    {"SCMP_ARCH_MIPS64", SCMP_ARCH_MIPS64},
    {"SCMP_ARCH_MIPS", SCMP_ARCH_MIPS},
    {"SCMP_ARCH_MIPS64N32", SCMP_ARCH_MIPS64N32},
    {"SCMP_ARCH_MIPSEL64", SCMP_ARCH_MIPSEL64},
    {"SCMP_ARCH_MIPSEL", SCMP_ARCH_MIPSEL},
    {"SCMP_ARCH_MIPSEL64N32", SCMP_ARCH_MIPSEL64N32},
};

constexpr Word comparisons[] = {
    {"SCMP_CMP_NE", SCMP_CMP_NE},
    {"SCMP_CMP_LT", SCMP_CMP_LT},
    {"SCMP_CMP_LE", SCMP_CMP_LE},
    {"SCMP_CMP_EQ", SCMP_CMP_EQ},
    {"SCMP_CMP_GE", SCMP_CMP_GE},
    {"SCMP_CMP_GT", SCMP_CMP_GT},
    {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
};

constexpr Word filter_flags[] = {
    {"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC},
    {"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
};

template <std::size_t N>
std::uint32_t find(const Word (&table)[N], const std::string& text, const char* what) {
    for (const auto& w : table)
        if (text == w.text) return w.value;
    throw error(Errc::invalid_project, "{} is no {}", davit::json::text(json(text)), what);
}

std::uint32_t action_of(const std::string& text, unsigned errno_value) {
    if (text == "SCMP_ACT_ALLOW") return SCMP_ACT_ALLOW;
    if (text == "SCMP_ACT_ERRNO") return SCMP_ACT_ERRNO(errno_value);
    if (text == "SCMP_ACT_KILL" || text == "SCMP_ACT_KILL_THREAD") return SCMP_ACT_KILL_THREAD;
    if (text == "SCMP_ACT_KILL_PROCESS") return SCMP_ACT_KILL_PROCESS;
    if (text == "SCMP_ACT_TRAP") return SCMP_ACT_TRAP;
    if (text == "SCMP_ACT_LOG") return SCMP_ACT_LOG;
    if (text == "SCMP_ACT_TRACE") return SCMP_ACT_TRACE(errno_value);
    if (text == "SCMP_ACT_NOTIFY")
        throw error(Errc::unsupported, "SCMP_ACT_NOTIFY needs a seccomp agent, which davit has not");
    throw error(Errc::invalid_project, "{} is no seccomp action", davit::json::text(json(text)))
        .with_hint("SCMP_ACT_ALLOW, SCMP_ACT_ERRNO, SCMP_ACT_KILL …");
}

std::vector<std::string> strings(const json& object, const char* key) {
    auto it = object.find(key);
    return it == object.end() || it->is_null() ? std::vector<std::string>{} : it->get<std::vector<std::string>>();
}

constexpr int no_capability = -1; // an unknown name: nobody has it

std::vector<int> caps(const json& object) {
    std::vector<int> out;
    for (const auto& name : strings(object, "caps")) out.push_back(capability_from_name(name).value_or(no_capability));
    return out;
}

KernelVersion kernel(const json& object) {
    KernelVersion v;
    const std::string text = object.value("minKernel", "");
    if (text.empty()) return v;
    const char* end = text.data() + text.size();
    auto major = std::from_chars(text.data(), end, v.major);
    bool ok = major.ec == std::errc() && major.ptr < end && *major.ptr == '.';
    if (ok) {
        auto minor = std::from_chars(major.ptr + 1, end, v.minor);
        ok = minor.ec == std::errc() && minor.ptr == end;
    }
    if (!ok)
        throw error(Errc::invalid_project, "invalid kernel version: {}, expected \"<kernel>.<major>\"",
                    davit::json::text(json(text)));
    return v;
}

void read_conditions(const json& entry, SeccompRule& rule) {
    if (auto it = entry.find("includes"); it != entry.end() && it->is_object()) {
        rule.with_caps = caps(*it);
        rule.with_arches = strings(*it, "arches");
        rule.min_kernel = kernel(*it);
    }
    if (auto it = entry.find("excludes"); it != entry.end() && it->is_object()) {
        rule.without_caps = caps(*it);
        rule.without_arches = strings(*it, "arches");
        rule.without_kernel = kernel(*it);
    }
}

SeccompRule read_rule(const json& entry, unsigned default_errno) {
    SeccompRule rule;
    rule.names = strings(entry, "names");
    if (const std::string name = entry.value("name", ""); !name.empty()) {
        if (!rule.names.empty())
            throw error(Errc::invalid_project,
                        "both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'");
        rule.names.push_back(name);
    }
    rule.action = action_of(entry.value("action", ""), entry.value("errnoRet", default_errno));
    if (auto it = entry.find("args"); it != entry.end() && it->is_array())
        for (const auto& a : *it)
            rule.args.push_back({a.value("index", 0u),
                                 static_cast<int>(find(comparisons, a.value("op", ""), "seccomp comparison")),
                                 a.value("value", std::uint64_t{0}), a.value("valueTwo", std::uint64_t{0})});
    for (const auto& a : rule.args)
        if (a.index > 5)
            throw error(Errc::invalid_project, "argument {} of {} does not exist: calls have 6", a.index,
                        rule.names.empty() ? "?" : rule.names[0]);
    read_conditions(entry, rule);
    return rule;
}

void read_architectures(const json& root, SeccompProfile& p) {
    for (const auto& arch : strings(root, "architectures"))
        p.architectures.push_back(find(architectures, arch, "seccomp architecture"));
    auto map = root.find("archMap");
    if (map == root.end() || !map->is_array() || map->empty()) return;
    if (!p.architectures.empty())
        throw error(Errc::invalid_project, "both 'architectures' and 'archMap' are specified in the seccomp profile, "
                                           "use either 'architectures' or 'archMap'");
    for (const auto& entry : *map) {
        const std::string name = entry.value("architecture", ""); // of machines that davit does not know, too
        if (std::none_of(std::begin(architectures), std::end(architectures),
                         [&](const Word& w) { return name == w.text && w.value == seccomp_arch_native(); }))
            continue;
        p.architectures.push_back(seccomp_arch_native());
        for (const auto& sub : strings(entry, "subArchitectures"))
            p.architectures.push_back(find(architectures, sub, "seccomp architecture"));
    }
}

SeccompProfile read_profile(const json& root) {
    if (!root.is_object()) throw error(Errc::invalid_project, "a seccomp profile is a JSON object");
    SeccompProfile p;
    auto calls = root.find("syscalls");
    p.disabled =
        root.value("defaultAction", "").empty() && (calls == root.end() || !calls->is_array() || calls->empty());
    if (p.disabled) return p;
    unsigned default_errno = root.value("defaultErrnoRet", static_cast<unsigned>(EPERM));
    p.default_action = action_of(root.value("defaultAction", ""), default_errno);
    read_architectures(root, p);
    // Where a profile names no flags, not even none, runc lets speculation be: the filter then costs nothing there.
    if (auto it = root.find("flags"); it == root.end() || it->is_null()) p.flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    for (const auto& flag : strings(root, "flags")) p.flags |= find(filter_flags, flag, "flag of a seccomp filter");
    if (calls != root.end() && calls->is_array())
        for (const auto& entry : *calls) p.rules.push_back(read_rule(entry, EPERM));
    return p;
}

} // namespace

SeccompProfile seccomp_profile_from_json(const std::string& text, const std::string& file) {
    return in_context("reading the seccomp profile " + file, [&] {
        try {
            return read_profile(davit::json::parse_text(text));
        } catch (const json::exception& e) {
            throw error(Errc::invalid_project, "{} is no seccomp profile: {}", file, e.what())
                .with_hint("Docker's format: {\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"names\": "
                           "[\"read\"], \"action\": \"SCMP_ACT_ALLOW\"}]}");
        }
    });
}

} // namespace davit::runtime
