#include "runtime/seccomp.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <memory>
#include <seccomp.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace davit::runtime {

namespace {

// Part of the cache key: raise it when the table or the compiler below changes.
constexpr int compiler_version = 1;
constexpr std::uint32_t x32_bit = 0x40000000;

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
    throw error(Errc::unsupported, "no default seccomp profile is known for this architecture (libseccomp token {:#x})", native)
        .with_hint("run with security_opt: [seccomp=unconfined]");
}

struct Recent {
    const char* name;
    unsigned number;
};
constexpr Recent recent[] = {
    {"cachestat", 451},  {"fchmodat2", 452},  {"map_shadow_stack", 453},  {"futex_wake", 454},    {"futex_wait", 455},
    {"futex_requeue", 456}, {"statmount", 457}, {"listmount", 458},       {"lsm_get_self_attr", 459}, {"lsm_set_self_attr", 460},
    {"lsm_list_modules", 461}, {"mseal", 462}, {"setxattrat", 463},       {"getxattrat", 464},    {"listxattrat", 465},
    {"removexattrat", 466}, {"open_tree_attr", 467}, {"file_getattr", 468}, {"file_setattr", 469},
};

bool has_cap(CapSet set, int cap) { return (set >> cap & 1) != 0; }

bool kernel_at_least(unsigned major, unsigned minor) {
    utsname u{};
    ::uname(&u);
    unsigned have_major = 0, have_minor = 0;
    const char* end = u.release + std::strlen(u.release);
    auto r = std::from_chars(u.release, end, have_major);
    if (r.ptr < end && *r.ptr == '.') std::from_chars(r.ptr + 1, end, have_minor);
    return have_major > major || (have_major == major && have_minor >= minor);
}

bool applies(const SeccompRule& rule, CapSet bounding, const std::string& arch) {
    auto holds = [&](int cap) { return has_cap(bounding, cap); };
    auto is_arch = [&](const std::string& a) { return a == arch; };
    if (!std::all_of(rule.with_caps.begin(), rule.with_caps.end(), holds)) return false;
    if (std::any_of(rule.without_caps.begin(), rule.without_caps.end(), holds)) return false;
    if (!rule.with_arches.empty() && std::none_of(rule.with_arches.begin(), rule.with_arches.end(), is_arch)) return false;
    if (std::any_of(rule.without_arches.begin(), rule.without_arches.end(), is_arch)) return false;
    return rule.min_kernel_major == 0 || kernel_at_least(rule.min_kernel_major, rule.min_kernel_minor);
}

struct Filter {
    scmp_filter_ctx ctx;
    explicit Filter(std::uint32_t default_action) : ctx(seccomp_init(default_action)) {
        if (!ctx) throw error(Errc::failed, "libseccomp refused the default action {:#x}", default_action);
    }
    ~Filter() { seccomp_release(ctx); }
    Filter(const Filter&) = delete;
};

void add_architectures(Filter& filter, const SeccompProfile& profile) {
    std::vector<std::uint32_t> wanted = profile.architectures;
    if (wanted.empty()) {
        wanted = this_family().compat;
        wanted.push_back(this_family().native);
    }
    for (std::uint32_t arch : wanted) {
        int rc = seccomp_arch_add(filter.ctx, arch);
        if (rc < 0 && rc != -EEXIST) throw sys_error(-rc, "adding the architecture {:#x} to a seccomp filter", arch);
    }
}

void add_call(Filter& filter, const SeccompRule& rule, int number, const std::string& name) {
    std::vector<scmp_arg_cmp> args;
    for (const auto& a : rule.args)
        args.push_back({a.index, static_cast<scmp_compare>(a.op), a.value, a.value_two});
    int rc = seccomp_rule_add_array(filter.ctx, rule.action, number, static_cast<unsigned>(args.size()), args.data());
    // EEXIST: an earlier rule says the same; EDOM: no such call on one of the architectures
    if (rc < 0 && rc != -EEXIST && rc != -EDOM) throw sys_error(-rc, "adding {} to a seccomp filter", name);
}

// Calls that libseccomp cannot name, and the highest number the profile knows.
struct Extras {
    std::vector<std::pair<unsigned, std::uint32_t>> actions; // number, SCMP action
    unsigned highest = 0;
};

Extras add_rules(Filter& filter, const SeccompProfile& profile, CapSet bounding) {
    Extras extras;
    std::string arch = this_family().docker_name;
    for (const auto& rule : profile.rules) {
        for (const auto& name : rule.names) {
            int number = seccomp_syscall_resolve_name(name.c_str());
            auto newer = recent_syscall(name);
            if (number > 0) extras.highest = std::max(extras.highest, static_cast<unsigned>(number));
            if (newer) extras.highest = std::max(extras.highest, *newer);
            if (rule.action == profile.default_action || !applies(rule, bounding, arch)) continue;
            if (newer && number == __NR_SCMP_ERROR) {
                if (rule.args.empty()) extras.actions.emplace_back(*newer, rule.action);
            } else if (number != __NR_SCMP_ERROR) {
                add_call(filter, rule, number, name);
            }
        }
    }
    return extras;
}

std::string export_bpf(Filter& filter) {
    UniqueFd fd = sys::memfd("seccomp");
    int rc = seccomp_export_bpf(filter.ctx, fd.get());
    if (rc < 0) throw sys_error(-rc, "compiling a seccomp filter");
    ::lseek(fd.get(), 0, SEEK_SET);
    return sys::read_all(fd.get());
}

