// Addresses of repositories that ssh reaches. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::remote {

struct SshPlace {
    std::string user, host, port; // user and port may be empty
    std::string path;             // as the server's shell gets it, unquoted
};
// "ssh://[user@]host[:port]/path" and "[user@]host:path". nullopt: neither, or something in it would be an option.
std::optional<SshPlace> parse_ssh_place(std::string_view url);

// The command, with the words that let nobody be asked.
std::vector<std::string> ssh_command(const SshPlace& place);

// Why ssh has failed, from what it said last.
enum class SshTrouble { unknown_host, changed_host, refused, unreachable, no_repository, other };
SshTrouble trouble_of(std::string_view said);

} // namespace davit::remote
