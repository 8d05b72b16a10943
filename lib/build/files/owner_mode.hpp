// --chown and --chmod.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace davit::build {

struct Owner {
    uid_t uid = 0;
    gid_t gid = 0;
    bool operator==(const Owner&) const = default;
};

// text: "user", "user:group", ":group"; a lone number is the group as well. Names are looked up in
// /etc/passwd and /etc/group below root; root < 0 (--link): a name is Error(usage). What is not there is 0,
// which is said in warnings. Throws Error(failed) where those files are no regular files, or are huge.
Owner parse_owner(const std::string& text, int root, std::vector<std::string>& warnings);

// A mode as chmod(1) of the BSDs takes it, with a umask of 0.
class ModeChange {
public:
    // Octal up to 07777, or symbols: "u=rwX,go-w"; after "=" a copied class ("u=g") is all that is set. Throws
    // Error(usage).
    explicit ModeChange(const std::string& text);
    mode_t apply(mode_t mode, bool directory) const;
    // Of a directory that is made for the destination: an octal mode without its special bits, else 0755.
    mode_t of_made_directory() const { return octal_ ? *octal_ & 0777 : 0755; }

private:
    struct Change {
        enum class Kind { set, clear, set_if_executable, copy } kind{};
        mode_t bits = 0;    // that are set or cleared; of copy those that it reaches
        unsigned shift = 0; // of copy: where it is from
        bool sets = false, clears = false;
    };
    void add(char action, mode_t who, mode_t bits);
    void add_copy(char from, mode_t who, char action);
    std::size_t read_bits(const std::string& text, std::size_t at, mode_t who);
    static mode_t applied(const Change& change, mode_t mode, bool executable);

    std::optional<mode_t> octal_;
    std::vector<Change> changes_;
    bool assigned_ = false; // while reading: what "=" takes away is gone already
};

} // namespace davit::build
