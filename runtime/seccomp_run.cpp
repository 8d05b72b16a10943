#include "runtime/seccomp_run.hpp"

#include "runtime/exec/arch.hpp"
#include "runtime/exec/birth.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <linux/filter.h>
#include <linux/seccomp.h>

namespace davit::runtime {
namespace {

constexpr std::uint32_t refused = SECCOMP_RET_KILL_PROCESS;

// Classic BPF as seccomp(2) admits it: jumps go forward only, so every program ends.
class Machine {
public:
    Machine(std::string_view filter, const seccomp_data& data) : filter_(filter), data_(data) {}

    std::uint32_t run() {
        const std::size_t count = filter_.size() / sizeof(sock_filter);
        for (std::size_t at = 0; at < count; ++at) {
            sock_filter in;
            std::memcpy(&in, filter_.data() + at * sizeof in, sizeof in);
            if (BPF_CLASS(in.code) == BPF_RET) return BPF_RVAL(in.code) == BPF_A ? a_ : in.k;
            if (BPF_CLASS(in.code) == BPF_JMP) at += jump(in);
            else if (!step(in)) return refused;
        }
        return refused;
    }

private:
    std::size_t jump(const sock_filter& in) const {
        if (BPF_OP(in.code) == BPF_JA) return in.k;
        const std::uint32_t k = BPF_SRC(in.code) == BPF_X ? x_ : in.k;
        const bool yes = BPF_OP(in.code) == BPF_JEQ   ? a_ == k
                         : BPF_OP(in.code) == BPF_JGT ? a_ > k
                         : BPF_OP(in.code) == BPF_JGE ? a_ >= k
                                                      : (a_ & k) != 0;
        return yes ? in.jt : in.jf;
    }

    bool step(const sock_filter& in) {
        switch (in.code) {
        case BPF_LD | BPF_W | BPF_ABS: return load(in.k);
        case BPF_LD | BPF_W | BPF_LEN: a_ = sizeof data_; return true;
        case BPF_LDX | BPF_W | BPF_LEN: x_ = sizeof data_; return true;
        case BPF_LD | BPF_IMM: a_ = in.k; return true;
        case BPF_LDX | BPF_IMM: x_ = in.k; return true;
        case BPF_LD | BPF_MEM: return in.k < std::size(memory_) && (a_ = memory_[in.k], true);
        case BPF_LDX | BPF_MEM: return in.k < std::size(memory_) && (x_ = memory_[in.k], true);
        case BPF_ST: return in.k < std::size(memory_) && (memory_[in.k] = a_, true);
        case BPF_STX: return in.k < std::size(memory_) && (memory_[in.k] = x_, true);
        case BPF_MISC | BPF_TAX: x_ = a_; return true;
        case BPF_MISC | BPF_TXA: a_ = x_; return true;
        default: return BPF_CLASS(in.code) == BPF_ALU && compute(in);
        }
    }

    bool load(std::uint32_t offset) {
        if (offset % 4 != 0 || offset > sizeof data_ - 4) return false;
        std::memcpy(&a_, reinterpret_cast<const char*>(&data_) + offset, 4);
        return true;
    }

    bool compute(const sock_filter& in) {
        const std::uint32_t k = BPF_SRC(in.code) == BPF_X ? x_ : in.k;
        switch (BPF_OP(in.code)) {
        case BPF_ADD: a_ += k; return true;
        case BPF_SUB: a_ -= k; return true;
        case BPF_MUL: a_ *= k; return true;
        case BPF_DIV: return k != 0 && (a_ /= k, true);
        case BPF_OR: a_ |= k; return true;
        case BPF_AND: a_ &= k; return true;
        case BPF_XOR: a_ ^= k; return true;
        case BPF_LSH: return k < 32 && (a_ <<= k, true);
        case BPF_RSH: return k < 32 && (a_ >>= k, true);
        case BPF_NEG: a_ = ~a_ + 1; return true;
        default: return false;
        }
    }

    std::string_view filter_;
    const seccomp_data& data_;
    std::uint32_t a_ = 0, x_ = 0, memory_[BPF_MEMWORDS] = {};
};

} // namespace

std::uint32_t run_filter(std::string_view filter, long number, const std::array<std::uint64_t, 6>& args) {
    seccomp_data data{};
    data.nr = static_cast<int>(number);
    data.arch = exec::native_audit_arch;
    std::copy(args.begin(), args.end(), std::begin(data.args));
    return Machine(filter, data).run();
}

bool allows_birth(std::string_view filter) {
    return std::all_of(std::begin(exec::filtered_calls), std::end(exec::filtered_calls),
                       [&](const exec::FilteredCall& call) {
                           const std::uint32_t said =
                               run_filter(filter, call.number, {call.args[0], call.args[1], call.args[2], 0, 0, 0}) &
                               SECCOMP_RET_ACTION_FULL;
                           return said == SECCOMP_RET_ALLOW || said == SECCOMP_RET_LOG;
                       });
}

} // namespace davit::runtime
