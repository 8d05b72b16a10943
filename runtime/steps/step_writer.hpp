// Puts steps together: header, then strings and filters, then the steps themselves.
#pragma once

#include "runtime/exec/format.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace davit::runtime {

class StepWriter {
public:
    StepWriter();
    // Throws invalid_project for text with a NUL inside: the kernel would see another string.
    exec::Str text(std::string_view s);
    exec::StrList list(const std::vector<std::string>& items);
    exec::Bytes bytes(std::string_view data); // 8-aligned
    template <typename T>
    void add(T step) {
        step.head = {T::id, 0, sizeof(T)};
        static_assert(sizeof(T) % 8 == 0);
        steps_.append(reinterpret_cast<const char*>(&step), sizeof step);
        ++count_;
    }
    std::string finish(exec::StepsKind kind, std::uint32_t flags, std::uint64_t clone_flags, std::uint16_t rows,
                       std::uint16_t columns);

private:
    std::uint32_t append(std::string_view data, std::size_t align);
    std::string data_, steps_;
    std::uint32_t count_ = 0;
    std::map<std::string, exec::Str, std::less<>> known_;
};

} // namespace davit::runtime
