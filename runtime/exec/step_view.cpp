#include "runtime/exec/step_view.hpp"

#include "runtime/exec/arch.hpp"

#include <cstring>

namespace davit::exec {
namespace {

class Checker {
public:
    Checker(const char* base, std::uint32_t size) noexcept : base_(base), size_(size) {}
    bool ok() const noexcept { return ok_; }

    void operator()(Str s) noexcept {
        if (s.size == 0 && s.at == 0) return;
        if (!inside(s.at, s.size, 1) || !inside(s.at + s.size, 1, 1)) return fail();
        // A NUL inside would make the kernel see another string than the writer meant.
        if (std::memchr(base_ + s.at, 0, std::size_t{s.size} + 1) != base_ + s.at + s.size) fail();
    }
    void operator()(Bytes b) noexcept {
        if (b.size && !inside(b.at, b.size, 8)) fail();
    }
    void operator()(StrList l) noexcept {
        if (l.count == 0) return;
        if (l.count > size_ / sizeof(Str) || !inside(l.at, l.count * std::uint32_t{sizeof(Str)}, 4)) return fail();
        for (std::uint32_t i = 0; i < l.count && ok_; ++i) {
            Str item;
            std::memcpy(&item, base_ + l.at + i * sizeof(Str), sizeof item);
            (*this)(item);
        }
    }

private:
    bool inside(std::uint32_t at, std::uint32_t size, std::uint32_t align) const noexcept {
        return at >= sizeof(StepsHeader) && at <= size_ && size <= size_ - at && at % align == 0;
    }
    void fail() noexcept { ok_ = false; }

    const char* base_;
    std::uint32_t size_;
    bool ok_ = true;
};

// What the types alone do not say.
bool meaningful(const auto&) noexcept { return true; }
bool meaningful(const JoinNamespace& s) noexcept { return s.slot < slot_count; }
bool meaningful(const ExecuteStep& s) noexcept { return s.args.count > 0; }
bool meaningful(const SeccompStep& s) noexcept { return s.filter.size % 8 == 0 && s.filter.size / 8 <= 65535; }
bool meaningful(const DeviceFilter& s) noexcept { return s.cgroup < max_cgroups && s.code.size % 8 == 0; }
bool meaningful(const WriteCgroup& s) noexcept { return s.cgroup < max_cgroups; }

} // namespace

const char* StepView::validate(const void* data, std::size_t size) noexcept {
    const auto* header = static_cast<const StepsHeader*>(data);
    if (size < sizeof(StepsHeader) || size > max_steps_size) return "their size is impossible";
    if (std::memcmp(header->magic, steps_magic, sizeof steps_magic) != 0) return "these are no steps";
    if (header->format != steps_format) return "they are of another version";
    if (header->arch != native_audit_arch) return "it is for another architecture";
    if (header->size != size) return "it is truncated";
    const auto* base = static_cast<const char*>(data);
    Checker check(base, header->size);
    std::size_t at = header->steps_at;
    for (std::uint32_t i = 0; i < header->step_count; ++i) {
        if (at % 8 != 0 || at < sizeof(StepsHeader) || at > size || size - at < sizeof(StepHeader))
            return "a step is outside";
        const auto* head = reinterpret_cast<const StepHeader*>(base + at);
        bool good = dispatch(*head, [&](const auto& step) {
            if (head->size != sizeof step || size - at < sizeof step) return false;
            step.refs(check);
            return check.ok() && meaningful(step);
        });
        if (!good) return "a step is malformed";
        at += head->size;
    }
    data_ = data;
    return nullptr;
}

} // namespace davit::exec
