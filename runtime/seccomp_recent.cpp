#include "runtime/seccomp_recent.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <linux/seccomp.h>
#include <seccomp.h>

namespace davit::runtime {

namespace {

struct Recent {
    const char* name;
    unsigned number;
};
// The same on all architectures since 424.
constexpr Recent recent[] = {
    {"cachestat", 451},         {"fchmodat2", 452},         {"map_shadow_stack", 453}, {"futex_wake", 454},
    {"futex_wait", 455},        {"futex_requeue", 456},     {"statmount", 457},        {"listmount", 458},
    {"lsm_get_self_attr", 459}, {"lsm_set_self_attr", 460}, {"lsm_list_modules", 461}, {"mseal", 462},
    {"setxattrat", 463},        {"getxattrat", 464},        {"listxattrat", 465},      {"removexattrat", 466},
    {"open_tree_attr", 467},    {"file_getattr", 468},      {"file_setattr", 469},     {"listns", 470},
    {"rseq_slice_yield", 471},
};

bool is_32_bit(std::uint32_t arch) {
    return arch == SCMP_ARCH_X32 || !(arch & 0x80000000U); // __AUDIT_ARCH_64BIT
}

sock_filter statement(unsigned code, std::uint32_t k) { return {static_cast<std::uint16_t>(code), 0, 0, k}; }
sock_filter jump(unsigned code, std::uint32_t k, std::size_t yes, std::size_t no) {
    return {static_cast<std::uint16_t>(code), static_cast<std::uint8_t>(yes), static_cast<std::uint8_t>(no), k};
}
sock_filter load(std::size_t offset) { return statement(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)); }

// ---- one condition on an argument: jumps to its end when it holds, and out of the rule when it does not

enum class To { next, holds, fails };
struct Jump {
    unsigned test; // BPF_JEQ, BPF_JGT, BPF_JGE
    std::uint32_t value;
    To yes, no;
};

constexpr std::size_t half(unsigned index, bool high) {
    bool second = high == (std::endian::native == std::endian::little);
    return offsetof(seccomp_data, args) + index * sizeof(std::uint64_t) + (second ? 4 : 0);
}

// Of the low half, once the high halves are found equal; the same for the whole where there is no high half.
std::vector<Jump> compare_low(int op, std::uint32_t v) {
    switch (op) {
    case SCMP_CMP_NE: return {{BPF_JEQ, v, To::fails, To::holds}};
    case SCMP_CMP_LT: return {{BPF_JGE, v, To::fails, To::holds}};
    case SCMP_CMP_LE: return {{BPF_JGT, v, To::fails, To::holds}};
    case SCMP_CMP_GE: return {{BPF_JGE, v, To::holds, To::fails}};
    case SCMP_CMP_GT: return {{BPF_JGT, v, To::holds, To::fails}};
    default: return {{BPF_JEQ, v, To::holds, To::fails}}; // EQ, MASKED_EQ
    }
}

// Of the high half: where it differs it decides.
std::vector<Jump> compare_high(int op, std::uint32_t v) {
    switch (op) {
    case SCMP_CMP_NE: return {{BPF_JEQ, v, To::next, To::holds}};
    case SCMP_CMP_LT:
    case SCMP_CMP_LE: return {{BPF_JGT, v, To::fails, To::next}, {BPF_JEQ, v, To::next, To::holds}};
    case SCMP_CMP_GE:
    case SCMP_CMP_GT: return {{BPF_JGT, v, To::holds, To::next}, {BPF_JEQ, v, To::next, To::fails}};
    default: return {{BPF_JEQ, v, To::next, To::fails}};
    }
}

class Rule {
public:
    explicit Rule(bool only_low) : only_low_(only_low) {}

    void condition(const SeccompArg& a) {
        bool masked = a.op == SCMP_CMP_MASKED_EQ;
        std::uint64_t value = masked ? a.value_two : a.value, mask = masked ? a.value : ~std::uint64_t{0};
        begin_ = code_.size();
        if (!only_low_)
            part(half(a.index, true), mask >> 32, compare_high(a.op, static_cast<std::uint32_t>(value >> 32)));
        part(half(a.index, false), mask, compare_low(a.op, static_cast<std::uint32_t>(value)));
        resolve(To::holds, begin_);
    }

    std::vector<sock_filter> finish(std::uint32_t action) {
        code_.push_back(statement(BPF_RET | BPF_K, action));
        resolve(To::fails, 0);
        return std::move(code_);
    }

private:
    struct Open {
        std::size_t at;
        bool yes;
        To to;
    };

    void part(std::size_t offset, std::uint64_t mask, const std::vector<Jump>& jumps) {
        code_.push_back(load(offset));
        if (static_cast<std::uint32_t>(mask) != ~std::uint32_t{0})
            code_.push_back(statement(BPF_ALU | BPF_AND | BPF_K, static_cast<std::uint32_t>(mask)));
        for (const Jump& j : jumps) {
            if (j.yes != To::next) open_.push_back({code_.size(), true, j.yes});
            if (j.no != To::next) open_.push_back({code_.size(), false, j.no});
            code_.push_back(jump(BPF_JMP | j.test | BPF_K, j.value, 0, 0));
        }
    }

