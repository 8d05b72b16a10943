#include "runtime/seccomp.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/sys.hpp"
#include "runtime/seccomp_recent.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <set>
#include <sys/utsname.h>
#include <unistd.h>

namespace davit::runtime {

namespace {

// Part of the cache key: raise it when the table or the compiler below changes.
constexpr int compiler_version = 2;

struct ArchFamily {
    std::uint32_t native;
    const char* docker_name;
    std::vector<std::uint32_t> compat;
};

const std::vector<ArchFamily>& families() {
    static const std::vector<ArchFamily> table = {
        {SCMP_ARCH_X86_64, "amd64", {SCMP_ARCH_X86, SCMP_ARCH_X32}},
        {SCMP_ARCH_AARCH64, "arm64", {SCMP_ARCH_ARM}},
        {SCMP_ARCH_RISCV64, "riscv64", {}},
        {SCMP_ARCH_S390X, "s390x", {SCMP_ARCH_S390}},
        {SCMP_ARCH_PPC64LE, "ppc64le", {}},
        {SCMP_ARCH_ARM, "arm", {}},
        {SCMP_ARCH_X86, "x86", {}},
    };
    return table;
}

const ArchFamily& this_family() {
    std::uint32_t native = seccomp_arch_native();
    for (const auto& f : families())
        if (f.native == native) return f;
    throw error(Errc::unsupported, "no default seccomp profile is known for this architecture (libseccomp token {:#x})",
                native)
        .with_hint("run with security_opt: [seccomp=unconfined]");
}

bool has_cap(CapSet set, int cap) { return cap >= 0 && (set >> cap & 1) != 0; }

bool kernel_at_least(KernelVersion wanted) {
    utsname u{};
    ::uname(&u);
    KernelVersion have;
    const char* end = u.release + std::strlen(u.release);
    auto r = std::from_chars(u.release, end, have.major);
    if (r.ptr < end && *r.ptr == '.') std::from_chars(r.ptr + 1, end, have.minor);
    return have.major > wanted.major || (have.major == wanted.major && have.minor >= wanted.minor);
}

bool is_any(KernelVersion v) { return v.major == 0 && v.minor == 0; }

bool applies(const SeccompRule& rule, CapSet bounding, const std::string& arch) {
    auto holds = [&](int cap) { return has_cap(bounding, cap); };
    auto is_arch = [&](const std::string& a) { return a == arch; };
    if (!std::all_of(rule.with_caps.begin(), rule.with_caps.end(), holds)) return false;
    if (std::any_of(rule.without_caps.begin(), rule.without_caps.end(), holds)) return false;
    if (!rule.with_arches.empty() && std::none_of(rule.with_arches.begin(), rule.with_arches.end(), is_arch))
        return false;
    if (std::any_of(rule.without_arches.begin(), rule.without_arches.end(), is_arch)) return false;
    if (!is_any(rule.without_kernel) && kernel_at_least(rule.without_kernel)) return false;
    return is_any(rule.min_kernel) || kernel_at_least(rule.min_kernel);
}

struct Filter {
    scmp_filter_ctx ctx;
    explicit Filter(std::uint32_t default_action) : ctx(seccomp_init(default_action)) {
        if (!ctx) throw error(Errc::failed, "libseccomp refused the default action {:#x}", default_action);
    }
    ~Filter() { seccomp_release(ctx); }
    Filter(const Filter&) = delete;
};

// This machine's own always, and first: its calls are the most.
std::vector<std::uint32_t> add_architectures(Filter& filter, const SeccompProfile& profile) {
    std::vector<std::uint32_t> all{this_family().native};
    const auto& wanted = profile.architectures.empty() ? this_family().compat : profile.architectures;
    for (std::uint32_t arch : wanted) {
        if (std::find(all.begin(), all.end(), arch) != all.end()) continue;
        int rc = seccomp_arch_add(filter.ctx, arch);
        if (rc < 0 && rc != -EEXIST) throw sys_error(-rc, "adding the architecture {:#x} to a seccomp filter", arch);
        all.push_back(arch);
    }
    return all;
}

void add_call(Filter& filter, std::uint32_t action, const std::vector<SeccompArg>& conditions, int number,
              const std::string& name) {
    std::vector<scmp_arg_cmp> args;
    for (const auto& a : conditions) args.push_back({a.index, static_cast<scmp_compare>(a.op), a.value, a.value_two});
    int rc = seccomp_rule_add_array(filter.ctx, action, number, static_cast<unsigned>(args.size()), args.data());
    // EEXIST: an earlier rule says the same; EDOM: no such call on one of the architectures
    if (rc < 0 && rc != -EEXIST && rc != -EDOM) throw sys_error(-rc, "adding {} to a seccomp filter", name);
}

// A rule that tests one argument twice: libseccomp takes each argument once, and runc makes each condition a rule.
std::vector<std::vector<SeccompArg>> alternatives(const SeccompRule& rule) {
    std::set<unsigned> seen;
    bool twice = std::any_of(rule.args.begin(), rule.args.end(),
                             [&](const SeccompArg& a) { return !seen.insert(a.index).second; });
    if (!twice) return {rule.args};
    std::vector<std::vector<SeccompArg>> out;
    for (const SeccompArg& a : rule.args) out.push_back({a});
    return out;
}

// The highest number that the rule's author knew on this architecture.
void raise_highest(ArchPrologue& arch, const std::string& name) {
    int number = seccomp_syscall_resolve_name_arch(arch.arch, name.c_str());
    if (number > 0) arch.highest = std::max(arch.highest, static_cast<unsigned>(number) & ~x32_bit);
    if (auto newer = recent_syscall(name, arch.arch)) arch.highest = std::max(arch.highest, *newer);
}

// What libseccomp has a name for goes to the filter, the rest to what runs before it.
void add_rules(Filter& filter, const SeccompProfile& profile, CapSet bounding, std::vector<ArchPrologue>& prologue) {
    std::string docker_arch = this_family().docker_name;
    for (const auto& rule : profile.rules) {
        const bool acts = rule.action != profile.default_action && applies(rule, bounding, docker_arch);
        for (const auto& name : rule.names) {
            int number = seccomp_syscall_resolve_name(name.c_str());
            for (ArchPrologue& arch : prologue) {
                raise_highest(arch, name);
                if (!acts) continue;
                if (auto newer = recent_syscall(name, arch.arch))
                    for (auto& args : alternatives(rule)) arch.rules.push_back({*newer, rule.action, std::move(args)});
            }
            if (acts && number != __NR_SCMP_ERROR)
                for (const auto& args : alternatives(rule)) add_call(filter, rule.action, args, number, name);
        }
    }
}

std::string export_bpf(Filter& filter) {
    UniqueFd fd = sys::memfd("seccomp");
    int rc = seccomp_export_bpf(filter.ctx, fd.get());
    if (rc < 0) throw sys_error(-rc, "compiling a seccomp filter");
    ::lseek(fd.get(), 0, SEEK_SET);
    return sys::read_all(fd.get());
}

bool is_refusal(std::uint32_t action) {
    return action != SCMP_ACT_ALLOW && action != SCMP_ACT_LOG &&
           (action & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_TRACE && action != SCMP_ACT_ERRNO(ENOSYS);
}

std::string cache_key(const Seccomp& wanted, CapSet bounding) {
    const scmp_version* v = seccomp_version();
    utsname u{};
    ::uname(&u);
    std::string_view text = wanted.kind == Seccomp::Kind::docker_default ? std::string_view("docker-default")
                                                                         : std::string_view(wanted.json);
    return sha256_hex(fmt::format("{} {:#x} {}.{}.{} {:x} {}\n{}", compiler_version, seccomp_arch_native(), v->major,
                                  v->minor, v->micro, bounding, u.release, text));
}

} // namespace

std::string compile_profile(const SeccompProfile& profile, CapSet bounding) {
    Filter filter(profile.default_action);
    // A tree instead of a list: a third fewer emulated steps per call, and the result is kept anyway.
    seccomp_attr_set(filter.ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    // The shim, not libseccomp, loads the filter and decides about no_new_privs.
    seccomp_attr_set(filter.ctx, SCMP_FLTATR_CTL_NNP, 0);
    std::vector<ArchPrologue> prologue;
    for (std::uint32_t arch : add_architectures(filter, profile))
        prologue.push_back({arch, 0, is_refusal(profile.default_action), {}});
    add_rules(filter, profile, bounding, prologue);
    std::string program = export_bpf(filter);
    auto head = seccomp_prologue(prologue);
    std::string out(reinterpret_cast<const char*>(head.data()), head.size() * sizeof(sock_filter));
    out += program;
    if (out.size() / sizeof(sock_filter) > BPF_MAXINSNS)
        throw error(Errc::invalid_project, "the seccomp profile compiles to {} instructions; the kernel takes {}",
                    out.size() / sizeof(sock_filter), BPF_MAXINSNS);
    return out;
}

std::vector<std::string> unknown_refused_calls(const SeccompProfile& profile) {
    std::set<std::string> names;
    for (const auto& rule : profile.rules) {
        if (!is_refusal(rule.action) || rule.action == profile.default_action) continue;
        for (const auto& name : rule.names)
            if (seccomp_syscall_resolve_name(name.c_str()) == __NR_SCMP_ERROR &&
                !recent_syscall(name, this_family().native))
                names.insert(name);
    }
    return {names.begin(), names.end()};
}

std::string compile_seccomp(const Seccomp& wanted, CapSet bounding, const std::string& cache_dir) {
    if (wanted.kind == Seccomp::Kind::unconfined) return {};
    std::string path;
    if (!cache_dir.empty()) {
        path = cache_dir + "/" + cache_key(wanted, bounding) + ".bpf";
        auto kept = read_file_if_exists(path);
        if (kept && !kept->empty() && kept->size() % sizeof(sock_filter) == 0) return *kept;
    }
    const SeccompProfile profile = wanted.kind == Seccomp::Kind::docker_default
                                       ? docker_default_profile()
                                       : seccomp_profile_from_json(wanted.json, wanted.source_name);
    if (profile.disabled) return {};
    std::string program = compile_profile(profile, bounding);
    if (!path.empty()) {
        sys::make_dirs(cache_dir);
        write_file_atomic(path, program, 0600, false);
    }
    return program;
}

} // namespace davit::runtime
