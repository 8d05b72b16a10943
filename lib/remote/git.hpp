// git as davit needs it: what a name means now, and the files of a commit. The implementation
// (libgit2) lives in a module of its own, davit-git.so, opened on first use.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace davit::remote {

enum class GitFailure { none, not_found, denied, unreachable, other };

struct GitResult {
    GitFailure failure = GitFailure::none;
    std::string text; // the commit, or what went wrong
};

struct GitLogin {
    std::string user, password;
};

// Asked with the repository's URL when its server wants a password; an empty user: there is none.
using GitLogins = std::function<GitLogin(const std::string& url)>;

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

inline constexpr unsigned git_module_abi = 2;
inline constexpr const char* git_module_entry = "davit_git_client";
using GitModuleEntry = GitClient* (*)(unsigned abi, const GitLogins& logins); // null: another ABI

} // namespace davit::remote