sock_filter statement(std::uint16_t code, std::uint32_t k) { return {code, 0, 0, k}; }
sock_filter jump(std::uint16_t code, std::uint32_t k, unsigned yes, unsigned no) {
    return {code, static_cast<std::uint8_t>(yes), static_cast<std::uint8_t>(no), k};
}

// Runs before libseccomp's program: decides the calls which that cannot name, and gives ENOSYS for
// numbers beyond all that the profile's author knew, so that programs fall back instead of failing
// with EPERM (the reason runc patches its filters as well). All other calls fall through.
std::vector<sock_filter> prologue(std::uint32_t arch, const Extras& extras, bool unknown_is_enosys) {
    std::vector<sock_filter> body;
    body.push_back(statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
    if (arch == SCMP_ARCH_X86_64) // x32 calls come under the same token: leave them alone
        body.push_back(jump(BPF_JMP | BPF_JGE | BPF_K, x32_bit, 0, 0));
    std::size_t x32_check = body.size() - 1;
    if (unknown_is_enosys) {
        body.push_back(jump(BPF_JMP | BPF_JGT | BPF_K, extras.highest, 0, 1));
        body.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
    }
    for (const auto& [number, action] : extras.actions) { // libseccomp's words are the kernel's
        body.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
        body.push_back(statement(BPF_RET | BPF_K, action));
    }
    if (arch == SCMP_ARCH_X86_64) body[x32_check].jt = static_cast<std::uint8_t>(body.size() - x32_check - 1);
    std::vector<sock_filter> out;
    out.push_back(statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)));
    out.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, arch, 0, static_cast<unsigned>(body.size())));
    out.insert(out.end(), body.begin(), body.end());
    return out;
}

bool is_refusal(std::uint32_t action) {
    return action != SCMP_ACT_ALLOW && action != SCMP_ACT_LOG && (action & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_TRACE &&
           action != SCMP_ACT_ERRNO(ENOSYS);
}

std::string cache_key(const Seccomp& wanted, CapSet bounding) {
    const scmp_version* v = seccomp_version();
    utsname u{};
    ::uname(&u);
    std::string_view text = wanted.kind == Seccomp::Kind::docker_default ? std::string_view("docker-default") : std::string_view(wanted.json);
    return sha256_hex(fmt::format("{} {:#x} {}.{}.{} {:x} {}\n{}", compiler_version, seccomp_arch_native(), v->major, v->minor,
                                  v->micro, bounding, u.release, text));
}

} // namespace

std::optional<unsigned> recent_syscall(std::string_view name) {
    for (const auto& r : recent)
        if (name == r.name) return r.number;
    if (name == "uretprobe" && seccomp_arch_native() == SCMP_ARCH_X86_64) return 335;
    return std::nullopt;
}

std::string compile_profile(const SeccompProfile& profile, CapSet bounding) {
    Filter filter(profile.default_action);
    // A tree instead of a list: a third fewer emulated steps per call, and the result is kept anyway.
    seccomp_attr_set(filter.ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    // The shim, not libseccomp, loads the filter and decides about no_new_privs.
    seccomp_attr_set(filter.ctx, SCMP_FLTATR_CTL_NNP, 0);
    add_architectures(filter, profile);
    Extras extras = add_rules(filter, profile, bounding);
    std::string program = export_bpf(filter);
    auto head = prologue(this_family().native, extras, is_refusal(profile.default_action));
    std::string out(reinterpret_cast<const char*>(head.data()), head.size() * sizeof(sock_filter));
    out += program;
    if (out.size() / sizeof(sock_filter) > BPF_MAXINSNS)
        throw error(Errc::invalid_project, "the seccomp profile compiles to {} instructions; the kernel takes {}",
                    out.size() / sizeof(sock_filter), BPF_MAXINSNS);
    return out;
}

unsigned seccomp_filter_flags(const SeccompProfile& profile) {
    unsigned flags = 0;
    for (const auto& f : profile.flags) {
        if (f == "SECCOMP_FILTER_FLAG_TSYNC") flags |= SECCOMP_FILTER_FLAG_TSYNC;
        else if (f == "SECCOMP_FILTER_FLAG_LOG") flags |= SECCOMP_FILTER_FLAG_LOG;
        else if (f == "SECCOMP_FILTER_FLAG_SPEC_ALLOW") flags |= SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    }
    return flags;
}

std::string compile_seccomp(const Seccomp& wanted, CapSet bounding, const std::string& cache_dir) {
    if (wanted.kind == Seccomp::Kind::unconfined) return {};
    std::string path;
    if (!cache_dir.empty()) {
        path = cache_dir + "/" + cache_key(wanted, bounding) + ".bpf";
        auto kept = read_file_if_exists(path);
        if (kept && !kept->empty() && kept->size() % sizeof(sock_filter) == 0) return *kept;
    }
    std::string program = wanted.kind == Seccomp::Kind::docker_default
                              ? compile_profile(docker_default_profile(), bounding)
                              : compile_profile(seccomp_profile_from_json(wanted.json, wanted.source_name), bounding);
    if (!path.empty()) {
        sys::make_dirs(cache_dir);
        write_file_atomic(path, program, 0600, false);
    }
    return program;
}

} // namespace davit::runtime
