#include "runtime/steps/step_writer.hpp"

#include "base/error.hpp"
#include "runtime/exec/arch.hpp"
#include "runtime/exec/step_view.hpp"

#include <cstring>

namespace davit::runtime {

StepWriter::StepWriter() : data_(sizeof(exec::StepsHeader), '\0') {}

std::uint32_t StepWriter::append(std::string_view data, std::size_t align) {
    data_.resize((data_.size() + align - 1) / align * align);
    auto at = static_cast<std::uint32_t>(data_.size());
    data_.append(data);
    if (data_.size() > exec::max_steps_size / 2)
        throw error(Errc::invalid_project, "the container's configuration is larger than {} MiB",
                    exec::max_steps_size >> 21);
    return at;
}

exec::Str StepWriter::text(std::string_view s) {
    if (s.empty()) return {0, 0};
    if (s.find('\0') != std::string_view::npos)
        throw error(Errc::invalid_project, "'{}' contains a NUL byte", s.substr(0, s.find('\0')));
    auto found = known_.find(s);
    if (found != known_.end()) return found->second;
    exec::Str str{append(s, 1), static_cast<std::uint32_t>(s.size())};
    data_.push_back('\0');
    return known_.emplace(s, str).first->second;
}

exec::StrList StepWriter::list(const std::vector<std::string>& items) {
    std::vector<exec::Str> strings;
    for (const std::string& item : items) strings.push_back(text(item));
    if (strings.empty()) return {0, 0};
    std::string_view raw(reinterpret_cast<const char*>(strings.data()), strings.size() * sizeof(exec::Str));
    return {append(raw, 4), static_cast<std::uint32_t>(strings.size())};
}

exec::Bytes StepWriter::bytes(std::string_view data) {
    if (data.empty()) return {0, 0};
    return {append(data, 8), static_cast<std::uint32_t>(data.size())};
}

std::string StepWriter::finish(exec::StepsKind kind, std::uint32_t flags, std::uint64_t clone_flags, std::uint16_t rows,
                               std::uint16_t columns) {
    exec::StepsHeader head{};
    std::memcpy(head.magic, exec::steps_magic, sizeof head.magic);
    head.format = exec::steps_format;
    head.arch = exec::native_audit_arch;
    head.kind = kind;
    head.flags = flags;
    head.step_count = count_;
    head.steps_at = append(steps_, 8);
    head.clone_flags = clone_flags;
    head.rows = rows;
    head.columns = columns;
    head.size = static_cast<std::uint32_t>(data_.size());
    std::memcpy(data_.data(), &head, sizeof head);
    exec::StepView view;
    if (const char* wrong = view.validate(data_.data(), data_.size()))
        throw error(Errc::failed, "internal error: the steps just made are not valid: {}", wrong);
    return std::move(data_);
}

} // namespace davit::runtime
