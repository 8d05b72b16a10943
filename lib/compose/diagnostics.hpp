// Collects what is wrong, so that one run reports every mistake.
#pragma once

#include "davit/load.hpp"
#include "yaml/reporter.hpp"

#include <fmt/format.h>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::compose {

// All passes of the loader work on one tree, and call its parts by their first names.
using yaml::Entry;
using yaml::Kind;
using yaml::Node;
using yaml::Pos;
using yaml::Tag;
using yaml::Tree;

class Diagnostics final : public yaml::Reporter {
public:
    explicit Diagnostics(const Tree& tree) : tree_(tree) {}

    void error(Pos at, std::string_view path, std::string message, std::string hint = {}) override;
    void warning(Pos at, std::string_view path, std::string message, std::string hint = {}) override;
    // Gives those that have a path and no place the place the path has in the tree.
    void place(const Node& root);
    bool any_error(const std::function<bool(std::string_view path)>& that) const;
    void add(Diagnostic);
    std::size_t error_count() const { return errors_; }
    // Throws LoadError with everything found so far if there is an error among it.
    void throw_if_errors();
    std::vector<Diagnostic> take_warnings();

private:
    void add(Diagnostic::Severity, Pos at, std::string_view path, std::string message, std::string hint);

    std::string shown_line(Pos at) const;

    const Tree& tree_;
    std::vector<Diagnostic> items_;
    std::size_t errors_ = 0;
};

// A dotted path that grows and shrinks with a walk: services.web.ports[0].
class Path {
public:
    class Step {
    public:
        Step(Path& path, std::size_t length) : path_(path), length_(length) {}
        Step(const Step&) = delete;
        Step& operator=(const Step&) = delete;
        ~Step() { path_.text_.resize(length_); }

    private:
        Path& path_;
        std::size_t length_;
    };
    Path() = default;
    explicit Path(std::string_view start) : text_(start) {}
    [[nodiscard]] Step key(std::string_view key) {
        std::size_t length = text_.size();
        if (length) text_ += '.';
        text_ += key;
        return {*this, length};
    }
    [[nodiscard]] Step item(std::size_t index) {
        std::size_t length = text_.size();
        fmt::format_to(std::back_inserter(text_), "[{}]", index);
        return {*this, length};
    }
    const std::string& text() const { return text_; }
    operator std::string_view() const { return text_; }

private:
    std::string text_;
};

} // namespace davit::compose