    // All open jumps of this kind lead behind the last instruction. A rule is at most 6 × 7 + 1 long.
    void resolve(To to, std::size_t from) {
        std::erase_if(open_, [&](const Open& o) {
            if (o.to != to || o.at < from) return false;
            auto distance = static_cast<std::uint8_t>(code_.size() - o.at - 1);
            (o.yes ? code_[o.at].jt : code_[o.at].jf) = distance;
            return true;
        });
    }

    bool only_low_;
    std::size_t begin_ = 0;
    std::vector<sock_filter> code_;
    std::vector<Open> open_;
};

// ---- one architecture

void append(std::vector<sock_filter>& out, const std::vector<sock_filter>& more) {
    out.insert(out.end(), more.begin(), more.end());
}

// Skips `body` unless the test holds; conditional jumps reach 255 instructions only.
void guarded(std::vector<sock_filter>& out, unsigned test, std::uint32_t value, const std::vector<sock_filter>& body) {
    out.push_back(jump(BPF_JMP | test | BPF_K, value, 1, 0));
    out.push_back(statement(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(body.size())));
    append(out, body);
}

std::vector<sock_filter> one_call(unsigned number, const std::vector<const RecentRule*>& rules, bool only_low) {
    auto plain = std::find_if(rules.begin(), rules.end(), [](const RecentRule* r) { return r->args.empty(); });
    std::vector<sock_filter> out, body;
    if (plain != rules.end()) {
        out.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
        out.push_back(statement(BPF_RET | BPF_K, (*plain)->action));
        return out;
    }
    for (const RecentRule* r : rules) {
        Rule code(only_low);
        for (const SeccompArg& a : r->args) code.condition(a);
        append(body, code.finish(r->action));
    }
    body.push_back(load(offsetof(seccomp_data, nr))); // for the calls that follow
    guarded(out, BPF_JEQ, number, body);
    return out;
}

std::vector<sock_filter> calls_of(const ArchPrologue& arch) {
    const std::uint32_t bit = arch.arch == SCMP_ARCH_X32 ? x32_bit : 0;
    std::vector<sock_filter> out;
    if (arch.unknown_is_enosys && arch.highest > 0) { // 0: the author named no call of this architecture
        out.push_back(jump(BPF_JMP | BPF_JGT | BPF_K, arch.highest | bit, 0, 1));
        out.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
    }
    std::vector<unsigned> numbers;
    for (const RecentRule& r : arch.rules) numbers.push_back(r.number);
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    std::vector<sock_filter> calls;
    for (unsigned number : numbers) {
        std::vector<const RecentRule*> rules;
        for (const RecentRule& r : arch.rules)
            if (r.number == number) rules.push_back(&r);
        append(calls, one_call(number | bit, rules, is_32_bit(arch.arch)));
    }
    // Nearly all calls are older than these.
    if (!numbers.empty()) guarded(out, BPF_JGE, numbers.front() | bit, calls);
    return out;
}

std::vector<sock_filter> section(const ArchPrologue& arch) {
    const bool x32 = arch.arch == SCMP_ARCH_X32;
    std::vector<sock_filter> body{load(offsetof(seccomp_data, nr))};
    std::vector<sock_filter> calls = calls_of(arch);
    // x32 calls come under the token of x86_64 and are told by a bit of their number.
    if (x32) {
        guarded(body, BPF_JGE, x32_bit, calls);
    } else if (arch.arch == SCMP_ARCH_X86_64) {
        body.push_back(jump(BPF_JMP | BPF_JGE | BPF_K, x32_bit, 0, 1));
        body.push_back(statement(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(calls.size())));
        append(body, calls);
    } else append(body, calls);
    std::vector<sock_filter> out{load(offsetof(seccomp_data, arch))};
    guarded(out, BPF_JEQ, x32 ? std::uint32_t{SCMP_ARCH_X86_64} : arch.arch, body);
    return out;
}

} // namespace

std::vector<sock_filter> seccomp_prologue(const std::vector<ArchPrologue>& sections) {
    std::vector<sock_filter> out;
    for (const ArchPrologue& arch : sections)
        if (arch.unknown_is_enosys || !arch.rules.empty()) append(out, section(arch));
    return out;
}

std::optional<unsigned> recent_syscall(std::string_view name, std::uint32_t arch) {
    if (seccomp_syscall_resolve_name(std::string(name).c_str()) != __NR_SCMP_ERROR) return std::nullopt;
    for (const auto& r : recent)
        if (name == r.name) return r.number;
    if (arch != SCMP_ARCH_X86_64) return std::nullopt;
    if (name == "uretprobe") return 335;
    if (name == "uprobe") return 336;
    return std::nullopt;
}

} // namespace davit::runtime
