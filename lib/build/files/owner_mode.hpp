// --chown and --chmod.
#pragma once

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

// A mode as chmod(1) takes it, with a umask of 0.
class ModeChange {
public:
    // Octal up to 07777, or symbols: "u=rwX,go-w". Throws Error(usage).
    explicit ModeChange(const std::string& text);
    mode_t apply(mode_t mode, bool directory) const;
    // Of a directory that is made for the destination: an octal mode without its special bits, else 0755.
    mode_t of_made_directory() const { return octal_ ? *octal_ & 0777 : 0755; }

private:
    struct Change {
        mode_t who = 0;  // 0100 user, 0010 group, 0001 others
        char action = 0; // + - =
        mode_t bits = 0; // rwx as 7, for each of who
        bool execute_if_any = false, set_id = false, sticky = false, all = false;
        char copy_from = 0; // u, g, o
    };
    static mode_t applied(const Change& change, mode_t mode, mode_t before, bool directory);

    std::optional<mode_t> octal_;
    std::vector<Change> changes_;
};

} // namespace davit::build
