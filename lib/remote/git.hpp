// git as davit needs it: what a name means now, and the files of a commit. The implementation
// (libgit2) lives in a module of its own, davit-git.so, opened on first use.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace davit::remote {

// unknown_host: ssh does not know the server, or knows it as another.
enum class GitFailure { none, not_found, denied, unknown_host, unreachable, other };

struct GitResult {
    GitFailure failure = GitFailure::none;
    std::string text;          // the commit, or what went wrong
    std::string tag;           // of resolve(): the annotated tag's own id, where the ref is one
    std::int64_t seconds = -1; // of checkout(): when the commit was made, since 1970
};

struct GitLogin {
    std::string user, password;
};

struct GitAccess {
    // Asked with the repository's URL when its server wants a password; an empty user: there is none.
    std::function<GitLogin(const std::string& url)> login;
    // What HTTP servers are sent: the whole line, "Authorization: …"; empty: nothing.
    std::function<std::string(const std::string& url)> header;
    std::string ssh_agent;      // a socket, in the place of the user's own agent
    std::function<bool()> left; // true: what comes is not wanted any more; asked between two pieces
};

// Never throws: exceptions do not cross into another module. Blocks on the network.
class GitClient {
public:
    virtual ~GitClient() = default;
    // ref: a branch, a tag, a full name (refs/…), a commit in full, or empty for HEAD.
    virtual GitResult resolve(const std::string& url, const std::string& ref) = 0;
    // The files of the commit, which ref resolved to, in a directory that does not exist yet. submodules: with the
    // repositories that it holds by name, and theirs; their paths are added. Null: without.
    virtual GitResult checkout(const std::string& url, const std::string& ref, const std::string& commit,
                               const std::string& directory, std::vector<std::string>* submodules) = 0;
};

inline constexpr unsigned git_module_abi = 4;
inline constexpr const char* git_module_entry = "davit_git_client";
using GitModuleEntry = GitClient* (*)(unsigned abi, const GitAccess& access); // null: another ABI

} // namespace davit::remote
