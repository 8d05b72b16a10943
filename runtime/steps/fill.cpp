#include "runtime/steps/fill.hpp"

#include "base/error.hpp"
#include "runtime/exec/step_view.hpp"

#include <cstring>
#include <exception>
#include <map>

namespace davit::runtime {

namespace {

using Fill = std::function<std::optional<std::string>(std::string_view)>;

// The new texts go behind everything else, and what referred to the old ones refers to them.
class Filler {
public:
    Filler(char* base, std::size_t size, const Fill& fill) : base_(base), size_(size), fill_(fill) {}

    void operator()(const exec::Str& text) { put(text); }
    void operator()(const exec::StrList& list) {
        for (std::uint32_t i = 0; i < list.count; ++i)
            put(*reinterpret_cast<exec::Str*>(base_ + list.at + i * sizeof(exec::Str)));
    }
    void operator()(const exec::Bytes&) {}

    bool ok() const { return !failure_; }
    // What the view's walk, which throws nothing, could not say.
    const std::string& added() const {
        if (failure_) std::rethrow_exception(failure_);
        return added_;
    }

private:
    // The steps lie in bytes of our own, whatever the view calls them.
    void put(const exec::Str& text) {
        if (text.size == 0) return;
        auto [at, fresh] = done_.try_emplace(text.at, text);
        if (fresh) at->second = filled(text);
        const_cast<exec::Str&>(text) = at->second;
    }

    exec::Str filled(const exec::Str& text) {
        try {
            if (failure_) return text;
            const auto with = fill_({base_ + text.at, text.size});
            return with ? add(*with) : text;
        } catch (...) {
            failure_ = std::current_exception();
            return text;
        }
    }

    exec::Str add(const std::string& text) {
        if (text.find('\0') != std::string::npos)
            throw error(Errc::invalid_project, "'{}' contains a NUL byte", text.c_str());
        if (text.empty()) return {0, 0};
        const exec::Str at{static_cast<std::uint32_t>(size_ + added_.size()), static_cast<std::uint32_t>(text.size())};
        added_.append(text).push_back('\0');
        if (size_ + added_.size() > exec::max_steps_size)
            throw error(Errc::invalid_project, "the container's configuration is too large");
        done_.emplace(at.at, at); // met again, it is as it should be
        return at;
    }

    char* base_;
    std::size_t size_;
    const Fill& fill_;
    std::string added_;
    std::exception_ptr failure_;
    std::map<std::uint32_t, exec::Str> done_; // by where the text stood
};

void require_valid(exec::StepView& view, const std::string& steps) {
    if (const char* wrong = view.validate(steps.data(), steps.size()))
        throw error(Errc::failed, "a container's prepared steps are not valid: {}", wrong);
}

} // namespace

std::string fill_steps(std::string steps, const Fill& fill) {
    exec::StepView view;
    require_valid(view, steps);
    Filler filler(steps.data(), steps.size(), fill);
    view.each([&](const auto& step) {
        step.refs(filler);
        return filler.ok();
    });
    steps += filler.added();
    const auto size = static_cast<std::uint32_t>(steps.size());
    std::memcpy(steps.data() + offsetof(exec::StepsHeader, size), &size, sizeof size);
    require_valid(view, steps);
    return steps;
}

} // namespace davit::runtime
