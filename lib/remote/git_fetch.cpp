#include "remote/git_fetch.hpp"

#include "base/error.hpp"
#include "base/process.hpp"
#include "base/programs.hpp"
#include "base/text_code.hpp"
#include "remote/cache.hpp"
#include "remote/git.hpp"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <unistd.h>

namespace davit::remote {

namespace {

// From git's credential helpers, where git is installed.
GitLogin ask_git(const std::string& url, const std::stop_token& stop) {
    GitLogin out;
    try {
        std::vector<std::string> environment{"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=true"};
        for (char** entry = environ; *entry; ++entry) environment.emplace_back(*entry);
        const Output answer =
            run({{"git", "credential", "fill"}, environment, {}, false, true, ""}, "url=" + url + "\n\n", stop);
        for (std::size_t at = 0; at < answer.out.size();) {
            const std::size_t end = std::min(answer.out.find('\n', at), answer.out.size());
            const std::string line = answer.out.substr(at, end - at);
            if (line.starts_with("username=")) out.user = line.substr(9);
            if (line.starts_with("password=")) out.password = line.substr(9);
            at = end + 1;
        }
    } catch (const Error&) {
        return {}; // no git here
    }
    return out;
}

std::optional<std::string> secret_of(const GitCredentials& given, const std::string& name, const std::string& url,
                                     const std::string& main) {
    const auto place = web_place(url);
    if (!given.secret || !place) return std::nullopt;
    const auto line = [](const std::string& text) { return text.substr(0, text.find_first_of("\r\n")); };
    for (const std::string& host : {place->host, place->host.substr(0, place->host.rfind(':'))})
        if (const auto found = given.secret(name + "." + host)) return line(*found);
    // What is for no host by name goes where the repository is, and not in clear where that is not.
    const auto found = place == web_place(main) ? given.secret(name) : std::nullopt;
    return found ? std::optional(line(*found)) : std::nullopt;
}

// main: the repository that was asked for.
GitAccess access_of(const GitCredentials& given, const std::string& main) {
    GitAccess out;
    out.ssh_agent = given.ssh_agent;
    out.left = [stop = given.stop] { return stop.stop_requested(); };
    out.login = [given, main](const std::string& url) {
        if (const auto token = secret_of(given, "GIT_AUTH_TOKEN", url, main)) return GitLogin{"x-access-token", *token};
        return web_place(url) ? ask_git(url, given.stop) : GitLogin{};
    };
    out.header = [given, main](const std::string& url) {
        const auto header = secret_of(given, "GIT_AUTH_HEADER", url, main);
        return header ? "Authorization: " + *header : "";
    };
    return out;
}

std::unique_ptr<GitClient> make_client(const std::string& url, const GitCredentials& given = {}) {
    static const auto entry = reinterpret_cast<GitModuleEntry>(open_module("davit-git.so", git_module_entry));
    std::unique_ptr<GitClient> client(entry(git_module_abi, access_of(given, url)));
    if (!client)
        throw error(Errc::unsupported, "davit-git.so belongs to another version of davit").with_hint("reinstall davit");
    return client;
}

GitResult or_throw(const GitResult& result, const GitRef& ref, const std::stop_token& stop) {
    if (result.failure != GitFailure::none) heed(stop);
    const std::string url = hide_userinfo(ref.url);
    switch (result.failure) {
    case GitFailure::none: return result;
    case GitFailure::not_found:
        throw error(Errc::not_found, "the git repository {}: {}", url, result.text)
            .with_hint("check the address, and the branch or tag after '#'");
    case GitFailure::denied:
        throw error(Errc::denied, "the git repository {} refuses access: {}", url, result.text)
            .with_hint(
                "give credentials by an ssh agent, a key in ~/.ssh or a git credential helper; to a build by --ssh "
                "default=KEY or --secret id=GIT_AUTH_TOKEN,src=FILE");
    case GitFailure::unknown_host:
        throw error(Errc::denied, "the git repository {}: {}", url, result.text)
            .with_hint("connect once with ssh and compare the fingerprint, or put its keys into ~/.ssh/known_hosts "
                       "(ssh-keyscan HOST, from a network that you trust)");
    case GitFailure::unreachable:
        throw error(Errc::unavailable, "the git repository {} cannot be reached: {}", url, result.text)
            .with_hint("check the address and the network");
    case GitFailure::other: break;
    }
    throw error(Errc::failed, "the git repository {}: {}", url, result.text);
}

} // namespace

GitCommit resolve_git(const GitRef& ref, const GitCredentials& credentials) {
    heed(credentials.stop);
    const GitResult found =
        or_throw(make_client(ref.url, credentials)->resolve(ref.url, ref.ref), ref, credentials.stop);
    return {found.text, found.tag};
}

GitCheckout checkout_git(const GitRef& ref, const std::string& commit, const std::string& directory, bool submodules,
                         const GitCredentials& credentials) {
    GitCheckout out;
    heed(credentials.stop);
    const auto client = make_client(ref.url, credentials);
    auto* const paths = submodules ? &out.submodules : nullptr;
    out.seconds = or_throw(client->checkout(ref.url, ref.ref, commit, directory, paths), ref, credentials.stop).seconds;
    return out;
}

std::string fetch_from_git(const GitRef& ref, const std::string& shown, const std::string& cache,
                           const std::stop_token& stop) {
    heed(stop);
    GitCredentials own;
    own.stop = stop;
    const auto client = make_client(ref.url, own);
    const std::string commit = or_throw(client->resolve(ref.url, ref.ref), ref, stop).text;
    const std::string directory = cached(cache + "/git", commit, [&](const std::string& to) {
        or_throw(client->checkout(ref.url, ref.ref, commit, to, nullptr), ref, stop);
    });
    // A symbolic link in the repository must not lead out of it.
    const std::string top = std::filesystem::canonical(directory).string();
    const auto inside = [&](const std::string& path) {
        std::error_code code;
        const std::string real = std::filesystem::canonical(path, code).string();
        if (code)
            throw error(Errc::not_found, "the git repository {} has no '{}'", hide_userinfo(ref.url), ref.subdirectory)
                .with_hint("what follows #REF: is a directory or a file of the repository");
        if (real != top && !real.starts_with(top + "/"))
            throw error(Errc::denied, "'{}' of the git repository {} leads out of it",
                        ref.subdirectory.empty() ? path.substr(path.rfind('/') + 1) : ref.subdirectory,
                        hide_userinfo(ref.url));
        return path;
    };
    const std::string wanted = inside(ref.subdirectory.empty() ? directory : directory + "/" + ref.subdirectory);
    return std::filesystem::is_directory(wanted) ? inside(compose_file_in(wanted, shown)) : wanted;
}

} // namespace davit::remote
