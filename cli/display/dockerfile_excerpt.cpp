#include "cli/display/dockerfile_excerpt.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <regex>
#include <string_view>
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

constexpr std::string_view blanks = " \t";

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = std::min(text.find_first_not_of(blanks), text.size());
    const std::size_t end = text.find_last_not_of(blanks);
    return end == std::string_view::npos ? std::string_view() : text.substr(begin, end + 1 - begin);
}

// A directive stands before anything else.
char escape_of(const std::vector<std::string>& lines) {
    static const std::regex directive("#\\s*([A-Za-z][A-Za-z0-9]*)\\s*=\\s*(\\S+).*");
    for (const std::string& line : lines) {
        std::smatch parts;
        if (line.size() > 200 || !std::regex_match(line, parts, directive)) break;
        std::string name = parts[1];
        std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
        if (name == "escape") return parts[2] == "`" ? '`' : '\\';
    }
    return '\\';
}

// The instruction that begins at line `last` (from 0) without its continuations; last is moved to where they end.
std::string joined(const std::vector<std::string>& lines, std::size_t& last) {
    const char escape = escape_of(lines);
    std::string out;
    for (std::size_t i = last; i < lines.size(); ++i) {
        const std::string_view line = trimmed(lines[i]);
        if (i > last && (line.empty() || line[0] == '#')) continue; // says nothing, wherever it stands
        last = i;
        if (!line.ends_with(escape)) return out += line;
        out += line.substr(0, line.size() - 1);
    }
    return out;
}

struct Heredoc {
    std::string name;
    bool chomps = false; // "<<-": tabs before its end are nothing
    bool ends_at(std::string_view line) const {
        if (chomps) line.remove_prefix(std::min(line.find_first_not_of('\t'), line.size()));
        return line == name;
    }
};

std::vector<Heredoc> heredocs_of(const std::string& instruction) {
    std::vector<Heredoc> out;
    std::string text = instruction.substr(0, 4096); // what names them stands at the beginning
    const auto begins = [&](std::string_view word) {
        return text.size() > word.size() && blanks.find(text[word.size()]) != std::string_view::npos &&
               std::equal(word.begin(), word.end(), text.begin(),
                          [](char a, char b) { return a == std::toupper(static_cast<unsigned char>(b)); });
    };
    if (begins("ONBUILD")) text = std::string(trimmed(std::string_view(text).substr(7)));
    if (!begins("RUN") && !begins("COPY") && !begins("ADD")) return out;
    static const std::regex mark("[ \t][0-9]*<<(-?)[ \t]*([\"']?)([^\\s<>\"']+)\\2(?=\\s|$)");
    for (std::sregex_iterator it(text.begin(), text.end(), mark), end; it != end; ++it)
        out.push_back({(*it)[3], (*it)[1].length() > 0});
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
    if (first <= 0) return first;
    std::size_t last = static_cast<std::size_t>(first - 1); // from 0
    const std::string whole = joined(lines, last);
    for (const Heredoc& heredoc : heredocs_of(whole)) {
        std::size_t end = last + 1;
        while (end < lines.size() && !heredoc.ends_at(lines[end])) ++end;
        if (end < lines.size()) last = end;
    }
    return static_cast<int>(last) + 1;
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
