#include "compose/diagnostics.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <utility>

namespace davit {

namespace {

// The caret under the column; tabs stay, so that it stands right in every terminal.
std::string caret_line(std::string_view line, int column) {
    std::string out;
    for (int i = 0; i + 1 < column; ++i) {
        char c = static_cast<std::size_t>(i) < line.size() ? line[static_cast<std::size_t>(i)] : ' ';
        if ((static_cast<unsigned char>(c) & 0xc0) == 0x80) continue; // columns count bytes, the eye characters
        out += c == '\t' ? '\t' : ' ';
    }
    return out + '^';
}

} // namespace

std::string to_string(const Diagnostic& d) {
    std::string out;
    if (!d.at.file.empty() && d.at.line > 0) out += fmt::format("{}:{}:{}: ", d.at.file, d.at.line, d.at.column);
    else if (!d.at.file.empty()) out += d.at.file + ": ";
    else if (d.severity == Diagnostic::Severity::error) out += "error: "; // nothing else says so
    if (d.severity == Diagnostic::Severity::warning) out += "warning: ";
    if (!d.path.empty()) out += d.path + ": ";
    out += d.message;
    if (!d.source_line.empty() && d.at.column > 0)
        out += fmt::format("\n  {}\n  {}", d.source_line, caret_line(d.source_line, d.at.column));
    if (!d.hint.empty()) out += "\n  hint: " + d.hint;
    return out;
}

namespace {

const Diagnostic& first_error(const std::vector<Diagnostic>& all) {
    auto it = std::find_if(all.begin(), all.end(),
                           [](const Diagnostic& d) { return d.severity == Diagnostic::Severity::error; });
    static const Diagnostic none{.message = "the project is wrong"};
    return it != all.end() ? *it : all.empty() ? none : all.front();
}

std::string summary(const std::vector<Diagnostic>& all) {
    const Diagnostic& first = first_error(all);
    return first.path.empty() ? first.message : first.path + ": " + first.message;
}

// "services.web.ports[0]" is service:web's.
std::string resource_at(std::string_view path) {
    static constexpr std::pair<std::string_view, std::string_view> sections[] = {{"services.", "service:"},
                                                                                 {"networks.", "network:"},
                                                                                 {"volumes.", "volume:"},
                                                                                 {"secrets.", "secret:"},
                                                                                 {"configs.", "config:"}};
    for (const auto& [section, word] : sections) {
        if (!path.starts_with(section)) continue;
        path.remove_prefix(section.size());
        return std::string(word).append(path.substr(0, path.find_first_of(".[")));
    }
    return {};
}

} // namespace

LoadError::LoadError(std::vector<Diagnostic> diagnostics)
    : Error(Errc::invalid_project, summary(diagnostics)),
      diagnostics_(std::make_shared<const std::vector<Diagnostic>>(std::move(diagnostics))) {
    const Diagnostic& first = first_error(*diagnostics_);
    with_at(first.at);
    with_hint(first.hint);
    with_resource(resource_at(first.path));
}

std::string LoadError::describe_all() const {
    std::string out;
    for (const auto& d : *diagnostics_) {
        if (!out.empty()) out += '\n';
        out += to_string(d);
    }
    return out;
}

} // namespace davit

namespace davit::compose {

void Diagnostics::add(Diagnostic::Severity severity, Pos at, std::string_view path, std::string message,
                      std::string hint) {
    add({severity, tree_.where(at), std::string(path), std::move(message), std::move(hint), shown_line(at)});
}

// Nothing for a line that is too long to help.
std::string Diagnostics::shown_line(Pos at) const {
    constexpr std::size_t longest = 160;
    std::string_view line = tree_.line_text(at);
    return line.size() <= longest ? std::string(line) : std::string();
}

void Diagnostics::add(Diagnostic d) {
    if (std::find(items_.begin(), items_.end(), d) != items_.end()) return;
    if (d.severity == Diagnostic::Severity::error) ++errors_;
    items_.push_back(std::move(d));
}

void Diagnostics::place(const Node& root) {
    for (Diagnostic& d : items_) {
        if (d.at.line || d.path.empty()) continue;
        Pos pos = locate(root, d.path);
        if (!pos.line) continue;
        d.at = tree_.where(pos);
        d.source_line = shown_line(pos);
    }
}

bool Diagnostics::any_error(const std::function<bool(std::string_view)>& that) const {
    return std::any_of(items_.begin(), items_.end(),
                       [&](const Diagnostic& d) { return d.severity == Diagnostic::Severity::error && that(d.path); });
}

void Diagnostics::error(Pos at, std::string_view path, std::string message, std::string hint) {
    add(Diagnostic::Severity::error, at, path, std::move(message), std::move(hint));
}

void Diagnostics::warning(Pos at, std::string_view path, std::string message, std::string hint) {
    add(Diagnostic::Severity::warning, at, path, std::move(message), std::move(hint));
}

void Diagnostics::throw_if_errors() {
    if (errors_ == 0) return;
    // In the order of the files, so that they can be worked off from top to bottom.
    std::stable_sort(items_.begin(), items_.end(), [](const Diagnostic& a, const Diagnostic& b) {
        return std::tie(a.at.file, a.at.line, a.at.column) < std::tie(b.at.file, b.at.line, b.at.column);
    });
    errors_ = 0;
    throw LoadError(std::exchange(items_, {}));
}

std::vector<Diagnostic> Diagnostics::take_warnings() { return std::exchange(items_, {}); }

} // namespace davit::compose
