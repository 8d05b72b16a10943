// Device rules as an eBPF program for cgroup v2. Later rules win, so they are tried from the last:
// an allowing rule must cover all of the access asked for, a denying one any of it.
#include "runtime/steps/parts.hpp"

#include <cstring>
#include <linux/bpf.h>

namespace davit::runtime {
namespace {

class Assembler {
public:
    void emit(std::uint8_t code, unsigned dst, unsigned src, std::int16_t off, std::int32_t imm) {
        bpf_insn insn{};
        insn.code = code;
        insn.dst_reg = dst & 15U;
        insn.src_reg = src & 15U;
        insn.off = off;
        insn.imm = imm;
        code_.push_back(insn);
    }
    void load(unsigned dst, std::int16_t field) { emit(BPF_LDX | BPF_MEM | BPF_W, dst, BPF_REG_1, field, 0); }
    void move(unsigned dst, unsigned src) { emit(BPF_ALU | BPF_MOV | BPF_X, dst, src, 0, 0); }
    void op(std::uint8_t operation, unsigned dst, std::int32_t imm) {
        emit(static_cast<std::uint8_t>(BPF_ALU | operation | BPF_K), dst, 0, 0, imm);
    }
    // Skips to the end of the rule when the comparison holds.
    void skip_if(std::uint8_t comparison, unsigned dst, std::int32_t imm) {
        skips_.push_back(code_.size());
        emit(static_cast<std::uint8_t>(BPF_JMP | comparison | BPF_K), dst, 0, 0, imm);
    }
    void give(bool allow) {
        emit(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, allow);
        emit(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
    }
    // false: nothing skipped the rule, so no instruction after it can be reached.
    bool end_rule() {
        bool passable = !skips_.empty();
        for (std::size_t at : skips_) code_[at].off = static_cast<std::int16_t>(code_.size() - at - 1);
        skips_.clear();
        return passable;
    }
    std::string bytes() const { return {reinterpret_cast<const char*>(code_.data()), code_.size() * sizeof(bpf_insn)}; }

private:
    std::vector<bpf_insn> code_;
    std::vector<std::size_t> skips_;
};

enum : unsigned {
    type_reg = BPF_REG_2,
    access_reg = BPF_REG_3,
    major_reg = BPF_REG_4,
    minor_reg = BPF_REG_5,
    scratch = BPF_REG_6
};

std::int32_t access_bits(const std::string& access) {
    std::int32_t bits = 0;
    for (char c : access)
        bits |= c == 'm' ? BPF_DEVCG_ACC_MKNOD : c == 'r' ? BPF_DEVCG_ACC_READ : c == 'w' ? BPF_DEVCG_ACC_WRITE : 0;
    return bits;
}

} // namespace

std::string device_filter(const std::vector<DeviceRule>& rules) {
    constexpr std::int32_t all = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;
    Assembler a;
    a.load(type_reg, 0); // struct bpf_cgroup_dev_ctx: access_type, major, minor
    a.move(access_reg, type_reg);
    a.op(BPF_AND, type_reg, 0xffff);
    a.op(BPF_RSH, access_reg, 16);
    a.load(major_reg, 4);
    a.load(minor_reg, 8);
    for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
        std::int32_t bits = access_bits(rule->access);
        if (rule->type != 'a')
            a.skip_if(BPF_JNE, type_reg, rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
        if (rule->major) a.skip_if(BPF_JNE, major_reg, static_cast<std::int32_t>(*rule->major));
        if (rule->minor) a.skip_if(BPF_JNE, minor_reg, static_cast<std::int32_t>(*rule->minor));
        if (rule->allow && bits != all) {
            a.move(scratch, access_reg);
            a.op(BPF_AND, scratch, all & ~bits);
            a.skip_if(BPF_JNE, scratch, 0);
        } else if (!rule->allow && bits != all) {
            a.move(scratch, access_reg);
            a.op(BPF_AND, scratch, bits);
            a.skip_if(BPF_JEQ, scratch, 0);
        }
        a.give(rule->allow);
        // The kernel refuses a program with instructions that are never reached.
        if (!a.end_rule()) return a.bytes();
    }
    a.give(true);
    return a.bytes();
}

} // namespace davit::runtime
