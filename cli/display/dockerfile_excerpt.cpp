#include "cli/display/dockerfile_excerpt.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"

#include <algorithm>
#include <filesystem>
#include <vector>

namespace davit::cli {

namespace {

constexpr char rule[] = "--------------------\n";

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> out(1);
    for (const char c : text)
        if (c == '\n') out.emplace_back();
        else if (c != '\r') out.back() += c;
    return out;
}

} // namespace

// A device or a pipe would give something else the second time.
std::string dockerfile_text(const std::string& path) {
    std::error_code unknown;
    if (!std::filesystem::is_regular_file(path, unknown)) return {};
    try {
        return read_file_if_exists(path).value_or("");
    } catch (const Error&) { // it only decorates another error
        return {};
    }
}

int last_line_of_instruction(const std::string& text, int first) {
    const std::vector<std::string> lines = lines_of(text);
    int last = first;
    while (last > 0 && last < static_cast<int>(lines.size()) &&
           lines[static_cast<std::size_t>(last - 1)].ends_with('\\'))
        ++last;
    return last;
}

std::string dockerfile_excerpt(const std::string& path, const SourcePos& at) {
    if (at.line <= 0 || base_name(path) != base_name(at.file)) return {};
    const std::string text = dockerfile_text(path);
    const std::vector<std::string> lines = lines_of(text);
    const int count = static_cast<int>(lines.size());
    if (at.line > count) return {};
    const auto line = [&](int number) -> const std::string& { return lines[static_cast<std::size_t>(number - 1)]; };
    const int last = last_line_of_instruction(text, at.line), around = last > at.line ? 1 : 2;
    std::string out = fmt::format("{}:{}\n{}", at.file, at.line, rule);
    for (int i = std::max(1, at.line - around); i <= std::min(count, last + around); ++i)
        out += fmt::format("{:4} | {} {}\n", i, i >= at.line && i <= last ? ">>>" : "   ", line(i));
    return printable(out + rule, "\n\t");
}

} // namespace davit::cli
