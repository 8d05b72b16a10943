// The one exception type of davit. Everything that can fail throws davit::Error; ordinary
// outcomes (not there, already gone) are values.
#pragma once

#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

// What a caller can act on. The CLI's exit codes map from it in one table.
enum class Errc {
    usage,           // wrong call: flags, arguments
    invalid_project, // the compose file or its environment is wrong
    not_found,       // a named thing does not exist
    conflict,        // a name, port, subnet or lock is taken
    unsupported,     // this machine or this version cannot do it
    denied,          // permission or credentials
    unavailable,     // a registry, supervisor or device does not answer
    interrupted,     // cancelled by the user
    failed,          // anything else
};

// A place in a file. Lines and columns count from 1; 0 means unknown.
struct SourcePos {
    std::string file;
    int line = 0;
    int column = 0;
    bool operator==(const SourcePos&) const = default;
};

class Error : public std::runtime_error {
public:
    Error(Errc kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}

    Errc kind() const noexcept { return kind_; }
    // errno of the system call that failed; 0 if none did.
    const std::error_code& os() const noexcept { return os_; }
    const SourcePos& at() const noexcept { return at_; }
    // What it is about, with the word of its kind first: "service:web", "container:shop-web-1", "image:nginx:1.22",
    // "network:shop_default", "volume:data". Empty where it is about no one thing.
    const std::string& resource() const noexcept { return resource_; }
    // Innermost first: "setting up /proc", "starting service 'web'".
    const std::vector<std::string>& context() const noexcept { return context_; }
    // What to do about it; may be empty.
    const std::string& hint() const noexcept { return hint_; }
    // The process exit code this failure asks for; 0 lets the kind decide.
    int exit_code() const noexcept { return exit_code_; }

    Error& with_os(std::error_code os) {
        os_ = os;
        return *this;
    }
    Error& with_at(SourcePos at) {
        at_ = std::move(at);
        return *this;
    }
    Error& with_resource(std::string resource) {
        resource_ = std::move(resource);
        return *this;
    }
    Error& with_context(std::string what) {
        context_.push_back(std::move(what));
        return *this;
    }
    Error& with_hint(std::string hint) {
        hint_ = std::move(hint);
        return *this;
    }
    Error& with_exit_code(int code) {
        exit_code_ = code;
        return *this;
    }

    // "file:line:col: message" and one "  while …" line for each context, then "  hint: …".
    std::string describe() const;

private:
    Errc kind_;
    std::error_code os_;
    SourcePos at_;
    std::string resource_;
    std::vector<std::string> context_;
    std::string hint_;
    int exit_code_ = 0;
};

} // namespace davit
#pragma GCC visibility pop
